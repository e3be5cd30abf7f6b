"""What people read: the report of a run and the problems of a domain, as plain text.

Owns: wording, order and escaping on a terminal. Text that came from the DNS is shown with all but
printable ASCII as a backslash and three digits, cut at 200 characters. Refuses: to decide anything.
"""

from __future__ import annotations

from collections.abc import Iterator

from spfwhite.networks import Networks
from spfwhite.report import ProviderReport, Report
from spfwhite.rules import clipped
from spfwhite.trail import Problem

MAX_PROBLEMS = 5
"""Problems of one provider that a summary shows; `-v` shows all."""


def counts(networks: Networks) -> str:
    """Return how many networks and addresses a set has, both families."""
    v4, v6 = (sum(1 for _ in networks.cidrs(version)) for version in (4, 6))
    return (
        f"{v4:,} IPv4 networks ({networks.size(4):,} addresses), "
        f"{v6:,} IPv6 networks ({networks.blocks64():,} /64s)"
    )


def problem(found: Problem) -> str:
    """Return a problem as one line."""
    term = f" {clipped(found.term)}:" if found.term else ""
    widens = " (widens the list: it could have denied something)" if found.widens else ""
    return f"{found.kind}: {clipped(found.domain)}:{term} {clipped(found.detail)}{widens}"


def summary(report: Report, *, verbose: bool) -> Iterator[str]:
    """Yield the lines of a run: what became of the table, what changed, what is wrong."""
    where = report.path or "the table"
    heads = {
        "written": f"{where}: written",
        "current": f"{where}: unchanged",
        "planned": f"{where}: not written",
        "refused": f"{where}: refused, not touched",
    }
    yield f"{heads[report.outcome]}: {counts(report.networks)}"
    if report.before and not report.refusals:
        yield f"  added   {counts(report.added)}"
        yield f"  removed {counts(report.removed)}"
    yield from troubles(report, verbose=verbose)


def troubles(report: Report, *, verbose: bool) -> Iterator[str]:
    """Yield what an administrator has to know: degraded providers first, then refusals."""
    shown = [p for p in report.providers if p.problems and (verbose or p.degraded)]
    for provider in sorted(shown, key=lambda provider: not provider.degraded):
        yield from _provider(provider, verbose=verbose)
    for refusal in report.refusals:
        yield f"refused: {refusal}"
    quiet = sum(1 for p in report.providers if p.problems and not p.degraded)
    if quiet and not verbose:
        yield f"{quiet} more providers have faults in their records; -v lists them"


def _provider(provider: ProviderReport, *, verbose: bool) -> Iterator[str]:
    yield f"{provider.name}: {provider.status}: {counts(provider.networks)}"
    limit = len(provider.problems) if verbose else MAX_PROBLEMS
    for found in provider.problems[:limit]:
        yield f"  {problem(found)}"
    if len(provider.problems) > limit:
        yield f"  and {len(provider.problems) - limit} more; -v lists them"


def difference(report: Report) -> list[str]:
    """Return what the table loses and gains, a line a network, as diff(1) marks them."""
    removed = [f"-{text}" for text in report.removed.texts()]
    return removed + [f"+{text}" for text in report.added.texts()]
