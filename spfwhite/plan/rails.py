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

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from spfwhite.networks import Networks
from spfwhite.wording import many

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

# A family that a provider did not have before has nothing to be measured against.
NEW_FAMILY_SIZE: Final = {4: 2**16, 6: 2**32}


HoldKind = Literal["loss", "growth", "size", "limit"]


class Hold(NamedTuple):
    """Why a change is not taken over."""

    kind: HoldKind
    phrase: str  # continues "the provider ..."
    version: int = 0  # the family that loses or gains, 0 where there is none


class Rail(NamedTuple):
    """The limits of a change, in percent, and the configuration keys that hold them.

    They hold twice: for one run, by what goes and what comes, and for the last `days` days, by
    size alone, within which a sender may exchange all that it has.
    """

    scope: Literal["provider", "total"]
    max_loss: int
    max_growth: int
    days: int

    def violations(self, old: Networks, new: Networks, then: Networks) -> list[Hold]:
        """Return each limit that a change from `old` to `new` exceeds.

        `then` is what was accepted when the week began; what came since may go again.
        """
        if old == new:
            return []
        return [hold for v in (4, 6) for hold in self._violations(v, old, new, then)]

    def _violations(
        self, version: int, old: Networks, new: Networks, then: Networks
    ) -> Iterator[Hold]:
        had, has, was = (amount(version, each) for each in (old, new, then))
        lost, kept = amount(version, (old & then) - new), bool((old & new).ranges(version))
        week = f" within {self.days} days"
        losses = [(lost, had, kept, ""), (was - has if has < had else 0, was, has > 0, week)]
        for part, whole, is_left, span in losses:
            if whole < SMALL_FAMILY_SIZE[version] and is_left:
                continue
            if part * 100 > whole * self.max_loss:
                phrase = f"loses {_percent(part, whole)} of its {UNITS[version]}{span} "
                phrase += f"({part:,} of {whole:,}), over the {self.max_loss} %"
                yield Hold("loss", f"{phrase} of safety.{self.scope}_max_loss", version)
                break
        gains = [(amount(version, new - old), had, ""), (has - was if has > had else 0, was, week)]
        for part, whole, span in gains if has >= HARMLESS_SIZE[version] else ():
            if whole and part * 100 > whole * self.max_growth:
                phrase = f"{_grows(version, part, whole, has, span)}, over the {self.max_growth} %"
                yield Hold("growth", f"{phrase} of safety.{self.scope}_max_growth", version)
                break
        most = NEW_FAMILY_SIZE[version]
        if self.scope == "provider" and not was and has > max(had, most):
            phrase = f"has {has:,} {UNITS[version]} and had none before"
            yield Hold("growth", f"{phrase}, over the {most:,} that may come at once", version)


def _grows(version: int, part: int, whole: int, has: int, span: str) -> str:
    if has <= whole:  # as much goes as comes
        return f"gains {part:,} {UNITS[version]} to its {whole:,}{span}"
    return f"grows from {whole:,} to {has:,} {UNITS[version]}{span}"


def foreign(lapsed: Networks, new: Networks) -> list[Hold]:
    """Return a hold for each family that comes back with mostly other networks than it had."""
    parts = [(v, amount(v, new - lapsed), amount(v, new)) for v in (4, 6)]
    return [
        Hold("growth", f"comes back, {other:,} of its {has:,} {UNITS[v]} being other ones", v)
        for v, other, has in parts
        if other * 2 > has
    ]


def news(old: Networks, new: Networks, then: Networks, days: int) -> Iterator[str]:
    """Yield what more than doubles, in one run or in `days` days, and families that are new."""
    for version, small in SMALL_FAMILY_SIZE.items() if old != new else ():
        had, has, was = (amount(version, each) for each in (old, new, then))
        gained = amount(version, new - (old | then))
        if has and not had:
            yield f"has {_sized(version, has)} and had none before"
        elif gained > max(had, small):
            yield _grows(version, gained, had, has, "")
        elif has - was > max(was, small) >= had - was and was:
            yield _grows(version, has - was, was, has, f" within {days} days")


def amount(version: int, networks: Networks) -> int:
    """Return how much of a family a set holds: IPv4 addresses or IPv6 /64s."""
    return networks.size(4) if version == 4 else networks.blocks64()


def amounts(networks: Networks, of: str = "") -> str:
    """Return how much of each family a set holds, `of` before the unit; "" for nothing."""
    held = ((v, amount(v, networks)) for v in UNITS if networks.ranges(v))
    return " and ".join(
        f"{count:,} {of}{UNITS[v]}" if of else _sized(v, count) for v, count in held
    )


def _sized(version: int, count: int) -> str:
    return many(count, "IPv4 address", "es") if version == 4 else many(count, "IPv6 /64")


def too_many(old: Networks, new: Networks) -> list[Hold]:
    """Return a hold for each family that is now larger than any real one, and was not before."""
    sizes = [(v, amount(v, new), most) for v, most in MAX_PROVIDER_SIZE.items()]
    return [
        Hold("size", f"has {has:,} {UNITS[v]}, over the {most:,} that one provider may have")
        for v, has, most in sizes
        if has > most >= amount(v, old)
    ]


def too_many_rules(old: Networks, new: Networks, most: int) -> list[Hold]:
    """Return a hold for a provider with more rules than `most`, and than were accepted of it."""
    # a million single addresses are within every limit on their number
    count = sum(new.rules()) if new != old else 0
    if count <= max(most, sum(old.rules()) if count > most else 0):
        return []
    phrase = f"adds {count:,} rules, over the {most:,} of safety.provider_max_rules"
    return [Hold("limit", phrase)]


def _percent(part: int, whole: int) -> str:
    # Round up, so that 50.1 % never reads as "50 %", but a partial loss never as "100 %".
    if whole * 99 < part * 100 < whole * 100:
        return f"{min(-(-part * 1000 // whole), 999) / 10} %"
    return f"{-(-part * 100 // whole)} %"
