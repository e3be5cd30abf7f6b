"""Questions to the tests' DNS server, over real sockets, with dnspython's messages.

Owns: one way to ask over each transport, and the raw octets that come back where they are at stake.
Refuses: judging an answer.
"""

from __future__ import annotations

import socket

import dns.message
import dns.query
import pytest

from tests.support.dnsserver import DnsServer

PATIENCE = 60.0  # seconds, before a test counts as failed


def _has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not _has_ipv6(), reason="there is no IPv6 on loopback")


def question(
    name: str = "a.example", rrtype: str = "TXT", payload: int | None = None
) -> dns.message.QueryMessage:
    edns = False if payload is None else 0
    return dns.message.make_query(name, rrtype, use_edns=edns, payload=payload or 0)


def udp(server: DnsServer, query: dns.message.Message) -> dns.message.Message:
    host = server.address.rpartition(":")[0].strip("[]")
    return dns.query.udp(query, host, PATIENCE, server.port)


def tcp(server: DnsServer, query: dns.message.Message) -> dns.message.Message:
    return dns.query.tcp(query, "127.0.0.1", PATIENCE, server.port)


def strings(response: dns.message.Message) -> list[bytes]:
    return [b"".join(record.strings) for rrset in response.answer for record in rrset]


def datagrams(server: DnsServer, *queries: dns.message.Message, count: int) -> list[bytes]:
    """Send the queries at once and return the first `count` datagrams that come back."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(PATIENCE)
        client.connect(("127.0.0.1", server.port))
        for query in queries:
            client.send(query.to_wire())
        return [client.recv(65535) for _ in range(count)]


def framed(query: dns.message.Message) -> bytes:
    """Return a query as it is sent over TCP (RFC 1035 section 4.2.2)."""
    wire = query.to_wire()
    return len(wire).to_bytes(2, "big") + wire


def stream(server: DnsServer, query: dns.message.Message) -> bytes:
    """Send a query over TCP and return all octets until the server closes or resets."""
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as client:
        client.sendall(framed(query))
        client.shutdown(socket.SHUT_WR)
        received = b""
        try:
            while octets := client.recv(65535):
                received += octets
        except ConnectionResetError:
            pass
        return received
