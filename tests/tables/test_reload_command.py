"""A reload by a command of the operator's own; and reloads that fail, whoever was to do them."""

from __future__ import annotations

import json
import os
import signal
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from spfwhite import programs
from spfwhite import run as app
from spfwhite.config.loading import load
from spfwhite.report.report import Report
from tests.support.cli import rules
from tests.support.launcher import Change, Launcher
from tests.support.postfix_instance import stand_in, unless
from tests.support.reloading import (
    assert_not_reloaded,
    by_command,
    configure,
    is_loaded,
    publish,
    unwired,
)
from tests.support.site import RULES, Site, provider

pytestmark = pytest.mark.slow

NOBODY = 65534

RELOADING = ("spfwhite/tables/postfix.py", "spfwhite/programs.py")

needs_root = unless("" if os.geteuid() == 0 else "only root can become another user")


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Site]:
    with unwired(tmp_path) as each:
        yield each


def test_the_command_runs_when_table_and_state_are_written(made: Site) -> None:
    seen = made.folder / "seen"
    seen.mkdir()
    by_command(made, "cp", made.table, made.state, seen)
    done = made.generate("-v")
    assert done.returncode == 0
    assert "Postfix has the tables now" in done.stdout.splitlines()
    assert "Postfix has" not in made.generate("-v").stdout
    assert rules((seen / made.table.name).read_bytes()) == RULES
    assert is_loaded(made)
    (then,) = json.loads((seen / made.state.name).read_bytes())["tables"].values()
    assert then["written"] and then["loaded"] != then["written"]


def test_killed_at_any_line_of_the_reload_a_run_leaves_it_to_the_next(
    made: Site, launcher: Launcher
) -> None:
    seen = made.folder / "seen"
    by_command(made, "cp", made.table, seen)
    pending = 0
    assert launcher.run(*made.arguments).returncode == 0
    for number in count(1):
        publish(made, 24 + number % 2)
        change = Change(hit=signal.SIGKILL, at=number, lines=RELOADING)
        ended = launcher.run(*made.arguments, change=change)
        assert f"198.51.100.0/{24 + number % 2}\tpermit" in made.rules()
        pending += made.table.read_bytes() != seen.read_bytes()
        assert launcher.run(*made.arguments).returncode == 0
        assert made.table.read_bytes() == seen.read_bytes() and is_loaded(made)
        if ended.returncode == 0:
            break
    assert pending > 1, "no run was killed between write and reload"


def test_the_command_gets_its_arguments_as_they_are(made: Site) -> None:
    arguments = ["a b", ";", "$(touch pwned)", "`id`", "*", "", "'", "&&", "$HOME", "é"]
    script = "import json, sys; json.dump(sys.argv[2:], open(sys.argv[1], 'w'))"
    by_command(made, "python3", "-c", script, made.folder / "got", *arguments)
    assert made.generate().returncode == 0
    assert json.loads((made.folder / "got").read_bytes()) == arguments


def test_a_postfix_is_not_asked_where_there_is_a_command(made: Site) -> None:
    by_command(made, "true")
    env = stand_in(made.folder, "postfix", f"touch {made.folder}/asked; exit 1")
    assert made.generate(env=env).returncode == 0
    assert not (made.folder / "asked").exists()


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["no-such-program"], ["no-such-program", "No such file"]),
        (["/etc/passwd"], ["/etc/passwd", "Permission denied"]),
        (["sh", "-c", "echo first; echo the reason >&2; exit 7"], ["sh", "7", "the reason"]),
        (["sh", "-c", "kill -TERM $$"], ["sh", "15"]),
    ],
    ids=["missing", "no_program", "fails", "dies"],
)
def test_a_command_that_does_not_reload_gives_exit_5_and_is_tried_again(
    made: Site, command: list[str], words: list[str]
) -> None:
    by_command(made, *command)
    assert_not_reloaded(made, made.generate(), *words)
    by_command(made, "touch", made.folder / "reloaded")
    assert made.generate().returncode == 0
    assert (made.folder / "reloaded").exists() and is_loaded(made)


@needs_root
def test_a_reload_that_fails_in_silence_is_said(made: Site) -> None:
    script = 'case "$*" in *reload) exit 1; esac'
    done = made.generate("--reload", env=stand_in(made.folder, "postfix", script))
    assert_not_reloaded(made, done, "postfix reload", "1")


def in_process(made: Site, monkeypatch: pytest.MonkeyPatch, *, seconds: float) -> Report:
    """Run with another time-out."""
    monkeypatch.setattr(programs, "TIMEOUT", seconds)
    return app.generate(load(made.config))


def test_a_command_that_never_ends_gives_exit_5(
    made: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_command(made, "sleep", "600")
    report = in_process(made, monkeypatch, seconds=0.2)
    assert report.exit_code == 5
    assert "sleep" in report.not_reloaded and "0.2 s" in report.not_reloaded
    assert made.rules() == RULES and not is_loaded(made)


@needs_root
@pytest.mark.parametrize("hangs", ["status", "reload"])
def test_a_postfix_that_never_answers_gives_exit_5(
    made: Site, monkeypatch: pytest.MonkeyPatch, hangs: str
) -> None:
    configure(made, "reload = true")
    env = stand_in(made.folder, "postfix", f'case "$*" in *{hangs}) exec sleep 600; esac')
    monkeypatch.setenv("PATH", env["PATH"])
    report = in_process(made, monkeypatch, seconds=0.5)
    assert (report.exit_code, is_loaded(made)) == (5, False)


def test_a_command_has_ended_though_it_leaves_a_process_behind(
    made: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_command(made, "sh", "-c", "sleep 6 &")  # as `postfix reload` leaves postsuper
    report = in_process(made, monkeypatch, seconds=3.0)
    assert (report.exit_code, report.not_reloaded) == (0, "")


def test_a_run_that_is_refused_reloads_nothing(made: Site) -> None:
    by_command(made, "touch", made.folder / "reloaded")
    made.table.write_text("192.0.2.0/24 permit\n")
    assert made.generate().returncode == 4
    assert not (made.folder / "reloaded").exists()


def test_a_failed_reload_counts_more_than_a_degraded_provider(made: Site) -> None:
    made.generate("--no-reload")
    made.server.zone.remove("hosts.test", "TXT")
    by_command(made, "false")
    done, report = made.reported()
    assert (done.returncode, report["exit_code"]) == (5, 5)
    assert provider(report, "hosts")["degraded"] is True
    assert "false exited with 1" in report["not_reloaded"]


def as_nobody(made: Site) -> tuple[int, str]:
    """Run in a process of a user without rights; return the exit code and why no reload."""
    config = load(made.config)
    app.generate(config, dry_run=True)  # loads what that user perhaps cannot read
    os.chown(made.folder, NOBODY, NOBODY)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            report = app.generate(config)
            os.write(writing, report.not_reloaded.encode())
            os._exit(report.exit_code)
        finally:
            os._exit(99)
    os.close(writing)
    with os.fdopen(reading) as stream:
        reason = stream.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), reason


@pytest.fixture
def theirs() -> Iterator[Site]:
    """Return a site in a folder that everybody may enter."""
    with tempfile.TemporaryDirectory() as name, unwired(Path(name)) as made:
        Path(name).chmod(0o755)
        yield made


@needs_root
def test_who_is_not_root_gets_exit_5_with_the_reason_and_the_table(theirs: Site) -> None:
    configure(theirs, "reload = true")
    code, reason = as_nobody(theirs)
    assert code == 5
    assert "root" in reason and "postfix.reload_command" in reason
    assert theirs.table.stat().st_uid == NOBODY
    assert theirs.rules() == RULES and not is_loaded(theirs)


@needs_root
def test_who_is_not_root_may_have_a_command_that_reloads(theirs: Site) -> None:
    by_command(theirs, "true")
    assert as_nobody(theirs) == (0, "")
    assert is_loaded(theirs)
