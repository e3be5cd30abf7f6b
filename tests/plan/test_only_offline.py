"""What is asked and what is not: `--only`, `--offline`; and what a run leaves alone.

What a run did not ask is no news of any provider, and gets old as it would in failing runs.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.cli.test_cli_metrics import metric
from tests.support.cli import listing, rules, spfwhite
from tests.support.dnsserver import Fault
from tests.support.site import RECORDS, RULES, Site, provider

pytestmark = pytest.mark.slow

OF_HOSTS = {
    ("hosts.test", "TXT"),
    ("out.hosts.test", "A"),
    ("out.hosts.test", "AAAA"),
}
ONLY_HOSTS = ["192.0.2.7/32\tpermit", "2001:db8:2::7/128\tpermit"]
TIME = re.compile(r"[0-9]{10}\.[0-9]+")
NEW_HOST = "192.0.2.8/32\tpermit"


@pytest.fixture
def made(fresh: Site) -> Site:
    """Return a site with the table and state of one good run, none of it counted."""
    assert fresh.generate().returncode == 0
    fresh.server.reset()
    return fresh


def change(made: Site) -> None:
    """Change all three providers."""
    made.server.zone.set("hosts.test", "TXT", ["v=spf1 a:out.hosts.test ip4:192.0.2.8 -all"])
    made.server.zone.set("plain.test", "TXT", ["v=spf1 ip4:198.51.100.0/25 -all"])
    made.server.zone.remove("big.test", "TXT")


def test_a_run_asks_each_question_once(fresh: Site) -> None:
    for _ in range(2):
        fresh.server.reset()
        assert fresh.generate().returncode == 0
        asked = fresh.server.count()
        assert set(RECORDS) <= set(asked)
        assert set(asked.values()) == {1}


def test_only_asks_for_that_provider_and_leaves_the_others_as_they_were(made: Site) -> None:
    change(made)
    done, report = made.reported("--only", "hosts")
    assert done.returncode == 0
    assert made.server.count() == dict.fromkeys(OF_HOSTS, 1)
    assert set(made.rules()) == {*RULES, NEW_HOST}
    assert {each["status"] for each in report["providers"]} == {"ok"}


def test_after_only_the_next_whole_run_knows_of_the_others_what_it_knew(made: Site) -> None:
    made.generate("--only", "hosts")
    made.server.faults[""] = Fault("servfail")
    _, report = made.reported()
    assert made.rules() == RULES
    assert {each["status"] for each in report["providers"]} == {"stale"}


def test_only_does_not_make_the_answers_of_others_younger(made: Site) -> None:
    seen = made.seen("plain.test TXT")
    made.generate("--only", "hosts")
    assert made.seen("plain.test TXT") == seen
    assert made.seen("hosts.test TXT") > seen


def test_only_a_provider_whose_queries_fail_lives_on_memory(made: Site) -> None:
    made.server.faults[""] = Fault("servfail")
    _, report = made.reported("--only", "hosts")
    assert made.rules() == RULES
    statuses = {each["name"]: each["status"] for each in report["providers"]}
    assert statuses == {"big": "ok", "hosts": "stale", "plain": "ok"}


def test_only_without_a_state_is_exit_2_and_makes_no_table(fresh: Site) -> None:
    for options in ([], ["--dry-run"]):
        done = fresh.generate("--only", "hosts", *options)
        assert (done.returncode, done.stdout) == (2, "")
        assert str(fresh.state) in done.stderr
    assert not fresh.table.exists()
    assert not fresh.server.queries


def test_only_without_a_state_makes_a_table_of_that_provider_with_o(fresh: Site) -> None:
    done = fresh.generate("--only", "hosts", "-o", "-")
    assert (done.returncode, rules(done.stdout)) == (0, ONLY_HOSTS)
    assert fresh.server.count() == dict.fromkeys(OF_HOSTS, 1)


def test_only_with_a_state_makes_a_whole_table_with_o_too(made: Site) -> None:
    change(made)
    before = listing(made.folder)
    done = made.generate("--only", "hosts", "-o", "-")
    assert (done.returncode, set(rules(done.stdout))) == (0, {*RULES, NEW_HOST})
    assert listing(made.folder) == before


@pytest.mark.parametrize("options", [[], ["--dry-run"], ["-o", "-"]])
def test_offline_asks_nobody_and_makes_what_is_remembered(options: list[str], made: Site) -> None:
    change(made)
    made.table.unlink()
    done = made.generate("--offline", *options)
    assert (done.returncode, done.stderr) == (0, "")
    assert not made.server.queries
    if not options:
        assert made.rules() == RULES
    if "-" in options:
        assert rules(done.stdout) == RULES


def test_offline_needs_no_server(made: Site) -> None:
    made.config.write_text(made.config.read_text().replace(made.server.address, "127.0.0.1:1"))
    done = made.generate("--offline")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert made.rules() == RULES


def test_offline_keeps_the_age_of_answers(made: Site) -> None:
    seen = made.seen("plain.test TXT")
    assert made.generate("--offline").returncode == 0
    assert made.seen("plain.test TXT") == seen


@pytest.mark.parametrize("options", [[], ["--dry-run"], ["-o", "-"]])
def test_offline_without_a_state_is_exit_2(options: list[str], fresh: Site) -> None:
    done = fresh.generate("--offline", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert str(fresh.state) in done.stderr
    assert not fresh.table.exists()


def test_offline_leaves_out_a_provider_that_was_added_since_and_says_so(made: Site) -> None:
    made.config.write_text(made.config.read_text() + '\n[providers.new]\ndomains = ["new.test"]\n')
    done, report = made.reported("--offline")
    assert (done.returncode, made.rules()) == (3, RULES)
    assert provider(report, "new")["counts"]["ipv4_networks"] == 0
    assert "new.test was not asked" in done.stderr
    assert "over a limit" not in done.stderr
    assert not made.server.queries


def test_a_run_that_changes_no_rule_leaves_the_inode_and_the_time_of_the_table(made: Site) -> None:
    before = listing(made.folder)[made.table.name]
    made.server.zone.set("plain.test", "TXT", ["v=spf1 ip4:198.51.100.0/24 ip4:198.51.100.7 ~all"])
    for options in ([], ["--offline"], ["--only", "big"]):
        assert made.generate(*options).returncode == 0
        assert listing(made.folder)[made.table.name] == before


@pytest.mark.parametrize("seeds", [("0", "1"), ("2", "4294967295")])
def test_below_the_header_two_runs_write_the_same_bytes(
    seeds: tuple[str, str], fresh: Site
) -> None:
    tables = [
        fresh.generate("-o", "-", env={"PYTHONHASHSEED": seed}).stdout.splitlines()[3:]
        for seed in seeds
    ]
    assert tables == [RULES, RULES]


def test_two_first_runs_remember_the_same_but_for_the_time(fresh: Site) -> None:
    states = []
    for seed in ("1", "2"):
        fresh.state.unlink(missing_ok=True)
        assert fresh.generate(env={"PYTHONHASHSEED": seed}).returncode == 0
        states.append(TIME.sub("TIME", fresh.state.read_text()))
    assert states[0] == states[1]
    assert states[0].count("TIME") > len(RECORDS)


# --- a loss is accepted by what was answered in the same run, and by nothing else ---

BIG = "198.18.0.0/15\tpermit"


@pytest.fixture
def losing(made: Site) -> Site:
    """Return a site whose provider "big" has been held for its loss for 31 days."""
    text = made.config.read_text()  # "big" is a large part of the list
    made.config.write_text(text.replace("[safety]", "[safety]\ntotal_max_loss = 100"))
    made.server.zone.set("big.test", "TXT", ["v=spf1 ip4:198.18.0.0/24 -all"])
    done, report = made.reported()
    assert (done.returncode, provider(report, "big")["status"]) == (3, "held")
    made.age(days=31)
    made.server.reset()
    return made


def assert_big_is_held(losing: Site, *options: str) -> None:
    done, report = losing.reported(*options)
    assert (done.returncode, provider(report, "big")["status"]) == (3, "held")
    assert BIG in losing.rules()
    assert losing.server.count()["big.test", "TXT"] == 0


def test_offline_does_not_accept_a_loss_however_long_it_has_been_held(losing: Site) -> None:
    assert_big_is_held(losing, "--offline")


def test_only_does_not_accept_the_loss_of_another_provider(losing: Site) -> None:
    assert_big_is_held(losing, "--only", "hosts")


def test_such_a_loss_stays_held_as_in_a_run_whose_dns_fails(losing: Site) -> None:
    losing.server.faults[""] = Fault("servfail")
    done, report = losing.reported()
    assert (done.returncode, provider(report, "big")["status"]) == (3, "held")
    assert BIG in losing.rules()


@pytest.mark.parametrize("between", ["--offline", "--only"])
def test_a_run_that_asks_accepts_it_whatever_ran_in_between(between: str, losing: Site) -> None:
    losing.generate(between, *(["hosts"] if between == "--only" else []))
    done, report = losing.reported()
    assert (done.returncode, provider(report, "big")["status"]) == (0, "ok")
    assert BIG not in losing.rules()


def test_only_accepts_the_loss_of_the_provider_that_it_asks(losing: Site) -> None:
    done, report = losing.reported("--only", "big")
    assert provider(report, "big")["status"] == "ok"
    assert "state.held_days" in done.stderr
    assert BIG not in losing.rules()


# --- what was not asked gets old ---


def statuses(report: Any) -> dict[str, tuple[str, bool]]:
    return {each["name"]: (each["status"], each["degraded"]) for each in report["providers"]}


def shown(made: Site) -> dict[str, tuple[str, bool]]:
    """Return what `spfwhite providers` says."""
    done = spfwhite("-c", made.config, "providers", "--format", "json")
    return {row["name"]: (row["status"], row["degraded"]) for row in json.loads(done.stdout)}


def test_offline_with_answers_of_20_days_ago_is_stale_and_degraded(made: Site) -> None:
    made.age(days=20)
    done, report = made.reported("--offline")
    assert (done.returncode, made.rules()) == (3, RULES), "whatever their age, they are used"
    assert set(statuses(report).values()) == {("stale", True)}
    said = "stale: TXT plain.test: was not asked in this run: the answer of 20 days ago is used"
    assert said in done.stderr
    assert set(shown(made).values()) == {("stale", True)}


def test_a_day_after_the_last_run_offline_is_not_stale(made: Site) -> None:
    made.age(days=1)
    done, report = made.reported("--offline")
    assert done.returncode == 0
    assert set(statuses(report).values()) == {("ok", False)}
    assert set(shown(made).values()) == {("ok", False)}


@pytest.mark.parametrize(("days", "others"), [(1, ("ok", False)), (3, ("stale", True))])
def test_only_leaves_the_others_as_old_as_they_are(
    days: int, others: tuple[str, bool], made: Site
) -> None:
    made.age(days=days)
    done, report = made.reported("--only", "hosts")
    expected = {"big": others, "hosts": ("ok", False), "plain": others}
    assert statuses(report) == shown(made) == expected
    assert done.returncode == (3 if others[1] else 0)


@pytest.mark.parametrize("options", [["--offline"], ["--only", "hosts"]])
def test_what_failed_when_it_was_last_asked_stays_stale(options: list[str], made: Site) -> None:
    made.server.faults["plain.test"] = Fault("servfail")
    made.generate()
    _, report = made.reported(*options)
    assert statuses(report)["plain"] == shown(made)["plain"] == ("stale", False)
    assert statuses(report)["big"] == ("ok", False)


def test_check_tells_when_dns_was_last_asked(made: Site) -> None:
    made.age(days=20)
    made.generate("--offline")
    done = spfwhite("-c", made.config, "check")
    assert f"warning: {made.state}: DNS was last asked for all providers 20 days ago" in done.stdout
    assert done.returncode == 1
    made.generate()
    assert "DNS was last asked" not in spfwhite("-c", made.config, "check").stdout


@pytest.mark.parametrize("options", [["--offline"], ["--only", "hosts"]])
def test_the_metrics_tell_when_dns_was_last_asked(options: list[str], made: Site) -> None:
    made.age(days=20)
    path = made.folder / "m.prom"
    made.generate(*options, "--metrics", path)
    started = metric(path, "last_run_timestamp_seconds")
    assert 20 * 86_400 <= started - metric(path, "last_asked_timestamp_seconds") < 21 * 86_400
    assert 20 * 86_400 <= metric(path, "oldest_answer_age_seconds") < 21 * 86_400
    made.generate("--metrics", path)
    assert metric(path, "last_asked_timestamp_seconds") == metric(
        path, "last_run_timestamp_seconds"
    )
    assert metric(path, "oldest_answer_age_seconds") == 0


# --- a report says what was done ---


def test_the_report_counts_what_was_asked(made: Site) -> None:
    _, report = made.reported("--offline")
    assert report["questions"] == {"asked": 0, "failed": 0}
    _, report = made.reported("--only", "hosts")
    assert report["questions"] == {"asked": len(OF_HOSTS), "failed": 0}
    _, report = made.reported()
    assert report["questions"]["asked"] == len(made.server.count())


def test_a_snapshot_counts_as_asked(made: Site) -> None:
    snapshot = made.folder / "snapshot.json"
    made.generate("--record", snapshot)
    _, report = made.reported("--replay", snapshot, "--dry-run")
    assert report["questions"]["asked"] == len(made.server.count())
    assert set(statuses(report).values()) == {("ok", False)}
