"""The lists and tables that a parameter of Postfix names, as postscreen reads them.

Owns: the words of a list, and whether Postfix can open a table. Refuses: to judge what follows.
"""

import os
from collections.abc import Collection
from pathlib import Path
from typing import Final, NamedTuple

LIST: Final = "postscreen_access_list"

# The types of tables that are local files, with what the name of the file has after the path.
SUFFIXES: Final = {
    **dict.fromkeys(("cidr", "pcre", "regexp", "texthash"), ""),
    **dict.fromkeys(("hash", "btree"), ".db"),
    **dict.fromkeys(("dbm", "sdbm"), ".pag"),
    "lmdb": ".lmdb",
    "cdb": ".cdb",
}


class Openable(NamedTuple):
    """What one Postfix can open: types of tables (None: any), what proxymap may, its own folder."""

    types: Collection[str] | None = None
    proxied: Collection[str] = ()
    queue: str = "/"


ANYTHING: Final = Openable()


class Entry(NamedTuple):
    """One entry of a list."""

    text: str
    kind: str = ""
    path: Path | None = None  # without symlinks, None if it names no file
    fault: str = ""  # why Postfix cannot open the table (empty: it can)
    ends: bool = False  # whether postscreen ends at that rather than do without


def words(value: str) -> list[str]:
    """Return the entries of a list of Postfix's; an inline table `cidr:{...}` is one."""
    found, depth = [""], 0
    for character in value:
        depth = max(0, depth + (character == "{") - (character == "}"))
        if not depth and (character.isspace() or character == ","):
            found.append("")
        else:
            found[-1] += character
    return [word for word in found if word]


def entry(text: str, openable: Openable = ANYTHING) -> Entry:
    """Return an entry with what the file system says of it; raises OSError."""
    table = text.removeprefix("proxy:")
    kind, colon, name = table.partition(":")
    if not colon:
        return Entry(text)
    if not kind or not name:
        return Entry(text, fault="is no TYPE:NAME", ends=True)
    is_file = kind in SUFFIXES and not name.startswith("{")
    path = Path(os.path.realpath(Path(openable.queue, name))) if is_file else None
    if openable.types is not None and kind not in openable.types:
        return Entry(text, kind, path, f"is of the type {kind}, which this Postfix lacks")
    if table != text and openable.types is not None and text not in openable.proxied:
        return Entry(text, kind, path, "is not in proxy_read_maps", ends=True)
    opened = Path(openable.queue, name + SUFFIXES[kind]) if is_file else None
    if opened and not opened.exists():
        return Entry(text, kind, path, "is missing")
    if opened and opened.is_dir() and kind not in ("pcre", "regexp"):  # which read nothing of it
        return Entry(text, kind, path, "is a folder", ends=kind in ("cidr", "texthash"))
    return Entry(text, kind, path)
