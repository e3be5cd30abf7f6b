"""One question to one answer, against real servers that misbehave."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Final

import pytest

from spfwhite.dns import resolver
from spfwhite.dns.answers import Answer, Failed, Found, Question, Void
from tests.support.asking import ask, asking
from tests.support.dnsfaults import Kind, OverTcp
from tests.support.dnsserver import DnsServer, Fault, Zone

pytestmark = pytest.mark.slow

RECORDS: Final = {("a.test", "TXT"): ["found"], ("b.test", "TXT"): ["x" * 2000]}
A, B = Question("a.test", "TXT"), Question("b.test", "TXT")
FOUND: Final = Found(("found",))


@pytest.fixture(autouse=True)
def haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most faults here end by time-out."""
    monkeypatch.setattr("spfwhite.dns.server.SHORTEST_SECONDS", 0.1)
    monkeypatch.setattr(resolver, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(resolver, "LAST_PAUSE_SECONDS", 0.01)


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch, haste: None) -> None:
    """For tests in which nothing may time out."""
    monkeypatch.setattr("spfwhite.dns.server.SHORTEST_SECONDS", 5.0)


@pytest.fixture
def server() -> Iterator[DnsServer]:
    with DnsServer(Zone(RECORDS)) as running:
        yield running


@pytest.fixture
def second() -> Iterator[DnsServer]:
    with DnsServer(Zone(RECORDS)) as running:
        yield running


@pytest.fixture
def closed() -> DnsServer:
    """Return a server whose port is closed."""
    with DnsServer(Zone()) as gone:
        pass
    return gone


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("drop", "timed out"),
        ("servfail", "SERVFAIL"),
        ("refused", "REFUSED"),
        ("lame", "is a lame name server"),
        ("garbage", "answered something that was not asked"),
        ("wrong-id", "answered something that was not asked"),
        ("wrong-question", "answered something that was not asked"),
        ("unset-qr", "answered something that was not asked"),
    ],
)
def test_a_fault_is_told_with_the_server_after_all_attempts(
    server: DnsServer, kind: Kind, reason: str
) -> None:
    server.faults[""] = Fault(kind)
    assert ask(server, question=A) == Failed(f"{reason} ({server.address})")
    assert server.count()["a.test", "TXT"] == 2


def test_a_server_that_denies_everything_is_believed(server: DnsServer) -> None:
    server.faults[""] = Fault("nxdomain")
    assert ask(server, question=A) == Void("NXDOMAIN")


@pytest.mark.usefixtures("patience")
def test_a_spoofed_answer_with_a_wrong_id_is_passed_over(server: DnsServer) -> None:
    server.faults[""] = Fault("spoof-first")
    assert ask(server, question=A) == FOUND
    assert len(server.queries) == 1


@pytest.mark.usefixtures("patience")
def test_a_truncated_answer_is_asked_for_over_tcp(server: DnsServer) -> None:
    server.faults[""] = Fault("truncated")
    assert ask(server, question=A) == FOUND
    assert [asked.transport for asked in server.queries] == ["udp", "tcp"]


@pytest.mark.usefixtures("patience")
def test_an_answer_that_fills_a_tcp_message_is_taken_whole(server: DnsServer) -> None:
    server.faults[""] = Fault("huge")
    answer = ask(server, question=A)
    assert isinstance(answer, Found)
    assert len(answer.values[0]) > 65_000


@pytest.mark.parametrize(
    ("tcp", "reason"),
    [
        ("close", "failed over TCP"),
        ("length-only", "failed over TCP"),
        ("silent", "timed out over TCP"),
    ],
)
def test_tcp_that_does_not_answer_is_a_failure(
    server: DnsServer, tcp: OverTcp, reason: str
) -> None:
    server.faults[""] = Fault("truncated", tcp=tcp)
    answer = ask(server, question=A)
    assert isinstance(answer, Failed)
    assert answer.reason.startswith(reason)
    assert answer.reason.endswith(f"({server.address})")


def test_tcp_that_is_refused_is_a_failure(server: DnsServer) -> None:
    server.faults[""] = Fault("truncated")
    server.refuse_tcp()
    answer = ask(server, question=A)
    assert isinstance(answer, Failed)
    assert answer.reason.startswith("failed over TCP: ")
    assert {asked.transport for asked in server.queries} == {"udp"}


def test_tcp_that_drips_gets_no_more_time_than_silence(server: DnsServer) -> None:
    server.faults[""] = Fault(drip=0.05)  # 100 s for the whole answer
    answer = ask(server, question=B)
    assert isinstance(answer, Failed)
    assert answer.reason.startswith("timed out over TCP")


@pytest.mark.usefixtures("patience")
def test_tcp_that_drips_fast_enough_is_waited_for(server: DnsServer) -> None:
    server.faults[""] = Fault("truncated", drip=0.001)
    assert ask(server, question=A) == FOUND


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_question_is_asked_again_until_it_is_answered(server: DnsServer, lost: int) -> None:
    server.faults[""] = Fault(ignore_first=lost)
    assert ask(server, question=A, attempts=4) == FOUND
    assert server.count()["a.test", "TXT"] == lost + 1


def test_a_question_is_asked_as_often_as_there_are_attempts(server: DnsServer) -> None:
    server.faults[""] = Fault("drop")
    ask(server, question=A, attempts=3)
    assert server.count()["a.test", "TXT"] == 3


@pytest.mark.usefixtures("patience")
def test_a_closed_port_is_seen_without_a_time_out(closed: DnsServer, server: DnsServer) -> None:
    """With these time-outs, waiting for one would take longer than the test may."""

    async def test() -> tuple[Answer, Answer]:
        async with asyncio.timeout(4):
            alone = await asking(closed).ask(A)
            return alone, await asking(closed, server).ask(A)

    refused = Failed(f"connection refused ({closed.address})")
    assert asyncio.run(test()) == (refused, FOUND)


def test_a_server_that_dies_between_two_questions_is_a_failure(server: DnsServer) -> None:
    server.faults[""] = Fault(die_after=1)
    asks = asking(server)

    async def test() -> tuple[Answer, Answer]:
        return await asks.ask(A), await asks.ask(A)

    first, last = asyncio.run(test())
    assert first == FOUND
    assert isinstance(last, Failed)


@pytest.mark.parametrize("kind", ["drop", "servfail", "refused", "lame", "garbage", "wrong-id"])
def test_a_second_server_makes_up_for_a_bad_first_one(
    server: DnsServer, second: DnsServer, kind: Kind
) -> None:
    server.faults[""] = Fault(kind)
    assert ask(server, second, question=A) == FOUND
    assert (len(server.queries), len(second.queries)) == (1, 1)


def test_each_server_is_tried_once_even_if_attempts_are_fewer(
    closed: DnsServer, server: DnsServer, second: DnsServer
) -> None:
    server.faults[""] = Fault("servfail")
    assert ask(closed, server, second, question=A, attempts=1) == FOUND


def test_the_fault_of_each_server_is_told(server: DnsServer, second: DnsServer) -> None:
    server.faults[""] = Fault("servfail")
    second.faults[""] = Fault("refused")
    assert ask(server, second, question=A, attempts=4) == Failed(
        f"SERVFAIL ({server.address}); REFUSED ({second.address})"
    )
    assert (len(server.queries), len(second.queries)) == (2, 2)


@pytest.mark.parametrize("kind", ["servfail", "refused", "lame"])
def test_a_server_that_fails_for_one_name_is_still_asked_first(
    server: DnsServer, second: DnsServer, kind: Kind
) -> None:
    server.faults["b.test"] = Fault(kind)
    asks = asking(server, second)

    async def test() -> None:
        for question in (A, B, A, A):
            assert isinstance(await asks.ask(question), Found)

    asyncio.run(test())
    assert second.count() == {("b.test", "TXT"): 1}


@pytest.mark.parametrize("kind", ["drop", "tcp", "closed"])
def test_a_server_that_cannot_be_reached_is_asked_first_no_more(
    server: DnsServer, second: DnsServer, kind: str
) -> None:
    asks = asking(server, second)

    async def test() -> list[Answer]:
        before = await asks.ask(A)
        if kind == "closed":
            server.stop()
        server.faults[""] = Fault("drop") if kind == "drop" else Fault("truncated", tcp="close")
        return [before, await asks.ask(A), await asks.ask(A)]

    assert asyncio.run(test()) == [FOUND] * 3
    if kind == "closed":
        server.start()
    assert len(server.queries) == {"drop": 2, "tcp": 3, "closed": 1}[kind]
    assert len(second.queries) == 2


def test_one_that_refuses_everybody_is_passed_over(server: DnsServer, second: DnsServer) -> None:
    server.faults[""] = Fault("refused")
    asks = asking(server, second)

    async def test() -> list[Answer]:
        return [await asks.ask(A), await asks.ask(A)]

    assert asyncio.run(test()) == [FOUND] * 2
    assert (len(server.queries), len(second.queries)) == (1, 2)
