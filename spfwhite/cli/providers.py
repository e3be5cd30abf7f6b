"""The command that shows the health of each provider: `providers`.

Owns: its options, its lines and their JSON form. Refuses: to judge (`spfwhite.inspect.health`), and
to write any file.
"""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote
from typing import Any, Final

import click

from spfwhite.cli.common import Common, last_run_of, print_json, print_lines, text_or_json
from spfwhite.inspect import health
from spfwhite.inspect.health import Row
from spfwhite.plan.through_others import through_others
from spfwhite.report.as_json import provider_json, sizes, time_text
from spfwhite.report.text import day, problem, standing
from spfwhite.wording import clipped, few, printable, span

MAX_DETAILS: Final = 3
"""Networks and faults that are named of one provider."""


@click.command()
@text_or_json("A table for people, or JSON.")
@click.pass_obj
def providers(common: Common, /, *, form: str) -> None:
    """Show the health of each provider, trouble first. Asks nobody.

    empty: it has never passed an address on this host. redundant: others list all
    that it does.

    \b
    spfwhite providers
    spfwhite providers --format json | jq '.[] | select(.degraded)'
    """
    _, run = last_run_of(common)
    rows = health.rows(run)
    program = f"spfwhite -c {quote(str(common.config))}" if common.config else "spfwhite"
    if form == "json":
        print_json([as_json(row, program) for row in rows])
    else:
        print_lines(lines(rows, run.now, program))
        print_lines(sentence for _, sentence in through_others(run.config, run.plan))
        if run.config.list_date:
            print_lines([f"default list of {run.config.list_date}"])


def lines(rows: list[Row], now: float, program: str) -> Iterator[str]:
    """Yield a line a provider, with what to do below those in trouble.

    `program` is how the command to copy begins, the configuration included.
    """
    if not rows:
        yield "no provider is enabled"
        return
    width = max(len(row.report.name) for row in rows)
    first: dict[tuple[str, ...], str] = {}
    yield f"{'status':11} {'provider':{width}} {'nets':>5} {'IPv4':>9} {'/64s':>7}  last answers"
    for row in rows:
        report, size = row.report, sizes(row.report.networks)
        networks = size["ipv4_networks"] + size["ipv6_networks"]
        v4, v6 = _short(size["ipv4_addresses"]), _short(size["ipv6_64s"])
        head = f"{report.status:11} {report.name:{width}} {networks:5} {v4:>9} {v6:>7}"
        yield f"{head}  {_ages(row, now)}{_remarks(row)}"
        if report.left_out:
            yield f"  {report.left_out}"
        if report.status not in ("ok", "undecidable"):
            name = first.setdefault(tuple(report.causes) or (report.name,), report.name)
            yield from _details(row, name, now, program)


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
    told = f", {faults} faults" if faults > 1 else ", 1 fault" if faults else ""
    return told + (", redundant" if row.redundant else "")


def _details(row: Row, first: str, now: float, program: str) -> Iterator[str]:
    """Yield what is wrong with a provider, or that it is what is wrong with the one before it."""
    report = row.report
    if report.since is not None:
        yield f"  since {day(report.since)}"
    if first != report.name:
        yield f"  as {first}: {clipped('; '.join(report.causes.values()))}"
        return
    yield from standing(report, now)
    for hold in report.holds:
        yield f"  {clipped(hold)}"
    for sign, networks in (("-", report.lost), ("+", report.gained)):
        if networks:
            yield f"  {sign} {few(networks.texts(), MAX_DETAILS)}"
    if report.holds:
        yield "  to take it over" + (", or all whom the record holds:" if report.causes else ":")
        for name in (report.name, *report.causes):
            yield f"    {program} generate --accept {quote(printable(name))}"
    yield from (f"  {problem(fault)}" for fault in report.problems[:MAX_DETAILS])
    if len(report.problems) > MAX_DETAILS:
        yield f"  and {len(report.problems) - MAX_DETAILS} more; --format json has them"


def as_json(row: Row, program: str) -> dict[str, Any]:
    """Return a row as a JSON object: what a report has, and what only the state knows."""
    report = row.report
    return provider_json(report) | {
        "newest_answer": None if row.newest is None else time_text(row.newest),
        "oldest_answer": None if row.oldest is None else time_text(row.oldest),
        "redundant": row.redundant,
        "accept": f"{program} generate --accept {report.name}" if report.holds else None,
    }
