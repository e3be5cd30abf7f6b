"""An internet in a network of its own, and runs of the program inside.

Its domains are those of the frozen world and, below `example`, many `small` ones and some `big`
ones, whose TXT sets fit into no UDP answer. Owns: the runs, and what crossed the loopback in each.
Refuses: to judge them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.support.authorities import Authorities
from tests.support.cli import TABLE, WORLD, overlay, rules
from tests.support.network import Counted, Network

BIG, SMALL = 300, 3000
VERIFIES = "https verification=" + "0123456789" * 20
VERIFIED = 12
"""Strings of a big TXT set beside its record: 2.7 kB altogether."""


def big(count: int = BIG) -> dict[str, list[str]]:
    """Return providers of domains whose answers are truncated."""
    return {f"big{number}": [f"big{number}.example"] for number in range(count)}


def small(count: int = SMALL) -> dict[str, list[str]]:
    """Return providers of domains with a network each."""
    return {f"small{number}": [f"small{number}.example"] for number in range(count)}


def lines() -> Iterator[str]:
    """Yield the records of all of them."""
    yield from (WORLD / "world.zone").read_text(encoding="utf-8").splitlines()
    for number in range(SMALL):
        yield f'small{number}.example. IN TXT "v=spf1 ip4:{network(number, 20)} -all"'
    for number in range(BIG):
        yield f'big{number}.example. IN TXT "v=spf1 ip4:{network(number, 30)} -all"'
        yield from (f'big{number}.example. IN TXT "{i}{VERIFIES}"' for i in range(VERIFIED))


def network(number: int, first: int) -> str:
    """Return the network of a domain, such that no two can be joined."""
    high, low = divmod(number * 2, 250)
    return f"{first}.{high}.{low}.0/24"


class Run(NamedTuple):
    """How a run ended: exit code, rules of its table, standard error, packets."""

    code: int
    rules: list[str]
    said: str
    counted: Counted


class Internet(NamedTuple):
    """A network with authorities; runs have their files in a folder each."""

    network: Network
    authorities: Authorities

    def run(
        self,
        folder: Path,
        providers: Mapping[str, Sequence[str]],
        *servers: str,
        dns: str = "",
        more: str = "",
    ) -> Run:
        """Generate a table of these providers from these addresses, or from those of resolv.conf.

        `dns` is put under `[dns]`, `more` at the end of the overlay.
        """
        path = overlay(folder, providers, server="", more=f"[postfix]\nverify = false\n{more}")
        path.write_text(path.read_text().replace('nameservers = [""]', dns))
        before = self.network.counted()
        asking = [word for server in servers for word in ("--nameserver", server)]
        done = self.network.run(sys.executable, "-m", "spfwhite", "-c", path, "generate", *asking)
        table = folder / TABLE
        found = rules(table.read_text()) if table.exists() else []
        return Run(done.returncode, found, done.stderr, self.network.counted() - before)


@contextmanager
def internet(folder: Path) -> Iterator[Internet]:
    """Make one that lasts as long as the block."""
    with Network(folder) as made:
        authorities = Authorities(made, lines())
        with authorities.serving():
            yield Internet(made, authorities)
