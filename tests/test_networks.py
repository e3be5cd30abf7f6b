"""Sets of addresses: their algebra, with netaddr as the oracle, and what operators write."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from itertools import pairwise

import netaddr
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spfwhite.networks import (
    BITS,
    EMPTY,
    EVERYTHING,
    IPV4_MAPPED,
    Address,
    Networks,
    Range,
    masked,
    parse_operator,
)

SMALL = 255
"""Most ranges stand close together, so that they overlap and touch."""

BASES = {4: 0xC0000200, 6: 0x20010DB8 << 96}


def ranges(version: int) -> st.SearchStrategy[Range]:
    near = st.integers(0, SMALL).map(lambda n: BASES[version] + n)
    anywhere = st.integers(0, 2 ** BITS[version] - 1)
    ends = st.tuples(near, near) | st.tuples(anywhere, anywhere)
    return ends.map(lambda pair: (min(pair), max(pair)))


def made(v4: list[Range], v6: list[Range]) -> Networks:
    return Networks(v4, v6)


SETS = st.builds(
    made, st.lists(ranges(4), max_size=6), st.lists(ranges(6), max_size=6)
) | st.sampled_from([EMPTY, EVERYTHING])
NEAR = st.one_of(
    st.integers(0, SMALL).map(lambda n: ipaddress.IPv4Address(BASES[4] + n)),
    st.integers(0, SMALL).map(lambda n: ipaddress.IPv6Address(BASES[6] + n)),
)


def oracle(networks: Networks) -> netaddr.IPSet:
    """Return the same set as netaddr's, by the ranges and so past our CIDRs."""
    cidrs = [
        cidr
        for version in (4, 6)
        for low, high in networks.ranges(version)
        for cidr in netaddr.iprange_to_cidrs(
            netaddr.IPAddress(low, version), netaddr.IPAddress(high, version)
        )
    ]
    return netaddr.IPSet(cidrs)


@pytest.mark.parametrize("combine", [Networks.__or__, Networks.__sub__, Networks.__and__])
@given(one=SETS, other=SETS)
def test_union_difference_and_intersection_are_those_of_netaddr(
    combine: Callable[[Networks, Networks], Networks], one: Networks, other: Networks
) -> None:
    theirs = getattr(oracle(one), combine.__name__)(oracle(other))
    assert oracle(combine(one, other)) == theirs


@given(st.lists(SETS, max_size=5))
def test_the_union_of_many_is_the_union_one_by_one(sets: list[Networks]) -> None:
    expected = EMPTY
    for one in sets:
        expected |= one
    assert Networks.union(sets) == expected


@given(SETS, NEAR)
def test_membership_is_that_of_netaddr(networks: Networks, address: Address) -> None:
    assert (address in networks) == (netaddr.IPAddress(str(address)) in oracle(networks))


@pytest.mark.parametrize("version", [4, 6])
def test_both_ends_of_a_range_are_members_and_their_neighbours_are_not(version: int) -> None:
    kind = ipaddress.IPv4Address if version == 4 else ipaddress.IPv6Address
    low, high = BASES[version] + 3, BASES[version] + 6
    networks = Networks.of(version, low, high)
    inside = [n for n in range(low - 2, high + 3) if kind(n) in networks]
    assert inside == list(range(low, high + 1))


def test_an_address_of_one_family_is_no_member_by_the_number_of_the_other() -> None:
    assert ipaddress.IPv6Address(1) not in Networks.of(4, 0, 9)
    assert ipaddress.IPv4Address(1) not in Networks.of(6, 0, 9)


@given(SETS)
def test_the_sizes_of_both_families_are_those_of_netaddr(networks: Networks) -> None:
    theirs = oracle(networks)
    for version in (4, 6):
        cidrs = [c for c in theirs.iter_cidrs() if c.version == version]
        assert networks.size(version) == sum(cidr.size for cidr in cidrs)


@given(SETS)
def test_the_cidrs_are_the_fewest_there_are(networks: Networks) -> None:
    merged = netaddr.cidr_merge(list(oracle(networks).iter_cidrs()))
    assert networks.networks == tuple(ipaddress.ip_network(str(cidr)) for cidr in merged)


@given(SETS)
def test_texts_are_the_networks_in_the_spelling_of_ipaddress(networks: Networks) -> None:
    assert networks.texts() == [str(network) for network in networks.networks]


@given(SETS)
def test_ranges_are_sorted_and_neither_overlap_nor_touch(networks: Networks) -> None:
    for version in (4, 6):
        flat = networks.ranges(version)
        assert all(low <= high for low, high in flat)
        assert all(one[1] + 1 < other[0] for one, other in pairwise(flat))


@given(SETS)
def test_what_is_printed_reads_back_as_the_same_set(networks: Networks) -> None:
    assert Networks.parse(networks.texts()) == networks


@given(SETS)
def test_the_families_are_apart_and_make_up_the_whole(networks: Networks) -> None:
    v4, v6 = networks.family(4), networks.family(6)
    assert not v4.v6
    assert not v6.v4
    assert v4 | v6 == networks


def test_texts_are_sorted_by_number_ipv4_first_and_always_have_a_prefix() -> None:
    texts = ["2001:db8::/32", "::1/128", "10.0.0.1/32", "9.0.0.0/8", "192.0.2.0/24"]
    expected = ["9.0.0.0/8", "10.0.0.1/32", "192.0.2.0/24", "::1/128", "2001:db8::/32"]
    assert Networks.parse(texts).texts() == expected


def test_everything_is_one_cidr_a_family() -> None:
    assert EVERYTHING.texts() == ["0.0.0.0/0", "::/0"]


def test_the_mapped_addresses_are_one_96() -> None:
    assert IPV4_MAPPED.networks == (ipaddress.ip_network("::ffff:0:0/96"),)


@given(st.sampled_from([4, 6]), st.data())
def test_host_bits_are_masked(version: int, data: st.DataObject) -> None:
    bits = BITS[version]
    value = data.draw(st.integers(0, 2**bits - 1))
    prefix = data.draw(st.integers(0, bits))
    network = ipaddress.ip_network((value, prefix), strict=False)
    if network.version != version:  # a small number is an IPv4 address to ipaddress
        network = ipaddress.IPv6Network((value, prefix), strict=False)
    assert masked(value, prefix, bits) == (int(network[0]), int(network[-1]))


@given(st.lists(st.tuples(st.integers(0, 2**68), st.integers(0, 2**66)), max_size=6))
def test_blocks64_counts_each_slash_64_once(pairs: list[tuple[int, int]]) -> None:
    networks = Networks((), [(low, low + length) for low, length in pairs])
    expected = {block for low, high in networks.v6 for block in range(low >> 64, (high >> 64) + 1)}
    assert networks.blocks64() == len(expected)


def test_two_ranges_in_one_slash_64_are_one_block() -> None:
    assert Networks((), [(1, 1), (5, 5), ((1 << 64) - 1, 1 << 64)]).blocks64() == 2


@given(SETS, SETS)
def test_operations_leave_their_operands_as_they_were(one: Networks, other: Networks) -> None:
    before = one.v4, one.v6, other.v4, other.v6
    _ = one | other, one - other, one & other, one.networks, one.family(4)
    assert (one.v4, one.v6, other.v4, other.v6) == before


@given(SETS, st.data())
def test_equal_sets_have_equal_hashes_however_they_were_made(
    networks: Networks, data: st.DataObject
) -> None:
    again = Networks.parse(data.draw(st.permutations(networks.texts())))
    assert again == networks
    assert hash(again) == hash(networks)


def test_a_set_equals_nothing_of_another_type() -> None:
    assert (Networks() == ()) is False


@given(SETS)
def test_only_the_empty_set_is_false(networks: Networks) -> None:
    assert bool(networks) == (networks.size(4) + networks.size(6) > 0)


@pytest.mark.parametrize(
    "text", ["192.0.2.1/24", "2001:db8::1/32", "x", "", "192.0.2.1/33", "010.0.0.0/8"]
)
def test_parse_takes_only_what_this_class_prints(text: str) -> None:
    with pytest.raises(ValueError):
        Networks.parse([text])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.1", ["192.0.2.1/32"]),
        (" 192.0.2.1\t", ["192.0.2.1/32"]),
        ("192.0.2.0/24", ["192.0.2.0/24"]),
        ("0.0.0.0/0", ["0.0.0.0/0"]),
        ("::/0", ["::/0"]),
        ("2001:DB8::/32", ["2001:db8::/32"]),
        ("2001:db8::1", ["2001:db8::1/128"]),
        ("192.0.2.8 - 192.0.2.15", ["192.0.2.8/29"]),
        ("192.0.2.8-192.0.2.15", ["192.0.2.8/29"]),
        ("192.0.2.8-15", ["192.0.2.8/29"]),
        ("192.0.2.8 - 8", ["192.0.2.8/32"]),
        ("192.0.2.255-192.0.3.0", ["192.0.2.255/32", "192.0.3.0/32"]),
        ("2001:db8::-2001:db8::f", ["2001:db8::/124"]),
    ],
)
def test_an_operator_may_write(text: str, expected: list[str]) -> None:
    assert parse_operator(text).texts() == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "1",
        "3221225985",
        "192.0.2",
        "192.0.2.1.1",
        "192.0.2.256",
        "010.0.0.1",
        "0x7f.0.0.1",
        "192.0.2.1/",
        "192.0.2.1/255.255.255.0",
        "192.0.2.0/0.0.0.255",
        "192.0.2.0/024",
        "010.0.0.0/8",
        "10.0.0.0/08",
        "192.0.2.0/ 24",
        "192.0.2.0 /24",
        "192.0.2.0/33",
        "192.0.2.0/-1",
        "192.0.2.0/+24",
        "192.0.2.0/24/24",
        "192.0.2.0/24\n192.0.2.0/24",
        "192.0.2.0/2\n4",
        "192.0.2.\u0661",
        "192.0.2.0/\uff12\uff14",
        "192.0.2.1 192.0.2.2",
        "2001:db8::/129",
        "2001:db8:::1",
        "fe80::1%eth0",
        "192.0.2.1-",
        "192.0.2.1-256",
        "192.0.2.1-2-3",
        "192.0.2.1-3.4",
        "192.0.2.0/24-25",
        "192.0.2.1-192.0.2.9/32",
        "192.0.2.1-2001:db8::1",
        "2001:db8::1-9",
        "example.org",
        "1" * 101,
    ],
)
def test_an_operator_may_not_write(text: str) -> None:
    with pytest.raises(ValueError, match=r"^is not an IPv4 or IPv6 address, network or range$"):
        parse_operator(text)


def test_host_bits_are_refused_with_what_was_meant() -> None:
    with pytest.raises(ValueError, match=r"did you mean 192\.0\.2\.0/24\?$"):
        parse_operator("192.0.2.1/24")
    with pytest.raises(ValueError, match=r"did you mean 2001:db8::/32\?$"):
        parse_operator("2001:db8::1/32")


@pytest.mark.parametrize("text", ["192.0.2.9-1", "192.0.2.9-192.0.2.1", "::2-::1"])
def test_a_range_ends_where_it_begins_or_later(text: str) -> None:
    with pytest.raises(ValueError, match="ends before it begins"):
        parse_operator(text)


@given(st.text())
def test_no_text_raises_anything_but_a_value_error(text: str) -> None:
    try:
        networks = parse_operator(text)
    except ValueError:
        return
    assert networks
