"""`spfwhite generate`, as a process: streams, exit codes, and what it does to files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import TABLE, listing, overlay, rules, spfwhite
from tests.support.dnsserver import DnsServer, Fault, Zone

RULES = ["192.0.2.0/27\tpermit", "198.51.100.7/32\tpermit", "2001:db8::7/128\tpermit"]
PROVIDERS = {"a": ["a.test"], "faulty": ["faulty.test"]}
BOTH = [*RULES[:2], "203.0.113.1/32\tpermit", RULES[2]]
MISSING = {"gone": ["gone.test"]}


@pytest.fixture
def server() -> Iterator[DnsServer]:
    """Return a server of a small world in which nothing is wrong for good."""
    zone = Zone(
        {
            ("a.test", "TXT"): ["v=spf1 ip4:192.0.2.0/28 ip4:192.0.2.16/28 include:b.test -all"],
            ("b.test", "TXT"): ["v=spf1 a:mail.b.test ~all"],
            ("mail.b.test", "A"): ["198.51.100.7"],
            ("mail.b.test", "AAAA"): ["2001:db8::7"],
            ("faulty.test", "TXT"): ["v=spf1 ip4:203.0.113.1 exists:%{i}.x.test ip4:1.2.3 -all"],
        }
    )
    with DnsServer(zone) as server:
        yield server


def table(folder: Path) -> list[str]:
    return rules((folder / TABLE).read_bytes())


def test_success_without_news_writes_the_table_and_says_nothing(
    server: DnsServer, tmp_path: Path
) -> None:
    done = spfwhite("-c", overlay(tmp_path, {"a": ["a.test"]}, server=server), "generate")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert table(tmp_path) == RULES


def test_the_date_of_the_list_stands_at_the_head_of_the_table_and_below_the_providers(
    server: DnsServer, tmp_path: Path
) -> None:
    config = overlay(tmp_path, {"a": ["a.test"]}, server=server)
    spfwhite("-c", config, "generate")
    assert "default list" not in (tmp_path / TABLE).read_text()
    assert "default list" not in spfwhite("-c", config, "providers").stdout
    config.write_text("list_date = 2026-01-31\n" + config.read_text())
    head = spfwhite("-c", config, "generate", "-o", "-").stdout
    assert "# 2 IPv4 and 1 IPv6 networks of 1 providers, default list of 2026-01-31\n" in head
    assert spfwhite("-c", config, "providers").stdout.endswith("\ndefault list of 2026-01-31\n")


def test_a_fault_in_a_record_does_not_degrade_and_is_said_by_v(
    server: DnsServer, tmp_path: Path
) -> None:
    config = overlay(tmp_path, PROVIDERS, server=server)
    done = spfwhite("-c", config, "generate")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert table(tmp_path) == BOTH
    done = spfwhite("-c", config, "-v", "generate")
    said = done.stdout + done.stderr
    assert "faulty.test" in said
    assert "exists:%{i}.x.test" in said
    assert "ip4:1.2.3:" in said


def test_a_provider_that_never_passed_an_address_is_said_once_with_what_switches_it_off(
    server: DnsServer, tmp_path: Path
) -> None:
    config = overlay(tmp_path, PROVIDERS | MISSING, server=server)
    done = spfwhite("-c", config, "generate")
    assert (done.returncode, done.stdout) == (0, "")
    assert "gone: empty: nothing listed" in done.stderr
    assert "gone.test does not exist" in done.stderr
    assert "; nothing to do, or write `enabled = false` to [providers.gone]\n" in done.stderr
    assert table(tmp_path) == BOTH
    for options in ([], ["--offline"], ["--only", "a"], ["-o", "-"]):
        done = spfwhite("-c", config, "generate", *options)
        assert (done.returncode, done.stderr) == (0, ""), options


def test_a_query_that_fails_with_nothing_remembered_is_exit_3_and_named_with_its_server(
    server: DnsServer, tmp_path: Path
) -> None:
    server.faults["b.test"] = Fault("servfail")
    config = overlay(tmp_path, PROVIDERS, server=server, attempts=1)
    done = spfwhite("-c", config, "generate")
    assert (done.returncode, done.stdout) == (3, "")
    assert "include:b.test" in done.stderr
    assert f"SERVFAIL ({server.address})" in done.stderr
    assert "203.0.113.1/32\tpermit" in table(tmp_path)


def test_q_keeps_even_the_summary_of_a_dry_run_to_itself(server: DnsServer, tmp_path: Path) -> None:
    config = overlay(tmp_path, PROVIDERS, server=server)
    done = spfwhite("-c", config, "-q", "generate", "--dry-run")
    assert done.stdout.splitlines() == [f"+{rule.split()[0]}" for rule in BOTH]
    assert (done.returncode, done.stderr) == (0, "")


def test_q_leaves_what_needs_action_of_a_degraded_run(server: DnsServer, tmp_path: Path) -> None:
    config = overlay(tmp_path, PROVIDERS, server=server)
    assert spfwhite("-c", config, "-q", "generate").returncode == 0
    server.zone.remove("faulty.test", "TXT")
    for output in (["--dry-run"], []):
        done = spfwhite("-c", config, "-q", "generate", *output)
        assert (done.returncode, done.stdout) == (3, "")
        first, *_, last = done.stderr.splitlines()
        assert first == "faulty: held: 1 IPv4 network (1 address), 0 IPv6 (0 /64s) listed"
        assert last.endswith(f" meant: spfwhite -c {config} generate --accept faulty --reload")
    assert spfwhite("-c", config, "-q", "generate").stderr == ""
    refused = spfwhite("-c", config, "-q", "generate", "-o", config)
    assert (refused.returncode, refused.stdout) == (4, "")
    assert "refused: " in refused.stderr


@pytest.mark.parametrize(
    ("providers", "said"),
    [
        (PROVIDERS, "1 provider with faults or old answers (`spfwhite -c "),
        (PROVIDERS | {"more": ["faulty.test"]}, "2 providers with faults"),
    ],
)
def test_providers_with_faults_are_counted(
    providers: dict[str, list[str]], said: str, server: DnsServer, tmp_path: Path
) -> None:
    config = overlay(tmp_path, providers, server=server)
    done = spfwhite("-c", config, "generate", "--dry-run")
    assert f"also: {said}" in done.stdout + done.stderr


def test_what_a_run_leaves_unsaid_is_one_closing_line(server: DnsServer, tmp_path: Path) -> None:
    config = overlay(tmp_path, PROVIDERS | {"b": ["b.test"]}, server=server)
    assert spfwhite("-c", config, "generate").returncode == 0
    server.zone.remove("b.test", "TXT")
    assert spfwhite("-c", config, "generate").returncode == 3
    *_, last = spfwhite("-c", config, "generate", "--dry-run").stdout.splitlines()
    shows = f"(`spfwhite -c {config} providers` shows them)"
    assert last == f"also: 2 older troubles, 1 provider with faults or old answers {shows}"


def test_o_writes_that_file_and_not_the_configured_one(server: DnsServer, tmp_path: Path) -> None:
    config = overlay(tmp_path, PROVIDERS, server=server)
    before = listing(tmp_path)
    done = spfwhite("-c", config, "generate", "-o", tmp_path / "other.cidr")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert rules((tmp_path / "other.cidr").read_bytes()) == BOTH
    after = listing(tmp_path)
    del after["other.cidr"]
    assert after == before


def test_o_takes_a_path_relative_to_where_the_command_is_given(
    server: DnsServer, tmp_path: Path
) -> None:
    config = overlay(tmp_path, PROVIDERS, server=server)
    (tmp_path / "elsewhere").mkdir()
    spfwhite("-c", config, "generate", "-o", "t.cidr", cwd=tmp_path / "elsewhere")
    assert rules((tmp_path / "elsewhere" / "t.cidr").read_bytes()) == BOTH


def test_o_dash_prints_the_table_alone_and_writes_nothing(
    server: DnsServer, tmp_path: Path
) -> None:
    config = overlay(tmp_path, PROVIDERS, server=server)
    before = listing(tmp_path)
    done = spfwhite("-c", config, "generate", "-o", "-", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("# ")
    assert rules(done.stdout) == BOTH
    assert listing(tmp_path) == before


@pytest.mark.parametrize("more", [[], ["--dry-run"], ["-o", "other.cidr"]])
def test_the_report_on_standard_output_is_all_there_is(
    more: list[str], server: DnsServer, tmp_path: Path
) -> None:
    config = overlay(tmp_path, PROVIDERS, server=server)
    done = spfwhite("-c", config, "generate", "-v", "--report", "-", *more, cwd=tmp_path)
    report = json.loads(done.stdout)
    assert (done.returncode, report["exit_code"]) == (0, 0)
    assert report["outcome"] == ("planned" if "--dry-run" in more else "written")
    assert "IPv4 networks" in done.stderr
    assert not (tmp_path / "-").exists()


def test_the_report_and_the_table_do_not_mix(server: DnsServer, tmp_path: Path) -> None:
    config = overlay(tmp_path, PROVIDERS, server=server)
    done = spfwhite("-c", config, "generate", "--report", "-", "-o", "-")
    assert (done.returncode, done.stdout, server.queries) == (2, "", [])
    assert "cannot both write to standard output" in done.stderr


@pytest.mark.parametrize("option", ["--metrics", "--record"])
def test_a_dash_is_no_file_for_what_goes_beside_the_table(
    option: str, server: DnsServer, tmp_path: Path
) -> None:
    config = overlay(tmp_path, PROVIDERS, server=server)
    before = listing(tmp_path)
    done = spfwhite("-c", config, "generate", option, "-", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--record and --metrics need the name of a file" in done.stderr
    assert listing(tmp_path) == before
    assert server.queries == []


def test_o_dash_keeps_problems_off_the_table(server: DnsServer, tmp_path: Path) -> None:
    config = overlay(tmp_path, PROVIDERS | MISSING, server=server)
    done = spfwhite("-c", config, "-v", "generate", "-o", "-")
    assert done.returncode == 0
    assert rules(done.stdout) == BOTH
    assert "gone.test" in done.stderr


def test_a_dry_run_shows_the_difference_and_writes_nothing(
    server: DnsServer, tmp_path: Path
) -> None:
    config = overlay(tmp_path, PROVIDERS, server=server)
    before = listing(tmp_path)
    done = spfwhite("-c", config, "generate", "--dry-run", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    marked = [line for line in done.stdout.splitlines() if line[0] in "+-"]
    assert marked == [f"+{rule.split()[0]}" for rule in BOTH]
    assert listing(tmp_path) == before


def test_a_dry_run_shows_what_goes_and_what_comes_since_the_last_run(
    server: DnsServer, tmp_path: Path
) -> None:
    config = overlay(tmp_path, PROVIDERS, server=server)
    spfwhite("-c", config, "generate")
    moved = "v=spf1 ip4:192.0.2.0/28 ip4:192.0.2.32/28 include:b.test -all"
    server.zone.set("a.test", "TXT", [moved])
    done = spfwhite("-c", config, "-q", "generate", "--dry-run")
    assert done.stdout.splitlines() == ["-192.0.2.16/28", "+192.0.2.32/28"]
    assert table(tmp_path) == BOTH


@pytest.mark.parametrize("output", [["--dry-run"], ["-o", "-"], ["-o", "new.cidr"]])
def test_each_kind_of_run_exits_as_the_real_one_would(
    output: list[str], server: DnsServer, tmp_path: Path
) -> None:
    config = overlay(tmp_path, PROVIDERS, server=server)
    spfwhite("-c", config, "generate")
    server.zone.remove("faulty.test", "TXT")
    assert spfwhite("-c", config, "generate", *output, cwd=tmp_path).returncode == 3


def test_what_was_recorded_replays_to_the_same_table_without_a_question(
    server: DnsServer, tmp_path: Path
) -> None:
    config = overlay(tmp_path, PROVIDERS | MISSING, server=server)
    recorded = spfwhite("-c", config, "generate", "-o", "-", "--record", tmp_path / "snapshot.json")
    assert recorded.returncode == 0
    server.reset()
    replayed = spfwhite("-c", config, "generate", "-o", "-", "--replay", tmp_path / "snapshot.json")
    assert replayed.returncode == 0
    assert rules(replayed.stdout) == rules(recorded.stdout) == BOTH
    assert not server.queries


def test_a_record_holds_each_question_with_its_answer(server: DnsServer, tmp_path: Path) -> None:
    config = overlay(tmp_path, {"a": ["a.test"]} | MISSING, server=server)
    spfwhite("-c", config, "generate", "-o", "-", "--record", tmp_path / "snapshot.json")
    answers = json.loads((tmp_path / "snapshot.json").read_bytes())["answers"]
    assert answers["gone.test TXT"] == {"void": "NXDOMAIN"}
    assert answers["mail.b.test A"] == {"found": ["198.51.100.7"]}
    assert {tuple(key.split()) for key in answers} == set(server.count())


def test_strict_lists_a_part_of_what_list_mode_lists(server: DnsServer, tmp_path: Path) -> None:
    config = overlay(tmp_path, PROVIDERS, server=server)
    strict = rules(spfwhite("-c", config, "generate", "--strict", "-o", "-").stdout)
    assert strict == RULES  # a syntax error voids the record of faulty.test
    spf = overlay(tmp_path, PROVIDERS, server=server, spf="strict = true")
    assert rules(spfwhite("-c", spf, "generate", "-o", "-").stdout) == strict


def test_unchanged_rules_leave_the_file_untouched(server: DnsServer, tmp_path: Path) -> None:
    config = overlay(tmp_path, PROVIDERS, server=server)
    spfwhite("-c", config, "generate")
    before = listing(tmp_path)[TABLE]
    done = spfwhite("-c", config, "generate")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert listing(tmp_path)[TABLE] == before


def test_changed_rules_replace_the_table_and_keep_its_mode(
    server: DnsServer, tmp_path: Path
) -> None:
    config = overlay(tmp_path, PROVIDERS, server=server)
    spfwhite("-c", config, "generate")
    (tmp_path / TABLE).chmod(0o640)
    server.zone.set("mail.b.test", "A", ["198.51.100.7", "198.51.100.8"])
    assert spfwhite("-c", config, "generate").returncode == 0
    assert "198.51.100.8/32\tpermit" in table(tmp_path)
    assert (tmp_path / TABLE).stat().st_mode & 0o777 == 0o640


def test_nothing_but_the_table_and_what_is_configured_is_left_in_the_folder(
    server: DnsServer, tmp_path: Path
) -> None:
    config = overlay(tmp_path, PROVIDERS, server=server)
    spfwhite("-c", config, "generate")
    left = {name for name in listing(tmp_path) if not name.startswith("state.json")}
    assert left == {TABLE, config.name}


def test_nameserver_takes_the_place_of_the_configured_one(
    server: DnsServer, tmp_path: Path
) -> None:
    config = overlay(tmp_path, PROVIDERS, server="127.0.0.1:1")
    done = spfwhite("-c", config, "generate", "-o", "-", "--nameserver", server.address)
    assert (done.returncode, rules(done.stdout)) == (0, BOTH)


def test_a_second_nameserver_answers_where_the_first_is_dead(
    server: DnsServer, tmp_path: Path
) -> None:
    config = overlay(tmp_path, PROVIDERS)
    both = ["--nameserver", "127.0.0.1:1", "--nameserver", server.address]
    done = spfwhite("-c", config, "generate", "-o", "-", *both)
    assert (done.returncode, rules(done.stdout)) == (0, BOTH)


def test_the_deadline_ends_a_run_that_gets_no_answer(server: DnsServer, tmp_path: Path) -> None:
    server.faults["a.test"] = Fault("drop")
    config = overlay(tmp_path, PROVIDERS, server=server)
    done = spfwhite("-c", config, "generate", "-o", "-", "--deadline", "0.5")
    assert done.returncode == 3
    assert "no answer within the deadline of 0.5 s" in done.stderr
    assert rules(done.stdout) == ["203.0.113.1/32\tpermit"]


def test_the_configuration_may_be_named_by_the_environment(
    server: DnsServer, tmp_path: Path
) -> None:
    config = overlay(tmp_path, PROVIDERS, server=server)
    done = spfwhite("generate", env={"SPFWHITE_CONFIG": str(config)})
    assert (done.returncode, table(tmp_path)) == (0, BOTH)
