"""How much work the records of one domain may make: the bound of every evaluation.

Owns: the count, and the set operations that are counted.
"""

# The limits of RFC 7208 section 4.6.4 do not bound list mode, which counts them and goes on, and
# they bound look-ups only. The caps on questions, depth and octets leave room for records that
# would take hours, since an include of sixteen octets may lead to thousands of networks, again and
# again. What is counted are terms and ranges of addresses that are read or joined, about a
# microsecond each, and no clock is asked: the same records come to the same end on every machine.

from collections.abc import Iterable
from typing import Final

from spfwhite.networks import Networks
from spfwhite.spf.result import Fault, Node

# Terms and ranges of one domain; the dearest known sender, mailchimp.com, takes 2,500
MAX_STEPS: Final = 500_000


class OverBudgetError(Exception):
    """The records of one domain make more work than they may."""


class Budget:
    """The count for one domain, or for a part of it."""

    __slots__ = ("spent",)

    def __init__(self) -> None:
        self.spent = 0

    def spend(self, amount: int) -> None:
        """Count terms and ranges; raises OverBudgetError."""
        self.spent += amount
        if self.spent > MAX_STEPS:
            raise OverBudgetError

    def union(self, sets: Iterable[Networks]) -> Networks:
        """Return a union that is counted, equal objects once; raises OverBudgetError."""
        parts = {id(part): part for part in sets if part}
        if len(parts) > 1:
            self.spend(sum(part.count() for part in parts.values()))
        return Networks.union(parts.values())

    def intersection(self, one: Networks, other: Networks) -> Networks:
        """Return an intersection that is counted; raises OverBudgetError."""
        self.spend(min(one.count(), other.count()))
        shared = one & other
        self.spend(shared.count())
        return shared

    def difference(self, one: Networks, other: Networks) -> Networks:
        """Return a difference that is counted, mostly `one` itself; raises OverBudgetError."""
        if not other:
            return one
        self.spend(min(one.count(), other.count()))
        difference = one - other
        if difference is not one:
            self.spend(one.count() + difference.count())
        return difference


def over_budget(domain: str) -> Node:
    """Return the node of a domain whose records make more work than they may."""
    fault = Fault("limit", f"to evaluate its records takes more than {MAX_STEPS:,} steps")
    return Node(domain, "", fault=fault.at(domain))
