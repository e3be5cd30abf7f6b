"""How many questions are in flight, and when packets leave."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest

from spfwhite.dns.window import (
    MIN_RATE,
    MIN_REFUSED_SLOTS,
    MIN_SLOTS,
    OPENING_SECONDS,
    RATE_PER_ANSWER,
    SILENT_RATE,
    START_SLOTS,
    Window,
)

ROUNDS = 5
"""Turns of the loop that are plenty for every task that can go on."""


async def settle() -> None:
    for _ in range(ROUNDS):
        await asyncio.sleep(0)


async def admitted(window: Window, wanted: int) -> list[asyncio.Task[None]]:
    """Have `wanted` tasks enter; return those that got a slot, and cancel the others."""
    tasks = [asyncio.create_task(window.enter()) for _ in range(wanted)]
    await settle()
    inside = [task for task in tasks if task.done()]
    for task in tasks:
        task.cancel()
    await settle()
    return inside


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def within_patience() -> None:
        async with asyncio.timeout(10):  # a hung test is a failed one
            await test()

    asyncio.run(within_patience())


async def size(window: Window) -> int:
    """Return how many get in, and let them out again."""
    inside = len(await admitted(window, 2000))
    for _ in range(inside):
        window.leave()
    return inside


def test_as_many_enter_as_the_window_is_wide() -> None:
    async def test() -> None:
        assert await size(Window(7)) == 7
        assert await size(Window(1)) == 1

    run(test)


def test_a_slot_given_back_goes_to_the_one_who_waits_longest() -> None:
    order: list[int] = []

    async def enter(window: Window, number: int) -> None:
        await window.enter()
        order.append(number)

    async def test() -> None:
        window = Window(2)
        async with asyncio.TaskGroup() as tasks:
            for number in range(5):
                tasks.create_task(enter(window, number))
            await settle()
            assert order == [0, 1]
            window.leave()
            await settle()
            assert order == [0, 1, 2]
            window.leave()
            window.leave()
            await settle()
            assert order == [0, 1, 2, 3, 4]

    run(test)


def test_a_slot_is_not_lost_with_a_task_that_is_cancelled_while_it_gets_it() -> None:
    async def test() -> None:
        window = Window(1)
        await window.enter()
        gone = asyncio.create_task(window.enter())
        other = asyncio.create_task(window.enter())
        await settle()
        window.leave()
        gone.cancel()  # before it has run again
        await settle()
        assert other.done()

    run(test)


def test_a_task_that_is_cancelled_while_it_waits_is_passed_over() -> None:
    async def test() -> None:
        window = Window(1)
        await window.enter()
        gone = asyncio.create_task(window.enter())
        other = asyncio.create_task(window.enter())
        await settle()
        gone.cancel()
        await settle()
        window.leave()
        await settle()
        assert other.done()

    run(test)


def answer(window: Window, count: int) -> None:
    for _ in range(count):
        window.answered(0)


def test_a_wide_window_opens_as_answers_come() -> None:
    async def test() -> None:
        window = Window(512)
        answer(window, 1)
        assert await size(window) == START_SLOTS + 1
        answer(window, 100)
        assert await size(window) == START_SLOTS + 101
        answer(window, 1000)
        assert await size(window) == 512

    run(test)


def test_while_no_answer_has_come_it_opens_slot_by_slot() -> None:
    async def test() -> None:
        window = Window(START_SLOTS + 3)
        await admitted(window, START_SLOTS)
        waiting = [asyncio.create_task(window.enter()) for _ in range(5)]
        await settle()
        assert not waiting[3].done()
        await asyncio.gather(*waiting[:3])
        await asyncio.sleep(10 * OPENING_SECONDS)
        assert not waiting[3].done(), "as wide as it may be"
        waiting[3].cancel()
        waiting[4].cancel()

    run(test)


def test_once_an_answer_has_come_answers_alone_open_it() -> None:
    async def test() -> None:
        window = Window(512)
        await admitted(window, START_SLOTS)
        answer(window, 1)
        waiting = [asyncio.create_task(window.enter()) for _ in range(5)]
        await asyncio.sleep(10 * OPENING_SECONDS)
        assert [task.done() for task in waiting] == [True, False, False, False, False]
        for task in waiting:
            task.cancel()

    run(test)


def test_a_few_losses_among_many_answers_are_those_of_any_network() -> None:
    async def test() -> None:
        window = Window(64)
        answer(window, 100)
        for _ in range(4):
            lose_now(window)
        assert (await size(window), window.is_flooded) == (64, False)
        lose_now(window)
        assert (await size(window), window.is_flooded) == (32, True)

    run(test)


def at(seconds: float) -> float:
    """Set the loop's clock, and stop it."""
    asyncio.get_running_loop().time = lambda: seconds  # type: ignore[method-assign]
    return seconds


def lose_now(window: Window, count: int = 1, *, was_refused: bool = False) -> None:
    now = asyncio.get_running_loop().time()
    for _ in range(count):
        window.lost(now, was_refused=was_refused)


def gaps(window: Window, count: int = 10) -> list[float]:
    """Return the seconds between the next packets."""
    return [later - sooner for sooner, later in pairwise(window.turn() for _ in range(count))]


def test_after_losses_packets_leave_at_the_pace_at_which_answers_came() -> None:
    async def test() -> None:
        window = Window(512)
        at(100)
        answer(window, 400)
        at(102)
        lose_now(window, 20)
        assert gaps(window) == pytest.approx([1 / 200] * 9)
        answer(window, 100)
        assert gaps(window) == pytest.approx([1 / (200 + 100 * RATE_PER_ANSWER)] * 9)
        at(104)
        lose_now(window, 5)
        assert gaps(window) == pytest.approx([1 / 50] * 9), "those since the last time alone"

    asyncio.run(test())


def test_the_pace_has_a_least() -> None:
    async def test() -> None:
        window = Window(512)
        at(100)
        answer(window, 1)
        at(200)
        lose_now(window)
        assert gaps(window) == pytest.approx([1 / MIN_RATE] * 9)

    asyncio.run(test())


def test_while_nothing_has_come_packets_leave_slowly() -> None:
    async def test() -> None:
        window = Window(512)
        at(100)
        assert gaps(window) == [0] * 9
        window.silent()
        assert gaps(window) == pytest.approx([1 / SILENT_RATE] * 9)
        assert not window.is_flooded
        answer(window, 1)
        assert gaps(window) == [0] * 9
        window.silent()
        assert gaps(window) == [0] * 9, "somebody answers"

    asyncio.run(test())


def test_the_rate_holds_in_a_slow_window_too() -> None:
    async def test() -> None:
        window = Window(64, rate=40)
        window.silent()
        assert gaps(window) == pytest.approx([1 / 40] * 9)

    run(test)


def test_the_packets_that_were_in_flight_together_halve_it_once() -> None:
    async def test() -> None:
        window = Window(64)
        answer(window, 1)
        at(100)
        lose_now(window, 10)
        assert await size(window) == 32
        at(101)
        lose_now(window)
        assert await size(window) == 16

    asyncio.run(test())


def refuse(window: Window, count: int) -> None:
    for _ in range(count):
        window.refused()


def test_each_refusal_closes_a_slot_but_for_the_last_ones() -> None:
    async def test() -> None:
        window = Window(64)
        refuse(window, 10)
        assert (await size(window), window.is_flooded) == (54, False)
        window.answered(asyncio.get_running_loop().time())
        assert await size(window) == 55, "no refused question was answered: it may be their names"
        refuse(window, 100)
        assert await size(window) == MIN_REFUSED_SLOTS

    run(test)


def test_refusals_leave_as_many_slots_as_the_server_has_had_room_for() -> None:
    """What was in flight at one moment and is answered; what is sent later is the next flight."""

    async def test() -> None:
        window = Window(512)
        window.answered(at(100))  # sent before anything was counted
        for _ in range(149):
            window.answered(100)
        at(101)
        for sent_at in [100.5, *[100.5] * 80, *[100.9] * 40]:
            window.answered(sent_at)
        refuse(window, 1000)
        assert await size(window) == 149

    asyncio.run(test())


def test_refusals_that_were_losses_have_closed_their_slots_already() -> None:
    async def test() -> None:
        window = Window(512)
        at(100)
        answer(window, 100)
        window.refused()
        at(102)
        before = await size(window)
        lose_now(window, 5, was_refused=True)
        assert (await size(window), window.is_flooded) == (before, True)
        assert gaps(window) == pytest.approx([1 / 50] * 9)

    asyncio.run(test())


def test_once_a_server_has_refused_answers_alone_open_it() -> None:
    async def test() -> None:
        window = Window(512)
        await admitted(window, START_SLOTS)
        window.refused()
        waiting = asyncio.create_task(window.enter())
        await asyncio.sleep(10 * OPENING_SECONDS)
        assert not waiting.done()
        waiting.cancel()

    run(test)


def test_one_that_was_refused_goes_before_all_that_were_not() -> None:
    async def test() -> None:
        window = Window(1)
        await window.enter()
        assert not window.is_awaited
        new = asyncio.create_task(window.enter())
        refused = asyncio.create_task(window.enter(was_refused=True))
        await settle()
        assert window.is_awaited
        window.leave()
        await settle()
        assert (refused.done(), new.done()) == (True, False)
        window.leave()
        await settle()
        assert new.done()
        assert not window.is_awaited

    run(test)


@pytest.mark.parametrize(
    ("width", "left"), [(64, MIN_SLOTS), (MIN_SLOTS, MIN_SLOTS), (2, 2), (1, 1)]
)
def test_the_window_never_closes(width: int, left: int) -> None:
    async def test() -> None:
        window = Window(width)
        answer(window, 1)
        now = asyncio.get_running_loop().time()
        for later in range(10):
            window.lost(now + 1000 * later, was_refused=False)
        assert await size(window) == left

    run(test)


def test_a_windowful_of_answers_opens_it_by_about_one_slot() -> None:
    async def test() -> None:
        window = Window(64)
        answer(window, 1)
        lose_now(window)
        answer(window, 33)
        assert await size(window) == 33

    run(test)


def test_answers_open_it_up_to_its_first_width_and_no_wider() -> None:
    async def test() -> None:
        window = Window(16)
        answer(window, 1)
        lose_now(window)
        answer(window, 1000)
        assert (await size(window), window.is_flooded) == (16, False)

    run(test)


def test_who_is_inside_when_it_halves_stays_and_new_ones_wait_for_room() -> None:
    async def test() -> None:
        window = Window(16)
        answer(window, 1)
        await admitted(window, 16)
        lose_now(window)
        for _ in range(8):
            window.leave()
        assert len(await admitted(window, 1)) == 0
        window.leave()
        assert len(await admitted(window, 5)) == 1

    run(test)


def test_an_opened_window_lets_in_who_waits() -> None:
    async def test() -> None:
        window = Window(8)
        answer(window, 1)
        lose_now(window)
        await admitted(window, 4)
        waiting = asyncio.create_task(window.enter())
        await settle()
        assert not waiting.done()
        answer(window, 5)
        await settle()
        assert waiting.done()

    run(test)


def test_without_a_rate_packets_leave_at_once() -> None:
    async def test() -> None:
        window = Window(9)
        now = asyncio.get_running_loop().time()
        assert now <= window.turn() <= window.turn() <= asyncio.get_running_loop().time()

    run(test)


def test_with_a_rate_packets_leave_one_interval_apart() -> None:
    async def test() -> None:
        assert gaps(Window(9, rate=400), 20) == pytest.approx([1 / 400] * 19)

    run(test)


def test_a_rest_is_not_made_up_for_by_a_burst() -> None:
    async def test() -> None:
        window = Window(9, rate=400)
        at(100)
        window.turn()
        at(101)
        assert window.turn() == 101
        assert gaps(window) == pytest.approx([1 / 400] * 9)

    asyncio.run(test())
