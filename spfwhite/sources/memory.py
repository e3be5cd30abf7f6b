"""Answers remembered from earlier runs, and which answer is used when a question fails.

Owns: what is kept of an answer, and which one counts. Refuses: files (`spfwhite.plan.state`), the
clock (it is given the time), and to judge what a provider may lose.
"""

# Every question falls back by itself on the last good answer to it, as in RFC 8767, for
# `state.max_stale_days`. So a name server that is down for a night costs no provider its place,
# while what is missing by an authoritative answer is known to be missing, and is for the limits to
# judge.
#
# Servers that share their load give other addresses each time. A value of an A, AAAA or MX answer
# stays in use for `state.sticky_days` after it was last seen, also where the answer is void by now,
# or half of such a sender would drop in and out of the list. What rotates adds up, and what others
# send may be of any size: an answer has at most `safety.max_values`, and of TXT only what looks
# like an SPF record is kept at all.
#
# A question that fails and was never answered is remembered too, since when it fails. After another
# `state.max_stale_days` nobody waits for its answer any more.

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from spfwhite.config.settings import Config
from spfwhite.dns.answers import ROTATING, Answer, Failed, Found, Question, Void
from spfwhite.spf.reach import follow_up
from spfwhite.spf.record import is_nearly_spf
from spfwhite.wording import DAY

Validators = tuple[str, str]


def kept(question: Question, answer: Answer, max_values: int) -> Answer:
    """Return what is kept of an answer that came: of TXT what is, or nearly is, an SPF record.

    Of other types of the DNS it is `max_values` and one more, which tells that they were too many.
    """
    if question.rrtype == "PAGE" or not isinstance(answer, Found):
        return answer
    if question.rrtype == "TXT":
        values = tuple(text for text in answer.values if is_nearly_spf(text))
        # the empty text says that there is a TXT record, and none of SPF
        values = values or ("",)
    else:
        values = answer.values[: max_values + 1]
    if values == answer.values:
        return answer
    return Found(values, answer.octets - sum(map(len, values)))


class Remembered(NamedTuple):
    """A found or void answer, or a failure if there was none; times in seconds since the epoch.

    `seen` is when it came, or first failed. `values` are all of A, AAAA or MX that were seen
    lately, with when each was last seen; `validators` the ETag and Last-Modified of a page.
    """

    answer: Answer
    seen: float
    values: Mapping[str, float] = {}
    validators: Validators = ("", "")


Known = Mapping[Question, Remembered]


class Stale(NamedTuple):
    """A question that this run answers from memory: when its answer was seen, and why.

    `kind` is "failed" if it was asked in this run; if not, "missed" where there was no answer when
    all providers were last asked for, and "unasked" where there was, so that only its age tells.
    """

    seen: float
    reason: str
    kind: Literal["failed", "missed", "unasked"] = "failed"


class Heard(NamedTuple):
    """What came in one run, before memory takes the place of what failed.

    The keys of `answers` are all questions that were asked; `validators` belong to pages. `whole`:
    all providers were asked for. If not, all else comes from memory, whatever its age.
    """

    answers: Mapping[Question, Answer]
    whole: bool
    validators: Mapping[Question, Validators] = {}


class Recall:
    """The memory in one run: decides what is used, and what will be remembered."""

    def __init__(self, known: Known, config: Config, now: float) -> None:
        self._unclamped = known
        entries = {question: _not_after(now, entry) for question, entry in known.items()}
        self._failing = {q: entry for q, entry in entries.items() if is_failure(entry)}
        self._known = {q: entry for q, entry in entries.items() if q not in self._failing}
        self._now, self._max_values = now, config.safety.max_values
        self._max_stale = config.state.max_stale_days * DAY
        # strictly no value outlives the answer that had it: what has rotated out does not pass
        self._sticky = 0.0 if config.spf.strict else config.state.sticky_days * DAY
        self._came: dict[Question, Remembered] = {}
        self.stale: dict[Question, Stale] = {}
        # Answers that became void in this run, and whose earlier values stay in use
        self.fading: dict[Question, Void] = {}

    def answer_younger_than(self, question: Question, age: float) -> Answer | None:
        """Return a remembered answer that is no older than `age` seconds."""
        old = self._known.get(question)
        return self._as_last_used(old) if old and self._now - old.seen <= age else None

    def entry(self, question: Question) -> Remembered | None:
        """Return the answer that is remembered of a question, whatever its age."""
        return self._known.get(question)

    def use(self, question: Question, answer: Answer, validators: Validators = ("", "")) -> Answer:
        """Return the answer to use: the one that came, or the remembered one if it failed."""
        old = self._known.get(question)
        if not isinstance(answer, Failed):
            answer = kept(question, answer, self._max_values)
            values = self._with_earlier_values(question, answer, old)
            self._came[question] = Remembered(answer, self._now, values, validators)
            if values and old and isinstance(old.answer, Found) and isinstance(answer, Void):
                self.fading[question] = answer
            return _joined(answer, values)
        if old is None:
            since = self._failing[question].seen if question in self._failing else self._now
            self._failing[question] = Remembered(answer, since)
            return answer
        if self._now - old.seen > self._max_stale:
            return answer
        self.stale[question] = Stale(old.seen, answer.reason)
        return self._as_last_used(old)

    def given_up(self) -> set[Question]:
        """Return the questions that nobody waits for: they first failed `max_stale_days` ago."""
        oldest = self._now - self._max_stale
        return {question for question, entry in self._failing.items() if entry.seen < oldest}

    def give_up(self, failures: Mapping[Question, Failed]) -> None:
        """Wait no more for the answers to questions that failed: the operator says so."""
        self._failing |= {q: Remembered(failed, 0.0) for q, failed in failures.items()}

    def not_asked(self, question: Question, last_asked: float) -> None:
        """Note that this run did not ask a remembered question, so that its answer is stale.

        `last_asked` is when all providers were last asked for, in seconds since the epoch.
        """
        if question in self._failing:
            return
        seen = self._known[question].seen
        if seen < last_asked:
            self.stale[question] = Stale(seen, "was not answered when it was last asked", "missed")
        else:
            self.stale[question] = Stale(seen, "was not asked in this run", "unasked")

    def offline(self) -> dict[Question, Answer]:
        """Return what is remembered, whatever its age."""
        answers = {question: self._as_last_used(old) for question, old in self._known.items()}
        return answers | {question: entry.answer for question, entry in self._failing.items()}

    def for_next_run(self, questions: Iterable[Question]) -> dict[Question, Remembered]:
        """Return what the next run will know of the questions that this one still leads to."""
        # If no question was answered in this run, keep the remembered times as they are, even those
        # that are still to come: the wrong clock may be ours.
        before = self._known if self._came else self._unclamped
        entries = {q: self._came.get(q) or self._failing.get(q) or before.get(q) for q in questions}
        return {question: entry for question, entry in entries.items() if entry}

    def below(self, domains: Iterable[str]) -> dict[Question, Remembered]:
        """Return what earlier runs knew of some domains and of all that these led to."""
        queue = [Question(domain, "TXT") for domain in domains]
        entries: dict[Question, Remembered] = {}
        for question in queue:  # grows while it is walked
            entry = self._known.get(question)
            if entry and question not in entries:
                entries[question] = entry
                queue += follow_up(question, entry.answer)
        return entries

    def _with_earlier_values(
        self, question: Question, answer: Answer, old: Remembered | None
    ) -> dict[str, float]:
        """Return the values of a rotating answer that came, with those that rotated out lately."""
        values: dict[str, float] = {}
        if question.rrtype not in ROTATING:
            return values
        if old and self._sticky:
            oldest = self._now - self._sticky
            values = {value: seen for value, seen in old.values.items() if seen >= oldest}
        if isinstance(answer, Found):
            values.update(dict.fromkeys(answer.values, self._now))
        if len(values) > self._max_values:
            newest = sorted(values.items(), key=lambda item: item[1], reverse=True)
            values = dict(newest[: self._max_values + 1])
        return values

    def _as_last_used(self, old: Remembered) -> Answer:
        """Return a remembered answer with the values that were in use when it was seen."""
        if not self._sticky:
            return old.answer
        # measured from when it was seen: while questions fail, nothing can rotate out
        oldest = old.seen - self._sticky
        return _joined(old.answer, (value for value, seen in old.values.items() if seen >= oldest))


def is_failure(entry: Remembered) -> bool:
    """Whether a question was asked and never answered."""
    return isinstance(entry.answer, Failed)


def _not_after(now: float, entry: Remembered) -> Remembered:
    """Return an entry with no time that is still to come: the clock was ahead when it was made."""
    # Otherwise it would look fresh until that time, and what it remembers would stay in use.
    if entry.seen <= now and all(seen <= now for seen in entry.values.values()):
        return entry
    values = {value: min(seen, now) for value, seen in entry.values.items()}
    return entry._replace(seen=min(entry.seen, now), values=values)


def _joined(answer: Answer, more: Iterable[str]) -> Answer:
    """Return an answer with some more values, all in one order."""
    values = set(more)
    if not values:
        return answer
    found = answer if isinstance(answer, Found) else Found(())
    return Found(tuple(sorted(values.union(found.values))), found.left_out)
