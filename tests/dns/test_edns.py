"""Servers that do not know EDNS (RFC 6891 section 7), and what others say with it (RFC 8914)."""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass

import dns.edns
import pytest

from spfwhite.dns.answers import Answer, Failed, Found, Question
from tests.support.asking import ask, ask_all, asking
from tests.support.dnsfaults import MANGLED, Transport
from tests.support.dnsserver import DnsServer, Fault
from tests.support.dnswire import OPT, Query

A, B = Question("a.test", "TXT"), Question("b.test", "TXT")
FOUND, BIG = Found(("found",)), Found(("x" * 700,))
BADVERS = 1 << 24
"""The upper octet of the code, where an OPT record has its TTL."""


@pytest.fixture
def server(dns_server: DnsServer) -> DnsServer:
    dns_server.zone.set("a.test", "TXT", ["found"])
    dns_server.zone.set("b.test", "TXT", ["x" * 700])
    return dns_server


def with_option(wire: bytes, *, ttl: int = 0, options: bytes = b"") -> bytes:
    """Return a response of the tests' server with another OPT record at its end."""
    return wire[:-11] + struct.pack("!BHHIH", 0, OPT, 1232, ttl, len(options)) + options


class WithoutEdns(Fault):
    """Knows no EDNS: such a question is refused as the kind says, or dropped; `asked` counts."""

    def swallows(self, query: Query, transport: Transport, now: float) -> bool:
        return self.kind == "drop" and query.payload is not None

    def messages(self, query: Query, right: bytes, transport: Transport) -> list[bytes]:
        if query.payload is None:
            return [right]
        if self.kind:
            return [MANGLED[self.kind](query, right)]
        return [with_option(right, ttl=BADVERS)]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["formerr", "notimp", "drop", ""])
def test_a_server_without_edns_is_asked_without(
    server: DnsServer, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spfwhite.dns.server.SHORTEST_SECONDS", 0.2)
    server.faults[""] = WithoutEdns(kind)  # type: ignore[arg-type]
    asks = asking(server, attempts=2)

    async def test() -> list[Answer]:
        first = await asks.ask(A)
        monkeypatch.setattr("spfwhite.dns.server.SHORTEST_SECONDS", 5.0)
        server.reset()
        return [first, await asks.ask(A), await asks.ask(B)]

    assert asyncio.run(test()) == [FOUND, FOUND, BIG]
    over = [asked.transport for asked in server.queries]
    assert over == ["udp", "udp", "tcp"], "700 octets are too many without"


@pytest.mark.parametrize("kind", ["formerr", "notimp"])
def test_one_that_refuses_both_ways_is_asked_once_more_only(server: DnsServer, kind: str) -> None:
    server.faults[""] = Fault(kind)  # type: ignore[arg-type]
    assert ask(server, question=A, attempts=1) == Failed(f"{kind.upper()} ({server.address})")
    assert len(server.queries) == 2


@pytest.mark.slow
def test_one_that_has_answered_with_edns_is_not_asked_without(
    server: DnsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asks = asking(server, attempts=2)

    async def test() -> list[Answer]:
        before = await asks.ask(A)
        monkeypatch.setattr("spfwhite.dns.server.SHORTEST_SECONDS", 0.2)
        server.faults["b.test"] = Fault(ignore_first=1)
        lost = await asks.ask(B)
        server.faults["a.test"] = Fault("formerr")
        return [before, lost, await asks.ask(A)]

    assert asyncio.run(test()) == [FOUND, BIG, Failed(f"FORMERR ({server.address})")]
    assert {asked.transport for asked in server.queries} == {"udp"}
    assert server.count() == {("a.test", "TXT"): 3, ("b.test", "TXT"): 2}


def extended(code: int, text: bytes) -> bytes:
    return struct.pack("!HHH", dns.edns.OptionType.EDE, 2 + len(text), code) + text


COOKIE = struct.pack("!HH", dns.edns.OptionType.COOKIE, 8) + b"12345678"


@dataclass(slots=True)
class Explaining(Fault):
    """Fails, and says why in an option of EDNS."""

    options: bytes = b""

    def messages(self, query: Query, right: bytes, transport: Transport) -> list[bytes]:
        return [with_option(MANGLED["servfail"](query, right), options=self.options)]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (extended(6, b""), "SERVFAIL, dnssec bogus"),
        (COOKIE + extended(6, b"no DS for a.test"), "SERVFAIL, dnssec bogus: no DS for a.test"),
        (extended(22, b"\x1b[31m\xff\n"), "SERVFAIL, no reachable authority: ?[31m??"),
        (extended(49152, b"x" * 900), "SERVFAIL, extended error 49152: " + "x" * 100),
        (extended(6, b"")[:5], "SERVFAIL"),
        (COOKIE, "SERVFAIL"),
        (b"\0", "SERVFAIL"),
        (b"\0\x0f\xff\xff\0\x06", "SERVFAIL, dnssec bogus"),
    ],
)
def test_what_a_server_says_of_its_failure_is_told(
    server: DnsServer, options: bytes, said: str
) -> None:
    server.faults[""] = Explaining(options=options)
    assert ask_all(asking(server, attempts=1), A) == [Failed(f"{said} ({server.address})")]
