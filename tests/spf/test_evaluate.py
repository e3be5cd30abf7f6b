"""List mode: exactly the addresses that a walk of the rules, address by address, lists."""

from __future__ import annotations

import json
from functools import partial
from typing import Protocol

import pytest
from hypothesis import given, settings

from spfwhite.dns.answers import Answers, Question
from spfwhite.library import resolve
from spfwhite.networks import Address, Networks
from spfwhite.spf.evaluation import evaluate
from spfwhite.spf.result import Evaluation
from spfwhite.spf.width import ANY_WIDTH, Widest
from tests.support.dnsserver import DnsServer
from tests.support.dnsserver import Zone as ServedZone
from tests.support.generated import boundaries, zones
from tests.support.oracle import Zone, list_mode_passes
from tests.support.zones import WORLD, Snapshot, domains, world

strictly = partial(evaluate, strict=True)


class Mode(Protocol):
    """List mode or strict mode."""

    def __call__(
        self, domains: list[str], answers: Answers, *, widest: Widest = ANY_WIDTH
    ) -> Evaluation:
        """Evaluate."""


def evaluated(zone: Zone, *names: str) -> Evaluation:
    return evaluate(names or domains(zone), Snapshot(zone))


def passes(zone: Zone, domain: str = "a.test") -> list[str]:
    return evaluated(zone, domain).root(domain).passed.texts()


def record(text: str, **others: str) -> Zone:
    zone: dict[tuple[str, str], tuple[str, ...] | str] = {("a.test", "TXT"): (text,)}
    zone.update({(f"{name}.test", "TXT"): (value,) for name, value in others.items()})
    return zone


@pytest.mark.slow
@settings(max_examples=200)
@given(zones(undecidable=True))
def test_lists_what_a_walk_lists_at_every_boundary(zone: Zone) -> None:
    addresses = boundaries(zone)
    evaluation = evaluated(zone)
    for name in domains(zone):
        passed = evaluation.root(name).passed
        for address in addresses:
            assert (address in passed) == list_mode_passes(zone, name, address), (name, address)


@pytest.mark.slow
@settings(max_examples=100)
@given(zones(undecidable=True))
def test_the_rail_on_width_lists_nothing_that_would_not_be_listed_without_it(zone: Zone) -> None:
    railed = evaluate(domains(zone), Snapshot(zone), widest=Widest(12, 28))
    for name in domains(zone):
        assert not railed.root(name).passed - evaluated(zone).root(name).passed


@pytest.mark.slow
@settings(max_examples=50)
@given(zones())
def test_the_order_of_the_domains_changes_nothing(zone: Zone) -> None:
    names = domains(zone)
    one, other = evaluated(zone, *names), evaluated(zone, *reversed(names))
    for name in names:
        assert one.root(name).passed == other.root(name).passed
        assert set(one.problems(name)) == set(other.problems(name))
        assert one.root(name).lookups == other.root(name).lookups


@pytest.mark.slow
def test_the_frozen_world_resolves_to_what_the_walk_lists() -> None:
    zone = world()
    groups = json.loads((WORLD / "providers.json").read_text())
    names = [name for group in groups.values() for name in group]
    with DnsServer(ServedZone.from_file(WORLD / "world.zone")) as server:
        results = resolve(names, nameservers=[server.address])
        assert max(server.count().values()) == 1, "each question once"
    addresses = boundaries(zone)
    assert len(addresses) > 5_000
    for name in names:
        passed = Networks.parse(str(network) for network in results[name].networks)
        # all names at every address would be 700,000 walks: each name at its own boundaries and
        # at a sample of the others
        mine = [address for address in addresses if _near(address, passed)]
        for address in mine + addresses[len(name) :: 97]:
            assert (address in passed) == list_mode_passes(zone, name, address), (name, address)


def _near(address: Address, passed: Networks) -> bool:
    """Whether an address is the first or last of a range, or next to it."""
    value = int(address)
    return any(
        edge - 1 <= value <= edge + 1 for pair in passed.ranges(address.version) for edge in pair
    )


def test_a_denied_block_is_cut_out_of_a_later_network() -> None:
    assert passes(record("v=spf1 -ip4:192.0.2.0/28 ip4:192.0.2.0/27 -all")) == ["192.0.2.16/28"]


def test_a_denial_after_a_pass_comes_too_late() -> None:
    assert passes(record("v=spf1 ip4:192.0.2.0/28 -ip4:192.0.2.0/24 -all")) == ["192.0.2.0/28"]


def test_nothing_after_all_counts() -> None:
    assert passes(record("v=spf1 ip4:192.0.2.1 -all ip4:192.0.2.2")) == ["192.0.2.1/32"]


def test_redirect_counts_only_without_all() -> None:
    target = "v=spf1 ip4:192.0.2.2 -all"
    assert passes(record("v=spf1 redirect=b.test ip4:192.0.2.1", b=target)) == [
        "192.0.2.1/32",
        "192.0.2.2/32",
    ]
    assert passes(record("v=spf1 redirect=b.test ip4:192.0.2.1 ~all", b=target)) == ["192.0.2.1/32"]


def test_an_include_that_fails_is_dropped_and_named() -> None:
    zone = {**record("v=spf1 -include:b.test ip4:192.0.2.1 -all"), ("b.test", "TXT"): "TEMPFAIL"}
    evaluation = evaluated(zone, "a.test")
    assert evaluation.root("a.test").passed.texts() == ["192.0.2.1/32"]
    (problem,) = evaluation.problems("a.test")
    assert (problem.kind, problem.domain, problem.term) == (
        "temporary",
        "a.test",
        "-include:b.test",
    )
    assert problem.widens


def test_a_self_include_is_a_loop_and_passes_the_rest() -> None:
    evaluation = evaluated(record("v=spf1 include:a.test ip4:192.0.2.1 -all"), "a.test")
    assert evaluation.root("a.test").passed.texts() == ["192.0.2.1/32"]
    assert [problem.kind for problem in evaluation.problems("a.test")] == ["loop"]


def test_a_record_that_passes_nothing_is_missing() -> None:
    assert [p.kind for p in evaluated(record("v=spf1 -all"), "a.test").problems("a.test")] == [
        "missing"
    ]


def test_nine_records_that_include_each_other_several_times_are_folded_once_each() -> None:
    names = [f"n{i}.test" for i in range(9)]
    zone = {
        (name, "TXT"): (
            "v=spf1 "
            + " ".join(f"include:{other}" for other in names * 3)
            + f" ip4:192.0.2.{i} -all",
        )
        for i, name in enumerate(names)
    }
    evaluation = evaluated(zone)
    assert len(evaluation.nodes) == 9
    for name in names:
        assert evaluation.root(name).passed.size(4) == 9


def test_a_chain_of_doubled_includes_is_folded_once_a_record() -> None:
    zone = {
        (f"n{i}.test", "TXT"): (f"v=spf1 include:n{i + 1}.test include:n{i + 1}.test -all",)
        for i in range(2000)
    }
    zone["n2000.test", "TXT"] = ("v=spf1 ip4:192.0.2.1 -all",)
    evaluation = evaluated(zone, "n0.test")
    assert len(evaluation.nodes) == 2001
    assert evaluation.root("n0.test").passed.texts() == ["192.0.2.1/32"]
    assert evaluation.root("n0.test").lookups == 1_000_000, "counted up to a million"


def test_terms_wider_than_the_rail_pass_nothing_and_claim_nothing() -> None:
    zone = record("v=spf1 ip4:10.0.0.0/7 ip4:10.1.0.0/16 +all")
    evaluation = evaluate(["a.test"], Snapshot(zone), widest=Widest(12, 28))
    assert evaluation.root("a.test").passed.texts() == ["10.1.0.0/16"]
    kinds = [(problem.kind, problem.term) for problem in evaluation.problems("a.test")]
    assert kinds == [("too-wide", "ip4:10.0.0.0/7"), ("too-wide", "+all")]


def test_the_rail_on_width_judges_each_family_of_a_host_term() -> None:
    zone: Zone = {
        ("a.test", "TXT"): ("v=spf1 a/8//64 -all",),
        ("a.test", "A"): ("192.0.2.1",),
        ("a.test", "AAAA"): ("2001:db8::1",),
    }
    evaluation = evaluate(["a.test"], Snapshot(zone), widest=Widest(12, 28))
    assert evaluation.root("a.test").passed.texts() == ["2001:db8::/64"]


@pytest.mark.parametrize("mode", [evaluate, strictly])
@pytest.mark.parametrize("denied", ["ip4:20.0.0.0/8", "+all", "redirect=c.test", "include:c.test"])
@pytest.mark.parametrize("qualifier", "-~?")
def test_no_rail_on_width_makes_a_denial_narrower(mode: Mode, denied: str, qualifier: str) -> None:
    zone = {
        **record(f"v=spf1 {qualifier}include:b.test ip4:20.0.0.0/24 ip4:198.18.0.0/7 -all"),
        ("b.test", "TXT"): (f"v=spf1 {denied}",),
        ("c.test", "TXT"): ("v=spf1 ip4:20.0.0.0/8 -all",),
    }
    evaluation = mode(["a.test"], Snapshot(zone), widest=Widest(12, 28))
    assert evaluation.root("a.test").passed.texts() == []


def test_a_domain_of_one_label_has_no_record() -> None:
    zone: Zone = {("localhost", "TXT"): ("v=spf1 +all",)}
    assert evaluated(zone, "localhost").root("localhost").fault is not None


def test_a_question_that_was_not_asked_is_a_limit_and_not_an_absence() -> None:
    evaluation = evaluate(["a.test"], {})
    assert [problem.kind for problem in evaluation.problems("a.test")] == ["limit"]
    assert Question("a.test", "TXT").name in evaluation.problems("a.test")[0].detail
