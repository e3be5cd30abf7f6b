"""A world made ready to be measured: its files, a state of an earlier run, what is asked.

All in child processes, since Linux counts the memory of whoever starts a program into its peak.
Refuses: to measure.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.bench.measure import ROOT, environment
from tests.bench.server import Server

DEFAULT, WHOLE, THOUSAND, TEN_THOUSAND = (
    "default list",
    "whole world",
    "1,000 domains",
    "10,000 domains",
)
ZONE, DOMAINS, OVERLAY = "world.zone", "domains.txt", "overlay.toml"
TABLE = "table.cidr"
SNAPSHOT, QUESTIONS = "snapshot.json", "questions.txt"
FRESH, AGAIN = "fresh", "again"
"""Folders of an overlay with its state and table: one without an earlier run, one with."""

DEGRADED_TOO = (0, 3)
"""The exit codes of a run that went well: the whole world has dead domains."""

SPFWHITE = (sys.executable, "-m", "spfwhite")


@dataclass(frozen=True, slots=True)
class World:
    """A world on disk; `chain` is how many of its look-ups have to wait for each other.

    `rules` is the digest of the table that every run has to end with.
    """

    name: str
    folder: Path
    domains: int
    questions: int
    chain: int
    rules: str


def generate(world: Path, state: str, port: int, address: str = "127.0.0.1") -> list[str]:
    """Return the command of a run with the overlay in one of the two folders."""
    overlay = str(world / state / OVERLAY)
    return [*SPFWHITE, "-c", overlay, "generate", "--nameserver", f"{address}:{port}"]


def prepare(name: str, folder: Path) -> World:
    """Make a world in a new folder."""
    for state in (FRESH, AGAIN):
        (folder / state).mkdir(parents=True)
    _python("tests.bench.worlds", name, str(folder))
    with Server(folder / ZONE, delay=0, counts=folder / "counts.json") as server:
        record = ["--record", str(folder / SNAPSHOT)]
        _run([*generate(folder, AGAIN, server.ready()), *record], DEGRADED_TOO)
    chain = _python("tests.bench.chain", str(folder))
    domains, questions = (_lines(folder / file) for file in (DOMAINS, QUESTIONS))
    return World(name, folder, domains, questions, int(chain), rules(folder / AGAIN))


def rules(folder: Path) -> str:
    """Return the digest of the rules of a folder's table, "" for none."""
    digest = hashlib.sha256()
    try:
        with (folder / TABLE).open("rb") as table:
            for line in table:
                if not line.startswith(b"#"):
                    digest.update(line)
    except FileNotFoundError:
        return ""
    return digest.hexdigest()


def forget(folder: Path) -> None:
    """Leave nothing of earlier runs in a folder of an overlay."""
    for path in folder.iterdir():
        if path.name != OVERLAY:
            path.unlink()


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)


def _python(module: str, *arguments: str) -> str:
    return _run([sys.executable, "-m", module, *arguments])


def _run(command: list[str], accepted: tuple[int, ...] = (0,)) -> str:
    done = subprocess.run(
        command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
    )
    if done.returncode not in accepted:
        raise SystemExit(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr}")
    return done.stdout
