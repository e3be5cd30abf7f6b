"""SIGKILL at any moment: the table and the state are whole, and the next run makes them right."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from spfwhite.plan import state
from tests.support.cli import rules
from tests.support.launcher import PLAIN, Change, Launcher
from tests.support.site import RULES, Site, site

pytestmark = pytest.mark.slow

KILLS = 100
SEED = 20
HOUR = 3600

WIDTHS = 24, 25
"""The prefixes of the network that differs from run to run."""
WRITING = ("spfwhite/files.py", "spfwhite/tables/write.py")
"""The modules that put files in place: runs are killed at every third line that they execute."""


def rules_with(width: int) -> list[str]:
    return [rule.replace("198.51.100.0/24", f"198.51.100.0/{width}") for rule in RULES]


def at_line(number: int) -> Change:
    return Change(hit=signal.SIGKILL, at=number, lines=WRITING)


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Site]:
    """Return a site without table and state."""
    with site(tmp_path) as made:
        yield made


@pytest.fixture
def settled(empty: Site, launcher: Launcher) -> Site:
    """Return a site whose table and state are those of one good run."""
    assert launcher.run(*empty.arguments).returncode == 0
    return empty


def publish(made: Site, width: int) -> None:
    made.server.zone.set("plain.test", "TXT", [f"v=spf1 ip4:198.51.100.0/{width} -all"])


def kill(made: Site, launcher: Launcher, *, after: float = 0.0, change: Change = PLAIN) -> bool:
    """Kill a run after some seconds or as `change` says; return whether it was still running."""
    run = launcher.start(*made.arguments, change=change)
    if change is PLAIN:
        time.sleep(after)
        os.kill(run.pid, signal.SIGKILL)
    ended = run.wait()
    assert ended.returncode in (0, -signal.SIGKILL), ended.stderr
    return ended.returncode != 0


def sweep(made: Site) -> None:
    """Remove what killed runs left, over which each further run would have to go."""
    for path in made.temporary_files():
        path.unlink()


def left(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def assert_next_run_succeeds(made: Site, launcher: Launcher, width: int) -> None:
    ended = launcher.run(*made.arguments)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert made.rules() == rules_with(width)
    state.parse(made.state.read_bytes())


def duration(made: Site, launcher: Launcher) -> float:
    """Return how many seconds a run takes here, at the least."""
    times = []
    for _ in range(5):
        start = time.monotonic()
        launcher.run(*made.arguments)
        times.append(time.monotonic() - start)
    return min(times)


def test_killed_at_random_moments_a_run_leaves_the_old_or_the_new_table_and_a_whole_state(
    settled: Site, launcher: Launcher
) -> None:
    moments = random.Random(SEED)
    longest = duration(settled, launcher)
    killed = 0
    for number in count(1):
        old, new = (WIDTHS[(number + turn) % 2] for turn in (1, 0))
        publish(settled, new)
        killed += kill(settled, launcher, after=moments.uniform(0, longest))
        assert settled.rules() in (rules_with(old), rules_with(new))
        state.parse(settled.state.read_bytes())
        assert_next_run_succeeds(settled, launcher, new)
        if killed == KILLS:
            break
        assert number < 5 * KILLS, "runs end before they are killed"


def test_killed_where_it_writes_a_run_leaves_the_old_or_the_new_table_and_a_whole_state(
    settled: Site, launcher: Launcher
) -> None:
    fates = set()
    for number in count(1, 3):
        sweep(settled)
        old, new = (WIDTHS[(number // 3 + turn) % 2] for turn in (0, 1))
        publish(settled, new)
        remembered = settled.state.read_bytes()
        if not kill(settled, launcher, change=at_line(number)):
            break
        table = settled.rules()
        assert table in (rules_with(old), rules_with(new))
        state.parse(settled.state.read_bytes())
        fates.add((settled.state.read_bytes() != remembered, table == rules_with(new)))
        assert_next_run_succeeds(settled, launcher, new)
    assert fates == {(False, False), (True, False), (True, True)}


def test_killed_where_it_writes_a_first_run_leaves_nothing_or_whole_files(
    empty: Site, launcher: Launcher
) -> None:
    fates = set()
    for number in count(1, 5):
        sweep(empty)
        empty.table.unlink(missing_ok=True)
        empty.state.unlink(missing_ok=True)
        if not kill(empty, launcher, change=at_line(number)):
            break
        table, remembered = left(empty.table), left(empty.state)
        assert rules(table) in ([], RULES)
        assert not remembered or state.parse(remembered)
        fates.add((bool(remembered), bool(table)))
        assert_next_run_succeeds(empty, launcher, 24)
    assert fates == {(False, False), (True, False), (True, True)}


@pytest.mark.parametrize("name", ["table.cidr", "state.json"])
def test_what_a_killed_run_left_goes_after_an_hour_and_not_before(
    name: str, settled: Site, launcher: Launcher
) -> None:
    publish(settled, 25)
    seen = leftover(settled, launcher, name)
    assert_next_run_succeeds(settled, launcher, 25)
    assert seen.exists()
    os.utime(seen, (time.time() - HOUR - 60,) * 2)
    publish(settled, 24)
    assert_next_run_succeeds(settled, launcher, 24)
    assert not seen.exists()


def leftover(made: Site, launcher: Launcher, name: str) -> Path:
    """Kill runs later and later until one leaves a temporary file for the file of that name."""
    for number in count(1, 4):
        sweep(made)
        assert kill(made, launcher, change=at_line(number)), "no run left a temporary file"
        for path in made.temporary_files():
            if path.name.startswith(f".{name}."):
                return path
    raise NotImplementedError
