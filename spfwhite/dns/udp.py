"""The packets of one question that are under way.

Owns: their sockets. Every packet has a socket, a port and an id of its own: an answer has to match
all of them, and what does not is passed over, so that nobody can answer in the server's place by
guessing (RFC 5452). Refuses: to decide when to send (`spfwhite.dns.resolver`).
"""

import asyncio
import socket
from typing import Final

from spfwhite.dns import message
from spfwhite.dns.message import SilentError, UnreachableError, UnusableError
from spfwhite.dns.server import Server
from spfwhite.dns.tcp import why

# The newest packets of a question, for which an answer counts however late it comes.
LISTENED: Final = 2


class Packet:
    """One packet, and what came to it after `seconds`; times are those of the loop's clock."""

    def __init__(self, server: Server, query: bytes, sent_at: float) -> None:
        self.server, self.query, self.sent_at = server, query, sent_at
        self.wire, self.seconds = b"", 0.0
        self.overtook = 0.0  # when an older packet to the same server was sent that has no answer


class Packets:
    """Those of one question that may still be answered; to be closed."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.under_way: dict[Packet, socket.socket] = {}
        self._came: list[Packet | UnusableError] = []
        self._awake = asyncio.Event()
        self._was_other = False
        self._was_refused = False

    def send(self, query: bytes, server: Server) -> None:
        """Send over a connected socket, so that a closed port is seen; raises UnusableError."""
        if len(self.under_way) == LISTENED:
            self._close(next(iter(self.under_way)))
        family = socket.AF_INET6 if ":" in server.at.address else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            sock.connect(server.at.socket_address())
            sock.send(query)
        except OSError as error:
            sock.close()
            raise UnreachableError(why(error)) from None
        packet = Packet(server, query, self._loop.time())
        self.under_way[packet] = sock
        self._was_other = False
        self._loop.add_reader(sock.fileno(), self._read, packet)

    async def answered(self, deadline: float) -> Packet:
        """Return the next one that is answered; raises UnusableError, as at the deadline."""
        if not self._came:
            self._awake.clear()
            timer = self._loop.call_at(deadline, self._awake.set)
            try:
                await self._awake.wait()
            finally:
                timer.cancel()
        if not self._came:
            for packet in list(self.under_way):  # what came while the process was busy counts
                self._read(packet)
        if not self._came:
            if self._was_other:
                raise UnusableError("answered something that was not asked")
            raise SilentError("timed out")
        came = self._came.pop(0)
        if isinstance(came, UnusableError):
            raise came
        return came

    def close(self) -> None:
        """Listen no more."""
        for packet in list(self.under_way):
            self._close(packet)

    def _read(self, packet: Packet) -> None:
        """Read one datagram, so that a flood of them keeps nobody waiting."""
        try:
            wire = self.under_way[packet].recv(65535)
        except BlockingIOError:  # or a packet whose checksum was wrong
            return
        except OSError as error:
            is_newest = packet is next(reversed(self.under_way))
            self._close(packet)
            if is_newest:
                self._take(UnreachableError(why(error)))
            return
        if not message.is_response(packet.query, wire):
            self._was_other = True
            return
        if message.is_refusal(wire) and not self._was_refused and self._is_elsewhere(packet):
            self._was_refused = True
            self._close(packet)
            return
        packet.wire, packet.seconds = wire, self._loop.time() - packet.sent_at
        oldest, sock = next(iter(self.under_way.items()))
        if oldest is not packet and oldest.server is packet.server and not _has_datagram(sock):
            packet.overtook = oldest.sent_at
        self._close(packet)
        self._take(packet)

    def _is_elsewhere(self, packet: Packet) -> bool:
        """Whether another packet to the same server is under way, which may be answered."""
        others = (other for other in self.under_way if other is not packet)
        return any(other.server is packet.server for other in others)

    def _take(self, came: Packet | UnusableError) -> None:
        self._came.append(came)
        self._awake.set()

    def _close(self, packet: Packet) -> None:
        sock = self.under_way.pop(packet)
        self._loop.remove_reader(sock.fileno())
        sock.close()


def _has_datagram(sock: socket.socket) -> bool:
    """Whether an answer is there, but not read yet: resolvers answer both packets at once."""
    try:
        return bool(sock.recv(1, socket.MSG_PEEK))
    except OSError:
        return False
