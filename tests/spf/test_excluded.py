"""A domain that is excluded: its record is followed for nobody, and denied as ever."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings

from spfwhite.networks import Networks
from spfwhite.spf.evaluation import evaluate
from spfwhite.spf.result import Evaluation
from spfwhite.spf.width import Widest
from tests.support.generated import boundaries, zones
from tests.support.oracle import Zone, check_host
from tests.support.zones import Snapshot, domains

BOTH_MODES = pytest.mark.parametrize("strict", [False, True])
OWN, MAILER, BELOW = "20.0.0.0/24", "21.0.0.0/24", "22.0.0.0/24"


def evaluated(
    texts: Mapping[str, str], *names: str, strict: bool, without: str = "m.test"
) -> Evaluation:
    zone: Zone = {(f"{name}.test", "TXT"): (f"v=spf1 {text}",) for name, text in texts.items()}
    widest = Widest(12, 28, frozenset({without}))
    return evaluate(names or ["a.test"], Snapshot(zone), strict=strict, widest=widest)


def passes(*, strict: bool, **texts: str) -> list[str]:
    texts = {"m": f"ip4:{MAILER} include:n.test -all", "n": f"ip4:{BELOW} -all", **texts}
    return evaluated(texts, strict=strict).root("a.test").passed.texts()


@BOTH_MODES
@pytest.mark.parametrize("term", ["include:m.test", "INCLUDE:M.Test", "include:m.test."])
def test_an_include_of_it_passes_nothing_not_even_what_is_below(term: str, *, strict: bool) -> None:
    assert passes(strict=strict, a=f"{term} ip4:{OWN} -all") == [OWN]


@BOTH_MODES
def test_a_redirect_to_it_passes_nothing(*, strict: bool) -> None:
    assert passes(strict=strict, a=f"ip4:{OWN} redirect=m.test") == [OWN]


@BOTH_MODES
def test_it_passes_nothing_through_the_records_of_others(*, strict: bool) -> None:
    others = {"b": f"ip4:{OWN} include:c.test -all", "c": "redirect=m.test"}
    assert passes(strict=strict, a="include:b.test -all", **others) == [OWN]


@BOTH_MODES
def test_what_others_pass_as_well_is_passed(*, strict: bool) -> None:
    assert passes(strict=strict, a=f"include:m.test ip4:{MAILER} include:n.test -all") == [
        MAILER,
        BELOW,
    ]


@BOTH_MODES
@pytest.mark.parametrize("qualifier", "-~?")
def test_what_denies_it_denies_all_of_it(qualifier: str, *, strict: bool) -> None:
    rest = f"ip4:{MAILER} ip4:{BELOW} ip4:{OWN} -all"
    assert passes(strict=strict, a=f"{qualifier}include:m.test {rest}") == [OWN]
    assert passes(strict=strict, a=f"{qualifier}include:b.test {rest}", b="include:m.test") == [OWN]
    assert passes(strict=strict, a=f"{qualifier}include:b.test {rest}", b="redirect=m.test") == [
        OWN
    ]


@BOTH_MODES
def test_the_domain_itself_passes_nothing_and_says_what_it_would(*, strict: bool) -> None:
    texts = {"m": f"ip4:{MAILER} ip4:20.0.0.0/8 include:n.test -all", "n": f"ip4:{BELOW} -all"}
    evaluation = evaluated(texts, "m.test", strict=strict)
    root = evaluation.root("m.test")
    assert (root.passed.texts(), root.excluded.texts()) == ([], [MAILER, BELOW])
    assert [step.passed.texts() for step in root.steps] == [[]] * 4
    assert root.contributions == ()


@BOTH_MODES
def test_nothing_is_passed_by_way_of_it(*, strict: bool) -> None:
    texts = {
        "a": f"include:m.test ip4:{OWN} -all",
        "m": "include:n.test -all",
        "n": f"ip4:{BELOW} -all",
    }
    evaluation = evaluated(texts, strict=strict)
    nodes = list(evaluation.walk("a.test", passing=True))
    assert [node.domain for node in nodes] == ["a.test", "m.test"]
    assert nodes[1].excluded.texts() == [BELOW]
    assert set(evaluation.chains(["a.test"])) == {"a.test", "m.test"}
    assert evaluation.problems("a.test") == ()


def test_in_a_circle_it_passes_nothing_and_hands_nothing_on() -> None:
    circle = {
        "a": f"ip4:{OWN} include:m.test -all",
        "m": f"ip4:{MAILER} include:b.test -all",
        "b": f"ip4:{BELOW} include:a.test -all",
    }
    evaluation = evaluated(circle, "a.test", "b.test", "m.test", strict=False)
    assert evaluation.root("a.test").passed.texts() == [OWN]
    assert evaluation.root("b.test").passed.texts() == [OWN, BELOW]
    root = evaluation.root("m.test")
    assert (root.passed.texts(), root.excluded.texts()) == ([], [OWN, MAILER, BELOW])


def test_in_a_circle_what_denies_it_from_outside_denies_all_of_it() -> None:
    circle = {"m": f"ip4:{MAILER} include:n.test", "n": f"ip4:{BELOW} include:m.test"}
    circle["a"] = f"-include:n.test ip4:{MAILER} ip4:{BELOW} ip4:{OWN}"
    assert evaluated(circle, strict=False).root("a.test").passed.texts() == [OWN]


def test_in_list_mode_what_is_wrong_with_its_record_is_nobodys_problem() -> None:
    zone: Zone = {
        ("a.test", "TXT"): (f"v=spf1 include:m.test ip4:{OWN}",),
        ("m.test", "TXT"): "FAIL",
    }
    widest = Widest(excluded=frozenset({"m.test"}))
    evaluation = evaluate(["a.test"], Snapshot(zone), widest=widest)
    assert (evaluation.root("a.test").passed.texts(), evaluation.problems("a.test")) == ([OWN], ())
    zone = {**zone, ("a.test", "TXT"): (f"v=spf1 -include:m.test ip4:{OWN}",)}
    (problem,) = evaluate(["a.test"], Snapshot(zone), widest=widest).problems("a.test")
    assert (problem.kind, problem.widens) == ("temporary", True), "what it denies is not known"


@BOTH_MODES
@pytest.mark.parametrize("without", ["other.test", "test", "x.a.test"])
def test_a_domain_that_nobody_leads_to_changes_nothing(without: str, *, strict: bool) -> None:
    evaluation = evaluated({"a": f"ip4:{OWN} -all"}, strict=strict, without=without)
    assert evaluation.root("a.test").passed.texts() == [OWN]
    assert not evaluation.root("a.test").excluded


@pytest.mark.slow
@settings(max_examples=100)
@given(zones())
def test_strict_mode_is_never_wider_for_it(zone: Zone) -> None:
    names = domains(zone)
    widest = Widest(excluded=frozenset(names[::2]))
    for name in names:
        passed = evaluate([name], Snapshot(zone), strict=True, widest=widest).root(name).passed
        for address in boundaries(zone):
            if address in passed:
                assert check_host(zone, name, address) == "pass", (name, address)


@pytest.mark.slow
@settings(max_examples=100)
@given(zones(undecidable=True))
def test_list_mode_lists_nothing_that_would_not_be_listed_without_it(zone: Zone) -> None:
    names = domains(zone)
    excluded = frozenset(names[::2])
    without = evaluate(names, Snapshot(zone), widest=Widest(excluded=excluded))
    plain = evaluate(names, Snapshot(zone))
    for name in names:
        passed = without.root(name).passed
        assert not passed - plain.root(name).passed
        assert passed == Networks() or name not in excluded


def test_a_fault_of_a_record_that_is_followed_for_nobody_is_no_fault_of_who_includes_it() -> None:
    texts = {"a": f"include:gone.test ip4:{OWN} -all"}
    made = evaluated(texts, strict=False, without="gone.test")
    assert made.root("a.test").passed.texts() == [OWN]
    assert made.problems("a.test") == ()
