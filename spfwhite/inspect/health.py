"""The health of each provider, from the state alone.

Owns: one row a provider: status, size, age of its answers, what is wrong, and whether others cover
it wholly. Refuses: the network.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from spfwhite.dns.answers import Question, Void
from spfwhite.networks import EMPTY, Networks
from spfwhite.plan.last_run import LastRun
from spfwhite.plan.plan import Decision
from spfwhite.report.as_json import counts, problem_json, time_text
from spfwhite.report.report import ProviderReport, expired_report, provider_report
from spfwhite.report.text import problem
from spfwhite.wording import clipped, few, span

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


def lines(found: list[Row], now: float, program: str) -> Iterator[str]:
    """Yield a line a provider, with what to do below those in trouble.

    `program` is how the command to copy begins, the configuration included.
    """
    if not found:
        yield "no provider is enabled"
        return
    width = max(len(row.report.name) for row in found)
    yield f"{'status':11} {'provider':{width}} {'nets':>5} {'IPv4':>9} {'/64s':>7}  last answers"
    for row in found:
        sizes = counts(row.report.networks)
        nets = sizes["ipv4_networks"] + sizes["ipv6_networks"]
        v4, v6 = _short(sizes["ipv4_addresses"]), _short(sizes["ipv6_64s"])
        head = f"{row.status:11} {row.report.name:{width}} {nets:5} {v4:>9} {v6:>7}"
        yield f"{head}  {_ages(row, now)}{_remarks(row)}"
        if row.status not in ("ok", "undecidable"):
            yield from _details(row, now, program)


def _short(number: int) -> str:
    """Return a number in millions where its digits would not fit 80 columns."""
    return f"{number // 1_000_000:,}M" if number >= 10_000_000 else f"{number:,}"


def _ages(row: Row, now: float) -> str:
    """Return how long ago the newest and the oldest answer came: 26h, 26h-3d."""
    if row.newest is None or row.oldest is None:
        return "-"
    newest, oldest = _age(now - row.newest), _age(now - row.oldest)
    return newest if newest == oldest else f"{newest}-{oldest}"


def _age(seconds: float) -> str:
    number, unit = span(seconds).split()
    return number + unit[0]


def _remarks(row: Row) -> str:
    faults = len(row.report.problems)
    parts = [f"{faults} faults" if faults > 1 else "1 fault" if faults else ""]
    parts.append("redundant" if row.redundant else "")
    return "".join(f", {part}" for part in parts if part)


def _details(row: Row, now: float, program: str) -> Iterator[str]:
    if row.report.stale:
        yield f"  not answered for {span(now - row.report.stale.seen)}, remembered answers are used"
    for hold in row.report.holds:
        yield f"  {clipped(hold)}"
    for sign, networks in (("-", row.lost), ("+", row.gained)):
        if networks:
            yield f"  {sign} {few(networks.texts(), 3)}"
    if row.status == "held":
        yield "  to take it over:"
        yield f"    {accept(row, program)}"
    for found in row.report.problems[:3]:
        yield f"  {problem(found)}"
    if len(row.report.problems) > 3:
        yield f"  and {len(row.report.problems) - 3} more; --format json has them"


def accept(row: Row, program: str) -> str:
    """Return the command that takes over what a held provider passes now."""
    return f"{program} generate --accept {row.report.name}"


def as_json(row: Row, program: str) -> dict[str, Any]:
    """Return a row as a JSON object."""
    report = row.report
    held = row.status == "held"
    return {
        "name": report.name,
        "status": row.status,
        "degraded": report.degraded,
        "counts": counts(report.networks),
        "newest_answer": None if row.newest is None else time_text(row.newest),
        "oldest_answer": None if row.oldest is None else time_text(row.oldest),
        "redundant": row.redundant,
        "holds": list(report.holds),
        "lost": row.lost.texts(),
        "gained": row.gained.texts(),
        "accept": accept(row, program) if held else None,
        "problems": [problem_json(each) for each in report.problems],
    }
