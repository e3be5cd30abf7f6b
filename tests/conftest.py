"""What several test modules share: a DNS server of their own, and Hypothesis without a clock."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.dnsserver import DnsServer, Zone

settings.register_profile("suite", deadline=None)  # no test asserts a time
settings.load_profile("suite")


@pytest.fixture
def dns_server() -> Iterator[DnsServer]:
    """Return a server on loopback whose zone is empty."""
    with DnsServer(Zone()) as server:
        yield server
