"""Patterns of host names: what they stand for, and the sentences for those that are none."""

from __future__ import annotations

import itertools
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spfwhite.config.patterns import MAX_NAMES, expand


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("mx.example.net", ["mx.example.net"]),
        ("mx{1..3}.example.net", ["mx1.example.net", "mx2.example.net", "mx3.example.net"]),
        ("mx{9..11}.example.net", ["mx9.example.net", "mx10.example.net", "mx11.example.net"]),
        ("mx{09..11}.example.net", ["mx09.example.net", "mx10.example.net", "mx11.example.net"]),
        ("mx{9..010}.example.net", ["mx009.example.net", "mx010.example.net"]),
        ("mx{0..1}.example.net", ["mx0.example.net", "mx1.example.net"]),
        ("mx{0..10}.test", [f"mx{number}.test" for number in range(11)]),
        ("mx{7..7}.example.net", ["mx7.example.net"]),
        ("{a,b}.example.net", ["a.example.net", "b.example.net"]),
        ("mx{,-out}.example.net", ["mx.example.net", "mx-out.example.net"]),
        ("{mx.de,out}.example.net", ["mx.de.example.net", "out.example.net"]),
        ("{a,b}{1..2}.test.", ["a1.test", "a2.test", "b1.test", "b2.test"]),
        ("MX{A,b}.Example.NET", ["mxa.example.net", "mxb.example.net"]),
        ("mx.example.{net,org}", ["mx.example.net", "mx.example.org"]),
    ],
)
def test_a_pattern_stands_for_its_names_in_order(pattern: str, names: list[str]) -> None:
    assert expand(pattern) == names


def test_a_large_sender_is_one_pattern() -> None:
    names = expand("{1..99}.mo{1..300}.mail-out.ovh.net")
    assert len(set(names)) == len(names) == 29_700
    assert names[0] == "1.mo1.mail-out.ovh.net"
    assert names[-1] == "99.mo300.mail-out.ovh.net"


@pytest.mark.parametrize(
    "pattern",
    ["{a,b.test", "a,b}.test", "{a,{b,c}}.test", "a}{b.test", "{{1..2}}.test", "}.test", "{.test"],
)
def test_braces_come_in_pairs_and_do_not_nest(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"^has a brace without its partner, or braces in braces$"):
        expand(pattern)


@pytest.mark.parametrize(
    "inside",
    [
        "",
        "a",
        "1",
        "1..",
        "..9",
        "1...9",
        "a..c",
        "-1..3",
        "1..3..2",
        "1 .. 3",
        "1..1234567890",
        "0123456789..9",
        "١..٣",
    ],
)
def test_the_inside_of_braces_is_a_range_or_a_list(inside: str) -> None:
    with pytest.raises(ValueError, match=r"which is neither \{1..20\} nor \{a,b\}$"):
        expand(f"mx{{{inside}}}.example.net")


def test_a_range_runs_upwards() -> None:
    with pytest.raises(ValueError, match=r"^has \{3..1\}, which ends before it begins$"):
        expand("mx{3..1}.example.net")


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("{a,}.example.net", ".example.net"),
        ("mx{a,-}.test", "mx-.test"),
        ("{a,b c}.test", "b c.test"),
        ("{mx,é}.test", r"\195\169.test"),
        ("{a,localhost}", "a"),
        ("10.0.0.{1..3}", "10.0.0.1"),
        (f"{{1..2}}{'a' * 63}.test", f"1{'a' * 63}.test"),
        ("", ""),
        ("{1..2}..test", "1..test"),
    ],
)
def test_every_name_is_a_host_name(pattern: str, name: str) -> None:
    with pytest.raises(ValueError, match=r"^stands for .*, which ") as raised:
        expand(pattern)
    assert str(raised.value).startswith(f"stands for {name}, which ")


def test_as_many_names_as_the_cap_are_made_and_no_more() -> None:
    assert len(expand(f"{{1..{MAX_NAMES}}}.test")) == MAX_NAMES
    with pytest.raises(ValueError, match=r"^stands for more than 100,000 names$"):
        expand(f"{{0..{MAX_NAMES}}}.test")


def test_the_cap_is_the_callers() -> None:
    assert len(expand("{a,b}.{1..3}.test", cap=6)) == 6
    with pytest.raises(ValueError, match=r"^stands for more than 5 names$"):
        expand("{a,b}.{1..3}.test", cap=5)


@pytest.mark.parametrize("pattern", ["{1..999999999}.test", "{0..999999999}." * 1000 + "test"])
def test_names_are_counted_before_any_is_made(pattern: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="stands for more than"):
            expand(pattern)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


@given(st.text(alphabet="{}.,0123456789ab-\u00e9 ", max_size=30))
def test_any_text_gives_host_names_or_a_sentence(pattern: str) -> None:
    try:
        names = expand(pattern, cap=1000)
    except ValueError as fault:
        assert str(fault).startswith(("has ", "stands for "))
    else:
        assert 0 < len(names) <= 1000
        assert all(name == expand(name)[0] for name in names)


PIECES = st.lists(st.lists(st.sampled_from("abcxyz019"), min_size=2, max_size=4), max_size=4)


@given(PIECES)
def test_lists_are_multiplied(pieces: list[list[str]]) -> None:
    pattern = "".join(f"{{{','.join(piece)}}}" for piece in pieces)
    made = ["".join(parts) + "m.test" for parts in itertools.product(*pieces)]
    assert expand(f"{pattern}m.test") == made
