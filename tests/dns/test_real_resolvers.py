"""The name servers that people have, each in Debian's default configuration.

What a server did before somebody changed it is told in `test_real_resolver_faults.py`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cli import TABLE, WORLD, overlay, rules, spfwhite, world_providers
from tests.support.dnsserver import DnsServer, Zone
from tests.support.internet import BIG, Internet, big
from tests.support.postfix_instance import unless
from tests.support.resolvers import RESOLVERS, missing, running

pytestmark = pytest.mark.slow

of_each = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=unless(missing(name)), id=name) for name in RESOLVERS]
)
FEW = 1.05
"""Of a hundred packets five may be sent again, since the machine may have other things to do."""


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], int]:
    """Return the rules of the frozen world, and how many questions, by the tests' own server."""
    folder = tmp_path_factory.mktemp("reference")
    with DnsServer(Zone.from_file(WORLD / "world.zone")) as server:
        path = overlay(folder, world_providers(), server=server, more="[postfix]\nverify = false")
        spfwhite("-c", path, "generate")
        return rules((folder / TABLE).read_text()), len(server.count())


@of_each
def test_the_world_is_the_same_through_each(
    name: str, net: Internet, reference: tuple[list[str], int], tmp_path: Path
) -> None:
    """In the first run, and in a second one that asks all it remembers at once."""
    expected, questions = reference
    at = RESOLVERS[name].address
    with net.authorities.delayed(20), running(*net, name):
        runs = [net.run(tmp_path, world_providers(), at) for _ in range(2)]
    for run in runs:
        assert run.rules == expected, run.said
        assert questions <= run.counted.asked - run.counted.refused <= questions * FEW
        assert run.counted.dropped == 0


@of_each
def test_answers_that_are_all_truncated_come_over_few_connections(
    name: str, net: Internet, tmp_path: Path
) -> None:
    at = RESOLVERS[name].address
    with net.authorities.delayed(20), running(*net, name):
        runs = [net.run(tmp_path, big(), at) for _ in range(2)]  # a server must survive the first
    for run in runs:
        assert run.code == 0, run.said
        assert len(run.rules) == BIG
        assert run.counted.connections <= BIG * FEW
