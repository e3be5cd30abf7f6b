"""A loss by authoritative answers that does not change is accepted in the end; nothing else is."""

from __future__ import annotations

import pytest

from spfwhite.plan.last_run import last_run
from spfwhite.report.text import summary
from tests.support.nights import Nights, configured, failing, records
from tests.support.oracle import Zone

CONFIG = configured({"p": ["p.test"], "q": ["q.test"]}, safety={"total_max_loss": 100})
WHOLE = records(p="include:s.test ip4:20.1.0.0/22", s="ip4:20.0.0.0/20", q="ip4:21.0.0.0/16")
LOSS = {**WHOLE, **records(p="ip4:20.1.0.0/22")}
OTHER_LOSS = {**WHOLE, **records(p="ip4:20.1.0.0/23")}


def after(*zones: Zone) -> Nights:
    """The series of one good night and then these worlds, a night each."""
    series = Nights(CONFIG)
    for zone in (WHOLE, *zones):
        series.night(zone)
    return series


def is_held(series: Nights, zone: Zone, *, days: float) -> bool:
    return series.night(zone, days=days).decision("p").status == "held"


def test_an_unchanged_loss_is_accepted_after_30_days_and_not_before() -> None:
    series = after(LOSS)
    assert is_held(series, LOSS, days=29.99)
    night = series.night(LOSS, days=0.01)
    assert night.decision("p").networks.texts() == ["20.1.0.0/22"]
    assert night.decision("p").notice == (
        "its loss has not changed for 30 days (state.held_days) and is accepted"
    )


def test_the_acceptance_is_news_of_its_night_alone() -> None:
    series = after(LOSS)
    night = series.night(LOSS, days=30)
    assert night.report.has_news
    assert any("state.held_days" in line for line in summary(night.report, verbose=False))
    night = series.night(LOSS)
    assert not night.report.has_news
    assert night.decision("p").status == "ok"


def test_a_provider_that_is_gone_for_30_days_is_let_go_loudly() -> None:
    gone = {key: value for key, value in WHOLE.items() if key[0] != "p.test"}
    series = after(gone)
    night = series.night(gone, days=30)
    assert not night.decision("p").networks
    assert night.decision("p").notice
    assert night.decision("p").degraded
    assert not series.state.accepted["p"].networks
    assert series.state.accepted["p"].lapsed.texts() == ["20.0.0.0/20", "20.1.0.0/22"]


def test_a_loss_that_changes_starts_anew() -> None:
    series = after(LOSS)
    assert is_held(series, OTHER_LOSS, days=29)
    assert is_held(series, OTHER_LOSS, days=29)
    assert not is_held(series, OTHER_LOSS, days=1)


def test_a_loss_that_was_mended_in_between_starts_anew() -> None:
    series = after(LOSS)
    assert not is_held(series, WHOLE, days=15)
    assert is_held(series, LOSS, days=1)
    assert is_held(series, LOSS, days=29)
    assert not is_held(series, LOSS, days=1)


def test_growth_is_never_accepted() -> None:
    grown = {**WHOLE, **records(p="include:s.test ip4:20.1.0.0/22 ip4:64.0.0.0/12")}
    series = after(grown)
    # else the limit of the whole list would hold it too
    series.config = configured(
        {"p": ["p.test"], "q": ["q.test"]}, safety={"total_max_growth": 1_000_000}
    )
    assert all(is_held(series, grown, days=100) for _ in range(5))


def test_a_loss_with_growth_is_never_accepted() -> None:
    moved = {**WHOLE, **records(p="ip4:64.0.0.0/12")}
    series = after(moved)
    series.config = configured(
        {"p": ["p.test"], "q": ["q.test"]},
        safety={"total_max_growth": 1_000_000, "total_max_loss": 100},
    )
    assert all(is_held(series, moved, days=100) for _ in range(5))


def test_a_loss_by_failed_queries_is_never_accepted() -> None:
    failed = failing(WHOLE, "s.test")
    series = after()
    assert all(is_held(series, failed, days=100) for _ in range(5))


def test_a_loss_is_not_accepted_in_a_night_that_lives_on_stale_answers() -> None:
    series = after(*[LOSS] * 20)
    assert is_held(series, failing(LOSS, "p.test"), days=13)
    assert not is_held(series, LOSS, days=1)


def test_days_in_which_queries_failed_and_nothing_was_remembered_do_not_count() -> None:
    partly = {**LOSS, **records(p="ip4:20.1.0.0/22 include:new.test")}
    series = after(LOSS)
    assert is_held(series, failing(partly, "new.test"), days=29)
    assert is_held(series, LOSS, days=29)
    assert not is_held(series, LOSS, days=1)


@pytest.mark.parametrize("days", [0, 1])
def test_a_loss_by_failed_queries_is_not_accepted_however_few_days_are_asked_for(
    days: int,
) -> None:
    series = Nights(configured({"p": ["p.test"], "q": ["q.test"]}, state={"held_days": days}))
    series.night(WHOLE)
    assert is_held(series, failing(WHOLE, "s.test"), days=100)
    assert is_held(series, failing(WHOLE, "s.test"), days=100)


def test_a_clock_set_back_accepts_no_loss() -> None:
    series = after(LOSS)
    assert is_held(series, LOSS, days=-1000)
    assert is_held(series, LOSS, days=28)
    assert not is_held(series, LOSS, days=1), "and no more days are asked for"


def test_the_days_are_those_of_the_configuration() -> None:
    series = Nights(configured({"p": ["p.test"], "q": ["q.test"]}, state={"held_days": 3}))
    series.night(WHOLE)
    assert is_held(series, LOSS, days=1)
    assert is_held(series, LOSS, days=2.9)
    night = series.night(LOSS, days=0.2)
    assert "for 3 days" in night.decision("p").notice


BOTH = records(
    p="include:s.test include:t.test ip4:20.8.0.0/20",
    s="ip4:20.0.0.0/19",
    t="ip4:21.0.0.0/19",
    q="ip4:22.0.0.0/14",
)
NEITHER = {at: texts for at, texts in BOTH.items() if at[0] not in ("s.test", "t.test")}


def test_no_void_answer_takes_anything_on_a_later_night_on_which_it_is_not_given_again() -> None:
    series = Nights(configured({"p": ["p.test"], "q": ["q.test"]}))
    series.night(BOTH)
    table = series.table
    assert is_held(series, NEITHER, days=1)
    # one of the two is back, and what the other lost would be within the limits
    for _ in range(3):
        night = series.night(failing(BOTH, "t.test"))
        assert night.decision("p").status == "held"
        assert night.decision("p").holds[0].phrase == (
            "was held, still loses addresses, and not all of it was answered"
        )
        assert series.table == table
        (seen, _) = last_run(series.config, series.state, series.now).plan.decisions
        assert seen.status == "held"
    assert not is_held(series, BOTH, days=1)
    assert series.table == table


def test_what_was_held_and_is_all_there_again_is_not_held_for_a_question_that_fails() -> None:
    series = Nights(configured({"p": ["p.test"], "q": ["q.test"]}))
    series.night(BOTH)
    assert is_held(series, NEITHER, days=1)
    assert not is_held(series, BOTH, days=1)
    assert not is_held(series, failing(BOTH, "t.test"), days=1)


def test_what_was_held_and_answered_in_full_goes_within_the_limits_and_is_said() -> None:
    series = Nights(configured({"p": ["p.test"], "q": ["q.test"]}))
    series.night(BOTH)
    assert is_held(series, NEITHER, days=1)
    without_t = {at: texts for at, texts in BOTH.items() if at[0] != "t.test"}
    night = series.night(without_t)
    assert night.decision("p").status != "held"
    assert "t.test does not exist" in night.decision("p").notice
