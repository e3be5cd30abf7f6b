"""A question that never gets an answer is told of while it is waited for, and then no more."""

from __future__ import annotations

import pytest

from spfwhite.dns.answers import Failed, Question
from spfwhite.plan.last_run import last_run
from tests.support.nights import Nights, configured, failing, records
from tests.support.oracle import TEMPFAIL, Zone

CONFIG = configured({"p": ["p.test"], "q": ["q.test"]})
LAME = failing(
    records(p="ip4:20.0.0.0/16 include:s.test", s="ip4:20.2.0.0/16", q="ip4:21.0.0.0/13"), "s.test"
)
S = Question("s.test", "TXT")


def degraded(series: Nights, zone: Zone, *, days: float = 1.0) -> bool:
    """Whether a night is incomplete, by the run and by what is seen of it in the state."""
    night = series.night(zone, days=days)
    decision = night.decision("p")
    assert decision.degraded == (decision.status == "incomplete")
    (seen, *_) = last_run(series.config, series.state, series.now).plan.decisions
    assert (seen.status, seen.degraded) == (decision.status, decision.degraded)
    assert [problem.kind for problem in night.reported("p").problems] == ["temporary"]
    assert [problem.kind for problem in seen.candidate.problems] == ["temporary"]
    return decision.degraded


def test_an_include_that_was_never_answered_degrades_for_max_stale_days() -> None:
    series = Nights(CONFIG)
    nights = [degraded(series, LAME) for _ in range(40)]
    assert nights == [True] * 15 + [False] * 25
    assert len(series.table.texts()) == 2


def test_it_is_waited_for_as_long_as_the_configuration_says() -> None:
    series = Nights(configured({"p": ["p.test"]}, state={"max_stale_days": 3}))
    assert [degraded(series, LAME) for _ in range(6)] == [True] * 4 + [False] * 2


def test_the_days_begin_anew_after_an_answer() -> None:
    whole = {**LAME, **records(s="ip4:20.2.0.0/16")}
    series = Nights(CONFIG)
    series.night(LAME)
    series.night(whole, days=20)
    assert series.state.known[S].seen == series.now
    series.night(LAME, days=10)
    assert degraded(series, LAME, days=5)
    assert degraded(series, LAME, days=1)


@pytest.mark.parametrize(("known", "failed"), [("A", "AAAA"), ("AAAA", "A")])
def test_one_family_of_a_host_is_enough(known: str, failed: str) -> None:
    address = {"A": ("20.9.0.1",), "AAAA": ("2a00::1",)}[known]
    zone = {
        **records(p="ip4:20.0.0.0/16 a:h.test"),
        ("h.test", known): address,
        ("h.test", failed): TEMPFAIL,
    }
    series = Nights(CONFIG)
    assert not any(degraded(series, zone) for _ in range(3))
    neither = {**zone, ("h.test", known): ()}
    series = Nights(CONFIG)
    assert degraded(series, neither)


def test_a_family_that_is_lost_so_is_said_all_the_same() -> None:
    zone = {
        **records(p="ip4:20.0.0.0/16 ip6:2a01::/48 a:h.test"),
        ("h.test", "A"): ("20.9.0.1",),
        ("h.test", "AAAA"): ("2a00::1",),
    }
    series = Nights(CONFIG)
    series.night(zone)
    night = series.night({**zone, ("h.test", "AAAA"): TEMPFAIL}, days=15)
    assert night.decision("p").notice.startswith(
        "loses 1 of its IPv6 /64s: p.test: a:h.test: AAAA h.test failed"
    )


def test_accept_takes_it_as_it_is_from_then_on() -> None:
    series = Nights(CONFIG)
    assert degraded(series, LAME)
    night = series.night(LAME, lifted=["p"])
    assert night.decision("p").status == "ok"
    assert not any(degraded(series, LAME) for _ in range(3))


def test_accept_takes_an_unknown_denial_as_it_is_from_then_on() -> None:
    zone = {**LAME, **records(p="ip4:20.0.0.0/16 -include:s.test ip4:20.2.0.0/16")}
    series = Nights(CONFIG)
    assert series.night(zone).decision("p").status == "held"
    assert series.night(zone, lifted=["p"]).decision("p").status == "ok"
    assert series.night(zone).decision("p").status == "ok"
    assert series.table.size(4) == 10 * 65_536


def test_accept_of_one_provider_leaves_the_others_waiting() -> None:
    zone = {**LAME, **failing(records(q="ip4:21.0.0.0/13 include:t.test"), "t.test")}
    series = Nights(CONFIG)
    series.night(zone)
    night = series.night(zone, lifted=["p"])
    assert [each.status for each in night.plan.decisions] == ["ok", "incomplete"]


def test_a_failure_that_is_remembered_is_asked_again_and_never_an_answer() -> None:
    series = Nights(CONFIG)
    series.night(LAME)
    assert isinstance(series.state.known[S].answer, Failed)
    night = series.night({**LAME, **records(s="ip4:20.2.0.0/16")})
    assert night.decision("p").networks.size(4) == 2 * 65_536
    assert night.decision("p").status == "ok"


def test_a_small_loss_while_another_record_is_not_answered_is_no_hold() -> None:
    whole = records(p="ip4:20.0.0.0/16 ip4:30.0.0.0/24 include:s.test", s="ip4:20.2.0.0/16")
    series = Nights(configured({"p": ["p.test"]}))
    series.night(whole)
    less = {**whole, **records(p="ip4:20.0.0.0/16 include:s.test")}
    decision = series.night(failing(less, "s.test"), days=8).decision("p")
    assert (decision.status, decision.holds) == ("stale", ())
    assert decision.networks.texts() == ["20.0.0.0/16", "20.2.0.0/16"]


def test_one_that_is_not_known_in_full_is_accepted_by_hand_from_that_day_on() -> None:
    series = Nights(CONFIG)
    series.night(LAME)
    series.night(LAME, days=2)
    assert series.state.accepted["p"].since < series.now
    series.night(LAME, days=2, lifted=["p"])
    assert series.state.accepted["p"].since == series.now
