"""One question to one answer, over the name servers of the configuration or of the system.

Owns: packets, retransmission, the choice of the name server, and what a response means. It never
raises for what a server does: every fault is a `Failed` with a reason for people. The only importer
of dnspython, whose names are built from labels, since its text form reads escapes. Refuses: to
remember answers and to decide what to ask (`spfwhite.crawl`).
"""

from __future__ import annotations

import asyncio
import os
import resource
import socket
from collections.abc import Sequence
from contextlib import closing
from typing import Final

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rdtypes.ANY.MX
import dns.rdtypes.ANY.TXT

from spfwhite.answers import Answer, Failed, Found, Question, Void, canonical, name_fault
from spfwhite.rules import NameServer
from spfwhite.window import Window

FIRST_TIMEOUT: Final = 0.7
"""Seconds until the first retransmission; each further one waits twice as long."""

DOUBLINGS: Final = 3
"""How often the wait doubles: 0.7, 1.4, 2.8 and 5.6 seconds."""

FIRST_PAUSE: Final = 0.1
"""Seconds before a server that refused is asked again; doubles as well."""

UDP_PAYLOAD: Final = 1232
"""The size that crosses every network unfragmented (DNS flag day 2020)."""

_TYPES: Final = {name: dns.rdatatype.from_text(name) for name in ("TXT", "MX", "A", "AAAA")}


class _UnusableError(Exception):
    """A response, or its absence, that is no answer; another try may help."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


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
            return await self._attempt_all(_query(question))
        finally:
            self._window.leave()

    async def _attempt_all(self, query: dns.message.QueryMessage) -> Answer:
        first = self._preferred
        reasons: dict[NameServer, str] = {}
        for attempt in range(self._attempts):
            turn, offset = divmod(attempt, len(self._servers))
            index = (first + offset) % len(self._servers)
            server = self._servers[index]
            if turn and not offset:
                await asyncio.sleep(FIRST_PAUSE * 2 ** (turn - 1))
            try:
                timeout = FIRST_TIMEOUT * 2 ** min(attempt, DOUBLINGS)
                answer = await self._exchange(query, server, timeout, is_first=not attempt)
            except _UnusableError as fault:
                reasons[server] = fault.reason
                continue
            self._preferred = index
            return answer
        return Failed("; ".join(f"{reason} ({server})" for server, reason in reasons.items()))

    async def _exchange(
        self,
        query: dns.message.QueryMessage,
        server: NameServer,
        timeout: float,
        *,
        is_first: bool,
    ) -> Answer:
        sent_at = await self._window.pace()
        try:
            response = await _udp(query, server, timeout)
            if response.flags & dns.flags.TC:
                response = await _tcp(query, server, timeout)
        except TimeoutError:
            if is_first:  # a dead name would count four times
                self._window.timed_out(sent_at)
            raise _UnusableError("timed out") from None
        except OSError as error:
            raise _UnusableError(_reason(error)) from None
        self._window.answered()
        return _meaning(response)


def _query(question: Question) -> dns.message.QueryMessage:
    labels = [label.encode("ascii") for label in question.name.split(".")]
    name = dns.name.Name([*labels, b""])
    return dns.message.make_query(name, _TYPES[question.rrtype], use_edns=0, payload=UDP_PAYLOAD)


async def _udp(
    query: dns.message.QueryMessage, server: NameServer, timeout: float
) -> dns.message.Message:
    """Send over a connected socket of its own: a fresh source port, and a closed port is seen."""
    family = socket.AF_INET6 if ":" in server.address else socket.AF_INET
    strange = ""
    with socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
        sock.connect((server.address, server.port))
        sock.send(query.to_wire())
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while (wire := await _received(sock, deadline)) is not None:
            is_late = loop.time() >= deadline
            try:
                response = dns.message.from_wire(wire)
            except dns.exception.DNSException:
                strange = "sent garbage"
            else:
                if query.is_response(response):
                    return response
                strange = "answered something that was not asked"
            if is_late:
                break
    if strange:
        raise _UnusableError(strange)
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


async def _tcp(
    query: dns.message.QueryMessage, server: NameServer, timeout: float
) -> dns.message.Message:
    """Ask over TCP, where each message has its length before it (RFC 1035 section 4.2.2)."""
    try:
        async with asyncio.timeout(max(timeout, 2 * FIRST_TIMEOUT)):
            reader, writer = await asyncio.open_connection(server.address, server.port)
            with closing(writer):
                writer.write(query.to_wire(prepend_length=True))
                length = int.from_bytes(await reader.readexactly(2))
                response = dns.message.from_wire(await reader.readexactly(length))
    except TimeoutError:
        raise _UnusableError("truncated its answer and timed out over TCP") from None
    except (OSError, EOFError) as error:
        reason = _reason(error) if isinstance(error, OSError) else "closed the connection"
        raise _UnusableError(f"truncated its answer and failed over TCP: {reason}") from None
    except dns.exception.DNSException as error:
        raise _UnusableError(f"sent garbage over TCP: {type(error).__name__}") from None
    if not query.is_response(response):
        raise _UnusableError("sent garbage over TCP: what was not asked")
    return response


def _reason(error: OSError) -> str:
    return (os.strerror(error.errno) if error.errno else str(error)).lower()


def _meaning(response: dns.message.Message) -> Answer:
    """Return what a response says; raises _UnusableError where another server may know better."""
    rcode = response.rcode()
    if rcode not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        raise _UnusableError(dns.rcode.to_text(rcode))
    if not response.answer and not response.flags & (dns.flags.RA | dns.flags.AA):
        # a referral of a server that neither recurses nor knows the name
        raise _UnusableError("is a lame name server")
    if not isinstance(response, dns.message.QueryMessage):
        raise _UnusableError("answered with another kind of message")
    try:
        chain = response.resolve_chaining()
    except dns.message.ChainTooLong:
        return Failed("its CNAME records lead in a circle or too far")
    except (dns.exception.DNSException, dns.message.AnswerForNXDOMAIN):
        raise _UnusableError("answered in a way that contradicts itself") from None
    if chain.answer is None and chain.cnames and not response.flags & dns.flags.RA:
        raise _UnusableError("does not follow CNAME records")
    if chain.answer is None:
        return Void("NXDOMAIN" if rcode == dns.rcode.NXDOMAIN else "NODATA")
    return Found(tuple(sorted(_text(rdata) for rdata in chain.answer)))


def _text(rdata: object) -> str:
    match rdata:
        case dns.rdtypes.ANY.TXT.TXT(strings=strings):
            # RFC 7208 section 3.3: joined with nothing in between
            return b"".join(strings).decode("latin-1")
        case dns.rdtypes.ANY.MX.MX(preference=preference, exchange=exchange):
            return f"{preference} {canonical(exchange.to_text())}"
    return str(rdata)
