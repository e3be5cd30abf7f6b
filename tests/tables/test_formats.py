"""Each format, byte by byte as the golden file of its name has it, and what no format may do."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from spfwhite.config.settings import FORMAT_NAMES, Action, FormatName
from spfwhite.tables.content import owner_of, render, rules_in
from spfwhite.tables.formats import FORMATS, Row, Rows, Source

GOLDEN = Path(__file__).parents[1] / "golden"
CHANGED = datetime(2026, 11, 1, 4, 30, tzinfo=UTC)
SUMMARY = "2 IPv4 and 1 IPv6 networks of 2 providers"

GOOGLE = Source("google", ("_spf.google.com", "_netblocks.google.com"), "ip4:192.0.2.0/24")
BRAZE = Source("braze", (), "networks")
ROWS = (
    Row("192.0.2.0/24", 4, (GOOGLE, BRAZE)),
    Row("198.51.100.7/32", 4, (BRAZE,)),
    Row("2001:db8::/32", 6, (GOOGLE._replace(term='IP6:2001:db8::/32"\x07'),)),
)

each_format = pytest.mark.parametrize("name", FORMAT_NAMES)


def listing(rows: tuple[Row, ...] = ROWS, action: Action = "permit") -> Rows:
    return Rows("allow-list", action, (4, 6), rows)


def written(name: FormatName, listed: Rows) -> bytes:
    form = FORMATS[name]
    lines = list(form.lines(listed))
    return render(form, f"allow-list.{name}", "1.2.3", lines, CHANGED, SUMMARY)


@each_format
def test_a_table_is_the_golden_one_to_the_byte(name: FormatName) -> None:
    assert written(name, listing()) == (GOLDEN / name).read_bytes()


def test_every_format_has_a_golden_file_and_every_golden_file_a_format() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == set(FORMAT_NAMES) == FORMATS.keys()


@each_format
def test_a_table_is_known_as_ours_and_its_rules_are_what_is_not_head(name: FormatName) -> None:
    content = written(name, listing())
    assert owner_of(content) == "ours"
    again = written(name, listing()).replace(b"2026-11-01", b"2027-01-31")
    assert again != content
    assert rules_in(again) == rules_in(content)
    fewer = written(name, listing(ROWS[:1]))
    assert rules_in(fewer) != rules_in(content)


@each_format
def test_a_table_without_networks_is_a_table(name: FormatName) -> None:
    content = written(name, listing(()))
    assert owner_of(content) == "ours"
    assert not re.search(rb"^[0-9]", content, re.MULTILINE)


@each_format
def test_an_access_table_never_says_ok(name: FormatName) -> None:
    """Before reject_unauth_destination, OK would relay for every customer of a sender."""
    for action in ("permit", "reject"):
        for listed in (listing(), listing(action=action)):
            assert not re.search(rb"\bOK\b", written(name, listed), re.IGNORECASE)


def test_the_access_table_of_rejects_rejects() -> None:
    assert list(FORMATS["access"].lines(listing(ROWS[:1], "reject"))) == ["192.0.2.0/24\tREJECT"]


def test_json_holds_each_network_with_its_providers_and_chains() -> None:
    networks = json.loads(written("json", listing()))["networks"]
    assert [each["network"] for each in networks] == [row.network for row in ROWS]
    assert networks[0]["sources"] == [
        {"provider": "google", "chain": list(GOOGLE.chain), "term": "ip4:192.0.2.0/24"},
        {"provider": "braze", "chain": [], "term": "networks"},
    ]
    assert networks[2]["sources"][0]["term"] == 'IP6:2001:db8::/32"\\007'


def test_json_without_networks_can_be_parsed() -> None:
    assert json.loads(written("json", listing(())))["networks"] == []


@pytest.mark.parametrize(
    ("name", "named"),
    [("allow", "allow"), ("9-a.b", "_9_a_b"), ("my list;flush", "my_list_flush"), ("", "_")],
)
def test_the_name_of_a_set_is_one_that_nft_takes(name: str, named: str) -> None:
    first = next(
        line
        for line in FORMATS["nft"].lines(Rows(name, "permit", (4,), ()))
        if line.startswith("add set")
    )
    assert first.split()[4] == f"{named}_v4"
