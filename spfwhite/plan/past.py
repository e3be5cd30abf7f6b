"""What earlier runs accepted of each provider: now, and as it was a week ago.

Owns: that memory, and how the journal turns it back. Refuses: its form in a file, and to judge.
"""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import NamedTuple

from spfwhite.networks import EMPTY, Networks
from spfwhite.spf.result import Contribution


class _Accepted(NamedTuple):
    digest: str  # of the definition for which it was accepted
    since: float  # when the comparison with the week before last began anew
    origins: tuple[Contribution, ...]
    partial: bool  # incomplete since it was first accepted, because a query failed
    held: float | None = None  # since when its present loss has been held
    lost: str = ""  # the digest of that loss
    lapsed: Networks = EMPTY  # what was accepted of it before it was let go
    static: Networks = EMPTY  # what its configuration listed of it


class Accepted(_Accepted):  # a NamedTuple by itself has no room for what is made once
    """What was accepted of a provider, and for which definition of it; nothing too is remembered.

    `since` is when it was first accepted, or by the operator's hand, or as a loss that was
    confirmed, as one is that stays the same for `state.held_days`. Times are in seconds.
    """

    @cached_property
    def networks(self) -> Networks:
        """All that was accepted."""
        return Networks.union(origin.networks for origin in self.origins)


class Change(NamedTuple):
    """One provider's change in one run; `when` in seconds since the epoch."""

    when: float
    provider: str
    added: Networks
    removed: Networks


def as_of(
    when: float, accepted: Mapping[str, Accepted], journal: Iterable[Change], now: float
) -> dict[str, Networks]:
    """Return what was accepted at a time of each provider that has changed since.

    What stands in the journal from before an entry's own `since` is not turned back, nor what has a
    time that is still to come: the clock was wrong then.
    """
    before: dict[str, Networks] = {}
    for change in reversed(list(journal)):
        entry = accepted.get(change.provider)
        if entry and max(when, entry.since if entry.since <= now else 0.0) < change.when <= now:
            networks = before.get(change.provider, entry.networks)
            before[change.provider] = (networks - change.added) | change.removed
    return before
