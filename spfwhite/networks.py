"""An immutable set of IPv4 and IPv6 addresses, kept as sorted ranges of integers.

The only importer of netaddr, which reads what operators write and never what DNS says
(`spfwhite.spf.record` does).
"""

from __future__ import annotations

import ipaddress
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cached_property
from itertools import chain
from typing import Final

# First and last address, both included
Range = tuple[int, int]

Ranges = tuple[Range, ...]

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

BITS: Final = {4: 32, 6: 128}

_OCTET: Final = "(0|[1-9][0-9]{0,2})"
# As this module prints one, without leading zeros, which some read as octal numbers. ipaddress
# takes six times as long to read it, and tables are large.
_IPV4_CIDR: Final = re.compile(rf"{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}/(0|[1-9][0-9]?)")


def address(version: int, value: int) -> Address:
    """Return an address of the standard library; `version` is 4 or 6."""
    return ipaddress.IPv4Address(value) if version == 4 else ipaddress.IPv6Address(value)


def masked(value: int, prefix: int, bits: int) -> Range:
    """Return the range of the network `value/prefix` with its host bits masked."""
    host = (1 << (bits - prefix)) - 1
    return value & ~host, value | host


def _collapsed(ranges: Iterable[Range]) -> Ranges:
    result: list[Range] = []
    for pair in sorted(ranges):  # the pairs themselves are kept: a large run has many
        if not result or pair[0] > result[-1][1] + 1:
            result.append(pair)
        elif pair[1] > result[-1][1]:
            result[-1] = (result[-1][0], pair[1])
    return tuple(result)


def _overlapping(ranges: Ranges, low: int, high: int) -> Iterator[Range]:
    """Yield the ranges that share an address with low..high, in order."""
    start = bisect_left(ranges, (low, low))
    if start and ranges[start - 1][1] >= low:
        start -= 1
    for index in range(start, len(ranges)):
        if ranges[index][0] > high:
            return
        yield ranges[index]


def _shared(one: Ranges, other: Ranges) -> Iterator[Range]:
    few, many = (one, other) if len(one) <= len(other) else (other, one)
    return (
        (max(low, a), min(high, b)) for low, high in few for a, b in _overlapping(many, low, high)
    )


def _difference(one: Ranges, other: Ranges) -> Ranges:
    if one == other:
        return ()
    if next(_shared(one, other), None) is None:
        return one  # mostly nothing goes, and a large run keeps many such sets
    result: list[Range] = []
    for pair in one:
        low, high = pair
        for hole_low, hole_high in _overlapping(other, low, high):
            if hole_low > low:
                result.append((low, hole_low - 1))
            low = hole_high + 1
        if low <= high:
            result.append(pair if low == pair[0] else (low, high))
    return tuple(result)


def _intersection(one: Ranges, other: Ranges) -> Ranges:
    return one if one == other else tuple(_shared(one, other))


class Networks:
    """An immutable set of IPv4 and IPv6 addresses.

    `|`, `-`, `&`, `==`, `in`, `bool` work as they do for sets; `v4` and `v6` are its sorted,
    disjoint, not touching ranges of integers.
    """

    __slots__ = ("__dict__", "v4", "v6")

    def __init__(self, v4: Iterable[Range] = (), v6: Iterable[Range] = ()) -> None:
        self.v4: Ranges = _collapsed(v4)
        self.v6: Ranges = _collapsed(v6)

    @classmethod
    def _made(cls, v4: Ranges, v6: Ranges) -> Networks:
        """Wrap ranges that are collapsed already."""
        made = cls.__new__(cls)
        made.v4, made.v6 = v4, v6
        return made

    @classmethod
    def of(cls, version: int, first: int, last: int) -> Networks:
        """Return the set of one range, both ends included; `version` is 4 or 6."""
        ranges = ((first, last),)
        return cls._made(ranges, ()) if version == 4 else cls._made((), ranges)

    @classmethod
    def union(cls, sets: Iterable[Networks]) -> Networks:
        """Return the union of many sets, sorting once."""
        parts = [part for part in sets if part]
        if len(parts) == 1:
            return parts[0]
        return cls(
            chain.from_iterable(part.v4 for part in parts),
            chain.from_iterable(part.v6 for part in parts),
        )

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Networks:
        """Return the set of addresses and CIDRs of a table, an answer, a page or the state.

        Raises ValueError on anything that `ipaddress` does not take, host bits included.
        """
        v4: list[Range] = []
        v6: list[Range] = []
        for text in texts:
            match = _IPV4_CIDR.fullmatch(text)
            if match:
                a, b, c, d, prefix = map(int, match.groups())
                value = a << 24 | b << 16 | c << 8 | d
                if max(a, b, c, d) < 256 and prefix <= 32 and masked(value, prefix, 32)[0] == value:
                    v4.append(masked(value, prefix, 32))
                    continue
            parsed = ipaddress.ip_network(text)
            family = v4 if parsed.version == 4 else v6
            family.append((int(parsed.network_address), int(parsed.broadcast_address)))
        return cls(v4, v6)

    def __or__(self, other: Networks) -> Networks:
        return self.union((self, other))

    def __sub__(self, other: Networks) -> Networks:
        v4, v6 = _difference(self.v4, other.v4), _difference(self.v6, other.v6)
        return self if v4 is self.v4 and v6 is self.v6 else self._made(v4, v6)

    def __and__(self, other: Networks) -> Networks:
        return self._made(_intersection(self.v4, other.v4), _intersection(self.v6, other.v6))

    def __bool__(self) -> bool:
        return bool(self.v4 or self.v6)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Networks):
            return NotImplemented
        return self.v4 == other.v4 and self.v6 == other.v6

    def __hash__(self) -> int:
        return hash((self.v4, self.v6))

    def __contains__(self, address: Address) -> bool:
        value = int(address)
        return any(True for _ in _overlapping(self.ranges(address.version), value, value))

    def __repr__(self) -> str:
        return f"Networks({', '.join(self.texts())})"

    def ranges(self, version: int) -> Ranges:
        """Return the ranges of one family (4 or 6)."""
        return self.v4 if version == 4 else self.v6

    def family(self, version: int) -> Networks:
        """Return the addresses of one family (4 or 6)."""
        return self._made(self.v4, ()) if version == 4 else self._made((), self.v6)

    def count(self) -> int:
        """Return the number of ranges of both families."""
        return len(self.v4) + len(self.v6)

    def size(self, version: int) -> int:
        """Return the number of addresses of one family (4 or 6)."""
        return sum(high - low + 1 for low, high in self.ranges(version))

    def blocks64(self) -> int:
        """Return the number of IPv6 /64s that hold an address of the set."""
        count, last = 0, -1
        for low, high in self.v6:
            first = max(low >> 64, last + 1)
            last = high >> 64
            count += last - first + 1
        return count

    def cidrs(self, version: int) -> Iterator[tuple[int, int]]:
        """Yield (first address, prefix length) of the fewest CIDRs of one family, sorted."""
        bits = BITS[version]
        for low, high in self.ranges(version):  # ten times netaddr's speed
            while low <= high:
                size = (high - low + 1).bit_length() - 1
                if low:
                    size = min(size, (low & -low).bit_length() - 1)
                yield low, bits - size
                low += 1 << size

    def rules(self) -> tuple[int, int]:
        """Return how many rules a table has of the set, for IPv4 and IPv6: the fewest CIDRs."""
        v4, v6 = (sum(1 for _ in self.cidrs(version)) for version in BITS)
        return v4, v6

    @cached_property
    def networks(self) -> tuple[Network, ...]:
        """The fewest CIDRs, IPv4 before IPv6, sorted by number."""
        v4 = (ipaddress.IPv4Network(pair) for pair in self.cidrs(4))
        v6 = (ipaddress.IPv6Network(pair) for pair in self.cidrs(6))
        return (*v4, *v6)

    def texts(self) -> list[str]:
        """Return the fewest CIDRs as text, always with a prefix length, as `networks` sorts."""
        v4 = [
            f"{a >> 24}.{a >> 16 & 255}.{a >> 8 & 255}.{a & 255}/{prefix}"
            for a, prefix in self.cidrs(4)
        ]
        return v4 + [f"{ipaddress.IPv6Address(a)}/{prefix}" for a, prefix in self.cidrs(6)]


EMPTY: Final = Networks()
EVERYTHING: Final = Networks([(0, 2**32 - 1)], [(0, 2**128 - 1)])

# ::ffff:0:0/96: a client there is an IPv4 client (RFC 7208 section 5), named by no IPv6 term
IPV4_MAPPED: Final = Networks((), [(0xFFFF << 32, (0xFFFF << 32) + 2**32 - 1)])


# An address, with a prefix length or the end of a range; netaddr itself takes far more
_OPERATORS_TEXT: Final = r"([0-9A-Fa-f.:]+)(?:/(0|[1-9][0-9]{0,2})| *- *([0-9A-Fa-f.:]+))?"


def parse_operator(text: str) -> Networks:
    """Return what an operator wrote: an address, a CIDR, or a range `192.0.2.1 - 192.0.2.9`.

    `192.0.2.1-9` is short for the last octet. Raises ValueError with a sentence, host bits
    included, since a typing error in an allowlist must not be guessed at.
    """
    if _IPV4_CIDR.fullmatch(text):
        with suppress(ValueError):
            return Networks.parse([text])
    import netaddr  # 40 ms to import, and most runs have no other text

    match = re.fullmatch(_OPERATORS_TEXT, text.strip())
    address, prefix, end = match.groups() if match else ("", None, None)
    if end and "." in address and "." not in end:
        end = f"{address.rpartition('.')[0]}.{end}"
    try:
        first = netaddr.IPAddress(address, flags=netaddr.INET_PTON)
        last = netaddr.IPAddress(end or address, flags=netaddr.INET_PTON)
        network = netaddr.IPNetwork(f"{first}/{prefix}" if prefix else str(first))
    except (netaddr.AddrFormatError, ValueError):
        raise ValueError("is not an IPv4 or IPv6 address, network or range") from None
    if network.first != int(first):
        raise ValueError(f"has host bits set; did you mean {network.cidr}?")
    if first.version != last.version or first > last:
        raise ValueError("is a range that ends before it begins")
    return Networks.of(first.version, int(first), network.last if prefix else int(last))
