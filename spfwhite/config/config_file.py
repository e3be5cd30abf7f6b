"""The files that the configuration is read from.

Owns: reading them, and what is wrong with one as a file. Refuses: to judge who may have written
them; `spfwhite.files` does.
"""

import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from spfwhite import files
from spfwhite.config.values import shown
from spfwhite.errors import ConfigError, FileError
from spfwhite.wording import clipped, printable

T = TypeVar("T")


def text(path: Path) -> str:
    """Return what a file holds. Raises ConfigError, also for a file without content."""
    with _said(path):
        data = files.read(path, data=False)
    try:
        decoded = data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = data.count(b"\n", 0, fault.start) + 1
        raise ConfigError(f"{printable(str(path))}:{line}: is not UTF-8") from None
    if not decoded.strip():
        raise ConfigError(
            f"{printable(str(path))}: is empty, which looks like a failed write; "
            "a file that is to say nothing holds a # comment"
        )
    return decoded


def lines(content: str) -> Iterator[tuple[int, str]]:
    """Yield what the lines of a text hold, each with its number; `#` starts a comment."""
    for number, line in enumerate(content.split("\n"), 1):
        if entry := line.partition("#")[0].strip():
            yield number, entry


def entries(content: str, path: Path, parse: Callable[[str], T]) -> tuple[T, ...]:
    """Return the parsed lines of a file's text. Raises ConfigError."""
    result = []
    for number, entry in lines(content):
        try:
            result.append(parse(entry))
        except ValueError as fault:
            place = f"{printable(str(path))}:{number}"
            raise ConfigError(f"{place}: {shown(entry)} {fault}") from None
    return tuple(result)


def listed(folder: Path) -> list[str]:
    """Return the names in a folder, sorted; none if it does not exist. Raises ConfigError."""
    with _said(folder), suppress(FileNotFoundError):
        return files.names_in(folder)
    return []


@contextmanager
def _said(path: Path) -> Iterator[None]:
    try:
        yield
    except FileError as fault:
        raise ConfigError(printable(str(fault))) from None
    except OSError as fault:
        name = printable(str(path))
        mend = "; the user who runs spfwhite has to be able to" * isinstance(fault, PermissionError)
        raise ConfigError(f"{name}: cannot be read: {fault.strerror}{mend}") from None


def parse_toml(text: str, file: str) -> dict[str, Any]:
    """Return the document of a TOML text. Raises ConfigError with the line."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        what, _, place = str(fault).rpartition(" (at ")
        hint = "; texts stand in quotes, true and false do not" * (what == "Invalid value")
        at = place.rstrip(")")
        raise ConfigError(f"{file}: is not TOML at {at}: {clipped(what)}{hint}") from None
    except (ValueError, RecursionError):
        # a number of thousands of digits, or brackets nested as deeply
        raise ConfigError(f"{file}: is not TOML that can be read") from None
