"""The results as Markdown.

Owns: the tables and how figures are written. Refuses: to measure.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Iterator, Sequence

from tests.bench import goals, rivals
from tests.bench.goals import Figure, cpu, find, ratio, wall
from tests.bench.measure import Sample
from tests.bench.runs import BARE, CONNECTED, Row
from tests.bench.starting import CLICK, VERSION, Loaded
from tests.bench.timing import LIBRARIES, OURS, Timing

NONE = "-"
Cells = Iterable[object]


def report(
    worlds: Sequence[str],
    rows: Sequence[Row],
    starts: dict[str, Sample],
    imports: Sequence[Loaded],
    timings: Sequence[Timing],
    *,
    rounds: int,
    networks: int,
    missing: Sequence[str],
) -> str:
    """Return all results; `worlds` are lines about the worlds, `missing` the rivals not there."""
    found = [name for name in rivals.NAMES if any(row.name == name for row in rows)]
    parts = [
        "# Results",
        f"Medians of {rounds} interleaved runs of whole processes, interpreter start included; "
        f"Python {platform.python_version()}, {os.cpu_count()} processors. README.md says what "
        "is measured.",
        "\n".join(f"- {line}" for line in worlds),
        *([f"Not installed: {', '.join(missing)}."] if missing else []),
        "## Goals",
        *table(("goal", "bound", "measured"), _goals(rows)),
        "## Ratios",
        *table(_ratio_head(found), (_ratios(rows, row, found) for row in rows if _is_ours(row))),
        "## Figures",
        *table(FIGURE_HEAD, (_figures(row) for row in rows)),
        "## Start",
        *table(("command", "ms", "processor ms", "peak MiB", "ratio"), _starts(starts)),
        *table(("command", "loads"), ((c, ", ".join(p) or "none") for c, p in imports)),
        f"## Sets of {networks:,} networks",
        *table(("operation", *_set_head()), _sets(timings)),
    ]
    return "\n\n".join(parts) + "\n"


BARE_HEAD = ("/ bare", "processor / bare", "/ connected", "processor / connected")
FIGURE_HEAD = (
    *("world", "delay ms", "what", "s", "processor s", "peak MiB"),
    *("asked", "distinct", "over TCP"),
)


def _figures(row: Row) -> Cells:
    head = (row.world, row.delay, row.name)
    taken, counts = row.sample, row.counts
    if taken.failure:
        return (*head, taken.failure, *[NONE] * (len(FIGURE_HEAD) - len(head) - 1))
    figures = f"{taken.wall:.3f}", f"{taken.cpu:.3f}", f"{taken.peak:.0f}"
    return (*head, *figures, f"{counts.queries:.6g}", counts.distinct, f"{counts.tcp:g}")


def _is_ours(row: Row) -> bool:
    return row.name in goals.OURS


def _ratio_head(found: Sequence[str]) -> Cells:
    against = (f"/ {name}" for name in found)
    return ("world", "delay ms", "what", "/ floor", *BARE_HEAD, *against)


def _ratios(rows: Sequence[Row], row: Row, found: Sequence[str]) -> Cells:
    measured = None if row.sample.failure else row

    def against(name: str, figure: Figure) -> str:
        return number(ratio(measured, find(rows, row.world, row.delay, name), figure))

    floor = row.sample.wall / row.floor if measured and row.floor else None
    bare = (against(name, figure) for name in (BARE, CONNECTED) for figure in (wall, cpu))
    others = (against(name, wall) for name in found)
    return (row.world, row.delay, row.name, number(floor), *bare, *others)


def _goals(rows: Sequence[Row]) -> Iterator[Cells]:
    for goal in goals.goals(rows):
        yield goal.text, goal.bound, number(goal.measured)


def _starts(starts: dict[str, Sample]) -> Iterator[Cells]:
    for name in (CLICK, VERSION):
        taken = starts[name]
        milliseconds = f"{taken.wall * 1000:.0f}", f"{taken.cpu * 1000:.0f}"
        share = number(taken.wall / starts[CLICK].wall)
        yield f"`{name}`", *milliseconds, f"{taken.peak:.0f}", share


def _set_head() -> Iterator[str]:
    for library in LIBRARIES:
        yield f"{library} s"
        if library != OURS:
            yield "ratio"


def _sets(timings: Sequence[Timing]) -> Iterator[Cells]:
    seconds = {(timing.operation, timing.library): timing.seconds for timing in timings}
    for operation in dict.fromkeys(timing.operation for timing in timings):
        cells: list[str] = []
        for library in LIBRARIES:
            taken = seconds.get((operation, library))
            cells.append(number(taken))
            if library != OURS:
                cells.append(number(taken and taken / seconds[operation, OURS]))
        yield operation, *cells


def number(value: float | None) -> str:
    """Return a figure as it is written, three digits of it."""
    return NONE if value is None else f"{value:.3g}"


def table(head: Cells, lines: Iterable[Cells]) -> Iterator[str]:
    """Yield a table."""
    columns = list(head)
    every: list[Cells] = [columns, ["---"] * len(columns), *lines]
    yield "\n".join("| " + " | ".join(map(str, cells)) + " |" for cells in every)
