"""The command that makes Postfix load what runs have written: `reload`.

Owns: what it prints. Refuses: to know when a reload is due; it calls `spfwhite.run`.
"""

import sys

import click

from spfwhite.cli.common import LOCK_WAIT, Common, config_of
from spfwhite.cli.printing import print_lines


@click.command()
@click.pass_obj
def reload(common: Common) -> None:
    """Reload Postfix, unless it has the tables already.

    \b
    spfwhite reload

    For root. Whether Postfix has them is known from the state, so after a reload by hand
    it reloads once more. Exit codes: 0 Postfix has the tables, or will read them when it
    starts, 2 there is no state, 5 Postfix did not reload.
    """
    from spfwhite import run as app

    config = config_of(common)
    came = app.reload(config, LOCK_WAIT)
    if sys.stdout.isatty() or common.verbose:
        print_lines([came or "Postfix has the tables already"])
