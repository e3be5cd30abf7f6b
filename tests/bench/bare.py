"""The least that dnspython lets one do: the questions of a file, all at once, answers thrown away.

A process of its own, `python -m tests.bench.bare HOW PORT FILE`. HOW is `query`: dnspython's own
query function, or `connected`: a connected socket for each question, on which dnspython's messages
are sent and read, the cheapest way that is known. Owns: nothing but the queries, safe ones: a fresh
port each, id and question checked. Refuses: retransmission, TCP, meaning, memory.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import dns.message

IN_FLIGHT = 256
"""More at once overflow a receive buffer of the default size, and nothing is sent again here."""
PATIENCE = 120
"""Seconds after which it has failed: an answer got lost."""

UDP_PAYLOAD = 1232

Ask = Callable[[dns.message.QueryMessage, int], Awaitable[object]]


async def query(message: dns.message.QueryMessage, port: int) -> None:
    """Ask with dnspython's own function."""
    from dns import asyncquery

    await asyncquery.udp(message, "127.0.0.1", port=port)


async def connected(message: dns.message.QueryMessage, port: int) -> None:
    """Ask over a connected socket."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
        sock.connect(("127.0.0.1", port))
        sock.send(message.to_wire())
        while not message.is_response(dns.message.from_wire(await loop.sock_recv(sock, 65535))):
            pass


async def main(ask: Ask, port: int, questions: Path) -> None:
    """Ask all questions of a file, a line `NAME TYPE` each."""
    slots = asyncio.Semaphore(IN_FLIGHT)

    async def one(line: str) -> None:
        name, rrtype = line.split()
        message = dns.message.make_query(name, rrtype, use_edns=0, payload=UDP_PAYLOAD)
        async with slots:
            await ask(message, port)

    lines = questions.read_text(encoding="utf-8").splitlines()
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(one(line) for line in lines))


if __name__ == "__main__":
    how = {"query": query, "connected": connected}[sys.argv[1]]
    asyncio.run(main(how, int(sys.argv[2]), Path(sys.argv[3])))
