"""Questions to the tests' DNS server through the resolver under test.

Owns: making a resolver for servers of `tests.support.dnsserver`, and running its coroutines.
Refuses: judging an answer.
"""

from __future__ import annotations

import asyncio

from spfwhite.dns.answers import Answer, Question
from spfwhite.dns.nameservers import NameServer
from spfwhite.dns.resolver import Resolver
from tests.support.dnsserver import DnsServer


def asking(
    *servers: DnsServer, attempts: int = 2, concurrency: int = 512, max_qps: float = 0
) -> Resolver:
    """Return a resolver that asks the servers in their order."""
    at = [
        NameServer(server.address.rpartition(":")[0].strip("[]"), server.port) for server in servers
    ]
    return Resolver(at, attempts=attempts, concurrency=concurrency, max_qps=max_qps)


def ask_all(resolver: Resolver, *questions: Question) -> list[Answer]:
    """Ask all at once; return the answers in the order of the questions."""

    async def together() -> list[Answer]:
        return await asyncio.gather(*map(resolver.ask, questions))

    return asyncio.run(together())


def ask(*servers: DnsServer, question: Question, attempts: int = 2) -> Answer:
    """Ask one question of a resolver of its own."""
    (answer,) = ask_all(asking(*servers, attempts=attempts), question)
    return answer
