"""Questions over TCP (RFC 7766), each on a connection of its own.

Owns: how many connections a server has at a time, and what ends one. Refuses: to decide when TCP
is needed (`spfwhite.dns.resolver`).
"""

import asyncio
import os
from contextlib import closing
from typing import Final

from spfwhite.dns import message
from spfwhite.dns.message import UnreachableError, UnusableError
from spfwhite.dns.nameservers import NameServer

# Connections to one server. Unbound serves 10 at a time, and an eleventh waits there while its time
# runs; dnsmasq serves 20; at 128 systemd-resolved switches its TCP off until it is restarted, for
# the whole host.
AT_ONCE: Final = 10


class Connections:
    """The connections to one server."""

    def __init__(self, server: NameServer) -> None:
        self._server = server
        self._free = asyncio.Semaphore(AT_ONCE)
        self._answered_at = self._timed_out_at = float("-inf")

    async def ask(self, query: bytes, timeout: float) -> bytes:
        """Return the response; `timeout` begins with the connection. Raises UnusableError."""
        loop = asyncio.get_running_loop()
        waits_since = loop.time()
        async with self._free:
            # another one timed out meanwhile: without this 300 would, one after the other
            if self._answered_at < waits_since < self._timed_out_at:
                raise UnreachableError("timed out over TCP")
            try:
                async with asyncio.timeout(timeout):
                    response = await self._exchange(query)
            except TimeoutError:
                self._timed_out_at = loop.time()
                raise UnreachableError("timed out over TCP") from None
            except OSError as error:
                raise UnreachableError(f"failed over TCP: {why(error)}") from None
            except EOFError:
                raise UnreachableError("failed over TCP: closed the connection") from None
        self._answered_at = loop.time()
        if not message.is_response(query, response):
            raise UnusableError("answered something that was not asked over TCP")
        return response

    async def _exchange(self, query: bytes) -> bytes:
        """Send and receive; each message has its length before it (RFC 1035 section 4.2.2)."""
        reader, writer = await asyncio.open_connection(self._server.address, self._server.port)
        with closing(writer):
            writer.write(len(query).to_bytes(2) + query)
            length = int.from_bytes(await reader.readexactly(2))
            return await reader.readexactly(length)


def why(error: OSError) -> str:
    """Return what the system says of a packet or a connection, as a phrase."""
    return (os.strerror(error.errno) if error.errno else str(error)).lower()
