"""How many questions may be in flight, and how many packets a second.

Owns: the window, which opens as answers come and narrows where the server cannot keep up, and the
pace: that of `dns.max_qps`, and that of a server that cannot keep up. Refuses: to know what is
sent, and to tell what was lost (`spfwhite.dns.resolver`).
"""

import asyncio
from collections import deque
from math import inf
from typing import Final

# Before the first answer: a default Linux socket holds 277 small packets for a server that is slow
# to read. Until it comes another slot opens each millisecond, which leaves it 77 of them to wake.
START_SLOTS: Final = 200
OPENING_SECONDS: Final = 0.001

MIN_SLOTS: Final = 4

# As many stay open whatever is refused: a refusal costs a server little, and comes at once.
MIN_REFUSED_SLOTS: Final = 25

# Packets a second: slower than this no run ends within its deadline.
MIN_RATE: Final = 10.0

# Packets a second to a server of which nothing has been heard: it may be slow, not deaf.
SILENT_RATE: Final = 50.0

# Packets a second that each answer adds to the pace: it doubles in about three seconds.
RATE_PER_ANSWER: Final = 0.25

# Losses an answer from which on the server cannot keep up; fewer are those of any network.
FLOODED_LOSS: Final = 0.05


class Window:
    """Slots for questions in flight, `size` at most, and `rate` packets a second (0: no limit)."""

    def __init__(self, size: int, rate: float = 0) -> None:
        self._smallest, self._largest = min(MIN_SLOTS, size), size
        self._size = float(min(size, START_SLOTS))
        self._allowed_rate = rate or inf
        self._rate = inf
        self._next_send = 0.0
        self._used = 0
        self._refused: deque[asyncio.Future[None]] = deque()  # wait before all others
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._is_heard = False
        self._narrowed_at = 0.0  # by the loop's clock; never, so far
        self._counted_from = 0.0
        self._answers = self._lost = 0
        self._moment = 0.0  # by the loop's clock
        self._held_then = self._held = 0  # what was in flight at that moment; the most so far

    @property
    def is_flooded(self) -> bool:
        """Whether losses have narrowed the window, and answers not opened it again."""
        return bool(self._narrowed_at) and self._size < self._largest

    @property
    def is_awaited(self) -> bool:
        """Whether questions that were not asked yet wait for a slot."""
        return bool(self._waiting)

    async def enter(self, *, was_refused: bool = False) -> None:
        """Wait for a slot; one that was refused waits before all that were not."""
        if self._used < int(self._size):  # nobody waits then
            self._used += 1
            return
        loop = asyncio.get_running_loop()
        turn = loop.create_future()
        (self._refused if was_refused else self._waiting).append(turn)
        if len(self._waiting) == 1 and not self._is_heard:
            loop.call_later(OPENING_SECONDS, self._open)
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

    def turn(self) -> float:
        """Return when the next packet may be sent, by the loop's clock, and count it as sent."""
        send_at = max(asyncio.get_running_loop().time(), self._next_send)
        self._next_send = send_at + 1 / min(self._rate, self._allowed_rate)
        return send_at

    def silent(self) -> None:
        """Send slowly until the first answer: nothing has come in time."""
        if not self._is_heard:
            self._rate = SILENT_RATE

    def refused(self) -> None:
        """Close a slot, unless the server has had room for so many."""
        self._hear()
        if self._size >= max(MIN_REFUSED_SLOTS, self._held) + 1:
            self._size -= 1

    def answered(self, sent_at: float) -> None:
        """Open the window: by a slot an answer until the first loss, then by one a windowful."""
        self._hear()
        self._answers += 1
        self._count_held(sent_at)
        self._rate += RATE_PER_ANSWER
        if self._size < self._largest:
            opened = 1 / self._size if self._narrowed_at else 1
            self._size = min(self._largest, self._size + opened)
            self._hand_out()

    def lost(self, sent_at: float, *, was_refused: bool) -> None:
        """Take the pace of answers, and halve the window; once for all that was in flight.

        What was refused has closed its slot already.
        """
        if sent_at <= self._narrowed_at:
            return
        self._lost += 1
        if self._lost < self._answers * FLOODED_LOSS:
            return
        now = asyncio.get_running_loop().time()
        if not was_refused:
            self._size = max(self._smallest, self._size / 2)
        elapsed = now - self._counted_from
        self._rate = max(MIN_RATE, self._answers / elapsed) if elapsed else inf
        self._narrowed_at = self._counted_from = now
        self._answers = self._lost = 0

    def _count_held(self, sent_at: float) -> None:
        """Count what was in flight at one moment and is answered: the server has room for that."""
        if sent_at > self._moment:
            self._moment, self._held_then = asyncio.get_running_loop().time(), 0
        else:
            self._held_then += 1
            self._held = max(self._held, self._held_then)

    def _hear(self) -> None:
        if not self._is_heard:
            self._is_heard = True
            self._rate, self._next_send = inf, 0.0
            self._counted_from = asyncio.get_running_loop().time()

    def _open(self) -> None:
        """Open another slot each time, while somebody waits for the first answer."""
        if self._waiting and not self._is_heard and self._size < self._largest:
            self._size += 1
            self._hand_out()
            asyncio.get_running_loop().call_later(OPENING_SECONDS, self._open)

    def _hand_out(self) -> None:
        while (first := self._refused or self._waiting) and self._used < int(self._size):
            turn = first.popleft()
            if not turn.done():
                self._used += 1
                turn.set_result(None)
