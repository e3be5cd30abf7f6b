"""The order in which records can be folded."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from spfwhite.spf.components import components

NODES = "abcdefg"
GRAPHS = st.fixed_dictionaries({name: st.lists(st.sampled_from(NODES)) for name in NODES})
Graph = dict[str, list[str]]


def reached(graph: Graph, start: str) -> set[str]:
    """Return `start` and all that it leads to."""
    seen, open_names = {start}, [start]
    for name in open_names:
        fresh = set(graph[name]) - seen
        seen |= fresh
        open_names += fresh
    return seen


@given(GRAPHS)
def test_each_name_that_is_reached_is_in_one_component(graph: Graph) -> None:
    found = [name for component in components("a", graph.__getitem__, ()) for name in component]
    assert sorted(found) == sorted(reached(graph, "a"))


@given(GRAPHS)
def test_names_share_a_component_when_each_leads_to_the_other(graph: Graph) -> None:
    for component in components("a", graph.__getitem__, ()):
        together = {n for n in reached(graph, component[0]) if component[0] in reached(graph, n)}
        assert set(component) == together


@given(GRAPHS)
def test_a_component_comes_after_those_that_it_leads_to(graph: Graph) -> None:
    done: set[str] = set()
    for component in components("a", graph.__getitem__, ()):
        done |= set(component)
        assert all(set(graph[name]) <= done for name in component)


@given(GRAPHS, st.sampled_from(NODES))
def test_folding_on_from_another_start_finds_only_what_is_new(graph: Graph, other: str) -> None:
    known: set[str] = set()
    for start in ("a", other):
        for component in components(start, graph.__getitem__, known):
            assert not known & set(component)
            known |= set(component)
    assert known == reached(graph, "a") | reached(graph, other)


def test_a_known_name_is_left_out_with_all_below_it() -> None:
    graph = {"a": ["b", "c"], "b": ["d"], "c": [], "d": []}
    assert list(components("a", graph.__getitem__, {"b"})) == [["c"], ["a"]]
    assert list(components("b", graph.__getitem__, {"b"})) == []


def test_a_name_that_leads_to_itself_is_a_component_of_one() -> None:
    assert list(components("a", {"a": ["a"]}.__getitem__, ())) == [["a"]]


def test_a_chain_longer_than_the_stack_comes_deepest_first() -> None:
    length = 50_000
    chain = components("0", lambda n: [str(int(n) + 1)] if int(n) < length else [], ())
    assert [name for (name,) in chain] == [str(n) for n in range(length, -1, -1)]


def test_a_ring_longer_than_the_stack_is_one_component() -> None:
    length = 50_000
    (ring,) = components("0", lambda n: [str((int(n) + 1) % length)], ())
    assert len(ring) == length
