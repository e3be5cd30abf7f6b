"""One question to one answer, against a real server that behaves."""

from __future__ import annotations

import asyncio
import resource
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from spfwhite.dns import resolver
from spfwhite.dns.answers import Answer, Failed, Found, Question, RRType, Void, mx_hosts
from spfwhite.dns.nameservers import NameServer
from spfwhite.dns.resolver import KEPT_FILES
from spfwhite.dns.udp import LISTENED
from spfwhite.dns.window import Window
from tests.support.asking import ask_all, asking
from tests.support.dnsclient import needs_ipv6
from tests.support.dnsserver import DnsServer, Fault, Zone
from tests.support.dnswire import RD, Query, parse


class Listening(DnsServer):
    """A server that keeps each query as it came, and the port that it came from."""

    def __init__(self, zone: Zone) -> None:
        super().__init__(zone)
        self.heard: list[bytes] = []
        self.ports: list[int] = []

    def take_udp(self, wire: bytes, sender: Any) -> None:
        self.heard.append(wire)
        self.ports.append(sender[1])
        super().take_udp(wire, sender)


@pytest.fixture
def listening() -> Iterator[Listening]:
    with Listening(Zone()) as server:
        yield server


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """No busy machine shall cause a retransmission that a test would count."""
    monkeypatch.setattr("spfwhite.dns.server.SHORTEST_SECONDS", 5.0)


def ask(server: DnsServer, name: str, rrtype: RRType = "TXT") -> Answer:
    (answer,) = ask_all(asking(server), Question(name, rrtype))
    return answer


def many(count: int) -> list[Question]:
    return [Question(f"n{number}.test", "TXT") for number in range(count)]


def test_addresses_are_found_as_text(dns_server: DnsServer) -> None:
    dns_server.zone.set("a.test", "A", ["192.0.2.9", "192.0.2.1"])
    dns_server.zone.set("a.test", "AAAA", ["2001:DB8:0::1"])
    assert ask(dns_server, "a.test", "A") == Found(("192.0.2.1", "192.0.2.9"))
    assert ask(dns_server, "a.test", "AAAA") == Found(("2001:db8::1",))


def test_no_name_and_no_data_are_void(dns_server: DnsServer) -> None:
    dns_server.zone.set("a.test", "A", ["192.0.2.1"])
    assert ask(dns_server, "b.test") == Void("NXDOMAIN")
    assert ask(dns_server, "a.test") == Void("NODATA")
    assert ask(dns_server, "test") == Void("NODATA")


def test_the_strings_of_a_txt_are_joined_with_nothing_in_between(dns_server: DnsServer) -> None:
    split = [b"v=spf1 ip4:5.61.236.0/2", b"3 -a", b"", b"ll"]
    dns_server.zone.set("a.test", "TXT", [split])
    assert ask(dns_server, "a.test") == Found(("v=spf1 ip4:5.61.236.0/23 -all",))


def test_each_octet_of_a_txt_is_one_character(dns_server: DnsServer) -> None:
    octets = bytes(range(256))
    dns_server.zone.set("a.test", "TXT", [octets])
    assert ask(dns_server, "a.test") == Found((octets.decode("latin-1"),))


def test_an_empty_txt_is_found(dns_server: DnsServer) -> None:
    dns_server.zone.set("a.test", "TXT", [""])
    assert ask(dns_server, "a.test") == Found(("",))


def test_the_order_of_records_does_not_matter(dns_server: DnsServer) -> None:
    dns_server.zone.set("a.test", "TXT", ["v=spf1 -all", "x", "b"])
    dns_server.zone.set("b.test", "TXT", ["b", "v=spf1 -all", "x"])
    assert ask(dns_server, "a.test") == ask(dns_server, "b.test")


def test_mx_hosts_come_by_preference_in_lower_case(dns_server: DnsServer) -> None:
    dns_server.zone.set("a.test", "MX", ["10 B.test", "9 c.test", "100 a.test"])
    answer = ask(dns_server, "a.test", "MX")
    assert isinstance(answer, Found)
    assert mx_hosts(answer) == ["c.test", "b.test", "a.test"]


def test_a_null_mx_is_found_and_names_no_host(dns_server: DnsServer) -> None:
    dns_server.zone.set("a.test", "MX", ["0 ."])
    answer = ask(dns_server, "a.test", "MX")
    assert answer == Found(("0 ",))
    assert mx_hosts(answer) == []


def test_an_mx_host_with_any_octets_is_printable_text(dns_server: DnsServer) -> None:
    dns_server.zone.set("a.test", "MX", ["1 a b\xff\n.test"])
    answer = ask(dns_server, "a.test", "MX")
    assert answer == Found(("1 a\\032b\\255\\010.test",))


def test_a_chain_of_cnames_is_followed(dns_server: DnsServer) -> None:
    dns_server.zone.set("a.test", "CNAME", ["b.test"])
    dns_server.zone.set("b.test", "CNAME", ["c.test"])
    dns_server.zone.set("c.test", "TXT", ["v=spf1 -all"])
    assert ask(dns_server, "a.test") == Found(("v=spf1 -all",))
    assert ask(dns_server, "a.test", "A") == Void("NODATA")


def test_a_cname_to_nothing_is_void(dns_server: DnsServer) -> None:
    dns_server.zone.set("a.test", "CNAME", ["b.test"])
    assert ask(dns_server, "a.test") == Void("NXDOMAIN")


def test_a_circle_of_cnames_has_failed_and_is_asked_for_once(dns_server: DnsServer) -> None:
    dns_server.zone.set("a.test", "CNAME", ["b.test"])
    dns_server.zone.set("b.test", "CNAME", ["a.test"])
    answer = ask(dns_server, "a.test")
    assert isinstance(answer, Failed)
    assert len(dns_server.queries) == 1


def test_a_query_offers_1232_octets_and_wants_recursion(listening: Listening) -> None:
    ask(listening, "a.test")
    query: Query = parse(listening.heard[0])
    assert query.payload == 1232
    assert query.flags == RD


@pytest.mark.parametrize("length", [100, 520, 1100])
def test_an_answer_of_up_to_1232_octets_needs_no_tcp(dns_server: DnsServer, length: int) -> None:
    dns_server.zone.set("a.test", "TXT", ["x" * length])
    assert ask(dns_server, "a.test") == Found(("x" * length,))
    assert [asked.transport for asked in dns_server.queries] == ["udp"]


def test_a_longer_answer_comes_over_tcp(dns_server: DnsServer) -> None:
    dns_server.zone.set("a.test", "TXT", ["x" * 1300])
    assert ask(dns_server, "a.test") == Found(("x" * 1300,))
    assert [asked.transport for asked in dns_server.queries] == ["udp", "tcp"]


def test_each_query_has_its_own_id_and_source_port(listening: Listening) -> None:
    listening.faults[""] = Fault(delay=0.2)  # so that all are in flight together
    ask_all(asking(listening), *many(50))
    assert len(set(listening.ports)) == 50
    assert len({wire[:2] for wire in listening.heard}) > 45


def test_each_attempt_has_its_own_id_and_source_port(
    listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else one guess would be good for all of them."""
    monkeypatch.setattr("spfwhite.dns.server.SHORTEST_SECONDS", 0.01)
    monkeypatch.setattr(resolver, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(resolver, "LAST_PAUSE_SECONDS", 0.01)
    listening.faults[""] = Fault("drop")
    ask_all(asking(listening, attempts=8), *many(1))
    assert len(listening.heard) == len(set(listening.ports)) == 8
    assert len({wire[:2] for wire in listening.heard}) > 6


def test_queries_one_after_the_other_come_from_other_ports_too(listening: Listening) -> None:
    for question in many(20):
        ask(listening, question.name)
    assert len(set(listening.ports)) > 15


BAD_NAMES = ["a\\.b.test", "a\\032b.test", "a b.test", "a\n.test", "b\xfccher.test", "\u0430.test"]
BAD_NAMES += ["", ".", "a..test", ".test", "a.test.", "a" * 64 + ".test", "a." * 126 + "aa"]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_cannot_be_asked_for_costs_no_packet(dns_server: DnsServer, name: str) -> None:
    assert isinstance(ask(dns_server, name), Failed)
    assert dns_server.queries == []


@pytest.mark.parametrize("name", ["@.test", "a.xn--bcher-kva.test", "_a.test", "*.test", "a" * 63])
def test_a_name_is_asked_for_as_it_is_written(dns_server: DnsServer, name: str) -> None:
    dns_server.zone.set(name, "TXT", ["found"])
    assert ask(dns_server, name) == Found(("found",))


def test_a_name_of_253_characters_can_be_asked_for(dns_server: DnsServer) -> None:
    name = "a." * 126 + "a"
    dns_server.zone.set(name, "TXT", ["found"])
    assert ask(dns_server, name) == Found(("found",))


def test_no_more_questions_are_in_flight_than_allowed(dns_server: DnsServer) -> None:
    dns_server.faults[""] = Fault(delay=0.05)
    assert ask_all(asking(dns_server, concurrency=5), *many(30)) == [Void("NXDOMAIN")] * 30
    assert dns_server.peak == 5


def test_no_more_questions_are_in_flight_than_files_may_be_open(dns_server: DnsServer) -> None:
    dns_server.faults[""] = Fault(delay=0.05)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, hard))
    try:
        answers = ask_all(asking(dns_server), *many(200))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert answers == [Void("NXDOMAIN")] * 200
    assert dns_server.peak == (128 - KEPT_FILES) // LISTENED


def test_a_question_that_is_cancelled_leaves_its_place(dns_server: DnsServer) -> None:
    dns_server.faults["a.test"] = Fault("drop")
    asks = asking(dns_server, concurrency=1)

    async def test() -> Answer:
        lost = asyncio.create_task(asks.ask(Question("a.test", "TXT")))
        while not dns_server.queries:
            await asyncio.sleep(0.01)
        lost.cancel()
        return await asyncio.wait_for(asks.ask(Question("b.test", "TXT")), 4)

    assert asyncio.run(test()) == Void("NXDOMAIN")


def test_the_rate_holds_at_the_server(dns_server: DnsServer) -> None:
    dns_server.faults[""] = Fault(rate=100)  # drops what exceeds it
    questions = many(110)
    answers = ask_all(asking(dns_server, max_qps=60), *questions)
    assert answers == [Void("NXDOMAIN")] * 110
    assert set(dns_server.count().values()) == {1}


def test_the_rate_counts_what_is_asked_again_over_tcp(
    dns_server: DnsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    paced: list[float] = []
    turn = Window.turn

    def counted(window: Window) -> float:
        paced.append(turn(window))
        return paced[-1]

    monkeypatch.setattr(Window, "turn", counted)
    dns_server.faults[""] = Fault("truncated")
    ask_all(asking(dns_server, max_qps=1000), *many(5))
    assert len(paced) == len(dns_server.queries) == 10


@needs_ipv6
def test_a_server_may_have_an_ipv6_address() -> None:
    with DnsServer(Zone({("a.test", "TXT"): ["found"]}), address="::1") as server:
        assert ask(server, "a.test") == Found(("found",))


@needs_ipv6
def test_a_server_may_be_on_one_link() -> None:
    with DnsServer(Zone({("a.test", "TXT"): ["found"]}), address="::1") as server:
        for here in ("::1%lo", f"::1%{socket.if_nametoindex('lo')}"):
            asks = resolver.Resolver(
                [NameServer(here, server.port)], attempts=1, concurrency=1, max_qps=0
            )
            assert ask_all(asks, Question("a.test", "TXT")) == [Found(("found",))]


def test_a_link_that_is_not_there_is_told() -> None:
    nowhere = NameServer("fe80::1%nowhere", 53)
    asks = resolver.Resolver([nowhere], attempts=1, concurrency=1, max_qps=0)
    (answer,) = ask_all(asks, Question("a.test", "TXT"))
    assert isinstance(answer, Failed)
    assert answer.reason.endswith("([fe80::1%nowhere]:53)")
