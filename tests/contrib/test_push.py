"""contrib/push/push-table: a table arrives whole and loads there, or the old one stays.

Files, shells and postmap are real; see tests/pushing.py for what stands for a host.
"""

from __future__ import annotations

import shlex
import shutil
import stat
import subprocess
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from tests.support.postfix_instance import (
    PATH,
    POSTFIX,
    needs_postfix,
    needs_postmap,
    until,
)
from tests.support.postfix_instance import (
    prepared as prepared_postfix,
)
from tests.support.pushing import (
    BAD,
    NEW,
    OLD,
    SCRIPT,
    Pushing,
    assert_kept,
    assert_went_well,
    prepared,
)

pytestmark = [pytest.mark.slow, needs_postmap]

HEADER_ONLY = "# written on Tuesday\n# 0 networks\n"


@pytest.fixture
def site(tmp_path: Path) -> Pushing:
    """Return a new table, and no host yet."""
    return prepared(tmp_path)


@pytest.mark.parametrize("text", [NEW, HEADER_ONLY, NEW.removesuffix("\n")])
def test_the_first_table_of_a_host_is_readable_by_all(site: Pushing, text: str) -> None:
    host = site.host("mx1", table=None)
    site.table.write_text(text)
    assert_went_well(site.push("mx1"))
    assert host.has_only(text)
    assert stat.S_IMODE(host.table.stat().st_mode) == 0o644
    assert host.asked() == ["reload"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (OLD, NEW),
        ("", NEW),
        (OLD, HEADER_ONLY),
        (HEADER_ONLY, HEADER_ONLY + "192.0.2.0/24 permit"),  # the only rule, without a newline
        (OLD, OLD.replace("permit", "reject")),
        (OLD, OLD + "192.0.2.0/25\tpermit\n"),
        (OLD, "192.0.2.0/25\tpermit\n" + OLD),
    ],
)
def test_other_rules_are_moved_into_place_and_postfix_reloads_once(
    site: Pushing, old: str, new: str
) -> None:
    host = site.host("mx1", table=old)
    site.table.write_text(new)
    with host.table.open() as opened:
        assert_went_well(site.push("mx1"))
        assert opened.read() == old  # whoever reads the old table reads it to its end
    assert host.has_only(new)
    assert host.asked() == ["reload"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (OLD, OLD),
        (OLD, OLD.replace("Monday", "Tuesday")),
        (OLD, "# one line more\n" + OLD),
        (OLD, OLD.partition("# 1 network\n")[2]),
        (HEADER_ONLY, "# another header\n"),
    ],
)
def test_the_same_rules_below_another_header_change_nothing(
    site: Pushing, old: str, new: str
) -> None:
    host = site.host("mx1", table=old)
    before = host.table.stat()
    site.table.write_text(new)
    assert_went_well(site.push("mx1"))
    after = host.table.stat()
    assert host.has_only(old)
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert host.asked() == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BAD, ("line 2", "198.51.100.0/24")),
        ("<html>\n", ("line 1",)),
        (NEW + "192.0.2.0/24", ("line 5",)),  # the action is missing
        ("if 192.0.2.0/24\n192.0.2.0/24 permit\n", ("IF",)),
    ],
)
def test_a_bad_line_keeps_the_old_table_and_is_named(
    site: Pushing, text: str, words: Sequence[str]
) -> None:
    host = site.host("mx1")
    site.table.write_text(text)
    assert_kept(host, site.push("mx1"), "old table kept", str(host.table), *words)


@pytest.mark.parametrize(
    ("lines", "word"),
    [
        ("0.0.0.0/0 permit", "line 4 is wider than /8"),
        ("0.0.0.0/7\tpermit", "line 4 is wider than /8"),
        ("0.0.0.0/7\treject", "line 4 is wider than /8"),
        ("::/0 permit", "line 4 is wider than /19"),
        ("2000::/18 permit", "line 4 is wider than /19"),
        ("20.0.0.0/8 permit", "line 4 makes more than 2^24 IPv4 addresses"),
        ("2000::/19 permit", "line 4 makes more than 2^45 IPv6 /64s"),
        ("192.0.2.7 dunno", "line 4 is not a network with permit or reject"),
        ("192.0.2.7 PERMIT_MYNETWORKS", "line 4 is not a network with permit or reject"),
        ("!192.0.2.7 permit", "line 4 is not a network with permit or reject"),
        ("192.0.2.7\n  permit", "line 4 is not a network with permit or reject"),
        ("192.0.2.7\tpermit\n 0.0.0.0/0", "line 5 is not a network with permit or reject"),
    ],
)
def test_the_receiving_end_refuses_what_spfwhite_would_refuse(
    site: Pushing, lines: str, word: str
) -> None:
    host = site.host("mx1")
    site.table.write_text(f"# head\n192.0.2.0/24\tpermit\n2001:db8::/32\tpermit\n{lines}\n")
    assert_kept(host, site.push("mx1"), "old table kept", word)


@pytest.mark.parametrize("lines", ["20.0.0.0/8\tpermit", "2000::/19 reject"])
def test_the_receiving_end_takes_the_widest_that_spfwhite_writes(site: Pushing, lines: str) -> None:
    host = site.host("mx1")
    site.table.write_text(f"{lines}\n")
    assert_went_well(site.push("mx1"))
    assert host.has_only(site.table.read_text())


@pytest.mark.parametrize(
    ("script", "word"),
    [
        ("kill -KILL $$", "no answer from postmap"),
        ("exit 127", "no answer from postmap"),
        ('MAIL_CONFIG=/nowhere exec "$real" "$@"', "fatal: "),
    ],
)
def test_a_postmap_that_does_not_load_it_keeps_the_old_table(
    site: Pushing, script: str, word: str
) -> None:
    host = site.host("mx1")
    host.replace("postmap", script)
    assert_kept(host, site.push("mx1"), "old table kept", word)


def test_an_empty_or_missing_table_asks_no_host(site: Pushing) -> None:
    host = site.host("mx1")
    for make in (lambda: site.table.write_text(""), site.table.unlink, site.table.mkdir):
        make()
        done = site.push("mx1")
        assert (done.returncode, done.stdout) == (1, "")
        assert f"{site.table}: not a file, not readable or empty" in done.stderr
        assert host.has_only(OLD)


def test_the_receiving_end_takes_no_empty_table(site: Pushing) -> None:
    host = site.host("mx1")
    command = shlex.join([str(SCRIPT), "-r", str(host.table)])
    done = subprocess.run(
        ["sh", "-c", f"cksum </dev/null | {command}"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == f"{host.table}: old table kept: the new one is empty\n"
    assert host.has_only(OLD)


def test_a_connection_that_dies_keeps_the_old_table(site: Pushing) -> None:
    """Before the first octet, within the checksum, between two rules, one octet before the end."""
    host = site.host("mx1")
    head = subprocess.run(["cksum"], input=NEW.encode(), capture_output=True, check=True).stdout
    for octets in (0, 3, len(head), len(head) + NEW.index("2001:"), len(head) + len(NEW) - 1):
        host.cut(octets)
        assert_kept(host, site.push("mx1"), "old table kept: the new one arrived incomplete")
    host.cut(len(head) + len(NEW))
    assert_went_well(site.push("mx1"))
    assert host.has_only(NEW)


def test_the_other_hosts_get_the_table_when_one_is_down_and_one_is_cut(site: Pushing) -> None:
    first, cut, last = (site.host(name) for name in ("mx1", "mx3", "mx4"))
    cut.cut(40)
    done = site.push("mx1", "mx2", "mx3", "mx4")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "push-table: mx2: ssh: mx2: Connection refused\n"
        f"push-table: mx3: {cut.table}: old table kept: the new one arrived incomplete\n"
    )
    for host, text, asked in ((first, NEW, ["reload"]), (cut, OLD, []), (last, NEW, ["reload"])):
        assert host.has_only(text)
        assert host.asked() == asked


def test_a_host_that_fails_without_a_word_is_named_with_its_exit_code(site: Pushing) -> None:
    (site.folder / "ssh").write_text("#!/bin/sh\nexit 7\n")
    done = site.push("mx1")
    assert (done.returncode, done.stderr) == (1, "push-table: mx1: exit code 7\n")


@pytest.mark.parametrize(("running", "user"), [(True, 0), (True, 1000), (False, 1000)])
def test_a_postfix_that_was_not_told_of_the_new_table_is_an_error(
    site: Pushing, *, running: bool, user: int
) -> None:
    """For any user but root, `postfix status` fails as if Postfix did not run."""
    host = site.host("mx1")
    host.replace("id", f"echo {user}")
    host.replace("postfix", '[ "$1" = status ]' if running else "exit 1")
    done = site.push("mx1")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"mx1: {host.table}: new table in place, but Postfix did not reload" in done.stderr
    assert host.has_only(NEW)


def test_nobody_waits_for_what_postfix_leaves_at_work(site: Pushing) -> None:
    """`postfix reload` leaves postsuper behind; a pipe to it would not end before it does."""
    host = site.host("mx1")
    sleep = shutil.which("sleep")
    host.replace("postfix", f"(until [ -e released ]; do {sleep} 0.1; done) &")
    try:
        assert_went_well(site.push("mx1"))
    finally:
        (host.folder / "released").touch()
    assert host.has_only(NEW)


def test_the_copy_is_on_the_disk_before_it_takes_the_name(site: Pushing) -> None:
    host = site.host("mx1")
    for program in ("sync", "mv"):
        host.replace(program, f'echo {program} >>order; exec "$real" "$@"')
    assert_went_well(site.push("mx1"))
    assert (host.folder / "order").read_text().split() == ["sync", "mv"]


def test_a_connection_that_dies_behind_the_move_does_not_cost_the_reload(site: Pushing) -> None:
    host = site.host("mx1")
    signals = "; ".join(f"kill -{name} $PPID" for name in ("HUP", "INT", "TERM", "PIPE"))
    host.replace("mv", f'"$real" "$@"; {signals}')
    assert_went_well(site.push("mx1"))
    assert host.has_only(NEW)
    assert host.asked() == ["reload"]


@pytest.mark.parametrize("signal", ["HUP", "INT", "TERM", "PIPE"])
def test_a_signal_before_the_move_leaves_the_old_table_alone(site: Pushing, signal: str) -> None:
    host = site.host("mx1")
    host.replace("cp", f'"$real" "$@"; kill -{signal} $PPID')
    assert_kept(host, site.push("mx1"), "exit code 1")


@needs_postfix
def test_a_real_postfix_reloads_if_it_runs_and_the_rules_changed(site: Pushing) -> None:
    host = site.host("mx1")
    host.replace("postfix", f'PATH={shlex.quote(PATH)} exec {POSTFIX} "$@"')
    with prepared_postfix() as instance:
        site.main_cf.unlink()
        site.main_cf.parent.rmdir()
        site.main_cf.parent.symlink_to(instance.config_directory)
        assert_went_well(site.push("mx1"))
        assert host.has_only(NEW)
        instance.start()

        def reloaded(times: int) -> bool:
            return instance.reloads() == times

        for text, reloads in ((OLD, 1), (OLD.replace("Monday", "Friday"), 1), (NEW, 2)):
            site.table.write_text(text)
            assert_went_well(site.push("mx1"))
            until(partial(reloaded, reloads), "the log has the reload")


def test_shellcheck_has_no_complaint() -> None:
    program = shutil.which("shellcheck")
    if program is None:
        pytest.skip("shellcheck is not installed")
    done = subprocess.run([program, SCRIPT], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
