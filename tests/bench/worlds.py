"""The worlds that are measured: each a master file, a list of domains, and an overlay that asks.

Owns: what is in them. As a program it writes one into a folder, so that the process that measures
stays small: `python -m tests.bench.worlds NAME FOLDER`. Refuses: to serve or to ask.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from spfwhite.config.loading import load
from tests.bench.generated import Generated
from tests.bench.prepare import (
    AGAIN,
    DEFAULT,
    DOMAINS,
    FRESH,
    OVERLAY,
    TABLE,
    TEN_THOUSAND,
    THOUSAND,
    ZONE,
)
from tests.support.cli import WORLD, world_providers
from tests.support.dnszone import Zone, labels_of

GENERATED = {THOUSAND: 1_000, TEN_THOUSAND: 10_000}

TXT = 16

HEAD = """\
defaults = {defaults}
[output]
allow = "{table}"
reject = "reject.cidr"
[state]
path = "state.json"
[dns]
deadline = 300.0
[postfix]
verify = false
"""


def write(name: str, folder: Path) -> None:
    """Write a world's files into a folder."""
    if name in GENERATED:
        world = Generated(GENERATED[name])
        zone = "".join(f"{line}\n" for line in world.lines())
        providers = {f"p{number}": [domain] for number, domain in enumerate(world.domains)}
    else:
        zone = (WORLD / ZONE).read_text(encoding="utf-8")
        providers = world_providers()
        if name == DEFAULT:
            providers = _answered(Zone.from_text(zone), folder)
    (folder / ZONE).write_text(zone, encoding="utf-8")
    overlay = HEAD.format(table=TABLE, defaults="true" if name == DEFAULT else "false")
    for state in (FRESH, AGAIN):
        text = overlay + _tables(providers)
        (folder / state / OVERLAY).write_text(text, encoding="utf-8")
    domains = sorted({domain for domains in providers.values() for domain in domains})
    (folder / DOMAINS).write_text("".join(f"{domain}\n" for domain in domains), encoding="utf-8")


def _answered(zone: Zone, no_system: Path) -> dict[str, list[str]]:
    """Return the default providers with the domains that the zone has a TXT record for."""
    return {
        provider.name: [
            domain for domain in provider.domains if zone.lookup(labels_of(domain), TXT).rrsets
        ]
        for provider in load(system=no_system).enabled()
    }


def _tables(providers: Mapping[str, Sequence[str]]) -> str:
    return "".join(f"[providers.{name}]\n{_keys(providers[name])}\n" for name in providers)


def _keys(domains: Sequence[str]) -> str:
    texts = ", ".join(f'"{domain}"' for domain in domains)
    return f"domains = [{texts}]" if domains else "enabled = false"


if __name__ == "__main__":
    write(sys.argv[1], Path(sys.argv[2]))
