"""A state whose times fit the clock of this run.

Owns: what follows from a clock that leaps. Refuses: to know the clock, and to decide anything else.
"""

# A machine whose clock is wrong for one night, since its battery is dead or somebody mistyped a
# year, would find all that it remembers too old, or as fresh as on the day until which the clock
# was ahead; and the night after it once more, the other way round. Nobody can tell which of two
# times is wrong. But no time in which nothing was asked proves anything, so after a leap all times
# of the state are moved by it, as if one day had passed since the last run.

from __future__ import annotations

from typing import Final

from spfwhite.plan.state import State
from spfwhite.sources.memory import Remembered
from spfwhite.wording import DAY

# Seconds between two runs from which on, in either direction, the clock is not believed.
LEAP: Final = 120 * DAY


def fitted(state: State, now: float) -> State:
    """Return a state as of `now`, in seconds since the epoch: moved, if the clock has leapt."""
    if not state.written or abs(now - state.written) <= LEAP:
        return state
    by = now - DAY - state.written

    def moved(when: float) -> float:
        return max(1.0, when + by)  # 0.0 is never

    def remembered(entry: Remembered) -> Remembered:
        values = {value: moved(seen) for value, seen in entry.values.items()}
        return entry._replace(seen=moved(entry.seen), values=values)

    return state._replace(
        written=moved(state.written),
        asked=moved(state.asked),
        known={question: remembered(entry) for question, entry in state.known.items()},
        accepted={
            name: entry._replace(since=moved(entry.since), held=entry.held and moved(entry.held))
            for name, entry in state.accepted.items()
        },
        journal=tuple(change._replace(when=moved(change.when)) for change in state.journal),
        told={
            subject: told._replace(since=moved(told.since), said=moved(told.said))
            for subject, told in state.told.items()
        },
    )
