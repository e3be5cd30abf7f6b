"""The health of each provider, from the state alone.

Owns: one row a provider: status, size, age of its answers, what is wrong, and whether others cover
it wholly. Refuses: the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from spfwhite.dns.answers import Question, Void
from spfwhite.networks import EMPTY, Networks
from spfwhite.plan.last_run import LastRun
from spfwhite.plan.plan import Decision
from spfwhite.report.report import ProviderReport, expired_report, provider_report

ORDER: Final = ("held", "missing", "dead", "incomplete", "stale", "expired", "undecidable", "ok")


@dataclass(frozen=True, slots=True)
class Row:
    """One provider; `newest` and `oldest` are when its answers were seen, None without any.

    `lost` and `gained` are what a held provider would change if it were accepted.
    """

    report: ProviderReport
    status: str
    newest: float | None
    oldest: float | None
    redundant: bool
    lost: Networks = EMPTY
    gained: Networks = EMPTY


def rows(run: LastRun) -> list[Row]:
    """Return a row for each enabled or expired provider, trouble first."""
    decisions = run.plan.decisions
    # what a reject provider names makes no allow provider redundant
    redundant = _redundant(
        [each.networks if each.provider.action == "permit" else EMPTY for each in decisions]
    )
    found = [
        _row(run, each, redundant=extra) for each, extra in zip(decisions, redundant, strict=True)
    ]
    present = {decision.provider.name for decision in decisions}
    today = datetime.fromtimestamp(run.now, UTC).date()
    for provider in run.config.providers:
        if provider.expires and provider.expires < today and provider.name not in present:
            report = expired_report(provider, EMPTY)
            found.append(Row(report, "expired", None, None, redundant=False))
    return sorted(found, key=lambda row: (ORDER.index(row.status), row.report.name))


def _row(run: LastRun, decision: Decision, *, redundant: bool) -> Row:
    known = run.state.known
    seen = [known[q].seen for q in decision.candidate.questions if q in known]
    held = decision.status == "held"
    passed = decision.candidate.passed
    return Row(
        provider_report(decision),
        "dead" if decision.status == "missing" and _is_dead(run, decision) else decision.status,
        max(seen, default=None),
        min(seen, default=None),
        redundant=redundant and not held,
        lost=decision.passed - passed if held else EMPTY,
        gained=passed - decision.passed if held else EMPTY,
    )


def _is_dead(run: LastRun, decision: Decision) -> bool:
    """Whether no domain of a provider exists any more."""
    entries = [run.state.known.get(Question(name, "TXT")) for name in decision.provider.domains]
    gone = [entry is not None and entry.answer == Void("NXDOMAIN") for entry in entries]
    return bool(gone) and all(gone)


def _redundant(sets: Sequence[Networks]) -> list[bool]:
    """Return, for each set, whether every address of it is in another one too."""
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
