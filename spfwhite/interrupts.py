"""SIGINT and SIGTERM: when they end a run, and when they have to wait.

Owns: the exit code by convention (128 plus the number) and the moments in which a signal is kept
back, so that no temporary file stays behind. Refuses: to act in any thread but the main one.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

ENDING: Final = (signal.SIGINT, signal.SIGTERM)


def exit_on_signals() -> None:
    """Let SIGINT and SIGTERM end the program with 130 and 143; for a command line only."""
    for number in ENDING:
        signal.signal(number, _exit)


def _exit(number: int, _frame: FrameType | None) -> None:
    # not by an exception: asyncio reports some of those, and swallows others
    for path in _doomed:
        path.unlink(missing_ok=True)
    os._exit(128 + number)


_doomed: set[Path] = set()


def doom(path: Path) -> None:
    """Have a temporary file removed if a signal ends the program; call it in `deferred`."""
    _doomed.add(path)


def spare(path: Path) -> None:
    """Take back `doom`."""
    _doomed.discard(path)


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
