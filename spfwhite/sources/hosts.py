"""The addresses of listed host names: thousands of A and AAAA questions beside the crawl.

Owns: their pace: a fixed number of workers, a deadline of their own, and no question for what was
answered a short while ago. Refuses: to judge; a name that does not exist is normal here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from spfwhite.dns.answers import Answer, Failed, Question, Void
from spfwhite.sources.crawl import Ask, Progress
from spfwhite.sources.memory import Recall
from spfwhite.spf.reach import address_questions


async def ask_hosts(
    names: Iterable[str],
    ask: Ask,
    recall: Recall,
    *,
    workers: int,
    deadline: float,
    max_age: float,
    progress: Progress,
) -> dict[Question, Answer]:
    """Return what came for all names; `deadline` and `max_age` are in seconds.

    AAAA is asked only where A did not say that the name does not exist. What memory has of the
    last `max_age` is not asked.
    """
    # what was not answered for longest comes first: a deadline must not starve the last names
    todo = sorted(names, key=lambda name: _last_seen(recall, name))
    work = _Hosts(iter(todo), ask, recall, max_age)

    def tell() -> None:
        progress(work.done, len(todo))

    try:
        async with asyncio.timeout(deadline), asyncio.TaskGroup() as tasks:
            for _ in range(min(workers, len(todo))):
                tasks.create_task(work.run(tell))
    except TimeoutError:
        failed = Failed(f"no answer within the deadline of {deadline:g} s (dns.hosts_deadline)")
        for name in todo:
            work.give_up(name, failed)
    return work.came


def _last_seen(recall: Recall, name: str) -> float:
    known = recall.known(address_questions(name)[0])
    return known.seen if known else 0.0


NXDOMAIN: Final = Void("NXDOMAIN")


class _Hosts:
    def __init__(self, names: Iterator[str], ask: Ask, recall: Recall, max_age: float) -> None:
        self._names = names
        self._ask = ask
        self._recall = recall
        self._max_age = max_age
        self.came: dict[Question, Answer] = {}
        self.done = 0

    async def run(self, tell: Callable[[], None]) -> None:
        """Take names until there are none left."""
        for name in self._names:
            for question in address_questions(name):
                if await self._answer(question) == NXDOMAIN:
                    break
            self.done += 1
            tell()

    async def _answer(self, question: Question) -> Answer:
        if recent := self._recall.recent(question, self._max_age):
            return recent
        self.came[question] = await self._ask(question)
        return self._recall.use(question, self.came[question])

    def give_up(self, name: str, failed: Failed) -> None:
        """Let fail what was not asked of a name in time, and what memory does not have either."""
        for question in address_questions(name):
            answer = self._recall.recent(question, self._max_age)
            if answer is None:
                answer = self._recall.use(question, self.came.setdefault(question, failed))
            if answer == NXDOMAIN:
                return
