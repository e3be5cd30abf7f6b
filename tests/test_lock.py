"""One run at a time: the lock beside the state, who needs it, and who releases it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.cli import listing, rules
from tests.support.dnsserver import DnsServer, Fault, Zone
from tests.support.launcher import Launcher
from tests.support.site import RECORDS, RULES, Site, site


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Site]:
    """Return a site with the table and state of one good run."""
    with site(tmp_path) as made:
        assert made.generate().returncode == 0
        yield made


@pytest.fixture
def good_server() -> Iterator[DnsServer]:
    """Return a server that answers while the site's does not."""
    with DnsServer(Zone(RECORDS)) as server:
        yield server


@contextmanager
def under_way(made: Site, launcher: Launcher) -> Iterator[int]:
    """Hold the lock by a run whose name server says nothing; yield its process id."""
    made.server.faults[""] = Fault("drop")
    made.server.reset()
    run = launcher.start(*made.arguments)
    while not made.server.queries:
        time.sleep(0.01)
    yield run.pid
    os.kill(run.pid, signal.SIGKILL)
    assert run.wait().returncode == -signal.SIGKILL
    made.server.faults.clear()


def lock(made: Site) -> Path:
    return made.state.with_name("state.json.lock")


def test_a_second_run_is_exit_6_and_one_line_that_names_the_lock(
    made: Site, launcher: Launcher, good_server: DnsServer
) -> None:
    with under_way(made, launcher):
        before = listing(made.folder)
        done = made.generate("--nameserver", good_server.address)
        assert (done.returncode, done.stdout) == (6, "")
        assert done.stderr == f"spfwhite: another run of spfwhite holds {lock(made)}\n"
        assert listing(made.folder) == before
    assert not good_server.queries


@pytest.mark.parametrize("output", [["-o", "-"], ["-o", "other.cidr"], ["--dry-run"]])
def test_a_run_that_writes_no_state_needs_no_lock(
    output: list[str], made: Site, launcher: Launcher, good_server: DnsServer
) -> None:
    options = [str(made.folder / each) if each.endswith("cidr") else each for each in output]
    with under_way(made, launcher):
        done = made.generate(*options, "--nameserver", good_server.address)
        assert done.returncode == 0
    if "-" in output:
        assert rules(done.stdout) == RULES
    if "other.cidr" in output:
        assert rules((made.folder / "other.cidr").read_bytes()) == RULES


def test_a_run_that_writes_no_state_makes_no_lock(tmp_path: Path) -> None:
    with site(tmp_path) as made:
        for options in (["-o", "-"], ["--dry-run"]):
            assert made.generate(*options).returncode == 0
        assert not lock(made).exists()


def test_the_kernel_releases_the_lock_of_a_killed_run(made: Site, launcher: Launcher) -> None:
    with under_way(made, launcher):
        pass
    done = made.generate()
    assert (done.returncode, done.stderr) == (0, "")


def test_the_lock_is_one_file_for_ever(made: Site, launcher: Launcher) -> None:
    inode = lock(made).stat().st_ino
    with under_way(made, launcher):
        assert made.generate().returncode == 6
    made.server.zone.remove("hosts.test", "TXT")
    assert made.generate().returncode == 3
    assert made.generate("--nameserver", "127.0.0.1:1").returncode == 3
    assert lock(made).stat().st_ino == inode


def test_two_sites_with_states_of_their_own_run_at_the_same_time(
    made: Site, launcher: Launcher, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    with under_way(made, launcher), site(tmp_path / "other") as other:
        assert other.generate().returncode == 0


@pytest.mark.parametrize("content", [None, b"kept"])
def test_a_lock_that_is_a_symlink_is_refused_and_its_target_left_alone(
    content: bytes | None, made: Site
) -> None:
    target = made.folder / "target"
    if content:
        target.write_bytes(content)
    lock(made).unlink()
    lock(made).symlink_to(target)
    done = made.generate()
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"spfwhite: cannot open the lock {lock(made)}: ")
    assert done.stderr.count("\n") == 1
    assert lock(made).is_symlink()
    assert (target.read_bytes() if target.exists() else None) == content
    assert made.rules() == RULES


def test_a_lock_that_is_a_directory_is_refused(made: Site) -> None:
    lock(made).unlink()
    lock(made).mkdir()
    done = made.generate()
    assert done.returncode == 1
    assert done.stderr == f"spfwhite: cannot open the lock {lock(made)}: Is a directory\n"
    assert made.rules() == RULES
