"""The rails of one provider over several nights: what is held, what is said, what lifts it."""

from __future__ import annotations

import pytest

from spfwhite.errors import Exit
from spfwhite.networks import EMPTY, Networks
from tests.support.nights import Nights, configured, edited, failing, records
from tests.support.oracle import Zone

# one provider of 4,096 + 1,024 addresses and 1,024 /64s, and one beside it that never changes
WHOLE = "ip4:20.0.0.0/20 ip4:20.1.0.0/22 ip6:2a00:1::/54"
BESIDE = "ip4:21.0.0.0/16 ip6:2a00:2::/48"
BEFORE = Networks.parse(["20.0.0.0/20", "20.1.0.0/22", "2a00:1::/54"])
CONFIG = configured({"p": ["p.test"], "q": ["q.test"]})
HEALTHY = records(p=WHOLE, q=BESIDE)

VANISHED = {
    "NXDOMAIN": {key: value for key, value in HEALTHY.items() if key[0] != "p.test"},
    "no data": {**HEALTHY, ("p.test", "TXT"): ()},
    "no record": {**HEALTHY, ("p.test", "TXT"): ("verification=1",)},
    "an empty record": {**HEALTHY, ("p.test", "TXT"): ("v=spf1 -all",)},
    "two records": {**HEALTHY, ("p.test", "TXT"): ("v=spf1 -all", "v=spf1 ~all")},
    "only +all": {**HEALTHY, ("p.test", "TXT"): ("v=spf1 +all",)},
    "only a /2": {**HEALTHY, ("p.test", "TXT"): ("v=spf1 ip4:64.0.0.0/2 -all",)},
    "only special use": {**HEALTHY, ("p.test", "TXT"): ("v=spf1 ip4:10.0.0.0/20 -all",)},
    "another's networks": {
        **HEALTHY,
        ("p.test", "TXT"): ("v=spf1 ip4:45.0.0.0/20 ip4:45.1.0.0/22 ip6:2a00:9::/54 -all",),
    },
}


def after(zone: Zone, *, nights: int = 1) -> Nights:
    """The series in which everything was well once, and then the world was this."""
    series = Nights(CONFIG)
    assert not series.night(HEALTHY).plan.refusals
    for _ in range(nights):
        series.night(zone)
    return series


def held(series: Nights, zone: Zone) -> list[str]:
    """The holds of p in one more night; whatever is not held must be as it was accepted."""
    night = series.night(zone)
    decision = night.decision("p")
    assert (decision.status == "held") == bool(decision.holds)
    if decision.holds:
        assert decision.degraded
        assert decision.networks == BEFORE
        assert series.table == BEFORE | night.decision("q").networks
    return list(night.reported("p").holds)


@pytest.mark.parametrize("zone", VANISHED.values(), ids=VANISHED.keys())
def test_a_provider_that_vanishes_is_held_and_its_networks_stay(zone: Zone) -> None:
    for hold in held(after(HEALTHY), zone):
        assert "safety.provider_max_loss" in hold
    assert len(held(after(zone), zone)) == 2, "both families, night after night"


@pytest.mark.parametrize("zone", VANISHED.values(), ids=VANISHED.keys())
def test_the_others_go_on_while_one_is_held(zone: Zone) -> None:
    series = after(HEALTHY)
    text = f"v=spf1 {BESIDE} ip4:22.0.0.0/20 -all"
    night = series.night({**zone, ("q.test", "TXT"): (text,)})
    assert night.decision("q").status == "ok"
    assert Networks.parse(["22.0.0.0/20"]) - series.table == Networks()


@pytest.mark.parametrize("zone", VANISHED.values(), ids=VANISHED.keys())
def test_a_provider_that_is_held_is_free_again_when_it_is_back(zone: Zone) -> None:
    series = after(zone, nights=3)
    night = series.night(HEALTHY)
    assert night.decision("p").status == "ok"
    assert not night.decision("p").degraded
    assert series.state.accepted["p"].held is None


def test_a_hold_names_the_number_the_limit_and_the_key() -> None:
    loss, emptied = held(after(HEALTHY), VANISHED["NXDOMAIN"])
    assert loss == (
        "loses 100 % of its IPv4 addresses (5,120 of 5,120), over the 50 % of "
        "safety.provider_max_loss"
    )
    assert emptied.startswith("loses 100 % of its IPv6 /64s (1,024 of 1,024), over the 50 % of")


def test_a_domain_that_is_now_someone_elses_adds_nothing_of_theirs() -> None:
    series = after(VANISHED["another's networks"], nights=5)
    assert not series.table & Networks.parse(["45.0.0.0/8", "2a00:9::/32"])


def test_too_wide_terms_beside_the_usual_ones_add_nothing_and_hold_nothing() -> None:
    for term in ("+all", "ip4:64.0.0.0/2", "ip4:64.0.0.0/11", "ip6:2a00:8000::/27"):
        series = after(HEALTHY)
        night = series.night({**HEALTHY, **records(p=f"{WHOLE} {term}")})
        assert night.decision("p").networks == BEFORE
        assert night.decision("p").status == "ok"
        assert [problem.kind for problem in night.reported("p").problems] == ["too-wide"]


def test_a_provider_that_grows_to_a_9_is_held() -> None:
    grown = " ".join(f"ip4:32.{16 * i}.0.0/12" for i in range(8))
    holds = held(after(HEALTHY), {**HEALTHY, **records(p=f"{WHOLE} {grown}")})
    assert len(holds) == 2
    assert holds[0] == (
        "has 8,393,728 IPv4 addresses, over the 4,194,304 that one provider may have"
    )
    assert "grows from 5,120 to 8,393,728 IPv4 addresses" in holds[1]
    assert "over the 300 % of safety.provider_max_growth" in holds[1]


def test_a_provider_may_grow_to_just_four_times_its_size() -> None:
    more = "ip4:32.0.0.0/19 ip4:33.0.0.0/20 ip4:34.0.0.0/21 ip4:35.0.0.0/22"  # 15,360 = 3 x 5,120
    assert held(after(HEALTHY), {**HEALTHY, **records(p=f"{WHOLE} {more}")}) == []
    assert len(held(after(HEALTHY), {**HEALTHY, **records(p=f"{WHOLE} {more} ip4:36.0.0.1")})) == 1


def test_a_provider_may_lose_just_half_of_a_family() -> None:
    half = "ip4:20.0.0.0/21 ip4:20.1.0.0/23 ip6:2a00:1::/55"
    assert held(after(HEALTHY), {**HEALTHY, **records(p=half)}) == []
    (hold,) = held(after(HEALTHY), {**HEALTHY, **records(p=f"-ip4:20.0.0.0 {half}")})
    assert "(2,561 of 5,120)" in hold


def test_a_new_provider_that_passes_too_much_is_left_out_until_accepted() -> None:
    wide = " ".join(f"ip4:32.{16 * i}.0.0/12" for i in range(5))
    zone = {**HEALTHY, **records(p=wide)}
    series = Nights(CONFIG)
    night = series.night(zone)
    assert (night.decision("p").status, night.decision("p").degraded) == ("held", True)
    assert not night.decision("p").networks
    assert "p" not in series.state.accepted
    assert series.night(zone, lifted=["p"]).decision("p").networks.size(4) == 5 * 2**20


def test_what_was_accepted_beyond_the_size_of_one_provider_is_not_held_again() -> None:
    wide = " ".join(f"ip4:32.{16 * i}.0.0/12" for i in range(5))
    zone = {**HEALTHY, **records(p=wide)}
    series = Nights(CONFIG)
    series.night(zone, lifted=["p"])
    assert series.night(zone).decision("p").status == "ok"


@pytest.mark.parametrize("zone", VANISHED.values(), ids=VANISHED.keys())
def test_accept_lifts_the_hold_of_the_provider_that_it_names(zone: Zone) -> None:
    series = after(zone)
    assert series.night(zone, lifted=["q"]).decision("p").holds
    decision = series.night(zone, lifted=["p"]).decision("p")
    assert not decision.holds
    assert decision.networks == decision.candidate.passed
    assert not series.night(zone).decision("p").holds, "and stays accepted"


def test_an_edited_provider_starts_anew() -> None:
    series = after(HEALTHY)
    series.config = edited(CONFIG, "p", domains=("r.test",))
    night = series.night({**HEALTHY, **records(r="ip4:50.0.0.0/24")})
    assert night.decision("p").networks.texts() == ["50.0.0.0/24"]
    assert night.decision("p").status == "ok"


def test_a_failed_denial_with_nothing_remembered_holds_a_provider() -> None:
    series = after(HEALTHY)
    zone = {**HEALTHY, **records(p=f"-include:d.test {WHOLE} ip4:20.2.0.0/24")}
    (hold,) = held(series, failing(zone, "d.test"))
    assert hold == "a part of it is not known: p.test: TXT d.test failed: timed out"


def test_a_failed_denial_is_answered_from_memory_first() -> None:
    zone = {**HEALTHY, **records(p=f"-include:d.test {WHOLE}", d="ip4:20.0.0.0/24")}
    series = Nights(CONFIG)
    series.night(zone)
    table = series.table
    night = series.night(failing(zone, "d.test"))
    assert (night.decision("p").status, series.table) == ("stale", table)


def test_a_new_provider_with_a_failed_denial_is_left_out() -> None:
    zone = {**HEALTHY, **records(p=f"-include:d.test {WHOLE}")}
    night = Nights(CONFIG).night(failing(zone, "d.test"))
    assert night.decision("p").status == "held"
    assert not night.decision("p").networks


def test_a_denial_that_failed_in_part_deeper_down_holds_a_provider() -> None:
    series = after(HEALTHY)
    zone = {**HEALTHY, **records(p=f"-include:d.test {WHOLE} ip4:20.2.0.0/24", d="include:e.test")}
    assert held(series, failing(zone, "e.test"))


def test_one_gap_that_two_domains_lead_to_is_one_hold() -> None:
    config = configured({"p": ["p.test", "q.test"]})
    zone = {**records(p="include:r.test", q="include:r.test", r="-include:d.test ip4:20.0.0.0/24")}
    night = Nights(config).night(failing(zone, "d.test"))
    assert len(night.reported("p").holds) == 1


def test_a_stale_provider_is_degraded_after_48_hours_and_not_before() -> None:
    for hours, degraded in ((1, False), (48, False), (49, True)):
        series = after(HEALTHY)
        decision = series.night(failing(HEALTHY, "p.test"), days=hours / 24).decision("p")
        assert (decision.status, decision.degraded) == ("stale", degraded)
        assert series.table == after(HEALTHY).table


def test_answers_too_old_to_be_used_hold_the_provider_and_say_why() -> None:
    series = after(HEALTHY)
    night = series.night(failing(HEALTHY, "p.test"), days=14)
    assert night.decision("p").status == "stale"
    night = series.night(failing(HEALTHY, "p.test"), days=1 / 24)
    assert night.decision("p").status == "held"
    assert night.decision("p").networks == BEFORE
    assert [p.kind for p in night.reported("p").problems if p.term == ""] == [
        "temporary",
    ]


def test_a_clock_set_back_loses_nothing() -> None:
    series = after(VANISHED["NXDOMAIN"])
    table = series.table
    for zone in (VANISHED["NXDOMAIN"], failing(HEALTHY), HEALTHY):
        night = series.night(zone, days=-400)
        assert not night.plan.refusals
        assert series.table == table


INCLUDES = records(
    p="include:b.test include:m.test ip4:20.2.0.0/16",
    b="ip4:20.0.0.0/16",
    m="include:c.test",
    c="ip4:20.1.0.0/16",
    q="ip4:21.0.0.0/16",
)


def without(name: str) -> Zone:
    return {key: text for key, text in INCLUDES.items() if key[0] != name}


def includes(*zones: Zone) -> Nights:
    series = Nights(CONFIG)
    for zone in (INCLUDES, *zones):
        series.night(zone)
    return series


@pytest.mark.parametrize(
    ("fault", "detail"),
    [
        (without("b.test"), "b.test does not exist"),
        ({**INCLUDES, ("b.test", "TXT"): ("x",)}, "b.test has no SPF record"),
        ({**INCLUDES, ("b.test", "TXT"): ("v=spf1", "v=spf1")}, "b.test has 2 SPF records"),
    ],
)
def test_a_part_that_a_fault_takes_is_news_of_one_night(fault: Zone, detail: str) -> None:
    series = includes()
    night = series.night(fault)
    assert night.decision("p").status == "ok"
    assert night.report.exit_code == Exit.OK
    notice = night.decision("p").notice
    assert notice.startswith("loses 65,536 of its IPv4 addresses: ")
    assert detail in notice
    assert not series.night(fault).report.has_news


def test_a_record_that_was_edited_is_no_news() -> None:
    edited_by_its_owner = {**INCLUDES, **records(p="include:m.test ip4:20.2.0.0/16")}
    assert not includes().night(edited_by_its_owner).report.has_news


def test_many_faults_are_counted() -> None:
    names = [f"n{number}.test" for number in range(9)]
    many: Zone = {
        ("p.test", "TXT"): (
            " ".join(["v=spf1 ip4:20.9.0.0/16", *(f"include:{n}" for n in names)]),
        ),
        **{(n, "TXT"): (f"v=spf1 ip4:20.{at}.0.0/24",) for at, n in enumerate(names)},
        **records(q="ip4:21.0.0.0/16"),
    }
    series = Nights(CONFIG)
    series.night(many)
    gone = {key: text for key, text in many.items() if key[0] not in names}
    notice = series.night(gone).decision("p").notice
    assert notice == (
        "loses 2,304 of its IPv4 addresses: p.test: include:n0.test: n0.test does not exist, "
        "p.test: include:n1.test: n1.test does not exist, "
        "p.test: include:n2.test: n2.test does not exist and 6 more"
    )


def test_a_fault_that_takes_nothing_is_not_named_beside_one_that_takes_of_both_families() -> None:
    zone = records(
        p="ip4:20.0.0.0/16 ip6:2a00::/32 include:b.test include:c.test",
        b="ip4:20.0.0.0/24",
        c="ip4:20.1.0.0/24 ip6:2a01::/48",
        q="ip4:21.0.0.0/16",
    )
    series = Nights(CONFIG)
    series.night(zone)
    gone = {key: text for key, text in zone.items() if key[0] not in ("b.test", "c.test")}
    assert series.night(gone).decision("p").notice == (
        "loses 256 of its IPv4 addresses and 65,536 of its IPv6 /64s: "
        "p.test: include:c.test: c.test does not exist"
    )


def test_an_address_that_rotates_beside_a_fault_is_no_news() -> None:
    """The fault was there before and took nothing."""
    hosts: Zone = {
        ("p.test", "TXT"): ("v=spf1 a:h.test ip4:20.2.0.0/30 -all",),
        ("h.test", "A"): ("20.3.0.1", "20.3.0.2", "10.0.0.1"),
        **records(q="ip4:21.0.0.0/16"),
    }
    series = Nights(CONFIG)
    series.night(hosts)
    rotated = {**hosts, ("h.test", "A"): ("20.3.0.1", "10.0.0.1")}
    assert not series.night(rotated, days=8).report.has_news
    assert "20.3.0.2/32" not in series.texts()


def test_a_host_that_is_gone_is_news() -> None:
    hosts: Zone = {
        ("p.test", "TXT"): ("v=spf1 a:h.test ip4:20.2.0.0/30 -all",),
        ("h.test", "A"): ("20.3.0.1",),
        **records(q="ip4:21.0.0.0/16"),
    }
    series = Nights(CONFIG)
    series.night(hosts)
    gone = {key: text for key, text in hosts.items() if key[0] != "h.test"}
    series.night(gone)
    notice = series.night(gone, days=7).decision("p").notice
    assert notice == "loses 1 of its IPv4 addresses: p.test: a:h.test: h.test has no address"


@pytest.mark.parametrize(
    ("name", "nights"), [("m.test", 1), ("b.test", 1), ("b.test", 3), ("c.test", 3)]
)
def test_what_is_lost_in_a_portal_is_remembered_on_the_night_after(name: str, nights: int) -> None:
    """The portal says of every name that it does not exist; then one query fails."""
    series = includes(*[{}] * nights)
    night = series.night(failing(INCLUDES, name))
    assert night.decision("p").networks == Networks.parse(["20.0.0.0/15", "20.2.0.0/16"])
    assert night.decision("p").status == "stale"


def test_while_nothing_is_answered_nothing_is_lost_however_old_a_part_is() -> None:
    zone = records(p="ip4:20.0.0.0/16 include:b.test", b="ip4:20.1.0.0/24", q="ip4:21.0.0.0/16")
    series = Nights(CONFIG)
    series.night(zone)
    series.night(failing(zone, "b.test"), days=10)
    night = series.night(failing(zone, "p.test", "b.test"), days=6)
    assert night.decision("p").networks == Networks.parse(["20.0.0.0/16", "20.1.0.0/24"])


def test_what_was_accepted_of_a_term_that_is_now_too_wide_is_not_kept() -> None:
    zone = records(p="ip4:20.0.0.0/14 ip4:23.0.0.0/16", q="ip4:21.0.0.0/16")
    series = Nights(CONFIG)
    series.night(zone)
    series.config = CONFIG._replace(safety=CONFIG.safety._replace(widest_ipv4=15))
    night = series.night(failing(zone, "p.test"))
    assert night.decision("p").networks.texts() == ["23.0.0.0/16"]


def test_a_provider_over_a_limit_of_its_own_is_held_by_a_limit() -> None:
    config = configured({"p": ["p.test"], "q": ["q.test"]}, safety={"provider_max_rules": 1})
    two = records(p="ip4:20.0.0.0/16 ip4:22.0.0.0/16", q="ip4:21.0.0.0/16")
    night = Nights(config).night(two)
    assert [hold.kind for hold in night.decision("p").holds] == ["limit"]
    deep = configured({"p": ["p.test"], "q": ["q.test"]}, spf={"max_lookups": 1})
    night = Nights(deep).night(records(p="include:b.test include:c.test", q="ip4:21.0.0.0/16"))
    assert {hold.kind for hold in night.decision("p").holds} == {"limit"}


def test_what_a_provider_to_reject_passes_is_rejected_where_nobody_permits_it() -> None:
    rejects = edited(CONFIG, "p", action="reject", networks=Networks.parse(["22.0.0.0/16"]))
    zone = records(p="ip4:20.0.0.0/16 ip4:21.0.0.0/24", q="ip4:21.0.0.0/16 ip4:22.0.0.0/15")
    plan = Nights(rejects).night(zone).plan
    assert plan.permitted.texts() == ["21.0.0.0/16", "22.1.0.0/16"]
    assert plan.rejected.texts() == ["20.0.0.0/16", "22.0.0.0/16"]


def test_a_list_is_not_empty_where_all_providers_are_to_be_rejected() -> None:
    rejects = edited(edited(CONFIG, "p", action="reject"), "q", action="reject")
    plan = Nights(rejects).night(records(p="ip4:20.0.0.0/16", q="ip4:21.0.0.0/16")).plan
    assert (plan.refusals, plan.permitted) == ((), EMPTY)


def test_a_domain_that_passes_nothing_beside_one_that_does_is_missing() -> None:
    series = Nights(configured({"p": ["p.test", "gone.test"], "q": ["q.test"]}))
    night = series.night(records(p="ip4:20.0.0.0/24", q="ip4:21.0.0.0/24"))
    assert (night.decision("p").status, night.decision("p").degraded) == ("missing", True)
    assert night.decision("p").networks.texts() == ["20.0.0.0/24"]


def test_a_hold_has_its_reason_once_also_while_a_part_is_not_answered() -> None:
    whole = records(
        p="include:s.test include:t.test",
        s="ip4:20.0.0.0/16",
        t="ip4:22.0.0.0/17",
        q="ip4:30.0.0.0/14",
    )
    nights = Nights(configured({"p": ["p.test"], "q": ["q.test"]}))
    nights.night(whole)
    gone = {at: texts for at, texts in whole.items() if at[0] != "s.test"}
    assert len(nights.night(gone).decision("p").holds) == 1
    (hold,) = nights.night(failing(gone, "t.test")).decision("p").holds
    assert hold.phrase.startswith("loses 67 %")
