"""Where contrib/push/push-table puts a table: any path, mode and owner, and what it refuses."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.postfix_instance import needs_postmap
from tests.support.pushing import (
    BAD,
    NAME,
    NEW,
    TARGET,
    Pushing,
    assert_kept,
    assert_went_well,
    prepared,
)

pytestmark = [pytest.mark.slow, needs_postmap]


@pytest.fixture
def site(tmp_path: Path) -> Pushing:
    """Return a new table, and no host yet."""
    return prepared(tmp_path)


@pytest.mark.parametrize(
    "folder",
    [
        "blanks  and\ttabs",
        "o'clock",
        "''",
        '"$(touch made)" `touch made` $HOME',
        "; touch made; #",
        "back\\slash\\n & * ? [a] {b,c} <x >y |z",
        "new\nline\n",
        "-n",
        "!x %s ~",
        "\u00e9\u4e2d",
    ],
)
def test_no_shell_reads_anything_into_a_path(site: Pushing, folder: str) -> None:
    host = site.host("mx1", target=f"{folder}/{NAME}")
    table = site.folder / "from" / folder / NAME
    table.parent.mkdir(parents=True)
    site.table.rename(table)
    assert_went_well(site.run("-t", f"{folder}/{NAME}", table, "mx1"))
    assert host.has_only(NEW)
    assert host.asked() == ["reload"]
    assert not list(site.folder.rglob("made"))


def test_without_t_the_table_has_the_same_name_there(site: Pushing) -> None:
    before = site.table.stat().st_ino
    site.host("mx1")
    site.table.chmod(0o600)
    assert_went_well(site.run(site.table, "mx1"))  # the host sees the very file: nothing to do
    assert site.table.stat().st_ino == before
    site.table.write_text(BAD)
    assert f"mx1: {site.table}: old table kept: " in site.run(site.table, "mx1").stderr


def test_mode_and_owner_of_the_old_table_stay(site: Pushing) -> None:
    host = site.host("mx1")
    host.table.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(host.table, 12345, 54321)
    before = host.table.stat()
    assert_went_well(site.push("mx1"))
    after = host.table.stat()
    assert host.has_only(NEW)
    assert after.st_mode == before.st_mode
    assert (after.st_uid, after.st_gid) == (before.st_uid, before.st_gid)


def test_a_link_stays_and_the_table_behind_it_is_replaced(site: Pushing) -> None:
    host = site.host("mx1")
    link = host.folder / "link"
    link.symlink_to(TARGET)
    assert_went_well(site.push("mx1", target="link"))
    assert link.readlink() == Path(TARGET)
    assert host.has_only(NEW)


def test_a_target_that_is_not_a_file_or_has_no_folder_is_refused(site: Pushing) -> None:
    host = site.host("mx1")
    (host.folder / "folder").mkdir()
    os.mkfifo(host.folder / "fifo")
    before = set(host.folder.rglob("*"))
    for wrong in ("folder", "fifo", "nowhere/table.cidr"):
        assert_kept(host, site.push("mx1", target=wrong), wrong)
    assert set(host.folder.rglob("*")) == before


def test_a_bad_line_is_seen_whatever_postmap_makes_of_the_path(site: Pushing) -> None:
    """Without UTF-8 it shows a `?` for what is not ASCII."""
    site.configure("smtputf8_enable = no\n")
    target = f"\u00e9/{NAME}"
    host = site.host("mx1", target=target)
    site.table.write_text(BAD)
    done = site.push("mx1", target=target)
    assert_kept(host, done, "old table kept", "/??/.push-table.", "line 2")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("table.cidr",),
        ("table.cidr", "mx1"),  # without -t it has to be a full name
        ("-t", "x", "/table.cidr"),
        ("/table.cidr", "mx1", "-oProxyCommand=x"),
        ("/table.cidr", ""),
        ("-x", "/table.cidr", "mx1"),
    ],
)
def test_a_wrong_command_line_asks_no_host(site: Pushing, arguments: Sequence[str]) -> None:
    done = site.run(*arguments, SSH=f"touch {site.folder}/called")
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage: push-table" in done.stderr
    assert not (site.folder / "called").exists()
