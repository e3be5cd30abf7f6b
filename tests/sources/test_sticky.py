"""Answers that rotate do not change the table every night."""

from __future__ import annotations

from spfwhite.networks import Networks
from tests.support.nights import Nights, configured, failing, records
from tests.support.oracle import Zone

CONFIG = configured({"p": ["p.test"]})
STRICT = configured({"p": ["p.test"]}, spf={"strict": True})

HOSTS = [f"20.0.{i}.1" for i in range(5)]
HOSTS6 = [f"2a00:{i}::1" for i in range(5)]


def rotating(day: int) -> Zone:
    """A name whose A, AAAA and MX answers are two of five, other ones each night."""
    zone = records(p="a mx:m.test ip4:21.0.0.0/24")
    turn = [day % 5, (day + 1) % 5]
    zone["p.test", "A"] = tuple(HOSTS[i] for i in turn)
    zone["p.test", "AAAA"] = tuple(HOSTS6[i] for i in turn)
    zone["m.test", "MX"] = tuple(f"10 m{i}.test" for i in turn)
    for i in range(5):
        zone[f"m{i}.test", "A"] = (f"22.0.{i}.1",)
    return zone


EVERY = Networks.parse(
    [f"{host}/32" for host in HOSTS]
    + [f"{host}/128" for host in HOSTS6]
    + [f"22.0.{i}.1/32" for i in range(5)]
    + ["21.0.0.0/24"]
)


def test_rotating_answers_do_not_change_the_table_once_all_were_seen() -> None:
    series = Nights(CONFIG)
    for day in range(4):
        series.night(rotating(day))
    assert series.table == EVERY
    for day in range(4, 14):
        night = series.night(rotating(day))
        assert series.table == EVERY
        assert not night.decision("p").degraded
    assert len(series.state.journal) == 3, "the nights in which another one was first seen"


def test_what_has_rotated_out_for_good_leaves_after_sticky_days() -> None:
    series = Nights(CONFIG)
    for day in range(4):
        series.night(rotating(day))
    last = 3  # shows the hosts 3 and 4; host 0 was last seen on day 0, host 1 on day 1
    sizes = [series.night(rotating(last)).plan.permitted.size(4) for _ in range(8)]
    assert sizes == [256 + 10] * 4 + [256 + 8, 256 + 6, 256 + 4, 256 + 4]


def test_a_rotation_slower_than_sticky_days_shows() -> None:
    series = Nights(CONFIG)
    series.night(rotating(0))
    series.night(rotating(2), days=7)
    assert series.table.size(4) == 256 + 8
    series.night(rotating(2), days=1)
    assert series.table.size(4) == 256 + 4


def test_rotating_answers_stay_while_their_queries_fail() -> None:
    series = Nights(CONFIG)
    for day in range(4):
        series.night(rotating(day))
    dark = failing(rotating(4), "p.test", "m.test", *(f"m{i}.test" for i in range(5)))
    for _ in range(13):
        series.night(dark)
        assert series.table == EVERY


def test_values_of_a_name_that_no_record_leads_to_any_more_go_at_once() -> None:
    series = Nights(CONFIG)
    for day in range(4):
        series.night(rotating(day))
    series.night(records(p="ip4:21.0.0.0/24 ip6:2a00::1"))
    assert series.texts() == ["21.0.0.0/24", "2a00::1/128"]
    assert [question.rrtype for question in series.state.known] == ["TXT"]


def test_strict_mode_lists_what_the_answer_of_the_night_says_alone() -> None:
    series = Nights(STRICT)
    for day in range(5):
        series.night(rotating(day))
        assert series.table.size(4) == 256 + 4


def test_a_clock_set_back_makes_nothing_leave() -> None:
    series = Nights(CONFIG)
    for day in range(4):
        series.night(rotating(day))
    series.night(rotating(3), days=-100)
    assert series.table == EVERY
