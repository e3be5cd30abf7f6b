"""A provider that was first accepted while a query failed is not held for becoming whole."""

from __future__ import annotations

from tests.support.nights import Nights, configured, failing, records

WHOLE = records(p="ip4:20.1.0.0/24 include:s.test", s="ip4:20.0.0.0/16", q="ip4:21.0.0.0/16")
GROWN = {**WHOLE, **records(s="ip4:20.0.0.0/16 ip4:22.0.0.0/12")}


def series() -> Nights:
    return Nights(configured({"p": ["p.test"], "q": ["q.test"]}, safety={"total_max_growth": 999}))


def test_what_was_missing_on_the_first_night_is_no_growth_on_the_second() -> None:
    nights = series()
    first = nights.night(failing(WHOLE, "s.test"))
    assert first.decision("p").status == "incomplete"
    second = nights.night(WHOLE)
    assert second.decision("p").status == "ok"
    assert second.decision("p").networks.size(4) > 65_536


def test_once_it_was_whole_its_growth_is_judged() -> None:
    nights = series()
    nights.night(failing(WHOLE, "s.test"))
    nights.night(WHOLE)
    assert nights.night(GROWN).decision("p").status == "held"


def test_a_failed_query_later_on_lifts_nothing() -> None:
    nights = series()
    nights.night(WHOLE)
    nights.night(failing(WHOLE, "s.test"), days=20)
    assert nights.night(GROWN).decision("p").status == "held"


def test_a_small_gap_later_on_lifts_nothing_either() -> None:
    nights = series()
    small = {**WHOLE, **records(p="ip4:20.1.0.0/16 include:s.test", s="ip4:20.0.0.0/24")}
    nights.night(small)
    night = nights.night(failing(small, "s.test"), days=20)
    assert night.decision("p").status == "incomplete"
    assert night.decision("p").networks.texts() == ["20.1.0.0/16"]
    assert nights.night(GROWN | small | records(s="ip4:22.0.0.0/12")).decision("p").status == "held"


def test_what_grows_while_the_gap_stays_is_judged() -> None:
    nights = series()
    grown = records(p="ip4:20.1.0.0/24 ip4:22.0.0.0/12 include:s.test", q="ip4:21.0.0.0/16")
    nights.night(failing(WHOLE, "s.test"))
    assert nights.night(failing({**WHOLE, **grown}, "s.test")).decision("p").status == "held"


def test_a_gap_that_stays_for_two_nights_is_no_growth_when_it_is_filled() -> None:
    nights = series()
    for _ in range(2):
        assert nights.night(failing(WHOLE, "s.test")).decision("p").status == "incomplete"
    assert nights.night(WHOLE).decision("p").status == "ok"


def test_a_gap_that_is_filled_counts_in_no_total_either() -> None:
    nights = Nights(configured({"p": ["p.test"], "q": ["q.test"]}))
    small = {**WHOLE, **records(q="ip4:21.0.0.0/20")}
    nights.night(failing(small, "s.test"))
    night = nights.night(small)
    assert not night.plan.refusals
    assert nights.table.size(4) > 65_536


def test_the_week_begins_anew_when_a_gap_is_filled_and_when_something_is_first_passed() -> None:
    nights = series()
    nights.night(failing(WHOLE, "s.test"))
    nights.night(WHOLE)
    assert nights.state.accepted["p"].since == nights.now
    nights.night(WHOLE)
    assert nights.state.accepted["p"].since < nights.now
    nights = series()
    nights.night(records(q="ip4:21.0.0.0/16"))
    nights.night(records(q="ip4:21.0.0.0/16", p="ip4:20.1.0.0/24"))
    assert nights.state.accepted["p"].since == nights.now


def test_what_comes_by_a_record_that_the_missing_one_leads_to_is_no_growth_either() -> None:
    nights = series()
    deep = {**WHOLE, **records(s="include:deep.test", deep="ip4:20.0.0.0/16")}
    nights.night(failing(deep, "s.test"))
    night = nights.night(deep)
    assert night.decision("p").status == "ok"
    assert night.decision("p").networks.size(4) > 65_536


def test_who_was_whole_once_is_not_incomplete_from_the_first_by_a_later_gap() -> None:
    nights = series()
    nights.night(WHOLE)
    more = {**WHOLE, **records(p="ip4:20.1.0.0/24 include:s.test include:n.test")}
    more |= records(n="ip4:22.0.0.0/12")
    nights.night(failing(more, "n.test"))
    assert nights.night(more).decision("p").status == "held", "all of it is growth"


def test_where_one_of_two_gaps_is_filled_what_came_is_judged() -> None:
    nights = series()
    two = {**WHOLE, **records(p="ip4:20.1.0.0/24 include:s.test include:n.test")}
    two |= records(n="ip4:22.0.0.0/24")
    nights.night(failing(two, "s.test", "n.test"))
    assert nights.night(failing(two, "n.test")).decision("p").status == "held"
