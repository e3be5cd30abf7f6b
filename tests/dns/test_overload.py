"""Servers that are slow, small or strict with their clients: every question gets its answer."""

from __future__ import annotations

import asyncio
import time

import pytest

from spfwhite.dns import resolver
from spfwhite.dns.answers import Answer, Failed, Found, Question, Void
from spfwhite.dns.nameservers import NameServer
from spfwhite.dns.server import Server
from spfwhite.dns.window import MIN_REFUSED_SLOTS
from tests.support.asking import ask, ask_all, asking
from tests.support.dnsfaults import MANGLED, Kind, Transport
from tests.support.dnsserver import DnsServer, Fault
from tests.support.dnswire import Query

pytestmark = pytest.mark.slow

A = Question("a.test", "TXT")
FOUND, NO_NAME = Found(("found",)), Void("NXDOMAIN")


def many(count: int) -> list[Question]:
    return [Question(f"n{number}.test", "TXT") for number in range(count)]


@pytest.fixture
def server(dns_server: DnsServer) -> DnsServer:
    dns_server.zone.set("a.test", "TXT", ["found"])
    return dns_server


class Refusing(Fault):
    """Refuses what exceeds `rate` in any one second, as its kind says."""

    def swallows(self, query: Query, transport: Transport, now: float) -> bool:
        return False

    def messages(self, query: Query, right: bytes, transport: Transport) -> list[bytes]:
        over = self._exceeds_rate(time.monotonic())
        return [MANGLED[self.kind](query, right) if over else right]


@pytest.mark.parametrize("kind", ["refused", "servfail"])
def test_a_server_that_refuses_what_is_too_much_answers_all_in_the_end(
    server: DnsServer, kind: Kind
) -> None:
    server.faults[""] = Refusing(kind, rate=100)
    asks = asking(server, attempts=4)
    assert ask_all(asks, *many(400)) == [NO_NAME] * 400


class Full(Fault):
    """Has 50 places, in which a question stays for 0.2 s, and refuses the rest at once.

    A dark name, which nobody can resolve, takes up its place as well.
    """

    def messages(self, query: Query, right: bytes, transport: Transport) -> list[bytes]:
        now = time.monotonic()
        self.ends = [end for end in getattr(self, "ends", []) if end > now]
        self.delay = 0.2 if len(self.ends) < 50 else 0.0
        if not self.delay:
            return [MANGLED["refused"](query, right)]
        self.ends.append(now + self.delay)
        return [MANGLED["servfail"](query, right) if b"dark" in query.question else right]


def test_what_a_full_server_refuses_waits_for_its_answers(server: DnsServer) -> None:
    """Names that nobody can resolve leave the others their places."""
    server.faults[""] = Full()
    names = [f"n{number}.{'dark.' * (number % 11 == 0)}test" for number in range(660)]
    asks = asking(server, attempts=4)
    answers = ask_all(asks, *(Question(name, "TXT") for name in names))
    answered = [name for name, answer in zip(names, answers, strict=True) if answer == NO_NAME]
    assert answered == [name for name in names if "dark" not in name]
    assert asks._window._size > MIN_REFUSED_SLOTS, "it has had room for more"


def test_a_server_that_drops_what_is_too_much_answers_all_in_the_end(server: DnsServer) -> None:
    server.faults[""] = Fault(rate=20)
    assert ask_all(asking(server, attempts=4), *many(150)) == [NO_NAME] * 150


class ClosesTcp(Fault):
    """Truncates over UDP, and closes six connections before it answers one."""

    closed = 0

    def messages(self, query: Query, right: bytes, transport: Transport) -> list[bytes]:
        if transport == "tcp":
            self.closed += 1
            self.tcp = "close" if self.closed <= 6 else ""
        return super().messages(query, right, transport)


def test_a_server_that_cannot_keep_up_may_close_tcp_as_well(server: DnsServer) -> None:
    server.faults["a.test"] = ClosesTcp("truncated")
    asks = asking(server, attempts=4)

    async def test() -> Answer:
        await asks.ask(Question("b.test", "TXT"))
        asks._window.lost(asyncio.get_running_loop().time(), was_refused=False)
        assert asks._window.is_flooded
        return await asks.ask(A)

    assert asyncio.run(test()) == FOUND


def test_names_that_nobody_can_resolve_narrow_nothing(server: DnsServer) -> None:
    """One in four here: that is no overload, however often they are asked."""
    server.faults[".dark.test"] = Fault("servfail")
    dark = [Question(f"n{number}.dark.test", "TXT") for number in range(50)]
    asks = asking(server)
    answers = ask_all(asks, *many(150), *dark)
    assert [type(answer) for answer in answers] == [Void] * 150 + [Failed] * 50
    assert not asks._window.is_flooded
    assert set(server.count().values()) == {1, 2}


def test_a_server_that_refuses_everything_is_given_up(server: DnsServer) -> None:
    server.faults[""] = Fault("refused")
    assert (
        ask_all(asking(server, attempts=3), *many(5)) == [Failed(f"REFUSED ({server.address})")] * 5
    )
    assert set(server.count().values()) == {3}


class FailsForASecond(Fault):
    """Remembers for a second that it failed, as RFC 9520 has it; then it can answer."""

    failed_at = 0.0

    def messages(self, query: Query, right: bytes, transport: Transport) -> list[bytes]:
        self.failed_at = self.failed_at or time.monotonic()
        failing = time.monotonic() < self.failed_at + 1
        return [MANGLED["servfail"](query, right) if failing else right]


def test_a_failure_that_is_remembered_for_a_second_is_outwaited(server: DnsServer) -> None:
    server.faults[""] = FailsForASecond()
    assert ask(server, question=A, attempts=4) == FOUND


def test_a_late_answer_is_an_answer(server: DnsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second packet's own answer would come too late."""
    monkeypatch.setattr("spfwhite.dns.server.SHORTEST_SECONDS", 1.0)
    server.faults[""] = Fault(delay=2.5)
    asks = asking(server, attempts=2)
    assert ask_all(asks, A) == [FOUND]
    assert server.count()["a.test", "TXT"] == 2


def test_once_its_time_is_known_a_slow_server_is_asked_once(
    server: DnsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spfwhite.dns.server.SHORTEST_SECONDS", 0.2)
    server.faults[""] = Fault(delay=0.5)
    asks = asking(server, attempts=4)

    async def test() -> list[Answer]:
        await asks.ask(A)
        server.reset()
        return await asyncio.gather(*map(asks.ask, many(50)))

    assert asyncio.run(test()) == [NO_NAME] * 50
    assert set(server.count().values()) == {1}
    assert not asks._window.is_flooded


def test_a_server_of_which_nothing_is_heard_is_not_flooded_with_the_same_again(
    server: DnsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spfwhite.dns.server.SHORTEST_SECONDS", 0.5)
    server.faults[""] = Fault(delay=1.0)
    assert ask_all(asking(server, attempts=4), *many(100)) == [NO_NAME] * 100
    assert len(server.queries) < 150


def test_pauses_differ_so_that_not_all_come_back_at_once() -> None:
    asked = Server(NameServer("192.0.2.1", 53))
    tries = [resolver.Tries([asked], 9, made=1) for _ in range(20)]
    assert len({each.pause() for each in tries}) > 1
