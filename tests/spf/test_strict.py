"""Strict mode: never wider than `check_host`, and equal to it where the counters agree."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spfwhite.networks import Networks
from spfwhite.spf.evaluation import evaluate
from spfwhite.spf.width import ANY_WIDTH, Widest
from tests.support.generated import boundaries, zones
from tests.support.oracle import Zone, check_host
from tests.support.zones import Snapshot, domains

strictly = partial(evaluate, strict=True)


def passes(zone: Zone, domain: str = "a.test", widest: Widest = ANY_WIDTH) -> Networks:
    return strictly([domain], Snapshot(zone), widest=widest).root(domain).passed


@pytest.mark.slow
@settings(max_examples=200)
@given(st.sampled_from([ANY_WIDTH, Widest(12, 28)]), zones())
def test_never_wider_than_check_host(widest: Widest, zone: Zone) -> None:
    addresses = boundaries(zone)
    for name in domains(zone):
        passed = passes(zone, name, widest)
        for address in addresses:
            if address in passed:
                assert check_host(zone, name, address) == "pass", (name, address)


@pytest.mark.slow
@settings(max_examples=150)
@given(zones(uniform_counters=True))
def test_equal_to_check_host_where_the_counters_agree(zone: Zone) -> None:
    addresses = boundaries(zone)
    for name in domains(zone):
        passed = passes(zone, name)
        for address in addresses:
            expected = check_host(zone, name, address) == "pass"
            assert (address in passed) == expected, (name, address)


def test_what_an_include_cannot_decide_leaves_the_outer_fold() -> None:
    zone: Zone = {
        ("a.test", "TXT"): ("v=spf1 include:inner.test ip4:192.0.2.0/24 -all",),
        ("inner.test", "TXT"): ("v=spf1 -ip4:192.0.2.0/28 a:timing-out.test -all",),
        ("timing-out.test", "A"): "TEMPFAIL",
        ("timing-out.test", "AAAA"): "TEMPFAIL",
    }
    assert passes(zone).texts() == ["192.0.2.0/28"]


def test_a_syntax_error_anywhere_voids_the_record() -> None:
    zone: Zone = {("a.test", "TXT"): ("v=spf1 ip4:192.0.2.1 -all ip4:nonsense",)}
    evaluation = strictly(["a.test"], Snapshot(zone))
    assert not evaluation.root("a.test").passed
    assert [problem.kind for problem in evaluation.problems("a.test")] == ["syntax"]


def test_the_eleventh_look_up_decides_nothing() -> None:
    zone: dict[tuple[str, str], tuple[str, ...]] = {
        ("a.test", "TXT"): ("v=spf1 " + " ".join(f"a:h{i}.test" for i in range(11)) + " -all",)
    }
    for i in range(11):
        zone[f"h{i}.test", "A"] = (f"192.0.2.{i}",)
        zone[f"h{i}.test", "AAAA"] = (f"2001:db8::{i}",)
    evaluation = strictly(["a.test"], Snapshot(zone))
    assert evaluation.root("a.test").passed.size(4) == 10
    assert [problem.kind for problem in evaluation.problems("a.test")] == ["limit"]


def test_each_family_has_its_own_void_look_ups() -> None:
    zone: dict[tuple[str, str], tuple[str, ...]] = {
        ("a.test", "TXT"): (
            "v=spf1 a:h1.test a:h2.test a:h3.test ip4:192.0.2.9 ip6:2001:db8::9 -all",
        )
    }
    for i in (1, 2, 3):
        zone[f"h{i}.test", "A"] = (f"192.0.2.{i}",)
        zone[f"h{i}.test", "AAAA"] = ()
    assert passes(zone).v6 == ()
    assert passes(zone).size(4) == 4


def test_a_term_decided_by_the_client_leaves_the_rest_undecided() -> None:
    zone: Zone = {
        ("a.test", "TXT"): ("v=spf1 ip4:192.0.2.1 exists:%{i}.b.test ip4:192.0.2.2 -all",)
    }
    assert passes(zone).texts() == ["192.0.2.1/32"]


def test_the_rail_on_width_holds_here_too() -> None:
    zone: Zone = {("a.test", "TXT"): ("v=spf1 ip4:192.0.2.1 +all",)}
    evaluation = strictly(["a.test"], Snapshot(zone), widest=Widest(12, 28))
    assert evaluation.root("a.test").passed.texts() == ["192.0.2.1/32"]


def test_nothing_is_looked_at_once_no_address_is_left() -> None:
    zone: Zone = {
        ("a.test", "TXT"): ("v=spf1 a:h.test ip4:0.0.0.0/1 ip4:128.0.0.0/1 ip4:192.0.2.1 -all",),
        ("h.test", "A"): ("192.0.2.1",),
        ("h.test", "AAAA"): "TEMPFAIL",
    }
    steps = strictly(["a.test"], Snapshot(zone)).root("a.test").steps
    assert [step.term for step in steps] == ["a:h.test", "ip4:0.0.0.0/1", "ip4:128.0.0.0/1"]
