"""Set algebra on many networks: ours, netaddr's and the standard library's own functions.

A process of its own, `python -m tests.bench.sets COUNT`, which prints a JSON object a line:
operation, library, seconds. Each library starts from objects of its own, made beforehand; ours
from ranges of integers, which is what a record is parsed to. All results are compared. Owns: the
networks and the calls. Refuses: to be fair to a library that has no such function.
"""

from __future__ import annotations

import gc
import ipaddress
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import Any

import netaddr

from spfwhite.networks import BITS, Network, Networks, masked
from tests.bench.timing import NETADDR, OURS, STDLIB, Timing

CIDRS = "collapse to the fewest CIDRs"
UNION = "union"
DIFFERENCE = "difference"
SPLIT = "ranges to CIDRs"

Pair = tuple[int, int]
"""First address and prefix length."""


class Input:
    """Random networks, nine of ten IPv4, in the form of each library."""

    def __init__(self, count: int, seed: int) -> None:
        random = Random(seed)
        pairs: dict[int, list[Pair]] = {4: [], 6: []}
        for number in range(count):
            version = 6 if number % 10 == 9 else 4
            prefix = random.choice((20, 22, 24, 26, 28, 32) if version == 4 else (32, 40, 48, 64))
            # IPv6 in one /16, so that there is something to join
            value = random.getrandbits(32) if version == 4 else 0x2A00 << 112 | _bits(random)
            low, _ = masked(value, prefix, BITS[version])
            pairs[version].append((low, prefix))
        self.ranges = {v: [masked(*pair, BITS[v]) for pair in pairs[v]] for v in BITS}
        self.ours = Networks(self.ranges[4], self.ranges[6])
        self.netaddrs = [netaddr.IPNetwork(pair, version=v) for v in BITS for pair in pairs[v]]
        self.netaddr_set = netaddr.IPSet(self.netaddrs)
        self.stdlib: dict[int, list[Network]] = {
            4: [ipaddress.IPv4Network(pair) for pair in pairs[4]],
            6: [ipaddress.IPv6Network(pair) for pair in pairs[6]],
        }


def _bits(random: Random) -> int:
    return random.getrandbits(16) << 96 | random.getrandbits(32) << 64


def _ours_cidrs(networks: Networks) -> list[list[Pair]]:
    return [list(networks.cidrs(version)) for version in BITS]


def _collapsed(*parts: list[Network]) -> list[Any]:
    joined: Iterable[Any] = [network for part in parts for network in part]
    return list(ipaddress.collapse_addresses(joined))


def _summarized(ranges: Iterable[tuple[Any, Any]]) -> int:
    return sum(1 for low, high in ranges for _ in ipaddress.summarize_address_range(low, high))


def measurements(count: int) -> Iterator[Timing]:
    """Yield operation, library, seconds; raises SystemExit if two libraries disagree."""
    one, other = Input(count, 1), Input(count, 2)
    ranges = [r for version in BITS for r in _objects(one.ours, version)]
    calls: dict[tuple[str, str], Callable[[], Any]] = {
        (CIDRS, OURS): lambda: _ours_cidrs(Networks(one.ranges[4], one.ranges[6])),
        (CIDRS, NETADDR): lambda: netaddr.cidr_merge(one.netaddrs),
        (CIDRS, STDLIB): lambda: [_collapsed(one.stdlib[version]) for version in BITS],
        (UNION, OURS): lambda: one.ours | other.ours,
        (UNION, NETADDR): lambda: one.netaddr_set | other.netaddr_set,
        (UNION, STDLIB): lambda: [_collapsed(one.stdlib[v], other.stdlib[v]) for v in BITS],
        (DIFFERENCE, OURS): lambda: one.ours - other.ours,
        (DIFFERENCE, NETADDR): lambda: one.netaddr_set - other.netaddr_set,
        (SPLIT, OURS): lambda: _ours_cidrs(one.ours),
        (SPLIT, NETADDR): lambda: [c for r in ranges for c in netaddr.iprange_to_cidrs(*r[0])],
        (SPLIT, STDLIB): lambda: _summarized(r[1] for r in ranges),
    }
    sizes: dict[str, int] = {}
    for (operation, library), call in calls.items():
        result, seconds = _timed(call)
        size = _cidr_count(result)
        if sizes.setdefault(operation, size) != size:
            raise SystemExit(f"{operation}: {library} has {size} CIDRs, not {sizes[operation]}")
        yield Timing(operation, library, seconds)


def _timed(call: Callable[[], Any]) -> tuple[Any, float]:
    gc.collect()
    start = time.perf_counter()
    result = call()
    return result, time.perf_counter() - start


def _objects(networks: Networks, version: int) -> Iterable[tuple[Any, Any]]:
    """Yield each range as the arguments of netaddr's function and of the standard library's."""
    address = ipaddress.IPv4Address if version == 4 else ipaddress.IPv6Address
    for low, high in networks.ranges(version):
        ends = netaddr.IPAddress(low, version), netaddr.IPAddress(high, version)
        yield ends, (address(low), address(high))


def _cidr_count(result: Any) -> int:
    match result:
        case int():
            return result
        case Networks():
            return sum(len(cidrs) for cidrs in _ours_cidrs(result))
        case netaddr.IPSet():
            return sum(1 for _ in result.iter_cidrs())
        case [list(), *_]:
            return sum(map(len, result))
    return len(result)


if __name__ == "__main__":
    for measured in measurements(int(sys.argv[1])):
        sys.stdout.write(measured.line())
        sys.stdout.flush()
