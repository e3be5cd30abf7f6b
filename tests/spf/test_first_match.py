"""The first directive that matches an address decides it, whatever a record has of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spfwhite.dns.answers import Answers, Found, Question
from spfwhite.networks import EMPTY, Networks
from spfwhite.spf.evaluation import evaluate
from spfwhite.spf.first_match import first_match
from spfwhite.spf.result import Evaluation
from tests.support.steps import steps

Evaluate = Callable[[list[str], Answers], Evaluation]
strictly = partial(evaluate, strict=True)
MODES = pytest.mark.parametrize("mode", [evaluate, strictly])

ENDS = st.tuples(st.integers(0, 40), st.integers(0, 12)).map(lambda pair: (pair[0], sum(pair)))
SETS = st.lists(st.builds(Networks, st.lists(ENDS), st.lists(ENDS)), max_size=8)


@given(SETS)
def test_each_set_keeps_what_no_set_before_it_has(sets: list[Networks]) -> None:
    expected, before = [], EMPTY
    for each in sets:
        expected.append(each - before)
        before |= each
    assert first_match(sets) == expected


def test_the_last_address_of_a_family_is_reached() -> None:
    one, all_of_it = Networks([(5, 5)], [(5, 5)]), Networks([(0, 2**32 - 1)], [(0, 2**128 - 1)])
    assert first_match([one, all_of_it]) == [one, all_of_it - one]


def by_turns(pairs: int) -> dict[Question, Found]:
    """A record of single addresses that are passed and denied by turns."""
    nets = (f"20.{i >> 7}.{(i & 127) * 2}" for i in range(pairs))
    terms = (f"ip4:{net}.1 -ip4:{net}.3" for net in nets)
    return {Question("a.test", "TXT"): Found((" ".join(["v=spf1", *terms, "-all"]),))}


@MODES
def test_twice_the_directives_take_twice_the_steps(mode: Evaluate) -> None:
    few = steps(lambda: mode(["a.test"], by_turns(500)), most=1_000_000)
    many = steps(lambda: mode(["a.test"], by_turns(1_000)), most=1_000_000)
    assert many < 2.2 * few


@MODES
def test_a_record_as_long_as_a_message_takes_few_steps_for_each_directive(mode: Evaluate) -> None:
    pairs = 2_000
    assert steps(lambda: mode(["a.test"], by_turns(pairs)), most=400 * 2 * pairs)
