"""How wide one term may be."""

from __future__ import annotations

import pytest

from spfwhite.networks import EVERYTHING, Networks
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
    ],
)
def test_the_fault_names_the_width_the_limit_and_its_key(text: str, detail: str) -> None:
    fault = WIDEST.fault(term(text))
    assert (fault.kind, fault.detail) == ("too-wide", detail)
