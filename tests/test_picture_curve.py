"""Where addresses and networks are on the map: a Hilbert curve."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spfwhite.picture import ORDER, SIDE, block, place

SCALE = (1 << ORDER) // SIDE

ADDRESS = st.integers(0, 2**32 - 1)


@given(st.integers(0, 2**32 - 2))
def test_consecutive_addresses_are_neighbours(address: int) -> None:
    (x, y), (right, below) = place(address), place(address + 1)
    assert abs(x - right) + abs(y - below) == 1


@pytest.mark.parametrize("step", [1 << 8, 1 << 16, 1 << 24])
def test_consecutive_squares_are_neighbours(step: int) -> None:
    side = int(step**0.5)
    squares = [place(number * step) for number in range(min(4096, 2**32 // step))]
    for (x, y), (right, below) in pairwise(squares):
        assert abs(x // side - right // side) + abs(y // side - below // side) == 1


@given(ADDRESS)
def test_every_point_is_on_the_picture(address: int) -> None:
    assert all(0 <= value < 1 << ORDER for value in place(address))


@given(ADDRESS, ADDRESS)
def test_two_addresses_have_two_places(one: int, other: int) -> None:
    assert (place(one) == place(other)) is (one == other)


def test_the_curve_begins_and_ends_in_upper_corners() -> None:
    assert place(0) == (0, 0)
    assert place(2**32 - 1) == (2**ORDER - 1, 0)


@given(ADDRESS, st.integers(0, 32), st.data())
def test_the_block_of_a_cidr_contains_its_addresses_and_no_other(
    address: int, prefix: int, data: st.DataObject
) -> None:
    size = 1 << (32 - prefix)
    first = address // size * size
    x, y, width, height = (value * SCALE for value in block(first, prefix))
    # as many places as addresses: with all of its own inside, there is room for no other
    assert width * height == size
    for inside in {first, first + size - 1, data.draw(st.integers(first, first + size - 1))}:
        right, down = place(inside)
        assert x <= right < x + width
        assert y <= down < y + height


@given(ADDRESS, st.integers(1, 32), ADDRESS)
def test_no_other_address_is_in_the_block_of_a_cidr(address: int, prefix: int, other: int) -> None:
    size = 1 << (32 - prefix)
    first = address // size * size
    x, y, width, height = (value * SCALE for value in block(first, prefix))
    for candidate in (other, first - 1, first + size):
        if 0 <= candidate < 2**32 and not first <= candidate < first + size:
            right, down = place(candidate)
            assert not (x <= right < x + width and y <= down < y + height)


def test_the_whole_space_is_the_whole_picture() -> None:
    assert block(0, 0) == (0, 0, SIDE, SIDE)
