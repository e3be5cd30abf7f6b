"""One run at a time: the lock beside the state, who needs it, and who releases it."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from spfwhite import files
from spfwhite.errors import FileError
from tests.support.cli import listing, rules, spfwhite
from tests.support.dnsserver import DnsServer, Fault, Zone
from tests.support.launcher import PLAIN, Change, Launcher
from tests.support.site import RECORDS, RULES, Site, hand_over, site

DAEMON, NOBODY = 1, 65534

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="not root")


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
        assert done.stderr == (
            f"spfwhite: another run of spfwhite is under way (it holds {lock(made)}): try again\n"
        )
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
    assert made.generate("--nameserver", "127.0.0.1:1").returncode == 0
    assert lock(made).stat().st_ino == inode


def test_two_sites_with_states_of_their_own_run_at_the_same_time(
    made: Site, launcher: Launcher, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    with under_way(made, launcher), site(tmp_path / "other") as other:
        assert other.generate().returncode == 0


def test_a_lock_that_is_a_dangling_symlink_is_refused(made: Site) -> None:
    target = made.folder / "target"
    lock(made).unlink()
    lock(made).symlink_to(target)
    done = made.generate()
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"spfwhite: cannot open the lock {lock(made)}: ")
    assert done.stderr.count("\n") == 1
    assert lock(made).is_symlink() and not target.exists()
    assert made.rules() == RULES


def test_a_file_with_content_that_a_lock_leads_to_is_left_alone(made: Site) -> None:
    target = made.folder / "target"
    target.write_bytes(b"kept")
    lock(made).unlink()
    lock(made).symlink_to(target)
    before = target.stat()
    assert made.generate().returncode == 0
    assert target.read_bytes() == b"kept"
    assert (target.stat().st_mode, target.stat().st_uid) == (before.st_mode, before.st_uid)


def test_the_lock_is_closed_to_all_but_its_owner_and_an_older_one_becomes_so(made: Site) -> None:
    assert lock(made).stat().st_mode & 0o777 == 0o600
    lock(made).chmod(0o644)
    assert made.generate().returncode == 0
    assert lock(made).stat().st_mode & 0o777 == 0o600


@as_root
def test_a_stranger_cannot_hold_the_lock(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory() as name, site(Path(name)) as made:
        Path(name).chmod(0o755)
        assert made.generate().returncode == 0
        assert open_as(NOBODY, lock(made)) == errno.EACCES
        done = spfwhite(*made.arguments, change=Change(user=NOBODY))
        why = "Permission denied; run it as root, or as the owner of that folder"
        assert done.stderr == f"spfwhite: cannot open the lock {lock(made)}: {why}\n"


@as_root
@pytest.mark.parametrize("first", [0, NOBODY])
def test_root_and_the_user_of_the_folder_share_a_lock_that_no_third_can_open(first: int) -> None:
    with tempfile.TemporaryDirectory() as name, site(Path(name)) as made:
        Path(name).chmod(0o755)
        made = hand_over(made, NOBODY)
        for who in (first, NOBODY - first, first):
            done = spfwhite(*made.arguments, change=Change(user=who) if who else PLAIN)
            assert (done.returncode, done.stderr) == (0, "")
            status = lock(made).stat()
            assert (status.st_uid, status.st_mode & 0o777) == (NOBODY, 0o600)
        assert open_as(DAEMON, lock(made)) == errno.EACCES


@as_root
def test_root_hands_over_the_lock_that_an_earlier_version_made(made: Site) -> None:
    made = hand_over(made, NOBODY)
    os.chown(lock(made), 0, 0)
    lock(made).chmod(0o644)
    assert made.generate().returncode == 0
    status = lock(made).stat()
    assert (status.st_uid, status.st_mode & 0o777) == (NOBODY, 0o600)


@as_root
def test_root_gives_no_file_away_that_has_another_name(made: Site) -> None:
    """Its keeper can make a second name of root's empty file where the kernel lets him."""
    made = hand_over(made, NOBODY)
    precious = made.config.with_name("precious")
    precious.touch()
    lock(made).unlink()
    os.link(precious, lock(made))
    done = made.generate()
    assert (done.returncode, done.stdout) == (1, "")
    assert "has another name" in done.stderr
    assert precious.stat().st_uid == 0


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS])
def test_a_file_system_that_cannot_lock_is_one_sentence(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)
    path = tmp_path / "lock"
    with pytest.raises(FileError) as caught, files.lock(path, 0):
        pass
    assert str(caught.value) == f"cannot lock {path}: {os.strerror(number)}"


def open_as(user: int, path: Path) -> int:
    """Return the errno with which a user cannot open a file for reading; 0 if he can."""
    child = os.fork()
    if not child:
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
        try:
            os.open(path, os.O_RDONLY)
        except OSError as fault:
            os._exit(fault.errno or 255)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_lock_that_is_a_directory_is_refused(made: Site) -> None:
    lock(made).unlink()
    lock(made).mkdir()
    done = made.generate()
    assert done.returncode == 1
    assert done.stderr == f"spfwhite: cannot open the lock {lock(made)}: it is a folder\n"
    assert made.rules() == RULES
