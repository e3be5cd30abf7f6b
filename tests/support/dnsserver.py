"""A recursive-looking DNS server on loopback, for tests in this process and for its children.

Owns: the thread with an event loop of its own, what was asked, and when an answer leaves. As a
program it serves a master file and counts: see `main`. Refuses: what is answered
(`tests.support.dnszone`), how it is written (`tests.support.dnswire`), and how that is broken on
demand (`tests.support.dnsfaults`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import socket
import struct
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

from tests.support.dnsfaults import Fault, Transport, fault_for
from tests.support.dnssockets import bind
from tests.support.dnswire import LARGEST, MalformedQueryError, Query, parse, respond
from tests.support.dnszone import Zone

__all__ = ["Asked", "DnsServer", "Fault", "Zone"]

BACKLOG = 1024
NO_FAULT = Fault()


class Asked(NamedTuple):
    """One query: the name in lower case without a final dot, the type's mnemonic, the transport."""

    name: str
    rrtype: str
    transport: Transport


class Reply(NamedTuple):
    """A query taken apart, what it counts as, and the right response to it, less its id."""

    query: Query
    asked: Asked
    rest: bytes


class DnsServer:
    """Answers from `zone` while the `with` block lasts; every attribute may be set at run time.

    `faults` maps names in lower case without a final dot to faults: `a.example` that name only,
    `.a.example` that name and all below it, the empty string every name. The most specific one
    applies, alone. `queries` lists what was asked, in order of arrival, answered or not; `peak` is
    the largest number of queries that waited for their answer at the same time.
    """

    def __init__(self, zone: Zone, *, address: str = "127.0.0.1", port: int = 0) -> None:
        """Port 0 takes a free one, which then stays the same over `stop` and `start`."""
        self.zone = zone
        self.faults: dict[str, Fault] = {}
        self.queries: list[Asked] = []
        self.peak = 0
        self.port = port
        self._host = address
        self._in_flight = 0
        self._replies: dict[tuple[Transport, bytes], Reply] = {}
        self._replies_of: tuple[Zone, int] = (zone, -1)
        self._conversations: set[asyncio.Task[Any]] = set()

    @property
    def address(self) -> str:
        """Where it listens, as `127.0.0.1:PORT` or `[::1]:PORT`."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{host}:{self.port}"

    def count(self) -> Counter[tuple[str, str]]:
        """Return how often each (name, type) was asked over UDP."""
        return Counter((q.name, q.rrtype) for q in self.queries if q.transport == "udp")

    def reset(self) -> None:
        """Forget what was asked."""
        self.queries.clear()
        self.peak = self._in_flight

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Open the sockets and serve; raises OSError if the port is taken."""
        tcp, udp = bind(self._host, self.port)
        self.port = tcp.getsockname()[1]
        self._in_flight = 0  # what the last stop left unanswered
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(tcp, udp), self._loop).result()

    def stop(self) -> None:
        """Close the sockets; what still waits for an answer gets none."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def refuse_tcp(self) -> None:
        """Refuse TCP connections from now on, until `stop` and `start`."""
        asyncio.run_coroutine_threadsafe(self._close_tcp(), self._loop).result()

    async def _open(self, tcp: socket.socket, udp: socket.socket) -> None:
        self._tcp = await asyncio.start_server(self._converse, sock=tcp, backlog=BACKLOG)
        self._udp, _ = await self._loop.create_datagram_endpoint(lambda: _Udp(self), sock=udp)

    async def _close(self) -> None:
        self._die()
        await asyncio.gather(*self._conversations)

    async def _close_tcp(self) -> None:
        self._tcp.close()

    def _die(self) -> None:
        self._tcp.close()
        self._udp.close()
        for conversation in self._conversations:
            conversation.cancel()

    def _reply(self, wire: bytes, transport: Transport) -> Reply:
        """Find the right response, kept by all octets but the id; raises MalformedQueryError."""
        zone = self.zone
        if self._replies_of != (zone, zone.version):
            self._replies_of = zone, zone.version
            self._replies = {}
        key = transport, wire[2:]
        if (reply := self._replies.get(key)) is None:
            query = parse(wire)
            limit = query.udp_limit if transport == "udp" else LARGEST
            right = respond(query, zone.lookup(query.name, query.rrtype), limit=limit)
            asked = Asked(query.text_name, query.text_type, transport)
            reply = self._replies[key] = Reply(query, asked, right[2:])
        return reply

    def _take(self, wire: bytes, transport: Transport) -> tuple[Fault, list[bytes]]:
        """Note a query; return the fault that applies and the messages to send, if any."""
        query, asked, rest = self._reply(wire, transport)
        self.queries.append(asked)
        right = wire[:2] + rest
        fault = fault_for(self.faults, asked.name) or NO_FAULT
        if fault is NO_FAULT:
            return fault, [right]
        if fault.kills():
            self._die()
            return fault, []
        if fault.swallows(query, transport, self._loop.time()):
            return fault, []
        return fault, fault.messages(query, right, transport)

    def take_udp(self, wire: bytes, sender: Any) -> None:
        """Answer a datagram, now or after the fault's delay; what is no query is ignored."""
        try:
            fault, messages = self._take(wire, "udp")
        except MalformedQueryError:
            return
        if not messages:
            return
        self._enter_flight()
        if fault.delay:
            self._loop.call_later(fault.delay, self._send_udp, messages, sender)
        else:
            self._send_udp(messages, sender)

    def _send_udp(self, messages: list[bytes], sender: Any) -> None:
        self._in_flight -= 1
        if not self._udp.is_closing():
            for message in messages:
                self._udp.sendto(message, sender)

    def _enter_flight(self) -> None:
        self._in_flight += 1
        self.peak = max(self.peak, self._in_flight)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._conversations.add(task)
        try:
            await asyncio.sleep(self.faults.get("", NO_FAULT).delay)  # the handshake takes as long
            while await self._answer_tcp(reader, writer):
                pass
            writer.close()
        except (MalformedQueryError, asyncio.IncompleteReadError, ConnectionError):
            writer.close()
        except asyncio.CancelledError:  # by `_die` only, which ends the task here
            writer.transport.abort()
        finally:
            self._conversations.discard(task)

    async def _answer_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer the next query of a connection; return whether the connection goes on."""
        (length,) = struct.unpack("!H", await reader.readexactly(2))
        fault, messages = self._take(await reader.readexactly(length), "tcp")
        self._enter_flight()
        try:
            await asyncio.sleep(fault.delay)
            if fault.tcp == "close":
                return False
            for message in messages:
                await _send_tcp(message, writer, fault)
        finally:
            self._in_flight -= 1
        return fault.tcp != "length-only"


async def _send_tcp(message: bytes, writer: asyncio.StreamWriter, fault: Fault) -> None:
    octets = struct.pack("!H", len(message)) + message
    if fault.tcp == "length-only":
        octets = octets[:2]
    step = 1 if fault.drip else len(octets)
    for at in range(0, len(octets), step):
        writer.write(octets[at : at + step])
        await writer.drain()
        await asyncio.sleep(fault.drip)


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, server: DnsServer) -> None:
        self._server = server

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._server.take_udp(data, addr)


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve a master file until SIGTERM or SIGINT, then write what was counted as JSON.

    Prints `ready PORT` when it answers. Counts: `queries` over UDP, `tcp`, `distinct` questions,
    `peak` in flight.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.support.dnsserver")
    parser.add_argument("zonefile", type=Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay-ms", type=float, default=0.0)
    parser.add_argument("--count", type=Path)
    options = parser.parse_args(arguments)
    ends = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)  # before the thread starts, which inherits it
    server = DnsServer(Zone.from_file(options.zonefile), port=options.port)
    if options.delay_ms:
        server.faults[""] = Fault(delay=options.delay_ms / 1000)
    with server:
        sys.stdout.write(f"ready {server.port}\n")
        sys.stdout.flush()
        signal.sigwait(ends)
    if options.count:
        options.count.write_text(json.dumps(_counts(server)), encoding="utf-8")


def _counts(server: DnsServer) -> dict[str, int]:
    over = Counter(asked.transport for asked in server.queries)
    distinct = len({(asked.name, asked.rrtype) for asked in server.queries})
    return {
        "queries": over["udp"],
        "tcp": over["tcp"],
        "distinct": distinct,
        "peak": server.peak,
    }


if __name__ == "__main__":
    main()
