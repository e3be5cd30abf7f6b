"""The tests' DNS server as a client sees it over real sockets while nothing is wrong."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dns.asyncquery
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.zone
import pytest

from tests.support.dnsclient import PATIENCE, datagrams, needs_ipv6, question, strings, tcp, udp
from tests.support.dnsserver import DnsServer, Zone

HERE = Path(__file__).parents[1]
WORLD = HERE / "world" / "world.zone"
LONG = "v=spf1 " + "ip4:192.0.2.1 " * 80 + "-all"
RECORDS = {
    ("a.example", "TXT"): ["v=spf1 -all"],
    ("b.a.example", "TXT"): ["b"],
    ("c.example", "CNAME"): ["a.example"],
    ("long.example", "TXT"): [LONG],
}


@pytest.fixture
def server() -> Iterator[DnsServer]:
    with DnsServer(Zone(RECORDS)) as running:
        yield running


def test_answers_like_a_recursive_resolver(server: DnsServer) -> None:
    response = udp(server, question())
    assert response.flags == dns.flags.QR | dns.flags.RD | dns.flags.RA
    assert strings(response) == [b"v=spf1 -all"]


def test_the_question_comes_back_in_the_case_asked(server: DnsServer) -> None:
    query = question("A.eXample")
    (wire,) = datagrams(server, query, count=1)
    assert wire[12:].startswith(query.to_wire()[12:])
    assert strings(dns.message.from_wire(wire)) == [b"v=spf1 -all"]


@pytest.mark.parametrize(
    ("name", "rcode"), [("no.example", dns.rcode.NXDOMAIN), ("example", dns.rcode.NOERROR)]
)
def test_a_negative_answer_has_no_records_but_an_soa(
    server: DnsServer, name: str, rcode: dns.rcode.Rcode
) -> None:
    response = udp(server, question(name))
    assert (response.rcode(), response.answer) == (rcode, [])
    assert [rrset.rdtype for rrset in response.authority] == [dns.rdatatype.SOA]


def test_a_chain_resolves_for_dnspython(server: DnsServer) -> None:
    response = udp(server, question("c.example"))
    assert isinstance(response, dns.message.QueryMessage)
    assert response.resolve_chaining().canonical_name.to_text() == "a.example."


@pytest.mark.parametrize("payload", [None, 600])
def test_an_answer_over_the_clients_size_is_empty_and_truncated(
    server: DnsServer, payload: int | None
) -> None:
    response = udp(server, question("long.example", payload=payload))
    assert response.flags & dns.flags.TC
    assert response.answer == []


def test_an_answer_of_just_the_clients_size_is_whole(server: DnsServer) -> None:
    size = len(tcp(server, question("long.example", payload=600)).to_wire())
    for payload, truncated in ((size, 0), (size - 1, dns.flags.TC)):
        response = udp(server, question("long.example", payload=payload))
        assert response.flags & dns.flags.TC == truncated


def test_tcp_carries_what_udp_truncates_and_both_are_counted(server: DnsServer) -> None:
    query = question("long.example")
    response, over_tcp = dns.query.udp_with_fallback(query, "127.0.0.1", PATIENCE, server.port)
    assert over_tcp
    assert strings(response) == [LONG.encode()]
    asked = ("long.example", "TXT")
    assert server.queries == [(*asked, "udp"), (*asked, "tcp")]
    assert server.count() == {asked: 1}


def test_every_record_of_the_world_is_served() -> None:
    world = dns.zone.from_file(str(WORLD), origin=".", relativize=False, check_origin=False)
    with DnsServer(Zone.from_file(WORLD)) as server:
        for name, rdataset in world.iterate_rdatasets():
            query = dns.message.make_query(name, rdataset.rdtype)
            response = tcp(server, query)
            assert response.answer[0].to_rdataset() == rdataset


@pytest.mark.parametrize("address", ["127.0.0.2", pytest.param("::1", marks=needs_ipv6)])
def test_listens_on_other_loopback_addresses(address: str) -> None:
    with DnsServer(Zone(RECORDS), address=address) as server:
        assert server.address.startswith(address if "." in address else "[::1]:")
        assert strings(udp(server, question())) == [b"v=spf1 -all"]


def test_serves_a_client_whose_own_event_loop_runs() -> None:
    async def client() -> dns.message.Message:
        with DnsServer(Zone(RECORDS)) as server:
            return await dns.asyncquery.udp(question(), "127.0.0.1", PATIENCE, server.port)

    assert strings(asyncio.run(client())) == [b"v=spf1 -all"]


def test_a_change_of_the_zone_shows_in_the_next_answer(server: DnsServer) -> None:
    udp(server, question())
    server.zone.set("a.example", "TXT", ["new"])
    assert strings(udp(server, question())) == [b"new"]
    server.zone = Zone()
    assert udp(server, question()).rcode() == dns.rcode.NXDOMAIN


def test_octets_that_are_no_query_are_ignored(server: DnsServer) -> None:
    whole = question().to_wire()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(PATIENCE)
        client.connect(("127.0.0.1", server.port))
        for length in range(len(whole) + 1):
            client.send(whole[:length])
        assert client.recv(512)[:2] == whole[:2]
    assert len(server.queries) == 1


def test_reset_forgets_what_was_asked(server: DnsServer) -> None:
    udp(server, question())
    assert server.peak == 1
    server.reset()
    assert (server.queries, server.peak) == ([], 0)


def test_the_port_outlives_stop_and_start(server: DnsServer) -> None:
    address = server.address
    server.stop()
    with pytest.raises(ConnectionRefusedError):
        datagrams(server, question(), count=1)
    server.start()
    assert server.address == address
    assert strings(udp(server, question())) == [b"v=spf1 -all"]


def test_as_a_program_it_serves_counts_and_ends_on_sigterm(tmp_path: Path) -> None:
    count = tmp_path / "count.json"
    command = [sys.executable, "-m", "tests.support.dnsserver", str(WORLD), "--delay-ms", "1"]
    child = subprocess.Popen(
        [*command, "--count", str(count)], cwd=HERE.parent, stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout is not None
        ready, port = child.stdout.readline().split()
        for name in ("126.com", "126.com", "no.example"):
            dns.query.udp(question(name), "127.0.0.1", PATIENCE, int(port))
        dns.query.tcp(question("126.com"), "127.0.0.1", PATIENCE, int(port))
        child.terminate()
        child.communicate(timeout=PATIENCE)
    finally:
        child.kill()
    assert (ready, child.returncode) == ("ready", 0)
    assert json.loads(count.read_text()) == {"queries": 3, "tcp": 1, "distinct": 2, "peak": 1}
