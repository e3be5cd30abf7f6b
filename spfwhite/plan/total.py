"""The list as a whole: whether it is within its limits, and which providers take it beyond them.

Owns: whose share is how large, and how few have to be held. Refuses: to hold them.
"""

from bisect import bisect_left
from collections.abc import Collection, Mapping
from typing import NamedTuple

from spfwhite.networks import Networks
from spfwhite.plan.rails import UNITS, Hold, Rail, amount


class Share(NamedTuple):
    """What one provider has in the list: `before` until now, `then` a week ago, `passed` next."""

    before: Networks
    then: Networks
    passed: Networks

    @property
    def lost(self) -> Networks:
        """What goes; what came in this week may, and counts where no more of its family goes."""
        gone = self.before - self.passed
        return Networks.union((gone & self.then).family(v) or gone.family(v) for v in (4, 6))


class Cause(NamedTuple):
    """What the list loses and gains by one provider."""

    provider: str
    lost: Networks
    gained: Networks

    def part(self, hold: Hold) -> int:
        """Return how much it has in what exceeds a limit: IPv4 addresses or IPv6 /64s."""
        return amount(hold.version, self.lost if hold.kind == "loss" else self.gained)

    def blamed(self, hold: Hold) -> Hold:
        """Return why the provider is held where the list exceeds a limit."""
        verb = "loses" if hold.kind == "loss" else "gains"
        phrase = f"{verb} {self.part(hold):,} {UNITS[hold.version]}, and the list {hold.phrase}"
        return hold._replace(phrase=phrase)


def exceeded(rail: Rail, shares: Collection[Share]) -> list[Hold]:
    """Return the limits that the list exceeds by what all shares would be."""
    if all(share.before == share.passed for share in shares):
        return []  # as on most nights
    old, then, new = (Networks.union(each) for each in zip(*shares, strict=True))
    return rail.violations(old, new, then)


def causes(shares: Mapping[str, Share], over: list[Hold]) -> list[Cause]:
    """Return who has a part in what exceeds limits, the largest first."""
    made = [Cause(name, s.lost, s.passed - s.before) for name, s in shares.items() if over]
    # what a table of ours has, and no state tells whose it is, is part of nobody
    whole = {hold: sum(cause.part(hold) for cause in made) or 1 for hold in over}
    made.sort(key=lambda cause: -max(cause.part(hold) / whole[hold] for hold in over))
    return [cause for cause in made if any(cause.part(hold) for hold in over)]


def to_hold(rail: Rail, shares: Mapping[str, Share]) -> dict[str, list[Hold]] | None:
    """Return the fewest to hold for the list to be within its limits; None: more than half."""
    over = exceeded(rail, shares.values())
    order = causes(shares, over)

    def is_within(count: int) -> bool:
        held = {cause.provider for cause in order[:count]}
        return not exceeded(
            rail, [s._replace(passed=s.before) if name in held else s for name, s in shares.items()]
        )

    count = bisect_left(range(len(order) + 1), x=True, key=is_within)
    if count > min(len(order), len(shares) // 2):
        return None
    return {
        cause.provider: [cause.blamed(hold) for hold in over if cause.part(hold)]
        for cause in order[:count]
    }
