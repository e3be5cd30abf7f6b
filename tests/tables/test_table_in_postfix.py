"""The table of the whole world in the real Postfix: it loads in silence and answers rightly."""

from __future__ import annotations

import ipaddress
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from spfwhite.networks import Address, Networks
from spfwhite.tables.content import networks_in
from tests.support.cli import TABLE, WORLD, overlay, spfwhite, world_providers
from tests.support.dnsserver import DnsServer, Zone

Query = Callable[[Address], subprocess.CompletedProcess[str]]

POSTMAP = shutil.which("postmap", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        POSTMAP is None and os.environ.get("CI") != "true", reason="Postfix is not installed"
    ),
]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the table of all domains of the frozen world."""
    folder = tmp_path_factory.mktemp("world")
    with DnsServer(Zone.from_file(WORLD / "world.zone")) as server:
        config = overlay(folder, world_providers(), server=server)
        done = spfwhite("-c", config, "generate", "-o", folder / TABLE)
    assert done.returncode == 0, done.stderr
    return folder / TABLE


@pytest.fixture(scope="module")
def query(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Query:
    """Return a function that asks postmap, with a main.cf of its own that says nothing."""
    assert POSTMAP, "CI without Postfix: .ci/run installs it"
    folder = tmp_path_factory.mktemp("postfix")
    (folder / "main.cf").write_text("compatibility_level = 3.6\n")

    def ask(address: Address) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(POSTMAP), "-c", str(folder), "-q", str(address), f"cidr:{table}"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return ask


def ends(networks: Networks) -> Iterator[Address]:
    """Yield the first and the last address of each of some networks of both families."""
    for version in (4, 6):
        found = [network for network in networks.networks if network.version == version]
        assert len(found) > 10
        for network in (*found[:: len(found) // 5], found[-1]):
            yield from (network[0], network[-1])


def test_inside_the_networks_postfix_says_permit_and_nothing_else(
    table: Path, query: Query
) -> None:
    for address in ends(networks_in(table.read_bytes())):
        done = query(address)
        assert (done.returncode, done.stdout, done.stderr) == (0, "permit\n", ""), address


def test_beside_the_networks_postfix_says_nothing_and_exits_1(table: Path, query: Query) -> None:
    networks = networks_in(table.read_bytes())
    beside = [
        neighbour
        for address in ends(networks)
        for neighbour in (address - 1, address + 1)
        if neighbour not in networks
    ]
    assert {address.version for address in beside} == {4, 6}
    for address in beside:
        done = query(address)
        assert (done.returncode, done.stdout, done.stderr) == (1, "", ""), address


def test_a_table_of_comments_alone_loads_too(table: Path, query: Query) -> None:
    content = table.read_bytes()
    comments = b"".join(line for line in content.splitlines(keepends=True) if line[:1] == b"#")
    table.write_bytes(comments)
    try:
        done = query(ipaddress.ip_address("192.0.2.1"))
    finally:
        table.write_bytes(content)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")


def test_a_rule_that_postfix_would_skip_would_be_seen_here(table: Path, query: Query) -> None:
    content = table.read_bytes()
    table.write_bytes(content + b"2a01:111:f400:7c01::1/48\tpermit\n")
    try:
        done = query(ipaddress.ip_address("192.0.2.1"))
    finally:
        table.write_bytes(content)
    assert "warning" in done.stderr
    assert str(table) in done.stderr
