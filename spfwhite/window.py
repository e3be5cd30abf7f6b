"""How many questions may be in flight, and how many a second.

Owns: the window that time-outs halve and answers open again (additive increase, multiplicative
decrease, as TCP does it), so that a small resolver is not flooded, and the pace of `dns.max_qps`.
Refuses: to know what is sent.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

SMALLEST: Final = 4


class Window:
    """Slots for questions in flight, `size` at most, and `rate` packets a second (0: no limit)."""

    def __init__(self, size: int, rate: float = 0) -> None:
        self._largest = size
        self._size = float(size)
        self._interval = 1 / rate if rate else 0.0
        self._next_send = 0.0
        self._used = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._halved_at = float("-inf")

    async def enter(self) -> None:
        """Wait for a slot."""
        while self._used >= int(self._size):
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                self._wake()  # the slot may have been meant for this task
                raise
        self._used += 1

    def leave(self) -> None:
        """Give the slot back."""
        self._used -= 1
        self._wake()

    async def pace(self) -> float:
        """Wait until a packet may be sent; return the time, in seconds of the loop's clock."""
        now = asyncio.get_running_loop().time()
        if not self._interval:
            return now
        send_at = max(now, self._next_send)
        self._next_send = send_at + self._interval
        if send_at > now:
            await asyncio.sleep(send_at - now)
        return send_at

    def answered(self) -> None:
        """Open the window by one slot for each windowful of answers."""
        if self._size < self._largest:
            self._size = min(self._largest, self._size + 1 / self._size)
            self._wake()

    def timed_out(self, sent_at: float) -> None:
        """Halve the window, once for all packets that were in flight at the time."""
        if sent_at > self._halved_at:
            self._size = max(min(SMALLEST, self._largest), self._size / 2)
            self._halved_at = asyncio.get_running_loop().time()

    def _wake(self) -> None:
        free = int(self._size) - self._used
        while free > 0 and self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                free -= 1
