"""Strict mode, term by term: what each leaves to the next, what it counts, and what is shown."""

from __future__ import annotations

from functools import partial

import pytest

from spfwhite.networks import EMPTY, Networks
from spfwhite.spf.evaluation import evaluate
from spfwhite.spf.result import Evaluation
from spfwhite.spf.width import ANY_WIDTH, Widest
from tests.support.oracle import Zone
from tests.support.zones import Snapshot

strictly = partial(evaluate, strict=True)

NO_V4 = "-ip4:0.0.0.0/0"
V4, V6 = "20.9.0.1", "2001:db8::9"
BOTH = [f"{V4}/32", f"{V6}/128"]
REST = f"ip4:{V4} ip6:{V6}"
"""One address of each family, which is passed if the family has come to the end undenied."""


def zone(text: str, **others: str | tuple[str, ...]) -> Zone:
    """The record of a.test, those of others, and at h1.test and so on an address of each family."""
    found: dict[tuple[str, str], tuple[str, ...] | str] = {("a.test", "TXT"): (f"v=spf1 {text}",)}
    for name, value in others.items():
        texts = (f"v=spf1 {value}",) if isinstance(value, str) else value
        found[f"{name}.test", "TXT"] = texts
    for number in range(1, 13):
        found[f"h{number}.test", "A"] = (f"20.0.0.{number}",)
        found[f"h{number}.test", "AAAA"] = (f"2001:db8::1:{number:x}",)
        found[f"only{number}.test", "A"] = (f"20.4.0.{number}",)
        found[f"only{number}.test", "AAAA"] = ()
        found[f"six{number}.test", "A"] = ()
        found[f"six{number}.test", "AAAA"] = (f"2001:db8::6:{number:x}",)
    return found


def hosts(kind: str, count: int) -> str:
    return " ".join(f"a:{kind}{number}.test" for number in range(1, count + 1))


def checked(asked: Zone, widest: Widest = ANY_WIDTH) -> Evaluation:
    return strictly(["a.test"], Snapshot(asked), widest=widest)


def passes(asked: Zone, widest: Widest = ANY_WIDTH) -> list[str]:
    return checked(asked, widest).root("a.test").passed.texts()


def kinds(asked: Zone) -> list[str]:
    return [problem.kind for problem in checked(asked).problems("a.test")]


def mx(count: int) -> Zone:
    exchanges = tuple(f"{number} h{number}.test" for number in range(1, count + 1))
    return {**zone(f"mx:m.test {REST}"), ("m.test", "MX"): exchanges}


def test_ten_mx_hosts_match_and_eleven_decide_nothing() -> None:
    assert Networks.parse([*BOTH, "20.0.0.10/32"]) - Networks.parse(passes(mx(10))) == EMPTY
    assert kinds(mx(10)) == []
    assert (passes(mx(11)), kinds(mx(11))) == ([], ["limit", "missing"])
    assert checked(mx(11)).problems("a.test")[0].detail == "m.test has more than 10 MX hosts"


def test_the_mx_hosts_of_a_name_are_no_matter_to_its_addresses() -> None:
    many = tuple(f"1 h{number}.test" for number in range(1, 12))
    assert "20.0.0.1/32" in passes({**zone("a:h1.test"), ("h1.test", "MX"): many})


@pytest.mark.parametrize(
    ("there", "kind"),
    [(None, "missing"), (("verification=1",), "missing"), (("v=spf1", "v=spf1"), "multiple")],
)
@pytest.mark.parametrize("term", ["include:b.test", "-include:b.test", "redirect=b.test"])
def test_a_target_without_one_record_decides_nothing_and_is_shown(
    there: tuple[str, ...] | None, kind: str, term: str
) -> None:
    asked = zone(f"ip4:20.8.0.1 {term}", **({"b": there} if there else {}))
    evaluation = checked(asked)
    root = evaluation.root("a.test")
    assert root.passed.texts() == ["20.8.0.1/32"]
    step = root.steps[1]
    assert step.problem
    assert (step.term, step.problem.kind, step.problem.domain) == (term, kind, "a.test")
    assert step.child is not None
    target = evaluation.nodes[step.child]
    assert (target.domain, target.text, target.steps) == ("b.test", "", ())
    assert target.fault
    assert (target.fault.kind, target.fault.domain) == (kind, "b.test")


def test_what_comes_after_such_a_target_is_reached_by_nobody() -> None:
    assert [step.term for step in checked(zone(f"include:b.test {REST}")).root("a.test").steps] == [
        "include:b.test"
    ]


def test_a_malformed_target_decides_nothing_and_its_terms_are_shown() -> None:
    evaluation = checked(zone(f"include:b.test {REST}", b="ip4:20.8.0.1 moo ip4:20.8.0"))
    (step,) = evaluation.root("a.test").steps
    assert (step.child, step.problem, step.passed) == (0, None, EMPTY)
    target = evaluation.nodes[0]
    assert (target.domain, target.text) == ("b.test", "v=spf1 ip4:20.8.0.1 moo ip4:20.8.0")
    assert [each.term for each in target.steps] == ["ip4:20.8.0.1", "moo", "ip4:20.8.0"]
    assert target.fault == target.steps[1].problem


def test_the_terms_that_void_an_included_record_are_named_with_it_and_not_the_include() -> None:
    evaluation = checked(zone(f"include:b.test {REST}", b="include:c.test", c="moo ip4:20.8.0"))
    *problems, nothing = evaluation.problems("a.test")
    assert [(p.kind, p.domain, p.term) for p in problems] == [
        ("syntax", "c.test", "moo"),
        ("syntax", "c.test", "ip4:20.8.0"),
    ]
    assert problems[1].detail == "is not an IPv4 address or network, which voids the record"
    assert nothing.detail == "the SPF record passes no address"


def test_each_include_leads_to_the_record_of_its_own() -> None:
    evaluation = checked(zone("include:b.test include:c.test", b="ip4:20.8.0.1", c="ip4:20.8.0.2"))
    root = evaluation.root("a.test")
    targets = [evaluation.nodes[step.child or 0].domain for step in root.steps]
    assert targets == ["b.test", "c.test"]
    assert [step.passed.texts() for step in root.steps] == [["20.8.0.1/32"], ["20.8.0.2/32"]]


def test_what_a_denial_matches_is_shown_and_not_passed() -> None:
    (step, *_) = checked(zone(f"-ip4:20.8.0.1 {REST}")).root("a.test").steps
    assert (step.qualifier, step.matched.texts()) == ("-", ["20.8.0.1/32"])
    assert step.passed.texts() == []


@pytest.mark.parametrize(
    ("text", "lookups", "voids"),
    [
        (f"{NO_V4} a:h1.test a:h2.test", 2, 0),
        ("a:only1.test a:six1.test a:six2.test", 3, 2),
        ("a:six1.test a:only1.test a:only2.test", 3, 2),
        (f"{NO_V4} a:six1.test", 1, 0),
        ("mx:m.test", 1, 1),
        ("exists:b.test", 1, 0),
        ("ptr", 1, 0),
        ("ip4:20.8.0.1 exp=e.test -all", 0, 0),
    ],
)
def test_shown_are_the_look_ups_of_the_family_that_makes_more(
    text: str, lookups: int, voids: int
) -> None:
    asked = {**zone(text), ("m.test", "MX"): ()}
    root = checked(asked).root("a.test")
    # an `mx` without hosts is a void look-up for both
    assert (root.lookups, root.voids) == (lookups, voids)


def test_shown_at_a_record_are_the_look_ups_from_there_on() -> None:
    evaluation = checked(zone("a:only1.test include:b.test", b="a:only2.test a:h1.test"))
    shown = {node.domain: (node.lookups, node.voids) for node in evaluation.nodes}
    assert shown == {"a.test": (4, 2), "b.test": (2, 1)}


def test_two_void_look_ups_are_allowed_and_the_third_is_not() -> None:
    assert passes(zone(f"{hosts('only', 2)} {REST}"))[-1] == f"{V6}/128"
    asked = zone(f"{hosts('only', 3)} {REST}")
    assert not [text for text in passes(asked) if ":" in text]
    assert f"{V4}/32" in passes(asked)
    (problem,) = checked(asked).problems("a.test")
    assert (problem.kind, problem.detail) == ("limit", "makes more than 2 void look-ups")


def test_a_family_that_is_decided_looks_up_nothing() -> None:
    """Its addresses come back after the include, which made look-ups for the other one only."""
    asked = zone(f"include:b.test a:h9.test a:h10.test {REST}", b=f"{NO_V4} {hosts('h', 8)}")
    assert f"{V4}/32" in passes(asked)
    assert f"{V6}/128" not in passes(asked)
    asked = zone(f"include:b.test a:six4.test {REST}", b=f"{NO_V4} {hosts('six', 3)}")
    assert f"{V4}/32" in passes(asked)


def test_the_eleventh_include_is_not_followed() -> None:
    names = [f"n{number}" for number in range(11)]
    includes = " ".join(f"include:{name}.test" for name in names)
    evaluation = checked(zone(f"{includes} {REST}", **dict.fromkeys(names, "ip4:20.8.0.1")))
    last = evaluation.root("a.test").steps[-1]
    assert last.problem
    assert (last.term, last.child, last.problem.kind) == ("include:n10.test", None, "limit")
    assert last.problem.detail == "needs more than 10 look-ups"
    assert "n10.test" not in [node.domain for node in evaluation.nodes]


@pytest.mark.parametrize("term", ["a:%{i}.b.test", "include:%{i}.b.test", "ptr", "exists:b.test"])
def test_what_the_client_decides_is_named(term: str) -> None:
    asked = zone(f"ip4:20.8.0.1 {term} {REST}")
    assert passes(asked) == ["20.8.0.1/32"]
    (problem,) = checked(asked).problems("a.test")
    assert (problem.kind, problem.term, problem.domain) == ("undecidable", term, "a.test")


def test_modifiers_take_nothing() -> None:
    assert passes(zone(f"exp=e.test made=up {REST}")) == BOTH


def test_a_modifier_with_the_name_of_a_mechanism_takes_nothing_and_is_told() -> None:
    assert passes(zone(f"ip4=192.0.2.1 {REST}")) == BOTH
    assert kinds(zone(f"ip4=192.0.2.1 {REST}")) == ["syntax"]


def test_hosts_of_which_one_has_no_answer_decide_nothing_of_that_family() -> None:
    asked = {
        **zone(f"mx:m.test {REST}"),
        ("m.test", "MX"): ("1 h1.test", "2 h2.test"),
        ("h2.test", "A"): "TEMPFAIL",
    }
    assert passes(asked) == [f"{V6}/128", "2001:db8::1:1/128", "2001:db8::1:2/128"]
    assert kinds(asked) == ["temporary"]


def test_hosts_without_any_answer_decide_nothing() -> None:
    asked = {**zone(f"a:h1.test {REST}"), ("h1.test", "A"): "TEMPFAIL"}
    assert passes({**asked, ("h1.test", "AAAA"): "TEMPFAIL"}) == []
    assert passes({**zone(f"mx:m.test {REST}"), ("m.test", "MX"): "TEMPFAIL"}) == []


WIDTH = Widest(12, 28)


def test_a_network_that_is_too_wide_is_passed_over() -> None:
    asked = zone(f"ip4:64.0.0.0/7 ip6:2a00::/20 ip4:65.0.0.0/16 {REST}")
    assert passes(asked, WIDTH) == [f"{V4}/32", "65.0.0.0/16", f"{V6}/128"]
    problems = checked(asked, WIDTH).problems("a.test")
    assert [(each.kind, each.term) for each in problems] == [
        ("too-wide", "ip4:64.0.0.0/7"),
        ("too-wide", "ip6:2a00::/20"),
    ]
    steps = checked(asked, WIDTH).root("a.test").steps
    assert [step.matched.texts() for step in steps[:2]] == [[], []]


def test_a_network_that_is_too_wide_and_all_denied_is_no_problem() -> None:
    asked = zone(f"-ip4:64.0.0.0/7 ip4:64.0.0.0/7 {REST}")
    assert passes(asked, WIDTH) == BOTH
    assert checked(asked, WIDTH).problems("a.test") == ()


def test_nothing_is_too_wide_to_be_denied_and_all_is_judged_again_after_that() -> None:
    asked = zone(f"-include:b.test ip4:64.0.0.0/16 {REST} +all", b="ip4:64.0.0.0/7")
    assert passes(asked, WIDTH) == BOTH
    assert passes(zone(f"include:b.test {REST}", b="ip4:64.0.0.0/7"), WIDTH) == BOTH


def test_terms_that_match_nothing_are_steps_as_long_as_something_remains() -> None:
    double = "ip4:20.8.0.1 ip4:20.8.0.1"
    assert len(checked(zone(double)).root("a.test").steps) == 2
    asked = {**zone("a:h1.test ip4:0.0.0.0/0 ip4:20.8.0.1"), ("h1.test", "AAAA"): "TEMPFAIL"}
    steps = checked(asked).root("a.test").steps
    assert [step.term for step in steps] == ["a:h1.test", "ip4:0.0.0.0/0"]
