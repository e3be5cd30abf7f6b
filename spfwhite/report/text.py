"""What people read: the report of a run and the problems of a domain, as plain text.

Owns: wording, order and escaping on a terminal. Text that came from the DNS is shown with all but
printable ASCII as a backslash and three digits, cut at 200 characters. Refuses: to decide anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from spfwhite.report.report import Outcome, ProviderReport, Report
from spfwhite.spf.result import Problem
from spfwhite.wording import clipped, counts, few, printable, span

MAX_PARAGRAPHS = 3
"""Providers of one status that a summary explains one by one, so that it fits a screen."""

MAX_REASONS = 2
"""Reasons that a summary gives for the status of one provider; `-v` gives all."""

MAX_NAMES = 12
"""Providers that share a trouble and are named; `-v` names all."""

OUTCOMES: Final[dict[Outcome, str]] = {
    "written": "written",
    "current": "unchanged",
    "planned": "not written",
    "refused": "refused, not touched",
}


def problem(fault: Problem) -> str:
    """Return a problem as one line."""
    term = f" {clipped(fault.term)}:" if fault.term else ""
    widens = " (widens the list: it could have denied something)" if fault.widens else ""
    return f"{fault.kind}: {clipped(fault.domain)}:{term} {clipped(fault.detail)}{widens}"


def summary(report: Report, *, verbose: bool) -> Iterator[str]:
    """Yield the lines of a run: what became of the table, what changed, what is wrong."""
    where = report.path or "the table"
    yield f"{where}: {OUTCOMES[report.outcome]}: {counts(report.networks)}"
    if report.before and report.added:
        yield f"  added   {counts(report.added)}"
    if report.removed:
        yield f"  removed {counts(report.removed)}"
    if report.rejected:
        yield f"  reject table: {counts(report.rejected)}"
    for table in report.tables:
        written = "written" if table.changed else "unchanged"
        done = {"planned": "not written", "refused": "not touched"}.get(report.outcome, written)
        yield f"  {table.path} ({table.format}): {done}: {counts(table.networks)}"
    if verbose and not report.verified and report.in_place:
        yield "  not verified: no Postfix on this machine, or postfix.verify is off"
    yield from troubles(report, verbose=verbose)


def troubles(report: Report, *, verbose: bool, quiet: bool = False) -> Iterator[str]:
    """Yield what an administrator has to know: degraded providers first, refusals last.

    `quiet`: only what he has to act on.
    """
    yield from (printable(notice) for notice in report.notices)
    providers = report.providers.values()
    urgent = [provider for provider in providers if provider.degraded or provider.notice]
    by_status: dict[str, list[ProviderReport]] = {}
    for provider in urgent:
        by_status.setdefault(provider.status, []).append(provider)
    for status, alike in by_status.items():
        if len(alike) > MAX_PARAGRAPHS and not verbose:
            names = few([provider.name for provider in alike], MAX_NAMES)
            yield f"{status}: {len(alike)} providers; -v says why: {names}"
        else:
            for provider in alike:
                yield from _provider(report, provider, verbose=verbose)
    if not quiet:
        yield from _faults(report, urgent, verbose=verbose)
    if report.not_reloaded:
        yield f"Postfix did not reload: {clipped(report.not_reloaded)}; the table is written"
    yield from (f"in place, but not all is done: {printable(each)}" for each in report.unfinished)
    for refusal in report.refusals:
        yield f"refused: {refusal}"


def _faults(report: Report, told: list[ProviderReport], *, verbose: bool) -> Iterator[str]:
    """Explain what else is not in order, or say that there is something."""
    untold = [provider for provider in report.providers.values() if provider not in told]
    others = [provider for provider in untold if provider.problems or provider.stale]
    if verbose:
        for provider in others:
            yield from _provider(report, provider, verbose=True)
    elif others:
        more = " more" if told else ""
        who = f"1{more} provider has" if len(others) == 1 else f"{len(others)}{more} providers have"
        yield f"{who} faults or stale answers; -v lists them"


def _provider(report: Report, provider: ProviderReport, *, verbose: bool) -> Iterator[str]:
    listed = counts(provider.networks) if provider.networks else "nothing listed"
    yield f"{provider.name}: {provider.status}: {listed}"
    reasons = list(_reasons(report, provider))
    shown = len(reasons) if verbose else MAX_REASONS
    yield from reasons[:shown]
    if shown < len(reasons):
        yield f"  and {len(reasons) - shown} more; -v lists them"


def _reasons(report: Report, provider: ProviderReport) -> Iterator[str]:
    if provider.notice:
        yield f"  {clipped(provider.notice)}"
    for hold in provider.holds:
        yield f"  held: {clipped(hold)}"
    if provider.stale:
        age = span(report.started - provider.stale.seen)
        yield f"  stale: answers of {age} ago are used: {clipped(provider.stale.reason)}"
    for fault in provider.problems:
        yield f"  {problem(fault)}"


def difference(report: Report) -> list[str]:
    """Return what the table loses and gains, a line a network, as diff(1) marks them."""
    removed = [f"-{text}" for text in report.removed.texts()]
    return removed + [f"+{text}" for text in report.added.texts()]
