"""The table of special-use blocks, against the one in Python's ipaddress."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

import pytest

from spfwhite.networks import Address, Network, Networks
from spfwhite.special_use import _GLOBAL_WITHIN, _NOT_GLOBAL, SPECIAL_USE

# Where the versions of Python differ from us, or from each other.
DIFFERENCES = {
    # multicast has no registry of global reach: ipaddress calls it global; no mail comes from it
    "224.0.0.0/4": True,
    "ff00::/8": True,
    # 6to4 is deprecated (RFC 7526); the registry says N/A, and older Pythons "global"
    "2002::/16": True,
    # RFC 6890 says the whole block is not global; older Pythons know 192.0.0.0/29 and two more only
    "192.0.0.0/24": True,
    # ... but for the anycast addresses of PCP (RFC 7723) and TURN (RFC 8155)
    "192.0.0.9/32": False,
    "192.0.0.10/32": False,
    # newer than the table of older Pythons: local-use NAT64 (RFC 8215), the dummy prefix
    # (RFC 9780), documentation (RFC 9637), SRv6 SIDs (RFC 9602)
    "64:ff9b:1::/48": True,
    "100:0:0:1::/64": True,
    "3fff::/20": True,
    "5f00::/16": True,
    # newer Pythons judge a mapped address by the IPv4 address in it; a client there is IPv4
    "::ffff:0:0/96": True,
    # global within 2001::/23, which older Pythons hold against the whole block: anycast of PCP,
    # TURN and SRP, AMT (RFC 7450), AS112 (RFC 7535), ORCHIDv2 (RFC 7343), drones (RFC 9374)
    "2001:1::1/128": False,
    "2001:1::2/128": False,
    "2001:1::3/128": False,
    "2001:3::/32": False,
    "2001:4:112::/48": False,
    "2001:20::/28": False,
    "2001:30::/28": False,
}
EXPLAINED = {ipaddress.ip_network(text): special for text, special in DIFFERENCES.items()}
BLOCKS = [ipaddress.ip_network(text) for text in (*_NOT_GLOBAL, *_GLOBAL_WITHIN)]


def boundaries(block: Network) -> Iterator[Address]:
    """Yield the ends of a block and their neighbours outside."""
    kind = ipaddress.IPv4Address if block.version == 4 else ipaddress.IPv6Address
    for value in (int(block[0]) - 1, int(block[0]), int(block[-1]), int(block[-1]) + 1):
        if 0 <= value < 2**block.max_prefixlen:
            yield kind(value)


def is_special(address: Address) -> bool:
    """Return our expectation: the narrowest explained block, else what Python's table says."""
    around = [block for block in EXPLAINED if address in block]
    if around:
        return EXPLAINED[max(around, key=lambda block: block.prefixlen)]
    return not address.is_global


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_each_block_begins_and_ends_where_ipaddress_or_the_registry_says(block: Network) -> None:
    for address in boundaries(block):
        assert (address in SPECIAL_USE) == is_special(address), address


@pytest.mark.parametrize(
    "text",
    [
        "64:ff9b::/96",  # NAT64
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.175.48.0/24",  # AS112
        "2620:4f:8000::/48",  # AS112
    ],
)
def test_special_purpose_blocks_of_global_reach_are_kept(text: str) -> None:
    assert not SPECIAL_USE & Networks.parse([text])


def test_an_eighth_of_ipv4_and_little_more_is_special() -> None:
    # 224.0.0.0/3 and three /8s are the bulk; a slip such as 10.0.0.0/1 would show
    assert 2**29 + 3 * 2**24 < SPECIAL_USE.size(4) < 2**29 + 4 * 2**24
