"""Macros in a domain-spec, for a record at a known domain (RFC 7208 section 7)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spfwhite.spf.record import expand

DOMAIN = "email.example.com"


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        # the examples of section 7.4
        ("%{d}", "email.example.com"),
        ("%{d4}", "email.example.com"),
        ("%{d3}", "email.example.com"),
        ("%{d2}", "example.com"),
        ("%{d1}", "com"),
        ("%{dr}", "com.example.email"),
        ("%{d2r}", "example.email"),
        # and beyond
        ("%{D}", "email.example.com"),
        ("%{dR}", "com.example.email"),
        ("%{d999999}", "email.example.com"),
        ("%{d" + "9" * 5000 + "}", "email.example.com"),
        ("%{d02}", "example.com"),
        ("%{d1}.%{d2}._spf.%{d}", "com.example.com._spf.email.example.com"),
        ("a.test", "a.test"),
        ("A.Test.", "A.Test."),
        ("%%%_%-.%{d1}", "% %20.com"),
        ("%%{d}.test", "%{d}.test"),
    ],
)
def test_a_domain_spec_expands_to(spec: str, name: str) -> None:
    assert expand(spec, DOMAIN) == name


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("%{d-}", "a.b_c.example.org"),
        ("%{dr-}", "b_c.example.org.a"),
        ("%{d1r-}", "a"),
        ("%{d1-}", "b_c.example.org"),
        ("%{d_}", "a-b.c.example.org"),
        ("%{d2-_}", "b.c.example.org"),
        ("%{d3.-_}", "c.example.org"),
        ("%{dr.-_}", "org.example.c.b.a"),
        ("%{d+,/=}", "a-b_c.example.org"),
    ],
)
def test_delimiters_split_and_dots_join(spec: str, name: str) -> None:
    assert expand(spec, "a-b_c.example.org") == name


def test_an_upper_case_letter_escapes_all_but_the_unreserved_characters() -> None:
    domain = "a-b_c~d!e/f%g.test"
    assert expand("%{D}", domain) == "a-b_c~d%21e%2Ff%25g.test"
    assert expand("%{d}", domain) == domain


@pytest.mark.parametrize("letter", "sloiphvSLOIPHV")
def test_every_letter_but_d_depends_on_the_client_or_the_sender(letter: str) -> None:
    assert expand(f"%{{{letter}}}.test", DOMAIN) is None
    assert expand(f"%{{d}}.%{{{letter}2r-}}", DOMAIN) is None


LONG = ".".join(["a" * 49] * 5)
"""249 characters."""


def test_a_name_of_253_characters_is_not_shortened() -> None:
    name = f"b.b.{LONG}"
    assert len(name) == 253
    assert expand(name, DOMAIN) == name
    assert expand(f"{name}.", DOMAIN) == f"{name}."


def test_a_longer_name_loses_labels_from_the_left_until_it_fits() -> None:
    assert expand(f"b.bb.{LONG}", DOMAIN) == f"bb.{LONG}"
    assert expand(f"b.c.bbbb.{LONG}", DOMAIN) == LONG
    assert expand("%{d}.%{d}", LONG) == LONG


def test_a_label_longer_than_that_is_left_for_the_caller_to_refuse() -> None:
    assert expand("a" * 300, DOMAIN) == "a" * 300


@given(st.lists(st.from_regex(r"[a-z]{1,9}", fullmatch=True), min_size=1, max_size=8), st.data())
def test_digits_keep_that_many_labels_from_the_right_and_r_reverses_first(
    labels: list[str], data: st.DataObject
) -> None:
    keep = data.draw(st.integers(1, 10))
    domain = ".".join(labels)
    assert expand(f"%{{d{keep}}}", domain) == ".".join(labels[-keep:])
    assert expand(f"%{{d{keep}r}}", domain) == ".".join(labels[::-1][-keep:])
