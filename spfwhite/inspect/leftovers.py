"""What Postwhite left on a machine that spfwhite took over.

Owns: where its traces are looked for. Refuses: to remove any, and to run what it finds.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from spfwhite.inspect.finding import Finding, Findings
from spfwhite.tables.content import owner_of

CRON_FOLDERS: Final = tuple(
    map(Path, ("/etc/cron.d", "/etc/cron.daily", "/var/spool/cron/crontabs"))
)
POSTWHITE_CONF: Final = Path("/etc/postwhite.conf")

MAX_READ_BYTES: Final = 1 << 20
"""Octets of a file that are read."""

_JOB: Final = re.compile(rb"^(?![ \t]*#).*postwhite", re.IGNORECASE | re.MULTILINE)


def leftovers(
    cron: Collection[Path], configuration: Path, folder: Path, ours: Collection[str]
) -> Findings:
    """Yield what is left of Postwhite: cron jobs, its configuration, its tables in a folder.

    `ours` names the files of the folder that spfwhite answers for, as it does for the copies that
    it keeps of what was there before.
    """
    for place in cron:
        yield from _jobs(place)
    if configuration.is_file():
        advice = f"`spfwhite import {configuration}` takes it over; then remove it"
        yield Finding("note", str(configuration), "is Postwhite's configuration", advice)
    for file in _tables(folder):
        if re.sub(r"\.orig(\.[0-9]+)?\Z", "", file.name) not in ours:
            text = "was written by Postwhite, and nobody keeps it current"
            advice = "take it out of Postfix's configuration, and remove it"
            yield Finding("note", str(file), text, advice)


def _jobs(place: Path) -> Findings:
    """Yield the files of a folder of cron jobs that run Postwhite; a comment runs nothing."""
    read: Path = place
    try:
        for read in _files(place):
            if _JOB.search(_head(read)):
                text = "runs Postwhite, which writes tables of its own beside or over spfwhite's"
                yield Finding("warning", str(read), text, "remove that line or file")
    except OSError as fault:
        text = f"cannot be read: {fault.strerror}"
        yield Finding("note", str(read), text, "run `spfwhite check` as root")


def _tables(folder: Path) -> Iterator[Path]:
    """Yield the tables of Postwhite; what cannot be read (keys, passwords) is none."""
    with suppress(OSError):
        for file in _files(folder):
            with suppress(OSError):
                if owner_of(_head(file)) == "postwhite":
                    yield file


def _files(folder: Path) -> list[Path]:
    """Return the regular files in a folder, sorted; to read a pipe would never end."""
    try:
        return sorted(file for file in folder.iterdir() if _is_regular(file))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _is_regular(file: Path) -> bool:
    try:
        return stat.S_ISREG(file.stat().st_mode)
    except OSError:
        return False


def _head(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(MAX_READ_BYTES)
