"""The results on real name servers as Markdown.

Owns: which figures stand beside each other. Refuses: to measure.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.bench.cells import DNSPERF, Row
from tests.bench.goals import OURS, server_goals
from tests.bench.rivals import SMTPCTL
from tests.bench.table import NONE, Cells, number, table

HEAD = (
    *("world", "server", "ms", "cache", "what", "s", "processor s", "/ smtpctl", "/ dnsperf"),
    *("asked", "twice", "refused", "dropped", "connections", "rules"),
)


def report(rows: Sequence[Row], *, rounds: int, gaps: Sequence[str]) -> str:
    """Return all of it; `gaps` are sentences about what is left out."""
    goals = ((goal.text, goal.bound, number(goal.measured)) for goal in server_goals(rows))
    parts = [
        "# Real name servers",
        f"Medians of {rounds} runs of whole processes, of the packets the most of any run. "
        "README.md says what is measured.",
        *gaps,
        *([] if rows else ["Nothing was measured."]),
        *table(("goal", "bound", "measured"), goals),
        *table(HEAD, (_figures(rows, row) for row in rows)),
    ]
    return "\n\n".join(parts) + "\n"


def _figures(rows: Sequence[Row], row: Row) -> Cells:
    cell, sample, counted, *_ = row
    if sample.failure:
        return (*cell, sample.failure, *[NONE] * (len(HEAD) - len(cell) - 1))
    against = (_quotient(rows, row, name) for name in (SMTPCTL, DNSPERF))
    refused = counted.refused + counted.servfail
    twice = row.extra if cell.name in OURS else NONE  # others ask other questions
    packets = counted.asked, twice, refused, counted.dropped, counted.connections
    return (*cell, f"{sample.wall:.3f}", f"{sample.cpu:.3f}", *against, *packets, row.rules)


def _quotient(rows: Sequence[Row], row: Row, name: str) -> str:
    other = next((each for each in rows if each.cell == row.cell._replace(name=name)), None)
    if other is None or other.sample.failure:
        return NONE
    return number(row.sample.wall / other.sample.wall)
