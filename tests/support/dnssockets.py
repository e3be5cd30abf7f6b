"""The two sockets of the tests' DNS server: TCP and UDP on the same port of one address.

Owns: finding a port that is free for both. Their buffers are the system's default, as those of
servers that people have: what is sent in too large a burst gets lost. Refuses: listening and
serving (`tests.support.dnsserver`).
"""

from __future__ import annotations

import contextlib
import errno
import socket

KINDS = socket.SOCK_STREAM, socket.SOCK_DGRAM


def bind(host: str, port: int) -> tuple[socket.socket, socket.socket]:
    """Return TCP and UDP sockets bound to one port, 0 meaning one that is free for both.

    Raises OSError if the port is taken.
    """
    while True:
        with contextlib.ExitStack() as undo:
            tcp, udp = (undo.enter_context(_open(host, kind)) for kind in KINDS)
            tcp.bind((host, port))
            try:
                udp.bind((host, tcp.getsockname()[1]))
            except OSError as fault:
                if port or fault.errno != errno.EADDRINUSE:
                    raise
                continue
            undo.pop_all()
            return tcp, udp


def _open(host: str, kind: socket.SocketKind) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind)
    if kind == socket.SOCK_STREAM:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return made
