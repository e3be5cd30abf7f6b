"""Before a table takes its place the real postmap loads it; what stops a run, and what does not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from spfwhite import run as app
from spfwhite.config.loading import load
from spfwhite.report.text import summary
from spfwhite.tables import postfix
from tests.support.cli import overlay, rules, spfwhite
from tests.support.postfix_instance import POSTMAP, needs_postmap, stand_in
from tests.support.site import PROVIDERS, RULES, Site, site

pytestmark = [pytest.mark.slow, needs_postmap]

NEW = "v=spf1 ip4:198.51.100.0/25 -all"
NEW_RULES = [rule.replace("198.51.100.0/24", "198.51.100.0/25") for rule in RULES]
POSTFIX = '[postfix]\nconfig_directory = "etc"'
PESTS = '[providers.pests]\naction = "reject"\ndomains = ["pests.test"]'
CRON = {"PATH": "/usr/bin:/bin"}

FILE = "for table; do :; done; file=${table#cidr:}\n"
"""The shell's words for the last argument, and for the file that it names."""
WRONG = {
    "warning": FILE
    + r"""printf '2a01:111:f400:7c00::1/48\tpermit\n' >>"$file"; exec "$real" "$@" """,
    "fatal": FILE + 'exec "$real" -q - "nosuch:$file"',
    "fatal_with_right_answers": '"$real" "$@"; echo "postmap: fatal: write error" >&2; exit 1',
    "nothing": "exit 0",
    "killed": "kill -KILL $$",
    "another_action": '"$real" "$@" | sed "s/permit/reject/"',
    "one_address_less": '"$real" "$@" | sed 1d',
    "an_address_outside": r"""while read address; do printf '%s\tpermit\n' "$address"; done""",
    "no_ipv6": '"$real" "$@" | grep -v :',
}
"""How postmap answers for a table that is not the one that was meant."""


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return a site beside a main.cf, after a good run, whose DNS has changed since."""
    folder = tmp_path_factory.mktemp("settled")
    main_cf(folder, "compatibility_level = 3.6")
    with site(folder, more=POSTFIX) as each:
        assert each.generate().returncode == 0
        each.server.zone.set("plain.test", "TXT", [NEW])
        yield each


@pytest.fixture
def made(settled: Site, tmp_path: Path) -> Site:
    """Return a site of the test's own that is as the settled one."""
    shutil.copytree(settled.folder, tmp_path, dirs_exist_ok=True)
    return Site(tmp_path, settled.server, tmp_path / settled.config.name)


def main_cf(folder: Path, *lines: str) -> None:
    path = folder / "etc" / "main.cf"
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join([*lines, ""]))
    os.utime(path, (0, 0))  # Postfix waits until a fresh main.cf has cooled down


def assert_stopped(made: Site, done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Exit 1 with one line of these words, and the old table and state in place."""
    assert done.returncode == 1, done.stderr
    assert made.rules() == RULES
    assert b"198.51.100.0/25" not in made.state.read_bytes()
    assert made.temporary_files() == []
    assert done.stdout == ""
    assert done.stderr.startswith("spfwhite: ")
    assert done.stderr.count("\n") == 1
    for word in words:
        assert word in done.stderr


def verified(made: Site) -> object:
    """Return what the report of one more run says of the verification."""
    done, report = made.reported()
    assert done.returncode == 0, done.stderr
    return report["verified"]


def test_the_new_file_is_asked_inside_and_outside_while_the_old_one_is_in_place(
    made: Site,
) -> None:
    seen = made.folder / "seen"
    seen.mkdir()
    note = f'cp {made.table} {seen}/old; cp "$file" {seen}/new; echo "$file" >{seen}/name\n'
    script = FILE + note + f'tee {seen}/asked | "$real" "$@" | tee {seen}/answered'
    done = made.generate(env=stand_in(made.folder, "postmap", script))
    assert (done.returncode, made.rules()) == (0, NEW_RULES)
    assert rules((seen / "old").read_bytes()) == RULES
    assert (seen / "new").read_bytes() == made.table.read_bytes()
    assert Path((seen / "name").read_text().strip()).parent == made.folder.resolve()
    asked = set((seen / "asked").read_text().split())
    assert {"192.0.2.7", "192.0.2.6", "192.0.2.8"} <= asked, "the first, and around it"
    assert {"2001:db8:2::7", "2001:db8:2::6", "2001:db8:2::8"} <= asked, "the last, and around it"
    answered = {line.split("\t")[0] for line in (seen / "answered").read_text().splitlines()}
    assert answered and asked - answered


@pytest.mark.parametrize("script", WRONG.values(), ids=WRONG.keys())
def test_a_table_that_postmap_does_not_take_as_meant_stops_the_run(made: Site, script: str) -> None:
    assert_stopped(made, made.generate(env=stand_in(made.folder, "postmap", script)), "postmap")


def test_the_reason_is_what_postmap_said(made: Site) -> None:
    done = made.generate(env=stand_in(made.folder, "postmap", WRONG["warning"]))
    assert_stopped(made, done, "warning", "non-null host address bits", "2a01:111:f400:7c00::1/48")


def test_the_next_run_puts_the_table_in_place(made: Site) -> None:
    made.generate(env=stand_in(made.folder, "postmap", WRONG["warning"]))
    assert made.generate().returncode == 0
    assert made.rules() == NEW_RULES


def test_a_first_table_that_is_not_taken_is_not_made(made: Site) -> None:
    made.table.unlink()
    made.state.unlink()
    done = made.generate(env=stand_in(made.folder, "postmap", WRONG["warning"]))
    assert done.returncode == 1
    assert not made.table.exists() and not made.state.exists()
    assert made.temporary_files() == []


def with_pests(made: Site, *tables: str) -> Path:
    """Add a provider to reject, or take it away; return the path of the reject table."""
    made.server.zone.set("pests.test", "TXT", ["v=spf1 ip4:203.0.113.128/25 -all"])
    overlay(made.folder, PROVIDERS, server=made.server, more="\n".join([POSTFIX, *tables]))
    return made.folder / "reject.cidr"


def test_a_reject_table_that_is_not_taken_keeps_the_allow_table_back_too(made: Site) -> None:
    reject = with_pests(made, PESTS)
    script = FILE + 'case "$file" in *reject*) exit 0; esac; exec "$real" "$@"'
    assert_stopped(made, made.generate(env=stand_in(made.folder, "postmap", script)))
    assert not reject.exists()


@pytest.mark.parametrize("name", ["fatal", "killed", "an_address_outside"])
def test_a_table_without_rules_is_verified_too(made: Site, name: str) -> None:
    reject = with_pests(made, PESTS)
    assert made.generate().returncode == 0
    old = reject.read_bytes()
    with_pests(made)
    done = made.generate(env=stand_in(made.folder, "postmap", WRONG[name]))
    assert (done.returncode, reject.read_bytes()) == (1, old)


def test_warnings_of_other_files_do_not_stop_the_run(made: Site) -> None:
    main_cf(made.folder, "compatibility_level = 3.6", "mynetworks = 127.0.0.0/8", "mynetworks =")
    seen = made.folder / "said"
    env = stand_in(made.folder, "postmap", f'"$real" "$@" 2>{seen}; code=$?; cat {seen} >&2')
    assert (made.generate(env=env).returncode, made.rules()) == (0, NEW_RULES)
    assert "warning" in seen.read_text() and "main.cf" in seen.read_text()


def test_a_table_written_by_output_is_verified_too(made: Site) -> None:
    path = made.folder / "other.cidr"
    env = stand_in(made.folder, "postmap", WRONG["warning"])
    assert made.generate("-o", path, env=env).returncode == 1
    assert not path.exists()
    assert made.generate("-o", path).returncode == 0
    assert rules(path.read_bytes()) == NEW_RULES


def test_the_report_says_that_it_was_verified(made: Site) -> None:
    assert verified(made) is True
    assert made.rules() == NEW_RULES


def test_a_dry_run_verifies_nothing_and_says_so(made: Site) -> None:
    report = made.folder / "report.json"
    done = spfwhite("-c", made.config, "-v", "generate", "--dry-run", "--report", report)
    assert json.loads(report.read_bytes())["verified"] is False
    assert "not verified" not in done.stderr + done.stdout, "which would blame the configuration"


def test_without_a_main_cf_it_is_skipped_and_the_report_says_so(
    made: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postfix, "DEFAULT_FOLDER", made.folder / "none")
    config = load(overlay(made.folder, PROVIDERS, server=made.server))
    report = app.generate(config)
    assert report.verified is False
    assert made.rules() == NEW_RULES
    assert any("not verified" in line for line in summary(report, verbose=True))


def test_a_folder_without_a_main_cf_is_a_fault_of_the_configuration(made: Site) -> None:
    (made.folder / "etc" / "main.cf").unlink()
    made.server.queries.clear()
    for options in ([], ["--reload"], ["--dry-run"]):
        done = made.generate(*options)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"{made.config}: postfix.config_directory is " in done.stderr
    assert made.rules() == RULES
    assert made.server.queries == []


def test_with_verify_off_it_is_skipped_and_the_report_says_so(made: Site) -> None:
    with_pests(made, "verify = false")
    env = stand_in(made.folder, "postmap", "exit 1")
    report = made.folder / "report.json"
    assert made.generate("--report", report, env=env).returncode == 0
    assert json.loads(report.read_bytes())["verified"] is False
    assert made.rules() == NEW_RULES


def test_with_a_main_cf_and_no_postmap_to_be_found_the_run_stops(made: Site) -> None:
    (made.folder / "nothing").mkdir()
    code = (
        "import spfwhite.programs as p; p.FOLDERS = (); from spfwhite.cli.main import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *made.arguments],
        env={"PATH": str(made.folder / "nothing")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert_stopped(made, done, "main.cf", "no program postmap")


def test_the_bare_path_of_cron_is_enough(made: Site) -> None:
    done = made.generate(env=CRON)
    assert (done.returncode, made.rules()) == (0, NEW_RULES)


def test_postmap_is_run_with_the_bare_path_of_cron(made: Site) -> None:
    assert POSTMAP and not shutil.which("postmap", path=CRON["PATH"]), "or this shows nothing"
    main_cf(made.folder, "compatibility_level = none")
    assert_stopped(made, made.generate(env=CRON), "fatal")
