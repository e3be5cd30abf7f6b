"""How much of a set of addresses may go or come in one run.

Owns: the measure of a loss and of a growth, each address family by itself and by set difference.
IPv4 is counted in addresses, IPv6 in /64s. Refuses: to decide what follows (`spfwhite.plan.plan`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from spfwhite.networks import Networks

SMALL: Final = {4: 256, 6: 256}
"""A loss of a family smaller than this counts only when nothing of it is left."""

HARMLESS: Final = {4: 4_096, 6: 65_536}
"""A growth that ends below this never counts."""

MOST: Final = {4: 2**22, 6: 2**36}
"""What one provider may pass; the widest real one passes 3.0 million IPv4 addresses."""

UNITS: Final = {4: "IPv4 addresses", 6: "IPv6 /64s"}


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
        if had < SMALL[version] and (old & new).ranges(version):
            return ""
        return (
            f"loses {_percent(lost, had)} of its {UNITS[version]} ({lost:,} of {had:,}), "
            f"over the {self.max_loss} % of safety.{self.scope}_max_loss"
        )

    def _growth(self, version: int, old: Networks, new: Networks) -> str:
        had, gained = amount(version, old), amount(version, new - old)
        if not had or gained * 100 <= had * self.max_growth:
            return ""
        if amount(version, new) < HARMLESS[version]:
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

    What was that large when it was accepted is measured by its growth.
    """
    return [
        Hold(
            "size",
            f"passes {amount(version, new):,} {UNITS[version]}, "
            f"over the {MOST[version]:,} that one provider may pass",
        )
        for version in (4, 6)
        if amount(version, new) > MOST[version] >= amount(version, old)
    ]


def _percent(part: int, whole: int) -> str:
    # rounded up, since what is over a limit must not read as it; but a rest must not read as none
    if whole * 99 < part * 100 < whole * 100:
        return f"{min(-(-part * 1000 // whole), 999) / 10} %"
    return f"{-(-part * 100 // whole)} %"
