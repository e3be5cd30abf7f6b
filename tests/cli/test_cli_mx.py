"""`mx = true`: the MX hosts of a domain in place of an SPF record that it does not have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import overlay, rules, spfwhite
from tests.support.dnsserver import Fault
from tests.support.dnszone import Records
from tests.support.site import Site, provider, site

pytestmark = pytest.mark.slow

RECORDS: Records = {
    ("plain.test", "TXT"): ["v=spf1 ip4:192.0.2.0/24 -all"],
    ("bare.test", "TXT"): ["a word that is no record"],
    ("bare.test", "MX"): ["10 mx1.bare.test", "20 mx2.bare.test"],
    ("mx1.bare.test", "A"): ["203.0.113.1"],
    ("mx1.bare.test", "AAAA"): ["2001:db8:1::1"],
    ("mx2.bare.test", "A"): ["203.0.113.3"],
}
PLAIN = ["192.0.2.0/24\tpermit"]
RULES = [
    *PLAIN,
    "203.0.113.1/32\tpermit",
    "203.0.113.3/32\tpermit",
    "2001:db8:1::1/128\tpermit",
]
USED = "missing: bare.test: mx: bare.test has no SPF record, so its MX hosts are listed (mx = true)"


def declared(keys: str = "mx = true") -> str:
    """Return the provider of a domain that publishes no record."""
    return f'[providers.bare]\ndomains = ["bare.test"]\n{keys}'


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Site]:
    """Return a site with such a provider, before its first run."""
    with site(tmp_path, RECORDS, {"plain": ["plain.test"]}, more=declared()) as made:
        yield made


def mx_questions(made: Site) -> int:
    return sum(count for (_, rrtype), count in made.server.count().items() if rrtype == "MX")


def reported(made: Site, *options: str) -> tuple[int, Any]:
    done, report = made.reported(*options)
    return done.returncode, provider(report, "bare")


def test_the_mx_hosts_of_a_domain_without_a_record_are_listed(bare: Site) -> None:
    done = bare.generate()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert bare.rules() == RULES


def test_that_they_are_used_is_reported(bare: Site) -> None:
    assert USED in spfwhite("-v", *bare.arguments).stdout
    code, listed = reported(bare)
    assert (code, listed["status"]) == (0, "ok")
    assert [problem["kind"] for problem in listed["problems"]] == ["missing"]
    assert "(mx = true)" in spfwhite("-c", bare.config, "providers", "--format", "json").stdout


def test_explain_names_the_mx_hosts_of_the_domain(bare: Site) -> None:
    bare.generate()
    done = spfwhite("-c", bare.config, "explain", "2001:db8:1::1")
    assert (done.returncode, done.stderr) == (0, "")
    assert "bare: mx in bare.test\n" in done.stdout


@pytest.mark.parametrize("keys", ["", "mx = false"])
def test_without_the_key_the_domain_is_empty_and_its_mx_is_not_asked(
    keys: str, tmp_path: Path
) -> None:
    with site(tmp_path, RECORDS, {"plain": ["plain.test"]}, more=declared(keys)) as made:
        code, listed = reported(made)
        assert (code, listed["status"], made.rules()) == (0, "empty", PLAIN)
        assert mx_questions(made) == 0


@pytest.mark.parametrize(
    "record", ["v=spf1 ip4:198.51.100.0/24 -all", "V=SPF1 redirect=other.test"]
)
def test_a_domain_with_a_record_has_no_use_for_the_key(record: str, bare: Site) -> None:
    bare.server.zone.set("bare.test", "TXT", [record])
    bare.server.zone.set("other.test", "TXT", ["v=spf1 ip4:198.51.100.0/24 -all"])
    code, listed = reported(bare)
    assert (code, listed["status"], listed["problems"]) == (0, "ok", [])
    assert bare.rules() == [*PLAIN, "198.51.100.0/24\tpermit"]
    assert mx_questions(bare) == 0


@pytest.mark.parametrize(
    ("texts", "status"),
    [(["v=spf1 -all", "v=spf1 mx -all"], "empty"), (["v=spf1 -all"], "empty")],
    ids=["two records", "a record that passes nothing"],
)
def test_a_record_that_passes_nothing_is_a_record(
    texts: list[str], status: str, bare: Site
) -> None:
    bare.server.zone.set("bare.test", "TXT", texts)
    code, listed = reported(bare)
    assert (code, listed["status"], bare.rules()) == (0, status, PLAIN)
    assert mx_questions(bare) == 0


def test_a_query_that_fails_is_no_missing_record(bare: Site) -> None:
    bare.server.faults["bare.test"] = Fault("servfail")
    code, listed = reported(bare)
    assert (code, listed["status"], bare.rules()) == (3, "incomplete", PLAIN)
    assert mx_questions(bare) == 0


def test_a_query_that_fails_later_leaves_the_mx_hosts(bare: Site) -> None:
    bare.generate()
    bare.server.faults[".bare.test"] = Fault("servfail")
    code, listed = reported(bare)
    assert (code, listed["status"], bare.rules()) == (0, "stale", RULES)


def test_a_record_that_is_published_later_takes_the_place_of_the_mx_hosts(bare: Site) -> None:
    bare.generate()
    record = "v=spf1 ip4:203.0.113.0/24 ip6:2001:db8:1::/56 -all"
    bare.server.zone.set("bare.test", "TXT", [record])
    code, listed = reported(bare)
    assert (code, listed["status"], listed["problems"]) == (0, "ok", [])
    assert bare.rules() == [*PLAIN, "203.0.113.0/24\tpermit", "2001:db8:1::/56\tpermit"]


def test_a_record_without_any_of_the_mx_hosts_holds_the_provider(bare: Site) -> None:
    bare.generate()
    bare.server.zone.set("bare.test", "TXT", ["v=spf1 ip4:198.51.100.0/24 -all"])
    code, listed = reported(bare)
    assert (code, listed["status"], bare.rules()) == (3, "held", RULES)
    assert bare.generate("--accept", "bare").returncode == 0
    assert bare.rules() == [*PLAIN, "198.51.100.0/24\tpermit"]


def test_a_domain_without_mx_hosts_is_empty(bare: Site) -> None:
    bare.server.zone.set("bare.test", "MX", ["0 ."])
    code, listed = reported(bare)
    assert (code, listed["status"], bare.rules()) == (0, "empty", PLAIN)


def test_a_domain_that_never_existed_is_empty(bare: Site) -> None:
    for name, rrtype in RECORDS:
        if "bare" in name:
            bare.server.zone.remove(name, rrtype)
    code, listed = reported(bare)
    assert (code, listed["status"], bare.rules()) == (0, "empty", PLAIN)


def test_strict_mode_lists_them_too(bare: Site) -> None:
    done = bare.generate("--strict")
    assert (done.returncode, done.stderr, bare.rules()) == (0, "", RULES)


def test_offline_and_a_replay_list_them_too(bare: Site, tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    bare.generate("--record", record)
    bare.server.reset()
    for options in (["--offline"], ["--replay", record]):
        done = bare.generate(*options, "-o", "-")
        assert (done.returncode, rules(done.stdout)) == (0, RULES)
    assert bare.server.queries == []


def test_turning_the_key_on_is_an_edit_of_that_provider_alone(bare: Site) -> None:
    bare.config.write_text(bare.config.read_text().replace("mx = true", ""))
    assert "bare: empty" in bare.generate().stderr
    overlay(bare.folder, {"plain": ["plain.test"]}, server=bare.server, more=declared())
    assert bare.generate().returncode == 0
    assert bare.rules() == RULES
