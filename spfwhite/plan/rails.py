"""How much may go or come in one run, and how large a provider may be.

Owns: the measures. Refuses: to decide what follows (`spfwhite.plan.plan`).
"""

# What came is compared with what was accepted, whether or not questions failed: a portal that
# answers "no such name" to everything is as authoritative as a sender that closes down. By set
# difference, since a provider that swaps all its addresses has as many as before; and each address
# family by itself, since there are so many addresses of IPv6 that they would drown those of IPv4.
# IPv4 is counted in addresses, IPv6 in /64s, which is what one host has.
#
# All limits on change stand here: those in percent as the configuration has them, and the sizes
# below which a percentage says nothing. The limits on a single term are in `spfwhite.spf.width`.

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from spfwhite.networks import Networks

UNITS: Final = {4: "IPv4 addresses", 6: "IPv6 /64s"}

# A loss of a family smaller than this counts only when nothing of it is left: a sender with a
# handful of hosts (less than a /24) replaces half of them in one night.
SMALL_FAMILY_SIZE: Final = {4: 256, 6: 256}

# A growth that ends below this never counts: senders begin with one host and then list their
# network (up to a /20, or a /48), so the first step alone may be a fourfold growth or more.
HARMLESS_SIZE: Final = {4: 4_096, 6: 65_536}

# What one provider may pass, unless more was accepted of it: the widest real one passes 3.0 million
# IPv4 addresses, and 2^36 is a /28, sixteen of the widest terms that `safety.widest_ipv6` allows.
MAX_PROVIDER_SIZE: Final = {4: 2**22, 6: 2**36}


HoldKind = Literal["loss", "growth", "size", "limit"]


class Hold(NamedTuple):
    """Why a change is not taken over; `phrase` continues "the provider ..."."""

    kind: HoldKind
    phrase: str


@dataclass(frozen=True, slots=True)
class Rail:
    """The limits of a change, in percent, and the configuration keys that hold them."""

    scope: Literal["provider", "total"]
    max_loss: int
    max_growth: int

    def violations(self, old: Networks, new: Networks) -> list[Hold]:
        """Return each limit that a change from `old` to `new` exceeds."""
        if old == new:
            return []
        changes: list[tuple[HoldKind, Callable[[int, Networks, Networks], str]]]
        changes = [("loss", self._loss), ("growth", self._growth)]
        return [
            Hold(kind, phrase)
            for version in (4, 6)
            for kind, measured in changes
            if (phrase := measured(version, old, new))
        ]

    def _loss(self, version: int, old: Networks, new: Networks) -> str:
        had, lost = amount(version, old), amount(version, old - new)
        if not had or lost * 100 <= had * self.max_loss:
            return ""
        if had < SMALL_FAMILY_SIZE[version] and (old & new).ranges(version):
            return ""
        return (
            f"loses {_percent(lost, had)} of its {UNITS[version]} ({lost:,} of {had:,}), "
            f"over the {self.max_loss} % of safety.{self.scope}_max_loss"
        )

    def _growth(self, version: int, old: Networks, new: Networks) -> str:
        had, gained = amount(version, old), amount(version, new - old)
        if not had or gained * 100 <= had * self.max_growth:
            return ""
        if amount(version, new) < HARMLESS_SIZE[version]:
            return ""
        return (
            f"gains {_percent(gained, had)} to its {UNITS[version]} ({gained:,} to {had:,}), "
            f"over the {self.max_growth} % of safety.{self.scope}_max_growth"
        )


def amount(version: int, networks: Networks) -> int:
    """Return how much of a family a set holds: IPv4 addresses or IPv6 /64s."""
    return networks.size(4) if version == 4 else networks.blocks64()


def too_many(old: Networks, new: Networks) -> list[Hold]:
    """Return a hold for each family of which one provider passes more than any real one.

    A family that was already that large when it was accepted is limited by its growth alone.
    """
    return [
        Hold(
            "size",
            f"passes {amount(version, new):,} {UNITS[version]}, "
            f"over the {MAX_PROVIDER_SIZE[version]:,} that one provider may pass",
        )
        for version in (4, 6)
        if amount(version, new) > MAX_PROVIDER_SIZE[version] >= amount(version, old)
    ]


def rules(networks: Networks) -> int:
    """Return how many rules of a table a set takes: the fewest CIDRs."""
    return sum(1 for version in (4, 6) for _ in networks.cidrs(version))


def too_many_rules(old: Networks, new: Networks, most: int) -> list[Hold]:
    """Return a hold for a provider with more rules than `most`, and than were accepted of it.

    A million single addresses are within every limit on their number.
    """
    count = rules(new) if new != old else 0
    if count <= max(most, rules(old) if count > most else 0):
        return []
    phrase = f"adds {count:,} rules, over the {most:,} of safety.provider_max_rules"
    return [Hold("limit", phrase)]


def _percent(part: int, whole: int) -> str:
    # Round up, so that 50.1 % never reads as "50 %", but a partial loss never as "100 %".
    if whole * 99 < part * 100 < whole * 100:
        return f"{min(-(-part * 1000 // whole), 999) / 10} %"
    return f"{-(-part * 100 // whole)} %"
