"""The commands that look at the last run: `explain` and `providers`. They ask nobody.

Owns: their options and output. Refuses: to write any file.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import click

from spfwhite.cli.common import Common, config_of, errors, print_json, print_lines, text_or_json
from spfwhite.errors import FileError, StateError, UsageError

if TYPE_CHECKING:
    from spfwhite.config.settings import Config
    from spfwhite.networks import Networks
    from spfwhite.plan.last_run import LastRun


@click.command()
@click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS...")
@text_or_json("Text for people, or a JSON object a line.")
@click.pass_obj
def explain(common: Common, /, *, addresses: tuple[str, ...], form: str) -> None:
    """Say why addresses are on the table, or why not. Asks nobody.

    Takes IPv4 and IPv6 addresses and networks. Exits with 0 if all are covered, 1 if not.

    \b
    spfwhite explain 209.85.128.1
    spfwhite explain 2a00:1450:4000::/36 192.0.2.7
    """
    from spfwhite.cli import explain_text
    from spfwhite.inspect import explain as why
    from spfwhite.networks import parse_operator

    with errors():
        asked = {}
        for text in addresses:
            try:
                asked[text] = parse_operator(text)
            except ValueError as fault:
                raise click.UsageError(f"{text!a} {fault}") from None
        config, run = _last_run(common)
        table = _table(config.output.allow, run.plan.permitted)
        rejects = _table(config.output.reject, run.plan.rejected, only_ours=True)
        found = {text: why.explain(run, table, part, rejects) for text, part in asked.items()}
        for text, explanation in found.items():
            if form == "json":
                print_json(explain_text.as_json(text, explanation), indent=None)
            else:
                print_lines(explain_text.lines(text, explanation, config, run.now))
    sys.exit(0 if all(each.is_covered for each in found.values()) else 1)


def _last_run(common: Common) -> tuple[Config, LastRun]:
    """Return the configuration and the last run; raises ConfigError, UsageError, FileError."""
    from spfwhite.plan.last_run import last_run
    from spfwhite.plan.state import load

    config = config_of(common)
    try:
        state = load(config.state.path)
    except StateError as error:
        raise FileError(f"the state {config.state.path} {error}") from None
    if state is None:
        raise UsageError(f"there is no state in {config.state.path}; run `spfwhite generate` first")
    return config, last_run(config, state, time.time())


def _table(path: Path, planned: Networks, *, only_ours: bool = False) -> Networks:
    """Return what a table holds: the file is the truth, the state if there is none.

    `only_ours`: what somebody else wrote there counts for nothing.
    """
    from spfwhite import files
    from spfwhite.networks import EMPTY
    from spfwhite.tables import content as tables

    content = files.read_if_there(path)
    if content is None:
        return planned
    if only_ours and tables.origin(content) != "ours":
        return EMPTY
    return tables.networks_in(content)


@click.command()
@text_or_json("A table for people, or JSON.")
@click.pass_obj
def providers(common: Common, /, *, form: str) -> None:
    """Show the health of each provider, trouble first. Asks nobody.

    dead: missing, since none of its domains exists any more. redundant: others list
    all that it does.

    \b
    spfwhite providers
    spfwhite providers --format json | jq '.[] | select(.degraded)'
    """
    from spfwhite.inspect import health

    with errors():
        _, run = _last_run(common)
        rows = health.rows(run)
        program = f"spfwhite -c {quote(str(common.config))}" if common.config else "spfwhite"
        if form == "json":
            print_json([health.as_json(row, program) for row in rows])
        else:
            print_lines(health.lines(rows, run.now, program))
