"""Which answer is used when a query fails, and which values of rotating answers stay in use."""

from __future__ import annotations

import pytest

from spfwhite.config.settings import Config
from spfwhite.dns.answers import Answer, Failed, Found, Question, RRType, Void
from spfwhite.sources.memory import Recall, Remembered
from spfwhite.wording import DAY
from tests.support.nights import configured

NOW = 1_700_000_000.0
CONFIG = configured({}, state={"max_stale_days": 14, "sticky_days": 7}, safety={"max_values": 1000})
STRICT = CONFIG._replace(spf=CONFIG.spf._replace(strict=True))
TXT = Question("a.test", "TXT")
A = Question("a.test", "A")
RECORD = Found(("v=spf1 -all",))
FAILED = Failed("timed out")
VOIDS = (Void("NXDOMAIN"), Void("NODATA"))

Known = dict[Question, Remembered]


def after(question: Question, answer: Answer, known: Known, *, days: float = 0.0) -> Known:
    recall = Recall(known, CONFIG, NOW + days * DAY)
    recall.use(question, answer)
    return recall.for_next_run([question])


def used(
    question: Question, answer: Answer, known: Known, *, days: float = 0.0, config: Config = CONFIG
) -> Answer:
    return Recall(known, config, NOW + days * DAY).use(question, answer)


@pytest.mark.parametrize("answer", [RECORD, *VOIDS])
def test_an_answer_that_came_replaces_what_is_known(answer: Answer) -> None:
    known = after(TXT, Found(("old",)), {})
    assert used(TXT, answer, known, days=1) == answer
    assert after(TXT, answer, known, days=1) == {TXT: Remembered(answer, NOW + DAY)}


@pytest.mark.parametrize("answer", [RECORD, *VOIDS])
def test_a_failed_query_is_answered_from_memory(answer: Answer) -> None:
    known = after(TXT, answer, {})
    assert used(TXT, FAILED, known, days=1) == answer


def test_a_stale_answer_says_since_when_and_why() -> None:
    recall = Recall(after(TXT, RECORD, {}), CONFIG, NOW + DAY)
    recall.use(TXT, FAILED)
    assert (recall.stale[TXT].seen, recall.stale[TXT].reason) == (NOW, "timed out")


def test_a_failure_with_nothing_remembered_stays_one_and_is_remembered_as_such() -> None:
    known: Known = {}
    for day in range(3):
        recall = Recall(known, CONFIG, NOW + day * DAY)
        assert recall.use(TXT, FAILED) == FAILED
        assert recall.stale == {}
        known = recall.for_next_run([TXT])
        assert known == {TXT: Remembered(FAILED, NOW)}


def test_a_failure_is_no_answer_that_is_known() -> None:
    recall = Recall(after(TXT, FAILED, {}), CONFIG, NOW)
    assert recall.entry(TXT) is None
    assert recall.answer_younger_than(TXT, 60) is None
    recall.not_asked(TXT, 0.0)
    assert recall.stale == {}
    assert recall.offline() == {TXT: FAILED}


def test_a_question_is_given_up_max_stale_days_after_it_first_failed() -> None:
    known = after(TXT, FAILED, {})
    assert Recall(known, CONFIG, NOW + 14 * DAY).given_up() == set()
    assert Recall(known, CONFIG, NOW + 14.001 * DAY).given_up() == {TXT}
    answered = after(TXT, RECORD, known, days=14)
    assert Recall(answered, CONFIG, NOW + 99 * DAY).given_up() == set()


def test_the_operator_gives_up_at_once_what_failed_until_it_is_answered() -> None:
    recall = Recall({}, CONFIG, NOW)
    recall.use(TXT, FAILED)
    recall.give_up({TXT: FAILED})
    known = recall.for_next_run([TXT])
    assert Recall(known, CONFIG, NOW).given_up() == {TXT}
    assert after(TXT, RECORD, known) == {TXT: Remembered(RECORD, NOW)}


def test_a_stale_answer_is_used_up_to_max_stale_days_and_then_not() -> None:
    known = after(TXT, RECORD, {})
    assert used(TXT, FAILED, known, days=14) == RECORD
    assert used(TXT, FAILED, known, days=14.001) == FAILED


def test_an_answer_too_old_to_be_used_is_not_called_stale_and_is_still_kept() -> None:
    known = after(TXT, RECORD, {})
    recall = Recall(known, CONFIG, NOW + 20 * DAY)
    recall.use(TXT, FAILED)
    assert recall.stale == {}
    assert recall.for_next_run([TXT]) == known


def test_a_failure_does_not_make_a_remembered_answer_younger() -> None:
    known = after(TXT, RECORD, {})
    for day in range(1, 14):
        known = after(TXT, FAILED, known, days=day)
    assert known == {TXT: Remembered(RECORD, NOW)}
    assert used(TXT, FAILED, known, days=15) == FAILED


def test_a_clock_set_back_makes_an_answer_younger_never_older() -> None:
    known = after(TXT, RECORD, {})
    assert used(TXT, FAILED, known, days=-365) == RECORD


def test_offline_uses_what_is_remembered_whatever_its_age() -> None:
    known = {**after(TXT, RECORD, {}), **after(A, Found(("198.18.0.1",)), {})}
    offline = Recall(known, CONFIG, NOW + 999 * DAY).offline()
    assert offline == {TXT: RECORD, A: Found(("198.18.0.1",))}


def test_only_questions_that_are_still_led_to_are_remembered() -> None:
    known = {**after(TXT, RECORD, {}), **after(A, Found(("198.18.0.1",)), {})}
    assert Recall(known, CONFIG, NOW).for_next_run([A]).keys() == {A}


@pytest.mark.parametrize(
    ("rrtype", "one", "other"),
    [
        ("A", "198.18.0.1", "198.18.0.2"),
        ("AAAA", "2a00::1", "2a00::2"),
        ("MX", "10 m1.test", "20 m2.test"),
    ],
)
def test_a_rotating_value_stays_for_sticky_days_and_then_goes(
    rrtype: RRType, one: str, other: str
) -> None:
    question = Question("a.test", rrtype)
    known = after(question, Found((one,)), {})
    known = after(question, Found((other,)), known, days=1)
    assert used(question, Found((other,)), known, days=7) == Found((one, other))
    assert used(question, Found((other,)), known, days=7.001) == Found((other,))


def test_a_value_that_comes_back_counts_anew() -> None:
    known = after(A, Found(("198.18.0.1", "198.18.0.2")), {})
    known = after(A, Found(("198.18.0.1",)), known, days=6)
    assert used(A, Found(("198.18.0.2",)), known, days=13) == Found(("198.18.0.1", "198.18.0.2"))


def test_texts_do_not_stay() -> None:
    known = after(TXT, Found(("v=spf1 ip4:198.18.0.1",)), {})
    assert used(TXT, RECORD, known, days=1) == RECORD


@pytest.mark.parametrize("void", VOIDS)
def test_a_void_answer_leaves_rotating_values_their_days(void: Void) -> None:
    one = Found(("198.18.0.1",))
    known = after(A, one, {})
    assert used(A, void, known, days=7) == one
    assert used(A, void, known, days=7.001) == void
    known = after(A, void, known, days=1)
    assert used(A, FAILED, known, days=9) == one
    assert used(A, Found(("198.18.0.2",)), known, days=2) == Found(("198.18.0.1", "198.18.0.2"))
    assert used(A, Found(("198.18.0.2",)), known, days=7.001) == Found(("198.18.0.2",))


@pytest.mark.parametrize("void", VOIDS)
def test_that_an_answer_became_void_is_noted_in_that_run_alone(void: Void) -> None:
    known = after(A, Found(("198.18.0.1",)), {})
    for day, noted in ((1, {A: void}), (2, {})):
        recall = Recall(known, CONFIG, NOW + day * DAY)
        recall.use(A, void)
        assert recall.fading == noted
        known = recall.for_next_run([A])
    strict = Recall(after(A, Found(("198.18.0.1",)), {}), STRICT, NOW)
    assert strict.use(A, void) == void
    assert strict.fading == {}


def test_while_queries_fail_nothing_rotates_out() -> None:
    known = after(A, Found(("198.18.0.1",)), {})
    known = after(A, Found(("198.18.0.2",)), known, days=6)
    for day in (8, 12, 20):
        assert used(A, FAILED, known, days=day) == Found(("198.18.0.1", "198.18.0.2"))


def test_values_are_used_in_one_order_however_they_came() -> None:
    values = ("198.18.0.2", "198.18.0.1")
    assert used(A, Found(values), {}) == used(A, Found(values[::-1]), {})


def test_strict_mode_uses_the_answer_that_came_alone() -> None:
    known = after(A, Found(("198.18.0.1",)), {})
    known = after(A, Found(("198.18.0.2",)), known, days=1)
    one = Found(("198.18.0.2",))
    assert used(A, one, known, days=2, config=STRICT) == one
    assert used(A, FAILED, known, days=2, config=STRICT) == one


@pytest.mark.parametrize("days", [0, -1])
def test_strict_mode_uses_the_answer_that_came_alone_when_the_clock_was_set_back(
    days: float,
) -> None:
    known = after(A, Found(("198.18.0.1",)), {})
    one = Found(("198.18.0.2",))
    assert used(A, one, known, days=days, config=STRICT) == one


def test_a_clock_set_back_keeps_rotating_values() -> None:
    known = after(A, Found(("198.18.0.1",)), {})
    assert used(A, Found(("198.18.0.2",)), known, days=-30) == Found(("198.18.0.1", "198.18.0.2"))


def test_a_clock_that_was_ahead_makes_no_answer_young_for_long() -> None:
    known = after(TXT, RECORD, {}, days=800)
    recall = Recall(known, CONFIG, NOW)
    assert recall.answer_younger_than(TXT, 60) == RECORD
    recall.use(A, Void("NODATA"))
    known = recall.for_next_run([TXT])
    assert used(TXT, FAILED, known, days=14) == RECORD
    assert used(TXT, FAILED, known, days=15) == FAILED


def test_a_clock_that_is_behind_ages_nothing_if_nobody_answers() -> None:
    """A machine without a clock of its own starts in 1970, and perhaps before its network."""
    known = after(TXT, RECORD, {})
    recall = Recall(known, CONFIG, 0.0)
    assert recall.use(TXT, FAILED) == RECORD
    assert recall.for_next_run([TXT]) == known


def test_a_clock_that_was_ahead_keeps_no_rotating_value_for_long() -> None:
    old, new = Found(("192.0.2.1",)), Found(("192.0.2.2",))
    known = after(A, new, after(A, old, {}, days=800))
    assert used(A, new, known, days=7) == Found((*old.values, *new.values))
    assert used(A, new, known, days=8) == new


def test_two_records_of_one_text_stay_two() -> None:
    """RFC 7208 section 4.5 takes neither, and their strings may be split in other places."""
    twice = Found(("v=spf1 -all", "v=spf1 -all"))
    known = after(TXT, twice, {})
    assert used(TXT, twice, {}) == used(TXT, FAILED, known, days=1) == twice
    assert Recall(known, CONFIG, NOW).offline() == {TXT: twice}
