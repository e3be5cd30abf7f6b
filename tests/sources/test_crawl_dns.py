"""A crawl with the real resolver, against a real server."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from spfwhite.dns.answers import Answer, Failed, Found, Question
from spfwhite.sources.crawl import crawl
from spfwhite.spf.reach import Limits
from tests.support.asking import asking
from tests.support.dnsserver import DnsServer, Fault


def txt(name: str) -> Question:
    return Question(name, "TXT")


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """No busy machine shall cause a retransmission that a test would count."""
    monkeypatch.setattr("spfwhite.dns.server.SHORTEST_SECONDS", 5.0)


def over(server: DnsServer, *domains: str) -> dict[Question, Answer]:
    """Crawl with a real resolver."""
    limits = Limits(lookups=500, depth=20)
    return asyncio.run(
        crawl(domains, asking(server).ask, limits=limits, deadline=20, concurrency=512)
    )


def test_a_question_is_asked_once_however_many_domains_share_it(dns_server: DnsServer) -> None:
    for domain in range(30):
        record = f"v=spf1 mx:shared.test include:shared.test include:own{domain}.test -all"
        dns_server.zone.set(f"d{domain}.test", "TXT", [record])
    dns_server.zone.set("shared.test", "TXT", ["v=spf1 a:h.test include:shared.test -all"])
    dns_server.zone.set("shared.test", "MX", ["1 h.test"])
    dns_server.zone.set("h.test", "A", ["192.0.2.1"])
    answers = over(dns_server, *(f"d{domain}.test" for domain in range(30)))
    assert len(answers) == 30 + 30 + 4
    assert dns_server.count() == Counter(
        {(question.name, str(question.rrtype)): 1 for question in answers}
    )


def test_a_circle_of_cnames_ends_where_it_stands(dns_server: DnsServer) -> None:
    dns_server.zone.set("a.test", "TXT", ["v=spf1 include:x.test include:b.test -all"])
    dns_server.zone.set("x.test", "CNAME", ["y.test"])
    dns_server.zone.set("y.test", "CNAME", ["x.test"])
    dns_server.zone.set("b.test", "TXT", ["v=spf1 -all"])
    answers = over(dns_server, "a.test")
    assert isinstance(answers[txt("x.test")], Failed)
    assert answers[txt("b.test")] == Found(("v=spf1 -all",))
    assert set(dns_server.count().values()) == {1}


def test_answers_are_waited_for_together(dns_server: DnsServer) -> None:
    dns_server.faults[""] = Fault(delay=0.2)
    over(dns_server, *(f"d{domain}.test" for domain in range(40)))
    assert dns_server.peak == 40
