"""The special-use table against IANA's registries, copied here from what they list (in 2025).

The IPv4 and IPv6 Special-Purpose Address Registries say of each block whether it is globally
reachable; multicast has registries of its own. Where they say N/A (6to4, deprecated) nobody sends
mail from it. The prefixes of NAT64 are no matter of this table.
"""

from __future__ import annotations

import pytest

from spfwhite.networks import EMPTY, Networks
from spfwhite.special_use import SPECIAL_USE

UNREACHABLE = [
    "0.0.0.0/8",  # "this network", RFC 791
    "10.0.0.0/8",  # private use, RFC 1918
    "100.64.0.0/10",  # shared address space, RFC 6598
    "127.0.0.0/8",  # loopback, RFC 1122
    "169.254.0.0/16",  # link local, RFC 3927
    "172.16.0.0/12",  # private use, RFC 1918
    "192.0.0.0/24",  # IETF protocol assignments, RFC 6890
    "192.0.2.0/24",  # documentation, RFC 5737
    "192.168.0.0/16",  # private use, RFC 1918
    "198.18.0.0/15",  # benchmarking, RFC 2544
    "198.51.100.0/24",  # documentation, RFC 5737
    "203.0.113.0/24",  # documentation, RFC 5737
    "224.0.0.0/4",  # multicast, RFC 5771
    "240.0.0.0/4",  # reserved, RFC 1112
    "::/128",  # unspecified, RFC 4291
    "::1/128",  # loopback, RFC 4291
    "::ffff:0:0/96",  # mapped IPv4, RFC 4291
    "64:ff9b:1::/48",  # translation of local use, RFC 8215
    "100::/64",  # discard only, RFC 6666
    "100:0:0:1::/64",  # dummy prefix, RFC 9780
    "2001::/23",  # IETF protocol assignments, RFC 2928
    "2001:db8::/32",  # documentation, RFC 3849
    "2002::/16",  # 6to4, RFC 3056, RFC 7526
    "3fff::/20",  # documentation, RFC 9637
    "5f00::/16",  # segment routing, RFC 9602
    "fc00::/7",  # unique local, RFC 4193
    "fe80::/10",  # link local, RFC 4291
    "ff00::/8",  # multicast, RFC 4291
]
REACHABLE = [
    "192.0.0.9/32",  # port control protocol, RFC 7723
    "192.0.0.10/32",  # TURN, RFC 8155
    "192.31.196.0/24",  # AS112, RFC 7535
    "192.52.193.0/24",  # AMT, RFC 7450
    "192.175.48.0/24",  # AS112, RFC 7534
    "2001:1::1/128",  # port control protocol, RFC 7723
    "2001:1::2/128",  # TURN, RFC 8155
    "2001:1::3/128",  # DNS-SD service registration, RFC 9665
    "2001:3::/32",  # AMT, RFC 7450
    "2001:4:112::/48",  # AS112, RFC 7535
    "2001:20::/28",  # ORCHIDv2, RFC 7343
    "2001:30::/28",  # drones, RFC 9374
    "2620:4f:8000::/48",  # AS112, RFC 7534
]
GLOBAL_UNICAST = Networks.parse(["0.0.0.0/0", "2000::/3"])


@pytest.mark.parametrize("block", UNREACHABLE)
def test_all_of_a_block_that_is_not_globally_reachable_is_special(block: str) -> None:
    assert Networks.parse([block]) - Networks.parse(REACHABLE) - SPECIAL_USE == EMPTY


@pytest.mark.parametrize("block", REACHABLE)
def test_nothing_of_a_block_that_is_globally_reachable_is_special(block: str) -> None:
    assert Networks.parse([block]) & SPECIAL_USE == EMPTY


def test_no_other_address_of_global_unicast_is_special() -> None:
    assert (SPECIAL_USE & GLOBAL_UNICAST) - Networks.parse(UNREACHABLE) == EMPTY
