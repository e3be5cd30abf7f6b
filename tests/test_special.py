"""The table of special-use addresses, against IANA's registries as they stood on 2025-10-09."""

from __future__ import annotations

import pytest

from spfwhite.networks import EMPTY, Networks
from spfwhite.special_use import SPECIAL_USE, barred
from tests.support.nights import Nights, configured, edited, records

# Rows of the IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890, RFC 8190) and what their
# column "Globally Reachable" says. None: it says N/A or nothing, and we list no such address.
REGISTRY: dict[str, bool | None] = {
    "0.0.0.0/8": False,  # RFC 791: this network
    "0.0.0.0/32": False,  # RFC 1122: this host on this network
    "10.0.0.0/8": False,  # RFC 1918: private use
    "100.64.0.0/10": False,  # RFC 6598: shared address space
    "127.0.0.0/8": False,  # RFC 1122: loopback
    "169.254.0.0/16": False,  # RFC 3927: link local
    "172.16.0.0/12": False,  # RFC 1918: private use
    "192.0.0.0/24": False,  # RFC 6890: IETF protocol assignments
    "192.0.0.0/29": False,  # RFC 7335: IPv4 service continuity prefix
    "192.0.0.8/32": False,  # RFC 7600: IPv4 dummy address
    "192.0.0.9/32": True,  # RFC 7723: Port Control Protocol anycast
    "192.0.0.10/32": True,  # RFC 8155: TURN anycast
    "192.0.0.170/32": False,  # RFC 8880, RFC 7050: NAT64/DNS64 discovery
    "192.0.0.171/32": False,
    "192.0.2.0/24": False,  # RFC 5737: documentation, TEST-NET-1
    "192.31.196.0/24": True,  # RFC 7535: AS112-v4
    "192.52.193.0/24": True,  # RFC 7450: AMT
    "192.88.99.0/24": None,  # RFC 7526: deprecated, 6to4 relay anycast
    "192.88.99.2/32": False,  # RFC 6751: 6a44 relay anycast
    "192.168.0.0/16": False,  # RFC 1918: private use
    "192.175.48.0/24": True,  # RFC 7534: direct delegation AS112 service
    "198.18.0.0/15": False,  # RFC 2544: benchmarking
    "198.51.100.0/24": False,  # RFC 5737: documentation, TEST-NET-2
    "203.0.113.0/24": False,  # RFC 5737: documentation, TEST-NET-3
    "240.0.0.0/4": False,  # RFC 1112: reserved
    "255.255.255.255/32": False,  # RFC 8190, RFC 919: limited broadcast
    "::1/128": False,  # RFC 4291: loopback
    "::/128": False,  # RFC 4291: unspecified
    "::ffff:0:0/96": False,  # RFC 4291: IPv4-mapped
    "64:ff9b::/96": True,  # RFC 6052: IPv4-IPv6 translation
    "64:ff9b:1::/48": False,  # RFC 8215: IPv4-IPv6 translation, local use
    "100::/64": False,  # RFC 6666: discard only
    "100:0:0:1::/64": False,  # RFC 9780: dummy prefix
    "2001::/23": False,  # RFC 2928: IETF protocol assignments
    "2001::/32": None,  # RFC 4380, RFC 8190: Teredo
    "2001:1::1/128": True,  # RFC 7723: Port Control Protocol anycast
    "2001:1::2/128": True,  # RFC 8155: TURN anycast
    "2001:1::3/128": True,  # RFC 9665: DNS-SD service registration anycast
    "2001:2::/48": False,  # RFC 5180, RFC 1752: benchmarking
    "2001:3::/32": True,  # RFC 7450: AMT
    "2001:4:112::/48": True,  # RFC 7535: AS112-v6
    "2001:10::/28": None,  # RFC 4843: deprecated, ORCHID
    "2001:20::/28": True,  # RFC 7343: ORCHIDv2
    "2001:30::/28": True,  # RFC 9374: drone remote ID
    "2001:db8::/32": False,  # RFC 3849: documentation
    "2002::/16": None,  # RFC 3056: 6to4
    "2620:4f:8000::/48": True,  # RFC 7534: direct delegation AS112 service
    "3fff::/20": False,  # RFC 9637: documentation
    "5f00::/16": False,  # RFC 9602: SRv6 SIDs
    "fc00::/7": False,  # RFC 4193, RFC 8190: unique local
    "fe80::/10": False,  # RFC 4291: link local
}
MULTICAST = Networks.parse(["224.0.0.0/4", "ff00::/8"])  # RFC 5771, RFC 4291
GLOBAL_UNICAST = Networks.parse(["2000::/3"])  # RFC 4291 section 2.4 and IANA's allocations
IPV6 = Networks.parse(["::/0"])


def by_registry() -> Networks:
    """Return what no mail comes from: of the rows that cover an address the narrowest counts."""
    special = EMPTY
    for text in sorted(REGISTRY, key=lambda text: int(text.partition("/")[2])):
        block = Networks.parse([text])
        special = special - block if REGISTRY[text] else special | block
    return special | MULTICAST | (IPV6 - GLOBAL_UNICAST)


@pytest.mark.parametrize("text", [text for text, is_global in REGISTRY.items() if not is_global])
def test_no_address_that_is_not_globally_reachable_is_listed(text: str) -> None:
    listable = Networks.parse([text]) - SPECIAL_USE
    assert not listable - Networks.parse(row for row, is_global in REGISTRY.items() if is_global)


def test_the_table_is_what_the_registries_say_and_all_ipv6_that_is_not_global_unicast() -> None:
    assert by_registry() == SPECIAL_USE


ALL_OF_IPV4 = [
    "64:ff9b::/96",  # RFC 6052: behind a NAT64
    "64:ff9b:1::/48",  # RFC 8215: behind a NAT64 of one's own
    "::ffff:0:0/96",  # RFC 4291: IPv4-mapped
    "::ffff:0:0:0/96",  # RFC 2765: IPv4-translated
]
NEVER = [
    *ALL_OF_IPV4,
    "64:ff9b::/28",
    "::/96",  # RFC 4291: IPv4-compatible, deprecated
    "::/28",
    "200::/28",  # RFC 4048: OSI NSAP, deprecated
    "4000::/28",
    "fec0::/28",  # RFC 3879: site local, deprecated
    "fc00::/28",
    "2002::/28",
]


@pytest.mark.parametrize("text", NEVER)
def test_a_record_cannot_list_ipv6_that_is_not_global_unicast(text: str) -> None:
    night = Nights(configured({"p": ["p.test"]})).night(records(p=f"ip6:{text} ip4:20.0.0.0/24"))
    assert night.decision("p").networks.texts() == ["20.0.0.0/24"]
    kinds = {problem.kind for problem in night.decision("p").candidate.problems}
    assert "special-use" in kinds or text == "::ffff:0:0/96", "no ip6 term matches an IPv4 client"


def test_an_operator_may_list_his_own_local_addresses_but_no_translated_ones() -> None:
    own, translated = Networks.parse(["fd00:1::/48"]), Networks.parse(ALL_OF_IPV4)
    config = configured({"p": ["p.test"]}, safety={"special_use": "keep"})
    terms = " ".join(f"ip6:{text}" for text in ALL_OF_IPV4)
    night = Nights(edited(config, "p", networks=own | translated)).night(records(p=terms))
    assert night.decision("p").networks == own


def test_special_use_addresses_may_be_kept_but_for_all_of_ipv4_in_disguise() -> None:
    assert barred("drop") == SPECIAL_USE
    assert barred("keep") == Networks.parse(ALL_OF_IPV4)
