"""What a run found and did, as values: the one source of what people and machines read.

Owns: the types of a report and the exit code. Refuses: to format (`spfwhite.report.text`,
`spfwhite.report.as_json`) and to decide (`spfwhite.plan.plan`).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, NamedTuple

from spfwhite.config.settings import Action, FormatName, Provider
from spfwhite.dns.answers import Question
from spfwhite.errors import Exit
from spfwhite.networks import EMPTY, Networks
from spfwhite.plan.plan import Decision, Plan, Status
from spfwhite.plan.rails import amounts
from spfwhite.report.causes import causes
from spfwhite.report.news import News
from spfwhite.sources.memory import Stale
from spfwhite.spf.result import Problem

Outcome = Literal["written", "current", "planned", "refused"]

DEGRADED: Final = ("held", "missing", "incomplete", "stale")
"""The statuses of a provider in trouble, the last one after 48 hours."""


class ProviderReport(NamedTuple):
    """One provider in one run.

    `degraded`: it is in trouble, `since` then (None: it is not); `is_news`: this run is to say so.
    `action` tells on which table it is, `networks` is what it contributes; `added` and `removed`
    compare with the run before, `lost` and `gained` are what a held one would change if it were
    accepted; `holds` are phrases, each with the number, the limit and its key; `causes` sentences
    on what the trouble comes from, by record or question; `stale` is the oldest answer from memory;
    `left_out` says that most of it is too wide, or is on the other table; `dark`: DNS gave nothing
    at all in that run.
    """

    name: str
    action: Action
    status: Status
    degraded: bool
    since: float | None = None
    is_news: bool = False
    networks: Networks = EMPTY
    added: Networks = EMPTY
    removed: Networks = EMPTY
    lost: Networks = EMPTY
    gained: Networks = EMPTY
    problems: tuple[Problem, ...] = ()
    holds: tuple[str, ...] = ()
    causes: Mapping[str, str] = {}
    stale: tuple[Question, Stale] | None = None
    notice: str = ""
    left_out: str = ""
    dark: bool = False


class TableReport(NamedTuple):
    """A table beside the two of postscreen; `changed` tells whether its file holds other rules."""

    path: Path
    format: FormatName
    networks: Networks
    changed: bool


class Report(NamedTuple):
    """One run of `generate`; `started` in seconds since the epoch.

    `providers` has, by name, those that are on and those whose last day is over. `path` is where
    the allow table goes (None: nowhere), `networks` what it holds, `before` what it held, `table`
    its octets, `tables` are those of `[[output.tables]]`. `refusals` are sentences, each with the
    number, the limit, the key and the flag that writes it, `movers` what the providers behind them
    would lose and gain; `notices` are news that change no exit code, but for the `known`.
    `duration` is in seconds, `last_success` when a run before this one wrote the state, `asked`
    when all providers were last asked for. `verified`: postmap loaded the tables before they took
    their places; `dark` says why the DNS gave nothing at all ("" if it did), `unfinished`
    what failed after that, `reloaded` what came of a reload ("": none was due), `not_reloaded` why
    Postfix did not load them; `unread`: no reload was asked for, and postscreen names a table that
    was replaced.
    """

    started: float
    path: Path | None
    outcome: Outcome
    providers: Mapping[str, ProviderReport]
    networks: Networks
    rejected: Networks
    before: Networks
    questions: int
    failed: int
    table: bytes = b""
    verified: bool = False
    duration: float = 0.0
    last_success: float = 0.0
    asked: float = 0.0
    dark: str = ""
    refusals: tuple[str, ...] = ()
    movers: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    reloaded: str = ""
    not_reloaded: str = ""
    unfinished: tuple[str, ...] = ()
    unread: bool = False
    tables: tuple[TableReport, ...] = ()

    @property
    def added(self) -> Networks:
        """What the table gains, or would if the run were not refused."""
        return self.networks - self.before

    @property
    def removed(self) -> Networks:
        """What the table loses, or would if the run were not refused."""
        return self.before - self.networks

    @property
    def in_place(self) -> bool:
        """Whether the tables are, so that no exit code may say that they were not touched."""
        return self.outcome in ("written", "current")

    @property
    def has_news(self) -> bool:
        """Whether somebody should read this even if the exit code is 0."""
        told = (provider.notice or provider.is_news for provider in self.providers.values())
        return bool(set(self.notices) - set(self.known)) or any(told)

    @property
    def exit_code(self) -> Exit:
        """The code that the README lists, the first that applies of 4, 5, 3, 0."""
        if self.refusals:
            return Exit.REFUSED
        if self.not_reloaded:
            return Exit.NOT_RELOADED
        if self.unfinished or any(p.degraded and p.is_news for p in self.providers.values()):
            return Exit.DEGRADED
        return Exit.OK


def expired_report(provider: Provider, removed: Networks) -> ProviderReport:
    """Return the report of a provider that has expired; `removed` is what goes with it."""
    report = ProviderReport(provider.name, provider.action, "expired", degraded=False)
    notice = f"its last day was {provider.expires} ({provider.defined_in})" if removed else ""
    return report._replace(removed=removed, notice=notice)


def provider_report(
    decision: Decision, plan: Plan, news: News, *, dark: bool = False
) -> ProviderReport:
    """Return the report of one provider, and note its trouble for the next run.

    `dark`: DNS gave nothing at all in this run, which is what the trouble of all comes from.
    """
    name, status, shared = decision.provider.name, decision.status, causes(decision, news.now)
    dark = dark and status in DEGRADED
    shared = {"DNS": "DNS gave no answer at all"} if dark else shared
    since, is_news = None, False
    if decision.degraded or status == "empty":
        about = [*shared, *(h.kind for h in decision.holds), *decision.candidate.empty_domains]
        since, is_news = news.tell(name, status, about, dark=dark)
    is_held, passed = status == "held", decision.candidate.passed
    left_out, networks = decision.candidate.left_out, decision.networks
    if decision.provider.action == "reject" and (allowed := networks - plan.rejected):
        left_out = (
            f"{amounts(allowed)} of it belong to allowed providers, which win over its records"
        )
        networks -= allowed
    return ProviderReport(
        name=name,
        action=decision.provider.action,
        status=status,
        degraded=decision.degraded,
        since=since,
        is_news=is_news,
        networks=networks,
        added=decision.passed - decision.earlier,
        removed=decision.earlier - decision.passed,
        lost=decision.passed - passed if is_held else EMPTY,
        gained=passed - decision.passed if is_held else EMPTY,
        problems=decision.candidate.problems,
        holds=tuple(hold.phrase for hold in decision.holds),
        causes=shared,
        stale=min(decision.stale.items(), key=lambda each: (each[1].seen, each[0]), default=None),
        # once: in a run that changes what is listed of it
        notice=decision.notice or (left_out if decision.passed != decision.earlier else ""),
        left_out=left_out,
        dark=dark,
    )
