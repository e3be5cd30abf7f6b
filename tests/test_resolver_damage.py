"""One question to one answer, where a response is damaged or contradicts itself."""

from __future__ import annotations

import dns.rcode
import pytest

from spfwhite import resolver
from spfwhite.answers import Failed, Found, Question, Void
from tests.asking import ask, ask_all, asking
from tests.dnsfaults import MANGLED, Kind, Transport
from tests.dnsserver import DnsServer, Fault
from tests.dnswire import RA, Query

A = Question("a.test", "TXT")


@pytest.fixture(autouse=True)
def haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """A damaged id or question ends by time-out."""
    monkeypatch.setattr(resolver, "FIRST_TIMEOUT", 0.1)
    monkeypatch.setattr(resolver, "FIRST_PAUSE", 0.01)


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
    answers = ask_all(asking(server, attempts=1), *[A] * 900)
    kinds = {type(answer) for answer in answers}
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
        return [right[:20]] if self.kind == "garbage" else [MANGLED[self.kind](query, right)]


@pytest.mark.parametrize("kind", ["garbage", "wrong-id", "wrong-question", "unset-qr"])
def test_what_is_no_response_over_tcp_is_no_use(server: DnsServer, kind: Kind) -> None:
    server.faults[""] = MangledOverTcp(kind)
    answer = ask(server, question=A)
    assert isinstance(answer, Failed)
    assert answer.reason.startswith("sent garbage over TCP: ")


def test_a_refusal_over_tcp_is_told_as_it_is(server: DnsServer) -> None:
    server.faults[""] = MangledOverTcp("refused")
    assert ask(server, question=A) == Failed(f"REFUSED ({server.address})")
