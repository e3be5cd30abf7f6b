"""The library: what domains pass, without configuration, state or rails.

Owns: `resolve` and its result types. Refuses: to print, to log, to exit and to keep anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from spfwhite.config.settings import Dns
from spfwhite.config.values import parse_domain
from spfwhite.dns.answers import Answers, canonical
from spfwhite.dns.nameservers import parse_nameserver
from spfwhite.networks import Network, Networks
from spfwhite.sources.fetch import look_up
from spfwhite.spf.list_mode import evaluate
from spfwhite.spf.reach import Limits
from spfwhite.spf.result import Problem
from spfwhite.spf.strict import evaluate_strict


@dataclass(frozen=True, slots=True)
class Result:
    """What one domain passes; `lookups` are counted as RFC 7208 section 4.6.4 does."""

    passed: Networks
    problems: tuple[Problem, ...]
    lookups: int

    @property
    def networks(self) -> tuple[Network, ...]:
        """The networks, collapsed and sorted, IPv4 first."""
        return self.passed.networks


class Results(Mapping[str, Result]):
    """A result for each domain; `networks` is their union."""

    def __init__(self, results: Mapping[str, Result], union: Networks) -> None:
        self._results = results
        self.networks: tuple[Network, ...] = union.networks

    def __getitem__(self, domain: str) -> Result:
        return self._results[domain]

    def __iter__(self) -> Iterator[str]:
        return iter(self._results)

    def __len__(self) -> int:
        return len(self._results)


def resolve(
    domains: Iterable[str],
    *,
    nameservers: Sequence[str] | None = None,
    strict: bool = False,
    deadline: float = 60.0,
    attempts: int = 4,
    concurrency: int = 512,
    max_qps: int = 0,
    max_lookups: int = 500,
    max_depth: int = 20,
) -> Results:
    """Return what each domain passes by RFC 7208; keys are as the domains were given.

    `nameservers` are texts like "192.0.2.1", "192.0.2.1:5353" or "[2001:db8::1]:53"; None means
    those of resolv.conf. `deadline` is in seconds for all look-ups. What DNS does wrong is a
    problem of the domain, never an exception. Raises ValueError for a domain or a name server that
    is none, and NoNameServerError where the system has none. For use where an event loop runs,
    see `resolve_async`.
    """
    return asyncio.run(
        resolve_async(
            domains,
            nameservers=nameservers,
            strict=strict,
            deadline=deadline,
            attempts=attempts,
            concurrency=concurrency,
            max_qps=max_qps,
            max_lookups=max_lookups,
            max_depth=max_depth,
        )
    )


async def resolve_async(
    domains: Iterable[str],
    *,
    nameservers: Sequence[str] | None = None,
    strict: bool = False,
    deadline: float = 60.0,
    attempts: int = 4,
    concurrency: int = 512,
    max_qps: int = 0,
    max_lookups: int = 500,
    max_depth: int = 20,
) -> Results:
    """Do what `resolve` does, inside a running event loop."""
    names = {domain: canonical(domain) for domain in domains}
    for domain, name in names.items():
        try:
            parse_domain(name)
        except ValueError as fault:
            raise ValueError(f"{domain!a} {fault}") from None
    servers = tuple(parse_nameserver(text) for text in nameservers or ())
    dns = Dns(servers, attempts, concurrency, max_qps, deadline, deadline, 0)
    answers = await look_up(names.values(), dns, Limits(max_lookups, max_depth))
    return _results(names, answers, strict=strict)


def _results(names: Mapping[str, str], answers: Answers, *, strict: bool) -> Results:
    mode = evaluate_strict if strict else evaluate
    evaluation = mode(set(names.values()), answers)
    results = {}
    for domain, name in names.items():
        root = evaluation.root(name)
        results[domain] = Result(root.passed, evaluation.problems(name), root.lookups)
    union = Networks.union(evaluation.root(name).passed for name in names.values())
    return Results(results, union)
