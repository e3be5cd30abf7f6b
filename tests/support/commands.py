"""The program's commands as click has them."""

from __future__ import annotations

import click

from spfwhite.cli.main import COMMANDS, main


def _command(name: str) -> click.Command:
    found = main.get_command(click.Context(main), name)
    assert found is not None
    return found


EVERY = {name: _command(name) for name in COMMANDS}
"""Each command by its name."""
