"""The oracle's list mode, and the worlds it is tried on, against facts worked by hand."""

from __future__ import annotations

from ipaddress import ip_address
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.generated import NAMES, boundaries, zones
from tests.support.oracle import TEMPFAIL, Walk, Zone, check_host, list_mode_passes
from tests.support.oracle_parse import Address, Record, Term, parse_record

pytestmark = pytest.mark.slow

NET = "ip4:192.0.2.0/24"  # holds the client, 192.0.2.1
CLIENT = ip_address("192.0.2.1")
# A slow machine is no finding.
any_pace = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
Answers = dict[tuple[str, str], tuple[str, ...] | str]


def _spf(**texts: str) -> Answers:
    """Records of domains: `b` stands for b.test."""
    return {(f"{name}.test", "TXT"): (text,) for name, text in texts.items()}


@pytest.mark.parametrize(
    "term",
    [
        *(
            "foo",
            "-ip4:192.0.2",
            "-all:x",
            "-ptr",
            "-exists:a.test",
            "-a:%{i}.test",
            "ip4:192.0.2.1/024",
        ),
        *("-include:%{s}.test", "-include:gone.test", "-include:two.test", "-include:dark.test"),
        *("-a:dark.test", "-mx:dark.test", "-a:x..test", "-include:a.test", "?include:loop.test"),
    ],
)
def test_a_term_that_cannot_be_used_is_dropped(term: str) -> None:
    zone: Answers = {("dark.test", rrtype): TEMPFAIL for rrtype in ("TXT", "A", "MX")}
    zone |= _spf(a=f"v=spf1 {term} {NET}", loop="v=spf1 +include:a.test +all")
    zone |= {("a.test", "MX"): ("1 h.test",), ("h.test", "A"): ("192.0.2.1",)}
    zone |= {("two.test", "TXT"): ("v=spf1 +all", "v=spf1 +all")}
    assert list_mode_passes(zone, "a.test", CLIENT)


@pytest.mark.parametrize(
    ("record", "listed"),
    [
        (f"v=spf1 -ip4:192.0.2.1 {NET}", False),
        (f"v=spf1 ~all {NET}", False),
        (f"v=spf1 {NET} -all", True),
        ("v=spf1 +all", True),
        ("v=spf1 redirect=b.test", True),
        ("v=spf1 redirect=b.test ?all", False),
        ("v=spf1 redirect=b.test all:x", True),
        ("v=spf1 redirect=b.test redirect=c.test", True),
        ("v=spf1 redirect=c.test redirect=b.test", False),
        ("v=spf1 -include:b.test +all", False),
        ("v=spf1 -include:c.test +all", True),
        ("v=spf1 " + "a:gone.test " * 11 + "+all", True),
    ],
)
def test_the_first_match_decides_in_list_mode(record: str, listed: bool) -> None:  # noqa: FBT001
    zone = _spf(a=record, b=f"v=spf1 {NET}", c="v=spf1 -all")
    assert list_mode_passes(zone, "a.test", CLIENT) is listed


def test_an_mx_matches_what_its_other_hosts_gave() -> None:
    zone = _spf(a="v=spf1 mx") | {("a.test", "MX"): ("1 dark.test", "2 h.test")}
    zone |= {("dark.test", "A"): TEMPFAIL, ("h.test", "A"): ("192.0.2.1",)}
    assert list_mode_passes(zone, "a.test", CLIENT)


@pytest.mark.parametrize(
    ("value", "others", "listed"),
    [("1 h.test", 100, True), ("9 h.test", 99, True), ("9 h.test", 100, False)],
)
def test_only_the_first_hundred_hosts_of_an_mx_count(
    value: str,
    others: int,
    listed: bool,  # noqa: FBT001
) -> None:
    hosts = tuple(f"5 m{i}.test" for i in range(others))
    zone = _spf(a="v=spf1 mx") | {("a.test", "MX"): (*hosts, value)}
    assert list_mode_passes(zone | {("h.test", "A"): ("192.0.2.1",)}, "a.test", CLIENT) is listed


@pytest.mark.parametrize("start", ["a.test", "b.test", "c.test"])
def test_names_that_include_each_other_pass_what_any_of_them_does(start: str) -> None:
    zone = _spf(
        a="v=spf1 include:b.test", b="v=spf1 redirect=c.test", c=f"v=spf1 include:a.test {NET}"
    )
    assert list_mode_passes(zone, start, CLIENT)


@pytest.mark.parametrize("start", ["a.test", "b.test"])
@pytest.mark.parametrize("way_back", ["include:a.test", "redirect=a.test", "?include:a.test"])
def test_what_takes_away_within_a_cycle_is_dropped_wherever_the_walk_begins(
    start: str, way_back: str
) -> None:
    zone = _spf(a=f"v=spf1 -include:b.test {NET}", b=f"v=spf1 {way_back} {NET}")
    assert list_mode_passes(zone, start, CLIENT)


@pytest.mark.parametrize("rest", ["+all include:a.test", "+all redirect=a.test"])
def test_a_term_that_all_leaves_unused_closes_no_cycle(rest: str) -> None:
    zone = _spf(a=f"v=spf1 -include:b.test {NET}", b=f"v=spf1 {rest}")
    assert not list_mode_passes(zone, "a.test", CLIENT)


def test_a_mapped_client_is_never_passed_by_ip6() -> None:
    zone = _spf(a="v=spf1 ip6:::/0 ip6:::ffff:192.0.2.1")
    assert not list_mode_passes(zone, "a.test", ip_address("::ffff:192.0.2.1"))


def test_boundaries_lie_on_both_sides_of_both_ends_of_a_network() -> None:
    ends = boundaries(_spf(a="v=spf1 ip4:198.51.100.77/24"))
    wanted = ("198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0")
    assert set(map(ip_address, wanted)) < set(ends)


def test_boundaries_take_every_prefix_length_in_use_on_every_address() -> None:
    zone = _spf(a="v=spf1 mx//64 a/31") | {("h.test", "AAAA"): ("2001:db8::1",)}
    ends = set(boundaries(zone | {("h.test", "A"): ("198.51.100.8",)}))
    wanted = ("2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8:0:1::", "2001:db8::2")
    assert set(map(ip_address, (*wanted, "198.51.100.7", "198.51.100.10"))) < ends


def test_boundaries_stop_at_the_ends_of_a_family() -> None:
    assert ip_address("255.255.255.255") in boundaries(_spf(a="v=spf1 ip4:0.0.0.0/0"))


@any_pace
@given(zones(failures=False))
def test_worlds_without_failures_have_none(zone: Zone) -> None:
    assert TEMPFAIL not in zone.values()


@any_pace
@given(zones(malformed=False))
def test_worlds_without_malformed_terms_have_no_faulty_record(zone: Zone) -> None:
    texts = [text for (_, rrtype), answer in zone.items() if rrtype == "TXT" for text in answer]
    assert not any(
        parse_record(text).faulty for text in texts if text.lower().startswith("v=spf1 ")
    )


class _Traced(Walk):
    """A walk that notes the counters at each term by the chain of records that led there."""

    def __init__(self, zone: Zone, address: Address) -> None:
        super().__init__(zone, address)
        self.chain: list[object] = []
        self.records: list[Record] = []
        self.seen: dict[tuple[object, ...], tuple[int, int]] = {}

    def evaluate(self, domain: str, record: Record) -> str:
        self.records.append(record)
        self.chain.append(domain)
        result = super().evaluate(domain, record)
        self.chain.pop()
        self.records.pop()
        return result

    def matches(self, domain: str, term: Term) -> bool:
        self.chain.append([other is term for other in self.records[-1].directives].index(True))
        self.seen[tuple(self.chain)] = (self.lookups, self.voids)
        matched = super().matches(domain, term)
        self.chain.pop()
        return matched


@any_pace
@given(zones(uniform_counters=True))
def test_uniform_worlds_bring_every_address_to_a_term_with_the_same_counters(zone: Zone) -> None:
    counters: dict[tuple[object, ...], tuple[int, int]] = {}
    for start, address in product(NAMES, boundaries(zone)):
        walk = _Traced(zone, address)
        walk.result(start)
        assert all(counters.setdefault(chain, seen) == seen for chain, seen in walk.seen.items())


@any_pace
@given(zones(loops=False), st.sampled_from(NAMES))
def test_list_mode_agrees_with_every_result_that_is_no_error(zone: Zone, start: str) -> None:
    for address in boundaries(zone):
        result = check_host(zone, start, address)
        if result not in ("temperror", "permerror"):
            assert list_mode_passes(zone, start, address) is (result == "pass")


@any_pace
@given(zones(undecidable=True), st.sampled_from(NAMES), st.sampled_from(NAMES))
def test_list_mode_passes_the_same_by_an_include(zone: Zone, start: str, other: str) -> None:
    included = {**zone, ("top.test", "TXT"): (f"v=spf1 include:{start} include:{other}",)}
    for address in boundaries(zone):
        listed = [list_mode_passes(zone, name, address) for name in (start, other)]
        assert list_mode_passes(included, "top.test", address) is any(listed)
