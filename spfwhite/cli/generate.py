"""The command that makes the tables: `generate`, and how every command that does so ends.

Owns: its options, and what a run prints to which stream. Refuses: to decide (`spfwhite.run`).
"""

import os
import sys
from pathlib import Path
from typing import Any, Final

import click

from spfwhite import files
from spfwhite.cli.common import LOCK_WAIT, Common, config_of
from spfwhite.cli.options import (
    file_option,
    name_option,
    network_options,
    output_option,
    reload_option,
    strict_option,
)
from spfwhite.cli.printing import print_bytes, print_lines, progress_bar
from spfwhite.cli.streams import InPlace
from spfwhite.config.settings import FORMAT_NAMES, Config
from spfwhite.errors import FileError
from spfwhite.report import as_json as report_json
from spfwhite.report import metrics as metrics_form
from spfwhite.report import text
from spfwhite.report.report import Report

# Providers of a difference that a terminal is shown.
TERMINAL_LINES: Final = 10


@click.command()
@output_option(help="Write the table to this file only; - is standard output.")
@click.option(
    "--format",
    type=click.Choice(FORMAT_NAMES),
    default="postscreen",
    help="The format of the table that -o writes.",
)
@click.option("--dry-run", is_flag=True, help="Show the plan and the difference; write nothing.")
@name_option("--only", default="", help="Ask DNS for this provider only.")
@click.option("--offline", is_flag=True, help="Decide from remembered answers; ask nobody.")
@name_option(
    "--accept",
    multiple=True,
    help="Take a held provider as it is now: its NAME, or a record that is gone, or all.",
)
@click.option("--force", is_flag=True, help="Lift the limits on the list; replace a foreign file.")
@file_option("--record", help="Save what DNS answered.")
@file_option("--replay", help="Use a saved file instead of the network; needs -o or --dry-run.")
@file_option("--report", help="Write the report as JSON; - is standard output.")
@file_option("--metrics", help="Write metrics for node_exporter's textfile collector.")
@reload_option
@strict_option
@network_options
@click.pass_obj
def generate(
    common: Common,
    /,
    *,
    report: Path | None,
    metrics: Path | None,
    **asked: Any,
) -> None:
    """Resolve all providers and write the table.

    \b
    spfwhite generate --dry-run
    spfwhite generate -o ./postscreen_spf_whitelist.cidr
    """
    import asyncio

    from spfwhite import run as app  # the event loop takes 50 ms to import

    options = app.Options(**asked)
    if "-" in map(str, (options.record, metrics)):
        raise click.UsageError("--record and --metrics need the name of a file, not -")
    report_only = str(report) == "-"
    if report_only and str(options.output) == "-":
        raise click.UsageError("-o and --report cannot both write to standard output")
    for path in filter(None, (options.record, None if report_only else report, metrics)):
        files.require_writable(path)
    config = config_of(common)
    with progress_bar("asking DNS") as progress:
        made = asyncio.run(app.run(config, options._replace(progress=progress)))
    made = _reported(made, None if report_only else report, metrics)
    if report_only:
        print_bytes(report_json.dump(made))
    print_run(common, made, dry_run=options.dry_run, report_only=report_only)
    asked_dns = not (options.offline or options.replay)
    if options.output and asked_dns and not common.quiet and sys.stderr.isatty():
        print_lines(["--offline spares the look-ups, once there was a run"], err=True)
    if common.reload is None:
        print_unread(common, made)
    raise end(made)


def _reported(made: Report, report: Path | None, metrics: Path | None) -> Report:
    # once a table is in place, a file that cannot be written does not end the run
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
    verbose, quiet, on_terminal = common.verbose, common.quiet, sys.stdout.isatty()
    if dry_run and not report_only:
        if on_terminal and not verbose:
            shares = text.by_provider(report)
            print_lines(shares[:TERMINAL_LINES])
            if (more := len(shares) - TERMINAL_LINES) > 0:
                print_lines([f"... and {more} more; -v lists the networks"])
        else:
            print_lines(text.difference(report))
    elif report.path is None and not report.refusals:
        print_bytes(report.table)
    is_news = bool(report.exit_code or report.has_news or quiet)
    if is_news or dry_run or verbose or on_terminal:
        lines = text.summary(report, verbose=verbose, quiet=quiet, program=common.program)
        print_lines(lines, err=is_news or report.path is None or report_only)


def finish(common: Common, config: Config, report: Report) -> SystemExit:
    """Print the run of a command by which somebody waits; return what ends the program.

    Root has Postfix reload, unless told not to: only then the mail that waits gets in.
    """
    print_run(common, report, dry_run=False)
    if report.unread and common.reload is not False and os.geteuid() == 0:
        from spfwhite import run as app

        came = app.reload(config, LOCK_WAIT)
        if came and (sys.stdout.isatty() or common.verbose):
            print_lines([came])
    else:
        print_unread(common, report)
    return end(report)


def end(report: Report) -> SystemExit:
    """Return what ends the program with the exit code of a run."""
    return (InPlace if report.in_place else SystemExit)(report.exit_code)
