"""What is asked, when, and how often, with answers that come when a test lets them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping

import pytest

from spfwhite.dns.answers import Answer, Failed, Found, Question, Void
from spfwhite.sources.crawl import Ask, ReadAs, crawl
from spfwhite.spf.reach import Limits

LIMITS = Limits(lookups=500, depth=20)
PATIENCE = 20.0
"""Seconds after which a hung crawl ends, with a `Failed` that its test does not expect."""

World = Mapping[Question, Answer]


def txt(name: str) -> Question:
    return Question(name, "TXT")


def world(**includes: str) -> dict[Question, Answer]:
    """Return records of names below `test`, each with the names that it includes."""
    return {
        txt(f"{name}.test"): Found((" ".join(["v=spf1", *_includes(children.split())]),))
        for name, children in includes.items()
    }


def _includes(names: Iterable[str]) -> list[str]:
    return [f"include:{name}.test" for name in names]


class Server:
    """Answers from a world, and notes what was asked in order."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.asked: list[Question] = []

    async def ask(self, question: Question) -> Answer:
        self.asked.append(question)
        await asyncio.sleep(0)
        return self.world.get(question, Void("NXDOMAIN"))


class Stepping(Server):
    """Answers all that was asked so far in one step, and nothing before the next."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._step = asyncio.Event()

    async def ask(self, question: Question) -> Answer:
        self.asked.append(question)
        await self._step.wait()
        return self.world.get(question, Void("NXDOMAIN"))

    def step(self) -> None:
        self._step.set()
        self._step = asyncio.Event()


def run(
    domains: Iterable[str],
    ask: Ask,
    *,
    limits: Limits = LIMITS,
    deadline: float = PATIENCE,
    known: World | None = None,
    read_as: ReadAs = lambda _question, answer: answer,
) -> dict[Question, Answer]:
    return asyncio.run(
        crawl(
            domains,
            ask,
            limits=limits,
            deadline=deadline,
            concurrency=512,
            known=known,
            read_as=read_as,
        )
    )


def waves(
    answers: World, *domains: str, known: World | None = None, limits: Limits = LIMITS
) -> list[set[str]]:
    """Return the names that are asked for after each round trip."""

    async def stepped() -> list[set[str]]:
        server = Stepping(answers)
        ask = server.ask
        task = asyncio.create_task(
            crawl(domains, ask, limits=limits, deadline=PATIENCE, concurrency=512, known=known)
        )
        found, seen = [], 0
        while not task.done():
            for _ in range(20):  # turns of the loop, plenty for all that can go on
                await asyncio.sleep(0)
            if server.asked[seen:]:
                found.append({question.name for question in server.asked[seen:]})
            seen = len(server.asked)
            server.step()
        return found

    return asyncio.run(stepped())


def test_a_crawl_takes_as_many_round_trips_as_its_longest_chain() -> None:
    answers = world(a="b c", b="d", d="e", c="", e="", x="c")
    found = waves(answers, "a.test", "x.test")
    assert found == [{"a.test", "x.test"}, {"b.test", "c.test"}, {"d.test"}, {"e.test"}]


def test_a_slow_question_delays_only_what_hangs_below_it() -> None:
    """Were there a barrier between levels, the slow one would wait for what waits for it."""
    answers = world(a="slow b", b="c", c="d", d="", slow="below", below="")
    server = Server(answers)
    reached = asyncio.Event()

    async def ask(question: Question) -> Answer:
        answer = await server.ask(question)
        if question == txt("slow.test"):
            await reached.wait()
        if question == txt("d.test"):
            reached.set()
        return answer

    assert run(["a.test"], ask) == answers
    assert server.asked[-1] == txt("below.test")


def test_mx_hosts_are_followed_too() -> None:
    answers: dict[Question, Answer] = {
        txt("a.test"): Found(("v=spf1 mx a:b.test",)),
        Question("a.test", "MX"): Found(("1 h.test",)),
    }
    asked = run(["a.test"], Server(answers).ask)
    hosts = {Question(host, kind) for host in ("b.test", "h.test") for kind in ("A", "AAAA")}
    assert asked.keys() == answers.keys() | hosts


def test_what_an_earlier_run_led_to_is_asked_for_in_the_first_wave() -> None:
    answers = world(a="b", b="c", c="d", d="e", e="", x="y", y="")
    known = {q: answer for q, answer in answers.items() if q.name not in ("x.test", "e.test")}
    found = waves(answers, "a.test", known=known)
    assert found == [{"a.test", "b.test", "c.test", "d.test", "e.test"}]


def test_what_is_new_since_the_earlier_run_is_found_as_well() -> None:
    known = world(a="b", b="gone", gone="")
    found = waves(world(a="b", b="c", c=""), "a.test", known=known)
    assert found == [{"a.test", "b.test", "gone.test"}, {"c.test"}]


def test_a_remembered_failure_leads_nowhere_and_is_asked_again() -> None:
    known: dict[Question, Answer] = {**world(a="b"), txt("b.test"): Failed("timed out")}
    answers = world(a="b", b="c", c="")
    assert run(["a.test"], Server(answers).ask, known=known) == answers


def test_only_what_the_domains_lead_to_is_asked_for_of_all_that_is_known() -> None:
    server = Server(world(a="", x=""))
    run(["a.test"], server.ask, known=world(a="", x="y", y=""))
    assert server.asked == [txt("a.test")]


def test_a_domain_that_is_named_twice_is_asked_for_once() -> None:
    server = Server(world(a="a a b b", b="a b"))
    run(["a.test", "a.test"], server.ask, known=world(a="b"))
    assert Counter(server.asked) == {txt("a.test"): 1, txt("b.test"): 1}


def test_no_domains_are_no_questions() -> None:
    assert run([], Server({}).ask) == {}


async def never(_: Question) -> Answer:
    await asyncio.Event().wait()
    raise AssertionError


def test_what_is_unanswered_at_the_deadline_has_failed() -> None:
    server = Server(world(a="b slow", b=""))

    async def ask(question: Question) -> Answer:
        answer = await server.ask(question)
        return await never(question) if question == txt("slow.test") else answer

    answers = run(["a.test"], ask, deadline=0.25)
    late = Failed("no answer within the deadline of 0.25 s")
    assert answers == {**server.world, txt("slow.test"): late}


def test_the_answer_that_is_followed_leads_on_even_after_the_deadline() -> None:
    memory = world(a="b", b="c", c="d")
    asked = []

    async def ask(question: Question) -> Answer:
        asked.append(question)
        return await never(question)

    def remembered(question: Question, answer: Answer) -> Answer:
        return memory.get(question, answer) if isinstance(answer, Failed) else answer

    answers = run(["a.test"], ask, deadline=0.05, read_as=remembered)
    late = Failed("no answer within the deadline of 0.05 s")
    assert answers == dict.fromkeys([*memory, txt("d.test")], late), "which is what came"
    assert asked == [txt("a.test")]


def test_a_failed_question_leads_to_what_its_remembered_answer_did() -> None:
    memory = world(a="b")
    server = Server({txt("a.test"): Failed("SERVFAIL"), **world(b="c", c="")})

    def remembered(question: Question, answer: Answer) -> Answer:
        return memory[question] if isinstance(answer, Failed) else answer

    assert run(["a.test"], server.ask, read_as=remembered) == server.world


def test_a_wide_bomb_asks_up_to_the_limit_and_leaves_other_domains_complete() -> None:
    good = world(good="b", b="c", c="")
    bomb = world(bomb=" ".join(f"x{number}" for number in range(10_000)))
    server = Server({**bomb, **good})
    answers = run(["bomb.test", "good.test"], server.ask)
    assert good.items() <= answers.items()
    assert len(server.asked) == LIMITS.lookups + len(good)
    assert len(answers) == len(server.asked)


def test_a_shared_question_leads_on_for_each_domain_within_its_own_limits() -> None:
    """From a.test, c.test is too deep; from b.test, which comes to s.test later, it is not."""
    server = Server(world(a="x", x="s", b="s", s="c", c=""))
    asked, answered = asyncio.Event(), asyncio.Event()

    async def ask(question: Question) -> Answer:
        if question == txt("b.test"):
            await asked.wait()
            answered.set()
        if question == txt("s.test"):
            asked.set()
            await answered.wait()
            await asyncio.sleep(0.01)  # until the crawl has gone on from b.test
        return await server.ask(question)

    answers = run(["a.test", "b.test"], ask, limits=Limits(lookups=99, depth=2))
    assert txt("c.test") in answers


def chain(length: int) -> dict[Question, Answer]:
    return world(**{f"n{number}": f"n{number + 1}" for number in range(length)})


def test_a_deep_chain_is_followed_to_the_limit() -> None:
    server = Server(chain(1000))
    assert len(run(["n0.test"], server.ask)) == LIMITS.depth + 1


def test_a_chain_of_a_thousand_is_followed_to_its_end_where_limits_allow() -> None:
    server = Server(chain(1000))
    answers = run(["n0.test"], server.ask, limits=Limits(lookups=2000, depth=2000))
    assert len(answers) == len(server.asked) == 1001


def test_the_deadline_after_a_chain_of_a_thousand_memories_leads_to_its_end() -> None:
    memory = chain(1000)
    answers = run(
        ["n0.test"],
        never,
        limits=Limits(lookups=2000, depth=2000),
        deadline=0.05,
        read_as=lambda question, answer: memory.get(question, answer),
    )
    assert len(answers) == 1001


def test_an_error_in_the_asking_ends_the_crawl_with_that_error() -> None:
    server = Server(world(a="b slow"))

    async def ask(question: Question) -> Answer:
        if question == txt("b.test"):
            raise RuntimeError("a bug")
        answer = await server.ask(question)
        return await never(question) if question == txt("slow.test") else answer

    with pytest.raises(ExceptionGroup) as caught:
        run(["a.test"], ask)
    assert caught.group_contains(RuntimeError, match="a bug")


def test_of_an_answer_only_what_is_kept_stays_in_memory() -> None:
    a = Question("h.test", "A")
    record = "v=spf1 a:h.test"
    server = Server(
        {
            txt("a.test"): Found((record, "x" * 60_000)),
            a: Found(tuple(f"20.0.0.{n}" for n in range(9))),
        }
    )
    came = asyncio.run(
        crawl(
            ["a.test"],
            server.ask,
            limits=LIMITS._replace(values=3),
            deadline=PATIENCE,
            concurrency=1,
        )
    )
    assert came[txt("a.test")] == Found((record,), 60_000)
    assert came[a] == Found(("20.0.0.0", "20.0.0.1", "20.0.0.2", "20.0.0.3"), 5 * 8)
