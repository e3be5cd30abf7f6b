"""A web server on loopback, over TLS if it has a certificate.

Owns: a thread that gives each path its reply and notes what was asked. Refuses: to know pages.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import NamedTuple


@dataclass(frozen=True)
class Reply:
    """What a path is answered with; a matching If-None-Match is answered with 304 instead."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "text/html"})


class Asked(NamedTuple):
    """One request: its path, and its headers with names in lower case."""

    path: str
    headers: dict[str, str]


class WebServer:
    """Serves `replies` by path from entering to leaving; unknown paths are 404."""

    def __init__(self, replies: Mapping[str, Reply], tls: ssl.SSLContext | None = None) -> None:
        self.replies = dict(replies)
        self.asked: list[Asked] = []
        self._server = _Server(self)
        self.port = self._server.server_port
        if tls:
            # the handshake is left to the thread of the connection
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> WebServer:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, site: WebServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.site = site

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that refuse the certificate are what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    timeout = 5

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.site.asked.append(Asked(self.path, headers))
        reply = self.server.site.replies.get(self.path, Reply(b"", 404))
        if headers.get("if-none-match", "") == reply.headers.get("ETag"):
            reply = Reply(b"", 304, {})
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
