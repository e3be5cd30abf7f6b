"""A table that Postfix has not loaded: `generate` and `check` say so, `reload` sees to it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from spfwhite import files
from spfwhite import run as app
from spfwhite.config.loading import load
from spfwhite.errors import LockedError
from spfwhite.inspect.check import Places, check
from tests.support.cli import Finished, listing, overlay, spfwhite
from tests.support.dnsserver import DnsServer, Zone
from tests.support.launcher import Change
from tests.support.postfix_instance import (
    POSTFIX,
    Instance,
    needs_postfix,
    prepared,
    running,
    unless,
    until,
)
from tests.support.reloading import by_command, is_loaded, publish, unwired
from tests.support.site import PROVIDERS, RECORDS, Site, hand_over

pytestmark = pytest.mark.slow

SAID = "Postfix still uses the old table: spfwhite -c {} reload\n"
NOBODY = 65534


def reload(made: Site) -> Finished:
    return spfwhite("-c", made.config, "reload")


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Site]:
    """Return a site with the table of a run that did not reload; `touch` stands for a Postfix."""
    with unwired(tmp_path) as each:
        by_command(each, "touch", each.folder / "reloaded")
        assert each.generate("--no-reload").returncode == 0
        yield each


def was_reloaded(made: Site) -> bool:
    """Whether the command ran since this was last asked."""
    mark = made.folder / "reloaded"
    there = mark.exists()
    mark.unlink(missing_ok=True)
    return there


def test_reload_does_what_the_runs_left_and_then_nothing(made: Site) -> None:
    for reloads in (True, False):
        done = reload(made)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert was_reloaded(made) is reloads
        assert is_loaded(made)
    publish(made, 25)
    assert made.generate("--no-reload").returncode == 0
    assert reload(made).returncode == 0
    assert was_reloaded(made)


def test_a_reload_that_fails_gives_exit_5_and_stays_due(made: Site) -> None:
    by_command(made, "sh", "-c", "echo the reason >&2; exit 7")
    done = reload(made)
    assert done.returncode == 5
    assert "Postfix did not reload: sh exited with 7" in done.stderr and "reason" in done.stderr
    assert not is_loaded(made)


@pytest.mark.parametrize("content", [None, b"{}"], ids=["none", "foreign"])
def test_without_a_state_reload_is_refused_and_touches_nothing(
    made: Site, content: bytes | None
) -> None:
    if content is None:
        shutil.rmtree(made.folder)
        made.folder.mkdir()
        overlay(made.folder, PROVIDERS, more='[state]\npath = "new/state.json"', server=made.server)
        made.config.write_text(made.config.read_text().replace('[state]\npath = "state.json"', ""))
    else:
        made.state.write_bytes(content)
    before = listing(made.folder)
    done = reload(made)
    assert done.returncode == 2
    assert "state.json" in done.stderr
    assert listing(made.folder) == before


def test_reload_waits_for_no_run_longer_than_it_is_told(made: Site) -> None:
    with files.lock(made.state.with_name("state.json.lock"), 0), pytest.raises(LockedError):
        app.reload(load(made.config), 0.1)
    assert not was_reloaded(made) and not is_loaded(made)


@unless("" if os.geteuid() == 0 else "only root can give files away")
def test_the_state_stays_with_its_user_when_root_reloads(made: Site) -> None:
    made.state.chmod(0o640)
    made = hand_over(made, NOBODY)
    assert reload(made).returncode == 0
    status = made.state.stat()
    assert is_loaded(made)
    assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (NOBODY, NOBODY, 0o640)


@dataclass(frozen=True)
class Mail:
    """A site whose table a private postscreen names."""

    site: Site
    postfix: Instance

    def change(self, width: int, *options: str) -> Finished:
        publish(self.site, width)
        return self.site.generate(*options)

    def warnings(self) -> list[str]:
        """Return the commands that `check` wants typed for a table that is not loaded."""
        found = check(self.site.config, Places(cron=()), 0.0)
        return [each.advice for each in found if "postscreen still uses" in each.text]

    def of_postfix(self) -> list[tuple[str, str, str]]:
        """Return what `check` says of Postfix and its files, but for what is well: level to advice.

        What it says of postscreen's parameters is left out.
        """
        found = check(self.site.config, Places(cron=(), postwhite=()), 0.0)
        subjects = "Postfix", "main.cf", "master.cf"
        return [
            (f.level, f.subject, f.advice)
            for f in found
            if f.subject in subjects and f.level != "ok"
        ]


def mail_of(postfix: Instance, server: DnsServer) -> Mail:
    more = f'[postfix]\nconfig_directory = "{postfix.config_directory}"'
    config = overlay(postfix.folder, PROVIDERS, server=server, more=more)
    return Mail(Site(postfix.folder, server, config), postfix)


@pytest.fixture(scope="module")
def instance() -> Iterator[Instance]:
    with running() as each:
        yield each


@pytest.fixture
def mail(instance: Instance) -> Iterator[Mail]:
    """Return a site that the running postscreen has loaded."""
    with DnsServer(Zone(RECORDS)) as server:
        made = mail_of(instance, server)
        made.site.table.unlink(missing_ok=True)
        made.site.state.unlink(missing_ok=True)
        first = made.site.generate()
        assert (first.returncode, first.stderr) == (0, ""), "nobody used a table before"
        process = instance.postscreen()
        assert reload(made.site).returncode == 0
        instance.await_successor(process)
        yield made


@needs_postfix
def test_a_run_that_replaces_a_table_of_postscreen_says_that_a_reload_is_due(mail: Mail) -> None:
    assert mail.change(25).stderr.endswith(SAID.format(mail.site.config))
    assert mail.site.generate().stderr == "", "once, when it happens"
    assert mail.change(24, "--no-reload").stderr == "", "who says so knows"
    assert mail.change(25, "--reload").stderr == ""
    assert mail.change(24, "--dry-run").stderr == ""
    assert mail.change(24, "-o", str(mail.site.folder / "other.cidr")).stderr == ""


@needs_postfix
@unless("" if os.geteuid() == 0 else "only root has Postfix reload")
def test_a_command_by_which_somebody_waits_says_that_postfix_has_the_tables(mail: Mail) -> None:
    system = Path(mail.site.folder)
    (system / "providers.toml").write_text(mail.site.config.read_text())
    change = Change(system=str(system))
    try:
        for command in (["remove", "plain"], ["add", "plain.test"]):
            done = spfwhite("-v", *command, change=change)
            assert done.returncode == 0, done.stderr
            assert done.stdout.endswith("\nPostfix has the tables now\n")
    finally:
        (system / "providers.toml").unlink()
        shutil.rmtree(system / "providers.d")


@needs_postfix
def test_a_table_that_postscreen_does_not_name_is_nothing_to_it(mail: Mail) -> None:
    with mail.postfix.changed(postscreen_access_list="permit_mynetworks"):
        assert mail.change(25).stderr == ""
        assert mail.warnings() == []


@needs_postfix
def test_check_names_the_command_until_postscreen_has_the_table(mail: Mail) -> None:
    assert mail.warnings() == []
    mail.change(25)
    assert mail.warnings() == ["run `spfwhite reload` as root"]
    before, process = mail.postfix.reloads(), mail.postfix.postscreen()
    assert reload(mail.site).returncode == 0
    mail.postfix.await_successor(process)
    assert mail.postfix.reloads() == before + 1
    assert mail.warnings() == []


@needs_postfix
def test_who_reloaded_by_hand_is_not_told_to(mail: Mail) -> None:
    mail.change(25)
    mail.postfix.reload()
    assert not is_loaded(mail.site)
    assert mail.warnings() == []


@needs_postfix
@pytest.mark.parametrize("name", ["main.cf", "master.cf"])
def test_check_says_so_until_postscreen_has_read_what_was_configured(name: str, mail: Mail) -> None:
    mail.postfix.postscreen()
    (mail.postfix.config_directory / name).touch()
    assert mail.of_postfix() == [("warning", name, "run `postfix reload` as root")]
    found = check(mail.site.config, Places(cron=()), 0.0)
    assert not any("postscreen uses it" in each.text for each in found)
    mail.postfix.reload()
    assert mail.of_postfix() == []


@needs_postfix
def test_before_a_reload_check_does_not_take_a_new_postscreen_for_one_that_runs() -> None:
    with prepared() as postfix, DnsServer(Zone(RECORDS)) as server:
        mail, master = mail_of(postfix, server), postfix.config_directory / "master.cf"
        assert mail.site.generate().returncode == 0
        (postfix.folder / "reject.cidr").touch()
        new = master.read_text() + "qmgr unix n - n 300 1 qmgr\n"
        old = re.sub("1 postscreen", "- smtpd", new)
        for text in (old, new):
            master.write_text(text)
            if text is old:
                os.utime(master, (0, 0))
                postfix.start()
        assert mail.of_postfix() == [("warning", "master.cf", "run `postfix reload` as root")]
        subprocess.run(
            [str(POSTFIX), "-c", postfix.config_directory, "reload"], check=True, timeout=60
        )
        until(lambda: mail.of_postfix() == [], "check knows of the reload, though no client came")


@needs_postfix
def test_check_sees_a_table_that_was_put_there_by_hand(mail: Mail) -> None:
    mail.site.table.chmod(0o644)
    assert mail.warnings() == [], "the table is the same"
    mail.site.table.write_bytes(mail.site.table.read_bytes())
    assert mail.warnings() == ["run `postfix reload` as root"]


@needs_postfix
def test_whoever_may_not_look_at_postfix_is_told_what_the_state_knows(
    mail: Mail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spfwhite.tables.postfix.Postfix.started", lambda _: None)
    assert mail.warnings() == []
    mail.change(25)
    assert mail.warnings() == ["run `spfwhite reload` as root"]


@needs_postfix
@unless("" if os.geteuid() == 0 else "only root has Postfix reload")
def test_a_postfix_that_does_not_run_is_not_said_to_have_the_tables() -> None:
    said = "Postfix does not run; it reads the tables when it starts"
    with prepared() as stopped, DnsServer(Zone(RECORDS)) as server:
        mail = mail_of(stopped, server)
        assert mail.site.generate().returncode == 0
        assert mail.warnings() == []
        assert mail.of_postfix() == [("note", "Postfix", "start it: `postfix start`, as root")]
        done = spfwhite("-v", "-c", mail.site.config, "reload")
        assert (done.returncode, done.stdout) == (0, f"{said}\n")
        assert is_loaded(mail.site)
        assert said in mail.change(25, "-v", "--reload").stdout.splitlines()


@needs_postfix
def test_only_the_postscreen_of_the_instance_counts(mail: Mail) -> None:
    mail.change(25)
    with tempfile.TemporaryDirectory() as name, mail.postfix.main_cf.open("a") as main_cf:
        main_cf.write(f"queue_directory = {name}\n")
        main_cf.flush()
        assert mail.warnings() == []
    mail.postfix.configure()
    assert len(mail.warnings()) == 1
