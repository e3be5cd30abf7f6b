"""What Postwhite, or its successor postallow, left on a machine, and whether spfwhite took over.

Owns: where jobs and traces are looked for. Refuses: to remove any, and to run what it finds.
"""

import os
import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from spfwhite.inspect.finding import Finding, Findings
from spfwhite.tables.content import owner_of

# Where jobs are: files, and folders of files; crontabs of users, and timers that are enabled.
CRON: Final = (
    Path("/etc/crontab"),
    *(Path(f"/etc/cron.{often}") for often in ("d", "hourly", "daily", "weekly", "monthly")),
    Path("/usr/local/etc/cron.d"),
    Path("/var/spool/cron/crontabs"),  # Debian
    Path("/var/spool/cron"),  # RHEL
    Path("/var/spool/cron/tabs"),  # SUSE
    Path("/var/cron/tabs"),  # FreeBSD
    Path("/etc/systemd/system/timers.target.wants"),
)

CONFIGURATIONS: Final = tuple(
    Path(f"{folder}/{name}.conf")
    for name in ("postwhite", "postallow")
    for folder in ("/etc", f"/etc/{name}", "/usr/local/etc", f"/usr/local/etc/{name}")
)

# Octets of a file that are read.
MAX_READ_BYTES: Final = 1 << 20

_POSTWHITE: Final = b"post(?:white|allow)"


def leftovers(
    cron: Collection[Path], configurations: Collection[Path], folder: Path, ours: Collection[str]
) -> Findings:
    """Yield what is left of Postwhite and postallow: jobs, configurations, tables in a folder.

    `ours` names the files there that spfwhite writes, and keeps copies of (.orig).
    """
    for place in cron:
        yield from _jobs(place)
    for file in configurations:
        if file.is_file():
            advice = (
                f"`spfwhite import {file}` takes it over; once it has, only a way back needs it"
            )
            yield Finding("note", str(file), f"is {file.stem.title()}'s configuration", advice)
    for file in _tables(folder):
        if re.sub(r"\.orig(\.[0-9]+)?\Z", "", file.name) not in ours:
            text = "was written by Postwhite, and nobody keeps it current"
            advice = "take it out of Postfix's configuration, and remove it"
            yield Finding("note", str(file), text, advice)


def is_renewed(cron: Collection[Path]) -> bool:
    """Whether a job or timer names spfwhite; who cannot look at all of them takes it for so."""
    with suppress(OSError):
        return any(True for place in cron for _ in _running(place, b"spfwhite"))
    return True


def _jobs(place: Path) -> Findings:
    try:
        for file in _running(place, _POSTWHITE):
            text = "runs Postwhite, which writes tables of its own beside or over spfwhite's"
            stop = f"`systemctl disable --now {file.name}`"
            advice = stop if file.suffix == ".timer" else "remove that line or file"
            yield Finding("warning", str(file), text, advice)
    except OSError as fault:
        text = f"cannot be read: {fault.strerror}"
        yield Finding("note", str(fault.filename), text, "run `spfwhite check` as root")


def _running(place: Path, program: bytes) -> Iterator[Path]:
    """Yield the files of jobs and timers that run a program; a comment does not. Raises OSError."""
    job = re.compile(rb"^(?![ \t]*[#;]).*" + program, re.IGNORECASE | re.MULTILINE)
    for file in [place] if os.path.isfile(place) else _files(place):  # noqa: PTH113
        if job.search(file.name.encode() if file.suffix == ".timer" else _head(file)):
            yield file


def _tables(folder: Path) -> Iterator[Path]:
    """Yield the tables of Postwhite; what cannot be read (keys, passwords) is none."""
    with suppress(OSError):
        for file in _files(folder):
            with suppress(OSError):
                if owner_of(_head(file)) == "postwhite":
                    yield file


def _files(folder: Path) -> list[Path]:
    """Return the regular files in a folder, sorted; to read a pipe would never end."""
    with suppress(FileNotFoundError, NotADirectoryError):
        # unlike that of pathlib, it takes what cannot be looked at for no file
        return sorted(file for file in folder.iterdir() if os.path.isfile(file))  # noqa: PTH113
    return []


def _head(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(MAX_READ_BYTES)
