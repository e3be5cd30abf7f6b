"""How many questions may be in flight, and how many a second.

Owns: the window that time-outs halve and answers open again (additive increase, multiplicative
decrease, as TCP does it), so that a small resolver is not flooded, and the pace: that of
`dns.max_qps`, and that of a window which is not open to its full width. Refuses: to know what is
sent.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

SMALLEST: Final = 4

ROUND: Final = 0.1
"""Seconds that a windowful of packets takes at least, once a packet has timed out.

A near resolver answers within a millisecond, so what is in flight alone would not bound the pace.
"""

LOSS: Final = 0.05
"""Time-outs an answer from which on the server is taken to be flooded."""


class Window:
    """Slots for questions in flight, `size` at most, and `rate` packets a second (0: no limit)."""

    def __init__(self, size: int, rate: float = 0) -> None:
        self._largest = size
        self._size = float(size)
        self._interval = 1 / rate if rate else 0.0
        self._next_send = 0.0
        self._used = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._narrowed_at = float("-inf")
        self._counted_from = 0.0
        self._answers = self._lost = 0

    async def enter(self) -> None:
        """Wait for a slot."""
        if self._used < int(self._size):  # nobody waits then
            self._used += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self.leave()
            raise

    def leave(self) -> None:
        """Give the slot back."""
        self._used -= 1
        self._hand_out()

    async def pace(self) -> float:
        """Wait until a packet may be sent; return the time, in seconds of the loop's clock."""
        now = asyncio.get_running_loop().time()
        self._counted_from = self._counted_from or now
        interval = self._interval
        if self._size < self._largest:
            interval = max(interval, ROUND / self._size)
        if not interval:
            return now
        send_at = max(now, self._next_send)
        self._next_send = send_at + interval
        if send_at > now:
            await asyncio.sleep(send_at - now)
        return send_at

    def answered(self) -> None:
        """Open the window by one slot for each windowful of answers."""
        self._answers += 1
        if self._size < self._largest:
            self._size = min(self._largest, self._size + 1 / self._size)
            self._hand_out()

    def timed_out(self, sent_at: float) -> None:
        """Halve the window, once for all packets that were in flight at the time.

        If answers came at all, it gets no more than half the slots for the pace at which they did.
        Time-outs are the dead domains' as well, so a few among many answers narrow nothing.
        """
        if sent_at <= self._narrowed_at:
            return
        self._lost += 1
        if self._lost < self._answers * LOSS:
            return
        now = asyncio.get_running_loop().time()
        size = self._size / 2
        if self._answers:
            size = min(size, self._answers / (now - self._counted_from) * ROUND / 2)
        self._size = max(min(SMALLEST, self._largest), size)
        self._narrowed_at = self._counted_from = now
        self._answers = self._lost = 0

    def _hand_out(self) -> None:
        while self._waiting and self._used < int(self._size):
            turn = self._waiting.popleft()
            if not turn.done():
                self._used += 1
                turn.set_result(None)
