"""The health of each provider, from the state alone.

Owns: one row a provider: status, size, age of its answers, what is wrong, and whether others cover
it wholly. Refuses: the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from spfwhite.networks import EMPTY, Networks
from spfwhite.plan.last_run import LastRun
from spfwhite.plan.plan import Decision
from spfwhite.report.news import News
from spfwhite.report.report import ProviderReport, expired_report, provider_report

ORDER: Final = ("held", "missing", "incomplete", "stale", "expired", "empty", "undecidable", "ok")
"""Trouble first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One provider; `newest` and `oldest` are when its answers were seen, None without any.

    `redundant`: other providers list all that it does.
    """

    report: ProviderReport
    newest: float | None = None
    oldest: float | None = None
    redundant: bool = False


def rows(run: LastRun) -> list[Row]:
    """Return a row for each enabled or expired provider, trouble first."""
    decisions = run.plan.decisions
    # what a reject provider names makes no allow provider redundant
    redundant = _redundant(
        [d.networks if d.provider.action == "permit" else EMPTY for d in decisions]
    )
    news = News(run.state.told, run.state.written, run.config.state.remind_days)
    table = [
        _row(run, decision, provider_report(decision, news), redundant=others_list_it)
        for decision, others_list_it in zip(decisions, redundant, strict=True)
    ]
    present = {decision.provider.name for decision in decisions}
    today = datetime.fromtimestamp(run.now, UTC).date()
    table += [
        Row(report=expired_report(provider, EMPTY))
        for provider in run.config.providers
        if provider.expires and provider.expires < today and provider.name not in present
    ]
    return sorted(table, key=lambda row: (ORDER.index(row.report.status), row.report.name))


def _row(run: LastRun, decision: Decision, report: ProviderReport, *, redundant: bool) -> Row:
    known = run.state.known
    seen = [known[q].seen for q in decision.candidate.questions if q in known]
    return Row(
        report=report,
        newest=max(seen, default=None),
        oldest=min(seen, default=None),
        redundant=redundant and report.status != "held",
    )


def _redundant(sets: Sequence[Networks]) -> list[bool]:
    """Return, for each set, whether every address of it is in another one too.

    A sweep over the ends of all ranges: an owner that is ever alone is not redundant.
    """
    alone: set[int] = set()
    for version in (4, 6):
        events: list[tuple[int, int, int]] = []
        for owner, networks in enumerate(sets):
            for low, high in networks.ranges(version):
                events += [(low, 1, owner), (high + 1, 0, owner)]
        active: set[int] = set()
        before = 0
        for at, starts, owner in sorted(events):
            if at > before and len(active) == 1:
                alone |= active
            active = active | {owner} if starts else active - {owner}
            before = at
    return [bool(networks) and owner not in alone for owner, networks in enumerate(sets)]
