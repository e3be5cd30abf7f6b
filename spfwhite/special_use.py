"""Addresses that no mail comes from over the public internet.

Owns: the table of special-use blocks. Refuses: to decide what happens to them.
"""

# Of IPv4: what IANA's Special-Purpose Address Registry (RFC 6890, RFC 8190) does not list as
# globally reachable, multicast (RFC 5771) and 6to4 relays (RFC 7526). Of IPv6: all that is not in
# 2000::/3, the only block that IANA allocates as global unicast (RFC 4291 section 2.4), and what
# its registry takes out of that. So no block outside can be forgotten: a /96 there may be all of
# IPv4 behind a translator, and the limits on width and growth count it as one /64.

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
    "192.88.99.0/24",  # 6to4 relays
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",  # multicast
    "240.0.0.0/4",
    "::/3",  # up to 2000::/3: loopback, IPv4 in disguise, NAT64, discard only
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",  # 6to4
    "3fff::/20",
    "4000::/2",  # from 2000::/3 on: SRv6 SIDs
    "8000::/1",  # and unique local, link local, site local, multicast
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

# Each stands for all of IPv4: RFC 4291, RFC 2765, RFC 6052 and RFC 8215
TRANSLATED: Final = Networks.parse(
    ("::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48")
)


def barred(special_use: str) -> Networks:
    """Return what is not listed by a setting of `special_use`, "drop" or "keep".

    Who keeps special-use addresses wants his local ones, and never all of IPv4.
    """
    return TRANSLATED if special_use == "keep" else SPECIAL_USE
