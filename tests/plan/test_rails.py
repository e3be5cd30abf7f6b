"""The measure of a change: each family by itself, by set difference, with exact limits."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from spfwhite.networks import EMPTY, Networks
from spfwhite.plan.rails import (
    HARMLESS_SIZE,
    MAX_PROVIDER_SIZE,
    SMALL_FAMILY_SIZE,
    Rail,
    amounts,
    too_many,
)

RAIL = Rail("provider", 50, 300, 7)
TOTAL = Rail("total", 30, 100, 7)
V4 = 20 << 24


def ipv4(count: int, *, start: int = 0) -> Networks:
    return Networks.of(4, V4 + start, V4 + start + count - 1) if count else EMPTY


def ipv6(count: int, *, start: int = 0) -> Networks:
    """So many whole /64s."""
    first = (0x2A00 << 112) + (start << 64)
    return Networks.of(6, first, first + (count << 64) - 1) if count else EMPTY


Units = Callable[[int], Networks]
MAKERS = pytest.mark.parametrize(("version", "units"), [(4, ipv4), (6, ipv6)])


def kinds(
    old: Networks, new: Networks, rail: Rail = RAIL, *, then: Networks | None = None
) -> list[str]:
    """The limits that a change exceeds; nothing else changed in the week before."""
    return [hold.kind for hold in rail.violations(old, new, old if then is None else then)]


@MAKERS
def test_exactly_half_may_go_and_one_more_may_not(version: int, units: Units) -> None:
    old = units(1000)
    assert kinds(old, units(500)) == []
    assert kinds(old, units(499)) == ["loss"]
    assert SMALL_FAMILY_SIZE[version] < 1000, "the family counts"


@MAKERS
def test_exactly_three_times_as_much_may_come_and_one_more_may_not(
    version: int, units: Units
) -> None:
    old = units(HARMLESS_SIZE[version] // 4)
    assert kinds(old, units(HARMLESS_SIZE[version])) == []
    assert kinds(old, units(HARMLESS_SIZE[version] + 1)) == ["growth"]


@MAKERS
def test_growth_that_ends_below_the_harmless_size_never_counts(version: int, units: Units) -> None:
    assert kinds(units(1), units(HARMLESS_SIZE[version] - 1)) == []
    assert kinds(units(1), units(HARMLESS_SIZE[version])) == ["growth"]


@MAKERS
def test_a_loss_of_a_small_family_counts_only_when_it_empties_it(
    version: int, units: Units
) -> None:
    assert SMALL_FAMILY_SIZE[version] == 256
    assert kinds(units(255), units(1)) == []
    assert kinds(units(255), EMPTY) == ["loss"]
    assert kinds(units(256), units(1)) == ["loss"]


@MAKERS
def test_a_family_with_nothing_before_may_grow_to_anything(version: int, units: Units) -> None:
    assert kinds(EMPTY, units(HARMLESS_SIZE[version] * 10)) == []


def test_a_family_that_goes_is_not_made_good_by_the_other() -> None:
    assert kinds(ipv4(1000) | ipv6(1000), ipv6(1000)) == ["loss"]
    assert kinds(ipv4(1000) | ipv6(1000), ipv4(1000)) == ["loss"]
    assert kinds(ipv4(1000) | ipv6(10), ipv4(1000) | ipv6(100_000)) == ["growth"]


def test_networks_that_move_are_a_loss_though_the_size_stays() -> None:
    assert kinds(ipv4(1000), ipv4(1000, start=500)) == []
    assert kinds(ipv4(1000), ipv4(1000, start=501)) == ["loss"]
    assert kinds(ipv6(1000), ipv6(1000, start=501)) == ["loss"]


def test_loss_and_growth_of_both_families_are_all_named() -> None:
    old = ipv4(1000) | ipv6(1000)
    new = ipv4(4096, start=1000) | ipv6(65_536, start=1000)
    assert kinds(old, new) == ["loss", "growth"] * 2


def test_ipv6_counts_64s_however_many_addresses_of_one_are_listed() -> None:
    one = Networks.parse(["2a00::1/128"])
    whole = Networks.parse(["2a00::/64"])
    assert kinds(one, whole) == []
    assert kinds(whole, one) == []
    hosts = Networks.union(
        Networks.of(6, (0x2A00 << 112) + (i << 64), (0x2A00 << 112) + (i << 64))
        for i in range(1000)
    )
    assert kinds(hosts, ipv6(500) & hosts) == []
    assert kinds(hosts, ipv6(499) & hosts) == ["loss"]


def test_a_loss_names_the_number_the_limit_and_the_key() -> None:
    (hold,) = RAIL.violations(ipv4(1000), ipv4(400), ipv4(1000))
    assert hold.phrase == (
        "loses 60 % of its IPv4 addresses (600 of 1,000), over the 50 % of safety.provider_max_loss"
    )


def test_a_growth_names_the_number_the_limit_and_the_key() -> None:
    (hold,) = TOTAL.violations(ipv6(65_536), ipv6(163_840), ipv6(65_536))
    assert hold.phrase == (
        "grows from 65,536 to 163,840 IPv6 /64s, over the 100 % of safety.total_max_growth"
    )


def test_what_comes_where_as_much_goes_is_no_growth_from_to() -> None:
    old, new = Networks.parse(["20.0.0.0/20"]), Networks.parse(["21.0.0.0/20"])
    holds = TOTAL._replace(max_loss=100, max_growth=50).violations(old, new, old)
    assert [hold.phrase for hold in holds] == [
        "gains 4,096 IPv4 addresses to its 4,096, over the 50 % of safety.total_max_growth"
    ]


def test_a_change_just_over_its_limit_does_not_read_as_if_it_were_at_it() -> None:
    (loss,) = RAIL.violations(ipv4(1000), ipv4(499), ipv4(1000))
    (growth,) = RAIL.violations(ipv4(1024), ipv4(4097), ipv4(1024))
    assert "50 % of its" not in loss.phrase
    assert "from 1,024 to 4,097 IPv4 addresses, over the 300 %" in growth.phrase


def test_a_limit_of_100_percent_allows_any_loss_and_one_of_0_none() -> None:
    assert kinds(ipv4(1000), EMPTY, Rail("provider", 100, 300, 7)) == []
    assert kinds(ipv4(1000), ipv4(999), Rail("provider", 0, 300, 7)) == ["loss"]
    assert kinds(ipv4(4096), ipv4(4097), Rail("provider", 50, 0, 7)) == ["growth"]


def test_an_unchanged_set_breaks_no_limit() -> None:
    every = ipv4(5000) | ipv6(70_000)
    assert kinds(every, every, Rail("provider", 0, 0, 7)) == []


def test_the_sizes_are_those_that_the_documentation_names() -> None:
    assert HARMLESS_SIZE == {4: 4_096, 6: 65_536}
    assert MAX_PROVIDER_SIZE == {4: 4_194_304, 6: 2**36}


@MAKERS
def test_the_most_that_one_provider_may_pass_is_allowed_and_one_more_is_not(
    version: int, units: Units
) -> None:
    assert too_many(EMPTY, units(MAX_PROVIDER_SIZE[version])) == []
    (hold,) = too_many(EMPTY, units(MAX_PROVIDER_SIZE[version] + 1))
    assert hold.kind == "size"
    assert f"{MAX_PROVIDER_SIZE[version] + 1:,} IPv" in hold.phrase
    assert f"over the {MAX_PROVIDER_SIZE[version]:,}" in hold.phrase


def test_the_most_counts_each_family_by_itself() -> None:
    assert too_many(EMPTY, ipv4(MAX_PROVIDER_SIZE[4]) | ipv6(MAX_PROVIDER_SIZE[6])) == []
    both = too_many(EMPTY, ipv4(MAX_PROVIDER_SIZE[4] + 1) | ipv6(MAX_PROVIDER_SIZE[6] + 1))
    assert ["IPv4" in hold.phrase for hold in both] == [True, False]


@pytest.mark.parametrize(
    ("left", "said"), [(0, "100 %"), (1, "99.9 %"), (7, "99.3 %"), (10, "99 %"), (15, "99 %")]
)
def test_a_loss_that_leaves_something_does_not_read_as_one_of_all(left: int, said: str) -> None:
    (hold,) = RAIL.violations(ipv4(1000), ipv4(left), ipv4(1000))
    assert hold.phrase.startswith(f"loses {said} of its IPv4 addresses")


def test_of_a_family_that_a_set_has_not_no_amount_is_told() -> None:
    assert amounts(ipv4(3), "of its ") == "3 of its IPv4 addresses"
    assert amounts(ipv6(2)) == "2 IPv6 /64s"
    assert amounts(ipv4(1) | ipv6(1)) == "1 IPv4 address and 1 IPv6 /64"
    assert amounts(ipv4(1), "of its ") == "1 of its IPv4 addresses"
    assert amounts(ipv4(3) | ipv6(2)) == "3 IPv4 addresses and 2 IPv6 /64s"
    assert amounts(EMPTY) == ""
