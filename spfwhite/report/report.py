"""What a run found and did, as values: the one source of what people and machines read.

Owns: the types of a report and the exit code. Refuses: to format (`spfwhite.report.text`,
`spfwhite.report.as_json`) and to decide (`spfwhite.plan.plan`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from spfwhite.config.settings import FormatName, Provider
from spfwhite.dns.answers import Answers, Question, Void
from spfwhite.errors import Exit
from spfwhite.networks import EMPTY, Networks
from spfwhite.plan.plan import Decision, Status
from spfwhite.sources.memory import Stale
from spfwhite.spf.result import Problem

Outcome = Literal["written", "current", "planned", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderReport:
    """One provider in one run.

    `networks` is what it contributes; `added` and `removed` compare with the run before; `holds`
    are sentences, each with the number, the limit, its key and the flag that lifts it; `stale` is
    the question that has been answered from memory for longest; `left_out` says that most
    of it is too wide.
    """

    name: str
    status: Status
    degraded: bool
    networks: Networks = EMPTY
    added: Networks = EMPTY
    removed: Networks = EMPTY
    problems: tuple[Problem, ...] = ()
    holds: tuple[str, ...] = ()
    stale: Stale | None = None
    notice: str
    left_out: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableReport:
    """A table beside the two of postscreen; `changed` tells whether its file holds other rules."""

    path: Path
    format: FormatName
    networks: Networks
    changed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One run of `generate`; `started` in seconds since the epoch.

    `providers` has, by name, those that are on and those whose last day is over. `path` is where
    the allow table goes (None: nowhere), `networks` what it holds, `before` what it held, `table`
    its octets. `refusals` are sentences, each with the number, the limit, the configuration key
    and the flag that lets it pass; `notices` are news that change no exit code;
    `duration` is in seconds, `last_success` when a run before this one wrote the state, `asked`
    when all providers were last asked for, `questions` how many questions this run asked;
    `verified` tells whether postmap loaded the tables before they took their places;
    `not_reloaded` why Postfix did not; `unfinished` are sentences on what failed once a table was
    in place;
    `unread` that a reload was not asked for, and postscreen names a table that was replaced;
    `tables` are those of `[[output.tables]]`.
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
    table: bytes = field(default=b"", repr=False)
    verified: bool = False
    duration: float = 0.0
    last_success: float = 0.0
    asked: float = 0.0
    refusals: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    not_reloaded: str = ""
    unfinished: tuple[str, ...] = ()
    unread: bool = False
    tables: tuple[TableReport, ...] = ()

    @property
    def added(self) -> Networks:
        """What the table gains."""
        return self.networks - self.before if not self.refusals else EMPTY

    @property
    def removed(self) -> Networks:
        """What the table loses."""
        return self.before - self.networks if not self.refusals else EMPTY

    @property
    def in_place(self) -> bool:
        """Whether the tables are, so that no exit code may say that they were not touched."""
        return self.outcome in ("written", "current")

    @property
    def has_news(self) -> bool:
        """Whether somebody should read this even if the exit code is 0."""
        return bool(self.notices) or any(provider.notice for provider in self.providers.values())

    @property
    def exit_code(self) -> Exit:
        """The code that the README lists, the first that applies of 4, 5, 3, 0."""
        if self.refusals:
            return Exit.REFUSED
        if self.not_reloaded:
            return Exit.NOT_RELOADED
        if self.unfinished or any(provider.degraded for provider in self.providers.values()):
            return Exit.DEGRADED
        return Exit.OK


def expired_report(provider: Provider, removed: Networks) -> ProviderReport:
    """Return the report of a provider that has expired; `removed` is what goes with it."""
    return ProviderReport(
        name=provider.name,
        status="expired",
        degraded=False,
        removed=removed,
        notice=f"its last day was {provider.expires} ({provider.defined_in})" if removed else "",
    )


def provider_report(decision: Decision, answers: Answers) -> ProviderReport:
    """Return the report of one provider, decided from `answers`."""
    name, left_out = decision.provider.name, decision.candidate.left_out
    return ProviderReport(
        name=name,
        status=_status(decision, answers),
        degraded=decision.degraded,
        networks=decision.networks,
        added=decision.passed - decision.earlier,
        removed=decision.earlier - decision.passed,
        problems=decision.candidate.problems,
        holds=tuple(f"{hold.phrase}; --accept {name} lets it pass" for hold in decision.holds),
        stale=min(decision.stale.values(), key=lambda stale: stale.seen, default=None),
        # once: in a run that changes what is listed of it
        notice=decision.notice or (left_out if decision.passed != decision.earlier else ""),
        left_out=left_out,
    )


def _status(decision: Decision, answers: Answers) -> Status:
    """Return what the plan says, or that a missing provider is dead: none of its domains exists."""
    records = [answers.get(Question(domain, "TXT")) for domain in decision.provider.domains]
    is_dead = bool(records) and all(record == Void("NXDOMAIN") for record in records)
    return "dead" if decision.status == "missing" and is_dead else decision.status
