"""What a run decides in corners: dates, gaps beside faults, answers of which none was asked."""

from __future__ import annotations

import hashlib

import pytest

from spfwhite.networks import EMPTY, Networks
from spfwhite.plan.decided import Decided, decide_run
from spfwhite.plan.plan import Decision
from spfwhite.plan.state import State
from spfwhite.sources.memory import Heard
from spfwhite.wording import DAY
from tests.support.nights import START, Nights, configured, edited, failing, records

CONFIG = configured({"p": ["p.test"], "q": ["q.test"]}, safety={"total_max_loss": 100})
WHOLE = records(p="ip4:20.0.0.0/20 ip4:20.1.0.0/22", q="ip4:21.0.0.0/16")
LOSS = {**WHOLE, **records(p="ip4:20.1.0.0/22")}


def series(*zones: object) -> Nights:
    nights = Nights(CONFIG)
    for zone in (WHOLE, *zones):
        nights.night(zone)  # type: ignore[arg-type]
    return nights


def decision(decided: Decided, name: str = "p") -> Decision:
    return next(each for each in decided.plan.decisions if each.provider.name == name)


def since(nights: Nights) -> float:
    return (nights.state.accepted["p"].since - START) / DAY


def test_a_change_of_the_sender_keeps_the_date_and_one_of_the_operator_gives_a_new_one() -> None:
    nights = series(WHOLE, {**WHOLE, **records(p="ip4:20.0.0.0/20 ip4:20.1.0.0/23")})
    assert since(nights) == 1
    nights.night(LOSS, lifted=["p"])
    assert since(nights) == 4
    nights.night(LOSS, force=True)
    assert since(nights) == 5
    nights.config = edited(CONFIG, "p", domains=("q.test",))
    nights.night(LOSS)
    assert since(nights) == 6


def test_a_loss_that_is_confirmed_gives_a_new_date() -> None:
    nights = series(LOSS)
    nights.night(LOSS, days=30)
    assert since(nights) == 32


def test_what_was_accepted_of_another_definition_is_told_and_not_kept() -> None:
    nights = series()
    nights.config = edited(CONFIG, "p", domains=("gone.test",))
    made = nights.night(WHOLE).decision("p")
    assert (made.earlier.texts(), made.before.texts()) == (["20.0.0.0/20", "20.1.0.0/22"], [])
    assert made.passed.texts() == []


def test_a_hold_without_a_time_begins_now() -> None:
    state = series(LOSS).state
    entry = state.accepted["p"]
    assert entry.held == START + 2 * DAY
    timeless = state._replace(accepted={**state.accepted, "p": entry._replace(held=None)})
    answers = Heard(answers={}, whole=False)
    made = decision(decide_run(CONFIG, timeless, answers, state.written + DAY))
    assert (made.status, made.notice) == ("held", "")
    assert made.entry
    assert made.entry.held == state.written + DAY


def test_a_loss_beside_a_gap_is_told_as_the_gap_alone() -> None:
    whole = {**WHOLE, **records(p="ip4:20.0.0.0/20 include:s.test", s="ip4:20.1.0.0/24")}
    nights = Nights(CONFIG)
    nights.night(whole)
    made = nights.night(failing(whole, "s.test"), days=20).decision("p")
    assert (made.status, made.passed.texts(), made.notice) == ("incomplete", ["20.0.0.0/20"], "")
    assert made.degraded


def test_the_oldest_of_several_stale_answers_degrades() -> None:
    whole = {**WHOLE, **records(p="ip4:20.0.0.0/20 include:s.test", s="ip4:20.1.0.0/24")}
    nights = Nights(CONFIG)
    nights.night(whole)
    nights.night(failing(whole, "s.test"), days=2)
    made = nights.night(failing(whole, "p.test", "s.test"), days=1).decision("p")
    assert (made.status, made.degraded, len(made.stale)) == ("stale", True, 2)


@pytest.mark.parametrize(
    ("seconds", "status", "degraded"),
    [(DAY, "ok", False), (2 * DAY, "ok", False), (2 * DAY + 1, "stale", True)],
)
def test_an_answer_that_was_not_asked_for_is_stale_after_two_days(
    seconds: float,
    status: str,
    degraded: bool,  # noqa: FBT001
) -> None:
    state: State = series().state
    nobody = Heard(answers={}, whole=False)
    made = decision(decide_run(CONFIG, state, nobody, state.written + seconds))
    assert (made.status, made.degraded, bool(made.stale)) == (status, degraded, status == "stale")


def test_networks_of_a_provider_to_permit_are_permitted() -> None:
    config = edited(CONFIG, "p", networks=Networks.parse(["22.0.0.0/16"]))
    plan = Nights(config).night(WHOLE).plan
    assert "22.0.0.0/16" in plan.permitted.texts()
    assert plan.rejected.texts() == []


@pytest.mark.parametrize("text", ["exists:%{i}.x.test", "moo exists:%{i}.x.test ptr"])
def test_a_provider_of_which_only_the_client_knows_is_undecidable(text: str) -> None:
    made = Nights(CONFIG).night({**WHOLE, **records(p=text)}).decision("p")
    assert (made.status, made.degraded, made.passed) == ("undecidable", False, EMPTY)


def test_a_provider_of_networks_alone_is_well() -> None:
    config = edited(CONFIG, "p", domains=(), networks=Networks.parse(["22.0.0.0/16"]))
    made = Nights(config).night(WHOLE).decision("p")
    assert (made.status, made.degraded, made.passed.texts()) == ("ok", False, [])


def test_a_provider_all_of_which_is_for_special_use_is_empty() -> None:
    made = Nights(CONFIG).night({**WHOLE, **records(p="ip4:10.0.0.0/20")}).decision("p")
    assert (made.status, made.degraded, made.passed) == ("empty", False, EMPTY)


def test_a_loss_is_known_again_after_an_update_by_the_digest_of_its_networks() -> None:
    """Another digest would start the days of every hold anew."""
    nights = Nights(CONFIG)
    nights.night(WHOLE)
    nights.night({**WHOLE, **records(p="ip4:20.9.0.0/24")})
    lines = b"20.0.0.0/20\n20.1.0.0/22"
    assert nights.state.accepted["p"].lost == hashlib.sha256(lines).hexdigest()[:16]


# --- providers of which nothing was ever listed ---


def empty_at_first() -> Nights:
    """Two providers after a night in which one of them did not exist."""
    series = Nights(configured({"p": ["p.test"], "q": ["q.test"]}))
    assert series.night(records(p="ip4:20.0.0.0/20")).reported("q").status == "empty"
    return series


def test_who_never_listed_anything_is_empty_on_every_night() -> None:
    series = empty_at_first()
    assert series.night(records(p="ip4:20.0.0.0/20")).reported("q").status == "empty"


def test_what_was_listed_under_other_settings_is_missing_and_not_empty() -> None:
    series = empty_at_first()
    series.config = edited(series.config, "p", domains=("gone.test",))
    assert series.night(records(q="ip4:21.0.0.0/24")).reported("p").status == "missing"


def test_whose_first_addresses_come_late_is_no_growth_of_the_list() -> None:
    series = empty_at_first()
    late = series.night(records(p="ip4:20.0.0.0/20", q="ip4:21.0.0.0/17"))
    assert (late.reported("q").status, late.reported("q").holds) == ("ok", ())


def test_settings_that_change_hold_nothing_where_nothing_was_listed() -> None:
    series = empty_at_first()
    series.config = edited(series.config, "q", domains=("r.test",))
    night = series.night(failing(records(p="ip4:20.0.0.0/20", r="ip4:21.0.0.0/24"), "r.test"))
    assert (night.reported("q").status, night.reported("q").holds) == ("incomplete", ())


def test_what_is_left_out_of_its_own_networks_is_said_in_the_run_that_takes_it() -> None:
    config = configured({"p": ["p.test"]}, safety={"provider_max_rules": 1, "special_use": "drop"})
    own = Nights(edited(config, "p", networks=Networks.parse(["10.7.0.0/24"])))
    two = records(p="ip4:20.0.0.0/24 ip4:21.0.0.0/24")
    one = records(p="ip4:20.0.0.0/24 ip4:10.9.0.0/24")  # what a sender passes is no news
    notices = [own.night(zone).decision("p").notice for zone in (two, two, one, one)]
    way = '`special_use = "keep"` in [providers.p] lists it'
    said = f"10.7.0.0/24 of its own is for special use and left out; {way}"
    assert notices == ["", "", said, ""]


def test_without_a_state_each_provider_is_blamed_for_what_the_table_has_not_of_it() -> None:
    night = Nights(CONFIG).night(WHOLE)
    heard = Heard(answers=dict(night.answers), whole=True)
    table = Networks.parse(["20.0.0.0/20", "21.0.0.0/24"])
    made = decide_run(CONFIG, State(), heard, START, table=table)
    assert made.plan.refusals
    gained = {cause.provider: cause.gained.texts() for cause in made.plan.causes}
    assert gained["q"] == [*(Networks.parse(["21.0.0.0/16"]) - table).texts()]
    assert not any(cause.lost for cause in made.plan.causes)
