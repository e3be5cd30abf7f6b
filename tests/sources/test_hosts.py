"""The pace of host names: who is asked what, how many at once, and what a deadline leaves."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping

import pytest

from spfwhite.dns.answers import Answer, Failed, Found, Question, Void
from spfwhite.sources import hosts
from spfwhite.sources.interface import Asking
from spfwhite.sources.memory import Recall, Remembered
from tests.support.nights import configured, edited

NOW = 1_700_000_000.0
HOUR = 3600.0
NXDOMAIN = Void("NXDOMAIN")
NODATA = Void("NODATA")
CUT = Failed("no answer within the deadline of 0.5 s (dns.hosts_deadline)")

Answers = Mapping[Question, Answer]


def a(name: str) -> Question:
    return Question(name, "A")


def aaaa(name: str) -> Question:
    return Question(name, "AAAA")


class Network:
    """Answers what it knows, NXDOMAIN to the rest, and never the questions in `silent`."""

    def __init__(self, answers: Answers | None = None, silent: tuple[Question, ...] = ()) -> None:
        self.answers = dict(answers or {})
        self.silent = silent
        self.asked: list[Question] = []
        self.in_flight = 0
        self.peak = 0

    async def ask(self, question: Question) -> Answer:
        self.asked.append(question)
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            if question in self.silent:
                await asyncio.Event().wait()
            await asyncio.sleep(0)
        finally:
            self.in_flight -= 1
        return self.answers.get(question, NXDOMAIN)


class Run:
    """Host names asked for once, with what that told and what it left."""

    def __init__(
        self,
        network: Network,
        *names: str,
        known: Mapping[Question, Remembered] | None = None,
        workers: int = 4,
        deadline: float = 60.0,
    ) -> None:
        self.progress: list[tuple[int, int]] = []
        dns = {"concurrency": workers, "hosts_deadline": deadline, "hosts_max_age_hours": 20}
        config = edited(configured({"p": ()}, dns=dns), "p", hosts=names)
        self.recall = Recall(known or {}, config, NOW)
        asking = Asking(
            config=config,
            recall=self.recall,
            connect=lambda: network.ask,
            progress=lambda done, total: self.progress.append((done, total)),
            end=math.inf,
            validators={},
        )
        self.came = asyncio.run(hosts.ask(config.enabled(), asking))


def seen(answer: Answer, *, hours: float) -> Remembered:
    when = NOW - hours * HOUR
    values = answer.values if isinstance(answer, Found) else ()
    return Remembered(answer, when, dict.fromkeys(values, when))


def test_both_families_of_a_name_are_asked_for_once() -> None:
    network = Network({a("h.test"): Found(("192.0.2.1",)), aaaa("h.test"): NODATA})
    assert Run(network, "h.test").came == network.answers
    assert network.asked == [a("h.test"), aaaa("h.test")]


def test_a_name_that_does_not_exist_costs_one_question() -> None:
    network = Network()
    assert Run(network, "h.test").came == {a("h.test"): NXDOMAIN}
    assert network.asked == [a("h.test")]


def test_a_name_without_ipv4_may_have_ipv6() -> None:
    network = Network({a("h.test"): NODATA, aaaa("h.test"): Found(("2001:db8::1",))})
    assert Run(network, "h.test").came == network.answers


def test_a_failed_a_question_does_not_keep_the_other_one_from_being_asked() -> None:
    network = Network({a("h.test"): Failed("refused"), aaaa("h.test"): Found(("2001:db8::1",))})
    assert Run(network, "h.test").came == network.answers


def test_of_an_answer_only_what_is_kept_stays_in_memory() -> None:
    many = tuple(f"20.{n >> 8}.{n & 255}.1" for n in range(900))
    came = Run(Network({a("h.test"): Found(many), aaaa("h.test"): NODATA}), "h.test").came
    kept = many[:501]  # safety.max_values, and one
    assert came[a("h.test")] == Found(kept, sum(map(len, many[501:])))


@pytest.mark.parametrize("workers", [1, 3, 50])
def test_no_more_questions_are_in_flight_than_there_are_workers(workers: int) -> None:
    network = Network()
    names = [f"h{number}.test" for number in range(40)]
    run = Run(network, *names, workers=workers)
    assert network.peak == min(workers, 40)
    assert sorted(run.came) == sorted(network.asked) == sorted(map(a, names))


def test_without_names_nothing_is_asked_and_nothing_told() -> None:
    run = Run(Network())
    assert (run.came, run.progress) == ({}, [])


def test_progress_counts_the_questions() -> None:
    network = Network({a("h2.test"): NODATA, aaaa("h2.test"): NODATA})
    run = Run(network, "h1.test", "h2.test", "h3.test", workers=1)
    assert run.progress == [(1, 3), (2, 4), (3, 4), (4, 4)], "h2.test has a second one"


@pytest.mark.parametrize("answer", [Found(("192.0.2.1",)), NODATA])
def test_what_was_answered_lately_is_not_asked_again(answer: Answer) -> None:
    known = {a("h.test"): seen(answer, hours=20), aaaa("h.test"): seen(NODATA, hours=1)}
    network = Network()
    run = Run(network, "h.test", known=known)
    assert (run.came, network.asked) == ({}, [])
    assert run.recall.stale == {}, "it is young, not stale"
    assert run.recall.for_next_run(known) == known, "and it stays as old as it is"


def test_a_name_that_did_not_exist_lately_is_not_asked_for_at_all() -> None:
    network = Network()
    run = Run(network, "h.test", known={a("h.test"): seen(NXDOMAIN, hours=1)})
    assert (run.came, network.asked) == ({}, [])


def test_what_is_older_is_asked_again_and_renewed() -> None:
    network = Network({a("h.test"): Found(("192.0.2.2",)), aaaa("h.test"): NODATA})
    known = {q: seen(NODATA, hours=20.1) for q in (a("h.test"), aaaa("h.test"))}
    run = Run(network, "h.test", known=known)
    assert network.asked == [a("h.test"), aaaa("h.test")]
    assert {entry.seen for entry in run.recall.for_next_run(run.came).values()} == {NOW}


def test_only_what_is_missing_of_a_name_is_asked() -> None:
    network = Network({aaaa("h.test"): NODATA})
    run = Run(network, "h.test", known={a("h.test"): seen(NODATA, hours=1)})
    assert network.asked == [aaaa("h.test")]
    assert run.came == {aaaa("h.test"): NODATA}


def test_a_failure_is_answered_from_memory() -> None:
    network = Network({a("h.test"): Failed("refused"), aaaa("h.test"): Failed("refused")})
    run = Run(network, "h.test", known={a("h.test"): seen(Found(("192.0.2.1",)), hours=30)})
    assert run.came == dict.fromkeys([a("h.test"), aaaa("h.test")], Failed("refused"))
    assert run.recall.stale.keys() == {a("h.test")}


def test_at_the_deadline_what_was_answered_counts_and_the_rest_fails_with_the_key() -> None:
    network = Network({a("h1.test"): NODATA, aaaa("h1.test"): NODATA}, silent=(a("h2.test"),))
    run = Run(network, "h1.test", "h2.test", "h3.test", workers=1, deadline=0.5)
    cut = dict.fromkeys([a("h2.test"), aaaa("h2.test"), a("h3.test"), aaaa("h3.test")], CUT)
    assert run.came == {a("h1.test"): NODATA, aaaa("h1.test"): NODATA, **cut}
    assert a("h3.test") not in network.asked


def test_a_name_that_was_found_not_to_exist_has_no_failure_at_the_deadline() -> None:
    network = Network(silent=(a("h2.test"),))
    run = Run(network, "h1.test", "h2.test", workers=1, deadline=0.5)
    assert run.came == {a("h1.test"): NXDOMAIN, a("h2.test"): CUT, aaaa("h2.test"): CUT}


def test_at_the_deadline_memory_stands_in_for_what_was_not_asked() -> None:
    known = {
        a("h2.test"): seen(Found(("192.0.2.2",)), hours=30),
        a("h3.test"): seen(NXDOMAIN, hours=30),
    }
    network = Network(silent=(a("h1.test"),))
    run = Run(network, "h1.test", "h2.test", "h3.test", known=known, workers=1, deadline=0.5)
    asked = [a("h1.test"), aaaa("h1.test"), a("h2.test"), aaaa("h2.test"), a("h3.test")]
    assert run.came == dict.fromkeys(asked, CUT), "h3.test is remembered not to exist"
    assert {stale.reason for stale in run.recall.stale.values()} == {CUT.reason}
    assert run.recall.stale.keys() == known.keys()


def test_at_the_deadline_what_is_young_is_not_stale() -> None:
    known = {q: seen(NODATA, hours=1) for q in (a("h2.test"), aaaa("h2.test"))}
    network = Network(silent=(a("h1.test"),))
    run = Run(network, "h1.test", "h2.test", known=known, workers=1, deadline=0.5)
    assert run.came == {a("h1.test"): CUT, aaaa("h1.test"): CUT}
    assert run.recall.stale == {}


def test_what_a_cut_run_learned_is_not_asked_by_the_next() -> None:
    names = [f"h{number}.test" for number in range(6)]
    first = Run(Network(silent=(a("h3.test"),)), *names, workers=1, deadline=0.5)
    again = Network()
    second = Run(again, *names, known=first.recall.for_next_run(first.came))
    assert again.asked == [a("h3.test"), a("h4.test"), a("h5.test")]
    assert first.came.keys() | second.came.keys() >= set(map(a, names))
    assert second.came == dict.fromkeys(map(a, names[3:]), NXDOMAIN)


class Broken(Network):
    """Has a defect."""

    async def ask(self, question: Question) -> Answer:
        raise RuntimeError(question.name)


def test_an_error_in_the_program_ends_the_run_and_does_not_hang_it() -> None:
    with pytest.raises(ExceptionGroup):
        Run(Broken(), "h1.test", "h2.test")
