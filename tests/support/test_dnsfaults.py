"""The faults of the tests' DNS server, as a client sees them and by their own reckoning."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import pytest

from tests.support.dnsclient import PATIENCE, datagrams, framed, question, stream, strings, tcp, udp
from tests.support.dnsfaults import MANGLED, Fault, Kind
from tests.support.dnsserver import DnsServer, Zone
from tests.support.dnswire import Query, parse

RECORDS = {
    ("a.example", "TXT"): ["v=spf1 -all"],
    ("b.a.example", "TXT"): ["b"],
    ("c.example", "TXT"): ["c"],
}


@pytest.fixture
def server() -> Iterator[DnsServer]:
    with DnsServer(Zone(RECORDS)) as running:
        yield running


def test_delayed_answers_are_in_flight_together(server: DnsServer) -> None:
    server.faults[""] = Fault(delay=0.3)
    datagrams(server, question(), question("c.example"), count=2)
    assert server.peak == 2


@pytest.mark.parametrize("fault", [Fault("drop"), Fault(loss=1.0), Fault(rate=0)])
def test_a_swallowed_query_is_noted_but_not_answered(server: DnsServer, fault: Fault) -> None:
    server.faults["a.example"] = fault
    last = question("c.example")
    (wire,) = datagrams(server, question(), last, count=1)
    assert dns.message.from_wire(wire).id == last.id
    assert [asked.name for asked in server.queries] == ["a.example", "c.example"]


def test_each_question_is_ignored_as_often_as_told(server: DnsServer) -> None:
    server.faults[".a.example"] = Fault(ignore_first=2)
    queries = [question(name) for name in ("a.example", "b.a.example") * 3]
    answers = datagrams(server, *queries, count=2)
    assert [dns.message.from_wire(wire).id for wire in answers] == [q.id for q in queries[4:]]


@pytest.mark.parametrize(
    ("key", "hit"),
    [
        ("a.example", {"a.example"}),
        (".a.example", {"a.example", "b.a.example"}),
        (".example", {"a.example", "b.a.example", "c.example"}),
        ("", {"a.example", "b.a.example", "c.example"}),
    ],
)
def test_a_fault_hits_the_names_of_its_key(server: DnsServer, key: str, hit: set[str]) -> None:
    server.faults[key] = Fault("refused")
    names = ("a.example", "b.a.example", "c.example")
    refused = {n for n in names if udp(server, question(n)).rcode() == dns.rcode.REFUSED}
    assert refused == hit


def test_the_most_specific_fault_applies_alone(server: DnsServer) -> None:
    server.faults |= {"": Fault("refused"), ".example": Fault("servfail"), "a.example": Fault()}
    assert udp(server, question("b.a.example")).rcode() == dns.rcode.SERVFAIL
    assert strings(udp(server, question())) == [b"v=spf1 -all"]


@pytest.mark.parametrize("kind", ["servfail", "refused", "nxdomain", "notimp", "formerr"])
def test_an_rcode_stands_for_the_answer_over_both_transports(server: DnsServer, kind: Kind) -> None:
    server.faults[""] = Fault(kind)
    for response in (udp(server, question()), tcp(server, question())):
        assert (response.rcode(), response.answer) == (dns.rcode.from_text(kind), [])


def test_a_lame_server_refers_upward(server: DnsServer) -> None:
    server.faults[""] = Fault("lame")
    response = udp(server, question())
    assert (response.rcode(), response.flags) == (0, dns.flags.QR | dns.flags.RD)
    assert response.answer == []
    assert response.authority[0].to_text().startswith(". 300 IN NS")


def test_garbage_is_no_message(server: DnsServer) -> None:
    server.faults[""] = Fault("garbage")
    queries = [question() for _ in range(20)]
    wires = datagrams(server, *queries, count=20)
    for wire in wires:
        # to dnspython 2.3, an unknown opcode is a ValueError
        with pytest.raises((dns.exception.DNSException, ValueError)):
            dns.message.from_wire(wire)
    assert {w[:2] == q.to_wire()[:2] for w, q in zip(wires, queries, strict=True)} == {True, False}


def test_a_wrong_id_comes_with_an_otherwise_right_answer(server: DnsServer) -> None:
    query = question()
    right = datagrams(server, query, count=1)[0]
    server.faults[""] = Fault("wrong-id")
    wrong = datagrams(server, query, count=1)[0]
    assert wrong[:2] != right[:2]
    assert wrong[2:] == right[2:]


def test_a_wrong_question_comes_with_its_answer(server: DnsServer) -> None:
    server.faults[""] = Fault("wrong-question")
    query = question()
    response = dns.message.from_wire(datagrams(server, query, count=1)[0])
    assert response.id == query.id
    assert response.answer[0].name == response.question[0].name != query.question[0].name


def test_an_unset_qr_bit_is_all_that_differs(server: DnsServer) -> None:
    query = question()
    right = datagrams(server, query, count=1)[0]
    server.faults[""] = Fault("unset-qr")
    wrong = datagrams(server, query, count=1)[0]
    changed = [a ^ b for a, b in zip(right, wrong, strict=True)]
    assert changed == [0, 0, 0x80] + [0] * (len(right) - 3)


def test_a_spoofed_twin_comes_before_the_right_answer(server: DnsServer) -> None:
    server.faults[""] = Fault("spoof-first")
    query = question()
    twin, right = (dns.message.from_wire(w) for w in datagrams(server, query, count=2))
    assert twin.id != query.id == right.id
    assert twin.rcode() == dns.rcode.NXDOMAIN
    assert strings(right) == [b"v=spf1 -all"]


def test_an_always_truncated_answer_is_whole_over_tcp(server: DnsServer) -> None:
    server.faults[""] = Fault("truncated")
    assert udp(server, question()).flags & dns.flags.TC
    assert strings(tcp(server, question())) == [b"v=spf1 -all"]


def test_a_huge_record_needs_tcp_and_fills_it(server: DnsServer) -> None:
    server.faults[""] = Fault("huge")
    assert udp(server, question()).flags & dns.flags.TC
    octets = stream(server, question())
    (text,) = strings(dns.message.from_wire(octets[2:]))
    assert 65500 < len(octets) - 2 <= 65535
    assert set(text.split(b" ")) == {b"v=spf1", b"ip4:192.0.2.1"}


def test_every_response_but_the_one_with_a_wrong_id_keeps_the_id(server: DnsServer) -> None:
    query = question()
    for kind in MANGLED.keys() - {"wrong-id"}:
        server.faults[""] = Fault(kind)
        assert datagrams(server, query, count=1)[0][:2] == query.to_wire()[:2]


def test_tcp_closes_instead_of_answering(server: DnsServer) -> None:
    server.faults[""] = Fault(tcp="close")
    assert stream(server, question()) == b""


def test_tcp_closes_after_the_length(server: DnsServer) -> None:
    server.faults[""] = Fault(tcp="length-only")
    right = datagrams(server, question(), count=1)[0]
    assert stream(server, question()) == len(right).to_bytes(2, "big")


def test_tcp_may_stay_silent_and_open(server: DnsServer) -> None:
    server.faults["a.example"] = Fault(tcp="silent")
    first, last = question(), question("c.example")
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as client:
        client.sendall(framed(first) + framed(last))
        received = client.recv(65535)
    assert dns.message.from_wire(received[2:]).id == last.id
    assert len(server.queries) == 2


def test_a_drip_arrives_whole_in_many_pieces(server: DnsServer) -> None:
    server.faults[""] = Fault(drip=0.002)
    pieces: list[bytes] = []
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as client:
        client.sendall(framed(question()))
        client.shutdown(socket.SHUT_WR)
        while octets := client.recv(65535):
            pieces.append(octets)
    assert len(pieces) > 2
    assert strings(dns.message.from_wire(b"".join(pieces)[2:])) == [b"v=spf1 -all"]


def test_refused_tcp_leaves_udp_working(server: DnsServer) -> None:
    server.refuse_tcp()
    with pytest.raises(ConnectionRefusedError):
        tcp(server, question())
    assert strings(udp(server, question())) == [b"v=spf1 -all"]


def test_the_server_dies_of_the_query_after_the_last_answered(server: DnsServer) -> None:
    server.faults[""] = Fault(die_after=1)
    assert strings(udp(server, question())) == [b"v=spf1 -all"]
    assert stream(server, question()) == b""
    with pytest.raises(ConnectionRefusedError):
        tcp(server, question())
    with pytest.raises(ConnectionRefusedError):
        datagrams(server, question(), count=1)


def asked() -> Query:
    return parse(question().to_wire())


def losses(fault: Fault) -> list[bool]:
    return [fault.swallows(asked(), "udp", 0.0) for _ in range(1000)]


def test_loss_takes_its_share_and_repeats_with_its_seed() -> None:
    lost = losses(Fault(loss=0.3, seed=7))
    assert 250 < sum(lost) < 350
    assert lost == losses(Fault(loss=0.3, seed=7)) != losses(Fault(loss=0.3, seed=8))


def test_tcp_loses_nothing_and_knows_no_rate() -> None:
    fault = Fault(loss=1.0, rate=0)
    assert not fault.swallows(asked(), "tcp", 0.0)


def test_the_rate_holds_in_every_window_of_a_second() -> None:
    fault = Fault(rate=2)
    times = [0.0, 0.5, 0.9, 1.0, 1.4, 1.5, 1.6]
    dropped = [now for now in times if fault.swallows(asked(), "udp", now)]
    assert dropped == [0.9, 1.4, 1.6]
