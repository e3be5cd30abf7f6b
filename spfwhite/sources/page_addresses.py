"""The addresses, networks and ranges in a text that somebody published for people to read.

Owns: where in a text an address begins and ends, and which lookalikes are none: versions, host
names, times, MAC addresses, parts of a URL. Refuses: to know how the text was laid out
(`spfwhite.sources.page_text`; a newline ends every row, CELL a cell of it), to guess at what is
unclear (`spfwhite.sources.page_doubts`), and to judge widths or special-use addresses.

In doubt it takes less: what touches a letter, a further dot or a slash is part of something else.
Host bits are masked: they are somebody else's typing error, and the network is plain.
"""

import ipaddress
import re
from collections.abc import Iterator
from typing import Final

from spfwhite.networks import BITS, Networks, masked
from spfwhite.sources.page_doubts import CELL, Entry, is_range, refuse_unclear

# 2000::/3 (RFC 4291 section 2.4): `::`, `fade::bed` and an EUI-64 are IPv6 in form only
GLOBAL_UNICAST: Final = Networks.of(6, 0x2000 << 112, (0x4000 << 112) - 1)

# Characters, of which 10,000 networks need less; all that a row names is held at once
MAX_ROW: Final = 1 << 19

_INVISIBLE: Final = re.compile("[\xad\u200b-\u200d\u2060\ufeff]+")
_DASH: Final = "[-\u2010-\u2015\u2212]"
_SPACE: Final = "[ \t\xa0\u2007\u2009\u202f]*"
_WORD: Final = r"A-Za-z0-9_/\\@%~=&#"
_BEFORE: Final = rf"(?<![{_WORD}.:?+-])"
_AFTER: Final = rf"(?![{_WORD}]|[.:?+-][{_WORD}])"
# `ip4:` or `Address:`; a letter after F keeps it apart from the first group of an IPv6 address, so
# that no place is the beginning of both.
_LABEL: Final = r"(?:\+?(?=[A-Fa-f0-9]{0,20}[g-zG-Z_-])[A-Za-z][\w-]{0,20}:)?"
_IPV4: Final = r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}"
_IPV6: Final = r"(?=[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:)[0-9A-Fa-f:]{2,39}(?<![^:]:)"
_ADDRESS: Final = f"(?:{_IPV4}|{_IPV6})"
# Without the `(?!::)` the 2001:db8 of `2001:db8::1/32` would be the next address.
_NEXT: Final = re.compile(rf"{_SPACE}{_DASH}{_SPACE}({_ADDRESS})(?!::){_AFTER}", re.ASCII)
_ENTRY: Final = re.compile(
    rf"{_BEFORE}{_LABEL}(?P<first>{_ADDRESS})"
    rf"(?:(?:/(?P<prefix>[0-9]{{1,3}})|{_DASH}(?P<octet>[0-9]{{1,3}})|){_AFTER}"
    rf"|(?={_NEXT.pattern}))",
    re.ASCII,
)
_VERSION: Final = re.compile(
    r"\b(?:version|ver|release|rev|build|section|chapter|clause|paragraph)[^\w\n]{0,3}\Z",
    re.ASCII | re.IGNORECASE,
)
_REACH: Final = 12  # characters before an address in which `_VERSION` looks


def networks_in(text: str) -> Iterator[Networks]:
    """Yield what each entry of a text names, in order: an address, a CIDR or a range.

    Ranges are `192.0.2.1 - 192.0.2.9` and, without spaces, `192.0.2.1-9`; any dash does. Takes
    linear time. Raises ValueError with a phrase about the text for a row that is unclear.
    """
    for row in _INVISIBLE.sub("", text).split("\n"):
        if len(row) > MAX_ROW:
            raise ValueError(f"has a line of more than {MAX_ROW:,} characters")
        cells = row.split(CELL)
        found = [list(_entries(cell)) for cell in cells]
        refuse_unclear(cells, found)
        yield from (entry.networks for entries in found for entry in entries if not entry.is_mask)


def _entries(text: str) -> Iterator[Entry]:
    position = 0
    while entry := _ENTRY.search(text, position):
        row, position = _row(text, entry)
        before = entry.start("first")
        if not _VERSION.search(text[max(0, before - _REACH) : before]):
            for networks in _meaning(entry, row):
                if not networks.family(6) - GLOBAL_UNICAST:
                    is_lone = not (row[1:] or entry["prefix"] or entry["octet"])
                    lone = ipaddress.ip_address(row[0]) if is_lone else None
                    yield Entry(networks, lone, position)


def _row(text: str, entry: re.Match[str]) -> tuple[list[str], int]:
    """Return the address of an entry and those that follow it by dashes, and where they end."""
    row, end = [entry["first"]], entry.end()
    # one by one: a repeated group would keep hundreds of octets for each address that it matched
    while not (entry["prefix"] or entry["octet"]) and (following := _NEXT.match(text, end)):
        row.append(following[1])
        end = following.end()
    return row, end


def _meaning(entry: re.Match[str], row: list[str]) -> Iterator[Networks]:
    """Yield the set of an entry, or of each address of a row that is no range."""
    try:
        found = [ipaddress.ip_address(text) for text in row]
    except ValueError:
        return
    first = found[0]
    if entry["prefix"]:
        prefix, bits = int(entry["prefix"]), BITS[first.version]
        if prefix <= bits and entry["prefix"] == str(prefix):
            yield Networks.of(first.version, *masked(int(first), prefix, bits))
    elif entry["octet"]:
        last = int(entry["octet"])
        if first.version == 4 and int(first) & 255 <= last <= 255:
            yield Networks.of(4, int(first), int(first) & ~255 | last)
    elif len(found) == 2 and is_range(*found):
        yield Networks.of(first.version, int(first), int(found[1]))
    else:
        yield from (Networks.of(each.version, int(each), int(each)) for each in found)
