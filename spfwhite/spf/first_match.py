"""RFC 7208 section 4.6.2: the first directive that matches an address decides it.

Owns: one sweep over all that the directives of a record match, for both modes.
"""

# A check of one client tries the directives from left to right. For all addresses at once that
# would be: take what the first matches, take what the second matches from what remains, and so on,
# which is n steps for each of n directives, and a record of one DNS message has thousands. Instead
# the ends of all ranges are sorted and walked once. Between two ends that follow each other every
# address is matched by the same directives, and belongs to the first of them: n ranges take n log
# n steps.

from collections.abc import Sequence
from heapq import heappop, heappush

from spfwhite.networks import Networks, Range, Ranges


def first_match(sets: Sequence[Networks]) -> list[Networks]:
    """Return for each set the addresses of it that no set before it has."""
    v4 = _first_of_family([networks.v4 for networks in sets])
    v6 = _first_of_family([networks.v6 for networks in sets])
    return [Networks(*families) for families in zip(v4, v6, strict=True)]


def _first_of_family(sets: Sequence[Ranges]) -> list[list[Range]]:
    ends = sorted(
        (end, index)
        for index, ranges in enumerate(sets)
        for low, high in ranges
        for end in (low, high + 1)
    )
    decided: list[list[Range]] = [[] for _ in sets]
    is_open: set[int] = set()
    heap: list[int] = []  # the sets that are open, and closed ones that are not on top
    begin = 0
    for end, index in ends:
        if heap and begin < end:
            decided[heap[0]].append((begin, end - 1))
        begin = end
        if index in is_open:
            is_open.remove(index)
        else:  # the ranges of one set do not touch, so no range of it ends here
            is_open.add(index)
            heappush(heap, index)
        while heap and heap[0] not in is_open:
            heappop(heap)
    return decided
