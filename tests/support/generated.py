"""Hypothesis strategies for small SPF worlds in which everything overlaps, and where to look.

Owns which zones the evaluators are compared on, and at which addresses. Refuses to know any
expected result. Names are few, so loops and diamonds are common; addresses come from tiny pools,
so every network is cut by another.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from hypothesis import strategies as st

from tests.support.generated_records import World, records
from tests.support.oracle import TEMPFAIL, Zone
from tests.support.oracle_parse import Address, Term, parse_record

NAMES = (*("a.test", "b.test", "c.test", "a.b.test", "b.a.test", "d.test", "x-a.test", "e.test"),)
_ADDRESSES = {
    "A": ("192.0.2.1", "192.0.2.17", "192.0.2.66", "192.0.2.255", "198.51.100.7", "198.51.100.8"),
    "AAAA": ("2001:db8::1", "2001:db8::5", "2001:db8:0:1::9", "2001:db8:0:2::"),
}
_FAR_AWAY = (
    *(IPv4Address("10.0.0.1"), IPv4Address("203.0.113.77"), IPv4Address("255.255.255.255")),
    *(IPv6Address("::1"), IPv6Address("2001:db8:dead::1"), IPv6Address("fe80::1")),
)
_Answer = tuple[str, ...] | str
_Answers = dict[tuple[str, str], _Answer]
_NOT_FOUND: dict[str, _Answer | None] = {"void": (), "missing": None, "failing": TEMPFAIL}
_CHATTER = ("v=spf10 +all", "verification=1", "v=spf1\t+all")


@st.composite
def zones(
    draw: st.DrawFn,
    *,
    malformed: bool = True,
    failures: bool = True,
    loops: bool = True,
    uniform_counters: bool = False,
    undecidable: bool = False,
) -> Zone:
    """Zones of 3 to 8 names of NAMES; the keywords leave kinds of trouble out, or let them in.

    `malformed` terms, TEMPFAIL answers (`failures`), `loops` of includes and redirects, terms that
    are `undecidable`. `uniform_counters` keeps to zones in which all addresses that reach a term
    by the same chain reach it with the same counters of 4.6.4, however they were told apart before:

    - A and AAAA are both found, both void or both failing, so the families count alike.
    - Hosts of an MX have addresses: one that is void or fails would count only for those clients
      that no earlier host matched.
    - A client that leaves an included record early goes on in the including one only if the
      directive that it matched is not "+". So behind the first such directive of a record nothing
      is looked up, neither by a directive nor by a redirect; and it is itself no include, within
      which clients part at different counts. What matches by "+" passes all the way up, as every
      include is "+" too, and meets no further term; "all" parts no clients.
    """
    count = draw(st.integers(3, len(NAMES)))
    names = tuple(draw(st.permutations(NAMES))[:count])
    world = World(names, malformed, failures, loops, uniform_counters, undecidable)
    zone: _Answers = {}
    for name in names:
        _add(zone, (name, "TXT"), draw(_texts(world, name)))
        _add_addresses(draw, zone, world, name)
    for name in names:
        _add_exchangers(draw, zone, world, name)
    return zone


def _add(zone: _Answers, key: tuple[str, str], answer: _Answer | None) -> None:
    if answer is not None:
        zone[key] = answer


def _kinds(world: World, common: tuple[str, ...]) -> st.SearchStrategy[str]:
    return st.sampled_from([*common, "void", "missing"] + ["failing"] * world.failures)


def _add_addresses(draw: st.DrawFn, zone: _Answers, world: World, name: str) -> None:
    kinds = _kinds(world, ("found",) * 5)
    kind = draw(kinds)
    for rrtype, pool in _ADDRESSES.items():
        found = draw(st.lists(st.sampled_from(pool), min_size=1, max_size=3, unique=True))
        _add(zone, (name, rrtype), tuple(found) if kind == "found" else _NOT_FOUND[kind])
        kind = kind if world.uniform else draw(kinds)


def _add_exchangers(draw: st.DrawFn, zone: _Answers, world: World, name: str) -> None:
    kind = draw(_kinds(world, ("found",) * 5 + ("null", "many")))
    hosts = [host for host in world.names if not world.uniform or _is_found(zone, host)]
    if kind == "many":
        zone.update(_crowd(name, draw(st.integers(9, 12))))
    elif kind == "null" or (kind == "found" and not hosts):
        zone[name, "MX"] = ("0 .",)  # RFC 7505
    elif kind == "found":
        chosen = draw(st.lists(st.sampled_from(hosts), min_size=1, max_size=4, unique=True))
        zone[name, "MX"] = tuple(f"{draw(st.integers(0, 20))} {host}" for host in chosen)
    else:
        _add(zone, (name, "MX"), _NOT_FOUND[kind])


def _is_found(zone: _Answers, host: str) -> bool:
    return zone.get((host, "A"), ()) not in ((), TEMPFAIL)


def _crowd(name: str, size: int) -> _Answers:
    """An MX with about as many hosts as 4.6.4 allows, and their addresses."""
    crowd: _Answers = {(name, "MX"): tuple(f"{i % 3} m{i}.test" for i in range(size))}
    for i in range(size):
        for rrtype, pool in _ADDRESSES.items():
            crowd[f"m{i}.test", rrtype] = (pool[i % len(pool)],)
    return crowd


@st.composite
def _texts(draw: st.DrawFn, world: World, owner: str) -> _Answer | None:
    kind = draw(_kinds(world, ("one",) * 18 + ("among others", "two", "others")))
    if kind in _NOT_FOUND:
        return _NOT_FOUND[kind]
    if kind == "others":
        return _CHATTER
    record = draw(records(world, owner))
    if kind == "two":
        return (record, "V=SPF1 ip4:192.0.2.0/24 ?all")
    return (_CHATTER[0], record, *_CHATTER[1:]) if kind == "among others" else (record,)


def boundaries(zone: Zone) -> list[Address]:
    """Addresses at which results may change, in order, and some far from every network.

    For each network that a record mentions, or that an address answer makes with any prefix length
    in use: the first, the last, the one before and the one after. IPv4-mapped addresses are left
    out: whoever compares sets of both families has no place for them.
    """
    edges: set[Address] = set(_FAR_AWAY)
    for prefix, address in _networks(zone):
        edges.update(_edges(prefix, address))
    return sorted(edges, key=lambda edge: (edge.version, int(edge)))


@cache
def _edges(prefix: int, address: Address) -> list[Address]:
    network = ip_network((address.packed, prefix), strict=False)
    first, last = int(network[0]), int(network[-1])
    numbers = (first - 1, first, last, last + 1)
    edges = [type(address)(number) for number in numbers if 0 <= number < 2**network.max_prefixlen]
    return [edge for edge in edges if not (isinstance(edge, IPv6Address) and edge.ipv4_mapped)]


def _networks(zone: Zone) -> Iterator[tuple[int, Address]]:
    """A prefix length and an address in it, for each network."""
    terms = list(_directives(zone))
    for term in terms:
        if term.address is not None:
            yield _prefix(term, term.address), term.address
    of_hosts = [term for term in terms if term.kind in ("a", "mx")]
    values = {
        value
        for (_, rrtype), answer in zone.items()
        if rrtype in _ADDRESSES and not isinstance(answer, str)
        for value in answer
    }
    for address in map(ip_address, values):
        for prefix in {_prefix(term, address) for term in of_hosts}:
            yield prefix, address


def _directives(zone: Zone) -> Iterator[Term]:
    """All well-formed directives, of unusable records too: what is wrongly used must show."""
    for (_, rrtype), answer in zone.items():
        if rrtype == "TXT" and not isinstance(answer, str):
            for text in answer:
                yield from parse_record(text).directives


def _prefix(term: Term, address: Address) -> int:
    return term.prefix4 if address.version == 4 else term.prefix6
