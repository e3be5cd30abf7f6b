"""The report of a run as JSON: what a program can rely on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from spfwhite.networks import Networks
from spfwhite.report.as_json import dump, sizes, time_text
from spfwhite.report.report import Report
from tests.support.nights import START, Night, Nights, configured, failing, records
from tests.support.oracle import Zone

CONFIG = configured({"p": ["p.test"], "q": ["q.test"]})
WORLD = records(p="include:s.test ip4:20.0.0.0/16", s="ip6:2a00:1::/48", q="ip4:21.0.0.0/16")


def read(report: Report) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(dump(report))
    return data


def provider(night: Night, name: str) -> dict[str, Any]:
    (found,) = [each for each in read(night.report)["providers"] if each["name"] == name]
    return dict(found)


def second(zone: Zone, **options: Any) -> Night:
    """The night after a good one."""
    series = Nights(CONFIG)
    series.night(WORLD)
    return series.night(zone, **options)


def test_it_says_what_it_is_and_of_which_version() -> None:
    data = read(second(WORLD).report)
    assert (data["format"], data["version"]) == ("spfwhite-report", 1)


def test_it_has_the_keys_of_version_1() -> None:
    data = read(second(WORLD).report)
    expected = {
        *("format", "version", "spfwhite", "started", "outcome", "exit_code", "table", "counts"),
        *("rejected", "verified", "not_reloaded", "added", "removed", "questions", "refusals"),
        *("notices", "providers"),
    }
    assert data.keys() >= expected
    keys = {"name", "status", "degraded", "counts", "added", "removed", "holds", "stale", "notice"}
    assert data["providers"][0].keys() >= keys | {"problems"}


def test_it_counts_what_is_listed_in_both_families() -> None:
    data = read(second(WORLD).report)
    assert data["counts"] == {
        "ipv4_networks": 2,
        "ipv6_networks": 1,
        "ipv4_addresses": 2 * 65_536,
        "ipv6_64s": 65_536,
    }
    assert data["questions"] == {"asked": 3, "failed": 0}


def test_a_good_night_has_no_trouble_in_it() -> None:
    night = second(WORLD)
    data = read(night.report)
    assert (data["exit_code"], data["refusals"], data["notices"]) == (0, [], [])
    well = {
        "name": "p",
        "status": "ok",
        "degraded": False,
        "counts": sizes(Networks.parse(["20.0.0.0/16", "2a00:1::/48"])),
        "added": [],
        "removed": [],
        "holds": [],
        "stale": None,
        "notice": "",
        "problems": [],
    }
    found = provider(night, "p")
    assert {**found, **well} == found


def test_a_stale_provider_says_since_when_and_why() -> None:
    night = second(failing(WORLD, "s.test"), days=3)
    found = provider(night, "p")
    assert (found["status"], found["degraded"]) == ("stale", True)
    asked = {"question": "s.test TXT", "since": time_text(START + 86_400)}
    assert found["stale"] == {**asked, "reason": "timed out"}
    assert read(night.report)["exit_code"] == 3


def test_the_oldest_answer_in_use_is_the_one_that_is_reported() -> None:
    series = Nights(CONFIG)
    series.night(WORLD)
    series.night(failing(WORLD, "s.test"))
    night = series.night(failing(WORLD, "s.test", "p.test"))
    assert provider(night, "p")["stale"]["since"] == time_text(START + 86_400)


def test_a_held_provider_has_its_networks_and_the_difference() -> None:
    night = second({**WORLD, **records(p="ip4:22.0.0.0/24")})
    found = provider(night, "p")
    assert found["status"] == "held"
    assert found["counts"]["ipv4_addresses"] == 65_536
    assert [hold.rpartition(" of ")[2] for hold in found["holds"]] == [
        "safety.provider_max_loss"
    ] * 2


def test_what_a_provider_gained_and_lost_is_listed() -> None:
    found = provider(second({**WORLD, **records(q="ip4:21.0.0.0/17 ip4:22.0.0.0/24")}), "q")
    assert (found["added"], found["removed"]) == (["22.0.0.0/24"], ["21.0.128.0/17"])


def test_what_an_edited_provider_gained_and_lost_is_listed() -> None:
    series = Nights(CONFIG)
    series.night(WORLD)
    series.config = configured({"p": ["p.test"], "q": ["r.test"]})
    found = provider(series.night({**WORLD, **records(r="ip4:21.0.0.0/17")}), "q")
    assert (found["added"], found["removed"]) == ([], ["21.0.128.0/17"])


def test_a_problem_names_kind_domain_term_and_whether_it_widens() -> None:
    zone = {**WORLD, **records(p="-include:gone.test include:s.test ip4:20.0.0.0/16")}
    assert provider(second(zone), "p")["problems"] == [
        {
            "kind": "missing",
            "domain": "p.test",
            "term": "-include:gone.test",
            "detail": "gone.test does not exist",
            "widens": True,
        }
    ]


def test_a_refused_run_adds_and_removes_nothing() -> None:
    series = Nights(configured({"p": ["p.test"]}, safety={"total_max_loss": 10}))
    series.night(WORLD)
    report = series.night({**WORLD, **records(p="ip4:20.0.0.0/17 include:s.test")}).report
    data = read(report._replace(before=series.table))
    assert (data["outcome"], data["exit_code"]) == ("refused", 4)
    assert (data["added"], data["removed"]) == ([], [])
    assert "safety.total_max_loss; --force writes it all the same" in data["refusals"][0]


def test_the_difference_is_to_what_the_table_held() -> None:
    report = second(WORLD).report._replace(before=Networks.parse(["20.0.0.0/16", "23.0.0.0/24"]))
    data = read(report)
    assert (data["added"], data["removed"]) == (["21.0.0.0/16", "2a00:1::/48"], ["23.0.0.0/24"])


@pytest.mark.parametrize(("path", "text"), [(None, None), (Path("/etc/allow"), "/etc/allow")])
def test_the_table_is_a_path_or_null_for_standard_output(path: Path | None, text: str) -> None:
    assert read(second(WORLD).report._replace(path=path))["table"] == text


def test_times_are_iso_8601_in_utc() -> None:
    assert time_text(START) == "2023-11-14T22:13:20Z"
    assert time_text(0) == "1970-01-01T00:00:00Z"


def test_text_from_the_dns_cannot_break_it() -> None:
    zone = {**WORLD, ("q.test", "TXT"): ('v=spf1 ip4:21.0.0.0/16 "\\\x00\x1b[2J\xff:x -all',)}
    content = dump(second(zone).report)
    assert content.isascii()
    assert b"\x1b" not in content
    assert json.loads(content)["providers"][1]["problems"][0]["kind"] == "syntax"


def test_the_same_report_is_the_same_bytes() -> None:
    assert dump(second(WORLD).report) == dump(second(WORLD).report)
