"""SIGINT and SIGTERM: when they end a run, and when they have to wait.

Owns: the exit code by convention (128 plus the number) and the moments in which a signal is kept
back, so that no temporary file stays behind. Refuses: to act in any thread but the main one.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final, TypeVar

T = TypeVar("T")

ENDING: Final = (signal.SIGINT, signal.SIGTERM)


def exit_on_signals() -> None:
    """Let SIGINT and SIGTERM end the program with 130 and 143; for a command line only."""
    for number in ENDING:
        signal.signal(number, _exit)


def _exit(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


@contextmanager
def deferred() -> Iterator[None]:
    """Keep SIGINT and SIGTERM back until the block is done, then let them act."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {number: signal.signal(number, lambda n, _: came.append(n)) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for pending in dict.fromkeys(came):
            os.kill(os.getpid(), pending)


def run(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine; where `exit_on_signals` is in force, a signal cancels it and exits."""
    import asyncio  # 20 ms, and `--version` needs none of it

    came: list[int] = []
    try:
        return asyncio.run(_cancellable(work, came))
    except asyncio.CancelledError:
        if came:
            sys.exit(128 + came[0])
        raise


async def _cancellable(work: Callable[[], Coroutine[Any, Any, T]], came: list[int]) -> T:
    import asyncio

    ours = [number for number in ENDING if signal.getsignal(number) is _exit]
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None

    def cancel(number: int) -> None:
        came.append(number)
        task.cancel()

    for number in ours:
        loop.add_signal_handler(number, cancel, number)
    try:
        return await work()
    finally:
        for number in ours:
            loop.remove_signal_handler(number)
            signal.signal(number, _exit)
