"""How a command prints: lines for people, data for programs, and a bar while it works.

Refuses: to find words.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import click

# Seconds of work after which a bar appears.
BAR_DELAY: Final = 1.0

# Columns.
BAR_WIDTH: Final = 20


def print_lines(lines: Iterable[str], *, err: bool = False) -> None:
    """Print lines for people to standard output, or to standard error."""
    for line in lines:
        click.echo(line, err=err, color=False if os.environ.get("NO_COLOR") else None)


def print_json(value: object, *, indent: int | None = 1) -> None:
    """Print a JSON value to standard output; a terminal changes nothing about it."""
    print_bytes(json.dumps(value, indent=indent).encode() + b"\n")


def print_bytes(content: bytes) -> None:
    """Write data (JSON, TOML, tables) to standard output as they are."""
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on standard error if that is a terminal and the work takes over a second."""
    began = time.monotonic()
    bars: list[Any] = []

    def progress(done: int, total: int) -> None:
        if not bars and sys.stderr.isatty() and time.monotonic() - began > BAR_DELAY:
            # of a fixed width, which no terminal breaks; what is left to ask, nobody knows yet
            bar = click.progressbar(
                length=total, label=label, show_eta=False, width=BAR_WIDTH, file=sys.stderr
            )
            bars.append(bar)
        for bar in bars:
            bar.length = total
            bar.update(done - bar.pos)

    try:
        yield progress
    finally:
        for bar in bars:
            bar.render_finish()
