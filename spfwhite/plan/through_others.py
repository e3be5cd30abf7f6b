"""Providers that are off and are listed all the same, since others include their records.

Owns: who these are, and the sentence about one. Refuses: to decide when it is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from spfwhite.config.settings import Config
from spfwhite.networks import EMPTY, Networks
from spfwhite.plan.plan import Plan
from spfwhite.wording import few

MAX_NAMED = 5
"""Domains that a sentence names."""


@dataclass(slots=True)
class ThroughOthers:
    """What of a provider that is off is listed, by which `records` of it, through which domains."""

    provider: str
    listed: Networks = EMPTY
    records: set[str] = field(default_factory=set)
    domains: set[str] = field(default_factory=set)

    def sentence(self) -> str:
        """Say what is listed, and what keeps it out."""
        v4, v6 = self.listed.size(4), self.listed.blocks64()
        amount = f"{v4:,} of its addresses" if v4 else f"{v6:,} of its IPv6 /64s"
        through = few(sorted(self.domains), MAX_NAMED)
        records = ", ".join(f'"{record}"' for record in sorted(self.records))
        return (
            f"{self.provider} is off, and {amount} are listed all the same, through {through}; "
            f"`exclude = [{records}]` in [safety] keeps them out"
        )


def through_others(config: Config, plan: Plan) -> Iterator[ThroughOthers]:
    """Yield the providers that are off and have networks on the allow table, by name."""
    own = {domain for provider in config.enabled() for domain in provider.domains}
    off = [provider for provider in config.providers if not provider.enabled]
    found = {provider.name: ThroughOthers(provider.name) for provider in off}
    owner = {d: found[p.name] for p in off for d in p.domains if d not in own}
    for made in plan.decisions:
        evaluation, listed = made.candidate.evaluation, made.passed & plan.permitted
        for domain in made.provider.domains if listed else ():
            for node in evaluation.walk(domain, passing=True):
                if node.domain in owner and (part := node.passed & listed):
                    owner[node.domain].listed |= part
                    owner[node.domain].records.add(node.domain)
                    owner[node.domain].domains.add(domain)
    return (each for each in found.values() if each.listed)
