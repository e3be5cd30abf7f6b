"""The graph of records that an evaluation leaves, and the problems found along it."""

from __future__ import annotations

import pytest

from spfwhite.networks import Networks
from spfwhite.spf.result import PASSES_NOTHING, Evaluation, Node, Problem, Step, nearness, owner

SOME = Networks.parse(["192.0.2.0/24"])


def node(domain: str, *children: int) -> Node:
    steps = tuple(Step(f"include:{child}", "+", child=child) for child in children)
    return Node(domain, "v=spf1", steps, SOME)


def test_a_walk_yields_each_node_once_nearest_first() -> None:
    nodes = [node("a", 1, 2), node("b", 3), node("c", 3, 0), node("d", 1), node("other", 0)]
    walked = [n.domain for n in Evaluation(nodes, {"a": 0}).walk("a")]
    assert walked == ["a", "b", "c", "d"]


def test_the_root_is_the_node_of_the_domain() -> None:
    nodes = [node("a"), node("b")]
    assert Evaluation(nodes, {"b": 1}).root("b") is nodes[1]


def test_a_problem_of_a_shared_record_is_told_once() -> None:
    problem = Problem("syntax", "d", "moo", "is no mechanism of RFC 7208")
    faulty = Node("d", "v=spf1 moo", (Step("moo", "+", problem=problem),), SOME)
    nodes = [node("a", 1, 2), node("b", 3), node("c", 3), faulty]
    assert Evaluation(nodes, {"a": 0}).problems("a") == (problem,)


def test_the_fault_of_the_domain_itself_is_its_only_problem() -> None:
    fault = Problem("missing", "a", "", "a does not exist")
    assert Evaluation([Node("a", "", fault=fault)], {"a": 0}).problems("a") == (fault,)


def test_a_fault_of_an_included_record_stands_at_the_term_alone() -> None:
    fault = Problem("missing", "b", "", "b does not exist")
    at_term = Problem("missing", "a", "include:b", "b does not exist")
    root = Node("a", "v=spf1", (Step("include:b", "+", child=1, problem=at_term),), SOME)
    assert Evaluation([root, Node("b", "", fault=fault)], {"a": 0}).problems("a") == (at_term,)


def test_a_domain_that_passes_nothing_says_so_and_its_includes_do_not() -> None:
    empty = Node("a", "v=spf1 -all")
    told = Problem("missing", "a", "", PASSES_NOTHING)
    assert Evaluation([empty], {"a": 0}).problems("a") == (told,)
    assert Evaluation([node("b", 1), empty], {"b": 0}).problems("b") == ()


def test_the_owner_of_a_record_is_nearer_to_it_than_who_includes_it() -> None:
    owner = ("_spf.google.com", "x.example", "_netblocks.google.com")
    customer = ("github.com", "_netblocks.google.com")
    other = ("a.com", "b.example", "_netblocks.google.com")
    assert sorted([other, customer, owner, ()], key=nearness) == [(), owner, customer, other]


def test_one_label_in_common_makes_no_owner() -> None:
    far, near = ("a.com", "b.net", "c.com"), ("a.net", "c.com")
    assert min(far, near, key=nearness) == near


@pytest.mark.parametrize(
    ("domain", "registered"),
    [
        ("_netblocks.google.com", "google.com"),
        ("google.com", "google.com"),
        ("mail.gmx.de", "gmx.de"),
        ("spf.mail.example.co.uk", "example.co.uk"),
        ("example.com.au", "example.com.au"),
        ("co.uk", "co.uk"),
        ("a.net.com", "net.com"),
    ],
)
def test_what_an_owner_registered_has_two_labels_or_three(domain: str, registered: str) -> None:
    assert owner(domain) == registered


def test_two_names_below_one_registry_have_not_one_owner() -> None:
    stranger, customer = ("a.co.uk", "b.co.uk"), ("c.example", "x.example", "b.co.uk")
    assert nearness(stranger)[0] and nearness(customer)[0]
    assert not nearness(("spf.b.co.uk", "b.co.uk"))[0]
