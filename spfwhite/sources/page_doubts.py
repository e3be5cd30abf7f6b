"""What keeps a row of a page from being certain: rather than guess, the page is refused.

Owns: the signs that an address is half of something: of a range, of a network whose mask or length
stands beside it, of a rule that rejects, or that it is the number of a section. Refuses: to find
addresses (`spfwhite.sources.page_addresses`).
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from spfwhite.networks import BITS, Address, Networks
from spfwhite.wording import clipped

# Ends a cell of a row, as the record separator of ASCII does
CELL: Final = "\x1e"

# Prefix lengths. `192.0.2.1 - 198.51.100.7` is no range but two addresses with a dash between.
WIDEST_RANGE: Final = {4: 12, 6: 28}

MOST_PARTS: Final = 9  # addresses of a row, one of which may have its length in another cell

# What makes an address before it half of a range or network
_BEHIND: Final = re.compile(
    r"\s*(?:(?:to|through|thru|until|till|bis|\.{2,3}|[\u2026\u2192])\s*(?=[0-9A-Fa-f]{1,4}[.:])"
    r"|/\s*[0-9]{1,3}(?![0-9A-Fa-f.:])|[-\u2010-\u2015\u2212]\s*[0-9]{1,3}\s*\Z)",
    re.IGNORECASE,
)

_REJECTS: Final = re.compile(r"\s*(?:reject|deny|denied|drop|discard|dunno)\b\s*", re.IGNORECASE)
_SECTION: Final = re.compile(r"\s*1?[0-9](?:\.1?[0-9]){3}\.?\s+[A-Z][a-z]")
# `192.0.2.*`, a network with its mask behind a slash, and a range that ends in `192.0.2.300`
_PATTERN: Final = re.compile(
    r"(?<![\w.])(?=(?:[0-9*x]{1,3}\.){3}[*x])[0-9]{1,3}(?:\.[0-9*x]{1,3}){3}(?![\w.*])"
    r"|[0-9]/255\."
    r"|[-\u2010-\u2015\u2212]\s*(?:[0-9]{1,3}\.){3}(?:2(?:5[6-9]|[6-9][0-9])|[3-9][0-9]{2})(?![\w.])",
    re.ASCII,
)

_LENGTH: Final = re.compile(r"\s*(/?)\s*([0-9]{1,3})\s*")


class Entry(NamedTuple):
    """What an entry of a cell names, and where it ends; `lone` is an address by itself."""

    networks: Networks
    lone: Address | None
    end: int

    @property
    def is_mask(self) -> bool:
        """Whether it is 255.255.255.0 or another mask."""
        return self.lone is not None and self.lone.version == 4 and int(self.lone) >> 24 == 255


def is_range(first: Address, last: Address) -> bool:
    """Tell whether two addresses may be the ends of a range."""
    if first.version != last.version:
        return False
    most = 1 << BITS[first.version] - WIDEST_RANGE[first.version]
    return 0 <= int(last) - int(first) < most


def refuse_unclear(cells: Sequence[str], found: Sequence[Sequence[Entry]]) -> None:
    """Raise ValueError with a phrase about the page if a row, with its entries, is unclear."""
    if any(map(_is_unclear, cells, found)) or (any(found) and _are_parts(cells, found)):
        shown = clipped(" | ".join(filter(None, map(str.strip, cells))))
        raise ValueError(f'is not read: what it means by "{shown}" is unclear')


def _is_unclear(cell: str, entries: Sequence[Entry]) -> bool:
    """Tell whether something in a cell belongs to an address of it."""
    return bool(
        any(_BEHIND.match(cell, entry.end) for entry in entries if entry.lone)
        or any(_REJECTS.match(cell, entry.end) for entry in entries)
        or (entries and _SECTION.match(cell))
        or _PATTERN.search(cell)
    )


def _are_parts(cells: Sequence[str], found: Sequence[Sequence[Entry]]) -> bool:
    """Tell whether cells of a row together say something that none of them says in full."""
    entries = [entry for each in found for entry in each]
    whole = Networks.union(entry.networks for entry in entries if not entry.lone)
    parts = [e for e in entries if e.lone and not (e.is_mask and whole) and e.lone not in whole]
    alone = [entry.lone for entry in parts if entry.lone]
    if len(alone) > 1 and any(entry.is_mask for entry in parts):
        return True
    if len(alone) == len(entries) == sum(map(bool, found)) == 2 and is_range(*alone):
        return True
    # of a row of many addresses no number is the length
    lengths = [m for m in map(_LENGTH.fullmatch, cells) if m] if len(alone) <= MOST_PARTS else []
    return any(map(_REJECTS.fullmatch, cells)) or any(
        _fits(address, int(m[2]), surely=bool(m[1])) for address in alone for m in lengths
    )


def _fits(address: Address, length: int, *, surely: bool) -> bool:
    """Tell whether a number in a cell of its own may be the length of an address in another."""
    host = (1 << max(0, BITS[address.version] - length)) - 1
    return length >= 8 and host > 0 and (surely or not int(address) & host)
