"""How many questions are in flight, and when packets leave."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest

from spfwhite.dns.window import MIN_SLOTS, ROUND_SECONDS, Window

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
        window.answered()


def test_a_few_time_outs_among_many_answers_are_those_of_dead_domains() -> None:
    async def test() -> None:
        window = Window(64)
        answer(window, 100)
        for _ in range(4):
            await time_out_now(window)
        assert await size(window) == 64
        await time_out_now(window)
        assert await size(window) < 64

    run(test)


def at(seconds: float) -> float:
    """Set the loop's clock, and stop it."""
    asyncio.get_running_loop().time = lambda: seconds  # type: ignore[method-assign]
    return seconds


def time_out(window: Window, count: int, sent_at: float) -> None:
    for _ in range(count):
        window.timed_out(sent_at)


def test_after_time_outs_there_is_room_for_half_of_what_was_answered() -> None:
    async def test() -> None:
        window = Window(512)
        at(100)
        await window.pace()
        at(101)
        await window.pace()
        answer(window, 200)
        time_out(window, 10, at(102))
        # 100 a second, of which a tenth of a second gets half
        assert await size(window) == 5
        answer(window, 100)
        time_out(window, 5, at(103))
        assert await size(window) == 5, "those of the last second alone"
        answer(window, 100)
        time_out(window, 4, at(104))
        assert await size(window) > 5, "and too few of them"

    asyncio.run(test())


def test_a_packet_sent_as_it_halves_is_one_of_those_in_flight() -> None:
    async def test() -> None:
        window = Window(64)
        time_out(window, 2, at(100))
        assert await size(window) == 32

    asyncio.run(test())


def test_a_window_that_is_not_wide_open_sends_a_windowful_a_round() -> None:
    async def test() -> None:
        window = Window(64)
        await time_out_now(window)
        sent = await asyncio.gather(*(window.pace() for _ in range(20)))
        gaps = [later - sooner for sooner, later in pairwise(sent)]
        assert gaps == pytest.approx([ROUND_SECONDS / 32] * 19)

    run(test)


def test_the_rate_holds_in_a_narrow_window_too() -> None:
    async def test() -> None:
        window = Window(64, rate=100)
        await time_out_now(window)
        sent = await asyncio.gather(*(window.pace() for _ in range(10)))
        gaps = [later - sooner for sooner, later in pairwise(sent)]
        assert gaps == pytest.approx([1 / 100] * 9)

    run(test)


def test_one_that_time_outs_cannot_narrow_sends_at_once() -> None:
    async def test() -> None:
        window = Window(MIN_SLOTS)
        await time_out_now(window)
        now = asyncio.get_running_loop().time()
        tasks = [asyncio.create_task(window.pace()) for _ in range(100)]
        await asyncio.sleep(0)
        assert all(task.done() and task.result() >= now for task in tasks)

    run(test)


async def time_out_now(window: Window) -> None:
    window.timed_out(asyncio.get_running_loop().time())


def test_a_time_out_halves_the_window() -> None:
    async def test() -> None:
        window = Window(64)
        await time_out_now(window)
        assert await size(window) == 32

    run(test)


def test_the_packets_that_were_in_flight_together_halve_it_once() -> None:
    async def test() -> None:
        window = Window(64)
        sent_at = asyncio.get_running_loop().time()
        for _ in range(10):
            window.timed_out(sent_at)
        assert await size(window) == 32

    run(test)


def test_a_packet_sent_after_the_halving_halves_it_again() -> None:
    async def test() -> None:
        window = Window(64)
        await time_out_now(window)
        window.timed_out(asyncio.get_running_loop().time() + 1)
        assert await size(window) == 16

    run(test)


@pytest.mark.parametrize(
    ("width", "left"), [(64, MIN_SLOTS), (MIN_SLOTS, MIN_SLOTS), (2, 2), (1, 1)]
)
def test_the_window_never_closes(width: int, left: int) -> None:
    async def test() -> None:
        window = Window(width)
        now = asyncio.get_running_loop().time()
        for later in range(10):
            window.timed_out(now + 1000 * later)
        assert await size(window) == left

    run(test)


def test_a_windowful_of_answers_opens_it_by_about_one_slot() -> None:
    async def test() -> None:
        window = Window(64)
        await time_out_now(window)
        answer(window, 33)
        assert await size(window) == 33

    run(test)


def test_answers_open_it_up_to_its_first_width_and_no_wider() -> None:
    async def test() -> None:
        window = Window(16)
        await time_out_now(window)
        answer(window, 1000)
        assert await size(window) == 16

    run(test)


def test_who_is_inside_when_it_halves_stays_and_new_ones_wait_for_room() -> None:
    async def test() -> None:
        window = Window(16)
        await admitted(window, 16)
        await time_out_now(window)
        for _ in range(8):
            window.leave()
        assert len(await admitted(window, 1)) == 0
        window.leave()
        assert len(await admitted(window, 5)) == 1

    run(test)


def test_an_opened_window_lets_in_who_waits() -> None:
    async def test() -> None:
        window = Window(8)
        await time_out_now(window)
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
        tasks = [asyncio.create_task(window.pace()) for _ in range(100)]
        await asyncio.sleep(0)
        assert all(task.done() and task.result() >= now for task in tasks)

    run(test)


def test_with_a_rate_packets_leave_one_interval_apart_whoever_sends_them() -> None:
    async def test() -> None:
        window = Window(9, rate=400)
        sent = await asyncio.gather(*(window.pace() for _ in range(20)))
        gaps = [later - sooner for sooner, later in pairwise(sent)]
        assert gaps == pytest.approx([1 / 400] * 19)

    run(test)


def test_no_packet_leaves_before_its_time() -> None:
    async def test() -> None:
        window = Window(9, rate=400)
        clock = asyncio.get_running_loop().time
        resolution = 0.001  # of the loop's own timers

        async def early() -> bool:
            send_at = await window.pace()
            return clock() < send_at - resolution

        assert not any(await asyncio.gather(*(early() for _ in range(20))))

    run(test)


def test_a_rest_is_not_made_up_for_by_a_burst() -> None:
    async def test() -> None:
        window = Window(9, rate=400)
        await window.pace()
        await asyncio.sleep(0.05)
        now = asyncio.get_running_loop().time()
        sent = await asyncio.gather(*(window.pace() for _ in range(3)))
        assert sent[0] >= now
        assert [later - sooner for sooner, later in pairwise(sent)] == pytest.approx([1 / 400] * 2)

    run(test)
