"""What all test modules share: the launcher, a DNS server, a fresh site, and no clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.dnsserver import DnsServer, Zone
from tests.support.launcher import LAUNCHER, Launcher
from tests.support.site import Site, site

settings.register_profile("suite", deadline=None)  # no test asserts a time
settings.load_profile("suite")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line how many tests were skipped, and why."""
    reports = terminalreporter.getreports("skipped")
    if reports:
        reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in reports)
        counts = ", ".join(f"{reason}: {count}" for reason, count in reasons.most_common())
        terminalreporter.write_line(f"skipped: {len(reports)} ({counts})")


@pytest.fixture(scope="session", autouse=True)
def launcher() -> Iterator[Launcher]:
    """Return what starts the program as a forked process, and end it after the last test."""
    with LAUNCHER:
        yield LAUNCHER


@pytest.fixture
def dns_server() -> Iterator[DnsServer]:
    """Return a server on loopback whose zone is empty."""
    with DnsServer(Zone()) as server:
        yield server


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Site]:
    """Return a site that has not run yet."""
    with site(tmp_path, attempts=1) as made:
        yield made
