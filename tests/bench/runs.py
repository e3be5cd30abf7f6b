"""One world at one delay: every contestant in turn, over and over, each with a server of its own.

Interleaved, so that whatever else the machine does hits all alike; the first round, which warms
caches and byte-code, counts for nothing. Slow rivals run once, behind the others. Owns: what is
run, from which state, and the medians. Refuses: to compare (`tests.bench.table`).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tests.bench import measure, prepare
from tests.bench.isolation import PORT
from tests.bench.measure import Sample
from tests.bench.prepare import World
from tests.bench.rivals import Rival
from tests.bench.server import Counts, Server

FRESH, AGAIN, LIBRARY = "generate", "generate, with state", "library"
BARE, CONNECTED = "bare loop", "bare loop, connected"
HOW = {BARE: "query", CONNECTED: "connected"}
SLOW_DELAY = 20
"""The one delay, in ms, at which slow rivals are run."""


class Row(NamedTuple):
    """What one contestant took, at `delay` ms, and what it asked in one run.

    `floor` is in seconds: the longest chain of look-ups of such a run, times the delay.
    """

    world: str
    delay: int
    name: str
    floor: float
    sample: Sample
    counts: Counts


@dataclass(slots=True)
class Contestant:
    """Something to run against a server of its own, and its samples; a failed one is out."""

    name: str
    server: Server
    port: int = 0
    samples: list[Sample] = field(default_factory=list)

    @property
    def is_out(self) -> bool:
        """Whether a run of it failed."""
        return any(sample.failure for sample in self.samples)


def rows(world: World, delay: int, rounds: int, rivals: Sequence[Rival]) -> list[Row]:
    """Measure a world at one delay; `rivals` are those that may be run here."""
    quick = [rival for rival in rivals if not rival.is_slow]
    measured = _interleaved(world, delay, rounds, quick)
    if delay == SLOW_DELAY:
        for rival in rivals:
            if rival.is_slow:
                measured += _interleaved(world, delay, 0, [rival], alone=True)
    return measured


def _interleaved(
    world: World, delay: int, rounds: int, rivals: Sequence[Rival], *, alone: bool = False
) -> list[Row]:
    by_name = {rival.name: rival for rival in rivals}
    names = [*([] if alone else [FRESH, AGAIN, LIBRARY, BARE, CONNECTED]), *by_name]
    with ExitStack() as servers:
        contestants = [
            Contestant(name, servers.enter_context(_server(world, delay, name, by_name)))
            for name in names
        ]
        for contestant in contestants:
            contestant.port = contestant.server.ready()
        for _ in range(rounds + 1):
            for contestant in contestants:
                if not contestant.is_out:
                    sample = _run(world, contestant, by_name)
                    contestant.samples.append(sample)
    return [_row(world, delay, contestant) for contestant in contestants]


def _server(world: World, delay: int, name: str, rivals: dict[str, Rival]) -> Server:
    counts = world.folder / f"counts of {name}.json"
    port = PORT if name in rivals else 0
    return Server(world.folder / prepare.ZONE, delay=delay, counts=counts, port=port)


def _run(world: World, contestant: Contestant, rivals: dict[str, Rival]) -> Sample:
    sys.stderr.write(".")
    sys.stderr.flush()
    port = str(contestant.port)
    if contestant.name in HOW:
        questions = str(world.folder / prepare.QUESTIONS)
        return _python("tests.bench.bare", HOW[contestant.name], port, questions)
    if contestant.name == LIBRARY:
        return _python("tests.bench.resolving", port, str(world.folder / prepare.DOMAINS))
    if contestant.name in rivals:
        return _run_rival(rivals[contestant.name], world.folder / prepare.DOMAINS)
    state = prepare.AGAIN if contestant.name == AGAIN else prepare.FRESH
    if state == prepare.FRESH:
        prepare.forget(world.folder / state)
    command = prepare.generate(world.folder, state, contestant.port)
    sample = measure.run(command, accepted=prepare.DEGRADED_TOO)
    if not sample.failure and prepare.rules(world.folder / state) != world.rules:
        return sample._replace(failure="wrote another table than the first run")
    return sample


def _python(module: str, *arguments: str) -> Sample:
    return measure.run([sys.executable, "-m", module, *arguments])


def _run_rival(rival: Rival, domains: Path) -> Sample:
    arguments = [] if rival.reads_input else domains.read_text(encoding="utf-8").split()
    return measure.run(
        [*rival.command, *arguments],
        stdin=domains if rival.reads_input else None,
        must_print=True,
        more=rival.environment,
    )


def _row(world: World, delay: int, contestant: Contestant) -> Row:
    samples = contestant.samples
    failed = [sample for sample in samples if sample.failure]
    counts = contestant.server.counts()
    per_run = Counts(counts.queries / len(samples), counts.tcp / len(samples), counts.distinct)
    waits = 1 if contestant.name in (AGAIN, BARE, CONNECTED) else world.chain
    sample = failed[0] if failed else measure.medians(samples[1:] or samples)
    return Row(world.name, delay, contestant.name, waits * delay / 1000, sample, per_run)
