"""What a provider passes now, where each part of it comes from, and what is not known of it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from spfwhite.config.settings import Config
from spfwhite.config.values import Exclusions
from spfwhite.dns.answers import Failed, Found, Question
from spfwhite.networks import EMPTY, Networks
from spfwhite.plan.candidates import Candidate, candidates, parts
from spfwhite.sources.memory import Stale
from tests.support.generated import zones
from tests.support.nights import configured, edited, failing, records
from tests.support.oracle import Zone
from tests.support.zones import Snapshot, domains

ONE = configured({"p": ["p.test"]})


def candidate(zone: Zone, config: Config = ONE) -> Candidate:
    (found,) = candidates(config, Snapshot(zone), {})
    return found


def kinds(found: Candidate) -> list[tuple[str, str, str]]:
    return [(problem.kind, problem.domain, problem.term) for problem in found.problems]


@pytest.mark.parametrize("strict", [False, True])
@settings(max_examples=50)
@given(zone=zones(undecidable=True))
def test_what_is_passed_is_the_union_of_its_origins(zone: Zone, strict: bool) -> None:  # noqa: FBT001
    keep = {"special_use": "keep", "widest_ipv4": 27, "widest_ipv6": 64}
    config = configured({"p": domains(zone)}, safety=keep, spf={"strict": strict})
    found = candidate(zone, config)
    terms = parts(found.origins, found.passed)
    assert Networks.union(origin.networks for origin in terms) == found.passed
    assert all(origin.networks for origin in terms)
    assert len({(origin.domain, origin.term) for origin in terms}) == len(terms)


def test_an_origin_names_the_record_and_the_term_as_written() -> None:
    found = candidate(records(p="Include:S.test ip4:20.0.0.0/24", s="IP4:20.1.0.0/24"))
    terms = parts(found.origins, found.passed)
    assert [(origin.domain, origin.term) for origin in terms] == [
        ("p.test", "ip4:20.0.0.0/24"),
        ("s.test", "IP4:20.1.0.0/24"),
    ]


def test_an_origin_has_only_what_no_record_above_it_denies() -> None:
    found = candidate(records(p="-ip4:20.0.0.0/25 include:s.test", s="ip4:20.0.0.0/24"))
    (origin,) = parts(found.origins, found.passed)
    assert (origin.domain, origin.networks.texts()) == ("s.test", ["20.0.0.128/25"])


def test_special_use_addresses_are_dropped_and_their_term_is_named() -> None:
    found = candidate(
        records(p="include:s.test ip4:20.0.0.0/24", s="ip4:10.0.0.0/16 ip6:fc00::/28")
    )
    assert found.passed.texts() == ["20.0.0.0/24"]
    assert kinds(found) == [
        ("special-use", "s.test", "ip4:10.0.0.0/16"),
        ("special-use", "s.test", "ip6:fc00::/28"),
    ]
    assert found.problems[0].detail == "passes 10.0.0.0/16"


def test_networks_of_ones_own_for_special_use_are_named() -> None:
    own = Networks.parse(["10.9.8.7/32", "30.0.0.0/8"])
    (found,) = candidates(edited(ONE, "p", domains=(), networks=own), {}, {})
    assert found.static.texts() == ["30.0.0.0/8"]
    ((kind, *where, detail, _),) = found.problems
    assert (kind, where) == ("special-use", ["p", "networks"])
    told = "10.9.8.7/32 of its own is for special use and left out"
    assert detail == f'{told}; `special_use = "keep"` in [providers.p] lists it'


def test_a_provider_may_keep_special_use_addresses() -> None:
    config = edited(ONE, "p", special_use="keep")
    found = candidate(records(p="ip4:10.0.0.0/16"), config)
    assert (found.passed.texts(), found.problems) == (["10.0.0.0/16"], ())


def test_exclusions_are_taken_from_spf_and_from_static_networks() -> None:
    config = configured(
        {"p": ["p.test"]}, safety={"exclude": Exclusions(Networks.parse(["20.0.0.0/25"]))}
    )
    config = edited(
        config, "p", networks=Networks.parse(["20.0.0.64/26", "30.0.0.0/8", "10.0.0.0/8"])
    )
    found = candidate(records(p="ip4:20.0.0.0/24"), config)
    assert found.passed.texts() == ["20.0.0.128/25"]
    assert found.static.texts() == ["30.0.0.0/8"], "static ones may be wide, and not special use"


@pytest.mark.parametrize("term", ["ip4:64.0.0.0/11", "ip6:2a00::/27", "a/11", "mx//27", "+all"])
def test_a_term_wider_than_the_limit_passes_nothing(term: str) -> None:
    zone = records(p=f"{term} ip4:20.0.0.0/24")
    zone["p.test", "A"], zone["p.test", "AAAA"] = ("64.0.0.1",), ("2a00::1",)
    zone["p.test", "MX"] = ("10 p.test",)
    found = candidate(zone)
    assert ("too-wide", "p.test", term) in kinds(found)
    assert found.passed - Networks.parse(["20.0.0.0/24", "64.0.0.1/32", "2a00::1/128"]) == EMPTY


@pytest.mark.parametrize("term", ["ip4:64.0.0.0/12", "ip6:2a00::/28"])
def test_a_term_as_wide_as_the_limit_passes(term: str) -> None:
    found = candidate(records(p=term))
    assert found.passed.texts() == [term.partition(":")[2]]


def test_domains_that_pass_nothing_are_named() -> None:
    config = configured({"p": ["full.test", "gone.test", "void.test", "macro.test"]})
    zone = records(full="ip4:20.0.0.0/24", void="", macro="exists:%{i}.e.test")
    assert candidate(zone, config).empty_domains == ("gone.test", "void.test")


def test_what_failed_makes_a_provider_incomplete() -> None:
    zone = failing(records(p="include:s.test ip4:20.0.0.0/24"), "s.test")
    found = candidate(zone)
    assert [(p.kind, p.domain, p.term) for p in found.gaps] == [
        ("temporary", "p.test", "include:s.test")
    ]
    assert not found.blocking


@pytest.mark.parametrize("term", ["-include:s.test", "~a:s.test", "?mx:s.test"])
def test_a_denial_that_failed_is_unbounded(term: str) -> None:
    zone = failing(records(p=f"{term} ip4:20.0.0.0/24"), "s.test")
    assert [problem.term for problem in candidate(zone).blocking] == [term]


@pytest.mark.parametrize("text", ["include:s.test", "exists:%{i}.e.test", "ip4:1.2.3", "a:p.test"])
def test_a_permanent_fault_is_no_gap(text: str) -> None:
    found = candidate(records(p=f"{text} ip4:20.0.0.0/24"))
    assert found.problems
    assert found.gaps == ()


def test_only_stale_answers_that_the_provider_uses_are_its_own() -> None:
    config = configured({"p": ["p.test"], "q": ["q.test"]})
    zone = records(p="include:s.test", q="ip4:21.0.0.0/24", s="ip4:20.0.0.0/24")
    stale = {Question("s.test", "TXT"): Stale(0.0, "timed out")}
    p, q = candidates(config, Snapshot(zone), stale)
    assert (p.stale, q.stale) == (stale, {})
    assert p.questions == {Question("p.test", "TXT"), Question("s.test", "TXT")}


def test_a_provider_that_is_switched_off_is_no_candidate() -> None:
    assert candidates(edited(ONE, "p", enabled=False), {}, {}) == []


def test_a_snapshot_without_an_answer_is_a_limit_and_one_that_failed_is_not() -> None:
    answers = {Question("p.test", "TXT"): Found(("v=spf1 include:s.test -all",))}
    (found,) = candidates(ONE, answers, {})
    assert [problem.kind for problem in found.blocking] == ["limit"]
    (found,) = candidates(ONE, {**answers, Question("s.test", "TXT"): Failed("refused")}, {})
    assert not found.blocking
