"""`spfwhite show`, as a process: the tree, CIDRs and JSON of domains, and what it never does."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import Finished, listing, overlay, spfwhite
from tests.support.dnsserver import DnsServer, Fault, Zone

A_NETWORKS = ["192.0.2.0/28", "192.0.2.32/32", "2001:db8::/32"]
DEPTH = 400


@pytest.fixture(scope="module")
def server() -> Iterator[DnsServer]:
    """Return a server of a small world, with a record that leads on and on."""
    records = {
        ("a.test", "TXT"): ["v=spf1 ip4:192.0.2.0/28 include:b.test include:b.test ~all"],
        ("b.test", "TXT"): ["v=spf1 ip6:2001:db8::1/32 a:mail.b.test ip4:192.0.2.0/33 -all"],
        ("mail.b.test", "A"): ["192.0.2.32"],
        ("mx.test", "TXT"): ["v=spf1 mx -all"],
        ("mx.test", "MX"): ["10 mail.b.test"],
        ("nothing.test", "TXT"): ["v=spf1 -all"],
        ("wide.test", "TXT"): ["v=spf1 ip4:20.0.0.0/8 include:a.test ~all"],
        ("sick.test", "TXT"): ["v=spf1 include:gone.test ip4:198.51.100.0/24 -all"],
        ("long.test", "TXT"): [
            f"v=spf1 {' '.join(f'include:l{i}.test' for i in range(DEPTH + 1))} -all"
        ],
        (f"l{DEPTH}.test", "TXT"): ["v=spf1 ip4:198.51.100.9 -all"],
    }
    for i in range(DEPTH):
        records[f"l{i}.test", "TXT"] = [f"v=spf1 include:l{i + 1}.test -all"]
    with DnsServer(Zone(records)) as server:
        server.faults["down.test"] = Fault("servfail")
        yield server


@pytest.fixture
def config(server: DnsServer, tmp_path: Path) -> Path:
    """Return an overlay that asks the server and lists no provider."""
    return overlay(tmp_path, {}, server=server, attempts=1)


def shown(config: Path, *arguments: str) -> list[dict[str, Any]]:
    done = spfwhite("-c", config, "show", "--format", "json", *arguments)
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_domain_that_passes_nothing_is_told_in_words(config: Path) -> None:
    done = spfwhite("-c", config, "show", "nothing.test")
    assert (done.returncode, done.stdout.splitlines()[0]) == (1, "nothing.test: passes no address")


def test_json_is_one_object_a_line_in_the_order_of_the_domains(config: Path) -> None:
    objects = shown(config, "sick.test", "a.test")
    assert [each["domain"] for each in objects] == ["sick.test", "a.test"]
    for each in objects:
        assert {"domain", "networks", "problems", "lookups", "tree"} <= each.keys()


def test_json_has_what_the_domain_passes_and_its_lookups(config: Path) -> None:
    (a,) = shown(config, "a.test")
    assert a["networks"] == A_NETWORKS
    assert a["lookups"] == 4  # two includes, with an a in each
    (mx,) = shown(config, "mx.test")
    assert (mx["networks"], mx["lookups"]) == (["192.0.2.32/32"], 1)


def test_json_has_each_problem_with_kind_domain_term_and_detail(config: Path) -> None:
    (sick,) = shown(config, "sick.test")
    (problem,) = sick["problems"]
    assert problem["kind"] == "missing"
    assert problem["domain"] == "sick.test"
    assert problem["term"] == "include:gone.test"
    assert "gone.test does not exist" in problem["detail"]


def test_json_has_the_tree_with_every_term(config: Path) -> None:
    (a,) = shown(config, "a.test")
    said = json.dumps(a["tree"])
    for term in (
        "ip4:192.0.2.0/28",
        "include:b.test",
        "ip6:2001:db8::1/32",
        "a:mail.b.test",
        "~all",
    ):
        assert f'"{term}"' in said


def test_cidr_is_one_network_a_line_of_all_domains_together(config: Path) -> None:
    done = spfwhite("-c", config, "show", "--format", "cidr", "a.test", "sick.test", "mx.test")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [*A_NETWORKS[:2], "198.51.100.0/24", A_NETWORKS[2]]


def test_the_tree_has_a_line_for_every_term_the_counts_and_the_problems(config: Path) -> None:
    done = spfwhite("-c", config, "show", "a.test")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert lines[0].startswith("a.test: ")
    assert any("4 of 10" in line for line in lines)
    for term in ("ip4:192.0.2.0/28", "ip6:2001:db8::1/32", "a:mail.b.test", "ip4:192.0.2.0/33"):
        assert sum(line.split()[0] == term for line in lines) == 1
    assert sum(line.split()[0] == "include:b.test" for line in lines) == 2
    assert any("syntax" in line for line in lines)


def test_a_tree_is_the_default(config: Path) -> None:
    tree = spfwhite("-c", config, "show", "--format", "tree", "a.test")
    assert spfwhite("-c", config, "show", "a.test").stdout == tree.stdout


@pytest.mark.parametrize("form", ["tree", "cidr", "json"])
def test_a_chain_longer_than_the_stack_is_shown_in_every_form(form: str, config: Path) -> None:
    # each record is one include below the domain, and also below every other one
    done = spfwhite("-c", config, "show", "--format", form, "long.test")
    assert (done.returncode, done.stderr) == (0, "")
    assert "198.51.100.9" in done.stdout
    assert "\x1b" not in done.stdout  # colours are for terminals


@pytest.mark.parametrize("options", [[], ["--strict"]])
def test_a_term_that_is_too_wide_passes_nothing_as_in_a_run(
    options: list[str], config: Path
) -> None:
    done = spfwhite("-c", config, "show", "--format", "cidr", *options, "wide.test")
    assert "20.0.0.0/8" not in done.stdout
    lines = spfwhite("-c", config, "show", *options, "wide.test").stdout.splitlines()
    at = lines.index("  ip4:20.0.0.0/8")
    assert lines[at + 1] == "    ! too-wide: a /8 is wider than the /14 of safety.widest_ipv4"


def test_a_domain_that_is_excluded_passes_nothing_and_says_why(
    server: DnsServer, tmp_path: Path
) -> None:
    config = overlay(tmp_path, {}, server=server)
    config.write_text(config.read_text().replace("[safety]", '[safety]\nexclude = ["b.test"]'))
    done = spfwhite("-c", config, "show", "--format", "cidr", "a.test")
    assert (done.returncode, done.stdout) == (0, "192.0.2.0/28\n")
    done = spfwhite("-c", config, "show", "b.test")
    assert done.returncode == 1
    assert "safety.exclude names b.test" in done.stdout


@pytest.mark.parametrize("spelling", ["a.test", "A.TEST", "a.test.", "A.Test."])
@pytest.mark.parametrize("form", ["tree", "cidr", "json"])
def test_a_name_is_the_same_in_any_case_and_with_a_final_dot(
    form: str, spelling: str, config: Path
) -> None:
    plain = spfwhite("-c", config, "show", "--format", form, "a.test")
    other = spfwhite("-c", config, "show", "--format", form, spelling)
    assert (other.returncode, other.stdout) == (0, plain.stdout)


def test_a_domain_given_twice_is_shown_once(config: Path) -> None:
    assert len(shown(config, "a.test", "A.TEST.")) == 1


def test_a_domain_that_passes_nothing_is_exit_1_and_says_why(config: Path) -> None:
    for domain, reason in (("nothing.test", "passes no"), ("gone.test", "does not exist")):
        (found,) = shown(config, domain)
        assert found["networks"] == []
        assert reason in found["problems"][0]["detail"]
        assert spfwhite("-c", config, "show", domain).returncode == 1


def test_one_domain_that_passes_nothing_does_not_hide_the_others(config: Path) -> None:
    done = spfwhite("-c", config, "show", "--format", "cidr", "gone.test", "sick.test")
    assert (done.returncode, done.stdout) == (1, "198.51.100.0/24\n")


def test_a_failed_query_names_the_server_and_the_reason(server: DnsServer, config: Path) -> None:
    (down,) = shown(config, "down.test")
    assert down["problems"][0]["kind"] == "temporary"
    assert f"SERVFAIL ({server.address})" in down["problems"][0]["detail"]


def test_strict_shows_what_check_host_passes(config: Path) -> None:
    (strict,) = shown(config, "--strict", "sick.test")
    assert strict["networks"] == []  # section 5.2: an include without a record is a permerror


def test_nameserver_takes_the_place_of_the_configured_one(
    server: DnsServer, tmp_path: Path
) -> None:
    config = overlay(tmp_path, {})
    asked = ["--nameserver", server.address, "--format", "cidr", "a.test"]
    assert spfwhite("-c", config, "show", *asked).stdout.splitlines() == A_NETWORKS


@pytest.mark.parametrize("form", ["tree", "cidr", "json"])
def test_no_file_is_touched(form: str, config: Path, tmp_path: Path) -> None:
    before = listing(tmp_path)
    spfwhite("-c", config, "show", "--format", form, "a.test", cwd=tmp_path)
    assert listing(tmp_path) == before


@pytest.mark.parametrize(
    "domain",
    ["localhost", "", ".", "a..test", "192.0.2.1", "b\u00fccher.example", "a b.test", "a\nb.test"],
)
def test_what_is_no_domain_is_a_usage_error_that_shows_it_in_ascii(
    domain: str, config: Path
) -> None:
    done = spfwhite("-c", config, "show", "a.test", domain)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.isascii()
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [[], ["--format", "xml", "a.test"]])
def test_a_bad_command_line_is_a_usage_error(arguments: list[str], config: Path) -> None:
    done: Finished = spfwhite("-c", config, "show", *arguments)
    assert (done.returncode, done.stdout) == (2, "")


def test_every_network_shown_is_one_without_host_bits(config: Path) -> None:
    done = spfwhite("-c", config, "show", "--format", "cidr", "a.test")
    for line in done.stdout.splitlines():
        assert str(ipaddress.ip_network(line)) == line
