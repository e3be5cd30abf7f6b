"""The health of each provider, from states that simulated nights left."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from spfwhite.cli import providers
from spfwhite.config.settings import Config
from spfwhite.inspect import health
from spfwhite.inspect.health import Row
from spfwhite.networks import Networks
from spfwhite.plan.last_run import last_run
from spfwhite.wording import DAY
from tests.support.nights import START, Nights, configured, edited, failing, records
from tests.support.oracle import Zone

NAMES = ("held", "stale", "missing", "empty", "undecidable", "incomplete", "ok")
DOMAINS = {name: [f"{name}.test"] for name in NAMES} | {"missing": ["missing.test", "lost.test"]}
CONFIG = configured(DOMAINS)
GOOD = records(
    held="ip4:20.0.0.0/16 ip6:2a00:1::/48",
    stale="ip4:21.0.0.0/24",
    missing="ip4:25.0.0.0/24",
    undecidable="exists:%{i}.test",
    incomplete="ip4:22.0.0.0/24 a:host.test",
    ok="ip4:23.0.0.0/24",
)
BAD = failing(GOOD | records(held="ip4:20.0.0.0/20 ip4:24.0.0.0/24 ip6:2a00:1::/48"), "stale.test")


def nights(*zones: Zone, config: Config = CONFIG) -> Nights:
    series = Nights(config)
    for zone in zones:
        series.night(zone)
    return series


def rows(series: Nights, *, later: float = 0.0, config: Config | None = None) -> list[Row]:
    """The rows as `spfwhite providers` has them, so many seconds after the last night."""
    return health.rows(last_run(config or series.config, series.state, series.now + later))


def row(series: Nights, name: str, **options: Any) -> Row:
    (found,) = [each for each in rows(series, **options) if each.report.name == name]
    return found


def lines(series: Nights, program: str = "spfwhite", **options: Any) -> list[str]:
    return list(providers.lines(rows(series, **options), series.now, program))


def below(found: list[str], name: str) -> list[str]:
    """The line of a provider and those that belong to it."""
    at = next(i for i, line in enumerate(found) if line.split()[1] == name and line[0] != " ")
    rest = found[at + 1 :]
    end = next((i for i, line in enumerate(rest) if not line.startswith("  ")), len(rest))
    return [found[at], *rest[:end]]


def troubled() -> Nights:
    """The second night of all that can happen to a provider; the host never answered."""
    return nights(failing(GOOD, "host.test"), failing(BAD, "host.test", "stale.test"))


@pytest.mark.parametrize("name", NAMES)
def test_every_status_is_told(name: str) -> None:
    assert row(troubled(), name).report.status == name


def test_trouble_comes_first_and_then_the_name() -> None:
    series = nights(GOOD, config=configured({name: [f"{name}.test"] for name in (*NAMES, "a")}))
    assert [each.report.status for each in rows(troubled())] == sorted(
        (each.report.status for each in rows(troubled())), key=health.ORDER.index
    )
    assert rows(troubled())[0].report.status == "held"
    assert rows(series)[-1].report.status == "empty", "who lists nothing is last"


def test_the_status_is_the_one_that_the_run_reported() -> None:
    series = Nights(CONFIG)
    series.night(failing(GOOD, "host.test"))
    night = series.night(failing(BAD, "host.test", "stale.test"))
    for each in rows(series):
        reported = night.reported(each.report.name)
        assert (each.report.status, each.report.degraded) == (reported.status, reported.degraded)
        assert each.report.holds == reported.holds


@pytest.mark.parametrize("days", [13, 14, 15, 16, 40])
def test_memory_that_was_too_old_for_the_run_is_too_old_here(days: int) -> None:
    config = configured({"stale": ["stale.test"], "ok": ["ok.test"]})
    series = nights(GOOD, config=config)
    night = series.night(failing(GOOD, "stale.test"), days=days)
    expected = night.reported("stale")
    assert row(series, "stale").report.status == expected.status
    assert row(series, "stale").report.degraded is expected.degraded


def test_a_domain_that_never_answered_is_incomplete_and_not_held() -> None:
    config = configured({"stale": ["stale.test"], "ok": ["ok.test"]})
    series = nights(failing(GOOD, "stale.test"), config=config)
    assert row(series, "stale").report.status == "incomplete"
    assert row(series, "stale").report.holds == ()


def test_a_provider_is_empty_only_if_it_never_passed_an_address() -> None:
    config = configured({"listed": ["gone.test"], "none": ["gone.test"], "once": ["once.test"]})
    config = edited(config, "listed", networks=Networks.parse(["30.0.0.0/24"]))
    series = nights(GOOD | records(once="ip4:26.0.0.1"), config=config)
    series.night(GOOD, lifted=["once"])
    for _ in range(2):
        found = {each.report.name: each.report.status for each in rows(series)}
        assert found == {"listed": "missing", "none": "empty", "once": "missing"}
        series.night(GOOD)
    shown = below(lines(series), "none")
    assert any(line.endswith("nothing to do, or spfwhite remove none") for line in shown)


def test_a_provider_whose_last_day_is_over_is_expired() -> None:
    config = edited(CONFIG, "ok", expires=date(2023, 11, 17))
    series = nights(GOOD, config=config)
    assert row(series, "ok").report.status == "ok"
    assert row(series, "ok", later=3 * DAY).report.status == "expired"


def test_a_provider_that_is_switched_off_is_not_shown() -> None:
    config = edited(CONFIG, "ok", enabled=False, expires=date(2099, 1, 1))
    assert "ok" not in {each.report.name for each in rows(nights(GOOD, config=config))}


def test_the_ages_are_those_of_the_newest_and_the_oldest_answer() -> None:
    series = nights(GOOD, failing(GOOD, "host.test", "stale.test"))
    assert (row(series, "ok").newest, row(series, "ok").oldest) == (series.now, series.now)
    assert row(series, "stale").oldest == START + DAY
    found = row(nights(GOOD | {("host.test", "A"): ("22.0.1.1",)}), "incomplete")
    assert found.newest == found.oldest == START + DAY
    mixed = nights(GOOD | {("host.test", "A"): ("22.0.1.1",)}, failing(GOOD, "host.test"))
    assert row(mixed, "incomplete").newest == START + 2 * DAY
    assert row(mixed, "incomplete").oldest == START + DAY
    (line,) = [each for each in lines(mixed) if " incomplete " in each]
    assert line.split()[-1] == "0s-24h"


def test_a_provider_without_answers_has_no_age() -> None:
    config = configured({"own": [], "ok": ["ok.test"]})
    config = edited(config, "own", networks=Networks.parse(["30.0.0.0/24"]))
    found = row(nights(GOOD, config=config), "own")
    assert (found.report.status, found.newest, found.oldest) == ("ok", None, None)


def test_a_held_provider_shows_the_difference_and_the_exact_command() -> None:
    series = troubled()
    found = row(series, "held")
    assert found.report.lost == Networks.parse(["20.0.0.0/16"]) - Networks.parse(["20.0.0.0/20"])
    assert found.report.gained.texts() == ["24.0.0.0/24"]
    shown = below(lines(series, "spfwhite -c '/etc/my own.toml'"), "held")
    assert "  + 24.0.0.0/24" in shown
    assert any(line.startswith("  - 20.0.16.0/20, ") for line in shown)
    assert any("safety.provider_max_loss" in line for line in shown)
    command = "spfwhite -c '/etc/my own.toml' generate --accept held"
    back = "nothing to do if it is back tomorrow; if the change is meant"
    assert f"  {back}: {command} --reload" in shown
    assert providers.as_json(found, "spfwhite -c '/etc/my own.toml'")["accept"] == command


def test_what_the_command_accepts_is_the_difference_that_was_shown() -> None:
    series = troubled()
    found = row(series, "held")
    before = series.state.accepted["held"].networks
    series.night(failing(BAD, "host.test"), lifted=["held"])
    assert (
        series.state.accepted["held"].networks == (before - found.report.lost) | found.report.gained
    )
    assert row(series, "held").report.status == "ok"
    assert not row(series, "held").report.lost | row(series, "held").report.gained


def test_only_a_held_provider_has_a_command() -> None:
    for each in rows(troubled()):
        data = providers.as_json(each, "spfwhite")
        assert (data["accept"] is not None) is (each.report.status == "held")


SHARED = records(
    a="ip4:20.0.0.0/16 ip6:2a00:1::/48",
    b="ip4:21.0.0.0/16",
    c="ip4:20.0.255.0/24 ip4:21.0.0.0/24 ip6:2a00:1::/64",
    d="ip4:20.0.255.0/24 ip4:22.0.0.1",
    e="-all",
    f="ip4:20.0.254.0/24 ip6:2a00:3::/64",
)


def test_what_only_one_provider_adds_is_what_is_left_without_all_others() -> None:
    config = configured({name: [f"{name}.test"] for name in "abcdef"})
    found = {each.report.name: each for each in rows(nights(SHARED, config=config))}
    for name, each in found.items():
        others = Networks.union(o.report.networks for n, o in found.items() if n != name)
        assert each.alone == each.report.networks - others
    assert found["a"].alone and not found["c"].alone


def test_whose_networks_are_all_listed_through_others_is_said_with_their_names() -> None:
    config = configured({name: [f"{name}.test"] for name in "abcdef"})
    found = lines(nights(SHARED, config=config))
    assert below(found, "c")[1:] == ["  also through: a, b, d"]
    assert "also through" not in "".join(below(found, "a") + below(found, "e"))
    alone = [below(found, name)[0].split()[4] for name in "abcd"]
    assert alone == ["65,024", "65,280", "0", "1"]


def test_the_owner_of_a_record_comes_before_those_who_include_it() -> None:
    domains = {"aaa": ["aaa.test"], "many": ["many.test"], "own": ["mail.own.example"]}
    zone = records(aaa="include:_net.own.example", many="include:_net.own.example ip4:23.0.0.1")
    zone |= {
        ("mail.own.example", "TXT"): ("v=spf1 include:_net.own.example -all",),
        ("_net.own.example", "TXT"): ("v=spf1 ip4:20.0.0.0/24 -all",),
    }
    series = nights(zone, config=configured(domains))
    assert row(series, "aaa").also == ("own", "many")
    assert row(series, "many").also == ("own", "aaa")
    assert row(series, "own").also == ("aaa", "many")


def test_of_many_through_whom_it_is_listed_some_are_named() -> None:
    config = configured({f"p{n}": ["p.test"] for n in range(9)})
    series = nights(records(p="ip4:20.0.0.0/24"), config=config)
    assert row(series, "p0").also == ("p1", "p2", "p3", "p4")
    assert below(lines(series), "p8")[1] == "  also through: p0, p1, p2, ..."


def test_two_that_cover_each_other_add_nothing_alone() -> None:
    config = configured({"a": ["a.test"], "b": ["b.test"]})
    series = nights(records(a="ip4:20.0.0.0/24", b="ip4:20.0.0.0/24"), config=config)
    assert [(each.alone.texts(), each.also) for each in rows(series)] == [
        ([], ("b",)),
        ([], ("a",)),
    ]


def test_what_a_reject_provider_names_is_no_part_of_the_allow_list() -> None:
    config = edited(configured({"a": ["a.test"], "b": ["b.test"]}), "b", action="reject")
    series = nights(records(a="ip4:20.0.0.0/24", b="ip4:20.0.0.0/16"), config=config)
    assert [(each.alone, each.also) for each in rows(series)] == [
        (each.report.networks, ()) for each in rows(series)
    ]


def test_own_networks_are_added_alone_and_shared_as_those_of_records_are() -> None:
    config = configured({"a": ["a.test"], "own": []})
    config = edited(config, "own", networks=Networks.parse(["20.0.0.0/24", "30.0.0.0/24"]))
    series = nights(records(a="ip4:20.0.0.0/24"), config=config)
    assert row(series, "own").alone.texts() == ["30.0.0.0/24"]
    assert (row(series, "a").alone.texts(), row(series, "a").also) == ([], ("own",))


def test_each_provider_has_one_line_and_those_in_trouble_what_is_wrong() -> None:
    series = troubled()
    found = lines(series)
    heads = [line for line in found[1:] if not line.startswith("  ")]
    assert [line.split()[1] for line in heads] == [each.report.name for each in rows(series)]
    assert len(below(found, "ok")) == 1
    assert (
        "TXT stale.test: was not answered in the last run: the answer of 24 hours ago"
        in "".join(below(found, "stale"))
    )
    assert "empty.test does not exist" in "".join(below(found, "empty"))
    assert "1 fault" in below(found, "missing")[0]


def test_many_problems_are_cut_and_counted() -> None:
    config = configured({"p": ["p.test"], "ok": ["ok.test"]})
    zone = GOOD | records(p=" ".join(f"ip4:20.0.{n}.0/33" for n in range(9)))
    shown = below(lines(nights(zone, config=config)), "p")
    assert "10 faults" in shown[0]
    assert len(shown) == 7
    assert "7 more" in shown[-2]


def test_a_line_of_numbers_fits_80_columns() -> None:
    name = "constantcontact-and"
    config = configured({name: ["p.test"], "ok": ["ok.test"]})
    wide = "exists:%{i}.a.test ip4:40.0.0.0/12 ip6:2a00::/29 a:host.test"
    zone = GOOD | records(p=wide) | {("host.test", "A"): ("40.0.1.1",)}
    series = nights(zone, failing(zone, "host.test"), config=config)
    found = lines(series)
    assert "34,359M" in below(found, name)[0]
    for line in found:
        if not line.startswith("  "):
            assert len(line) <= 80, line


def test_no_provider_is_said() -> None:
    config = edited(configured({"ok": ["ok.test"]}), "ok", enabled=False)
    series = nights(GOOD)
    assert lines(series, config=config) == ["no provider is enabled"]


def test_text_from_dns_cannot_steer_a_terminal() -> None:
    config = configured({"p": ["p.test"], "ok": ["ok.test"]})
    for line in lines(nights(GOOD | records(p="a:\x1b[31m.test \x9b1m"), config=config)):
        assert line.isascii()
        assert line.isprintable()


def test_json_has_these_keys() -> None:
    data = {each.report.name: providers.as_json(each, "spfwhite") for each in rows(troubled())}
    json.dumps(data)
    assert data["ok"].keys() == {
        *("name", "action", "status", "degraded", "since", "causes", "counts"),
        *("alone", "also", "expires", "defined_in", "changes"),
        *("added", "removed", "lost", "gained", "holds", "stale", "notice", "problems"),
        *("newest_answer", "oldest_answer", "accept"),
    }
    assert data["held"]["gained"] == ["24.0.0.0/24"]
    assert data["stale"]["oldest_answer"] == "2023-11-15T22:13:20Z"
    assert data["empty"]["problems"][0]["kind"] == "missing"
    assert data["ok"]["counts"]["ipv4_addresses"] == 256
