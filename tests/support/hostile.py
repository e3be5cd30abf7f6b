"""Records that keep every cap of a domain and are made to be dear to evaluate.

Owns: the zones, of `evil.test` each: 500 questions, depth 20, 64 KiB a record and 1 MiB in all are
kept. Refuses: to evaluate them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, count
from random import Random

Records = dict[str, str]

MOST_IN_A_MESSAGE = 64_000
EVIL = "evil.test"


def _addresses(start: int = 0) -> Iterator[str]:
    """Yield single addresses that never join: every other one."""
    return (f"{20 + (i >> 24)}.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}" for i in count(start, 2))


def _filled(text: str, terms: Iterable[str], octets: int = MOST_IN_A_MESSAGE) -> str:
    """Return a record with as many more terms as fit."""
    parts, size = [text], len(text)
    for term in terms:
        size += len(term) + 1
        if size > octets:
            break
        parts.append(term)
    return " ".join(parts)


def _passing(addresses: Iterator[str]) -> Iterator[str]:
    return (f"ip4:{address}" for address in addresses)


def _denying(addresses: Iterator[str]) -> Iterator[str]:
    return (f"-ip4:{address}" for address in addresses)


def _by_turns(addresses: Iterator[str]) -> Iterator[str]:
    return chain.from_iterable(zip(_passing(addresses), _denying(addresses), strict=False))


def _includes(names: Iterable[str]) -> str:
    return " ".join(["v=spf1", *(f"include:{name}" for name in names)])


def by_turns() -> Records:
    """Return fifteen records of addresses that are passed and denied by turns."""
    names, addresses = [f"e{i}.test" for i in range(15)], _addresses()
    return {
        EVIL: _includes(names),
        **{name: _filled("v=spf1", _by_turns(addresses)) for name in names},
    }


def denied_after_includes() -> Records:
    """Return seven records that include eight full ones and then deny address after address."""
    leaves, tops = [f"l{i}.test" for i in range(8)], [f"t{i}.test" for i in range(7)]
    addresses = _addresses()
    return {
        EVIL: _includes(tops),
        **{leaf: _filled("v=spf1", _passing(addresses)) for leaf in leaves},
        **{top: _filled(_includes(leaves), _denying(addresses)) for top in tops},
    }


def ring(step: int = 1, first: str = "", size: int = 430) -> Records:
    """Return records that each include the next, with forty pairs each."""
    names, addresses = [f"c{i}.test" for i in range(size)], _addresses()
    records = {EVIL: _includes(names)}
    for i, name in enumerate(names):
        text = f"v=spf1 {first} include:{names[(i + step) % len(names)]}"
        records[name] = _filled(text, _by_turns(addresses), 1_900)
    return records


def ring_backwards() -> Records:
    """Return the ring in which each includes the one before."""
    return ring(-1)


def ring_that_denies_first() -> Records:
    """Return a ring in which something is denied before each include."""
    return ring(-1, "-ip4:9.9.9.9 -ip4:20.0.0.0")


def mesh() -> Records:
    """Return 180 records that all include each other."""
    names, addresses = [f"m{i}.test" for i in range(180)], _addresses()
    return {
        EVIL: _includes(names[:1]),
        **{name: _filled(_includes(names), _by_turns(addresses), 5_800) for name in names},
    }


def fan_over_a_chain() -> Records:
    """Return 300 records, one that includes all the others, each of which includes the one before.

    They include full records too, and then deny.
    """
    leaves, addresses = [f"l{i}.test" for i in range(7)], _addresses()
    names = [EVIL, *(f"c{i}.test" for i in range(1, 300))]
    records = {leaf: _filled("v=spf1", _passing(addresses)) for leaf in leaves}
    for name, before in zip(names[1:], names, strict=False):
        records[name] = _filled(_includes([before, *leaves]), _denying(addresses), 1_500)
    return {**records, EVIL: _includes(names[1:])}


def one_record_again_and_again() -> Records:
    """Return 200 records that include a full one and deny some of its addresses, each others."""
    names, addresses = [f"c{i}.test" for i in range(400)], _addresses()
    records = {EVIL: _includes(names), "l.test": _filled("v=spf1", _passing(_addresses()))}
    for name in names:
        text = _filled("v=spf1", _denying(addresses), 1_500)
        records[name] = text + " include:l.test" * 20
    return records


def denied_by_includes() -> Records:
    """Return records that pass two full ones but for those that two other full ones pass."""
    leaves = [f"l{i}.test" for i in range(14)]
    spread = Random(1)
    records = {}
    for leaf in leaves:
        nets = (f"ip4:20.{spread.randrange(256)}.{spread.randrange(256)}.0/24" for _ in count())
        records[leaf] = _filled("v=spf1", nets)
    names = [f"c{i}.test" for i in range(400)]
    for name in names:
        few = spread.sample(leaves, 8)
        terms = [f"{sign}include:{leaf}" for leaf, sign in zip(few, "-+-+-+-+", strict=True)]
        records[name] = " ".join(["v=spf1", *terms])
    return {**records, EVIL: _includes(names)}


def too_wide() -> Records:
    """Return records that the rail on width empties, but for what they deny."""
    leaves = [f"l{i}.test" for i in range(8)]
    networks = (f"ip6:{0x2000 + i:x}::/16" for i in count(0, 2))
    records = {leaf: _filled("v=spf1", networks, 60_000) for leaf in leaves}
    names = [f"c{i}.test" for i in range(400)]
    denied = " ".join(f"-include:{leaf}" for leaf in leaves)
    for i, name in enumerate(names):
        records[name] = f"v=spf1 ip6:{0x2001 + i:x}::/32 {denied} ip6:2000::/3"
    return {**records, EVIL: _includes(names)}


WORST: tuple[Callable[[], Records], ...] = (
    by_turns,
    denied_after_includes,
    ring,
    ring_backwards,
    ring_that_denies_first,
    mesh,
    fan_over_a_chain,
    one_record_again_and_again,
    denied_by_includes,
    too_wide,
)


def searched(seed: int, octets: int) -> Records:
    """Return records drawn at random, of so many octets in all and of shapes that are dear."""
    draw = Random(seed)
    names = [EVIL, *(f"s{i}.test" for i in range(draw.choice((5, 20, 60, 200))))]
    length = min(MOST_IN_A_MESSAGE, octets // len(names))
    shape = _Shape(
        bits=draw.choice((8, 12, 18)),
        fan=draw.choice((1, 2, 8, 40)),
        addresses=draw.choice((3, 50, 6_000)),
        denials=draw.choice((0.0, 0.1, 0.5)),
        is_circle=draw.random() < 0.6,
    )
    return {
        name: _filled("v=spf1", shape.terms(draw, names, at), length)
        for at, name in enumerate(names)
    }


@dataclass(frozen=True, kw_only=True)
class _Shape:
    """What all records of a search have in common."""

    bits: int
    fan: int
    addresses: int
    denials: float
    is_circle: bool

    def terms(self, draw: Random, names: list[str], at: int) -> Iterator[str]:
        """Yield the terms of one record, its includes first or last."""
        below = names if self.is_circle else [*names[at + 1 :], "l.test"]
        near = [names[at - 1], names[(at + 1) % len(names)]] if self.is_circle else below[:2]
        chosen = names[1:] if at == 0 else [*near, *draw.choices(below, k=self.fan)]
        includes = [f"{self._sign(draw)}include:{name}" for name in chosen]
        addresses = (f"{self._sign(draw)}ip4:{self._network(draw)}" for _ in range(self.addresses))
        yield from chain(includes, addresses) if draw.random() < 0.5 else chain(addresses, includes)

    def _sign(self, draw: Random) -> str:
        return "-" if draw.random() < self.denials else ""

    def _network(self, draw: Random) -> str:
        number = draw.getrandbits(self.bits)
        length = draw.choice((24, 28, 32))
        return f"20.{number >> 10 & 255}.{number >> 2 & 255}.{(number & 3) << 6}/{length}"
