"""What several test modules share: a DNS server, a fresh site, and Hypothesis without a clock."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.dnsserver import DnsServer, Zone
from tests.site import Site, site

settings.register_profile("suite", deadline=None)  # no test asserts a time
settings.load_profile("suite")


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
