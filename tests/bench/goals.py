"""What the program set out to reach, as ratios of figures that were measured in one run.

Owns: the goals and how each is computed. Refuses: to fail; a figure is for people to judge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from tests.bench.cells import COLD, NO_CACHE, WARM, Cell
from tests.bench.cells import Row as Asked
from tests.bench.prepare import TEN_THOUSAND, WHOLE
from tests.bench.rivals import SMTPCTL
from tests.bench.runs import AGAIN, BARE, CONNECTED, FRESH, LIBRARY, Row
from tests.bench.servers import LARGE_ON, OWN, SLOW, SLOWNESS, TRUNCATED

OURS = (LIBRARY, FRESH, AGAIN)
LOOPS = (BARE, CONNECTED)

Figure = Callable[[Row], float]

PROVED_ON = (OWN, "unbound", "bind9", "systemd-resolved")
"""The servers on which the whole world is compared with smtpctl."""


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
            Goal(f"whole world, 0 ms, fresh / {loop}, processor", bound, share)
            for loop, bound in ((BARE, "<= 1.15"), (CONNECTED, "<= 1.5"))
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


def server_goals(rows: Sequence[Asked]) -> list[Goal]:
    """Return the goals on real name servers, and on our own one with a default receive buffer."""
    by_cell = {row.cell: row for row in rows if not row.sample.failure}
    ours = [row for row in rows if row.cell.name in OURS]
    quick = [row for row in ours if row.cell.world == WHOLE and not _is_slow(row.cell)]
    # an authority does not tell the end of a CNAME that leads nowhere, and is asked again for it
    resolvers = [row for row in quick if row.cell.server != "nsd"]
    truncated = [row for row in ours if row.cell.world == TRUNCATED]
    slow = Cell(WHOLE, SLOW.format(1500), 0, NO_CACHE, FRESH)
    return [
        *(goal for server in PROVED_ON for goal in _against_smtpctl(by_cell, server)),
        Goal("whole world, cold cache, with state / fresh, most", "<= 1", _state(by_cell)),
        Goal("questions sent twice, most of all runs", "= 0", _most(resolvers, _extra)),
        Goal("packets dropped, most of all runs", "= 0", _most(quick, _dropped)),
        Goal("tables that differ", "= 0", float(sum(bool(row.sample.failure) for row in ours))),
        Goal(f"{TRUNCATED}, answers missing", "= 0", _most(truncated, _missing)),
        Goal(f"{TRUNCATED}, connections a question", "<= 1.05", _most(truncated, _connections)),
        Goal(f"{slow.server}, fresh / smtpctl", "<= 1.2", _quotient(by_cell, slow, SMTPCTL)),
        *(
            Goal(f"10,000 domains, {server}, {delay} ms, rate / bare loop", ">= 0.70", rate)
            for server in LARGE_ON
            for delay in (20, 100)
            for cell in [Cell(TEN_THOUSAND, server, delay, WARM, BARE)]
            for rate in [_quotient(by_cell, cell, FRESH)]
        ),
    ]


def _against_smtpctl(by_cell: Mapping[Cell, Asked], server: str) -> Iterator[Goal]:
    cache = NO_CACHE if server == OWN else COLD
    for delay, name, bound in (
        (100, AGAIN, "<= 1"),
        (100, FRESH, "<= 1.35"),
        (20, AGAIN, "<= 2.75"),
        (20, FRESH, "<= 2.75"),
    ):
        cell = Cell(WHOLE, server, delay, cache, name)
        text = f"whole world, {server}, {delay} ms, {name} / smtpctl"
        yield Goal(text, bound, _quotient(by_cell, cell, SMTPCTL))


def _quotient(by_cell: Mapping[Cell, Asked], cell: Cell, other: str) -> float | None:
    """Return how many times as long it took as another program in its place."""
    one, two = by_cell.get(cell), by_cell.get(cell._replace(name=other))
    return one.sample.wall / two.sample.wall if one and two else None


def _state(by_cell: Mapping[Cell, Asked]) -> float | None:
    found = (
        _quotient(by_cell, cell, FRESH)
        for cell in by_cell
        if cell.name == AGAIN and cell.world == WHOLE and cell.delay and cell.cache != WARM
    )
    return max(filter(None, found), default=None)


def _is_slow(cell: Cell) -> bool:
    return cell.server in map(SLOW.format, SLOWNESS)


def _most(rows: Sequence[Asked], figure: Callable[[Asked], float]) -> float | None:
    return max(map(figure, rows), default=None)


def _extra(row: Asked) -> float:
    return row.extra


def _dropped(row: Asked) -> float:
    return row.counted.dropped


def _missing(row: Asked) -> float:
    return row.questions - row.rules


def _connections(row: Asked) -> float:
    return row.counted.connections / row.questions
