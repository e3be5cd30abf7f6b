"""List mode, term by term: what is dropped and why, what is counted, and what is shown."""

from __future__ import annotations

import pytest

from spfwhite.spf.evaluation import evaluate
from spfwhite.spf.result import Evaluation, Problem
from spfwhite.spf.width import ANY_WIDTH, Widest
from tests.support.oracle import Zone
from tests.support.zones import Snapshot

WIDTH = Widest(12, 28)
HOSTS: Zone = {
    ("only4.test", "A"): ("20.4.0.1",),
    ("only6.test", "AAAA"): ("2001:db8::6",),
    ("both.test", "A"): ("20.4.0.2",),
    ("both.test", "AAAA"): ("2001:db8::7",),
}


def listed(widest: Widest = ANY_WIDTH, **texts: str) -> Evaluation:
    zone = {(f"{name}.test", "TXT"): (f"v=spf1 {text}",) for name, text in texts.items()}
    return evaluate(["a.test"], Snapshot({**zone, **HOSTS}), widest=widest)


@pytest.mark.parametrize(
    ("term", "kind", "lookups"),
    [
        ("exists:b.test", "undecidable", 1),
        ("ptr", "undecidable", 1),
        ("include:%{i}.b.test", "undecidable", 1),
        ("a:%{i}.b.test", "undecidable", 1),
        ("moo", "syntax", 0),
        ("include:gone.test", "missing", 1),
        ("include:a.test", "loop", 1),
    ],
)
@pytest.mark.parametrize("qualifier", ["", "-"])
def test_a_term_that_cannot_be_used_is_dropped_and_said(
    term: str, kind: str, lookups: int, qualifier: str
) -> None:
    evaluation = listed(a=f"{qualifier}{term} ip4:20.8.0.1 -all")
    root = evaluation.root("a.test")
    assert (root.passed.texts(), root.lookups) == (["20.8.0.1/32"], lookups)
    (problem,) = evaluation.problems("a.test")
    assert (problem.kind, problem.domain) == (kind, "a.test")
    assert problem.term == f"{qualifier}{term}"
    assert problem.widens is bool(qualifier)


def test_a_name_that_the_client_decides_is_no_record() -> None:
    evaluation = listed(a="include:%{i}.b.test ip4:20.8.0.1")
    assert [node.domain for node in evaluation.nodes] == ["a.test"]


def test_modifiers_match_nothing_and_are_no_problem() -> None:
    evaluation = listed(a="exp=e.test made=up ip4:20.8.0.1")
    assert evaluation.root("a.test").passed.texts() == ["20.8.0.1/32"]
    assert evaluation.problems("a.test") == ()


@pytest.mark.parametrize(
    ("text", "lookups", "voids"),
    [
        ("a:both.test", 1, 0),
        ("a:only4.test a:only6.test a:only6.test", 3, 2),
        ("a:only6.test a:only4.test a:only4.test", 3, 2),
        ("a:only4.test include:b.test a:only4.test", 4, 3),
    ],
)
def test_shown_are_the_look_ups_with_those_below(text: str, lookups: int, voids: int) -> None:
    root = listed(a=text, b="a:only4.test").root("a.test")
    assert (root.lookups, root.voids) == (lookups, voids)


def test_a_host_of_which_one_family_has_no_answer_is_listed_and_said() -> None:
    for failed, passed in (("A", "2001:db8::7/128"), ("AAAA", "20.4.0.2/32")):
        zone: Zone = {("a.test", "TXT"): ("v=spf1 a:both.test",), **HOSTS}
        evaluation = evaluate(["a.test"], Snapshot({**zone, ("both.test", failed): "TEMPFAIL"}))
        assert evaluation.root("a.test").passed.texts() == [passed]
        assert [problem.kind for problem in evaluation.problems("a.test")] == ["temporary"]


@pytest.mark.parametrize("term", ["a:gone.test", "-a:gone.test", "mx:gone.test"])
def test_a_host_that_has_no_address_drops_nothing_and_is_said(term: str) -> None:
    evaluation = listed(a=f"{term} ip4:20.8.0.1")
    assert evaluation.root("a.test").passed.texts() == ["20.8.0.1/32"]
    (problem,) = evaluation.problems("a.test")
    assert problem == Problem("missing", "a.test", term, "gone.test has no address")


def test_what_is_too_wide_in_a_target_is_denied_by_a_denial_and_passed_by_nobody() -> None:
    for below in ({"b": "ip4:64.0.0.0/7"}, {"b": "include:c.test", "c": "ip4:64.0.0.0/7"}):
        evaluation = listed(WIDTH, a="-include:b.test ip4:64.0.0.0/16 ip4:20.8.0.1", **below)
        assert evaluation.root("a.test").passed.texts() == ["20.8.0.1/32"]
        evaluation = listed(WIDTH, a="include:b.test ip4:20.8.0.1", **below)
        assert evaluation.root("a.test").passed.texts() == ["20.8.0.1/32"]


def test_what_is_too_wide_in_one_record_of_a_circle_is_denied_too() -> None:
    circle = {"b": "include:c.test ip4:64.0.0.0/7", "c": "include:b.test"}
    evaluation = listed(WIDTH, a="-include:c.test ip4:64.0.0.0/16 ip4:20.8.0.1", **circle)
    assert evaluation.root("a.test").passed.texts() == ["20.8.0.1/32"]


def test_each_term_leads_to_the_record_of_its_own() -> None:
    evaluation = listed(a="include:b.test -include:c.test", b="ip4:20.8.0.1", c="ip4:20.8.0.2")
    root = evaluation.root("a.test")
    targets = [evaluation.nodes[step.child].domain for step in root.steps if step.child is not None]
    assert targets == ["b.test", "c.test"]
    assert [step.matched.texts() for step in root.steps] == [["20.8.0.1/32"], ["20.8.0.2/32"]]
    assert [step.passed.texts() for step in root.steps] == [["20.8.0.1/32"], []]


def test_two_circles_below_one_domain_are_kept_apart() -> None:
    evaluation = listed(
        a="include:b.test include:d.test",
        b="include:c.test ip4:20.8.0.1",
        c="include:b.test",
        d="include:d.test ip4:20.8.0.2",
    )
    passed = {node.domain: node.passed.texts() for node in evaluation.nodes}
    assert passed["b.test"] == passed["c.test"] == ["20.8.0.1/32"]
    assert passed["d.test"] == ["20.8.0.2/32"]


def test_a_name_of_one_label_leads_nowhere() -> None:
    texts = {"a.test": "include:%{d1} ip4:20.8.0.1", "test": "include:a.test"}
    zone: Zone = {(name, "TXT"): (f"v=spf1 {text}",) for name, text in texts.items()}
    evaluation = evaluate(["a.test"], Snapshot(zone))
    (step, _) = evaluation.root("a.test").steps
    assert step.problem
    assert step.problem.detail == "test is not a domain of several labels"


def test_the_record_of_a_host_is_not_evaluated() -> None:
    evaluation = listed(a="a:b.test mx:c.test -all", b="ip4:20.8.0.1", c="include:a.test")
    assert [node.domain for node in evaluation.nodes] == ["a.test"]
