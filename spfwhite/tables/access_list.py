"""The value of postscreen_access_list, as postscreen reads it.

Owns: its entries, and which of them are local files. Refuses: to judge them
(`spfwhite.inspect.wiring`).
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LIST: Final = "postscreen_access_list"

SUFFIXES: Final = dict.fromkeys(("cidr", "pcre", "regexp", "texthash"), "") | {
    "hash": ".db",
    "btree": ".db",
    "lmdb": ".lmdb",
    "cdb": ".cdb",
    "dbm": ".pag",
    "sdbm": ".pag",
}
"""The types of tables that are local files, with what the name of the file has after the path."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of postscreen_access_list; `path` without symlinks, None if it names no file."""

    text: str
    kind: str = ""
    path: Path | None = None
    missing: bool = False


def words(value: str) -> list[str]:
    """Return the entries of a list of Postfix's, an inline table `cidr:{...}` as `cidr:`."""
    while (shorter := re.sub(r"\{[^{}]*\}", "", value)) != value:
        value = shorter
    return re.findall(r"[^,\s]+", value)


def entry(text: str) -> Entry:
    """Return an entry with what the file system says of it; raises OSError."""
    kind, colon, name = text.removeprefix("proxy:").partition(":")
    if not colon or kind not in SUFFIXES or not name.startswith("/"):
        return Entry(text)
    missing = not Path(name + SUFFIXES[kind]).exists()
    return Entry(text, kind, Path(os.path.realpath(name)), missing)
