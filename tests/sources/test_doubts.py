"""Rows that a page is refused for, and those beside them that are plain."""

from __future__ import annotations

import re

import pytest

from spfwhite.sources.page_addresses import networks_in
from spfwhite.sources.page_text import visible_text


def listed(source: str, kind: str = "text/plain") -> list[str]:
    text = visible_text(source.encode(), kind)
    return [cidr for networks in networks_in(text) for cidr in networks.texts()]


def row(*cells: str) -> str:
    """Return a table of a row between two others."""
    middle = "".join(f"<td><p>{cell}</p></td>" for cell in cells)
    return f"<table><tr><th>From<th>To</tr><tr>{middle}</tr><tr><td>9</td></tr></table>"


@pytest.mark.parametrize(
    "line",
    [
        "198.51.100.0 to 198.51.100.127",
        "from 198.51.100.0 through 198.51.100.127",
        "198.51.100.0 bis 198.51.100.127",
        "198.51.100.0 ... 198.51.100.127",
        "2001:db8::1 TO 2001:db8::9",
        "198.51.100.0 - 127",
        "198.51.100.0 / 25",
        "198.51.100.0 /25 (mail)",
        "198.51.100.0 255.255.255.128",
        "198.51.100.0/255.255.255.128",
        "198.51.100.0, netmask 255.255.255.128",
        "198.51.100.*",
        "198.51.*.*",
        "198.51.100.x",
        "198.51.100.0 - 198.51.100.300",
        "203.0.113.7 reject",
        "203.0.113.0/24\tREJECT",
        "203.0.113.0/24 dunno",
        "| 198.51.100.0 | 198.51.100.127 |",
        "198.51.100.0\t198.51.100.127",
        "198.51.100.0\t/25",
        "198.51.100.0 | 25",
        "1.1.1.1 Scope",
        "2.3.1.4. Terms of use",
    ],
)
def test_a_page_with_a_line_that_is_unclear_is_refused_with_that_line(line: str) -> None:
    words = re.escape(" | ".join(filter(None, map(str.strip, re.split(r"[|\t]", line)))))
    with pytest.raises(ValueError, match=f'^is not read: what it means by "{words}" is unclear$'):
        listed(f"192.0.2.1\n{line}\n192.0.2.9\n")


@pytest.mark.parametrize(
    "cells",
    [
        ("198.51.100.0", "198.51.100.127"),
        ("2001:db8::", "2001:db8::ff"),
        ("198.51.100.0", "255.255.255.128"),
        ("198.51.100.0", "/25"),
        ("198.51.100.0", "25"),
        ("mail", "198.51.100.0", "to", "198.51.100.127"),
        ("198.51.100.4", "reject"),
    ],
)
def test_cells_of_a_row_that_are_parts_of_one_network_are_unclear(cells: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="is unclear"):
        listed(row(*cells), "text/html")
    with pytest.raises(ValueError, match="is unclear"):
        listed(",".join(cells), "text/csv")


@pytest.mark.parametrize(
    "source",
    [
        '{"start": "198.51.100.0", "end": "198.51.100.127"}',
        '[{"ip": "198.51.100.0", "prefix": 25}]',
        '[{"address": "203.0.113.0", "cidr": "28"}]',
        '{"a": {"network": "198.51.100.0", "mask": "255.255.255.128"}}',
    ],
)
def test_texts_of_an_object_that_are_parts_of_one_network_are_unclear(source: str) -> None:
    with pytest.raises(ValueError, match="is unclear"):
        listed(source, "application/json")


@pytest.mark.parametrize(
    ("line", "cidrs"),
    [
        ("198.51.100.4 and 198.51.100.9", ["198.51.100.4/32", "198.51.100.9/32"]),
        ("198.51.100.4, 198.51.100.9", ["198.51.100.4/32", "198.51.100.9/32"]),
        ("198.51.100.0 - 25 servers", ["198.51.100.0/32"]),
        ("198.51.100.4 | 25", ["198.51.100.4/32"]),
        ("198.51.100.4 | 32", ["198.51.100.4/32"]),
        ("198.51.100.9 | 198.51.100.4", ["198.51.100.9/32", "198.51.100.4/32"]),
        ("198.51.100.4 | 203.0.113.9", ["198.51.100.4/32", "203.0.113.9/32"]),
        ("198.51.100.4 | 2001:db8::4", ["198.51.100.4/32", "2001:db8::4/128"]),
        ("198.51.100.4 | 198.51.100.5 | 198.51.100.6", [f"198.51.100.{n}/32" for n in (4, 5, 6)]),
        ("198.51.100.0 | 198.51.100.0/25 | 255.255.255.128 | 25", ["198.51.100.0/32"]),
        ("198.51.100.4 permit", ["198.51.100.4/32"]),
        ("198.51.100.4 Terms", ["198.51.100.4/32"]),
        ("see section 3.2.1.5 for 198.51.100.4", ["198.51.100.4/32"]),
        ("198.51.100.4 to our hosts, jQuery 2.x and 1.2.x", ["198.51.100.4/32"]),
    ],
)
def test_a_line_that_is_plain_is_read(line: str, cidrs: list[str]) -> None:
    assert listed(line)[: len(cidrs)] == cidrs
    assert {*listed(line)} - {*cidrs} <= {"198.51.100.0/25"}


def test_two_addresses_in_one_cell_are_two() -> None:
    source = "<table><tr><td>192.0.2.1<br>192.0.2.2</td><td>mail</td></tr></table>"
    assert listed(source, "text/html") == ["192.0.2.1/32", "192.0.2.2/32"]


def test_a_network_beside_its_parts_is_read_by_itself() -> None:
    source = """{"items": [{"network": "198.51.100.0", "mask_len": 25, "cidr": "198.51.100.0/25",
      "mask": "255.255.255.128", "direction": ["egress"]},
     {"network": "2001:db8:1::", "mask_len": 48, "cidr": "2001:db8:1::/48", "mask": "ffff::"}]}"""
    assert {*listed(source, "application/json")} == {
        *("198.51.100.0/32", "198.51.100.0/25", "2001:db8:1::/128", "2001:db8:1::/48")
    }


def test_a_mask_by_itself_is_no_address() -> None:
    assert listed("255.255.255.0\n192.0.2.1") == ["192.0.2.1/32"]


@pytest.mark.parametrize(
    "shred", ["1.1.1.1 to ", "1.x.", "*.", "1.*.", "/ 1", "\x1e", "0\x1e", "~"]
)
def test_a_page_full_of_shreds_of_doubt_comes_to_an_end(shred: str) -> None:
    """Anything but linear time would take this for longer than anybody waits."""
    text = shred * ((1 << 19) // len(shred))
    try:
        assert list(networks_in(text)) == []
    except ValueError:
        assert "1" in shred


@pytest.mark.parametrize(
    "shred", ["9.0.2.0\x1e25\x1e", "9.0.2.7 ", "9.0.2.7,\x1e", "9.0.2.0/24 9.0.3.7 "]
)
def test_a_row_full_of_addresses_and_numbers_comes_to_an_end(shred: str) -> None:
    count = (1 << 19) // len(shred)
    assert sum(1 for _ in networks_in(shred * count)) == count * shred.count(".") // 3


def test_a_line_without_end_is_refused() -> None:
    with pytest.raises(ValueError, match="has a line of more than 524,288 characters"):
        list(networks_in("192.0.2.1 " * 52_429))
