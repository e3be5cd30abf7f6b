"""Addresses in a text: what is one, what only looks like one, and where it ends."""

from __future__ import annotations

import ipaddress
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spfwhite.networks import Networks, Range
from spfwhite.sources.page_addresses import networks_in


def found(text: str) -> list[str]:
    """Return the CIDRs of each entry, those of one entry joined by spaces."""
    return [" ".join(networks.texts()) for networks in networks_in(text)]


def v4(first: str, last: str) -> Networks:
    return Networks.of(4, int(ipaddress.IPv4Address(first)), int(ipaddress.IPv4Address(last)))


def v6(first: str, last: str) -> Networks:
    return Networks.of(6, int(ipaddress.IPv6Address(first)), int(ipaddress.IPv6Address(last)))


@pytest.mark.parametrize(
    ("text", "cidrs"),
    [
        ("192.0.2.1", ["192.0.2.1/32"]),
        ("192.0.2.0/24", ["192.0.2.0/24"]),
        ("192.0.2.77/24", ["192.0.2.0/24"]),
        ("192.0.2.1/32", ["192.0.2.1/32"]),
        ("0.0.0.0/0", ["0.0.0.0/0"]),
        ("2001:db8::1", ["2001:db8::1/128"]),
        ("2001:DB8::ABCD", ["2001:db8::abcd/128"]),
        ("2001:db8::/32", ["2001:db8::/32"]),
        ("2001:db8::77/64", ["2001:db8::/64"]),
        ("2001:db8:1:2:3:4:5:6", ["2001:db8:1:2:3:4:5:6/128"]),
        ("2001:db8:f:a:b:c:d:e/127", ["2001:db8:f:a:b:c:d:e/127"]),
    ],
)
def test_a_text_that_is_an_entry_is_that_entry(text: str, cidrs: list[str]) -> None:
    assert found(text) == cidrs


@pytest.mark.parametrize("entry", ["192.0.2.1", "192.0.2.0/24", "2001:db8::1", "2001:db8::/32"])
@pytest.mark.parametrize(
    "around",
    [
        *("{}.", "{},", "{};", "({})", "[{}]", '"{}"', "'{}'", "<{}>", "*{}*", "{}:", "{}?", "{}!"),
        *(
            "{}...",
            "|{}|",
            "\t{}\r\n",
            "\xa0{}\xa0",
            "• {}",
            "- {}",
            "- {} -",
            "地址{}。",
            "{}- mx",
        ),
        *("ip4:{}", "IP6:{}", "+ip4:{}", "Address:{}", "node:{}", "mx-1:{}", "mx1 - {} - active"),
        *(
            "It is {} (since May).",
            "a {} b",
            "A - {}",
            "1. {}",
            "1) {}",
            "{} 5 - 7",
            "x: {}",
            "{} :x",
        ),
        *("\ufeff{}", "\u200b{}\u200b", "{}\u00ad"),
    ],
)
def test_what_stands_around_an_entry_does_not_hide_it(around: str, entry: str) -> None:
    assert found(around.format(entry)) == found(entry) != []


LOOKALIKES = {
    "versions": (
        "v1.2.3.4 1.2.3.4.5 5.1.2.3.4 1.2.3.4-beta 1.2.3.4-1a VERSION:1.2.3.4 openssl-1.2.3.4"
        " lib_1.2.3.4 1.2.3.4_5 1.2.3.4rc1 1.2.3.4~rc1 1.2.3.4+5.b 1.2.3.4-1 =1.2.3.4 ~1.2.3.4"
        " -1.2.3.4 #1.2.3.4 1.2.3.4%"
    ),
    "names, and parts of something else": (
        "1.2.0.192.in-addr.arpa 192.0.2.1.example.org mx.192.0.2.1 mail@192.0.2.1 192.0.2.1:25"
        " http://192.0.2.1/ https://192.0.2.1 //192.0.2.1/a /192.0.2.1 192.0.2.1/index"
        " x?ip=192.0.2.1&y C:\\192.0.2.1 192.0.2.1@x +49.30.12.34"
    ),
    "no IPv4 addresses": (
        "192.0.2 192.0.2. 192.0.2.256 999.0.2.1 192.0.2.01 1922.0.2.1 192.0.2.1000 192..0.2.1"
        " 192.0.2.1/33 192.0.2.1/024 192.0.2.1/ 192.0.2.1/24/ 192.0.2.0/-1 192.0.2.0/24.5"
        " \uff11\uff19\uff12.0.2.1 192.0.2.\u0663"
    ),
    "no IPv6 addresses": (
        "2001:db8 2001:db8: 2001:db8::1::2 2001:db8::/129 2001:db8::12345 2001:db8::g"
        " 2001:db8:::1 2001:db8::1%eth0 x2001:db8::1 2001:db8::1x 2001:db8:1:2:3:4:5:6:7"
        " 2001:db8::192.0.2.1 abc:2001:db8::1 abc:192.0.2.1"
    ),
    "IPv6 addresses in form only": (
        ":: ::1 ::/0 ::ffff:192.0.2.1 64:ff9b::192.0.2.1 foo::192.0.2.1 a::b fade::bed std::dead"
        " ::before 12:30:45 00:1a:2b:3c:4d:5e 00:1a:2b:ff:fe:3c:4d:5e 01:02:03:04:05:06:07:08"
        " fe80::1 2000::/2"
    ),
    "denied by a record": "-ip4:192.0.2.1 ~ip4:192.0.2.1 ?ip4:192.0.2.1 -ip6:2001:db8::/32",
}
WITH_SPACES = ["version 1.2.3.4.5", "version 1.2.3.4", "Version: 1.2.3.4", "Release 1.2.3.4"]
WITH_SPACES += ["version - 1.2.3.4", "build #1.2.3.4", "ver. 1.2.3.4", "192 . 0 . 2 . 1"]


@pytest.mark.parametrize(
    "text", [*WITH_SPACES, *(text for texts in LOOKALIKES.values() for text in texts.split())]
)
def test_what_only_looks_like_an_entry_is_none(text: str) -> None:
    assert found(text) == []
    assert found(f"see {text} there") == []


@pytest.mark.parametrize("dash", ["-", " - ", "- ", " -", "  -\t", "\u2013", " \u2013 ", "\u2014"])
def test_a_range_is_an_entry_with_any_dash(dash: str) -> None:
    assert list(networks_in(f"192.0.2.1{dash}192.0.2.9")) == [v4("192.0.2.1", "192.0.2.9")]
    assert list(networks_in(f"(2001:db8::1{dash}2001:db8::9)")) == [
        v6("2001:db8::1", "2001:db8::9")
    ]


@pytest.mark.parametrize("dash", ["-", "\u2010", "\u2011", "\u2012", "\u2013", "\u2014", "\u2212"])
def test_a_short_range_ends_in_the_last_octet(dash: str) -> None:
    assert list(networks_in(f"192.0.2.1{dash}9")) == [v4("192.0.2.1", "192.0.2.9")]
    assert list(networks_in(f"192.0.2.9{dash}9,")) == [v4("192.0.2.9", "192.0.2.9")]
    assert list(networks_in(f"[192.0.2.0{dash}255].")) == [v4("192.0.2.0", "192.0.2.255")]


@pytest.mark.parametrize(
    "text", ["192.0.2.9-1", "192.0.2.9-256", "2001:db8::1-9", "192.0.2.1-9-11", "192.0.2.0/24-25"]
)
def test_a_short_range_that_is_none_is_nothing(text: str) -> None:
    assert found(text) == []


def test_a_number_after_a_spaced_dash_is_no_end_of_a_range() -> None:
    assert found("192.0.2.1 - 25 servers") == ["192.0.2.1/32"]


def test_a_range_ends_on_its_line() -> None:
    assert found("192.0.2.1\n- 192.0.2.9\n- 192.0.2.12 -\n192.0.2.14") == [
        *("192.0.2.1/32", "192.0.2.9/32", "192.0.2.12/32", "192.0.2.14/32")
    ]


@pytest.mark.parametrize(
    "texts",
    [
        ("192.0.2.9", "192.0.2.1"),
        ("192.0.2.1", "2001:db8::1"),
        ("192.0.2.1", "192.0.2.3", "192.0.2.9"),
        ("192.0.2.1", "198.51.100.7"),
        ("2001:db8::1", "2a00::1"),
    ],
)
def test_addresses_with_dashes_between_that_are_no_range_are_addresses(
    texts: tuple[str, ...],
) -> None:
    assert found(" - ".join(texts)) == [str(ipaddress.ip_network(text)) for text in texts]


def test_a_range_is_as_wide_as_a_slash_12_or_28_at_most() -> None:
    assert list(networks_in("198.16.0.0-198.31.255.255")) == [v4("198.16.0.0", "198.31.255.255")]
    assert found("198.16.0.0-198.32.0.0") == ["198.16.0.0/32", "198.32.0.0/32"]
    last = "2001:dbf:ffff:ffff:ffff:ffff:ffff:ffff"
    assert list(networks_in(f"2001:db0::-{last}")) == [v6("2001:db0::", last)]
    assert found("2001:db0::-2001:dc0::") == ["2001:db0::/128", "2001:dc0::/128"]


def test_a_range_with_an_end_that_is_none_is_unclear() -> None:
    with pytest.raises(ValueError, match="is unclear"):
        found("192.0.2.1 - 192.0.2.300")


def test_a_range_with_an_end_that_is_part_of_something_else_is_its_beginning() -> None:
    assert found("192.0.2.1 - 192.0.2.9.example.org") == ["192.0.2.1/32"]


def test_an_address_after_a_dash_is_no_part_of_a_longer_text() -> None:
    assert found("192.0.2.1 - 2001:db8::1x") == ["192.0.2.1/32"]
    assert found("192.0.2.1-2001:db8::1x") == []
    assert found("192.0.2.1 - 2001:db8::1/128") == ["192.0.2.1/32", "2001:db8::1/128"]


def test_a_range_stays_in_its_family() -> None:
    assert found("::1 - 0.0.0.9") == ["0.0.0.9/32"]


def test_a_version_stands_on_its_line() -> None:
    assert found("Latest version\n192.0.2.1") == ["192.0.2.1/32"]


def test_a_word_that_ends_like_version_is_another() -> None:
    assert found("Receiver 192.0.2.1, conversion 192.0.2.2") == ["192.0.2.1/32", "192.0.2.2/32"]


def test_networks_with_a_dash_between_are_no_range() -> None:
    assert found("192.0.2.0/25 - 192.0.2.128/25") == ["192.0.2.0/25", "192.0.2.128/25"]


def test_invisible_characters_are_not_there() -> None:
    assert found("192.0.\u200b2.\u00ad1\u2060/\ufeff32") == ["192.0.2.1/32"]


def test_entries_come_in_the_order_of_the_text() -> None:
    assert found("2001:db8::/32, 198.51.100.0/24; 192.0.2.1|192.0.2.1") == [
        *("2001:db8::/32", "198.51.100.0/24", "192.0.2.1/32", "192.0.2.1/32")
    ]


def test_a_record_that_is_shown_gives_its_networks() -> None:
    record = "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -ip4:198.51.100.7 a:mx.example.org ~all"
    assert found(record) == ["192.0.2.0/24", "2001:db8::/32"]


ADDRESSES = st.integers(0x01000000, 0xDFFFFFFF).map(ipaddress.IPv4Address) | st.integers(
    0x2000 << 112, (0x4000 << 112) - 1
).map(ipaddress.IPv6Address)
SEPARATORS = st.sampled_from([", ", "\n", " | ", " and ", ";", " / ", "\u3001", ") (", "\t"])


@given(st.lists(ADDRESSES, min_size=1), SEPARATORS)
def test_every_address_of_a_list_is_found(
    listed: list[ipaddress.IPv4Address | ipaddress.IPv6Address], separator: str
) -> None:
    text = separator.join(map(str, listed))
    assert found(text) == [str(ipaddress.ip_network(each)) for each in listed]


@given(st.lists(ADDRESSES, min_size=1))
def test_every_exploded_address_is_found(
    listed: list[ipaddress.IPv4Address | ipaddress.IPv6Address],
) -> None:
    text = "\n".join(each.exploded.upper() for each in listed)
    assert found(text) == [str(ipaddress.ip_network(each)) for each in listed]


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**20 - 1), st.sampled_from(["-", " \u2013 "]))
def test_every_range_is_found(first: int, more: int, dash: str) -> None:
    ends: Range = (first, min(first + more, 2**32 - 1))
    text = dash.join(str(ipaddress.IPv4Address(end)) for end in ends)
    assert list(networks_in(text)) == [Networks.of(4, *ends)]


@given(st.text(alphabet="0129afgx.:/-\u2013 \n@", max_size=60) | st.text())
def test_any_text_gives_sets_that_are_not_empty_or_is_unclear(text: str) -> None:
    with suppress(ValueError):
        assert all(networks for networks in networks_in(text))


SHREDS = [
    *("192.0.2.1 - ", "192.0.2.1-", "1.", "1.1.1.1-1.1.1.1 ", "a:", "1:", "::", "1::1 - ", "a-"),
    *("::-", "1::-", "a1.1.1.1 - ", "192.0.2.1 - 1::1x", "192.0.2.1" + " " * 5000),
    *("+a", "-", "192.0.2.1        -", "\u2013", "g_:", "abcdefg:", "1.1.1.1 -1", " ", "\xad", "1"),
]


@pytest.mark.parametrize("shred", SHREDS)
def test_a_page_full_of_shreds_comes_to_an_end(shred: str) -> None:
    """Anything but linear time would take this for longer than anybody waits."""
    text = shred * ((1 << 19) // len(shred))
    assert sum(1 for _ in networks_in(text)) <= len(text) // 7
