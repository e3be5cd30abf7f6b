"""The command line: the group of commands and the options before them.

Owns: the entry point. Refuses: to import what only one command needs; `--help` and `--version` must
stay quick.
"""

from __future__ import annotations

from pathlib import Path

import click

from spfwhite import __version__, cli_check, cli_import, cli_look, cli_run, cli_state, cli_suggest
from spfwhite.cli_common import Common


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80})
@click.option(
    "-c",
    "--config",
    type=click.Path(path_type=Path),
    envvar="SPFWHITE_CONFIG",
    metavar="FILE",
    help="Overlay to use instead of those in /etc/spfwhite (or SPFWHITE_CONFIG).",
)
@click.option("-v", "--verbose", is_flag=True, help="Say all there is to say.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
@click.version_option(__version__, prog_name="spfwhite")
@click.pass_context
def main(context: click.Context, config: Path | None, verbose: bool, quiet: bool) -> None:  # noqa: FBT001
    """Turn the SPF records of well-known senders into an allowlist for postscreen.

    \b
    spfwhite generate --dry-run    what a run would do
    spfwhite generate              write the table
    spfwhite show _spf.google.com  what a domain passes, term by term

    Exit codes: 0 table current or written, 1 error, 2 usage or configuration, 3 written but
    degraded, 4 refused.
    """
    from spfwhite.interrupts import exit_on_signals

    exit_on_signals()
    if verbose and quiet:
        raise click.UsageError("-v and -q exclude each other")
    context.obj = Common(config, verbose, quiet)


for command in (
    cli_run.generate,
    cli_run.add,
    cli_look.show,
    cli_state.explain,
    cli_state.providers,
    cli_suggest.suggest,
    cli_state.map_,
    cli_check.check,
    cli_import.import_,
):
    main.add_command(command)
