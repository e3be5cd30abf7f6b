"""What is nearly right about a record is said, with what was probably meant."""

from __future__ import annotations

import pytest

from spfwhite.dns.answers import Found, Question
from spfwhite.networks import EMPTY
from spfwhite.sources.memory import kept
from spfwhite.spf.evaluation import evaluate
from spfwhite.spf.result import Evaluation, Problem

TXT = Question("x.test", "TXT")
VALID = "v=spf1 ip4:198.51.100.1 -all"


def evaluated(*texts: str, strict: bool = False) -> Evaluation:
    """Evaluate the TXT of x.test, as far as it is kept of an answer."""
    texts = tuple(text.encode().decode("latin-1") for text in texts)
    return evaluate(["x.test"], {TXT: kept(TXT, Found(texts), 500)}, strict=strict)


def problems(*texts: str, strict: bool = False) -> list[Problem]:
    return list(evaluated(*texts, strict=strict).problems("x.test"))


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ('"v=spf1 include:p.test ~all"', '"v=spf1 include:p.test ~'),
        ("\u201cv=spf1 mx -all\u201d", r"\226\128\156v=spf1 mx -all\226\128\157"),
        ("'v=spf1 mx'", "'v=spf1 mx'"),
        ("\ufeffv=spf1 a", r"\239\187\191v=spf1 a"),
        (" v=spf1 mx", " v=spf1 mx"),
        ("\tv=spf1 mx", r"\009v=spf1 mx"),
        ("     v=spf1 mx", "     v=spf1 mx"),
        ("-v=spf1 mx", "-v=spf1 mx"),
        ("v=spf mx", "v=spf mx"),
        ("v=spf1\tmx", r"v=spf1\009mx"),
        ("v=spf1+ip4:198.51.100.1", "v=spf1+ip4:198.51.100.1"),
        ("v=spf1;ip4:198.51.100.1", "v=spf1;ip4:198.51.100.1"),
        ("v=spf1ip4:198.51.100.1", "v=spf1ip4:198.51.100.1"),
        ("v = spf1 mx", "v = spf1 mx"),
        ("v=\u017fpf1 mx", r"v=\197\191pf1 mx"),
        ("spf1 mx", "spf1 mx"),
        ("ip4:198.51.100.1 -all", "ip4:198.51.100.1 -all"),
    ],
)
@pytest.mark.parametrize("strict", [False, True])
def test_a_text_that_is_nearly_a_record_is_shown(text: str, begins: str, *, strict: bool) -> None:
    (problem,) = problems("token=1", text, strict=strict)
    assert (problem.kind, problem.term) == ("missing", "")
    assert problem.detail == f'x.test has no SPF record, but a TXT that begins "{begins}"'


@pytest.mark.parametrize("text", ["token=1", "", "v=DMARC1; p=none", "spf2.0/pra mx", "MS=ms1"])
def test_a_text_that_is_something_else_is_not(text: str) -> None:
    assert [problem.detail for problem in problems(text)] == ["x.test has no SPF record"]


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("text", ["ip4:198.51.100.2 -all", "IP6:2001:db8::1", "include:p.test"])
def test_the_rest_of_a_record_in_a_text_of_its_own_is_said_and_counts_for_nothing(
    text: str, *, strict: bool
) -> None:
    evaluation = evaluated(text, "token=1", VALID, strict=strict)
    assert evaluation.root("x.test").passed.texts() == ["198.51.100.1/32"]
    (problem,) = evaluation.problems("x.test")
    assert (problem.kind, problem.term) == ("syntax", text.split()[0])
    assert "a TXT of its own" in problem.detail


@pytest.mark.parametrize("name", ["include", "ip4", "IP6", "a", "mx", "all", "ptr", "exists"])
@pytest.mark.parametrize("strict", [False, True])
def test_a_modifier_with_the_name_of_a_mechanism_is_said_and_voids_nothing(
    name: str, *, strict: bool
) -> None:
    evaluation = evaluated(f"v=spf1 {name}=p.test ip4:198.51.100.1 -all", strict=strict)
    assert evaluation.root("x.test").passed.texts() == ["198.51.100.1/32"]
    (problem,) = evaluation.problems("x.test")
    assert (problem.kind, problem.term, problem.widens) == ("syntax", f"{name}=p.test", False)
    assert f"{name.lower()}: was probably meant" in problem.detail


def test_no_other_modifier_is_said() -> None:
    assert problems("v=spf1 ip4:198.51.100.1 exp=e.test ra=postmaster rr=all -all") == []


@pytest.mark.parametrize(
    ("term", "hint"),
    [
        ("a:198.51.100.1", "ip4:"),
        ("mx:198.51.100.0/24", "ip4:"),
        ("a:2001:db8::1", "ip6:"),
        ("include:198.51.100.1", "ip4:"),
        ("include:198.51.100.0/24", "ip4:"),
        ("ipv4:198.51.100.1", "ip4:"),
        ("ip:198.51.100.1", "ip4:"),
        ("ipv6:2001:db8::/32", "ip6:"),
        ("198.51.100.1", "ip4:"),
    ],
)
def test_an_address_in_the_wrong_term_is_told_which_one_it_needs(term: str, hint: str) -> None:
    (problem, _) = problems(f"v=spf1 {term} -all")
    assert (problem.kind, problem.term) == ("syntax", term)
    assert problem.detail.endswith(f"; an address needs {hint}")


@pytest.mark.parametrize("term", ["a:x_y", "include:localhost", "moo:1.2.3", "moo", "1.2.3"])
def test_what_is_no_address_has_no_such_hint(term: str) -> None:
    assert "an address needs" not in problems(f"v=spf1 {term} -all")[0].detail


@pytest.mark.parametrize("end", ["~all;", "?all.", '~all"', "-exists:%{i}.b.test", "-moo"])
def test_a_denial_that_is_dropped_at_the_end_widens_nothing(end: str) -> None:
    assert [problem.widens for problem in problems(f"v=spf1 ip4:198.51.100.1 {end}")] == [False]
    assert [p.widens for p in problems(f"v=spf1 ip4:198.51.100.1 {end} -all")] == [False]
    assert not any(p.widens for p in problems(f"v=spf1 ip4:198.51.100.1 {end} ip4:moo -ptr"))


@pytest.mark.parametrize("rest", ["ip4:198.51.100.1 -all", "-mx ip4:198.51.100.1", "+all"])
def test_a_denial_that_is_dropped_before_what_is_passed_widens(rest: str) -> None:
    assert problems(f"v=spf1 -moo {rest}")[0].widens


def test_a_denial_that_is_dropped_before_a_redirect_or_a_loop_widens() -> None:
    answers = {
        TXT: Found(("v=spf1 redirect=y.test ~all;",)),
        Question("y.test", "TXT"): Found(("v=spf1 -moo include:x.test ip4:moo",)),
    }
    found = evaluate(["x.test"], answers).problems("x.test")
    assert {problem.term: problem.widens for problem in found if problem.term} == {
        "~all;": True,
        "-moo": True,
        "ip4:moo": False,
        "include:x.test": False,
        "redirect=y.test": False,
    }


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(
    ("term", "detail"),
    [
        ("exists:fixed.test", "holds for every client or for none, so it names no address"),
        ("exists:%{d}.b.test", "holds for every client or for none, so it names no address"),
        ("exists:%{i}.b.test", "is decided by the client"),
        ("ptr:p.test", "is decided by the client"),
    ],
)
def test_only_what_the_client_decides_is_said_to_be_so(
    term: str, detail: str, *, strict: bool
) -> None:
    evaluation = evaluated(f"v=spf1 ip4:198.51.100.1 {term} -all", strict=strict)
    assert evaluation.root("x.test").passed != EMPTY
    (problem,) = evaluation.problems("x.test")
    assert (problem.kind, problem.term, problem.detail) == ("undecidable", term, detail)
