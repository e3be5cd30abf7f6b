"""How wide one term may be."""

from __future__ import annotations

import pytest

from spfwhite.networks import EMPTY, EVERYTHING, Networks
from spfwhite.spf import record as spf
from spfwhite.spf.width import ANY_WIDTH, Widest

WIDEST = Widest(ipv4=12, ipv6=28)
BOTH = Networks.parse(["192.0.2.0/24", "2001:db8::/32"])


def term(text: str) -> spf.Term:
    (one,) = spf.parse(f"v=spf1 {text}").terms
    return one


@pytest.mark.parametrize(
    "text",
    [
        "ip4:192.0.0.0/12",
        "ip6:2001:db8::/28",
        "a/12//28",
        "a",
        "mx/24",
        "include:a.test",
        "redirect=a.test",
    ],
)
def test_a_term_that_is_not_too_wide_keeps_all(text: str) -> None:
    assert WIDEST.narrowed(term(text), BOTH) == BOTH


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("all", []),
        ("ip4:192.0.0.0/11", ["2001:db8::/32"]),
        ("ip6:2001:db8::/27", ["192.0.2.0/24"]),
        ("a/11", ["2001:db8::/32"]),
        ("mx//27", ["192.0.2.0/24"]),
        ("a/12//27", ["192.0.2.0/24"]),
        ("a/11//28", ["2001:db8::/32"]),
        ("a/11//27", []),
    ],
)
def test_a_family_that_is_too_wide_goes_and_the_other_stays(text: str, left: list[str]) -> None:
    assert WIDEST.narrowed(term(text), BOTH).texts() == left


@pytest.mark.parametrize("text", ["-all", "~ip4:0.0.0.0/0", "?ip6:2000::/3", "-a/0//0"])
def test_a_directive_that_adds_nothing_may_be_as_wide_as_it_likes(text: str) -> None:
    assert WIDEST.narrowed(term(text), EVERYTHING) == EVERYTHING


@pytest.mark.parametrize("text", ["all", "ip4:0.0.0.0/0", "ip6:::/0", "a/0//0"])
def test_zero_allows_every_width(text: str) -> None:
    assert ANY_WIDTH.narrowed(term(text), EVERYTHING) == EVERYTHING


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("all", "a /0 is wider than the /12 of safety.widest_ipv4"),
        ("ip4:192.0.0.0/11", "a /11 is wider than the /12 of safety.widest_ipv4"),
        ("a/11//27", "a /11 is wider than the /12 of safety.widest_ipv4"),
        ("ip6:2001:db8::/27", "a /27 is wider than the /28 of safety.widest_ipv6"),
        ("a/24//27", "a /27 is wider than the /28 of safety.widest_ipv6"),
        ("a/12//27", "a /27 is wider than the /28 of safety.widest_ipv6"),
    ],
)
def test_the_fault_names_the_width_the_limit_and_its_key(text: str, detail: str) -> None:
    fault = WIDEST.fault(term(text))
    assert (fault.kind, fault.detail) == ("too-wide", detail)


def test_all_is_wider_than_a_limit_of_1_in_both_families() -> None:
    assert Widest(ipv4=1, ipv6=1).narrowed(term("all"), BOTH) == EMPTY


@pytest.mark.parametrize("text", ["ip4:192.0.0.0/12", "ip6:2001:db8::/28", "a/12//28", "-all"])
def test_a_term_is_allowed_up_to_both_limits(text: str) -> None:
    assert WIDEST.allows(term(text))


@pytest.mark.parametrize("text", ["ip4:192.0.0.0/11", "ip6:2001:db8::/27", "a/12//27", "all"])
def test_a_term_beyond_either_limit_is_not_allowed(text: str) -> None:
    assert not WIDEST.allows(term(text))


@pytest.mark.parametrize("texts", [[], ["192.0.0.0/12", "2001:db0::/28"]])
def test_a_set_is_admitted_if_each_of_its_cidrs_is(texts: list[str]) -> None:
    assert WIDEST.admits(Networks.parse(texts))


@pytest.mark.parametrize("wide", ["192.0.0.0/11", "2001:da0::/27"])
def test_a_set_with_one_cidr_that_is_too_wide_is_not_admitted(wide: str) -> None:
    assert not WIDEST.admits(Networks.parse(["10.0.0.0/24", "2001:db0::/28", wide]))


@pytest.mark.parametrize(
    ("text", "remembered", "left"),
    [
        # no wider than a term may be, whatever the term
        ("all", ["192.0.2.0/24"], ["192.0.2.0/24"]),
        ("ip4:20.0.0.0/24", ["192.0.2.0/24"], ["192.0.2.0/24"]),
        ("a/11", ["192.0.0.0/11", "2001:db8::/32"], ["2001:db8::/32"]),
        ("ip4:192.0.0.0/11", ["192.0.0.0/11", "2001:db8::/32"], []),
        # what an include has joined is no wider than its terms
        ("include:a.test", ["192.0.0.0/11"], ["192.0.0.0/11"]),
        # what the term of today does not name has come from another of the same text
        ("ip4:192.0.0.0/12", ["192.0.0.0/11"], ["192.0.0.0/12"]),
        # a list of single addresses, whose name is no term
        ("https://a.test/list", ["192.0.0.0/11"], ["192.0.0.0/11"]),
        ("all all", ["192.0.0.0/11"], []),
        ("a a", ["192.0.0.0/11"], []),
        ("", ["192.0.0.0/11"], []),
    ],
)
def test_what_is_remembered_of_a_term_is_narrowed_as_the_term_is(
    text: str, remembered: list[str], left: list[str]
) -> None:
    assert WIDEST.admitted(text, Networks.parse(remembered)).texts() == left
