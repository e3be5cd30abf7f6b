"""One run decided: which answers count, and what a run proves that asked not everything."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from spfwhite.config.settings import Config
from spfwhite.dns.answers import Answer, Failed, Found, Question, Void
from spfwhite.plan.decided import Decided, decide_run
from spfwhite.plan.state import State, dump
from spfwhite.sources.memory import Heard, Remembered
from spfwhite.tables.write import next_state
from spfwhite.wording import DAY
from tests.support.nights import START, Nights, configured, edited, records

CONFIG = configured({"p": ["p.test"], "q": ["q.test"]}, safety={"total_max_loss": 100})
WHOLE = records(p="include:s.test ip4:20.1.0.0/22", s="ip4:20.0.0.0/20", q="ip4:21.0.0.0/16")
LOSS = {**WHOLE, **records(p="ip4:20.1.0.0/22")}
MONTH = 31 * DAY
NOBODY = Heard(answers={}, whole=False)


def txt(name: str) -> Question:
    return Question(name, "TXT")


def held() -> State:
    """The state after a night on which "p" was held for a loss."""
    series = Nights(CONFIG)
    series.night(WHOLE)
    assert series.night(LOSS).decision("p").status == "held"
    return series.state


def status(decided: Decided, name: str) -> str:
    return next(each.status for each in decided.plan.decisions if each.provider.name == name)


def after(state: State, heard: Heard, config: Config = CONFIG, *, seconds: float) -> Decided:
    return decide_run(config, state, heard, state.written + seconds)


def test_it_changes_nothing_that_it_is_given() -> None:
    state = held()
    before = dump(state)
    first = after(state, NOBODY, seconds=DAY)
    assert after(state, NOBODY, seconds=DAY).plan == first.plan
    assert dump(state) == before


@pytest.mark.parametrize("heard", [{}, {txt("q.test"): Found(("v=spf1 ip4:21.0.0.0/16 -all",))}])
def test_a_loss_of_which_nothing_was_asked_stays_held(heard: Mapping[Question, Answer]) -> None:
    decided = after(held(), Heard(answers=heard, whole=False), seconds=MONTH)
    assert status(decided, "p") == "held"
    assert "20.0.0.0/20" in decided.plan.permitted.texts()


def test_a_loss_that_was_asked_for_and_answered_is_accepted() -> None:
    answers = {txt("p.test"): Found(("v=spf1 ip4:20.1.0.0/22 -all",))}
    decided = after(held(), Heard(answers=answers, whole=False), seconds=MONTH)
    assert status(decided, "p") == "ok"
    assert "20.0.0.0/20" not in decided.plan.permitted.texts()


def test_the_operator_lifts_a_hold_without_asking() -> None:
    state = held()
    decided = decide_run(CONFIG, state, NOBODY, state.written + MONTH, accept=["all"])
    assert status(decided, "p") == "stale"
    assert "20.0.0.0/20" not in decided.plan.permitted.texts()


def test_a_run_that_asked_nobody_for_a_month_leaves_the_hold_as_it_was() -> None:
    state = held()
    decided = after(state, NOBODY, seconds=MONTH)
    following = next_state([], decided)
    assert following.accepted == state.accepted
    assert following.known == state.known
    assert (following.written, following.asked) == (state.written + MONTH, state.asked)


def test_what_the_operator_configures_counts_without_asking() -> None:
    zone = {**WHOLE, **records(q="ip4:21.0.0.0/16 ?exists:%{i}.x.test ip4:21.1.0.0/18")}
    series = Nights(CONFIG)
    series.night(zone)
    strict = CONFIG._replace(spf=CONFIG.spf._replace(strict=True))
    after_all = "21.1.0.0/18"  # which strict mode lists for nobody
    assert after_all in after(series.state, NOBODY, seconds=DAY).plan.permitted.texts()
    assert after_all not in after(series.state, NOBODY, strict, seconds=DAY).plan.permitted.texts()


@pytest.mark.parametrize(("hours", "stale"), [(19, False), (21, True)])
@pytest.mark.parametrize("whole", [False, True])
def test_answers_of_host_names_are_not_stale_until_they_would_be_asked_again(
    hours: float,
    stale: bool,  # noqa: FBT001
    whole: bool,  # noqa: FBT001
) -> None:
    config = edited(configured({"h": []}), "h", hosts=("h.test",))
    assert config.dns.hosts_max_age_hours == 20
    seen = START - hours * 3600
    known = {
        Question("h.test", "A"): Remembered(Found(("20.0.0.1",)), seen),
        Question("h.test", "AAAA"): Remembered(Void("NODATA"), seen),
    }
    # what is not asked in a run that asks for all is what is young
    asked = dict.fromkeys(known, Failed("SERVFAIL")) if whole and stale else {}
    state = State(written=seen, asked=seen, known=known)
    decided = decide_run(config, state, Heard(answers=asked, whole=whole), START)
    (decision,) = decided.plan.decisions
    assert bool(decision.candidate.stale) is stale
    assert decided.plan.permitted.texts() == ["20.0.0.1/32"]


def test_a_run_that_asked_nobody_takes_what_the_limits_allow_by_now() -> None:
    state = held()
    safety = CONFIG.safety._replace(provider_max_loss=100, total_max_loss=100)
    decided = decide_run(CONFIG._replace(safety=safety), state, NOBODY, state.written + 60)
    assert status(decided, "p") != "held"
    assert "20.0.0.0/20" not in decided.plan.permitted.texts()
