"""A site: a folder with an overlay, its table and its state, and the DNS server that it asks.

Owns: a small world of three providers whose loss the rails would see, and the ways to look at what
a run left. Refuses: to assert anything.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.support.cli import TABLE, Finished, overlay, rules, spfwhite
from tests.support.dnsserver import DnsServer, Zone
from tests.support.dnszone import Records

PROVIDERS = {"big": ["big.test"], "hosts": ["hosts.test"], "plain": ["plain.test"]}
RECORDS: Records = {
    ("big.test", "TXT"): ["v=spf1 ip4:198.18.0.0/16 include:sub.big.test -all"],
    ("sub.big.test", "TXT"): ["v=spf1 ip4:198.19.0.0/16 ip6:2001:db8:1::/48 mx:big.test ~all"],
    ("big.test", "MX"): ["10 mx1.big.test", "20 mx2.big.test"],
    ("mx1.big.test", "A"): ["203.0.113.1"],
    ("mx2.big.test", "A"): ["203.0.113.3"],
    ("hosts.test", "TXT"): ["v=spf1 a:out.hosts.test -all"],
    ("out.hosts.test", "A"): ["192.0.2.7"],
    ("out.hosts.test", "AAAA"): ["2001:db8:2::7"],
    ("plain.test", "TXT"): ["v=spf1 ip4:198.51.100.0/24 -all"],
}
RULES = [
    "192.0.2.7/32\tpermit",
    "198.18.0.0/15\tpermit",
    "198.51.100.0/24\tpermit",
    "203.0.113.1/32\tpermit",
    "203.0.113.3/32\tpermit",
    "2001:db8:1::/48\tpermit",
    "2001:db8:2::7/128\tpermit",
]

STATE = "state.json"
REPORT = "report.json"
TEMPORARY = ".spfwhite-new"
"""How the names of temporary files end."""


@dataclass(frozen=True, slots=True)
class Site:
    """A folder, its overlay, and the server that the overlay names."""

    folder: Path
    server: DnsServer
    config: Path

    @property
    def table(self) -> Path:
        """The allow table."""
        return self.folder / TABLE

    @property
    def state(self) -> Path:
        """The state."""
        return self.folder / STATE

    @property
    def arguments(self) -> tuple[str, ...]:
        """What the command line of a run begins with."""
        return "-c", str(self.config), "generate"

    def generate(self, *options: str | Path, env: Mapping[str, str] | None = None) -> Finished:
        """Run the program."""
        return spfwhite(*self.arguments, *options, env=env)

    def reported(self, *options: str | Path) -> tuple[Finished, Any]:
        """Run the program with `-v` and `--report`; return how it ended and the report."""
        report = self.folder / REPORT
        done = spfwhite("-c", self.config, "-v", "generate", *options, "--report", report)
        return done, self.report()

    def report(self) -> Any:
        """Return the report that a run wrote to `REPORT`."""
        return json.loads((self.folder / REPORT).read_bytes())

    def rules(self) -> list[str]:
        """Return the rules of the table."""
        return rules(self.table.read_bytes())

    def seen(self, question: str) -> float:
        """Return when the state last saw an answer to a question, in seconds since the epoch."""
        return float(json.loads(self.state.read_bytes())["known"][question]["seen"])

    def age(self, *, days: float) -> None:
        """Make the last run one of some days earlier: every time in the state."""
        state = json.loads(self.state.read_bytes())
        self.state.write_text(json.dumps(_earlier(state, days * 86_400)))

    def temporary_files(self) -> list[Path]:
        """Return the temporary files anywhere in the folder."""
        return [path for path in self.folder.rglob("*") if path.name.endswith(TEMPORARY)]


def hand_over(made: Site, user: int) -> Site:
    """Return the site with its files in a folder of that user's; the overlay stays root's."""
    folder = made.folder / "theirs"
    folder.mkdir(mode=0o755)
    text = made.config.read_text()
    for name in (TABLE, "reject.cidr", STATE, f"{STATE}.lock"):
        text = text.replace(f'"{name}"', f'"{folder.name}/{name}"')
        if (made.folder / name).exists():
            (made.folder / name).rename(folder / name)
    made.config.write_text(text)
    for path in (folder, *folder.iterdir()):
        os.chown(path, user, user)
    return replace(made, folder=folder)


def _earlier(data: Any, seconds: float) -> Any:
    """Return JSON data with all times earlier; no other number of a state is so large."""
    if isinstance(data, dict):
        return {key: _earlier(value, seconds) for key, value in data.items()}
    if isinstance(data, list):
        return [_earlier(value, seconds) for value in data]
    return data - seconds if isinstance(data, float) and data > 1e9 else data


@contextmanager
def site(
    folder: Path,
    records: Records = RECORDS,
    providers: Mapping[str, Sequence[str]] | None = None,
    *,
    attempts: int = 4,
    more: str = "",
) -> Iterator[Site]:
    """Yield a site whose server is up and whose program has not run yet."""
    with DnsServer(Zone(records)) as server:
        config = overlay(
            folder, providers or PROVIDERS, server=server, attempts=attempts, more=more
        )
        yield Site(folder, server, config)


def provider(report: Any, name: str) -> Any:
    """Return what a report says of one provider."""
    return next(each for each in report["providers"] if each["name"] == name)
