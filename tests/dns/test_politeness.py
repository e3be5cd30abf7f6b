"""What a name server sees of a run: how much at once, how much a second, and who gives way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from spfwhite.dns.window import MIN_SLOTS
from spfwhite.networks import Networks
from spfwhite.tables.content import networks_in
from tests.support.cli import TABLE, Finished, overlay, spfwhite
from tests.support.dnsserver import DnsServer, Fault, Zone

pytestmark = pytest.mark.slow

MANY = 1000
"""Domains: five times what the small resolver answers in a second, all asked for at once."""
SMALL = 200
"""Queries that the small resolver answers in any one second; it drops the others."""


def domain(number: int) -> str:
    return f"d{number}.test"


def address(number: int) -> str:
    return f"192.0.{2 * (number // 256)}.{number % 256}"


def expected(count: int) -> Networks:
    return Networks.parse([address(number) for number in range(count)])


@pytest.fixture
def server() -> Iterator[DnsServer]:
    """Return a server of many domains, each with one record of one address."""
    records = {(domain(n), "TXT"): [f"v=spf1 ip4:{address(n)} -all"] for n in range(MANY)}
    with DnsServer(Zone(records)) as server:
        yield server


def run(folder: Path, server: DnsServer, *arguments: str | Path, count: int, dns: str) -> Finished:
    """Generate the table of the first `count` domains; `dns` goes under `[dns]`."""
    providers = {f"p{number}": [domain(number)] for number in range(count)}
    config = overlay(folder, providers, server=server)
    config.write_text(config.read_text().replace("[dns]\n", f"[dns]\n{dns}\n"))
    return spfwhite("-c", config, "generate", *arguments, timeout=120)


def table(folder: Path) -> Networks:
    return networks_in((folder / TABLE).read_bytes())


@pytest.mark.parametrize("width", [1, 7])
def test_as_many_questions_are_in_flight_as_allowed_and_no_more(
    server: DnsServer, tmp_path: Path, width: int
) -> None:
    server.faults[""] = Fault(delay=0.05)
    done = run(tmp_path, server, count=20, dns=f"concurrency = {width}")
    assert done.returncode == 0
    assert server.peak == width
    assert table(tmp_path) == expected(20)


def test_no_more_questions_are_sent_a_second_than_allowed(
    server: DnsServer, tmp_path: Path
) -> None:
    server.faults[""] = Fault(rate=100)  # a question beyond it would come back as a second one
    done = run(tmp_path, server, count=150, dns="max_qps = 60")
    assert done.returncode == 0
    assert set(server.count().values()) == {1}
    assert table(tmp_path) == expected(150)


def test_without_a_rate_the_same_server_is_asked_more_than_it_answers(
    server: DnsServer, tmp_path: Path
) -> None:
    server.faults[""] = Fault(rate=100)
    assert run(tmp_path, server, count=150, dns="").returncode == 0
    assert max(server.count().values()) > 1


def test_a_run_against_a_server_that_drops_what_is_too_much_is_complete(
    server: DnsServer, tmp_path: Path
) -> None:
    server.faults[""] = Fault(rate=SMALL)
    report = tmp_path / "report.json"
    done = run(tmp_path, server, "--report", report, count=MANY, dns="")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert table(tmp_path) == expected(MANY)
    providers = json.loads(report.read_bytes())["providers"]
    assert len(providers) == MANY
    assert not [each for each in providers if each["problems"]]


def test_after_time_outs_fewer_are_in_flight_than_allowed(
    server: DnsServer, tmp_path: Path
) -> None:
    width, first = 64, sorted(domain(number) for number in range(300))[:64]
    lost_once = Fault(ignore_first=1)
    server.faults = {"": Fault(delay=0.05)} | dict.fromkeys(first, lost_once)
    done = run(tmp_path, server, count=300, dns=f"concurrency = {width}")
    assert done.returncode == 0
    assert {asked.name for asked in server.queries[:width]} == set(first)
    # those that were lost are answered at once, so that the others alone are seen in flight
    assert MIN_SLOTS < server.peak < width
    assert table(tmp_path) == expected(300)
