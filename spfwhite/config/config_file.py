"""The files that the configuration is read from.

Owns: reading them, who may have written them, and what is wrong with one as a file.
Refuses: as root, a file that others can write; it would let them choose what root writes.
"""

import os
import stat
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from spfwhite.config.values import shown
from spfwhite.errors import ConfigError
from spfwhite.wording import clipped, printable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Files:
    """How the files of one configuration are read.

    With `root_owned`, root takes only files that root owns: those of the system's folder. A file
    that the caller named may be anybody's, as long as nobody else can write it.
    """

    root_owned: bool

    def text(self, path: Path) -> str:
        """Return what a file holds. Raises ConfigError, also for a file without content."""
        try:
            with path.open("rb") as file:
                if os.geteuid() == 0:
                    self._trust(path, os.fstat(file.fileno()))
                data = file.read()
        except OSError as fault:
            raise _unreadable(path, fault) from None
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as fault:
            line = data.count(b"\n", 0, fault.start) + 1
            raise ConfigError(f"{printable(str(path))}:{line}: is not UTF-8") from None
        if not text.strip():
            raise ConfigError(
                f"{printable(str(path))}: is empty, which looks like a failed write; "
                "a file that is to say nothing holds a # comment"
            )
        return text

    def entries(self, path: Path, parse: Callable[[str], T]) -> tuple[T, ...]:
        """Return the parsed lines of a file; `#` starts a comment. Raises ConfigError."""
        result = []
        for number, line in enumerate(self.text(path).split("\n"), 1):
            entry = line.partition("#")[0].strip()
            try:
                result += [parse(entry)] if entry else []
            except ValueError as fault:
                place = f"{printable(str(path))}:{number}"
                raise ConfigError(f"{place}: {shown(entry)} {fault}") from None
        return tuple(result)

    def _trust(self, path: Path, status: os.stat_result) -> None:
        """Raise ConfigError unless only root, or whom root trusts by `-c`, can write the file."""
        name = printable(str(path))
        if status.st_mode & stat.S_IWOTH or (status.st_mode & stat.S_IWGRP and status.st_gid):
            raise ConfigError(
                f"{name}: root reads no file that others can write; chmod go-w {name}"
            )
        if self.root_owned and status.st_uid:
            raise ConfigError(
                f"{name}: root reads no file of user {status.st_uid} there; chown root {name}"
            )
        for folder in {path.parent, path.resolve().parent}:
            mode = folder.stat().st_mode
            if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
                shut = printable(str(folder))
                raise ConfigError(
                    f"{name}: root reads no file from a folder that others can write; "
                    f"chmod o-w {shut}"
                )


def listed(folder: Path) -> list[str]:
    """Return the names in a folder, sorted; none if it does not exist. Raises ConfigError."""
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208
    except FileNotFoundError:
        return []
    except OSError as fault:
        raise _unreadable(folder, fault) from None


def parse_toml(text: str, file: str) -> dict[str, Any]:
    """Return the document of a TOML text. Raises ConfigError with the line."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        what, _, place = str(fault).rpartition(" (at ")
        raise ConfigError(f"{file}: is not TOML at {place.rstrip(')')}: {clipped(what)}") from None
    except (ValueError, RecursionError):
        # a number of thousands of digits, or brackets nested as deeply
        raise ConfigError(f"{file}: is not TOML that can be read") from None


def _unreadable(path: Path, fault: OSError) -> ConfigError:
    return ConfigError(f"{printable(str(path))}: cannot be read: {fault.strerror}")
