"""Which texts are SPF records, and what holds for a record as a whole (RFC 7208 4.5 to 6.1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spfwhite.spf import record as spf
from spfwhite.spf.reach import reached_terms
from spfwhite.spf.record import All, Ignored, Malformed, Redirect


@pytest.mark.parametrize(
    "text", ["v=spf1", "V=SPF1", "v=spf1 ", "V=sPf1 -all", "v=spf1  ", "v=spf1 v=spf1"]
)
def test_an_spf_record_is_the_version_alone_or_before_a_space(text: str) -> None:
    assert spf.spf_texts([text]) == [text]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "v=spf",
        "v=spf10",
        "v=spf10 all",
        "v=spf1;",
        "v=spf1\tall",
        "v=spf1\n",
        "v=spf1\xa0all",
        " v=spf1 all",
        "\ufeffv=spf1 all",
        '"v=spf1 all"',
        "v =spf1 all",
        "v=spf2 all",
        "spf2.0/mfrom all",
        "v=\u017fpf1 all",
        "v=spf\uff11 all",
    ],
)
def test_any_other_text_is_no_spf_record(text: str) -> None:
    assert spf.spf_texts([text]) == []


def test_several_spf_records_are_all_returned_and_other_texts_are_not() -> None:
    texts = ["v=spf1 a", "other", "V=SPF1 mx"]
    assert spf.spf_texts(texts) == ["v=spf1 a", "V=SPF1 mx"]


def test_a_record_may_have_no_term_at_all() -> None:
    assert spf.parse("v=spf1").terms == ()
    assert spf.parse("v=spf1   ").terms == ()


def test_terms_keep_their_order_and_spelling_between_any_number_of_spaces() -> None:
    record = spf.parse("v=spf1  -A   ?Ip4:192.0.2.1 ~ALL ")
    assert [term.text for term in record.terms] == ["-A", "?Ip4:192.0.2.1", "~ALL"]


def redirect(text: str) -> str | None:
    terms = reached_terms(spf.parse(text))
    found = [term.text for term in terms if isinstance(term.body, spf.Redirect)]
    return found[0] if found else None


@pytest.mark.parametrize(
    "text",
    [
        "v=spf1 redirect=a.test",
        "v=spf1 redirect=a.test mx",
        "v=spf1 -mx redirect=a.test exp=b.test",
    ],
)
def test_the_redirect_counts_wherever_it_stands(text: str) -> None:
    assert redirect(text) == "redirect=a.test"


@pytest.mark.parametrize("word", ["all", "-all", "?ALL"])
def test_no_redirect_counts_beside_an_all_wherever_it_stands(word: str) -> None:
    assert redirect(f"v=spf1 redirect=a.test {word}") is None
    assert redirect(f"v=spf1 {word} redirect=a.test") is None


def test_a_malformed_all_leaves_the_redirect_standing() -> None:
    assert redirect("v=spf1 all:x.org redirect=a.test") == "redirect=a.test"


@pytest.mark.parametrize("name", ["redirect", "exp"])
def test_a_second_redirect_or_exp_is_malformed_and_the_first_is_not(name: str) -> None:
    """RFC 7208 section 6, in any case of letters."""
    first, _, second = spf.parse(f"v=spf1 {name}=a.test mx {name.upper()}=a.test").terms
    assert isinstance(first.body, Redirect | Ignored)
    assert isinstance(second.body, Malformed)
    assert second.body.reason == f"is a second {name}="


def test_unknown_modifiers_may_be_repeated() -> None:
    bodies = [term.body for term in spf.parse("v=spf1 x=1 x=2").terms]
    assert [(type(body), body) for body in bodies] == [(Ignored, Ignored())] * 2


def test_terms_after_a_malformed_one_are_parsed() -> None:
    assert isinstance(spf.parse("v=spf1 moo all").terms[1].body, All)


PIECES = st.sampled_from(
    [*"%{}.:/=-+~?0123456789adr _", "%{d", "%{", "ip4:", "ip6:", "a:", "mx/", "redirect=", "all"]
)


@given(st.text())
def test_parse_raises_nothing_for_any_text(text: str) -> None:
    spf.parse("v=spf1 " + text)


@given(st.lists(PIECES).map("".join))
def test_parse_raises_nothing_for_any_text_of_pieces_of_the_grammar(text: str) -> None:
    spf.parse("v=spf1 " + text)


@pytest.mark.parametrize(
    "term",
    [
        "a:%{d" + "1" * 5000 + "}.example.org",
        "a:%{d" + "0" * 5000 + "}.example.org",
        "a/" + "1" * 5000,
        "ip4:192.0.2.1/" + "1" * 5000,
        "ip4:" + "1" * 60_000,
        "ip6:" + ":" * 60_000,
        "a:" + "a." * 30_000,
        "a:" + "%{d}" * 15_000,
        "a:" + "a-" * 30_000 + ".",
        "x=" + "%" * 60_000,
        "x" * 60_000,
    ],
    ids=lambda term: term[:12],
)
def test_parse_raises_nothing_for_a_term_of_any_length(term: str) -> None:
    (one,) = spf.parse(f"v=spf1 {term}").terms
    assert one.text == term
