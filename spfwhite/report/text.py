"""What people read: the report of a run and the problems of a domain, as plain text.

Owns: wording and order; all text that came from elsewhere goes through `spfwhite.wording`.
Refuses: to decide anything.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from shlex import quote
from typing import Final

from spfwhite.networks import Networks
from spfwhite.plan.past import Change
from spfwhite.plan.plan import Status
from spfwhite.plan.rails import amounts
from spfwhite.report.causes import unanswered
from spfwhite.report.report import Outcome, ProviderReport, Report
from spfwhite.spf.result import Problem
from spfwhite.wording import clipped, counts, cut, few, many, printable, span, with_program

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
    "refused": "refused, stays as it is",
}

TO_DO: Final[Mapping[Status, str]] = {
    "held": "if the change is meant: {accept}",
    "missing": "wait some days; if nothing of it is left: {off}",
    "empty": "it lists no address; nothing to do, or {off}",
    "incomplete": "{program} show {domain} names the record",
    "stale": "look at the name server",
    "expired": "give it another `expires` in its file, or {off}",
}
"""What to do about a provider, as the README's table has it."""


def problem(fault: Problem) -> str:
    """Return a problem as one line."""
    widens = " (widens the list: it could have denied something)" if fault.widens else ""
    return ": ".join([fault.kind, *map(clipped, fault.parts)]) + widens


def summary(
    report: Report, *, verbose: bool, quiet: bool = False, program: str = "spfwhite"
) -> Iterator[str]:
    """Yield the lines of a run: what concerns all, the tables, what is wrong, refusals last.

    `quiet`: only what is new and has to be acted on. `program` is how a command to copy begins.
    """
    known = set(report.known if quiet else ())
    if report.exit_code:
        known.discard(report.dark)  # which is what the code comes from
    for notice in report.notices:
        if notice not in known:
            yield with_program(printable(notice), program)
    if not quiet:
        yield from _tables(report, verbose=verbose)
    every = report.providers.values()
    # what is dark is said for all
    unheard = bool(report.refusals and report.before)  # of whom the list has, nobody is empty
    news = [
        p
        for p in every
        if p.is_news
        and not (report.dark and (p.degraded or report.refusals))
        and not (unheard and p.status == "empty")
    ]
    told = [p for p in every if p in news or p.notice or (verbose and p.degraded)]
    yield from _troubles(report, told, program, verbose=verbose)
    asked_all = report.asked == report.started  # or what others have is none of its business
    if verbose or not (quiet or report.dark or not asked_all):
        yield from _faults(report, told, program, verbose=verbose)
    if report.reloaded and not quiet:
        yield report.reloaded
    if report.not_reloaded:
        yield f"Postfix did not reload: {clipped(report.not_reloaded)}; the table is written"
    yield from (f"in place, but not all is done: {printable(each)}" for each in report.unfinished)
    for refusal in report.refusals:
        yield f"refused: {with_program(printable(refusal), program)}"
    yield from (f"  {mover}" for mover in report.movers)


def _tables(report: Report, *, verbose: bool) -> Iterator[str]:
    is_refused = report.outcome == "refused"
    holds, would = (report.before, "would have ") if is_refused else (report.networks, "")
    size = f": {counts(holds)}" if holds or not is_refused else ""
    yield f"{report.path or 'the table'}: {OUTCOMES[report.outcome]}{size}"
    if report.before and report.added:
        yield f"  {would}added   {counts(report.added)}"
    if report.removed:
        yield f"  {would}removed {counts(report.removed)}"
    if verbose and report.before and report.in_place:
        yield from (f"    {line}" for line in difference(report))
    if report.rejected and not is_refused:
        yield f"  reject table: {counts(report.rejected)}"
    for table in report.tables:
        written = "written" if table.changed else "unchanged"
        done = written if report.in_place else OUTCOMES[report.outcome]
        size = "" if is_refused else f": {counts(table.networks)}"
        yield f"  {table.path} ({table.format}): {done}{size}"
    if verbose and not report.verified and report.in_place:
        yield "  not verified: no Postfix on this machine, or postfix.verify is off"


def _troubles(
    report: Report, told: list[ProviderReport], program: str, *, verbose: bool
) -> Iterator[str]:
    """Explain providers by status; what several of them share is said once."""
    groups: dict[Status, dict[tuple[str, ...], list[ProviderReport]]] = {}
    for each in told:
        shared = () if verbose else (each.notice, *each.causes)
        cause = shared if any(shared) else ("", "", each.name)
        groups.setdefault(each.status, {}).setdefault(cause, []).append(each)
    for status, alike in groups.items():
        every = [each for group in alike.values() for each in group]
        names = [each.name for each in every]
        if len(alike) <= MAX_PARAGRAPHS or verbose:
            for group in alike.values():
                one = _provider(report, group[0], program, verbose=verbose)
                yield from one if len(group) == 1 else _shared(report, group, program)
            if status == "held":  # with a record, what they share is accepted
                names = [group[0].name for group in alike.values() if len(group) == 1]
        else:
            why = f"; `{program} providers` says why" if status in TO_DO else ""
            count = f"{status}{_since(report, every)}: {len(names)} providers{why}"
            yield f"{count}: {few(names, MAX_NAMES)}"
            # no later run says these again
            noted = [(few([e.name for e in g], MAX_NAMES), g[0].notice) for g in alike.values()]
            lines = [f"  {who}: {clipped(notice)}" for who, notice in noted if notice]
            yield from cut(lines, MAX_NAMES, f"; see `{program} providers`")
        if len(names) == 1 or (names and every[0].dark):
            yield from what_to_do(report.providers[names[0]], program)
        elif names and status in TO_DO:
            before = next(filter(None, map(_before_that, every)), "")
            yield f"  {before}{_to_do(status, 'NAME', 'DOMAIN', program)}"


def _shared(report: Report, group: list[ProviderReport], program: str) -> Iterator[str]:
    """Say once what several providers have in common, and how to accept it."""
    group = sorted(group, key=lambda each: each.networks.count())  # the owner has the fewest
    first = group[0]
    kept = amounts(Networks.union(each.lost for each in group))
    who = f"{kept} of {len(group)} providers are kept" if kept else f"{len(group)} providers"
    names = few([each.name for each in group], MAX_NAMES)
    status = first.status + _since(report, group)
    what = [first.notice] if first.notice else [status, "; ".join(first.causes.values())]
    yield f"{clipped(': '.join(what))}: {who} ({names})"
    if kept:
        before = _before_that(first)
        yield from (f"  {before}if that is meant: {accept(it, program)}" for it in first.causes)


def _faults(
    report: Report, told: list[ProviderReport], program: str, *, verbose: bool
) -> Iterator[str]:
    untold = [provider for provider in report.providers.values() if provider not in told]
    others = [
        each
        for each in untold
        if (each.problems or each.stale)
        and not each.degraded
        and (verbose or each.status != "empty")
    ]
    older = sum(provider.degraded for provider in untold)
    parts = [many(older, "older trouble")] if older else []
    if verbose:
        for provider in others:
            yield from _provider(report, provider, program, verbose=True)
    elif others:
        parts.append(f"{many(len(others), 'provider')} with faults or old answers")
    if parts:
        yield f"also: {', '.join(parts)} (`{program} providers` shows them)"


def _provider(
    report: Report, provider: ProviderReport, program: str, *, verbose: bool
) -> Iterator[str]:
    where = "on the reject table" if provider.action == "reject" else "listed"
    size = counts(provider.networks) if provider.networks else "nothing"
    rest = provider.status == "missing" and provider.networks
    what = f"; {size} are {where}" if rest else f": {size} {where}"
    yield f"{provider.name}: {provider.status}{_since(report, [provider])}{what}"
    reasons = [f"  {clipped(reason)}" for reason in (provider.notice, *provider.holds) if reason]
    reasons += standing(provider, report.started)
    reasons += [f"  {problem(fault)}" for fault in provider.problems]
    most = len(reasons) if verbose else MAX_REASONS
    yield from cut(reasons, most, f"; see `{program} providers {provider.name}`")


def _since(report: Report, group: list[ProviderReport]) -> str:
    """Say since which day all of a group are in trouble, if that began before this run."""
    began = {each.since or report.started for each in group}
    days = {day(since) for since in began}
    return f" since {days.pop()}" if len(days) == 1 and max(began) < report.started else ""


def standing(provider: ProviderReport, now: float) -> Iterator[str]:
    """Yield what the status of a provider leaves open."""
    if provider.stale:
        age = span(now - provider.stale[1].seen)
        yield f"  stale: {clipped(unanswered(*provider.stale))}: the answer of {age} ago is used"


def what_to_do(provider: ProviderReport, program: str) -> Iterator[str]:
    """Yield what to do about a provider; `program` is how the command to copy begins."""
    status, name = provider.status, provider.name
    if provider.dark:
        yield "  nothing to do before DNS answers"
        return
    faults = [fault.domain for fault in provider.problems if fault.kind in ("temporary", "limit")]
    asked = [provider.stale[0].name] if provider.stale else []
    domain = clipped([*faults, *asked, name][0])
    if status in ("incomplete", "stale") and "://" in domain:
        yield f"  look at the page {domain}"
    elif status == "incomplete" and (quote(domain) != domain or domain[0] == "-"):
        yield f"  {TO_DO['stale']}"  # a stranger chose the name: nothing to paste into a shell
    elif status == "missing" and provider.networks:
        gone = f"take what is gone out of `domains` in [providers.{name}]"
        yield f"  wait some days; its other domains stay listed; if it lasts, {gone}"
    elif status in TO_DO:
        yield f"  {_before_that(provider)}{_to_do(status, name, domain, program)}"


def _before_that(provider: ProviderReport) -> str:
    unread = [fault.domain for fault in provider.problems if fault.kind == "temporary"]
    if provider.status != "held" or not unread:
        return "nothing to do if it is back tomorrow; " if provider.lost else ""
    if "://" in unread[0]:
        return f"look at the page {clipped(unread[0])}; "
    return "nothing to do if it can be read tomorrow; "


def _to_do(status: Status, name: str, domain: str, program: str) -> str:
    # `remove` writes no file that is named by -c
    off = f"spfwhite remove {name}"
    if program != "spfwhite":
        off = f"write `enabled = false` to [providers.{name}]"
    command = accept(name, program)
    return TO_DO[status].format(accept=command, off=off, domain=domain, program=program)


def accept(name: str, program: str) -> str:
    """Return the command that takes over what a provider, or all whom a record holds, has now."""
    return f"{program} generate --accept {quote(printable(name))} --reload"


def day(seconds: float) -> str:
    """Return the day of a time in seconds since the epoch, in UTC."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"


def difference(report: Report) -> list[str]:
    """Return what the table loses and gains, a line a network, as diff(1) marks them."""
    removed = [f"-{text}" for text in report.removed.texts()]
    return removed + [f"+{text}" for text in report.added.texts()]


def changed(change: Change) -> str:
    """Return what one run changed of a provider."""
    parts = [f"added {amounts(change.added)}"] if change.added else []
    parts += [f"removed {amounts(change.removed)}"] if change.removed else []
    return f"{day(change.when)}: {', '.join(parts)}"


def by_provider(report: Report) -> list[str]:
    """Return a line for each provider by which the table loses or gains, the largest first.

    What several share counts for each.
    """
    every = [each for each in report.providers.values() if each.action == "permit"]
    others = (each for each in report.providers.values() if each.action == "reject")
    rejecting = {f"rejected by {each.name}": each.networks for each in others}
    lines: list[tuple[int, str]] = []
    for sign, whole, parts in (
        ("-", report.removed, {each.name: each.removed for each in every} | rejecting),
        ("+", report.added, {each.name: each.networks for each in every}),
    ):
        rest = {"listed by nobody any more": whole - Networks.union(parts.values())}
        for name, part in (parts | rest).items():
            if share := part & whole:
                networks = many(sum(share.rules()), "network")
                lines.append((-share.size(4), f"{sign} {name}: {networks}, {amounts(share)}"))
    return [line for _, line in sorted(lines)]
