"""The least that dnspython lets one do: the questions of a file, all at once, answers thrown away.

A process of its own, `python -m tests.bench.bare PORT FILE`. Owns: nothing but the queries, safe
ones: a fresh port each, id and question checked. Refuses: retransmission, TCP, meaning, memory.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path

import dns.message

IN_FLIGHT = 512
UDP_PAYLOAD = 1232


async def ask(line: str, port: int, slots: asyncio.Semaphore) -> None:
    """Ask one question, `NAME TYPE`, and wait for its answer."""
    name, rrtype = line.split()
    query = dns.message.make_query(name, rrtype, use_edns=0, payload=UDP_PAYLOAD)
    loop = asyncio.get_running_loop()
    async with slots:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
            sock.connect(("127.0.0.1", port))
            sock.send(query.to_wire())
            while not query.is_response(dns.message.from_wire(await loop.sock_recv(sock, 65535))):
                pass


async def main(port: int, questions: Path) -> None:
    """Ask all questions of a file."""
    slots = asyncio.Semaphore(IN_FLIGHT)
    lines = questions.read_text(encoding="utf-8").splitlines()
    await asyncio.gather(*(ask(line, port, slots) for line in lines))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2])))
