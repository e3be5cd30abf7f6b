"""One question to one answer, over the name servers of the configuration or of the system.

Owns: when a question is sent, to whom, and how often. It never raises for what a server does:
every fault is a `Failed` with a reason for people. Refuses: to carry packets (`spfwhite.dns.udp`,
`spfwhite.dns.tcp`), to read them (`spfwhite.dns.message`), to remember answers and to decide what
to ask (`spfwhite.sources.crawl`).
"""

import asyncio
import random
import resource
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from spfwhite.dns import message
from spfwhite.dns.answers import Answer, Failed, Question, name_fault
from spfwhite.dns.message import SilentError, UnreachableError, UnusableError
from spfwhite.dns.nameservers import NameServer
from spfwhite.dns.server import Server
from spfwhite.dns.udp import LISTENED, Packet, Packets
from spfwhite.dns.window import Window

# How a question is asked, on one page
#
# *The bound.* A question in flight has a slot of the window (`spfwhite.dns.window`), and no more
# than two sockets; a server has 10 connections at most (`spfwhite.dns.tcp`). A question has
# `dns.attempts` tries, up to three times as many at a server that cannot keep up, and none lasts
# longer than 5.6 s. So every question ends, whatever servers do, and the deadline of the run ends
# those that would take too long.
#
# *The start.* 200 questions go out at once, since a default receive buffer holds 277 of them; then
# one more each millisecond until the first answer, and two for each answer until the first loss.
#
# *Whom.* Tries go round the servers, beginning with the preferred one: the first, until it cannot
# be reached and another one answers. What a server says of one name changes nothing for others.
#
# *Silence.* A packet that has no answer in the time that the server's answers have taken so far
# (`spfwhite.dns.server`) is sent anew, and the answer to either counts (`spfwhite.dns.udp`). A full
# server refuses what is sent anew, and answers the first packet all the same: one such refusal
# counts for nothing. As long as nothing has come from an only server, it may be slow as well as
# deaf: it is sent 50 packets a second then, not 200 at once.
#
# *Refusal.* The next server is asked at once. When all have refused, the question gives its slot
# back and pauses: a little longer each time, at random, and more than a second before its last try,
# since resolvers remember for a second that they failed (RFC 9520). The window has one slot less
# then, since there may be room for no more than what is in flight; but it keeps as many as were
# answered at a time before. After the pause the question has the first slot that is free, before
# those that were not asked yet. So what a full server has no room for waits for its answers, and
# has tries left when they come.
#
# *Overload.* Some servers drop what they cannot hold, others refuse it, and a name that nobody can
# resolve looks the same. Which one it was is known afterwards: if a later try of the same question
# at the same server is answered, the earlier one was lost. (If the earlier one is answered as well,
# the server was slow.) From one loss in 20 answers on the pace becomes that at which answers came,
# and the window, if packets were dropped, is halved. Questions have more tries from then on, since
# they pay for each other; after a refusal also while new questions wait for a slot. Names that
# nobody can resolve close slots as well, but none that was of use.
#
# *EDNS.* A server that has answered nothing yet and refuses a question with EDNS, or drops it, gets
# it without (RFC 6891 section 7); whichever way it first answers it is asked from then on.

# Before all servers are asked again, for each time that they have refused: at first about the time
# that a distant resolver takes for an answer, in which it can drain what it holds.
PAUSE_SECONDS: Final = 0.1

# Before the last try; the second of RFC 9520 and a little.
LAST_PAUSE_SECONDS: Final = 1.1

# Open files that are not for questions: libraries, state, tables, pages, connections.
KEPT_FILES: Final = 64


class Tries:
    """How it went with one question so far; `order` are the servers, in that order."""

    def __init__(self, order: list[Server], left: int, made: int = 0) -> None:
        self.order, self.left, self.made = order, left, made
        self.timeouts = 0
        self.was_refused = False  # by the last server
        self.reasons: dict[Server, str] = {}
        self.unreachable: set[Server] = set()
        self.without_edns: set[Server] = set()
        self.refused_at: dict[Server, float] = {}  # when it was sent; of those that answered others

    @property
    def server(self) -> Server:
        """Whose turn it is."""
        return self.order[self.made % len(self.order)]

    def pause(self) -> float:
        """Return the seconds until the next round; at random, or all would come back at once."""
        rounds, is_last = self.made / len(self.order), self.left <= len(self.order)
        pause = LAST_PAUSE_SECONDS if is_last else PAUSE_SECONDS * rounds
        return pause * random.uniform(1, 1.5)

    def drops_edns(self, server: Server) -> bool:
        """Ask a server without EDNS from now on if it may not know it; return if that is new."""
        # RFC 6891 section 7: it may refuse such questions, or drop them
        if server.knows_edns is not None or server in self.without_edns:
            return False
        self.without_edns.add(server)
        return True


class Resolver:
    """Asks questions; made for one run, inside a running event loop."""

    def __init__(
        self, servers: Sequence[NameServer], *, attempts: int, concurrency: int, max_qps: float
    ) -> None:
        self._servers = [Server(at) for at in servers]
        self._attempts = max(attempts, len(servers))
        open_files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        slots = (open_files - KEPT_FILES) // LISTENED
        self._window = Window(max(1, min(concurrency, slots)), max_qps)
        self._preferred = 0

    async def ask(self, question: Question) -> Answer:
        """Return the answer to one question; never raises but for cancellation."""
        fault = name_fault(question.name)
        if fault:
            return Failed(f"its name {fault}")
        tries = None
        while True:
            await self._window.enter(was_refused=tries is not None)
            packets = Packets()
            try:
                first = self._preferred  # which may change while one waits
                order = self._servers[first:] + self._servers[:first]
                tries = tries or Tries(order, self._attempts)
                answer = await self._until_all_refuse(question, tries, packets)
                if answer is None and tries.was_refused:
                    self._window.refused()
            finally:
                packets.close()
                self._window.leave()
            if answer is not None:
                return answer
            await asyncio.sleep(tries.pause())

    async def _until_all_refuse(
        self, question: Question, tries: Tries, packets: Packets
    ) -> Answer | None:
        """Try until there is an answer, or no try left, or each server has refused (None)."""
        while tries.left:
            server, packet = tries.server, None
            try:
                packet = await self._sent(question, tries, packets)
                server = packet.server
                if not packet.wire or message.is_truncated(packet.wire):
                    packet.wire = await self._over_tcp(packet, tries)
                answer = message.answer(question, packet.wire)
            except UnusableError as fault:
                if fault.rcode in message.NO_EDNS and tries.drops_edns(server):
                    continue
                self._failed(server, packet, fault, tries)
            else:
                self._answered(packet, tries)
                return answer
            tries.made += 1
            tries.left -= 1
            if tries.left and tries.server is tries.order[0] and not packets.under_way:
                return None
        reasons = (f"{reason} ({server.at})" for server, reason in tries.reasons.items())
        return Failed("; ".join(reasons))

    async def _sent(self, question: Question, tries: Tries, packets: Packets) -> Packet:
        """Send the question once more; return what comes first to any of its packets."""
        loop = asyncio.get_running_loop()
        turn = self._window.turn()
        if packets.under_way:
            with suppress(UnusableError):
                return await packets.answered(turn)
        await _sleep_until(turn)
        server = tries.server
        edns = server.knows_edns or (server.knows_edns is None and server not in tries.without_edns)
        query = message.query(question, edns=edns)
        if server.at.over_tcp:
            return Packet(server, query, loop.time())
        packets.send(query, server)
        return await packets.answered(loop.time() + server.wait(tries.timeouts))

    async def _over_tcp(self, packet: Packet, tries: Tries) -> bytes:
        """Ask again over TCP, in place of an answer that is truncated (RFC 7766) or none."""
        if packet.wire:
            await _sleep_until(self._window.turn())
        server = packet.server
        timeout = max(2 * server.wait(0), server.wait(tries.made))  # two round trips
        return await server.connections.ask(packet.query, timeout)

    def _failed(
        self, server: Server, packet: Packet | None, fault: UnusableError, tries: Tries
    ) -> None:
        """Learn from a try without an answer; give one more while the server cannot keep up."""
        tries.reasons[server] = str(fault)
        tries.was_refused = fault.rcode in message.OVERLOADED
        window, most = self._window, 0
        if isinstance(fault, UnreachableError):
            tries.unreachable.add(server)
            # over UDP it has answered, so that it may have closed TCP for want of room
            most = 3 * self._attempts if packet and window.is_flooded else 0
        if isinstance(fault, SilentError):
            most = 2 * self._attempts if window.is_flooded else 0
            tries.timeouts += 1
            tries.drops_edns(server)
            if len(self._servers) == 1:
                window.silent()
        elif packet and tries.was_refused and server.knows_edns is not None:
            most = 3 * self._attempts if window.is_flooded or window.is_awaited else 0
            tries.refused_at[server] = packet.sent_at
        if tries.made + tries.left < most:
            tries.left += 1

    def _answered(self, packet: Packet, tries: Tries) -> None:
        server = packet.server
        server.measured(packet.seconds)
        server.knows_edns = server.knows_edns or message.has_edns(packet.query)
        self._window.answered(packet.sent_at)
        lost_at = packet.overtook or tries.refused_at.get(server)
        if lost_at:
            self._window.lost(lost_at, was_refused=not packet.overtook)
        first = tries.order[0]
        if first is not server and (first in tries.unreachable or first.knows_edns is None):
            self._preferred = self._servers.index(server)


async def _sleep_until(at: float) -> None:
    delay = at - asyncio.get_running_loop().time()
    if delay > 0:
        await asyncio.sleep(delay)
