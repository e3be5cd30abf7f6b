"""What `generate` prints in a pipe from night to night, and how a shared hold is lifted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.report.test_metrics import parsed
from tests.support.cli import spfwhite
from tests.support.dnsserver import Fault
from tests.support.dnszone import Records
from tests.support.site import RECORDS, Site, provider, site

SHARED: Records = {
    **RECORDS,
    ("a.test", "TXT"): ["v=spf1 ip4:192.0.2.8 include:_b.test -all"],
    ("b.test", "TXT"): ["v=spf1 ip4:192.0.2.9 include:_b.test -all"],
    ("_b.test", "TXT"): ["v=spf1 ip4:203.0.112.0/24 -all"],
}
NAMES = {"a": ["a.test"], "b": ["b.test"], "big": ["big.test"]}


@pytest.fixture
def ran(tmp_path: Path) -> Iterator[Site]:
    """Return a site of which two providers share a record, after a good run."""
    with site(tmp_path, SHARED, NAMES) as made:
        assert made.generate().returncode == 0
        yield made


def test_a_trouble_is_said_and_exits_with_3_in_its_first_run_alone(ran: Site) -> None:
    ran.server.zone.remove("_b.test", "TXT")
    dry = ran.generate("--dry-run")
    first = ran.generate()
    assert (dry.returncode, first.returncode, first.stdout) == (3, 3, "")
    assert "held: _b.test does not exist: 256 IPv4 addresses of 2 providers" in first.stderr
    for options in ([], ["--offline"], ["--only", "big"], ["-o", "-"], ["-o", ran.folder / "t"]):
        done = ran.generate(*options)
        assert (done.returncode, done.stderr) == (0, ""), options


def test_what_is_not_said_is_in_the_report_the_metrics_and_providers(ran: Site) -> None:
    ran.server.zone.remove("_b.test", "TXT")
    ran.generate()
    metrics = ran.folder / "m.prom"
    done, report = ran.reported("--metrics", metrics)
    found = provider(report, "a")
    assert (done.returncode, found["status"], found["degraded"]) == (0, "held", True)
    assert found["causes"] == ["_b.test does not exist"]
    since = datetime.fromisoformat(found["since"])
    assert timedelta() <= datetime.now(UTC) - since < timedelta(hours=1)
    gauge = parsed(metrics.read_bytes())["spfwhite_trouble_since_timestamp_seconds"].samples
    labels = frozenset({("provider", "a"), ("status", "held")})
    assert 0 <= gauge[labels] - since.timestamp() <= 1
    rows = json.loads(spfwhite("-c", ran.config, "providers", "--format", "json").stdout)
    assert [row["since"] for row in rows if row["status"] == "held"] == [found["since"]] * 2


def test_providers_explains_a_shared_record_once(ran: Site) -> None:
    ran.server.zone.remove("_b.test", "TXT")
    ran.generate()
    lines = spfwhite("-c", ran.config, "providers").stdout.splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("held") and " b " in line)
    assert "  as a: _b.test does not exist" in lines[at + 1 : at + 3]
    assert lines[at + 3].startswith("ok")
    for name in ("a", "_b.test"):
        command = f": spfwhite -c {ran.config} generate --accept {name} --reload"
        assert sum(line.endswith(command) for line in lines) == 1


def test_accept_takes_the_domain_of_the_record_and_all_holds_of_it_go(ran: Site) -> None:
    ran.server.zone.remove("_b.test", "TXT")
    ran.generate()
    done = ran.generate("--accept", "_b.test")
    assert (done.returncode, "203.0.112.0/24\tpermit" in ran.rules()) == (0, False)
    assert "192.0.2.8/31\tpermit" in ran.rules()


def test_accept_of_one_provider_says_that_its_networks_stay_and_for_whom(ran: Site) -> None:
    ran.server.zone.remove("_b.test", "TXT")
    ran.generate()
    done = ran.generate("--accept", "a")
    assert "203.0.112.0/24\tpermit" in ran.rules()
    assert "256 IPv4 addresses stay on the list through others: b\n" in done.stderr


@pytest.mark.parametrize("name", ["_b.test", "nowhere.test"])
def test_accept_of_a_record_that_holds_nobody_is_a_usage_error(name: str, ran: Site) -> None:
    before = ran.state.read_bytes()
    done = ran.generate("--accept", name)
    assert (done.returncode, done.stdout, ran.state.read_bytes()) == (2, "", before)
    assert f"--accept '{name}': no provider is held since that record is gone" in done.stderr


# --- refusals ---


THREE = [f"2{n}.0.0.0/16" for n in range(3)]


@pytest.fixture
def refused(tmp_path: Path) -> Iterator[Site]:
    """Return a site of three providers, each of which loses nearly half: more than to hold one."""
    records: Records = {(f"p{n}.test", "TXT"): [f"v=spf1 ip4:{THREE[n]} -all"] for n in range(3)}
    with site(tmp_path, records, {f"p{n}": [f"p{n}.test"] for n in range(3)}) as made:
        assert made.generate().returncode == 0
        for n in range(3):
            left = f"v=spf1 ip4:2{n}.0.0.0/17 ip4:2{n}.0.128.0/22 -all"
            made.server.zone.set(f"p{n}.test", "TXT", [left])
        yield made


def test_a_refusal_names_the_providers_and_what_each_would_lose(refused: Site) -> None:
    done = refused.generate()
    assert done.returncode == 4
    for n in range(3):
        assert f"  p{n} would lose 31,744 IPv4 addresses\n" in done.stderr


def test_a_dry_run_that_would_be_refused_prints_the_difference(refused: Site) -> None:
    done = refused.generate("--dry-run")
    assert done.returncode == 4
    lines = [line for line in done.stdout.splitlines() if line[0] in "+-"]
    assert lines[:2] == ["-20.0.132.0/22", "-20.0.136.0/21"]
    assert len(lines) == 3 * 5


def test_a_refused_run_gives_the_size_of_the_table_that_stays(refused: Site) -> None:
    first, *_ = refused.generate().stderr.splitlines()
    size = "3 IPv4 networks (196,608 addresses), 0 IPv6 (0 /64s)"
    assert first == f"{refused.table}: refused, stays as it is: {size}"
    assert refused.rules() == [f"{network}\tpermit" for network in THREE]


# --- no DNS ---


def test_a_dead_dns_is_said_first_with_the_day_until_which_the_list_stands(tmp_path: Path) -> None:
    with site(tmp_path, attempts=1) as made:
        made.generate()
        made.server.faults[""] = Fault("servfail")
        done = made.generate()
        again = made.generate()
    first, second, *_ = done.stderr.splitlines()
    day = datetime.now(UTC).date() + timedelta(14)
    assert first.startswith("DNS gave no answer at all: SERVFAIL (")
    assert f"; remembered answers stand in until {day} (state.max_stale_days); look at " in first
    assert second.startswith(f"{made.table}: unchanged: ")
    assert (again.returncode, again.stderr) == (0, "")


def test_a_stale_answer_names_its_record_and_type(tmp_path: Path) -> None:
    with site(tmp_path, attempts=1) as made:
        made.generate()
        made.age(days=3)
        made.server.faults["sub.big.test"] = Fault("refused")
        done, report = made.reported()
        shown = spfwhite("-c", made.config, "providers").stdout
    assert done.returncode == 3
    assert "  stale: TXT sub.big.test: REFUSED (" in done.stderr
    assert ": the answer of 3 days ago is used" in done.stderr
    assert provider(report, "big")["stale"]["question"] == "sub.big.test TXT"
    assert "  stale: TXT sub.big.test: " in shown
