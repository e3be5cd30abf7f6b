"""SIGINT and SIGTERM at any moment: old or new files, nothing left behind, 130 and 143."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from spfwhite import state
from tests.dnsserver import Fault
from tests.launcher import Change, Ended, Launcher
from tests.site import RULES, Site, site

pytestmark = pytest.mark.slow

ENDING: dict[int, int] = {signal.SIGINT: 130, signal.SIGTERM: 143}
SIGNALS = 60
SEED = 21

NEWER = [rule.replace("198.51.100.0/24", "198.51.100.0/25") for rule in RULES]
WRITING = ("spfwhite/files.py", "spfwhite/interrupts.py", "spfwhite/write.py")
FILES = {"overlay.toml", "state.json", "state.json.lock", "table.cidr"}


@pytest.fixture
def settled(launcher: Launcher, tmp_path: Path) -> Iterator[Site]:
    """Return a site with the table and state of one good run, and something new to write."""
    with site(tmp_path) as made:
        assert launcher.run(*made.arguments).returncode == 0
        made.server.zone.set("plain.test", "TXT", ["v=spf1 ip4:198.51.100.0/25 -all"])
        yield made


class Renewed:
    """The table and the state as they were, put back before each run."""

    def __init__(self, made: Site) -> None:
        self._kept = {path: path.read_bytes() for path in (made.table, made.state)}

    def restore(self) -> None:
        for path, content in self._kept.items():
            path.write_bytes(content)


def interrupt(made: Site, launcher: Launcher, number: int, after: float) -> Ended:
    run = launcher.start(*made.arguments)
    time.sleep(after)
    os.kill(run.pid, number)
    return run.wait()


def assert_ended_well(made: Site, ended: Ended, number: int) -> None:
    """Check the exit code and what is left of a run that a signal may have come too late for.

    While the interpreter ends it leaves signals to the kernel, for which a shell says the same.
    """
    assert ended.returncode in (0, ENDING[number], -number), ended
    assert (ended.stdout, ended.stderr) == ("", "")
    assert {path.name for path in made.folder.rglob("*")} == FILES
    assert made.rules() in (RULES, NEWER)
    state.parse(made.state.read_bytes())


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_at_a_random_moment_leaves_whole_files_and_says_nothing(
    number: int, settled: Site, launcher: Launcher
) -> None:
    moments = random.Random(SEED)
    renewed = Renewed(settled)
    start = time.monotonic()
    launcher.run(*settled.arguments)
    longest = time.monotonic() - start
    interrupted = 0
    for turn in count(1):
        renewed.restore()
        ended = interrupt(settled, launcher, number, moments.uniform(0, longest))
        assert_ended_well(settled, ended, number)
        interrupted += ended.returncode != 0
        if interrupted == SIGNALS:
            break
        assert turn < 5 * SIGNALS, "runs end before they are interrupted"


@pytest.mark.parametrize(("number", "first"), [(signal.SIGINT, 1), (signal.SIGTERM, 2)])
def test_a_signal_where_a_run_writes_leaves_whole_files_and_says_nothing(
    number: int, first: int, settled: Site, launcher: Launcher
) -> None:
    renewed = Renewed(settled)
    fates = set()
    for at in count(first, 4):
        renewed.restore()
        change = Change(hit=number, at=at, lines=WRITING)
        ended = launcher.run(*settled.arguments, change=change)
        assert_ended_well(settled, ended, number)
        if ended.returncode == 0:
            break
        fates.add(settled.rules() == NEWER)
    assert fates == {False, True}


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_while_the_dns_is_asked_changes_nothing_and_frees_the_lock(
    number: int, settled: Site, launcher: Launcher
) -> None:
    before = settled.table.read_bytes(), settled.state.read_bytes()
    faults = settled.server.faults
    faults[""] = Fault("drop")
    settled.server.reset()
    run = launcher.start(*settled.arguments)
    while not settled.server.queries:
        time.sleep(0.01)
    os.kill(run.pid, number)
    ended = run.wait()
    assert (ended.returncode, ended.stdout, ended.stderr) == (ENDING[number], "", "")
    assert (settled.table.read_bytes(), settled.state.read_bytes()) == before
    faults.clear()
    assert launcher.run(*settled.arguments).returncode == 0
    assert settled.rules() == NEWER
