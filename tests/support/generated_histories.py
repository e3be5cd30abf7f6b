"""Hypothesis strategies for histories: worlds of a few nights in which answers fail, go and move.

Owns which worlds a series of runs lives through. Refuses to know what a run makes of them.
"""

from __future__ import annotations

from random import Random

from hypothesis import strategies as st

from tests.support.generated import NAMES, zones
from tests.support.oracle import TEMPFAIL, Zone

_Made = dict[tuple[str, str], tuple[str, ...] | str]
_RRTYPES = ("TXT", "MX", "A", "AAAA")


@st.composite
def histories(draw: st.DrawFn) -> tuple[Zone, ...]:
    """Worlds of one to four nights; all answers of the first come."""
    random = Random(draw(st.integers(0, 2**32)))  # of even spread, which st.randoms is not
    one = draw(zones(undecidable=True, failures=False)) if random.random() < 0.2 else _usual(random)
    other = _moved(one, random)
    worlds: list[Zone] = [one]
    for _ in range(random.choice((0, 1, 2, 3))):
        gone, lost, moved = (random.choice((0.0, 0.1, 0.3)) for _ in range(3))
        world = {key: other[key] if random.random() < moved else one[key] for key in one}
        world = {key: value for key, value in world.items() if random.random() >= gone}
        worlds.append({**world, **{key: TEMPFAIL for key in one if random.random() < lost}})
    return tuple(worlds)


def _moved(one: Zone, random: Random) -> _Made:
    """The answers of a world, each at another name."""
    other = dict(one)
    for rrtype in _RRTYPES:
        keys = [key for key in one if key[1] == rrtype]
        other.update(zip(keys, random.sample([one[key] for key in keys], len(keys)), strict=True))
    return other


def _usual(random: Random) -> _Made:
    """A world as it is met: every name has addresses and a record that leads to other names."""
    zone: _Made = {}
    for i, name in enumerate(NAMES):
        terms = [_term(random, i) for _ in range(random.randint(1, 4))]
        end = random.choice(("-all", "~all", f"redirect={random.choice(NAMES)}"))
        zone[name, "TXT"] = (" ".join(["v=spf1", *terms, end]),)
        zone[name, "A"] = tuple(sorted({f"192.0.2.{random.randrange(256)}" for _ in range(2)}))
        zone[name, "AAAA"] = random.choice(((), (f"2001:db8:{i}::{random.randint(1, 9)}",)))
        zone[name, "MX"] = tuple(f"10 {host}" for host in random.sample(NAMES, 2))
    return zone


def _term(random: Random, i: int) -> str:
    """One term; each name has networks of its own, which others may deny."""
    name = random.choice(NAMES)
    block = i if random.random() < 0.8 else random.randrange(len(NAMES))
    kinds = (
        f"ip4:198.18.{block * 4 + random.randrange(4)}.0/24",
        f"ip4:198.18.{block * 4}.0/22",
        f"ip6:2001:db8:{block}::/{random.choice((48, 56, 64))}",
        *(f"include:{name}", f"include:{name}", f"a:{name}", f"mx:{name}", "a/28", "mx"),
    )
    return random.choice(("", "", "", "", "", "-", "~")) + random.choice(kinds)
