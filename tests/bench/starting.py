"""What it takes to start: the shortest commands, and which packages they load.

Owns: `--version` against an interpreter that imports click alone, and the imports of the commands
that have to be there at once. Refuses: runs that ask (`tests.bench.runs`).
"""

from __future__ import annotations

import subprocess
import sys
from typing import NamedTuple

from tests.bench import measure, prepare
from tests.bench.measure import Sample
from tests.bench.prepare import World

VERSION, CLICK = "spfwhite --version", 'python -c "import click"'
STARTS = {
    VERSION: [*prepare.SPFWHITE, "--version"],
    CLICK: [sys.executable, "-c", "import click"],
}
HEAVY = ("dns", "httpx", "netaddr", "asyncio")
"""Packages that cost more to load than a short command takes."""


class Loaded(NamedTuple):
    """A command, and which of the packages that cost much it loads."""

    command: str
    packages: tuple[str, ...]


def starts(rounds: int) -> dict[str, Sample]:
    """Return the medians of both starts, interleaved."""
    samples: dict[str, list[Sample]] = {name: [] for name in STARTS}
    for _ in range(rounds + 1):
        for name, command in STARTS.items():
            samples[name].append(measure.run(command))
    return {name: measure.medians(taken[1:]) for name, taken in samples.items()}


def imports(world: World) -> list[Loaded]:
    """Return what the quick commands load; `explain` reads the world's state."""
    overlay = str(world.folder / prepare.AGAIN / prepare.OVERLAY)
    commands = (["--help"], ["--version"], ["-c", overlay, "explain", "192.0.2.1"])
    return [_loaded(arguments) for arguments in commands]


def _loaded(arguments: list[str]) -> Loaded:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *prepare.SPFWHITE[1:], *arguments],
        cwd=measure.ROOT,
        env=measure.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    lines = (line for line in done.stderr.splitlines() if line.startswith("import time:"))
    packages = {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}
    if "click" not in packages:
        raise SystemExit(f"no imports were seen: {done.stderr[-500:]}")
    name = next(word for word in arguments if word in ("--help", "--version", "explain"))
    return Loaded(f"spfwhite {name}", tuple(heavy for heavy in HEAVY if heavy in packages))
