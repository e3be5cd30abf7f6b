"""The command that makes the tables: `generate`, and how every command that does so ends.

Owns: its options, and what a run prints to which stream. Refuses: to decide anything; it calls
`spfwhite.run`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from spfwhite import files
from spfwhite.cli.common import (
    LOCK_WAIT,
    Common,
    config_of,
    network_options,
    on_terminal,
    print_bytes,
    print_lines,
    progress_bar,
    provider_names,
    strict_option,
)
from spfwhite.cli.streams import InPlace
from spfwhite.config.settings import FORMAT_NAMES, FormatName
from spfwhite.errors import FileError
from spfwhite.report import as_json as report_json
from spfwhite.report import metrics as metrics_form
from spfwhite.report import text
from spfwhite.report.report import Report

if TYPE_CHECKING:
    from spfwhite.config.settings import Config

TERMINAL_LINES: Final = 12
"""Providers of a difference that a terminal is shown."""

reload_option: Final = click.option(
    "--reload/--no-reload",
    "reload_",
    default=None,
    help="Reload Postfix after a change, whatever the configuration says.",
)


@click.command()
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Write the table to this file only; - is standard output.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMAT_NAMES),
    default="postscreen",
    help="The format of the table that -o writes.",
)
@click.option("--dry-run", is_flag=True, help="Show the plan and the difference; write nothing.")
@click.option(
    "--only",
    metavar="NAME",
    default="",
    shell_complete=provider_names,
    help="Ask DNS for this provider only.",
)
@click.option("--offline", is_flag=True, help="Decide from remembered answers; ask nobody.")
@click.option(
    "--accept",
    multiple=True,
    metavar="NAME",
    shell_complete=provider_names,
    help="Take over what a held provider passes now, or all whom a record holds; or all.",
)
@click.option("--force", is_flag=True, help="Lift the limits on the list; replace a foreign file.")
@click.option(
    "--record", type=click.Path(path_type=Path), metavar="FILE", help="Save what DNS answered."
)
@click.option(
    "--replay",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Use a saved file instead of the network; needs -o or --dry-run.",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the report as JSON; - is standard output.",
)
@click.option(
    "--metrics",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write metrics for node_exporter's textfile collector.",
)
@reload_option
@strict_option
@network_options
@click.pass_obj
def generate(
    common: Common,
    /,
    *,
    output: Path | None,
    form: FormatName,
    dry_run: bool,
    force: bool,
    record: Path | None,
    replay: Path | None,
    offline: bool,
    only: str,
    accept: tuple[str, ...],
    report: Path | None,
    metrics: Path | None,
    reload_: bool | None,
    **network: Any,
) -> None:
    """Resolve all providers and write the table.

    \b
    spfwhite generate --dry-run
    spfwhite generate -o ./postscreen_spf_whitelist.cidr
    """
    if "-" in map(str, (record, metrics)):
        raise click.UsageError("--record and --metrics need the name of a file, not -")
    report_only = str(report) == "-"
    if report_only and str(output) == "-":
        raise click.UsageError("-o and --report cannot both write to standard output")
    import asyncio

    from spfwhite import run as app  # the event loop takes 50 ms to import

    options = app.Options(
        output=output,
        dry_run=dry_run,
        force=force,
        record=record,
        replay=replay,
        offline=offline,
        only=only,
        accept=accept,
        format=form,
    )
    for path in filter(None, (record, None if report_only else report, metrics)):
        files.require_writable(path)
    config = config_of(common, **network)
    if reload_ is not None:
        config = config._replace(postfix=config.postfix._replace(reload=reload_))
    with progress_bar("asking DNS") as progress:
        made = asyncio.run(app.run(config, options._replace(progress=progress)))
    made = _reported(made, None if report_only else report, metrics)
    if report_only:
        print_bytes(report_json.dump(made))
    print_run(common, made, dry_run=dry_run, report_only=report_only)
    if output and not (offline or replay or common.quiet) and sys.stderr.isatty():
        print_lines(["--offline spares the look-ups, once there was a run"], err=True)
    if reload_ is None:
        print_unread(common, made)
    raise end(made)


def _reported(made: Report, report: Path | None, metrics: Path | None) -> Report:
    """Write the files that others read of a run; raises FileError unless a table is in place."""
    for path, dump in ((report, report_json.dump), (metrics, metrics_form.dump)):
        try:
            if path:
                files.replace(path, dump(made))
        except FileError as fault:
            if not made.in_place:
                raise
            made = made._replace(unfinished=(*made.unfinished, str(fault)))
    return made


def print_unread(common: Common, report: Report) -> None:
    """Say what to type if Postfix uses the old table; who asked for no reload knows."""
    if report.unread:
        print_lines([f"Postfix still uses the old table: {common.program} reload"], err=True)


def print_run(common: Common, report: Report, *, dry_run: bool, report_only: bool = False) -> None:
    """Print results to stdout and news to stderr; nothing where there is neither.

    `report_only`: standard output has the report in JSON.
    """
    if dry_run and not report_only:
        is_short = on_terminal() and not common.verbose
        print_lines(_by_provider(report) if is_short else text.difference(report))
    elif report.path is None and not report.refusals:
        print_bytes(report.table)
    lines = text.summary(report, verbose=common.verbose, quiet=common.quiet)
    if report.exit_code or report.has_news or common.quiet:
        print_lines(lines, err=True)
    elif dry_run or common.verbose or on_terminal():
        print_lines(lines, err=report.path is None or report_only)


def finish(common: Common, config: Config, report: Report, *, reload: bool | None) -> SystemExit:
    """Print the run of a command by which somebody waits; return what ends the program.

    Root has Postfix reload, unless told not to: only then the mail that waits gets in.
    """
    print_run(common, report, dry_run=False)
    if report.unread and reload is not False and os.geteuid() == 0:
        from spfwhite import run as app

        if app.reload(config, LOCK_WAIT) and (on_terminal() or common.verbose):
            print_lines([text.RELOADED])
    else:
        print_unread(common, report)
    return end(report)


def end(report: Report) -> SystemExit:
    """Return what ends the program with the exit code of a run."""
    return (InPlace if report.in_place else SystemExit)(report.exit_code)


def _by_provider(report: Report) -> list[str]:
    """Return what the table loses and gains by provider, the largest, for a screen."""
    lines = text.by_provider(report)
    if len(lines) <= TERMINAL_LINES:
        return lines
    more = len(lines) - TERMINAL_LINES
    return [*lines[:TERMINAL_LINES], f"... and {more} more; -v lists the networks"]
