"""All questions of all domains at once, each question once, with no barrier between levels.

Owns: what is asked and when. A question starts as soon as some answer has named it, so a slow
server delays only what hangs below it, and what is asked does not depend on the order in which
answers arrive. Refuses: to send packets (it is given `ask`) and to judge answers.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable

from spfwhite.dns.answers import Answer, Answers, Failed, Question
from spfwhite.spf.reach import Limits, Reach

Ask = Callable[[Question], Awaitable[Answer]]
ReadAs = Callable[[Question, Answer], Answer]
Progress = Callable[[int, int], None]


def as_it_came(_question: Question, answer: Answer) -> Answer:
    """Read each answer as it is, with no memory."""
    return answer


def no_progress(_answered: int, _asked: int) -> None:
    """Tell nobody."""


async def crawl(
    domains: Iterable[str],
    ask: Ask,
    *,
    limits: Limits,
    deadline: float,
    concurrency: int,
    known: Answers | None = None,
    read_as: ReadAs = as_it_came,
    progress: Progress = no_progress,
) -> dict[Question, Answer]:
    """Return what came for every question that the domains lead to, within the limits.

    `deadline` is in seconds for the whole crawl; what is unanswered then has failed. At most
    `concurrency` questions are asked at a time. `known` is what an earlier run knew: all that it
    leads to is asked at once. `read_as` says which answer is followed in place of one that came,
    and so where a failed question leads on to; what came is returned all the same. What `ask`
    raises is raised.
    """
    work = _Crawl(ask, limits, read_as, progress, concurrency)
    names = sorted(set(domains))
    try:
        async with asyncio.timeout(deadline), asyncio.TaskGroup() as tasks:
            work.begin(names, known or {}, tasks)
    except TimeoutError:
        work.give_up(Failed(f"no answer within the deadline of {deadline:g} s"))
    return work.came


class _Crawl:
    def __init__(
        self, ask: Ask, limits: Limits, read_as: ReadAs, progress: Progress, concurrency: int
    ) -> None:
        self._idle = concurrency
        self._queue: deque[Question] = deque()
        self._progress = progress
        self._ask = ask
        self._limits = limits
        self._read_as = read_as
        self._followed: dict[Question, Answer] = {}
        self._asked: set[Question] = set()
        self._waiting: dict[Question, list[Reach]] = {}
        self.came: dict[Question, Answer] = {}

    def begin(self, names: list[str], known: Answers, tasks: asyncio.TaskGroup) -> None:
        """Start with what the names need, and with what they needed when last seen."""
        questions = []
        for name in names:
            reach = Reach(self._followed, self._limits)
            questions += self._wanted(reach, reach.start(name))
        for name in names if known else ():
            before = Reach(known, self._limits)
            before.start(name)
            questions += before.depth
        self._start(questions, tasks)

    def give_up(self, failed: Failed) -> None:
        """Settle all that has no answer yet, and what the remembered answers lead on to."""
        unanswered = sorted(self._asked - self.came.keys())
        for question in unanswered:  # grows while it is walked
            for wanted in self._settle(question, failed):
                if wanted not in self._asked:
                    self._asked.add(wanted)
                    unanswered.append(wanted)

    def _start(self, questions: Iterable[Question], tasks: asyncio.TaskGroup) -> None:
        for question in questions:
            if question not in self._asked:
                self._asked.add(question)
                self._queue.append(question)
                if self._idle:
                    self._idle -= 1
                    tasks.create_task(self._work(tasks))

    async def _work(self, tasks: asyncio.TaskGroup) -> None:
        """Ask one question after the other until none is waiting."""
        while self._queue:
            question = self._queue.popleft()
            answer = await self._ask(question)
            self._start(self._settle(question, answer), tasks)
            self._progress(len(self.came), len(self._asked))
        self._idle += 1

    def _settle(self, question: Question, answer: Answer) -> list[Question]:
        """Take an answer; return what is wanted next."""
        self.came[question] = answer
        self._followed[question] = self._read_as(question, answer)
        reaches = self._waiting.pop(question, ())
        return [
            wanted for reach in reaches for wanted in self._wanted(reach, reach.answered(question))
        ]

    def _wanted(self, reach: Reach, questions: list[Question]) -> list[Question]:
        for question in questions:
            self._waiting.setdefault(question, []).append(reach)
        return questions
