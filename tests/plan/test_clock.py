"""A clock that is wrong for a night neither ages nor rejuvenates what is remembered."""

from __future__ import annotations

import pytest

from spfwhite.plan.clock import LEAP, fitted
from spfwhite.plan.state import State
from spfwhite.wording import DAY
from tests.support.nights import Nights, configured, failing, records

CONFIG = configured({"p": ["p.test"], "q": ["q.test"]}, safety={"total_max_loss": 100})
WHOLE = {
    **records(
        p="ip4:20.0.0.0/16 include:s.test a:h.test", s="ip4:20.2.0.0/16", q="ip4:21.0.0.0/16"
    ),
    ("h.test", "A"): ("20.9.0.1",),
}
FAILS = failing(WHOLE, "s.test")
YEARS = 365.25

LEAPS = pytest.mark.parametrize(
    "days", [-24 * YEARS, -53 * YEARS, 73 * YEARS, 2 * YEARS, -YEARS], ids=str
)


def aged(days: int) -> Nights:
    """A series in which an include has failed for so many nights."""
    series = Nights(CONFIG)
    series.night(WHOLE)
    for _ in range(days):
        series.night(FAILS)
    return series


@LEAPS
def test_a_failing_include_is_answered_from_memory_in_that_night_and_in_the_next(
    days: float,
) -> None:
    series = aged(3)
    table = series.table
    for leap in (days, 1 - days):
        night = series.night(FAILS, days=leap)
        assert night.decision("p").status == "stale"
        assert series.table == table


@LEAPS
def test_what_was_answered_in_that_night_only_is_not_old_in_the_next(days: float) -> None:
    series = aged(0)
    series.night(WHOLE, days=days)
    assert series.night(FAILS, days=1 - days).decision("p").status == "stale"


@LEAPS
@pytest.mark.parametrize("dark", [False, True])
def test_such_a_night_makes_no_answer_younger(days: float, dark: bool) -> None:  # noqa: FBT001
    series = aged(10)
    series.night(failing(WHOLE) if dark else FAILS, days=days)
    series.night(FAILS, days=1 - days)
    for _ in range(2):
        assert series.night(FAILS).decision("p").status == "stale"
    assert series.night(FAILS).decision("p").status != "stale"


@LEAPS
def test_a_value_that_has_rotated_out_stays_for_its_days_and_no_longer(days: float) -> None:
    other = {**WHOLE, ("h.test", "A"): ("20.9.0.2",)}
    series = aged(0)
    series.night(other)
    series.night(other, days=days)
    series.night(other, days=1 - days)
    assert "20.9.0.1/32" in series.texts()
    for _ in range(5):
        series.night(other)
    assert "20.9.0.1/32" not in series.texts()


@LEAPS
def test_a_held_loss_is_neither_accepted_nor_begun_anew(days: float) -> None:
    less = records(p="ip4:20.0.0.0/20", q="ip4:21.0.0.0/16")
    series = aged(0)
    nights = [*[1.0] * 20, days, 1 - days, *[1.0] * 8]
    assert all(series.night(less, days=each).decision("p").status == "held" for each in nights)
    assert series.night(less, days=1.01).decision("p").status == "ok"
    assert len({change.when for change in series.state.journal}) == 1


def test_a_machine_that_was_off_for_some_months_is_believed() -> None:
    state = State(written=1_700_000_000.0)
    for days in (0.0, 1.0, 100.0, -100.0):
        assert fitted(state, state.written + days * DAY) is state
    later = fitted(state, state.written + LEAP + DAY)
    assert later.written == state.written + LEAP
    assert fitted(State(), 0.0) == State()


def test_no_time_of_a_state_lies_before_all_time() -> None:
    series = aged(3)
    series.night(FAILS, days=-series.now / DAY)
    assert min(entry.seen for entry in series.state.known.values()) >= 0
    assert series.state.written == 0 or series.state.written >= 1


@LEAPS
def test_a_trouble_that_lasts_is_no_older_and_no_news_for_it(days: float) -> None:
    series = Nights(CONFIG)
    series.night(WHOLE)
    gone = records(q="ip4:21.0.0.0/16")
    assert series.night(gone).reported("p").is_news
    for leap in (days, 1 - days):
        assert not series.night(gone, days=leap).reported("p").is_news
    since = series.night(gone).reported("p").since
    assert since is not None
    assert 2 * DAY <= series.now - since <= 4 * DAY


def test_120_days_are_no_leap_and_more_are_one_that_is_moved_as_if_to_yesterday() -> None:
    written = 1_700_000_000.0
    for days in (120 * DAY, -120 * DAY):
        assert fitted(State(written=written), written + days).written == written
        leapt = written + days + days / abs(days)
        assert fitted(State(written=written), leapt).written == leapt - DAY


def test_a_first_run_is_none_after_a_leap() -> None:
    assert fitted(State(), 1_700_000_000.0) == State()
