"""Files that are whole at every moment: replaced at once, kept on failure, nothing left behind."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import stat
import time
from pathlib import Path

import pytest

from spfwhite import files
from spfwhite.errors import FileError

OLD = b"old content\n"
NEW = b"new content\n"

FORK = multiprocessing.get_context("fork")
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="not root")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a file with old content, alone in its folder."""
    path = tmp_path / "table.cidr"
    path.write_bytes(OLD)
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _die_before_the_rename(path: Path) -> None:
    with files.replacement(path, NEW):
        os.kill(os.getpid(), signal.SIGKILL)


def leftover(path: Path, age: float) -> Path:
    """Leave behind what a run leaves that was killed `age` seconds ago, before the rename."""
    before = set(path.parent.iterdir())
    killed = FORK.Process(target=_die_before_the_rename, args=(path,))
    killed.start()
    killed.join()
    (left,) = set(path.parent.iterdir()) - before
    then = time.time() - age
    os.utime(left, (then, then))
    return left


def test_the_new_content_is_there_when_it_is_put_in_place(path: Path) -> None:
    with files.replacement(path, NEW) as new:
        assert path.read_bytes() == OLD
        assert new.path.read_bytes() == NEW
        assert new.path.parent == path.parent  # so that a rename is atomic
        new.put()
    assert path.read_bytes() == NEW
    assert names(path.parent) == [path.name]


def test_an_exception_in_the_block_keeps_the_old_content_and_leaves_nothing(path: Path) -> None:
    with pytest.raises(RuntimeError, match="the check failed"), files.replacement(path, NEW):
        raise RuntimeError("the check failed")
    assert path.read_bytes() == OLD
    assert names(path.parent) == [path.name]


def test_an_interrupt_in_the_block_leaves_nothing(path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), files.replacement(path, NEW):
        raise KeyboardInterrupt
    assert path.read_bytes() == OLD
    assert names(path.parent) == [path.name]


def test_who_has_the_old_file_open_goes_on_reading_it_whole(path: Path) -> None:
    with path.open("rb") as reader:
        files.replace(path, NEW)
        assert reader.read() == OLD


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o444])
def test_the_mode_of_the_old_file_is_kept(mode: int, path: Path) -> None:
    path.chmod(mode)
    files.replace(path, NEW)
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_new_file_is_readable_by_all_whatever_the_umask(tmp_path: Path) -> None:
    umask = os.umask(0o077)
    try:
        files.replace(tmp_path / "table.cidr", NEW)
    finally:
        os.umask(umask)
    assert stat.S_IMODE((tmp_path / "table.cidr").stat().st_mode) == 0o644


@AS_ROOT
def test_the_owner_of_the_old_file_is_kept(path: Path) -> None:
    os.chown(path.parent, 65534, 65534)
    os.chown(path, 65534, 65533)
    files.replace(path, NEW)
    assert (path.stat().st_uid, path.stat().st_gid) == (65534, 65533)


@AS_ROOT
def test_a_new_file_belongs_to_whom_its_folder_does(tmp_path: Path) -> None:
    os.chown(tmp_path, 65534, 65533)
    files.replace(tmp_path / "table.cidr", NEW)
    status = (tmp_path / "table.cidr").stat()
    assert (status.st_uid, status.st_gid) == (65534, 65533)


def test_a_missing_folder_is_an_error_that_names_the_path(tmp_path: Path) -> None:
    path = tmp_path / "nothing" / "table.cidr"
    with pytest.raises(FileError) as caught:
        files.replace(path, NEW)
    assert str(caught.value) == f"cannot write {path}: there is no folder {path.parent}"
    assert names(tmp_path) == []


def test_a_directory_in_the_files_place_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "table.cidr"
    path.mkdir()
    with pytest.raises(FileError, match=r"cannot write .*/table\.cidr: it is a folder"):
        files.replace(path, NEW)
    with pytest.raises(FileError, match=r"cannot read .*/table\.cidr: it is a folder"):
        files.read_if_there(path)
    assert names(tmp_path) == ["table.cidr"]


def test_a_file_in_the_folders_place_is_an_error_that_names_the_path(path: Path) -> None:
    with pytest.raises(FileError, match=r"cannot write .*table.cidr/new: Not a directory"):
        files.replace(path / "new", NEW)


def test_a_folder_of_the_kernel_that_takes_no_files_is_an_error() -> None:
    path = Path("/proc/spfwhite-test")
    with pytest.raises(FileError, match="cannot write /proc/spfwhite-test: "):
        files.replace(path, NEW)


def _replace_in_little_room(path: Path) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    try:
        files.replace(path, b"x" * 100_000)
    except FileError as fault:
        os._exit(0 if str(fault) == f"cannot write {path}: File too large" else 3)
    os._exit(4)


def test_a_disk_that_is_full_is_an_error_and_keeps_the_old_file(path: Path) -> None:
    process = FORK.Process(target=_replace_in_little_room, args=(path,))
    process.start()
    process.join()
    assert process.exitcode == 0
    assert path.read_bytes() == OLD
    assert names(path.parent) == [path.name]


@pytest.mark.parametrize("name", ["table.cidr", "a[b]c.cidr", "*.cidr", "what?", "a b", "-o", "ä"])
def test_leftovers_of_killed_runs_go_after_an_hour_and_not_before(
    name: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    young = leftover(path, 3500)
    leftover(path, 3700)
    files.replace(path, NEW)
    assert names(tmp_path) == sorted([name, young.name])


def test_leftovers_of_other_tables_are_left_alone(tmp_path: Path) -> None:
    other = leftover(tmp_path / "b.cidr", 3700)
    files.replace(tmp_path / "?.cidr", NEW)
    files.replace(tmp_path / "a.cidr", NEW)
    assert other.exists()


def test_a_file_that_is_not_there_reads_as_none(tmp_path: Path) -> None:
    assert files.read_if_there(tmp_path / "nothing") is None


def test_a_file_that_is_there_reads_as_its_bytes(path: Path) -> None:
    assert files.read_if_there(path) == OLD
