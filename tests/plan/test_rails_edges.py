"""The very edges of the limits: what is just as large as allowed, and how little may be left."""

from __future__ import annotations

import pytest

from spfwhite.networks import Networks
from spfwhite.plan.rails import MAX_PROVIDER_SIZE, Rail, too_many


def ipv4(count: int) -> Networks:
    return Networks.of(4, 20 << 24, (20 << 24) + count - 1)


def test_what_just_fits_into_the_most_may_not_grow_beyond_it() -> None:
    (hold,) = too_many(ipv4(MAX_PROVIDER_SIZE[4]), ipv4(MAX_PROVIDER_SIZE[4] + 1))
    assert hold.kind == "size"


def test_what_was_larger_than_the_most_is_measured_by_its_growth_alone() -> None:
    assert too_many(ipv4(MAX_PROVIDER_SIZE[4] + 1), ipv4(MAX_PROVIDER_SIZE[4] + 2)) == []


@pytest.mark.parametrize("count", [1_001, 10_000, 1_000_000])
def test_a_loss_of_all_but_one_address_never_reads_as_one_of_all(count: int) -> None:
    (hold,) = Rail("provider", 50, 300).violations(ipv4(count), ipv4(1))
    assert hold.phrase.startswith("loses 99.9 % of its IPv4 addresses")
