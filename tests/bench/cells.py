"""One run against one name server: who runs, what it took, and what crossed the loopback.

Owns: the contestants on a server that others started, and the medians. Refuses: to start servers
and to choose what is measured (`tests.bench.servers`), and to compare (`tests.bench.goals`).
"""

from __future__ import annotations

import shutil
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.bench import measure, prepare
from tests.bench.measure import ROOT, Sample
from tests.bench.prepare import World
from tests.bench.rivals import Rival
from tests.bench.runs import AGAIN
from tests.support.cli import rules
from tests.support.network import Counted, Network
from tests.support.postfix_instance import PATH
from tests.support.resolvers import RESOLVERS

DNSPERF = "dnsperf"
COLD, WARM, NO_CACHE = "cold", "warm", "none"
IN_FLIGHT = 256
"""What dnsperf has in flight: as much as the bare loop."""


class Cell(NamedTuple):
    """What is measured: a world, by which server, `delay` ms above it, its cache, and by whom."""

    world: str
    server: str
    delay: int
    cache: str
    name: str


class Row(NamedTuple):
    """A cell's medians, and of its packets the most of all runs; `rules` are the fewest.

    `rules` are lines that a program printed where it is not ours, and answers of dnsperf.
    """

    cell: Cell
    sample: Sample
    counted: Counted
    rules: int
    questions: int

    @property
    def extra(self) -> int:
        """Questions sent beyond the distinct ones and beyond those that were refused."""
        refused = self.counted.refused + self.counted.servfail
        return self.counted.asked - refused - self.questions


class Contestants:
    """Runs each program on the server that answers in the network, and keeps what it took."""

    def __init__(self, folder: Path, smtpctl: Rival | None) -> None:
        """The folder is for what programs print."""
        self.questions: dict[str, int] = {}
        """How many a world has, by its name."""
        self._printed = folder / "printed"
        self._smtpctl = smtpctl
        self._runs: defaultdict[Cell, list[tuple[Sample, Counted, int]]] = defaultdict(list)

    def rows(self) -> list[Row]:
        """Return what was measured so far."""
        rows = []
        for cell, runs in self._runs.items():
            samples = [sample for sample, _, _ in runs]
            failed = [sample for sample in samples if sample.failure]
            sample = failed[0] if failed else measure.medians(samples)
            most = Counted(*map(max, zip(*(counted for _, counted, _ in runs), strict=True)))
            fewest = min(found for _, _, found in runs)
            rows.append(Row(cell, sample, most, fewest, self.questions[cell.world]))
        return rows

    def ours(self, network: Network, world: World, cell: Cell) -> None:
        """Generate the table, which has to be the one of our own server."""
        folder = world.folder / (prepare.AGAIN if cell.name == AGAIN else prepare.FRESH)
        if cell.name != AGAIN:
            prepare.forget(folder)
        command = prepare.generate(world.folder, folder.name, 53, address(cell))
        self.generate(network, cell, command, folder)
        sample, counted, found = self._runs[cell][-1]
        if not sample.failure and prepare.rules(folder) != world.rules:
            failed = sample._replace(failure="another table than of our own server")
            self._runs[cell][-1] = failed, counted, found

    def generate(self, network: Network, cell: Cell, command: Sequence[str], folder: Path) -> None:
        """Generate a table in a folder, whatever its rules."""
        self._take(network, cell, command, lambda: _rules(folder / prepare.TABLE))

    def bare(self, network: Network, questions: Path, cell: Cell) -> None:
        """Ask the questions of a file in the bare loop; no answer is looked at."""
        command = [sys.executable, "-m", "tests.bench.bare", "query", "53", str(questions)]
        self._take(network, cell, command, lambda: 0)

    def walk(self, network: Network, names: Path, cell: Cell) -> None:
        """Have smtpctl walk the domains of a file, if it is there."""
        if self._smtpctl:
            network.use(f"nameserver {address(cell)}\n")
            more = self._smtpctl.environment
            self._take(network, cell, self._smtpctl.command, None, stdin=names, more=more)

    def perf(self, network: Network, questions: Path, cell: Cell) -> None:
        """Have dnsperf ask the questions of a file, if it is there."""
        if shutil.which(DNSPERF, path=PATH):
            options = ["-n", "1", "-q", str(IN_FLIGHT), "-e", "-t", "10"]
            command = [DNSPERF, "-s", address(cell), "-d", str(questions), *options]
            self._take(network, cell, command, None)

    def _take(
        self,
        network: Network,
        cell: Cell,
        command: Sequence[str],
        count: Callable[[], int] | None,
        *,
        stdin: Path | None = None,
        more: dict[str, str] | None = None,
    ) -> None:
        """Run it once; what it reached is counted, or read from what it printed."""
        sys.stderr.write(".")
        sys.stderr.flush()
        before = network.counted()
        sample = measure.run(
            network.inside(*command),
            stdin=stdin,
            stdout=self._printed,
            accepted=prepare.DEGRADED_TOO,
            more={"PYTHONPATH": str(ROOT), "PATH": PATH, **(more or {})},
        )
        counted = network.counted() - before
        found = count() if count else _completed(self._printed)
        self._runs[cell].append((sample, counted, found))


def address(cell: Cell) -> str:
    """Return where a cell's server listens."""
    return RESOLVERS[cell.server].address if cell.server in RESOLVERS else "127.0.0.1"


def _rules(table: Path) -> int:
    return len(rules(table.read_text(encoding="ascii"))) if table.exists() else 0


def _completed(printed: Path) -> int:
    """Count the lines of smtpctl, or read how many answers dnsperf says that it had."""
    lines = printed.read_text(encoding="utf-8", errors="replace").splitlines()
    completed = [line.split()[2] for line in lines if "Queries completed:" in line]
    return int(completed[0]) if completed else len(lines)
