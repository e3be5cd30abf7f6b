"""The measure of a week: sizes against what was accepted when it began, and what may go again."""

from __future__ import annotations

import pytest

from spfwhite.networks import EMPTY, Networks
from spfwhite.plan.rails import (
    HARMLESS_SIZE,
    NEW_FAMILY_SIZE,
    SMALL_FAMILY_SIZE,
    Hold,
    Rail,
    foreign,
    news,
)
from tests.plan.test_rails import MAKERS, RAIL, TOTAL, Units, ipv4, ipv6, kinds


@MAKERS
def test_half_of_the_size_may_go_in_a_week_and_one_more_may_not(version: int, units: Units) -> None:
    old, then = units(600), units(1000)
    assert SMALL_FAMILY_SIZE[version] < 600
    assert kinds(old, units(500), then=then) == []
    assert kinds(old, units(499), then=then) == ["loss"]


@MAKERS
def test_fourfold_may_come_in_a_week_and_one_more_may_not(version: int, units: Units) -> None:
    most = HARMLESS_SIZE[version]
    old, then = units(most // 2), units(most // 4)
    assert kinds(old, units(most), then=then) == []
    assert kinds(old, units(most + 1), then=then) == ["growth"]
    assert kinds(units(2), units(most - 1), then=units(1)) == []


@MAKERS
def test_what_came_in_the_week_may_go_and_the_rest_may_not(version: int, units: Units) -> None:
    old, then = units(4000), units(1000)
    assert kinds(old, then, then=then) == []
    assert kinds(old, units(4000) - units(1000), then=then) == [], "a quarter of what there is"
    assert kinds(units(1500), units(1500) - units(1000), then=units(1000)) == ["loss"]


@MAKERS
def test_a_small_family_counts_only_when_nothing_is_left(version: int, units: Units) -> None:
    small = SMALL_FAMILY_SIZE[version]
    assert kinds(units(9), units(1), then=units(small - 1)) == []
    assert kinds(units(9), EMPTY, then=units(small - 1)) == ["loss"]
    assert kinds(units(9), units(1), then=units(small)) == ["loss"]
    assert kinds(units(9), EMPTY, then=EMPTY) == [], "it came in this week"


def test_who_comes_back_loses_nothing_and_who_shrinks_gains_nothing() -> None:
    assert kinds(ipv4(200), ipv4(300), then=ipv4(1000)) == []
    assert kinds(ipv4(60_000), ipv4(50_000), then=ipv4(5_000)) == []
    assert kinds(ipv4(300), ipv4(300, start=100), then=ipv4(1000)) == []


def test_one_limit_is_told_once_by_the_night_before_the_week() -> None:
    (hold,) = RAIL.violations(ipv4(1000), ipv4(100), ipv4(2000))
    assert "within" not in hold.phrase
    assert "(900 of 1,000)" in hold.phrase
    (hold,) = RAIL.violations(ipv4(1000), ipv4(400), ipv4(2000))
    assert "within" not in hold.phrase
    (hold,) = RAIL.violations(ipv4(1000), ipv4(600), ipv4(2000))
    assert "loses 70 % of its IPv4 addresses within 7 days (1,400 of 2,000)" in hold.phrase
    assert hold.version == 4


@MAKERS
def test_a_family_that_is_new_has_a_width(version: int, units: Units) -> None:
    most = NEW_FAMILY_SIZE[version]
    assert kinds(EMPTY, units(most), then=EMPTY) == []
    assert kinds(EMPTY, units(most + 1), then=EMPTY) == ["growth"]
    assert kinds(EMPTY, units(most + 1), then=units(most)) == []
    assert kinds(units(most + 2), units(most + 1), then=EMPTY) == []
    assert kinds(EMPTY, units(most + 1), TOTAL, then=EMPTY) == []


@MAKERS
def test_mostly_others_is_more_than_half(version: int, units: Units) -> None:
    assert foreign(units(1000), units(2000)) == []
    (hold,) = foreign(units(1000), units(2001))
    assert (hold.kind, hold.version) == ("growth", version)
    assert "comes back, 1,001 of its 2,001" in hold.phrase
    assert foreign(units(1000), units(1)) == []


def said(old: Networks, new: Networks, then: Networks) -> list[str]:
    return list(news(old, new, then, 7))


def test_what_is_news() -> None:
    assert said(ipv4(1000), ipv4(1000), ipv4(1)) == []
    assert said(ipv4(1000), ipv4(2000), ipv4(1000)) == []
    assert said(ipv4(1000), ipv4(2001), ipv4(1000)) == ["grows from 1,000 to 2,001 IPv4 addresses"]
    assert said(ipv4(1), ipv4(257), ipv4(1)) == []
    assert said(ipv4(100), ipv4(300), ipv4(43)) == [
        "grows from 43 to 300 IPv4 addresses within 7 days"
    ]
    assert said(ipv4(300), ipv4(301), ipv4(43)) == [], "it was said before"
    assert said(ipv4(300), ipv4(1000), ipv4(1000)) == [], "it is back"
    assert said(EMPTY, ipv4(1) | ipv6(2), EMPTY) == [
        "has 1 IPv4 address and had none before",
        "has 2 IPv6 /64s and had none before",
    ]
    assert said(ipv4(1), EMPTY, ipv4(1)) == []


@pytest.mark.parametrize("days", [1, 30])
def test_the_days_are_named(days: int) -> None:
    (hold,) = Rail("provider", 50, 300, days).violations(ipv4(600), ipv4(499), ipv4(1000))
    assert f"within {days} days" in hold.phrase
    assert isinstance(hold, Hold)
