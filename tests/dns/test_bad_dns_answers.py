"""A DNS that lies, and one that fails a first run: what is held, what is missing, and why."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.dns.test_bad_dns import ANSWERS_NOTHING, LOOP
from tests.support.cli import overlay
from tests.support.dnsserver import DnsServer, Fault, Zone
from tests.support.site import PROVIDERS, RECORDS, RULES, Site, provider, site

pytestmark = pytest.mark.slow

WITHOUT_HOSTS = [rule for rule in RULES if not rule.startswith(("192.0.2.7", "2001:db8:2:"))]
PORTAL = ["v=spf1 ip4:203.0.113.99 -all"]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a site after one good run."""
    with site(tmp_path_factory.mktemp("good")) as made:
        assert made.generate().returncode == 0
        return made.folder


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Site]:
    """Return a site that has not run yet, which tries each query once."""
    with DnsServer(Zone(RECORDS)) as server:
        yield Site(tmp_path, server, overlay(tmp_path, PROVIDERS, server=server, attempts=1))


@pytest.fixture
def settled(good: Path, fresh: Site) -> Site:
    """Return a site with the table and state of a good run."""
    for name in ("table.cidr", "state.json"):
        shutil.copy2(good / name, fresh.folder)
    return fresh


def details(entry: Any) -> str:
    return "\n".join(problem["detail"] for problem in entry["problems"])


def assert_held(made: Site) -> None:
    """Run twice, and check that all is held, with the number, the limit and the key."""
    for code in (3, 0):  # on the second night it is known
        done, report = made.reported()
        assert (done.returncode, made.rules()) == (code, RULES)
        for name in PROVIDERS:
            entry = provider(report, name)
            assert entry["status"] == "held"
            assert entry["degraded"]
            (first, *_) = entry["holds"]
            for word in ("100 %", "50 %", "safety.provider_max_loss"):
                assert word in first
        assert "--accept" not in done.stderr + done.stdout, "DNS is what has to be mended"


def test_a_portal_that_says_of_every_name_that_it_does_not_exist_changes_nothing(
    settled: Site,
) -> None:
    settled.server.faults[""] = Fault("nxdomain")
    assert_held(settled)
    _, report = settled.reported()
    assert "big.test does not exist" in details(provider(report, "big"))
    assert any("no name has a TXT record" in each for each in report["notices"])
    settled.server.faults.clear()
    done = settled.generate()
    assert (done.returncode, settled.rules()) == (0, RULES)
    assert done.stderr.startswith("DNS answers again\n")


def test_a_portal_that_answers_every_name_with_its_own_record_changes_nothing(
    settled: Site,
) -> None:
    for name in PROVIDERS:
        settled.server.zone.set(f"{name}.test", "TXT", PORTAL)
    _, report = settled.reported()
    assert settled.rules() == RULES
    assert [each["status"] for each in report["providers"]] == ["held"] * 3


def test_a_record_of_64_kib_of_one_address_is_held_as_any_other_loss(settled: Site) -> None:
    settled.server.faults[""] = Fault("huge")
    done, report = settled.reported()
    assert (done.returncode, settled.rules()) == (3, RULES)
    assert {each["status"] for each in report["providers"]} == {"held"}


def test_a_record_of_64_kib_is_read_to_its_end(fresh: Site) -> None:
    fresh.server.faults["plain.test"] = Fault("huge")
    assert fresh.generate().returncode == 0
    assert "192.0.2.1/32\tpermit" in fresh.rules()


def test_the_first_of_two_answers_with_a_wrong_id_is_not_believed(settled: Site) -> None:
    settled.server.faults[""] = Fault("spoof-first")
    done, report = settled.reported()
    assert (done.returncode, settled.rules()) == (0, RULES)
    assert {each["status"] for each in report["providers"]} == {"ok"}


def test_of_some_networks_that_go_and_some_queries_that_fail_neither_shrinks_the_list(
    settled: Site,
) -> None:
    settled.server.faults[".sub.big.test"] = Fault("servfail")
    settled.server.faults["hosts.test"] = Fault("nxdomain")
    done, report = settled.reported()
    assert (done.returncode, settled.rules()) == (3, RULES)
    statuses = {each["name"]: each["status"] for each in report["providers"]}
    assert statuses == {"big": "stale", "hosts": "held", "plain": "ok"}


@pytest.mark.parametrize("kind", ANSWERS_NOTHING)
def test_a_first_run_without_a_usable_answer_is_refused_and_says_why(
    kind: str, fresh: Site
) -> None:
    fault, reason = ANSWERS_NOTHING[kind]
    fresh.server.faults[""] = fault
    done, report = fresh.reported()
    assert (done.returncode, done.stdout, fresh.rules()) == (4, "", [])
    assert "refused: DNS gave no answer at all: " in done.stderr
    assert reason in done.stderr
    for name in PROVIDERS:
        assert f"{name}: incomplete" in done.stderr
        assert reason in details(provider(report, name))
    assert not fresh.state.exists()


@pytest.mark.parametrize("kind", ANSWERS_NOTHING)
def test_a_first_run_without_one_provider_is_degraded_and_says_which_and_why(
    kind: str, fresh: Site
) -> None:
    fault, reason = ANSWERS_NOTHING[kind]
    fresh.server.faults["hosts.test"] = fault
    done, report = fresh.reported()
    assert (done.returncode, fresh.rules()) == (3, WITHOUT_HOSTS)
    assert "hosts: incomplete: nothing listed" in done.stderr
    assert f"temporary: hosts.test: TXT hosts.test failed: {reason}" in done.stderr
    statuses = {each["name"]: each["status"] for each in report["providers"]}
    assert statuses == {"big": "ok", "hosts": "incomplete", "plain": "ok"}
    fresh.server.faults.clear()
    assert fresh.generate().returncode == 0
    assert fresh.rules() == RULES


def test_a_first_run_in_a_portal_is_refused_and_names_each_provider(fresh: Site) -> None:
    fresh.server.faults[""] = Fault("nxdomain")
    done, report = fresh.reported()
    assert (done.returncode, fresh.rules()) == (4, [])
    assert "no name has a TXT record" in done.stderr
    for name in PROVIDERS:
        assert f"{name}: empty: nothing listed" in done.stderr
        assert f"{name}.test does not exist" in details(provider(report, name))


def test_a_first_run_with_aliases_in_a_circle_says_so(fresh: Site) -> None:
    fresh.server.zone.remove("hosts.test", "TXT")
    for name, to in LOOP.items():
        fresh.server.zone.set(name, "CNAME", [to])
    done = fresh.generate()
    assert (done.returncode, fresh.rules()) == (3, WITHOUT_HOSTS)
    assert "hosts.test failed: its CNAME records lead in a circle or too far" in done.stderr


def test_a_first_run_without_a_sub_include_lists_the_rest_and_names_the_include(
    fresh: Site,
) -> None:
    fresh.server.faults["sub.big.test"] = Fault("servfail")
    done = fresh.generate()
    assert done.returncode == 3
    assert "198.18.0.0/16\tpermit" in fresh.rules()
    assert "temporary: big.test: include:sub.big.test: TXT sub.big.test failed" in done.stderr
    assert f"SERVFAIL ({fresh.server.address})" in done.stderr


@pytest.mark.parametrize("queries", [0, 3, 6])
def test_a_first_run_whose_server_dies_in_mid_run_names_the_server(
    queries: int, fresh: Site
) -> None:
    fresh.server.faults[""] = Fault(die_after=queries)
    done, report = fresh.reported()
    assert done.returncode == (3 if queries else 4)
    gaps = [each for each in report["providers"] if each["status"] == "incomplete"]
    assert gaps
    assert all(f"({fresh.server.address})" in details(each) for each in gaps)
    assert f"({fresh.server.address})" in done.stderr
