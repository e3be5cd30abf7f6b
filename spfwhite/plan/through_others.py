"""Providers that are off and are listed all the same, since others include their records.

Owns: who these are, and what is said of one. Refuses: to decide when it is said.
"""

from __future__ import annotations

from collections.abc import Iterator

from spfwhite.config.settings import Config, roots
from spfwhite.networks import Networks
from spfwhite.plan.plan import Plan
from spfwhite.spf.result import owner
from spfwhite.wording import few

MAX_NAMED = 5  # domains that a sentence names


def through_others(config: Config, plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield the providers that are off and have networks on the allow table, with a sentence."""
    off = [provider for provider in config.providers if not provider.enabled]
    # others may include a record below a provider's own, _netblocks.google.com: its owner has it
    owners = {owner(domain): provider.name for provider in off for domain in provider.domains}
    for domain in roots(config.enabled()):
        owners.pop(owner(domain), None)
    found = [
        (owners[owner(node.domain)], node.domain, domain, part)
        for made in plan.decisions
        if made.provider.action == "permit"
        for domain in made.provider.domains
        for node in made.candidate.evaluation.walk(domain, passing=True)
        if owner(node.domain) in owners and (part := node.passed & made.passed & plan.permitted)
    ]
    for provider in off:
        if mine := [each[1:] for each in found if each[0] == provider.name]:
            listed = Networks.union(part for _, _, part in mine)
            v4, v6 = listed.size(4), listed.blocks64()
            amount = f"{v4:,} of its addresses" if v4 else f"{v6:,} of its IPv6 /64s"
            through = few(sorted({domain for _, domain, _ in mine}), MAX_NAMED)
            named = ", ".join(f'"{record}"' for record in sorted({record for record, _, _ in mine}))
            stays = f"{amount} are listed all the same, through {through}"
            remedy = f"`exclude = [{named}]` in [safety] keeps them out"
            yield provider.name, f"{provider.name} is off, and {stays}; {remedy}"
