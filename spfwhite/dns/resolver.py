"""One question to one answer, over the name servers of the configuration or of the system.

Owns: UDP and TCP, retransmission, and the choice of the name server. It never raises for what a
server does: every fault is a `Failed` with a reason for people. Refuses: to read what it carries
(`spfwhite.dns.message`), to remember answers and to decide what to ask (`spfwhite.sources.crawl`).
"""

# A question takes a slot of the window and keeps it through all its attempts. Attempts go round the
# name servers, beginning with the one that answered last; each waits twice as long as the one
# before, and there is a pause before each further round, for a server that refuses does so at once.
# Every attempt has a socket, a port and an id of its own: an answer has to match all of them, and
# what does not is passed over, so that nobody can answer in the server's place by guessing (RFC
# 5452). A truncated answer is asked for again over TCP, at the same server (RFC 7766).

from __future__ import annotations

import asyncio
import os
import resource
import socket
from collections.abc import Sequence
from contextlib import closing
from typing import Final

from spfwhite.dns import message
from spfwhite.dns.answers import Answer, Failed, Question, name_fault
from spfwhite.dns.message import UnusableError
from spfwhite.dns.nameservers import NameServer
from spfwhite.dns.window import Window

FIRST_TIMEOUT_SECONDS: Final = 0.7
"""Until the first retransmission; each further one waits twice as long."""

MAX_DOUBLINGS: Final = 3
"""How often the wait doubles: 0.7, 1.4, 2.8 and 5.6 seconds."""

FIRST_PAUSE_SECONDS: Final = 0.1
"""Before a server that refused is asked again; doubles as well."""


class Resolver:
    """Asks questions; made for one run, inside a running event loop."""

    def __init__(
        self, servers: Sequence[NameServer], *, attempts: int, concurrency: int, max_qps: float
    ) -> None:
        self._servers = list(servers)
        self._attempts = max(attempts, len(servers))
        open_files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        self._window = Window(max(1, min(concurrency, open_files - 64)), max_qps)
        self._preferred = 0

    async def ask(self, question: Question) -> Answer:
        """Return the answer to one question; never raises but for cancellation."""
        fault = name_fault(question.name)
        if fault:
            return Failed(f"its name {fault}")
        await self._window.enter()
        try:
            return await self._attempt_all(question)
        finally:
            self._window.leave()

    async def _attempt_all(self, question: Question) -> Answer:
        first = self._preferred
        reasons: dict[NameServer, str] = {}
        for attempt in range(self._attempts):
            turn, offset = divmod(attempt, len(self._servers))
            index = (first + offset) % len(self._servers)
            server = self._servers[index]
            if turn and not offset:
                await asyncio.sleep(FIRST_PAUSE_SECONDS * 2 ** (turn - 1))
            try:
                timeout = FIRST_TIMEOUT_SECONDS * 2 ** min(attempt, MAX_DOUBLINGS)
                answer = await self._exchange(question, server, timeout, is_first=not attempt)
            except UnusableError as fault:
                reasons[server] = fault.reason
                continue
            self._preferred = index
            return answer
        return Failed("; ".join(f"{reason} ({server})" for server, reason in reasons.items()))

    async def _exchange(
        self, question: Question, server: NameServer, timeout: float, *, is_first: bool
    ) -> Answer:
        query = message.query(question)
        sent_at = await self._window.pace()
        try:
            response = await _udp(query, server, timeout)
            if message.is_truncated(response):
                await self._window.pace()
                response = await _tcp(query, server, timeout)
        except TimeoutError:
            if is_first:  # a dead name would count four times
                self._window.timed_out(sent_at)
            raise UnusableError("timed out") from None
        except OSError as error:
            raise UnusableError(_reason(error)) from None
        self._window.answered()
        return message.answer(question, response)


async def _udp(query: bytes, server: NameServer, timeout: float) -> bytes:
    """Send over a connected socket of its own: a fresh source port, and a closed port is seen."""
    family = socket.AF_INET6 if ":" in server.address else socket.AF_INET
    was_other = False
    with socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
        sock.connect((server.address, server.port))
        sock.send(query)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while (wire := await _received(sock, deadline)) is not None:
            if message.is_response(query, wire):
                return wire
            was_other = True
            if loop.time() >= deadline:
                break
    if was_other:
        raise UnusableError("answered something that was not asked")
    raise TimeoutError


async def _received(sock: socket.socket, deadline: float) -> bytes | None:
    """Return the next datagram, or None if none has come by the deadline of the loop's clock.

    What came while the process was busy counts, however late it is read.
    """
    loop = asyncio.get_running_loop()
    while True:
        ready = loop.create_future()
        loop.add_reader(sock.fileno(), _settle, ready)
        timer = loop.call_at(deadline, _settle, ready)
        try:
            await ready
            return sock.recv(65535)
        except BlockingIOError:  # the timer, or a packet whose checksum was wrong
            if loop.time() >= deadline:
                return None
        finally:
            timer.cancel()
            loop.remove_reader(sock.fileno())


def _settle(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


async def _tcp(query: bytes, server: NameServer, timeout: float) -> bytes:
    """Ask over TCP, where each message has its length before it (RFC 1035 section 4.2.2)."""
    try:
        async with asyncio.timeout(max(timeout, 2 * FIRST_TIMEOUT_SECONDS)):
            reader, writer = await asyncio.open_connection(server.address, server.port)
            with closing(writer):
                writer.write(len(query).to_bytes(2) + query)
                length = int.from_bytes(await reader.readexactly(2))
                response = await reader.readexactly(length)
    except TimeoutError:
        raise UnusableError("truncated its answer and timed out over TCP") from None
    except (OSError, EOFError) as error:
        reason = _reason(error) if isinstance(error, OSError) else "closed the connection"
        raise UnusableError(f"truncated its answer and failed over TCP: {reason}") from None
    if not message.is_response(query, response):
        raise UnusableError("answered something that was not asked over TCP")
    return response


def _reason(error: OSError) -> str:
    return (os.strerror(error.errno) if error.errno else str(error)).lower()
