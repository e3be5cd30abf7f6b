"""One question to one answer, where a response is damaged or contradicts itself."""

from __future__ import annotations

import asyncio
import socket
import threading
import time

import dns.message
import dns.rcode
import pytest

from spfwhite.dns import message as messages
from spfwhite.dns import resolver
from spfwhite.dns.answers import Failed, Found, Question, Void
from spfwhite.dns.nameservers import NameServer
from tests.support.asking import ask, ask_all, asking
from tests.support.dnsfaults import MANGLED, Kind, Transport
from tests.support.dnsserver import DnsServer, Fault
from tests.support.dnswire import RA, TC, Query

pytestmark = pytest.mark.slow

A = Question("a.test", "TXT")


@pytest.fixture(autouse=True)
def haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """A damaged id or question ends by time-out."""
    monkeypatch.setattr("spfwhite.dns.server.SHORTEST_SECONDS", 0.1)
    monkeypatch.setattr(resolver, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(resolver, "LAST_PAUSE_SECONDS", 0.01)


@pytest.fixture
def server(dns_server: DnsServer) -> DnsServer:
    dns_server.zone.set("a.test", "TXT", ["found"])
    return dns_server


class Damaged(Fault):
    """Sends a right response over UDP with one bit flipped or its end cut, another each time."""

    sent = 0

    def messages(self, query: Query, right: bytes, transport: Transport) -> list[bytes]:
        if transport == "tcp":
            return [right]
        at, bit = divmod(self.sent % (9 * len(right)), 9)
        self.sent += 1
        if bit == 8:
            return [right[:at]]
        return [right[:at] + bytes([right[at] ^ 1 << bit]) + right[at + 1 :]]


def test_no_flipped_bit_and_no_cut_makes_it_raise(server: DnsServer) -> None:
    server.faults[""] = Damaged()
    # fewer at a time than have slots: who is refused while others wait has more tries
    kinds = {
        type(answer) for _ in range(6) for answer in ask_all(asking(server, attempts=1), *[A] * 150)
    }
    assert kinds == {Found, Void, Failed}
    assert server.count()["a.test", "TXT"] == 900


class NoRecursion(Fault):
    """Answers as a server does that knows the zone of the alias and not that of its target."""

    def messages(self, query: Query, right: bytes, transport: Transport) -> list[bytes]:
        return [right[:3] + bytes([right[3] & ~RA]) + right[4:]]


def test_a_server_that_leaves_the_rest_of_a_cname_chain_to_us_is_no_use(server: DnsServer) -> None:
    server.zone.set("c.test", "CNAME", ["elsewhere.test"])
    server.faults[""] = NoRecursion()
    answer = ask(server, question=Question("c.test", "TXT"))
    assert answer == Failed(f"does not follow CNAME records ({server.address})")


class Contradicting(Fault):
    """Says that the name does not exist, and what is there."""

    def messages(self, query: Query, right: bytes, transport: Transport) -> list[bytes]:
        return [right[:3] + bytes([right[3] | dns.rcode.NXDOMAIN]) + right[4:]]


def test_an_answer_for_a_name_that_does_not_exist_is_no_use(server: DnsServer) -> None:
    server.faults[""] = Contradicting()
    answer = ask(server, question=A)
    assert answer == Failed(f"answered in a way that contradicts itself ({server.address})")


class MangledOverTcp(Fault):
    """Truncates over UDP, and does what its kind says over TCP."""

    def messages(self, query: Query, right: bytes, transport: Transport) -> list[bytes]:
        if transport == "udp":
            return Fault("truncated").messages(query, right, transport)
        return [right[:10]] if self.kind == "garbage" else [MANGLED[self.kind](query, right)]


@pytest.mark.parametrize("kind", ["garbage", "wrong-id", "wrong-question", "unset-qr"])
def test_what_is_no_response_over_tcp_is_no_use(server: DnsServer, kind: Kind) -> None:
    server.faults[""] = MangledOverTcp(kind)
    answer = ask(server, question=A)
    assert isinstance(answer, Failed)
    assert answer.reason == f"answered something that was not asked over TCP ({server.address})"


class CutShort(Fault):
    """Sends half of each answer; truncates over UDP if its kind says so."""

    def messages(self, query: Query, right: bytes, transport: Transport) -> list[bytes]:
        if transport == "udp" and self.kind == "truncated":
            return super().messages(query, right, transport)
        return [right[: len(right) - 5]]


@pytest.mark.parametrize("kind", ["", "truncated"])
def test_an_answer_that_ends_too_early_is_no_use(server: DnsServer, kind: Kind) -> None:
    server.faults[""] = CutShort(kind)
    assert ask(server, question=A) == Failed(f"sent garbage ({server.address})")


class TruncatedOverTcp(Fault):
    """Says of each answer that it is not the whole one."""

    def messages(self, query: Query, right: bytes, transport: Transport) -> list[bytes]:
        return [right[:2] + bytes([right[2] | TC >> 8]) + right[3:]]


def test_a_part_of_an_answer_is_not_taken_for_the_whole(server: DnsServer) -> None:
    server.faults[""] = TruncatedOverTcp()
    assert ask(server, question=A) == Failed(f"truncated its answer ({server.address})")
    assert [asked.transport for asked in server.queries] == ["udp", "tcp"] * 2


def test_a_refusal_over_tcp_is_told_as_it_is(server: DnsServer) -> None:
    server.faults[""] = MangledOverTcp("refused")
    assert ask(server, question=A) == Failed(f"REFUSED ({server.address})")


def test_what_nobody_asked_for_keeps_no_question_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood that ends only after the answer would be waited for until the end of days."""
    monkeypatch.setattr("spfwhite.dns.server.SHORTEST_SECONDS", 0.1)
    is_response = messages.is_response

    def slowly(query: bytes, wire: bytes) -> bool:
        time.sleep(0.05)  # slower to read than to send
        return is_response(query, wire)

    monkeypatch.setattr(messages, "is_response", slowly)
    over = threading.Event()
    stray = dns.message.make_response(dns.message.make_query("other.test", "TXT"))
    wire = stray.to_wire()

    def flood(server: socket.socket) -> None:
        _, client = server.recvfrom(4096)
        while not over.wait(0.001):
            server.sendto(wire, client)

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=flood, args=[server], daemon=True)
        thread.start()
        here = NameServer("127.0.0.1", server.getsockname()[1])
        try:
            answer = asyncio.run(
                asyncio.wait_for(
                    resolver.Resolver([here], attempts=1, concurrency=1, max_qps=0).ask(A), 20
                )
            )
        finally:
            over.set()
            thread.join(10)
    assert isinstance(answer, Failed)
    assert "something that was not asked" in answer.reason


def test_what_the_system_refuses_is_told() -> None:
    everybody = NameServer("127.255.255.255", 53)  # to whom no packet leaves unasked
    asks = resolver.Resolver([everybody], attempts=1, concurrency=1, max_qps=0)
    assert asyncio.run(asks.ask(A)) == Failed("permission denied (127.255.255.255:53)")
