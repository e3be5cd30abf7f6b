"""What pages, host names and MX hosts add to a provider, as functions of the answers."""

from __future__ import annotations

from typing import Any

import pytest

from spfwhite.config.settings import Provider
from spfwhite.dns.answers import Answer, Answers, Failed, Found, Question, Void
from spfwhite.networks import EMPTY, Networks
from spfwhite.plan.candidates import Candidate, candidates
from spfwhite.sources import hosts, mx, pages
from spfwhite.sources.hosts import host_names
from spfwhite.sources.spf_domains import readings
from spfwhite.spf.result import Contribution, Problem
from spfwhite.spf.width import ANY_WIDTH, Widest
from tests.support.nights import configured, edited

URL = "https://p.test/list"
PAGE = Question(URL, "PAGE")
TXT = Question("p.test", "TXT")
NXDOMAIN = Void("NXDOMAIN")
NODATA = Void("NODATA")
SPF = Found(("v=spf1 ip4:192.0.2.0/24 -all",))


def provider(**keys: Any) -> Provider:
    keys = {"domains": (), "special_use": "keep", **keys}
    (made,) = edited(configured({"p": ()}), "p", **keys).providers
    return made


def a(name: str) -> Question:
    return Question(name, "A")


def aaaa(name: str) -> Question:
    return Question(name, "AAAA")


def listed(made: Provider, answers: Answers, widest: Widest = ANY_WIDTH) -> Candidate:
    safety = {"widest_ipv4": widest.ipv4, "widest_ipv6": widest.ipv6}
    config = configured({}, safety=safety)._replace(providers=(made,))
    (candidate,) = candidates(config, answers, {})
    return candidate


def test_host_names_are_those_of_all_patterns_in_their_order_and_each_once() -> None:
    first = provider(hosts=("b{1..2}.p.test", "{b1,a}.p.test"))
    second = provider(hosts=("a.p.test", "c.q.test"))
    assert host_names([first, second]) == ["b1.p.test", "b2.p.test", "a.p.test", "c.q.test"]


def test_pages_are_asked_for_unless_they_are_switched_off() -> None:
    assert pages.questions(provider(pages=(URL,))) == [PAGE]
    assert pages.questions(provider(pages=(URL,), pages_enabled=False)) == []


def test_pages_are_part_of_a_definition_only_while_they_are_on() -> None:
    without = provider(domains=("p.test",))
    off = provider(domains=("p.test",), pages=(URL,), pages_enabled=False)
    on = provider(domains=("p.test",), pages=(URL,))
    assert off.digest == without.digest != on.digest


def read_as(question: Question, answer: Answer) -> Answer:
    return mx.read_as([provider(domains=("p.test",), mx=True), provider(domains=("q.test",))])(
        question, answer
    )


@pytest.mark.parametrize("answer", [NXDOMAIN, NODATA, Found(("hello", "v=spf10 -all"))])
def test_a_domain_without_an_spf_record_gets_one_that_names_its_mx_hosts(answer: Answer) -> None:
    assert read_as(TXT, answer) == Found((mx.MX_FALLBACK,))


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
    assert read_as(TXT, answer) == answer


@pytest.mark.parametrize("question", [Question("q.test", "TXT"), a("p.test")])
def test_domains_of_others_and_other_types_have_no_fallback(question: Question) -> None:
    assert read_as(question, NXDOMAIN) == NXDOMAIN


MX_HOSTS: dict[Question, Answer] = {
    TXT: NODATA,
    Question("p.test", "MX"): Found(("10 m.p.test",)),
    a("m.p.test"): Found(("192.0.2.1",)),
    aaaa("m.p.test"): Found(("2001:db8::1",)),
}


@pytest.mark.parametrize("keys", [{"strict": False}, {"strict": True}])
def test_the_fallback_passes_the_mx_hosts_for_its_provider_and_for_no_include(
    keys: dict[str, Any],
) -> None:
    base = configured({"p": ("p.test",), "q": ("q.test",)}, spf=keys)
    answers = {**MX_HOSTS, Question("q.test", "TXT"): Found(("v=spf1 include:p.test -all",))}
    read = readings(edited(base, "p", mx=True), answers)
    assert read["p"].evaluation.root("p.test").passed == Networks.parse(
        ["192.0.2.1", "2001:db8::1"]
    )
    assert read["q"].evaluation.root("q.test").passed == EMPTY
    assert answers[TXT] == NODATA


def test_a_page_lists_what_was_found_on_it() -> None:
    found = listed(provider(pages=(URL,)), {PAGE: Found(("192.0.2.0/25", "192.0.2.128/25"))})
    assert found.origins == (Contribution(URL, "page", Networks.parse(["192.0.2.0/24"])),)
    assert (set(found.questions), found.problems) == ({PAGE}, ())


def test_a_page_that_failed_is_a_gap_with_its_cause() -> None:
    found = listed(provider(pages=(URL,)), {PAGE: Failed("lists no address")})
    assert (set(found.questions), found.passed) == ({PAGE}, EMPTY)
    assert found.problems == (Problem("temporary", URL, "page", "the page lists no address"),)


def test_a_page_that_was_not_asked_for_is_a_gap_too() -> None:
    (problem,) = listed(provider(pages=(URL,)), {}).problems
    assert (problem.kind, problem.detail) == ("temporary", "the page was not asked")


def test_a_page_that_is_switched_off_lists_nothing_even_if_it_is_remembered() -> None:
    made = provider(pages=(URL,), pages_enabled=False)
    found = listed(made, {PAGE: Found(("192.0.2.0/25",))})
    assert (len(found.questions), found.passed) == (0, EMPTY)


@pytest.mark.parametrize(
    "others",
    [
        {"domains": ("p.test",)},
        {"hosts": ("h.p.test",)},
        {"networks": Networks.parse(["192.0.2.0/24"])},
    ],
)
def test_that_pages_are_switched_off_is_said_where_there_is_no_other_source(
    others: dict[str, Any],
) -> None:
    detail = "its pages are switched off (pages_enabled), and it has no other source"
    alone = listed(provider(pages=(URL,), pages_enabled=False), {})
    assert alone.problems == (Problem("missing", "p", "", detail),)
    both = listed(provider(pages=(URL,), pages_enabled=False, **others), {})
    assert detail not in {problem.detail for problem in both.problems}


def test_networks_are_listed_whatever_the_limits_say() -> None:
    networks = Networks.parse(["64.0.0.0/8"])
    found = listed(provider(networks=networks), {}, Widest(12, 28))
    assert (found.static, found.passed, found.problems) == (networks, EMPTY, ())


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
    assert (set(found.questions), found.problems) == (set(answers), ())


def test_a_name_that_does_not_exist_is_no_problem_and_has_no_second_question() -> None:
    answers: dict[Question, Answer] = {
        a("h1.p.test"): NXDOMAIN,
        a("h2.p.test"): Found(("192.0.2.1",)),
    }
    answers |= {aaaa("h1.p.test"): Failed("timed out"), aaaa("h2.p.test"): NODATA}
    found = listed(provider(hosts=("h{1..2}.p.test",)), answers)
    assert found.questions == {a("h1.p.test"), a("h2.p.test"), aaaa("h2.p.test")}
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


@pytest.mark.parametrize("term", [pages.TERM, hosts.TERM])
def test_of_a_list_remembered_networks_may_have_joined_to_what_no_term_may_pass(term: str) -> None:
    joined = Networks.parse(["64.0.0.0/12", "64.16.0.0/12"])
    assert Widest(12, 28).admitted(term, joined) == joined
    assert Widest(12, 28).admitted("ip4:64.0.0.0/11", joined) == EMPTY
