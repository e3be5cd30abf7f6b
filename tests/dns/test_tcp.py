"""Questions over TCP, against real servers: how many connections, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from spfwhite.dns.answers import Failed, Found, Question
from spfwhite.dns.nameservers import NameServer
from spfwhite.dns.resolver import Resolver
from spfwhite.dns.tcp import AT_ONCE
from tests.support.asking import ask_all, asking
from tests.support.dnsserver import DnsServer, Fault, Zone

pytestmark = pytest.mark.slow

BIG = Found(("x" * 2000,))


class Counting(DnsServer):
    """Counts connections, and how many there were at the same time."""

    connections = open = most = 0

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            await super()._converse(reader, writer)
        finally:
            self.open -= 1


def big(count: int) -> list[Question]:
    return [Question(f"n{number}.test", "TXT") for number in range(count)]


@pytest.fixture
def server() -> Iterator[Counting]:
    records = {(question.name, "TXT"): ["x" * 2000] for question in big(100)}
    with Counting(Zone(records)) as server:
        yield server


def test_truncated_answers_share_a_few_connections_at_a_time(server: Counting) -> None:
    server.faults[""] = Fault(delay=0.05)
    assert ask_all(asking(server), *big(100)) == [BIG] * 100
    assert server.connections == 100
    assert 1 < server.most <= AT_ONCE


def test_who_waits_for_a_connection_does_not_time_out_meanwhile(
    server: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seven rounds of a second, where a connection may take two."""
    monkeypatch.setattr("spfwhite.dns.server.SHORTEST_SECONDS", 1.0)
    server.faults[""] = Fault(delay=0.5)
    assert ask_all(asking(server, attempts=1), *big(100)) == [BIG] * 100
    assert server.connections == 100


def test_those_who_wait_while_tcp_times_out_do_not_time_out_one_after_the_other(
    server: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spfwhite.dns.server.SHORTEST_SECONDS", 0.2)
    server.faults[""] = Fault("truncated", tcp="silent")
    answers = ask_all(asking(server, attempts=1), *big(100))
    assert answers == [Failed(f"timed out over TCP ({server.address})")] * 100
    assert server.connections == AT_ONCE


def test_one_that_times_out_takes_no_others_with_it_while_these_are_answered(
    server: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spfwhite.dns.server.SHORTEST_SECONDS", 1.0)
    server.faults[""] = Fault(delay=0.5)
    server.faults["n0.test"] = Fault("truncated", tcp="silent")
    first, *others = ask_all(asking(server, attempts=1), *big(100))
    assert first == Failed(f"timed out over TCP ({server.address})")
    assert others == [BIG] * 99


def test_a_server_that_is_reached_over_tcp_alone_is_sent_no_packet(server: Counting) -> None:
    at = NameServer("127.0.0.1", server.port, over_tcp=True)
    asks = Resolver([at], attempts=1, concurrency=512, max_qps=0)
    assert ask_all(asks, *big(50)) == [BIG] * 50
    assert [asked.transport for asked in server.queries] == ["tcp"] * 50
    assert server.most <= AT_ONCE
