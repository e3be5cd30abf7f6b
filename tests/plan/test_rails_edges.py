"""The very edges of the limits: what is just as large as allowed, and how little may be left."""

from __future__ import annotations

import pytest

from spfwhite.networks import EMPTY, Networks
from spfwhite.plan.rails import MAX_PROVIDER_SIZE, Hold, Rail, too_many, too_many_rules


def ipv4(count: int) -> Networks:
    return Networks.of(4, 20 << 24, (20 << 24) + count - 1)


def test_what_just_fits_into_the_most_may_not_grow_beyond_it() -> None:
    (hold,) = too_many(ipv4(MAX_PROVIDER_SIZE[4]), ipv4(MAX_PROVIDER_SIZE[4] + 1))
    assert hold.kind == "size"


def test_what_was_larger_than_the_most_is_measured_by_its_growth_alone() -> None:
    assert too_many(ipv4(MAX_PROVIDER_SIZE[4] + 1), ipv4(MAX_PROVIDER_SIZE[4] + 2)) == []


@pytest.mark.parametrize("count", [1_001, 10_000, 1_000_000])
def test_a_loss_of_all_but_one_address_never_reads_as_one_of_all(count: int) -> None:
    (hold,) = Rail("provider", 50, 300, 7).violations(ipv4(count), ipv4(1), ipv4(count))
    assert hold.phrase.startswith("loses 99.9 % of its IPv4 addresses")


def test_a_rule_too_many_is_held_by_its_limit() -> None:
    (hold,) = too_many_rules(ipv4(1), ipv4(7), 2)
    assert hold == Hold("limit", "adds 3 rules, over the 2 of safety.provider_max_rules")
    assert too_many_rules(ipv4(1), ipv4(7), 3) == []


def test_as_many_rules_as_were_accepted_are_not_too_many() -> None:
    assert too_many_rules(ipv4(7), ipv4(11), 2) == []
    assert too_many_rules(ipv4(7), ipv4(15), 2) != []


def test_what_was_accepted_with_too_many_rules_is_none_too_many_while_it_stays() -> None:
    assert too_many_rules(ipv4(7), ipv4(7), 2) == []


def test_nothing_is_not_a_rule_too_many() -> None:
    assert too_many_rules(EMPTY, EMPTY, 0) == []
