"""What the budget of one domain is spent on, counted in records small enough to do it by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from spfwhite.spf import budget
from spfwhite.spf.evaluation import evaluate
from tests.spf.test_evaluate import Mode, strictly
from tests.support.oracle import Zone
from tests.support.zones import Snapshot

NET = "ip4:20.0.0.0/24"


@contextmanager
def at_most(steps: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(budget, "MAX_STEPS", steps)
        yield


def over(mode: Mode, zone: Zone, steps: int, *names: str) -> list[str]:
    """The domains that are over a budget of so many steps."""
    names = names or ("a.test",)
    with at_most(steps):
        evaluation = mode([*names], Snapshot(zone))
    return [name for name in names if evaluation.root(name).fault]


def cost(mode: Mode, zone: Zone, name: str = "a.test") -> int:
    return next(steps for steps in range(10_000) if not over(mode, zone, steps, name))


def txt(**texts: str) -> dict[tuple[str, str], tuple[str, ...] | str]:
    return {(f"{name}.test", "TXT"): (f"v=spf1 {text}",) for name, text in texts.items()}


HOSTS: Zone = {("h.test", "A"): ("20.1.0.1", "20.1.0.3"), ("h.test", "AAAA"): "TEMPFAIL"}


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("-all", 1 + 2 + 2),  # a term, the ranges that reach it, the ranges that it takes
        (f"{NET} -all", (1 + 2 + 1) + (1 + 3 + 3)),
        (f"{NET} ip4:20.2.0.0/24", 2 + 2 + 2),  # in one run, which all that remains reaches once
        ("exists:%{i}.x.test", 1 + 2 + 2),  # what is undecided is taken as well
        ("a:h.test", 1 + 2 + (2 + 1) + 2),  # two addresses and a family, and two values are read
    ],
)
def test_in_strict_mode_terms_count_and_the_ranges_that_they_are_given_and_take(
    text: str, steps: int
) -> None:
    assert cost(strictly, {**txt(a=text), **HOSTS}) == steps


def test_in_strict_mode_a_record_counts_as_often_as_it_is_reached() -> None:
    below = 1 + 2 + 1  # the term, both families, what it takes of them; then the include does
    assert cost(strictly, txt(a="include:b.test", b=NET)) == (1 + 2 + 1) + below
    twice = txt(a="include:b.test include:b.test", b=NET)
    assert cost(strictly, twice) == (1 + 2 + 1) + below + (1 + 3) + (1 + 3)


@pytest.mark.parametrize(("text", "steps"), [(NET, 2), (f"{NET} -all", 4), ("a:h.test", 2 + 2)])
def test_in_list_mode_terms_count_twice_and_the_values_that_are_read(text: str, steps: int) -> None:
    assert cost(evaluate, {**txt(a=text), **HOSTS}) == steps


SHARED = txt(
    a="include:b.test include:c.test",
    b=f"include:d.test {NET}",
    c=f"include:d.test {NET}",
    d=NET,
    e="include:b.test",
)


def test_in_list_mode_each_record_counts_once_for_each_domain_that_leads_to_it() -> None:
    two_terms = 2 * 2 + 2  # and the ranges of both, which are joined
    steps = [2, 2 + two_terms, 2 + two_terms + 2, 2 + 3 * two_terms]
    assert [cost(evaluate, SHARED, f"{name}.test") for name in "dbea"] == steps
    names = ["d.test", "b.test", "e.test", "a.test"]
    for order in (names, names[::-1]):
        assert over(evaluate, SHARED, steps[-1], *order) == []
        assert over(evaluate, SHARED, steps[-1] - 1, *order) == ["a.test"]
        assert set(over(evaluate, SHARED, 9, *order)) == {"a.test", "e.test"}
        assert set(over(evaluate, SHARED, 7, *order)) == {"a.test", "b.test", "e.test"}


@pytest.mark.parametrize("mode", [evaluate, strictly])
def test_a_domain_over_its_budget_is_one_record_with_a_limit_and_costs_no_other(mode: Mode) -> None:
    zone = txt(
        a=f"include:b.test {NET} ip4:20.2.0.0/24 ip4:20.4.0.0/24", b=NET, z="ip4:20.9.0.0/24"
    )
    most = cost(mode, zone) - 1
    for names in (["a.test", "z.test"], ["z.test", "a.test"]):
        with at_most(most):
            evaluation = mode(names, Snapshot(zone))
            (problem,) = evaluation.problems("a.test")
        assert (problem.kind, problem.domain, problem.term) == ("limit", "a.test", "")
        assert f"more than {most} steps" in problem.detail
        root = evaluation.root("a.test")
        assert (root.domain, root.text, root.steps, root.passed.texts()) == ("a.test", "", (), [])
        assert evaluation.root("z.test").passed.texts() == ["20.9.0.0/24"]


def test_what_a_domain_over_its_budget_left_half_done_is_gone_in_strict_mode() -> None:
    zone = txt(a=f"include:b.test {NET}", b="ip4:20.2.0.0/24")
    with at_most(cost(strictly, zone) - 1):
        evaluation = strictly(["a.test"], Snapshot(zone))
    assert [node.domain for node in evaluation.nodes] == ["a.test"]
