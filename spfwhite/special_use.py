"""Addresses that no mail comes from over the public internet.

Owns: the table of special-use blocks: those that IANA's IPv4 and IPv6 Special-Purpose Address
Registries (RFC 6890 and its successors) do not list as globally reachable, multicast (RFC 5771,
RFC 4291), 240.0.0.0/4 (RFC 1112) and 6to4 (RFC 7526). Refuses: to decide what happens to them.
"""

from __future__ import annotations

from typing import Final

from spfwhite.networks import Networks

_NOT_GLOBAL: Final = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",  # multicast
    "240.0.0.0/4",
    "::/127",  # unspecified and loopback
    "::ffff:0:0/96",
    "64:ff9b:1::/48",
    "100::/64",
    "100:0:0:1::/64",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
    "ff00::/8",  # multicast
)

_GLOBAL_WITHIN: Final = (
    "192.0.0.9/32",
    "192.0.0.10/32",
    "2001:1::1/128",
    "2001:1::2/128",
    "2001:1::3/128",
    "2001:3::/32",
    "2001:4:112::/48",
    "2001:20::/28",
    "2001:30::/28",
)

SPECIAL_USE: Final = Networks.parse(_NOT_GLOBAL) - Networks.parse(_GLOBAL_WITHIN)
