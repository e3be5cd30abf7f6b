"""The words of reports: counts, problems, and text from DNS made harmless."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spfwhite.networks import EMPTY, Networks
from spfwhite.report import text
from spfwhite.spf.result import Problem
from spfwhite.wording import clipped, counts, cut, few, many, printable, span

ANY = st.text(max_size=300)


@pytest.mark.parametrize(
    ("networks", "numbers"),
    [
        ([], ["0", "0", "0", "0"]),
        (["192.0.2.0/24", "198.51.100.7"], ["2", "257", "0", "0"]),
        (["2001:db8::/48"], ["0", "0", "1", "65,536"]),
        (["10.0.0.0/8", "2001:db8::1"], ["1", "16,777,216", "1", "1"]),
    ],
)
def test_counts_are_of_networks_addresses_and_64s(networks: list[str], numbers: list[str]) -> None:
    words = counts(Networks.parse(networks)).replace("(", "").split()
    assert [word for word in words if word[0].isdigit()] == numbers


def test_nothing_counts_as_nothing() -> None:
    assert counts(EMPTY) == counts(Networks.parse([]))


def test_a_problem_names_kind_domain_term_and_detail() -> None:
    line = text.problem(Problem("syntax", "a.test", "ip4:x", "is not an address"))
    for part in ("syntax", "a.test", "ip4:x", "is not an address"):
        assert part in line
    assert "widens" not in line


def test_a_problem_of_a_whole_record_has_no_empty_term() -> None:
    line = text.problem(Problem("missing", "a.test", "", "a.test does not exist"))
    assert line == "missing: a.test does not exist", "which names it once"
    line = text.problem(Problem("missing", "a.test", "", "no answer"))
    assert line == "missing: a.test: no answer"


def test_a_problem_that_widens_says_so() -> None:
    assert "widens" in text.problem(Problem("loop", "a.test", "-include:a.test", "x", widens=True))


@given(ANY, ANY, ANY)
def test_a_problem_is_one_line_of_printable_ascii_of_bounded_length(
    domain: str, term: str, detail: str
) -> None:
    line = text.problem(Problem("temporary", domain, term, detail))
    assert line.isascii()
    assert line.isprintable()
    assert len(line) < 750


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain ~!", "plain ~!"),
        ("\x1b[31m", "\\027[31m"),
        ("a\nb", "a\\010b"),
        ("\0", "\\000"),
        ("\x7f", "\\127"),
        ("\u00e9", "\\195\\169"),
    ],
)
def test_all_but_printable_ascii_is_shown_as_a_number(raw: str, shown: str) -> None:
    assert printable(raw) == shown


@given(st.text())
def test_printable_text_is_one_line_of_ascii(raw: str) -> None:
    assert printable(raw).isascii()
    assert printable(raw).isprintable()


@given(st.text(max_size=1000))
def test_clipped_text_has_200_characters_and_dots_at_most(raw: str) -> None:
    assert len(clipped(raw)) <= 203
    assert clipped(raw)[:200] == printable(raw)[:200]


def test_one_of_a_thing_is_no_plural() -> None:
    one = Networks.parse(["192.0.2.1"])
    assert counts(one) == "1 IPv4 network (1 address), 0 IPv6 (0 /64s)"
    two = Networks.parse(["192.0.2.0/31", "192.0.2.8"])
    assert counts(two).startswith("2 IPv4 networks (3 addresses), ")
    assert [span(age) for age in (0, 1, 1.6)] == ["0 seconds", "1 second", "2 seconds"]


def test_a_list_that_is_cut_says_how_many_more_there_are() -> None:
    texts = ["a", "b", "c"]
    assert [few(texts, most) for most in (3, 2)] == ["a, b, c", "a, b and 1 more"]
    assert few(texts, 3, total=1_003) == "a, b, c and 1,000 more"
    assert few([], 3) == ""


def test_lines_that_are_cut_are_followed_by_how_many_more_there_are() -> None:
    lines = ["a", "b", "c"]
    assert list(cut(lines, 3)) == lines
    assert list(cut(lines, 2)) == ["a", "b", "  and 1 more; -v lists them"]
    assert list(cut(lines * 500, 0, " rules")) == ["  and 1,500 more rules"]


def test_a_number_of_things_has_their_plural() -> None:
    assert [many(number, "client") for number in (0, 1, 2_000)] == [
        "0 clients",
        "1 client",
        "2,000 clients",
    ]
    assert many(2, "address", "es") == "2 addresses"
