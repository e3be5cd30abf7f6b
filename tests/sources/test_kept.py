"""What is kept of an answer, and for how long it takes the place of one that is not asked for."""

from __future__ import annotations

import pytest

from spfwhite.dns.answers import Answer, Failed, Found, Question, RRType, Void
from spfwhite.sources.memory import Known, Recall, Remembered, Stale, kept
from spfwhite.wording import DAY
from tests.support.nights import configured

NOW = 1_700_000_000.0
CONFIG = configured({}, state={"max_stale_days": 14, "sticky_days": 7}, safety={"max_values": 2})
STRICT = CONFIG._replace(spf=CONFIG.spf._replace(strict=True))
TXT = Question("a.test", "TXT")
A = Question("a.test", "A")
PAGE = Question("https://a.test/", "PAGE")
RECORD = Found(("v=spf1 -all",))


def texts(*values: str, left_out: int = 0) -> Found:
    return Found(values, left_out)


@pytest.mark.parametrize("text", ["v=spf1 -all", "V=SPF1", ' "v=spf1', "   v=spf", "ip4:20.0.0.1"])
def test_a_text_that_is_or_nearly_is_a_record_is_kept_and_the_others_are_counted(text: str) -> None:
    came = texts("beside", text, "behind")
    assert kept(TXT, came, 2) == texts(text, left_out=len("besidebehind"))


@pytest.mark.parametrize("text", ["", "verification=1", "v=dmarc1", "a place for v=spf1"])
def test_of_texts_that_are_no_record_only_is_kept_that_there_was_one(text: str) -> None:
    assert kept(TXT, texts(text), 2) == texts("", left_out=len(text))


def test_all_records_are_kept_however_many_they_are() -> None:
    came = texts(*(f"v=spf1 ip4:20.0.0.{number}" for number in range(9)))
    assert kept(TXT, came, 2) is came


@pytest.mark.parametrize("rrtype", ["A", "AAAA", "MX"])
def test_of_too_many_values_one_too_many_is_kept(rrtype: RRType) -> None:
    question = Question("a.test", rrtype)
    assert kept(question, texts("1", "2", "3"), 2) == texts("1", "2", "3")
    assert kept(question, texts("1", "2", "3", "44", "555"), 2) == texts(
        "1", "2", "3", left_out=len("44555")
    )


@pytest.mark.parametrize(
    "answer", [texts("20.0.0.1", "v=spf1", "20.0.0.2", "20.0.0.3"), Void("NODATA")]
)
def test_a_page_is_kept_as_it_came(answer: Answer) -> None:
    assert kept(PAGE, answer, 1) is answer


def test_a_page_is_remembered_with_its_validators_and_no_values() -> None:
    recall = Recall({}, CONFIG, NOW)
    page = texts("20.0.0.2", "20.0.0.1")
    assert recall.use(PAGE, page, ("", "yesterday")) == page
    assert recall.for_next_run([PAGE]) == {
        PAGE: Remembered(page, NOW, validators=("", "yesterday"))
    }
    recall.use(PAGE, page)
    assert recall.for_next_run([PAGE]) == {PAGE: Remembered(page, NOW)}
    assert Remembered(page, NOW).validators == ("", "")


def with_values(*days: float) -> Known:
    """An answer of which values were last seen so many days ago."""
    values = {f"20.0.0.{number}": NOW - day * DAY for number, day in enumerate(days)}
    return {A: Remembered(texts(*values), NOW - DAY, values)}


@pytest.mark.parametrize(
    ("days", "left"),
    [
        ([1], {"20.0.0.0", "20.0.0.9"}),
        ([1, 1.5], {"20.0.0.0", "20.0.0.1", "20.0.0.9"}),
        ([3, 1, 2], {"20.0.0.1", "20.0.0.2", "20.0.0.9"}),
    ],
)
def test_of_values_that_rotate_the_newest_and_one_too_many_are_kept(
    days: list[float], left: set[str]
) -> None:
    recall = Recall(with_values(*days), CONFIG, NOW)
    recall.use(A, texts("20.0.0.9"))
    assert set(recall.for_next_run([A])[A].values) == left


def test_as_many_values_as_may_be_stay_in_the_order_in_which_they_came() -> None:
    recall = Recall(with_values(1), CONFIG, NOW)
    recall.use(A, texts("20.0.0.9"))
    assert list(recall.for_next_run([A])[A].values) == ["20.0.0.0", "20.0.0.9"]


def test_a_value_that_had_rotated_out_when_the_answer_was_seen_is_out() -> None:
    recall = Recall(with_values(1, 8, 8.001), CONFIG, NOW)
    known = {A: recall.entry(A)}
    assert known == with_values(1, 8, 8.001)
    old = Remembered(texts("20.0.0.0"), NOW - DAY, with_values(1, 8, 8.001)[A].values)
    recall = Recall({A: old}, CONFIG, NOW)
    assert recall.use(A, Failed("timed out")) == texts("20.0.0.0", "20.0.0.1")


@pytest.mark.parametrize(("age", "answer"), [(59, None), (60, RECORD), (61, RECORD)])
def test_an_answer_is_young_up_to_the_very_second(age: float, answer: Answer | None) -> None:
    recall = Recall({TXT: Remembered(RECORD, NOW - 60)}, CONFIG, NOW)
    assert recall.answer_younger_than(TXT, age) == answer
    assert recall.answer_younger_than(A, age) is None


def test_an_answer_from_before_the_last_whole_run_was_missed_and_a_later_one_is_unasked() -> None:
    recall = Recall({TXT: Remembered(RECORD, NOW)}, CONFIG, NOW)
    recall.not_asked(TXT, NOW + 1)
    missed = Stale(NOW, "was not answered when it was last asked", "missed")
    assert recall.stale == {TXT: missed}
    recall.not_asked(TXT, NOW)
    assert recall.stale == {TXT: Stale(NOW, "was not asked in this run", "unasked")}


def test_an_answer_that_failed_says_so() -> None:
    recall = Recall({TXT: Remembered(RECORD, NOW)}, CONFIG, NOW)
    recall.use(TXT, Failed("timed out"))
    assert recall.stale == {TXT: Stale(NOW, "timed out", "failed")}


def test_below_a_domain_is_all_that_its_records_lead_to_once() -> None:
    def found(text: str) -> Remembered:
        return Remembered(texts(text), NOW)

    known = {
        TXT: found("v=spf1 include:b.test include:c.test include:gone.test"),
        Question("b.test", "TXT"): found("v=spf1 include:a.test a"),
        Question("b.test", "A"): found("20.0.0.1"),
        Question("c.test", "TXT"): found("v=spf1 include:b.test"),
    }
    beside = {Question("d.test", "TXT"): RECORD, A: RECORD}
    remembered = {question: Remembered(answer, NOW) for question, answer in beside.items()}
    assert Recall({**known, **remembered}, CONFIG, NOW).below(["a.test"]) == known


def test_days_of_the_configuration_are_counted_in_seconds() -> None:
    config = configured({}, state={"max_stale_days": 3, "sticky_days": 2})
    failed = Failed("timed out")

    def used(seconds: float, since_rotated_out: float) -> Answer:
        values = {"20.0.0.0": NOW - since_rotated_out, "20.0.0.1": NOW}
        known = {A: Remembered(texts("20.0.0.1"), NOW, values)}
        return Recall(known, config, NOW + seconds).use(A, failed)

    assert used(3 * 86_400, 2 * 86_400) == texts("20.0.0.0", "20.0.0.1")
    assert used(3 * 86_400, 2 * 86_400 + 1) == texts("20.0.0.1")
    assert used(3 * 86_400 + 1, 0) == failed


def test_a_value_that_was_seen_in_the_time_to_come_was_seen_now() -> None:
    values = {"20.0.0.0": NOW + 100 * DAY, "20.0.0.1": NOW}
    recall = Recall({A: Remembered(texts("20.0.0.1"), NOW, values)}, CONFIG, NOW)
    assert recall.entry(A) == Remembered(texts("20.0.0.1"), NOW, dict.fromkeys(values, NOW))
    alone = {"20.0.0.0": NOW + 100 * DAY}
    recall = Recall({A: Remembered(texts("20.0.0.1"), NOW, alone)}, CONFIG, NOW)
    assert recall.entry(A) == Remembered(texts("20.0.0.1"), NOW, dict.fromkeys(alone, NOW))


def test_strict_mode_takes_no_value_for_new_because_the_clock_was_ahead() -> None:
    values = {"20.0.0.0": NOW + DAY, "20.0.0.1": NOW + 2 * DAY}
    known = {A: Remembered(texts("20.0.0.1"), NOW + 2 * DAY, values)}
    assert Recall(known, STRICT, NOW).offline() == {A: texts("20.0.0.1")}


def test_values_that_rotated_out_come_to_those_of_the_answer() -> None:
    known = {A: Remembered(Found(("20.0.0.1",), left_out=7), NOW, {"20.0.0.0": NOW})}
    assert Recall(known, CONFIG, NOW).offline() == {A: Found(("20.0.0.0", "20.0.0.1"), 7)}


def test_values_that_a_void_answer_had_count_while_they_stay() -> None:
    known = {A: Remembered(Void("NODATA"), NOW, {"20.0.0.0": NOW})}
    assert Recall(known, CONFIG, NOW).offline() == {A: Found(("20.0.0.0",))}
