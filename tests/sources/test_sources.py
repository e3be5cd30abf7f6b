"""What pages, host names and MX hosts add to a provider, as functions of the answers."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from spfwhite.config.settings import Provider
from spfwhite.dns.answers import Answer, Answers, Failed, Found, Question, Void
from spfwhite.networks import Networks
from spfwhite.sources.listed import (
    MX_FALLBACK,
    Listing,
    host_names,
    listings,
    mx_domains,
    page_questions,
    with_fallbacks,
    with_mx,
)
from spfwhite.spf.evaluation import evaluate
from spfwhite.spf.result import Contribution, Problem
from spfwhite.spf.width import ANY_WIDTH, Widest
from tests.support.nights import configured, edited

URL = "https://p.test/list"
PAGE = Question(URL, "PAGE")
TXT = Question("p.test", "TXT")
NXDOMAIN = Void("NXDOMAIN")
NODATA = Void("NODATA")
SPF = Found(("v=spf1 ip4:192.0.2.0/24 -all",))
FALLBACK = Found((MX_FALLBACK,))


def provider(**keys: Any) -> Provider:
    (made,) = edited(configured({"p": keys.pop("domains", ())}), "p", **keys).providers
    return made


def a(name: str) -> Question:
    return Question(name, "A")


def aaaa(name: str) -> Question:
    return Question(name, "AAAA")


def listed(made: Provider, answers: Answers, widest: Widest = ANY_WIDTH) -> Listing:
    return listings(made, answers, widest)


def test_host_names_are_those_of_all_patterns_in_their_order_and_each_once() -> None:
    first = provider(hosts=("b{1..2}.p.test", "{b1,a}.p.test"))
    second = provider(hosts=("a.p.test", "c.q.test"))
    assert host_names([first, second]) == ["b1.p.test", "b2.p.test", "a.p.test", "c.q.test"]


def test_pages_are_asked_for_unless_they_are_switched_off() -> None:
    assert page_questions(provider(pages=(URL,))) == [PAGE]
    assert page_questions(provider(pages=(URL,), pages_enabled=False)) == []


def test_pages_are_part_of_a_definition_only_while_they_are_on() -> None:
    without = provider(domains=("p.test",))
    off = provider(domains=("p.test",), pages=(URL,), pages_enabled=False)
    on = provider(domains=("p.test",), pages=(URL,))
    assert off.digest == without.digest != on.digest


def test_only_domains_of_providers_with_the_key_have_a_fallback() -> None:
    chosen = provider(domains=("a.test", "b.test"), mx=True)
    assert mx_domains([chosen, provider(domains=("c.test",))]) == {"a.test", "b.test"}


@pytest.mark.parametrize("answer", [NXDOMAIN, NODATA, Found(("hello", "v=spf10 -all"))])
def test_a_domain_without_an_spf_record_gets_one_that_names_its_mx_hosts(answer: Answer) -> None:
    assert with_mx({"p.test"}, TXT, answer) == FALLBACK


@pytest.mark.parametrize(
    "answer",
    [
        SPF,
        Found(("V=SPF1",)),
        Found(("v=spf1 -all", "v=spf1 mx -all")),
        Failed("timed out"),
    ],
)
def test_a_record_and_a_failure_are_left_as_they_are(answer: Answer) -> None:
    assert with_mx({"p.test"}, TXT, answer) == answer


@pytest.mark.parametrize("question", [Question("q.test", "TXT"), a("p.test")])
def test_other_domains_and_other_types_have_no_fallback(question: Question) -> None:
    assert with_mx({"p.test"}, question, NXDOMAIN) == NXDOMAIN


def test_the_fallback_replaces_answers_and_makes_none_up() -> None:
    made = [provider(domains=("p.test", "unasked.test", "spf.test"), mx=True)]
    others: dict[Question, Answer] = {
        Question("spf.test", "TXT"): SPF,
        Question("q.test", "TXT"): NODATA,
    }
    assert with_fallbacks(made, {TXT: NODATA, **others}) == {TXT: FALLBACK, **others}


@pytest.mark.parametrize("mode", [evaluate, partial(evaluate, strict=True)])
def test_the_fallback_passes_the_addresses_of_the_mx_hosts(mode: Any) -> None:
    answers: dict[Question, Answer] = {
        TXT: NODATA,
        Question("p.test", "MX"): Found(("10 m.p.test",)),
        a("m.p.test"): Found(("192.0.2.1",)),
        aaaa("m.p.test"): Found(("2001:db8::1",)),
    }
    made = provider(domains=("p.test",), mx=True)
    root = mode(["p.test"], with_fallbacks([made], answers)).root("p.test")
    assert root.passed == Networks.parse(["192.0.2.1", "2001:db8::1"])
    assert root.fault is None


def test_a_page_lists_what_was_found_on_it() -> None:
    found = listed(provider(pages=(URL,)), {PAGE: Found(("192.0.2.0/25", "192.0.2.128/25"))})
    assert found.origins == (Contribution(URL, "page", Networks.parse(["192.0.2.0/24"])),)
    assert (found.questions, found.problems) == ((PAGE,), ())


def test_a_page_that_failed_is_a_gap_with_its_cause() -> None:
    found = listed(provider(pages=(URL,)), {PAGE: Failed("lists no address")})
    problem = Problem("temporary", URL, "page", "the page lists no address")
    assert found == Listing((PAGE,), (), (problem,))


def test_a_page_that_was_not_asked_for_is_a_gap_too() -> None:
    (problem,) = listed(provider(pages=(URL,)), {}).problems
    assert (problem.kind, problem.detail) == ("temporary", "the page was not asked")


def test_a_page_that_is_switched_off_lists_nothing_even_if_it_is_remembered() -> None:
    made = provider(pages=(URL,), pages_enabled=False)
    assert listed(made, {PAGE: Found(("192.0.2.0/25",))}) == Listing(
        (), (), listed(made, {}).problems
    )


def test_hosts_list_the_addresses_of_all_their_names() -> None:
    answers: dict[Question, Answer] = {
        a("h1.p.test"): Found(("192.0.2.1", "192.0.2.3")),
        aaaa("h1.p.test"): Found(("2001:db8::1",)),
        a("h2.p.test"): NODATA,
        aaaa("h2.p.test"): Found(("2001:db8::2",)),
    }
    found = listed(provider(hosts=("h{1..2}.p.test",)), answers)
    texts = ["192.0.2.1", "192.0.2.3", "2001:db8::1", "2001:db8::2"]
    assert found.origins == (Contribution("h{1..2}.p.test", "hosts", Networks.parse(texts)),)
    assert (found.questions, found.problems) == (tuple(answers), ())


def test_a_name_that_does_not_exist_is_no_problem_and_has_no_second_question() -> None:
    answers: dict[Question, Answer] = {
        a("h1.p.test"): NXDOMAIN,
        a("h2.p.test"): Found(("192.0.2.1",)),
    }
    answers |= {aaaa("h1.p.test"): Failed("timed out"), aaaa("h2.p.test"): NODATA}
    found = listed(provider(hosts=("h{1..2}.p.test",)), answers)
    assert found.questions == (a("h1.p.test"), a("h2.p.test"), aaaa("h2.p.test"))
    assert not found.problems


def test_failed_questions_are_counted_with_the_cause_that_most_of_them_have() -> None:
    answers: dict[Question, Answer] = {
        a("h1.p.test"): Failed("refused"),
        aaaa("h1.p.test"): Failed("timed out"),
        a("h2.p.test"): Found(("192.0.2.1",)),
        aaaa("h2.p.test"): Failed("timed out"),
        a("h3.p.test"): NXDOMAIN,
    }
    found = listed(provider(hosts=("h{1..3}.p.test",)), answers)
    detail = "3 of 5 questions failed, most often: timed out"
    assert found.problems == (Problem("temporary", "h{1..3}.p.test", "hosts", detail),)
    assert [origin.networks.texts() for origin in found.origins] == [["192.0.2.1/32"]]


def test_a_pattern_of_which_no_name_has_an_address_is_named() -> None:
    answers = {a("h1.p.test"): NXDOMAIN, a("h2.p.test"): NODATA, aaaa("h2.p.test"): NODATA}
    found = listed(provider(hosts=("h{1..2}.p.test",)), answers)
    detail = "none of the names has an address"
    assert found.problems == (Problem("missing", "h{1..2}.p.test", "hosts", detail),)
    assert found.origins == ()


def test_each_page_and_each_pattern_is_an_origin_of_its_own() -> None:
    other = Question("https://p.test/more", "PAGE")
    answers: dict[Question, Answer] = {
        PAGE: Found(("192.0.2.0/25",)),
        other: Found(("192.0.2.0/24",)),
        a("h.p.test"): Found(("192.0.2.1",)),
        aaaa("h.p.test"): NODATA,
    }
    found = listed(provider(pages=(URL, other.name), hosts=("h.p.test",)), answers)
    assert [(origin.domain, origin.term) for origin in found.origins] == [
        (URL, "page"),
        (other.name, "page"),
        ("h.p.test", "hosts"),
    ]


@pytest.mark.parametrize("wide", ["64.0.0.0/11", "2400::/27"])
def test_what_is_too_wide_on_a_page_is_dropped_and_named_and_the_rest_stays(wide: str) -> None:
    rest = ("192.0.2.0/24", "2001:db8::/32")
    found = listed(provider(pages=(URL,)), {PAGE: Found((wide, *rest))}, Widest(12, 28))
    assert [origin.networks for origin in found.origins] == [Networks.parse(rest)]
    (problem,) = found.problems
    assert (problem.kind, problem.domain, problem.term) == ("too-wide", URL, "page")
    assert problem.detail.startswith(f"{wide} is wider than ")


def test_a_page_of_which_all_is_too_wide_is_no_origin() -> None:
    found = listed(provider(pages=(URL,)), {PAGE: Found(("64.0.0.0/11",))}, Widest(12, 28))
    assert found.origins == ()
    assert [problem.kind for problem in found.problems] == ["too-wide"]


def test_what_is_as_wide_as_the_rail_passes() -> None:
    values = ("64.0.0.0/12", "2400::/28")
    found = listed(provider(pages=(URL,)), {PAGE: Found(values)}, Widest(12, 28))
    assert [origin.networks for origin in found.origins] == [Networks.parse(values)]
    assert not found.problems
