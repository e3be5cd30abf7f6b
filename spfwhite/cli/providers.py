"""The command that shows the health of each provider, or all about some: `providers`.

Owns: its options, its lines and their JSON form. Refuses: to judge (`spfwhite.inspect.health`).
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import click

from spfwhite import files
from spfwhite.cli.common import Common, last_run_of, provider_meant
from spfwhite.cli.options import file_option, format_option, provider_names
from spfwhite.cli.printing import print_bytes, print_json, print_lines
from spfwhite.config import loading
from spfwhite.config.settings import Provider
from spfwhite.config.writing import table
from spfwhite.inspect import health
from spfwhite.inspect.health import Row
from spfwhite.networks import Networks
from spfwhite.plan.last_run import LastRun
from spfwhite.plan.rails import amounts
from spfwhite.plan.state import JOURNAL_DAYS
from spfwhite.plan.through_others import through_others
from spfwhite.report.as_json import provider_json, sizes, time_text
from spfwhite.report.text import accept, changed, day, problem, standing, what_to_do
from spfwhite.wording import DAY, clipped, counts, cut, few, many, printable, span

# Networks and faults that are named of one provider, and providers that share its networks.
MAX_DETAILS: Final = 3

# Networks and records that are named of a provider that was asked for; `-v` names all.
MAX_NAMED: Final = 12

DARK: Final = "DNS gave no answer at all in the last run; what is listed stays until it answers"

# Columns of the name: a longer one breaks its own line and leaves the others.
MAX_WIDTH: Final = 24

# As many as there are.
ALL: Final = 10**9


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME...]", shell_complete=provider_names)
@format_option("A table for people, or JSON.", "text", "json")
@file_option("--html", help="Write a page for a browser; - is standard output.")
@click.pass_obj
def providers(common: Common, /, *, names: tuple[str, ...], form: str, html: Path | None) -> None:
    """Show the health of each provider, or all about some. Asks nobody.

    Trouble first, with what to do. alone: IPv4 addresses that only this provider adds.
    empty: it has never passed an address on this host.

    \b
    spfwhite providers
    spfwhite providers google
    spfwhite providers --html /var/www/html/spfwhite.html
    spfwhite providers --format json | jq '.[] | select(.degraded)'
    """
    if html and (names or form == "json"):
        raise click.UsageError("--html writes a page of all providers, and nothing else")
    run = last_run_of(common)
    meant = [provider_meant(common, run.config, name) for name in names]
    asked = {provider.name: provider for provider in meant}
    rows, program, dark = health.rows(run), common.program, [DARK] * run.dark
    if html:
        from spfwhite.cli.page import page

        content = page(run, list(told(rows, run.now, program, ALL)), [*dark, *facts(run)])
        write = print_bytes if str(html) == "-" else partial(files.replace, html)
        write(content.encode())
    elif form == "json":
        print_json([as_json(row, program) for row in rows if row.report.name in asked or not names])
    elif names:
        by_name = {row.report.name: row for row in rows}
        for name, provider in asked.items():
            print_lines(whole(run, provider, by_name.get(name), common))
            print_lines(definition(name, loading.said_of(name, common.config, loading.SYSTEM)))
    else:
        print_lines([*dark, *lines(rows, run.now, program), *facts(run)])


def lines(rows: list[Row], now: float, program: str) -> Iterator[str]:
    """Yield a line a provider, with what to do below; `program` is how a command to copy begins."""
    if not rows:
        yield "no provider is enabled"
        return
    width = min(MAX_WIDTH, max(len(row.report.name) for row in rows))
    form = f"{{:11}} {{:{width}}} {{:>5}} {{:>7}} {{:>7}} {{:>7}}  {{}}"
    yield form.format("status", "provider", "nets", "IPv4", "alone", "/64s", "last answers")
    for row, below in told(rows, now, program):
        report, listed = row.report, row.report.networks
        counted = (sum(listed.rules()), listed.size(4), row.alone.size(4), listed.blocks64())
        last = _ages(row, now) + _remarks(row)
        yield form.format(report.status, report.name, *map(_short, counted), last)
        if row.also and not row.alone:
            yield f"  {_through(row)}"
        yield from below


def facts(run: LastRun) -> Iterator[str]:
    """Yield what concerns the list as a whole."""
    yield from (sentence for _, sentence in through_others(run.config, run.plan))
    if run.config.list_date:
        yield f"default list of {run.config.list_date}"


def told(
    rows: list[Row], now: float, program: str, most: int = MAX_DETAILS
) -> Iterator[tuple[Row, list[str]]]:
    """Yield each row with what is wrong and what to do; what several share is told once."""
    first: dict[tuple[str, ...], str] = {}
    for row in rows:
        name = row.report.name
        shared = first.setdefault(tuple(row.report.causes) or (name,), name)
        yield row, [] if row.report.dark else list(trouble(row, now, program, most, shared))


def whole(run: LastRun, provider: Provider, row: Row | None, common: Common) -> Iterator[str]:
    """Yield how one provider is, and what it lists; one that is off has no row."""
    name, most = provider.name, ALL if common.verbose else MAX_NAMED
    today = datetime.fromtimestamp(run.now, UTC).date()
    why_off = run.config.why_off(provider, today)
    yield f"{name}: {row.report.status + _until(row) if row else f'off: {why_off}'}"
    if row:
        yield from trouble(row, run.now, common.program, most)
        does = "rejects" if provider.action == "reject" else "lists"
        listed = row.report.networks
        yield f"  {does} {counts(listed) if listed else 'nothing'}"
        if listed:
            yield f"  alone {amounts(row.alone) or 'nothing'}"
        if row.also:
            yield f"  {_through(row)}"
        yield f"  last answers: {_ages(row, run.now)}"
        yield from (f"  {it}" for it in history(run, row))
        records, holders = health.included(run, name)
        named = {"includes": list(map(clipped, records)), "included by": holders}
        for lead, texts in (named | {"networks": listed.texts()}).items():
            if texts:
                yield f"  {lead}: {few(texts, most)}" + "; -v names all" * (len(texts) > most)


def definition(name: str, said: Iterable[tuple[str, Mapping[str, Any]]]) -> Iterator[str]:
    """Yield what each file says about a provider, with the file; a later one counts."""
    for at, (file, keys) in enumerate(said):
        yield f"  {'changed' if at else 'defined'} in {file}:"
        block = table(f"providers.{name}", {key: _as_written(key, keys[key]) for key in keys})
        yield from (f"    {printable(line)}" for line in block.splitlines())


def _as_written(key: str, value: Any) -> Any:
    if isinstance(value, Networks):
        return value.texts()
    if key == "pages_select":
        return dict(value)
    return "" if value is None else str(value) if isinstance(value, Path) else value


def history(run: LastRun, row: Row) -> Iterator[str]:
    """Yield since when a provider is as it is, and its changes of the last 30 days."""
    entry = run.state.accepted.get(row.report.name)
    if entry and not row.changes:
        is_recent = run.now - entry.since <= JOURNAL_DAYS * DAY
        since = f"since {day(entry.since)}" if is_recent else f"for {JOURNAL_DAYS} days or more"
        yield f"its networks are the same {since}"
    yield from map(changed, reversed(row.changes))


def _short(number: int) -> str:
    # in millions where its digits would not fit 80 columns
    if number < 1_000_000:
        return f"{number:,}"
    return f"{number // 1_000_000:,}M" if number >= 10_000_000 else f"{number / 1_000_000:.1f}M"


def _ages(row: Row, now: float) -> str:
    # of the newest and the oldest answer, as 26h or 26h-3d
    seen = (span(now - at).split() for at in (row.newest, row.oldest) if at is not None)
    return "-".join(dict.fromkeys(number + unit[0] for number, unit in seen)) or "-"


def _remarks(row: Row) -> str:
    faults = len(row.report.problems)
    told = f", {many(faults, 'fault')}" if faults else ""
    return told + ", on the reject table" * (row.provider.action == "reject") + _until(row)


def _until(row: Row) -> str:
    lead = "its last day was" if row.report.status == "expired" else "until"
    return f", {lead} {row.provider.expires}" if row.provider.expires else ""


def _through(row: Row) -> str:
    return f"also through: {', '.join([*row.also[:MAX_DETAILS], '...'][: len(row.also)])}"


def trouble(
    row: Row, now: float, program: str, most: int = MAX_DETAILS, first: str = ""
) -> Iterator[str]:
    """Yield what is wrong with a provider and what to do.

    `first` has the same trouble, in a list of several; alone, one that is ok has its faults too.
    """
    report = row.report
    texts = [f"  {problem(fault)}" for fault in report.problems]
    faults = cut(texts, most, f"; `{program} -v providers {report.name}` names all")
    if report.left_out:
        yield f"  {report.left_out}"
    if report.dark:
        yield f"  {DARK}"
        return
    if report.status in ("ok", "undecidable"):
        yield from () if first else faults
        return
    if report.since is not None:
        yield f"  since {day(report.since)}"
    if first not in ("", report.name):
        yield f"  as {first}: {clipped('; '.join(report.causes.values()))}"
        return
    yield from standing(report, now)
    yield from (f"  {clipped(hold)}" for hold in report.holds)
    for sign, networks in (("-", report.lost), ("+", report.gained)):
        if networks:
            yield f"  {sign} {few(networks.texts(), most)}"
    yield from faults
    yield from what_to_do(report, program)
    for record in row.records:
        yield f"  for all whom that record holds: {accept(record, program)}"


def as_json(row: Row, program: str) -> dict[str, Any]:
    """Return a row as a JSON object: what a report has, and what only the state knows."""
    report = row.report
    offered = report.holds and not report.dark
    return provider_json(report) | {
        "newest_answer": None if row.newest is None else time_text(row.newest),
        "oldest_answer": None if row.oldest is None else time_text(row.oldest),
        "alone": sizes(row.alone),
        "also": list(row.also),
        "expires": row.provider.expires and str(row.provider.expires),
        "defined_in": row.provider.defined_in,
        "changes": [
            {
                "when": time_text(change.when),
                "added": change.added.texts(),
                "removed": change.removed.texts(),
            }
            for change in row.changes
        ],
        "accept": f"{program} generate --accept {report.name}" if offered else None,
    }
