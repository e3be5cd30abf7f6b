"""How much work a call does, counted and not timed: the lines of the package that it runs.

Owns the counter. Refuses clocks: a count is the same on every machine and under every load.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import spfwhite

PACKAGE = str(Path(spfwhite.__file__).parent)


class TooManyStepsError(Exception):
    """A call ran more lines than it may."""


def steps(call: Callable[[], object], most: int) -> int:
    """Return how many lines of the package a call runs; raises TooManyStepsError after `most`."""
    count = 0

    def line(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        if count > most:
            raise TooManyStepsError(f"more than {most:,} lines")
        return line

    def frame(frame: FrameType, _event: str, _argument: Any) -> Any:
        return line if frame.f_code.co_filename.startswith(PACKAGE) else None

    before = sys.gettrace()
    sys.settrace(frame)
    try:
        call()
    finally:
        sys.settrace(before)
    return count
