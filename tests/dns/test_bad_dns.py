"""A DNS that fails: no provider is lost that was on the table, and the report says why.

What the same faults do to a first run, where nothing is remembered, is in `test_bad_dns_answers`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import overlay
from tests.support.dnsserver import DnsServer, Fault, Zone
from tests.support.site import PROVIDERS, RECORDS, RULES, Site, provider, site

pytestmark = pytest.mark.slow

ANSWERS_NOTHING: dict[str, tuple[Fault, str]] = {
    "SERVFAIL": (Fault("servfail"), "SERVFAIL"),
    "REFUSED": (Fault("refused"), "REFUSED"),
    "not implemented": (Fault("notimp"), "NOTIMP"),
    "lame": (Fault("lame"), "is a lame name server"),
    "silence": (Fault("drop"), "timed out"),
    "garbage": (Fault("garbage"), "answered something that was not asked"),
    "wrong ids": (Fault("wrong-id"), "answered something that was not asked"),
    "answers to another question": (
        Fault("wrong-question"),
        "answered something that was not asked",
    ),
    "queries for answers": (Fault("unset-qr"), "answered something that was not asked"),
    "truncated, TCP closed": (
        Fault("truncated", tcp="close"),
        "failed over TCP",
    ),
    "truncated, TCP cut": (
        Fault("truncated", tcp="length-only"),
        "failed over TCP",
    ),
    "truncated, TCP silent": (
        Fault("truncated", tcp="silent"),
        "timed out over TCP",
    ),
    "truncated, TCP dripping": (
        Fault("truncated", drip=0.2),
        "timed out over TCP",
    ),
}
"""What a server does to every question, and how the report calls it."""

LOOP = {"hosts.test": "loop.test", "loop.test": "hosts.test"}
NAMES = tuple(PROVIDERS)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a site after one good run."""
    with site(tmp_path_factory.mktemp("good")) as made:
        assert made.generate().returncode == 0
        assert made.rules() == RULES
        return made.folder


@pytest.fixture
def settled(good: Path, tmp_path: Path) -> Iterator[Site]:
    """Return a site with the table and state of a good run, which tries each query once."""
    shutil.copy2(good / "table.cidr", tmp_path)
    state = (good / "state.json").read_text()
    (tmp_path / "state.json").write_text(state.replace(str(good), str(tmp_path)))
    with DnsServer(Zone(RECORDS)) as server:
        yield Site(tmp_path, server, overlay(tmp_path, PROVIDERS, server=server, attempts=1))


def assert_recovered(made: Site) -> None:
    """Check that with a good server the next run says so, and all is as if nothing had happened."""
    done = made.generate()
    assert (done.returncode, made.rules()) == (0, RULES)
    assert done.stderr.startswith("DNS answers again\n")
    assert len(done.stderr.splitlines()) == 2, "the other is that of the table"
    done = made.generate()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def assert_stale(made: Site, names: tuple[str, ...], reason: str, *options: str) -> None:
    """Run, and check that these providers and no others live on memory, for that reason."""
    done, report = made.reported(*options)
    assert (done.returncode, made.rules()) == (0, RULES)
    assert "Traceback" not in done.stderr
    for name in NAMES:
        entry = provider(report, name)
        assert entry["status"] == ("stale" if name in names else "ok")
        assert not entry["degraded"]
        if name in names:
            assert reason in entry["stale"]["reason"]
    assert reason in done.stdout + done.stderr


@pytest.mark.parametrize("kind", ANSWERS_NOTHING)
def test_without_a_usable_answer_all_providers_live_on_memory(kind: str, settled: Site) -> None:
    fault, reason = ANSWERS_NOTHING[kind]
    settled.server.faults[""] = fault
    assert_stale(settled, NAMES, reason)
    settled.server.faults.clear()
    assert_recovered(settled)


def test_without_a_server_all_providers_live_on_memory(settled: Site) -> None:
    settled.server.stop()
    assert_stale(settled, NAMES, f"connection refused ({settled.server.address})")
    settled.server.start()
    assert_recovered(settled)


def test_that_no_name_server_answers_at_all_is_said_even_in_a_pipe(settled: Site) -> None:
    settled.server.faults[""] = Fault("servfail")
    done = settled.generate()
    assert (done.returncode, done.stdout) == (0, "")
    assert f"DNS gave no answer at all: SERVFAIL ({settled.server.address})" in done.stderr


def test_a_sub_include_that_fails_leaves_its_networks_and_makes_its_provider_stale(
    settled: Site,
) -> None:
    settled.server.faults[".sub.big.test"] = Fault("servfail")
    assert_stale(settled, ("big",), f"SERVFAIL ({settled.server.address})")


def test_a_host_that_fails_leaves_its_addresses(settled: Site) -> None:
    settled.server.faults["out.hosts.test"] = Fault("servfail")
    assert_stale(settled, ("hosts",), "SERVFAIL")


def test_aliases_in_a_circle_are_a_failure_and_not_an_absence(settled: Site) -> None:
    settled.server.zone.remove("hosts.test", "TXT")
    for name, to in LOOP.items():
        settled.server.zone.set(name, "CNAME", [to])
    assert_stale(settled, ("hosts",), "its CNAME records lead in a circle or too far")


def test_an_answer_to_a_question_that_was_not_answered_before_replaces_what_is_remembered(
    settled: Site,
) -> None:
    settled.server.faults["plain.test"] = Fault("servfail")
    settled.server.zone.set("plain.test", "TXT", ["v=spf1 ip4:198.51.100.0/25 -all"])
    assert_stale(settled, ("plain",), "SERVFAIL")
    settled.server.faults.clear()
    assert settled.generate().returncode == 0
    assert "198.51.100.0/25\tpermit" in settled.rules()


@pytest.mark.parametrize("seed", range(3))
def test_where_a_third_of_all_packets_is_lost_the_table_stays_and_what_was_lost_is_named(
    seed: int, settled: Site
) -> None:
    settled.server.faults[""] = Fault(loss=0.3, seed=seed)
    done, report = settled.reported()
    assert (done.returncode, settled.rules()) == (0, RULES)
    stale = [each for each in report["providers"] if each["status"] == "stale"]
    assert stale
    assert all("timed out" in each["stale"]["reason"] for each in stale)


@pytest.mark.parametrize("seed", range(3))
def test_retransmission_makes_up_for_lost_packets(seed: int, settled: Site) -> None:
    overlay(settled.folder, PROVIDERS, server=settled.server, attempts=6)
    settled.server.faults[""] = Fault(loss=0.3, seed=seed)
    _, report = settled.reported()
    assert {each["status"] for each in report["providers"]} == {"ok"}


@pytest.mark.parametrize("queries", [0, 1, 4, 8, 10])
def test_a_server_that_dies_in_mid_run_leaves_the_table_and_is_named(
    queries: int, settled: Site
) -> None:
    settled.server.faults[""] = Fault(die_after=queries)
    done, report = settled.reported()
    assert (done.returncode, settled.rules()) == (0, RULES)
    reasons = [each["stale"]["reason"] for each in report["providers"] if each["stale"]]
    assert reasons
    assert all(settled.server.address in reason for reason in reasons)


@pytest.mark.parametrize("kind", ["lame", "refused", "servfail", "drop", "garbage"])
def test_a_first_name_server_that_is_no_use_is_made_up_for_by_the_second(
    kind: str, settled: Site
) -> None:
    with DnsServer(Zone()) as first:
        first.faults[""] = Fault(kind)  # type: ignore[arg-type]
        servers = [f"--nameserver={each.address}" for each in (first, settled.server)]
        _, report = settled.reported(*servers)
        assert first.queries
    assert {each["status"] for each in report["providers"]} == {"ok"}
    assert settled.rules() == RULES


def test_a_first_name_server_that_is_down_is_made_up_for_by_the_second(settled: Site) -> None:
    servers = ("--nameserver=127.0.0.1:1", f"--nameserver={settled.server.address}")
    done = settled.generate(*servers)
    assert (done.returncode, done.stderr) == (0, "")
    assert settled.rules() == RULES


def test_each_of_two_servers_that_fail_is_named_with_its_own_fault(settled: Site) -> None:
    settled.server.faults[""] = Fault("servfail")
    servers = ("--nameserver=127.0.0.1:1", f"--nameserver={settled.server.address}")
    _, report = settled.reported(*servers)
    reason = provider(report, "big")["stale"]["reason"]
    assert "connection refused (127.0.0.1:1)" in reason
    assert f"SERVFAIL ({settled.server.address})" in reason


def test_at_the_deadline_what_is_unanswered_comes_from_memory(settled: Site) -> None:
    overlay(settled.folder, PROVIDERS, server=settled.server, attempts=4)
    settled.server.faults[".big.test"] = Fault("drop")
    assert_stale(settled, ("big",), "no answer within the deadline of 0.5 s", "--deadline", "0.5")
