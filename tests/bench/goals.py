"""What the program set out to reach, as ratios of figures that were measured in one run.

Owns: the goals and how each is computed. Refuses: to fail; a figure is for people to judge.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tests.bench.prepare import TEN_THOUSAND, WHOLE
from tests.bench.rivals import SMTPCTL
from tests.bench.runs import AGAIN, BARE, CONNECTED, FRESH, LIBRARY, Row

OURS = (LIBRARY, FRESH, AGAIN)
LOOPS = (BARE, CONNECTED)

Figure = Callable[[Row], float]


class Goal(NamedTuple):
    """A ratio or figure: what it says, its bound as text, what was measured (None: not)."""

    text: str
    bound: str
    measured: float | None


def wall(row: Row) -> float:
    """Return the seconds of a run."""
    return row.sample.wall


def cpu(row: Row) -> float:
    """Return the processor's seconds of a run."""
    return row.sample.cpu


def find(rows: Sequence[Row], world: str, delay: int, name: str) -> Row | None:
    """Return the row of a contestant, None where it was not run or failed."""
    wanted = (world, delay, name)
    found = (row for row in rows if (row.world, row.delay, row.name) == wanted)
    return next((row for row in found if not row.sample.failure), None)


def ratio(one: Row | None, other: Row | None, figure: Figure) -> float | None:
    """Return how many times as much the one took as the other."""
    return figure(one) / figure(other) if one and other else None


def goals(rows: Sequence[Row]) -> list[Goal]:
    """Return all goals with what was measured."""

    def against(name: str, other: str, delay: int, figure: Figure = wall) -> float | None:
        one, two = find(rows, WHOLE, delay, name), find(rows, WHOLE, delay, other)
        return ratio(one, two, figure)

    large = {name: find(rows, TEN_THOUSAND, 0, name) for name in (*OURS, *LOOPS)}
    return [
        Goal("whole world, 100 ms, with state / smtpctl", "<= 1", against(AGAIN, SMTPCTL, 100)),
        Goal("whole world, 100 ms, fresh / smtpctl", "<= 1.35", against(FRESH, SMTPCTL, 100)),
        Goal("whole world, 20 ms, fresh / smtpctl", "<= 2.75", against(FRESH, SMTPCTL, 20)),
        Goal("whole world, 20 ms, with state / smtpctl", "<= 2.75", against(AGAIN, SMTPCTL, 20)),
        *(
            Goal(f"whole world, 0 ms, fresh / {loop}, processor", "<= 1.5", share)
            for loop in LOOPS
            for share in [against(FRESH, loop, 0, cpu)]
        ),
        *(
            Goal(f"10,000 domains, {name}, peak MiB", "<= 250", row.sample.peak if row else None)
            for name in OURS
            for row in [large[name]]
        ),
        *(
            Goal(f"10,000 domains, 0 ms, {name}, rate / {loop}", ">= 0.70", rate)
            for loop in LOOPS
            for name in (LIBRARY, FRESH)
            for rate in [ratio(large[loop], large[name], wall)]
        ),
        Goal("queries a question, most of all runs", "= 1", _most_queries(rows)),
    ]


def _most_queries(rows: Sequence[Row]) -> float | None:
    ours = [row for row in rows if row.name in OURS and not row.sample.failure]
    return max((row.counts.queries / row.counts.distinct for row in ours), default=None)
