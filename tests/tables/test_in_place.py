"""A fault at any step of the write: exit 1 while every old table is in place, 3 from then on."""

from __future__ import annotations

import errno
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from spfwhite.tables.content import digest, rules_in
from tests.support.cli import Finished, rules, spfwhite
from tests.support.launcher import Change
from tests.support.site import RULES, Site, site

pytestmark = pytest.mark.slow

NEWER = [rule.replace("198.51.100.0/24", "198.51.100.0/25") for rule in RULES]
MORE = """
[[output.tables]]
path = "more.cidr"
format = "access"
[postfix]
reload = true
reload_command = ["true"]
"""


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Site]:
    """Return a site with two tables after a good run, and something to write."""
    with site(tmp_path, more=MORE) as made:
        assert made.generate().returncode == 0
        publish(made, 25)
        yield made


def publish(made: Site, width: int) -> None:
    made.server.zone.set("plain.test", "TXT", [f"v=spf1 ip4:198.51.100.0/{width} -all"])


def more(made: Site) -> list[str]:
    """Return the networks of the second table."""
    return [line.split()[0] for line in rules((made.folder / "more.cidr").read_bytes())]


def networks(table: list[str]) -> list[str]:
    return [line.split()[0] for line in table]


def assert_state_is_true(made: Site) -> None:
    for path, table in json.loads(made.state.read_bytes())["tables"].items():
        assert table["written"] == digest(rules_in(Path(path).read_bytes())), path


def assert_sentences(done: Finished) -> None:
    assert "Traceback" not in done.stderr
    assert "cannot" in done.stderr or "in place" in done.stderr


@pytest.mark.parametrize(
    ("call", "number"),
    [
        *(("os.fsync", n) for n in (errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS)),
        ("os.fsync", errno.EINTR),
        ("os.rename", errno.EIO),
        ("os.fchmod", errno.EIO),
        ("os.listdir", errno.EIO),
        ("fcntl.flock", errno.EINTR),
    ],
)
def test_exit_1_means_that_no_table_is_new_whichever_call_fails(
    call: str, number: int, made: Site
) -> None:
    codes = []
    for at in count(1):
        old, new = (RULES, NEWER) if at % 2 else (NEWER, RULES)
        options = "--report", made.folder / "report", "--metrics", made.folder / "metrics"
        fault = Change(fault=call, at=at, number=number)
        done = spfwhite(*made.arguments, *options, change=fault)
        if (done.returncode, done.stderr) == (0, ""):
            break
        codes.append(done.returncode)
        assert_sentences(done)
        assert os.strerror(number) in done.stderr
        if done.returncode == 1:
            assert done.stderr.count("\n") == 1
            assert (made.rules(), more(made)) == (old, networks(old))
        else:
            assert done.returncode == 3
            assert made.rules() == new
            assert_state_is_true(made)
        assert made.temporary_files() == []
        assert made.generate().returncode == 0
        assert (made.rules(), more(made)) == (new, networks(new))
        publish(made, 24 if at % 2 else 25)
    assert codes[0] == 1 and codes == sorted(codes)
    assert call == "fcntl.flock" or codes[-1] == 3


@contextmanager
def mounted(path: Path) -> Iterator[None]:
    """Mount a file over itself, so that nothing can be renamed to its place."""
    try:
        subprocess.run(["mount", "--bind", path, path], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting is not permitted")
    try:
        yield
    finally:
        subprocess.run(["umount", path], check=True)


def test_without_the_allow_table_no_table_is_replaced_and_the_state_says_so(made: Site) -> None:
    with mounted(made.table):
        done = made.generate()
        assert (done.returncode, done.stdout) == (1, "")
        assert f"cannot write {made.table}: Device or resource busy" in done.stderr
        assert (made.rules(), more(made)) == (RULES, networks(RULES))
        assert_state_is_true(made)
    assert made.generate().returncode == 0
    assert (made.rules(), more(made)) == (NEWER, networks(NEWER))


def test_a_further_table_that_stays_behind_is_exit_3_and_the_state_says_so(made: Site) -> None:
    with mounted(made.folder / "more.cidr"):
        done = made.generate("--report", made.folder / "report")
        assert (done.returncode, done.stdout) == (3, "")
        assert "in place, but not all is done: cannot write" in done.stderr
        assert (made.rules(), more(made)) == (NEWER, networks(RULES))
        assert_state_is_true(made)
        report = json.loads((made.folder / "report").read_bytes())
        assert (report["exit_code"], len(report["unfinished"])) == (3, 1)
        assert [each["changed"] for each in report["tables"]] == [False]
    assert made.generate().returncode == 0
    assert more(made) == networks(NEWER)


@pytest.mark.parametrize("option", ["--report", "--metrics"])
def test_a_report_that_cannot_be_written_behind_the_table_is_exit_3(
    option: str, made: Site
) -> None:
    path = made.folder / "file"
    path.touch()
    with mounted(path):
        done = made.generate(option, path)
        assert (done.returncode, done.stdout) == (3, "")
        assert f"in place, but not all is done: cannot write {path}" in done.stderr
        assert made.rules() == NEWER
        done = made.generate(option, path, "--dry-run")
        assert done.returncode == 1
        assert done.stderr == f"spfwhite: cannot write {path}: Device or resource busy\n"
