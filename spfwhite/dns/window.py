"""How many questions may be in flight, and how many a second.

Owns: the window that time-outs halve and answers open again, and the pace: that of `dns.max_qps`,
and that of a window which is not open to its full width. Refuses: to know what is sent.
"""

# Some hundred questions at once are too many for the resolver of a small router: it drops what it
# cannot hold, and what is dropped and asked again floods it further. How much it can hold nobody
# knows beforehand, so the window finds out as TCP does: it opens by one slot for each windowful of
# answers (additive increase) and halves where packets are lost (multiplicative decrease).
#
# Two things differ from TCP. First, a time-out is not always a lost packet, since the name servers
# of dead domains time out for ever: only where there is one for each 20 answers or less is the
# resolver taken to be flooded. Second, slots alone do not bound the pace, since a near resolver
# gives a slot back within a millisecond: a narrowed window also sends no more than one windowful
# in each ROUND_SECONDS. Hence a pace is worth `pace * ROUND_SECONDS` slots, and `timed_out` takes
# half the pace at which answers did come for the new window.

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

MIN_SLOTS: Final = 4

ROUND_SECONDS: Final = 0.1
"""That a windowful of packets takes at least, once a packet has timed out."""

FLOODED_LOSS: Final = 0.05
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
            interval = max(interval, ROUND_SECONDS / self._size)
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
        if self._lost < self._answers * FLOODED_LOSS:
            return
        now = asyncio.get_running_loop().time()
        size = self._size / 2
        if self._answers:
            elapsed = now - self._counted_from
            rate = self._answers / elapsed  # answers a second
            room = rate * ROUND_SECONDS / 2  # slots for half that rate
            size = min(size, room)
        self._size = max(min(MIN_SLOTS, self._largest), size)
        self._narrowed_at = self._counted_from = now
        self._answers = self._lost = 0

    def _hand_out(self) -> None:
        while self._waiting and self._used < int(self._size):
            turn = self._waiting.popleft()
            if not turn.done():
                self._used += 1
                turn.set_result(None)
