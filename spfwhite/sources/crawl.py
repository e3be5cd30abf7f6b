"""Many questions at once, each once, with no barrier between those that answers lead on to.

Owns: what is asked and when. A question starts as soon as some answer has named it, so a slow
server delays only what hangs below it, and what is asked does not depend on the order in which
answers arrive. Refuses: to send packets (it is given `ask`) and to judge answers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING

from spfwhite.dns.answers import Answer, Answers, Failed, Question
from spfwhite.sources.memory import kept
from spfwhite.spf.reach import Limits, Reach

if TYPE_CHECKING:
    import asyncio

Ask = Callable[[Question], Awaitable[Answer]]
ReadAs = Callable[[Question, Answer], Answer]
Progress = Callable[[int, int], None]
Answered = Callable[[Question], Iterable[Question]]  # what is wanted after an answer to it


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
    read_as: ReadAs = lambda _question, answer: answer,
    progress: Progress = no_progress,
) -> dict[Question, Answer]:
    """Return what came for every question that the domains lead to, within the limits.

    What is unanswered after `deadline` seconds has failed; `concurrency` questions are asked at a
    time. All that `known` leads to, what an earlier run knew, is asked at once. `read_as` says
    which answer is followed in place of one that came, and is returned. Raises what `ask` raises.
    """
    work = Crawl(ask, max_values=limits.values, read_as=read_as, progress=progress)
    names = sorted(set(domains))
    for name in names:
        reach = Reach(work.followed, limits)
        work.follow(reach.answered, reach.start(name))
    for name in names if known else ():
        before = Reach(known or {}, limits)
        before.start(name)
        work.follow(lambda _: (), before.depth)
    return await work.run(concurrency, deadline)


class Crawl:
    """The questions of one crawl, and the workers that ask them.

    `max_values` is the limit of one answer. `followed` has the answers by which they go on.
    `depth_first`: what an answer leads on to is asked before all that waits already.
    """

    def __init__(
        self,
        ask: Ask,
        *,
        max_values: int,
        read_as: ReadAs,
        progress: Progress,
        depth_first: bool = False,
    ) -> None:
        self.followed: dict[Question, Answer] = {}
        self._ask = ask
        self._max_values = max_values
        self._read_as = read_as
        self._progress = progress
        self._depth_first = depth_first
        self._came: dict[Question, Answer] = {}
        self._queue: deque[Question] = deque()
        self._asked: set[Question] = set()
        self._waiting: dict[Question, list[Answered]] = {}
        self._idle = 0

    def follow(self, answered: Answered, questions: Iterable[Question]) -> None:
        """Ask questions, and whatever `answered` returns each time that one has its answer."""
        self._queue += self._new(answered, questions)

    async def run(self, concurrency: int, deadline: float, key: str = "") -> dict[Question, Answer]:
        """Return what came; what is left after `deadline` seconds has failed, and names `key`."""
        import asyncio  # 50 ms, and commands that ask nobody need it not

        self._idle = concurrency
        try:
            async with asyncio.timeout(deadline), asyncio.TaskGroup() as tasks:
                self._put_to_work(tasks)
        except TimeoutError:
            self._give_up(Failed(f"no answer within the deadline of {deadline:g} s{key}"))
        return self._came

    def _put_to_work(self, tasks: asyncio.TaskGroup) -> None:
        for _ in range(min(self._idle, len(self._queue))):
            self._idle -= 1
            tasks.create_task(self._work(tasks))

    async def _work(self, tasks: asyncio.TaskGroup) -> None:
        while self._queue:
            question = self._queue.popleft()
            new = self._settle(question, await self._ask(question))
            if self._depth_first:
                self._queue.extendleft(reversed(new))
            else:
                self._queue += new
            if new:
                self._put_to_work(tasks)
            self._progress(len(self._came), len(self._asked))
        self._idle += 1

    def _give_up(self, failed: Failed) -> None:
        """Settle all that has no answer yet, and what the remembered answers lead on to."""
        unanswered = sorted(self._asked - self._came.keys())
        for question in unanswered:  # grows while it is walked
            unanswered += self._settle(question, failed)

    def _settle(self, question: Question, answer: Answer) -> list[Question]:
        """Take an answer; return what has to be asked next."""
        answer = kept(question, answer, self._max_values)
        self._came[question] = answer
        self.followed[question] = self._read_as(question, answer)
        waiting = self._waiting.pop(question, ())
        return [new for answered in waiting for new in self._new(answered, answered(question))]

    def _new(self, answered: Answered, questions: Iterable[Question]) -> list[Question]:
        for question in questions:
            self._waiting.setdefault(question, []).append(answered)
        new = [question for question in dict.fromkeys(questions) if question not in self._asked]
        self._asked.update(new)
        return new
