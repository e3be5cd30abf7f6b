"""A series of runs without processes, files or a clock: fetch, decide, and what is remembered.

Owns one night: what a run does between asking and writing, over a zone of the oracle, its state
taken through JSON each time as the file would. Refuses to judge what a night decides.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from spfwhite.config import loading as config
from spfwhite.config.settings import Config, roots
from spfwhite.dns.answers import Answer, Failed, Question
from spfwhite.networks import EMPTY, Networks
from spfwhite.plan import state
from spfwhite.plan.clock import fitted
from spfwhite.plan.decided import Decided, decide_run, is_dark
from spfwhite.plan.plan import Decision, Plan
from spfwhite.plan.state import State
from spfwhite.report.news import News
from spfwhite.report.report import ProviderReport, Report, provider_report
from spfwhite.sources.crawl import crawl
from spfwhite.sources.hosts import host_names
from spfwhite.sources.memory import Heard, Recall
from spfwhite.spf.reach import address_questions
from spfwhite.tables import write
from spfwhite.wording import DAY
from tests.support.oracle import TEMPFAIL, Zone
from tests.support.zones import Snapshot

START = 1_700_000_000.0
"""When the first night is."""

_OVERLAY = """
defaults = false
[safety] # so wide that one term can meet the limits on growth and size
widest_ipv4 = 12
widest_ipv6 = 28
[providers.model]
domains = ["a.test"]
"""


@cache
def _loaded() -> Config:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "providers.toml"
        file.write_text(_OVERLAY)
        return config.load(file)


def configured(providers: Mapping[str, Iterable[str]], **tables: Mapping[str, Any]) -> Config:
    """The default settings with these providers (name -> domains) and keys (safety={...}, ...)."""
    base = _loaded()
    (model,) = base.providers
    for table, keys in tables.items():
        base = base._replace(**{table: getattr(base, table)._replace(**keys)})
    made = [
        model._replace(name=name, domains=tuple(domains), special_use=base.safety.special_use)
        for name, domains in sorted(providers.items())
    ]
    return base._replace(providers=tuple(made))


def edited(base: Config, name: str, **keys: object) -> Config:
    """A configuration in which one provider has other keys."""
    made = [
        each._replace(**keys) if each.name == name else each  # type: ignore[arg-type]
        for each in base.providers
    ]
    return base._replace(providers=tuple(made))


def records(**texts: str) -> dict[tuple[str, str], tuple[str, ...] | str]:
    """A zone of SPF records: `a="ip4:..."` is `v=spf1 ip4:... -all` at a.test."""
    return {(f"{name}.test", "TXT"): (f"v=spf1 {text} -all",) for name, text in texts.items()}


def failing(zone: Zone, *names: str) -> Zone:
    """The zone with all questions about these names, or about every name of it, failing."""
    chosen = names or tuple({name for name, _ in zone})
    types = ("TXT", "MX", "A", "AAAA")
    return {**zone, **{(name, rrtype): TEMPFAIL for name in chosen for rrtype in types}}


@dataclass(frozen=True, slots=True)
class Night:
    """What one run decided, what the next will know, and the answers that it used."""

    plan: Plan
    state: State
    answers: Mapping[Question, Answer]
    report: Report

    def decision(self, name: str) -> Decision:
        """The decision about a provider."""
        return next(each for each in self.plan.decisions if each.provider.name == name)

    def reported(self, name: str) -> ProviderReport:
        """What is reported of a provider."""
        return self.report.providers[name]


def run(
    config: Config,
    zone: Zone,
    before: State,
    now: float,
    *,
    lifted: Collection[str] = (),
    force: bool = False,
) -> Night:
    """One run; the state stays as it was if the plan is refused."""
    heard = Heard(answers=_asked(config, zone, before, now), whole=True)
    decided = decide_run(config, before, heard, now, accept=lifted, force=force)
    ready = write.prepared(config, decided.plan, Path("-"), "postscreen", now, force=False)
    news = News(before.told, now, config.state.remind_days)
    report, after = _report(decided, news), before
    if not decided.plan.refusals:
        noted = decided._replace(told=news.told)
        after = state.parse(state.dump(write.next_state(ready, noted)))
    return Night(decided.plan, after, decided.answers, report)


def _asked(config: Config, zone: Zone, before: State, now: float) -> dict[Question, Answer]:
    snapshot = Snapshot(zone)

    async def ask(question: Question) -> Answer:
        return snapshot[question]

    recall = Recall(before.known, config, now)
    hosts = [q for name in host_names(config.enabled()) for q in address_questions(name)]
    answers = asyncio.run(
        crawl(
            roots(config.enabled()),
            ask,
            limits=config.limits(),
            deadline=60.0,
            concurrency=512,
            known=recall.offline(),
            read_as=recall.use,
        )
    )
    return {**answers, **{question: snapshot[question] for question in hosts}}


def _report(decided: Decided, news: News) -> Report:
    plan, answers = decided.plan, decided.answers
    dark = is_dark(decided.config, decided.heard)
    return Report(
        started=decided.now,
        path=None,
        outcome="refused" if plan.refusals else "planned",
        providers={
            d.provider.name: provider_report(d, plan, news, dark=dark) for d in plan.decisions
        },
        networks=plan.permitted,
        rejected=plan.rejected,
        before=EMPTY,
        questions=len(decided.heard.answers),
        failed=sum(isinstance(answer, Failed) for answer in answers.values()),
        asked=decided.asked,
        refusals=plan.refusals,
    )


class Nights:
    """Runs one after the other, with the state and the table that they leave."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.now = START
        self.state = State()
        self.table: Networks = EMPTY

    def night(
        self,
        zone: Zone,
        *,
        days: float = 1.0,
        lifted: Collection[str] = (),
        force: bool = False,
    ) -> Night:
        """One run, so many days after the last; it leaves nothing if it is refused."""
        self.now += days * DAY
        before = fitted(self.state, self.now)
        made = run(self.config, zone, before, self.now, lifted=lifted, force=force)
        if not made.plan.refusals:
            self.state, self.table = made.state, made.plan.permitted
        return made

    def texts(self) -> list[str]:
        """The rules of the table."""
        return self.table.texts()
