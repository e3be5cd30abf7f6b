"""File systems that refuse: full, read-only, somebody else's: the old table stays, and one line."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.cli import Finished, listing, rules
from tests.support.launcher import Change, Ended, Launcher
from tests.support.site import RULES, Site, hand_over, site

pytestmark = pytest.mark.slow

NOBODY = 65534
AS_NOBODY = Change(user=NOBODY)
NEWER = [rule.replace("198.51.100.0/24", "198.51.100.0/25") for rule in RULES]

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="not root")


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """Mount a file system in memory, or skip the test where that is not permitted."""
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting is not permitted")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """Return a folder that is a file system of 256 KiB, mode 0755."""
    folder = tmp_path / "small"
    folder.mkdir()
    with mounted(folder, "size=256k,mode=755"):
        yield folder


@pytest.fixture
def public() -> Iterator[Path]:
    """Return a folder that everybody may enter, which those of pytest are not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def change(made: Site) -> None:
    """Give the next run something to write."""
    made.server.zone.set("plain.test", "TXT", ["v=spf1 ip4:198.51.100.0/25 -all"])


def fill(folder: Path) -> Path:
    """Take all the room of a file system; return the file that has it."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(512))
        except OSError:
            return filler


def assert_refused(done: Finished | Ended, path: Path, reason: str) -> None:
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert str(path) in done.stderr
    assert reason in done.stderr


def move_table(made: Site, to: Path) -> None:
    """Let the overlay name another table."""
    made.config.write_text(made.config.read_text().replace(f'"{made.table.name}"', f'"{to}"'))


def test_a_full_disk_keeps_table_and_state_and_leaves_no_temporary_file(small: Path) -> None:
    with site(small) as made:
        assert made.generate().returncode == 0
        filler = fill(small)
        change(made)
        before = listing(small)
        assert_refused(made.generate(), small, "No space left on device")
        assert listing(small) == before
        filler.unlink()
        assert made.generate().returncode == 0
        assert made.rules() == NEWER


def test_a_full_disk_of_the_table_alone_is_made_up_for_by_the_next_run(
    small: Path, tmp_path: Path
) -> None:
    table = small / "table.cidr"
    with site(tmp_path) as made:
        move_table(made, table)
        assert made.generate().returncode == 0
        filler = fill(small)
        change(made)
        before = listing(small)
        assert_refused(made.generate(), table, "No space left on device")
        assert listing(small) == before
        filler.unlink()
        assert made.generate().returncode == 0
        assert rules(table.read_bytes()) == NEWER


def test_a_full_disk_of_a_first_run_leaves_nothing_but_the_lock(small: Path) -> None:
    with site(small) as made:
        filler = fill(small)
        assert_refused(made.generate(), small, "No space left on device")
        filler.unlink()
        assert set(listing(small)) == {made.config.name, "state.json.lock"}


def test_a_limit_on_the_size_of_files_keeps_table_and_state(
    launcher: Launcher, tmp_path: Path
) -> None:
    with site(tmp_path) as made:
        assert made.generate().returncode == 0
        change(made)
        before = listing(tmp_path)
        done = launcher.run(*made.arguments, change=Change(file_size=1024))
        assert_refused(done, tmp_path, "File too large")
        assert listing(tmp_path) == before


@pytest.fixture
def read_only(small: Path) -> Iterator[Site]:
    """Return a site on a file system that became read-only after a good run."""
    with site(small) as made:
        assert made.generate().returncode == 0
        change(made)
        subprocess.run(["mount", "-o", "remount,ro", small], check=True)
        yield made


def test_a_read_only_file_system_is_exit_1_and_names_the_path(read_only: Site) -> None:
    assert_refused(read_only.generate(), read_only.folder, "Read-only file system")
    assert read_only.rules() == RULES


def test_a_read_only_file_system_is_enough_for_runs_that_write_nothing(read_only: Site) -> None:
    done = read_only.generate("--dry-run")
    assert done.returncode == 0
    assert done.stdout.startswith("-198.51.100.128/25\n")
    assert rules(read_only.generate("-o", "-").stdout) == NEWER


def test_a_read_only_folder_of_the_table_keeps_it(small: Path, tmp_path: Path) -> None:
    table = small / "table.cidr"
    with site(tmp_path) as made:
        move_table(made, table)
        assert made.generate().returncode == 0
        subprocess.run(["mount", "-o", "remount,ro", small], check=True)
        assert made.generate().returncode == 0  # nothing changed, so nothing is written
        change(made)
        assert_refused(made.generate(), table, "Read-only file system")
        assert rules(table.read_bytes()) == RULES


@as_root
def test_root_gives_new_files_to_whom_the_folder_belongs(launcher: Launcher, public: Path) -> None:
    with site(public) as made:
        made = hand_over(made, NOBODY)
        assert launcher.run(*made.arguments).returncode == 0
        for path in (made.table, made.state):
            assert (path.stat().st_uid, path.stat().st_gid) == (NOBODY, NOBODY)
            assert path.stat().st_mode & 0o777 == 0o644


@as_root
@pytest.mark.parametrize("order", [[AS_NOBODY, Change()], [Change(), AS_NOBODY]])
def test_root_and_the_owner_of_the_folder_run_in_turn(
    order: list[Change], launcher: Launcher, public: Path
) -> None:
    with site(public) as made:
        made = hand_over(made, NOBODY)
        for turn, who in enumerate(order * 2):
            made.server.zone.set(
                "plain.test", "TXT", [f"v=spf1 ip4:198.51.100.0/{24 + turn % 2} -all"]
            )
            done = launcher.run(*made.arguments, change=who)
            assert (done.returncode, done.stderr) == (0, "")
            assert made.rules() == (RULES, NEWER)[turn % 2]


@as_root
def test_who_may_not_write_the_folder_gets_exit_1_and_the_table_stays(
    launcher: Launcher, public: Path
) -> None:
    with site(public) as made:
        assert launcher.run(*made.arguments).returncode == 0
        change(made)
        before = listing(public)
        assert_refused(launcher.run(*made.arguments, change=AS_NOBODY), public, "Permission denied")
        assert listing(public) == before


@as_root
def test_a_folder_without_the_right_to_write_stops_even_its_owner(
    launcher: Launcher, public: Path
) -> None:
    with site(public) as made:
        os.chown(public, NOBODY, NOBODY)
        public.chmod(0o555)
        done = launcher.run(*made.arguments, change=AS_NOBODY)
        assert_refused(done, public, "Permission denied")
        assert set(listing(public)) == {made.config.name}


@as_root
def test_a_state_that_may_not_be_read_is_exit_1_and_stays(launcher: Launcher, public: Path) -> None:
    with site(public) as made:
        os.chown(public, NOBODY, NOBODY)
        assert launcher.run(*made.arguments, change=AS_NOBODY).returncode == 0
        os.chown(made.state, 0, 0)
        made.state.chmod(0o600)
        change(made)
        before = listing(public)
        done = launcher.run(*made.arguments, change=AS_NOBODY)
        assert_refused(done, made.state, "Permission denied")
        assert listing(public) == before


@as_root
def test_a_table_that_may_not_be_read_is_exit_1_and_stays(launcher: Launcher, public: Path) -> None:
    with site(public) as made:
        os.chown(public, NOBODY, NOBODY)
        assert launcher.run(*made.arguments, change=AS_NOBODY).returncode == 0
        os.chown(made.table, 0, 0)
        made.table.chmod(0o600)
        change(made)
        done = launcher.run(*made.arguments, change=AS_NOBODY)
        assert_refused(done, made.table, "Permission denied")
        assert made.rules() == RULES


@as_root
def test_a_folder_of_postfix_that_may_not_be_looked_into_is_none(
    launcher: Launcher, public: Path
) -> None:
    hidden = public / "postfix"
    hidden.mkdir(mode=0o700)
    (hidden / "main.cf").touch()
    with site(public, more=f'[postfix]\nconfig_directory = "{hidden}"') as made:
        os.chown(public, NOBODY, NOBODY)
        done = launcher.run(*made.arguments, change=AS_NOBODY)
        assert (done.returncode, done.stderr) == (0, "")
        assert made.rules() == RULES
