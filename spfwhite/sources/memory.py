"""Answers remembered from earlier runs, and which answer is used when a query fails.

Owns: last-known-good per question, as RFC 8767 does it, and the values of rotating answers that
stay in use for some days. Refuses: files (`spfwhite.plan.state`) and the clock (it is given the
time).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from spfwhite.config.settings import Config
from spfwhite.dns.answers import Answer, Failed, Found, Question
from spfwhite.spf.reach import follow_up
from spfwhite.wording import DAY

Validators = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Remembered:
    """A found or void answer; times in seconds since the epoch.

    `values` are all values of an A, AAAA or MX answer seen lately, with when each was last seen;
    `validators` the ETag and Last-Modified of a page.
    """

    answer: Answer
    seen: float
    values: Mapping[str, float] = field(default_factory=dict)
    validators: Validators = ("", "")


Known = Mapping[Question, Remembered]


class Stale(NamedTuple):
    """A question that this run answers from memory: when its answer was seen, and why.

    `kind` is "failed" if it was asked in this run, "missed" if it was not, and had no answer when
    all providers were last asked for, and "unasked" if it had: then only its age tells.
    """

    seen: float
    reason: str
    kind: Literal["failed", "missed", "unasked"] = "failed"


class Policy(NamedTuple):
    """How long memory counts: `max_stale` and `sticky` in seconds."""

    max_stale: float
    sticky: float


def policy(config: Config) -> Policy:
    """Return how long memory counts by a configuration.

    In strict mode no value outlives the answer that had it: what has rotated out does not pass.
    """
    sticky = 0.0 if config.spf.strict else config.state.sticky_days * DAY
    return Policy(config.state.max_stale_days * DAY, sticky)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What came in one run, before memory takes the place of what failed.

    The keys of `answers` are the questions that were asked, of name servers, web servers or a
    snapshot; `validators` belong to pages. `whole`: all providers were asked for. If not, all
    else comes from memory, whatever its age.
    """

    answers: Mapping[Question, Answer]
    whole: bool
    validators: Mapping[Question, Validators] = field(default_factory=dict)


class Recall:
    """The memory in one run: decides what is used, and what will be remembered."""

    def __init__(self, known: Known, policy: Policy, now: float) -> None:
        self._as_known = known
        self._known = {question: _not_after(now, entry) for question, entry in known.items()}
        self._policy = policy
        self._now = now
        self._fresh: dict[Question, Remembered] = {}
        self.stale: dict[Question, Stale] = {}

    def recent(self, question: Question, age: float) -> Answer | None:
        """Return a remembered answer that is no older than `age` seconds."""
        old = self._known.get(question)
        return self._lately(old) if old and self._now - old.seen <= age else None

    def known(self, question: Question) -> Remembered | None:
        """Return an answer as it is remembered, whatever its age."""
        return self._known.get(question)

    def use(self, question: Question, answer: Answer, validators: Validators = ("", "")) -> Answer:
        """Return the answer to use: the one that came, or the remembered one if it failed."""
        old = self._known.get(question)
        if not isinstance(answer, Failed):
            made = self._joined(question, answer, old)
            if any(validators):
                made = replace(made, validators=validators)
            self._fresh[question] = made
            return _in_use(made)
        if old is None or self._now - old.seen > self._policy.max_stale:
            return answer
        self.stale[question] = Stale(old.seen, answer.reason)
        return self._lately(old)

    def not_asked(self, question: Question, last_asked: float) -> None:
        """Note that this run did not ask a remembered question, so that its answer is stale.

        `last_asked` is when all providers were last asked for, in seconds since the epoch.
        """
        seen = self._known[question].seen
        if seen < last_asked:
            self.stale[question] = Stale(seen, "was not answered when it was last asked", "missed")
        else:
            self.stale[question] = Stale(seen, "was not asked in this run", "unasked")

    def offline(self) -> dict[Question, Answer]:
        """Return what is remembered, whatever its age."""
        return {question: self._lately(old) for question, old in self._known.items()}

    def remembered(self, questions: Iterable[Question]) -> dict[Question, Remembered]:
        """Return what the next run will know of the questions that this one still leads to."""
        known = {}
        # if no question was answered in this run, the remembered times stay as they are, even those
        # that are still to come: it may be this run's clock that is wrong
        before = self._known if self._fresh else self._as_known
        for question in questions:
            entry = self._fresh.get(question) or before.get(question)
            if entry:
                known[question] = entry
        return known

    def below(self, domains: Iterable[str]) -> dict[Question, Remembered]:
        """Return what earlier runs knew of some domains and of all that these led to."""
        queue = [Question(domain, "TXT") for domain in domains]
        found: dict[Question, Remembered] = {}
        for question in queue:  # grows while it is walked
            entry = self._known.get(question)
            if entry and question not in found:
                found[question] = entry
                queue += follow_up(question, entry.answer).questions
        return found

    def _joined(self, question: Question, answer: Answer, old: Remembered | None) -> Remembered:
        if question.rrtype in ("TXT", "PAGE") or not isinstance(answer, Found):
            return Remembered(answer, self._now)
        values = self._recent(old) if old else {}
        values.update(dict.fromkeys(answer.values, self._now))
        return Remembered(answer, self._now, values)

    def _recent(self, old: Remembered) -> dict[str, float]:
        if not self._policy.sticky:
            return {}
        oldest = self._now - self._policy.sticky
        return {value: seen for value, seen in old.values.items() if seen >= oldest}

    def _lately(self, old: Remembered) -> Answer:
        if not isinstance(old.answer, Found) or not old.values or not self._policy.sticky:
            return old.answer
        # measured from when it was seen: while queries fail, nothing can rotate out
        oldest = old.seen - self._policy.sticky
        lately = {value for value, seen in old.values.items() if seen >= oldest}
        return Found(tuple(sorted(lately | set(old.answer.values))))


def _not_after(now: float, entry: Remembered) -> Remembered:
    """Return an entry with no time that is still to come: the clock was ahead when it was made.

    Else it would stay young until then, and what it remembers in use.
    """
    if entry.seen <= now and all(seen <= now for seen in entry.values.values()):
        return entry
    values = {value: min(seen, now) for value, seen in entry.values.items()}
    return replace(entry, seen=min(entry.seen, now), values=values)


def _in_use(made: Remembered) -> Answer:
    if not isinstance(made.answer, Found) or not made.values:
        return made.answer
    return Found(tuple(sorted(set(made.answer.values) | made.values.keys())))
