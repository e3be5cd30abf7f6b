"""After a change the real Postfix reloads, once, whatever happened to the run in between."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import spfwhite
from tests.support.postfix_instance import Instance, needs_postfix, prepared, running, stand_in
from tests.support.reloading import configure, is_loaded, publish, unwired
from tests.support.site import RULES, Site

pytestmark = [pytest.mark.slow, needs_postfix]

KILL_THE_RUN = "kill -KILL $PPID"


@pytest.fixture(scope="module")
def instance() -> Iterator[Instance]:
    with running() as made:
        yield made


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Site]:
    with unwired(tmp_path) as each:
        yield each


@pytest.fixture
def wired(made: Site, instance: Instance) -> Site:
    """Return a site that belongs to the instance and is loaded."""
    configure(made, f'config_directory = "{instance.config_directory}"')
    assert made.generate("--reload").returncode == 0
    return made


def test_postfix_reloads_for_a_change_and_not_for_an_unchanged_run(
    wired: Site, instance: Instance
) -> None:
    before = instance.reloads()
    assert wired.generate("--reload").returncode == 0
    assert instance.reloads() == before
    publish(wired, 25)
    assert wired.generate("--reload").returncode == 0
    assert instance.reloads() == before + 1
    assert is_loaded(wired)


@pytest.mark.parametrize("options", [(), ("--no-reload",), ("--reload", "--dry-run")])
def test_without_being_asked_for_there_is_no_reload_and_it_stays_due(
    wired: Site, instance: Instance, options: tuple[str, ...]
) -> None:
    lines = f'config_directory = "{instance.config_directory}"', "reload = true"
    configure(wired, *lines[: 1 + ("--no-reload" in options)])
    publish(wired, 25)
    before = instance.reloads()
    assert wired.generate(*options).returncode == 0
    assert instance.reloads() == before
    assert wired.generate("--reload").returncode == 0
    assert instance.reloads() == before + 1


def test_a_table_for_elsewhere_causes_no_reload(wired: Site, instance: Instance) -> None:
    publish(wired, 25)
    before = instance.reloads()
    assert wired.generate("-o", wired.folder / "other.cidr", "--reload").returncode == 0
    assert instance.reloads() == before


def test_a_run_killed_between_write_and_reload_leaves_the_reload_to_the_next(
    wired: Site, instance: Instance
) -> None:
    publish(wired, 25)
    script = f'case "$*" in *reload) {KILL_THE_RUN}; exit; esac; exec "$real" "$@"'
    before = instance.reloads()
    killed = wired.generate("--reload", env=stand_in(wired.folder, "postfix", script))
    assert killed.returncode == -signal.SIGKILL
    table = wired.table.stat().st_ino
    assert "198.51.100.0/25\tpermit" in wired.rules()
    assert instance.reloads() == before and not is_loaded(wired)
    assert wired.generate("--reload").returncode == 0
    assert instance.reloads() == before + 1 and is_loaded(wired)
    assert wired.table.stat().st_ino == table, "the table was right already"


@pytest.mark.parametrize("damage", ["", "0.0.0.0/0\tpermit\n"], ids=["gone", "edited"])
def test_a_table_that_had_to_be_written_anew_is_loaded_anew(
    wired: Site, instance: Instance, damage: str
) -> None:
    wired.table.unlink()
    if damage:
        wired.table.write_text(f"# {wired.table.name}: written by spfwhite 0\n{damage}")
    before = instance.reloads()
    assert wired.generate("--reload").returncode == 0
    assert wired.rules() == RULES
    assert instance.reloads() == before + 1


def test_a_change_of_the_reject_table_alone_causes_a_reload(
    wired: Site, instance: Instance
) -> None:
    wired.server.zone.set("pests.test", "TXT", ["v=spf1 ip4:203.0.113.128/25 -all"])
    pests = '[providers.pests]\naction = "reject"\ndomains = ["pests.test"]'
    configure(wired, f'config_directory = "{instance.config_directory}"', more=pests)
    before, table = instance.reloads(), wired.table.read_bytes()
    assert wired.generate("--reload").returncode == 0
    assert wired.table.read_bytes() == table
    assert instance.reloads() == before + 1


def test_the_bare_path_of_cron_and_a_relative_folder_are_enough(
    wired: Site, instance: Instance
) -> None:
    (wired.folder / "etc").symlink_to(instance.config_directory)
    configure(wired, 'config_directory = "etc"')
    publish(wired, 25)
    before = instance.reloads()
    arguments = "-c", "overlay.toml", "generate", "--reload"
    done = spfwhite(*arguments, cwd=wired.folder, env={"PATH": "/usr/bin:/bin"})
    assert (done.returncode, instance.reloads()) == (0, before + 1)


def test_a_postfix_that_does_not_run_needs_no_reload(made: Site) -> None:
    with prepared() as stopped:
        configure(made, f'config_directory = "{stopped.config_directory}"')
        done = made.generate("--reload")
        assert stopped.reloads() == 0
    assert (done.returncode, done.stderr) == (0, "")
    assert is_loaded(made)


def test_a_postfix_that_runs_and_cannot_be_asked_is_not_taken_for_one_that_does_not_run(
    wired: Site, instance: Instance
) -> None:
    publish(wired, 25)
    instance.configure(compatibility_level="none")
    try:
        done = wired.generate("--reload")
    finally:
        instance.configure()
    assert instance.is_running()
    assert (done.returncode, is_loaded(wired)) == (5, False)
