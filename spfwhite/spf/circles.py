"""What records pass in list mode, alone or in a circle of includes: sets of addresses only.

Owns: first match and fixed point in list mode. Refuses: to read answers (`spfwhite.spf.list_mode`).
"""

# What a record passes follows from what its terms match (RFC 7208 section 4.6.2). In a circle the
# "+" includes match what other records of the circle pass: the least fixed point, from nothing
# upwards. It exists because more that is passed by one record never means less by another: all
# that could take away (a directive that is not "+" and leads into the circle) was dropped before.
#
# A record passes all that a "+" include brings if it denies nothing before that term, so records
# that reach each other by such terms pass the same and are one group, worked out once. That leaves
# circles that deny first, whose groups are worked out in turn until none of them grows. Without the
# groups a ring of n records would take n rounds, and a stranger may publish hundreds.

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from spfwhite.networks import EMPTY, Networks
from spfwhite.spf import record as spf
from spfwhite.spf.budget import Budget
from spfwhite.spf.components import components
from spfwhite.spf.first_match import first_match
from spfwhite.spf.result import Fault, Problem


class Match(NamedTuple):
    """What a term matches, the record it leads to, and what is wrong with it.

    `networks` is what is left by the limits, `unrailed` what it matches without: what a directive
    that is not "+" takes away by an include, since nothing is too wide to be denied.
    """

    term: spf.Term
    networks: Networks = EMPTY
    unrailed: Networks = EMPTY
    child: str = ""
    problem: Problem | None = None


class MatchedRecord:
    """The record at a domain: its terms, and what they match as far as no circle decides that."""

    def __init__(
        self, domain: str, text: str = "", fault: Problem | None = None, *, is_excluded: bool
    ) -> None:
        self.domain, self.text, self.fault = domain, text, fault
        self.is_excluded = is_excluded  # it passes nothing, but is denied in full
        self.matches: list[Match] = []
        self.lookups, self.voids = 0, [0, 0]  # section 4.6.4; voids for IPv4 and for IPv6

    def problem(self, term: spf.Term, fault: Fault) -> Problem:
        """Return the problem of a term; a denial that is not known widens the list."""
        return fault.at(self.domain, term.text, widens=term.qualifier != "+")

    def dropped(self, term: spf.Term, fault: Fault, child: str = "") -> Match:
        """Return that a term matches nothing, and why."""
        return Match(term, child=child, problem=self.problem(term, fault))

    @property
    def is_railed(self) -> bool:
        """Whether a limit takes something from the record, here or below."""
        return self.is_excluded or any(match.networks != match.unrailed for match in self.matches)

    def matched(self, circle: Mapping[str, Networks], *, railed: bool = True) -> list[Networks]:
        """Return what each term matches, where the records of the circle pass `circle`."""
        # section 5.2: an include matches what the included record passes
        return [
            circle[match.child]
            if match.term.qualifier == "+" and match.child in circle
            else (match.networks if railed else match.unrailed)
            for match in self.matches
        ]

    def passed(self, matched: Sequence[Networks], budget: Budget) -> list[Networks]:
        """Return what each term passes: what a "+" directive matches and the record not denies."""
        # Denied is what a directive that is not "+" matches first (section 4.6.2). No "+" directive
        # before that one matches it, so it goes from all of them, wherever they stand. What no
        # directive matches is neutral (section 4.7) and not passed.
        budget.spend(len(matched))
        denied = self._denied(matched, budget)
        return [
            budget.difference(networks, denied) if match.term.qualifier == "+" else EMPTY
            for match, networks in zip(self.matches, matched, strict=True)
        ]

    def _denied(self, matched: Sequence[Networks], budget: Budget) -> Networks:
        denies = [match.term.qualifier != "+" for match in self.matches]
        if self.matches and isinstance(self.matches[-1].term.body, spf.All):
            # section 5.1: nothing comes after it, so it takes nothing away
            denies[-1] = False
        pairs = list(zip(matched, denies, strict=True))
        disputed = budget.union(networks for networks, is_denial in pairs if is_denial)
        if not disputed:
            return EMPTY
        # only what is disputed can be denied, so a large include is cut to that before the sweep
        most = disputed.count()
        parts = [
            budget.intersection(networks, disputed) if networks.count() > most else networks
            for networks in matched
        ]
        budget.spend(sum(part.count() for part in parts))
        decided = first_match(parts)
        return budget.union(part for part, denied in zip(decided, denies, strict=True) if denied)

    def passes_on(self, circle: Mapping[str, object]) -> list[str]:
        """Return the records of the circle all of whose addresses this one passes too."""
        names: list[str] = []
        for match in () if self.is_excluded else self.matches:
            if match.term.qualifier != "+" and match.networks:
                break  # from here on some of what an include brings may be denied
            if match.term.qualifier == "+" and match.child in circle:
                names.append(match.child)
        return names


def fixed_point(
    records: Mapping[str, MatchedRecord], budget: Budget, *, railed: bool = True
) -> dict[str, Networks]:
    """Return what each record of a circle passes, or the only one; raises OverBudgetError."""
    passed = dict.fromkeys(records, EMPTY)
    groups = _groups(records)
    before: Mapping[str, Networks] = {}
    while passed != before:
        before = dict(passed)
        for group in groups:
            parts: list[Networks] = []
            for record in map(records.__getitem__, group):
                if not (railed and record.is_excluded):
                    parts += record.passed(record.matched(passed, railed=railed), budget)
            passed.update(dict.fromkeys(group, budget.union(parts)))
        if len(groups) == 1:  # there is no other that may have grown
            break
    return passed


def _groups(records: Mapping[str, MatchedRecord]) -> list[list[str]]:
    """Return the records that pass the same, each group after those that it passes on from."""
    passes_on = {name: record.passes_on(records) for name, record in records.items()}
    known: set[str] = set()
    groups = []
    for name in records:
        for group in components(name, passes_on.__getitem__, known):
            known.update(group)
            groups.append(group)
    return groups
