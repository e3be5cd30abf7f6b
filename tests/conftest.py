"""What all test modules share: the launcher, a DNS server, a fresh site, and no clock."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.dnsserver import DnsServer, Zone
from tests.launcher import LAUNCHER, Launcher
from tests.site import Site, site

settings.register_profile("suite", deadline=None)  # no test asserts a time
settings.load_profile("suite")


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
