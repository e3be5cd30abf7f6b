"""Which questions an answer leads to, and how far one domain may lead."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spfwhite.dns.answers import Answer, Answers, Failed, Found, Question, RRType, Void
from spfwhite.spf import record as spf
from spfwhite.spf.reach import MAX_MX_HOSTS, Limits, Reach, follow_up, target_name
from spfwhite.spf.result import Fault

WIDE = Limits(lookups=1000, depth=100)


def limit_met(domain: str, answers: Answers, limits: Limits) -> str:
    """Which limit a domain meets over a whole snapshot."""
    reach = Reach(answers, limits)
    reach.start(domain)
    return reach.over


def txt(name: str) -> Question:
    return Question(name, "TXT")


def after(record: str, domain: str = "a.test") -> list[str]:
    """Return what a record leads to, as `TYPE name`."""
    return [f"{q.rrtype} {q.name}" for q in follow_up(txt(domain), Found((record,)))]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ("v=spf1 -all", []),
        ("v=spf1 include:B.test. -all", ["TXT b.test"]),
        ("v=spf1 -include:b.test ~include:c.test", ["TXT b.test", "TXT c.test"]),
        ("v=spf1 a", ["A a.test", "AAAA a.test"]),
        ("v=spf1 a:b.test/24", ["A b.test", "AAAA b.test"]),
        ("v=spf1 mx mx:b.test", ["MX a.test", "MX b.test"]),
        ("v=spf1 include:_spf.%{d}", ["TXT _spf.a.test"]),
        ("v=spf1 ip4:192.0.2.1 ptr exists:b.test exp=b.test x=b.test", []),
        ("v=spf1 include:%{i}.test a:%{l}.test mx:%{o}.test", []),
        ("v=spf1 moo include:b include:b.test", ["TXT b.test"]),
        ("v=spf1 include:b..test a:b..test mx:b..test", []),
    ],
)
def test_a_record_leads_to_what_its_terms_need_in_their_order(
    record: str, expected: list[str]
) -> None:
    assert after(record) == expected


@pytest.mark.parametrize("word", ["all", "-all", "?all"])
def test_nothing_after_all_is_asked_for(word: str) -> None:
    assert after(f"v=spf1 include:b.test {word} include:c.test mx") == ["TXT b.test"]


def test_a_redirect_is_asked_for_last_and_only_without_all() -> None:
    assert after("v=spf1 redirect=c.test include:b.test") == ["TXT b.test", "TXT c.test"]
    assert after("v=spf1 redirect=c.test include:b.test -all") == ["TXT b.test"]
    assert after("v=spf1 -all redirect=c.test") == []


def test_only_the_one_spf_record_counts() -> None:
    record, other = "v=spf1 include:b.test", "v=spf1 include:c.test"
    assert follow_up(txt("a.test"), Found(("x", record, "v=spf10 include:d.test"))) == (
        txt("b.test"),
    )
    assert follow_up(txt("a.test"), Found((record, other))) == ()
    assert follow_up(txt("a.test"), Found(("x",))) == ()


@pytest.mark.parametrize("answer", [Void("NXDOMAIN"), Void("NODATA"), Failed("timed out")])
@pytest.mark.parametrize("rrtype", ["TXT", "MX", "A", "AAAA"])
def test_an_answer_without_values_leads_nowhere(rrtype: RRType, answer: Answer) -> None:
    assert follow_up(Question("a.test", rrtype), answer) == ()


def test_addresses_lead_nowhere() -> None:
    assert follow_up(Question("a.test", "A"), Found(("192.0.2.1",))) == ()
    assert follow_up(Question("a.test", "AAAA"), Found(("2001:db8::1",))) == ()


def mx(*values: str) -> list[Question]:
    return list(follow_up(Question("a.test", "MX"), Found(values)))


def test_an_mx_answer_leads_to_the_addresses_of_its_hosts_best_preference_first() -> None:
    asked = mx("20 b.test", "3 c.test")
    assert asked == [
        Question("c.test", "A"),
        Question("c.test", "AAAA"),
        Question("b.test", "A"),
        Question("b.test", "AAAA"),
    ]


def test_a_null_mx_leads_nowhere() -> None:
    assert mx("0 ") == []


def test_an_mx_host_that_cannot_be_asked_for_is_left_out() -> None:
    assert [q.name for q in mx("1 a\\032b.test", "2 " + "b" * 64 + ".test", "3 c.test")] == [
        "c.test",
        "c.test",
    ]


def test_the_best_hundred_of_more_mx_hosts_are_asked_for() -> None:
    assert MAX_MX_HOSTS == 100
    asked = mx(*(f"{number} h{number}.test" for number in reversed(range(150))))
    assert [q.name for q in asked[::2]] == [f"h{number}.test" for number in range(100)]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (None, "a.test"),
        ("B.Test.", "b.test"),
        ("%{dr}.x", "test.a.x"),
        (
            "%{i}.test",
            Fault("undecidable", "its macros depend on the client or the sender"),
        ),
        ("b%_c.test", Fault("syntax", "its domain has a bad character")),
        ("b..test", Fault("syntax", "its domain has an empty label")),
        ("b" * 64 + ".test", Fault("syntax", "its domain has a label over 63 characters")),
    ],
)
def test_a_domain_spec_means(spec: str | None, expected: str | Fault) -> None:
    assert target_name(spec, "a.test") == expected


def records(graph: dict[str, list[str]]) -> dict[Question, Answer]:
    """Return a snapshot in which each name includes its list."""
    return {
        txt(name): Found((" ".join(["v=spf1", *(f"include:{child}" for child in children)]),))
        for name, children in graph.items()
    }


def explored(reach: Reach, seen: dict[Question, Answer], world: dict[Question, Answer]) -> None:
    """Answer what a reach wants, the oldest question first."""
    wanted = reach.start("n0.x")
    while wanted:
        question = wanted.pop(0)
        seen[question] = world[question]
        wanted += reach.answered(question)


def chain(length: int) -> dict[Question, Answer]:
    return records({f"n{n}.x": [f"n{n + 1}.x"] for n in range(length)})


def test_a_start_wants_the_record_of_the_domain_alone() -> None:
    assert Reach({}, WIDE).start("a.test") == [txt("a.test")]


def test_what_is_answered_already_is_passed_over() -> None:
    answers = records({"n0.x": ["n1.x", "n2.x"], "n1.x": ["n3.x"]})
    assert Reach(answers, WIDE).start("n0.x") == [txt("n2.x"), txt("n3.x")]


def test_a_name_on_its_own_path_is_wanted_once() -> None:
    answers: dict[Question, Answer] = {}
    reach = Reach(answers, WIDE)
    explored(reach, answers, records({"n0.x": ["n0.x", "n1.x"], "n1.x": ["n0.x", "n1.x"]}))
    assert reach.depth == {txt("n0.x"): 0, txt("n1.x"): 1}


def test_hosts_are_as_deep_as_the_record_that_names_them() -> None:
    answers: dict[Question, Answer] = {
        txt("n0.x"): Found(("v=spf1 mx",)),
        Question("n0.x", "MX"): Found(("1 h.x",)),
    }
    reach = Reach(answers, Limits(lookups=9, depth=0))
    assert reach.start("n0.x") == [Question("h.x", "A"), Question("h.x", "AAAA")]
    assert set(reach.depth.values()) == {0}
    assert reach.over == ""


def test_includes_are_followed_to_the_depth_limit_and_no_deeper() -> None:
    answers = chain(20)
    reach = Reach(answers, Limits(lookups=100, depth=3))
    assert reach.start("n0.x") == []
    assert sorted(reach.depth.values()) == [0, 1, 2, 3]
    assert reach.over == "its includes go deeper than 3 (spf.max_depth)"


def test_a_chain_that_ends_at_the_depth_limit_is_within_it() -> None:
    reach = Reach(chain(3), Limits(lookups=100, depth=3))
    assert reach.start("n0.x") == [txt("n3.x")]
    assert reach.over == ""


def test_questions_are_wanted_up_to_the_limit_and_no_more() -> None:
    answers = records({"n0.x": [f"m{n}.x" for n in range(10)]})
    assert len(Reach(answers, Limits(lookups=5, depth=9)).start("n0.x")) == 4
    assert limit_met("n0.x", answers, Limits(lookups=11, depth=9)) == ""
    over = limit_met("n0.x", answers, Limits(lookups=10, depth=9))
    assert over == "it needs more than 10 questions (spf.max_lookups)"


def test_a_shorter_path_found_later_is_followed_again() -> None:
    world = records({"n0.x": ["a.x", "b.x"], "a.x": ["c.x"], "c.x": ["d.x"], "b.x": ["d.x"]})
    world |= records({"d.x": ["e.x"], "e.x": []})
    answers = {question: world[question] for question in map(txt, ("n0.x", "a.x", "c.x", "d.x"))}
    reach = Reach(answers, Limits(lookups=100, depth=3))
    assert reach.start("n0.x") == [txt("b.x")]  # e.x would be at depth 4
    answers[txt("b.x")] = world[txt("b.x")]
    assert reach.answered(txt("b.x")) == [txt("e.x")]
    assert reach.depth[txt("d.x")] == 2


def test_a_shorter_path_is_followed_even_where_the_questions_are_used_up() -> None:
    world = records({"n0.x": ["a.x", "b.x"], "a.x": ["c.x"], "c.x": ["d.x"], "b.x": ["d.x"]})
    answers = {question: world[question] for question in map(txt, ("n0.x", "a.x", "c.x"))}
    reach = Reach(answers, Limits(lookups=5, depth=9))
    assert reach.start("n0.x") == [txt("b.x"), txt("d.x")]
    answers[txt("b.x")] = world[txt("b.x")]
    assert reach.answered(txt("b.x")) == []
    assert reach.depth[txt("d.x")] == 2


NAMES = [f"n{n}.x" for n in range(8)]
GRAPHS = st.fixed_dictionaries({n: st.lists(st.sampled_from(NAMES), max_size=3) for n in NAMES})


def depths(graph: dict[str, list[str]], deepest: int) -> dict[Question, int]:
    """Return the smallest depth of each name, level by level."""
    found, level = {"n0.x": 0}, ["n0.x"]
    for depth in range(1, deepest + 1):
        level = [child for name in level for child in graph[name] if child not in found]
        found |= dict.fromkeys(level, depth)
    return {txt(name): depth for name, depth in found.items()}


@given(GRAPHS, st.integers(0, 5), st.sets(st.sampled_from(NAMES)), st.data())
def test_the_order_of_answers_does_not_matter(
    graph: dict[str, list[str]], deepest: int, before: set[str], data: st.DataObject
) -> None:
    world = records(graph)
    answers = {txt(name): world[txt(name)] for name in before}
    reach = Reach(answers, Limits(lookups=100, depth=deepest))
    wanted = reach.start("n0.x")
    ever = list(wanted)
    while wanted:
        question = wanted.pop(data.draw(st.integers(0, len(wanted) - 1)))
        answers[question] = world[question]
        more = reach.answered(question)
        wanted += more
        ever += more
    assert reach.depth == depths(graph, deepest)
    assert len(ever) == len(set(ever))


@given(GRAPHS, st.integers(0, 5))
def test_a_limit_is_met_by_the_shortest_paths_alone(
    graph: dict[str, list[str]], deepest: int
) -> None:
    met = limit_met("n0.x", records(graph), Limits(lookups=100, depth=deepest))
    assert bool(met) == (depths(graph, deepest) != depths(graph, len(NAMES)))


def test_no_record_beyond_1_mib_of_a_domain_is_parsed() -> None:
    """Its terms would take the memory that the limit is there to save."""
    names = [f"n{number}.test" for number in range(40)]
    root = " ".join(f"include:{name}" for name in names)
    answers: Answers = {
        txt("a.test"): Found((f"v=spf1 {root}",)),
        **{txt(name): Found((f"v=spf1 {name} {'x' * 65_000}",)) for name in names},
    }
    spf.parse.cache_clear()
    follow_up.cache_clear()
    reach = Reach(answers, Limits(lookups=500, depth=20))
    reach.start("a.test")
    assert reach.is_too_long
    assert reach.over == "its answers have more than 1,048,576 octets (spf.max_octets)"
    assert spf.parse.cache_info().misses == 1 + 16
