"""RFC 7208 section 4.6.2: the first directive that matches an address decides it.

Owns: one sweep over the ends of all ranges that the directives of a record match, so a record of
n ranges takes n log n steps whatever they are. Taking one directive after the other away from what
is left would take n steps for each of them, and a record may have thousands.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush

from spfwhite.networks import Networks, Range, Ranges


def first_match(sets: Sequence[Networks]) -> list[Networks]:
    """Return for each set the addresses of it that no set before it has."""
    v4, v6 = _first([each.v4 for each in sets]), _first([each.v6 for each in sets])
    return [Networks(*families) for families in zip(v4, v6, strict=True)]


def _first(sets: Sequence[Ranges]) -> list[list[Range]]:
    ends = sorted(
        (end, index)
        for index, ranges in enumerate(sets)
        for low, high in ranges
        for end in (low, high + 1)
    )
    won: list[list[Range]] = [[] for _ in sets]
    is_open: set[int] = set()
    heap: list[int] = []  # the sets that are open, and closed ones that are not on top
    begin = 0
    for end, index in ends:
        if heap and begin < end:
            won[heap[0]].append((begin, end - 1))
        begin = end
        if index in is_open:
            is_open.remove(index)
        else:  # the ranges of one set do not touch, so no range of it ends here
            is_open.add(index)
            heappush(heap, index)
        while heap and heap[0] not in is_open:
            heappop(heap)
    return won
