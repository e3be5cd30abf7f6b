"""The whole frozen world, every group in one run of the program through a real server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import pytest

from spfwhite.networks import Networks
from spfwhite.spf.evaluation import evaluate
from spfwhite.tables.content import networks_in
from tests.support.cli import TABLE, WORLD, Finished, overlay, rules, spfwhite, world_providers
from tests.support.dnsserver import DnsServer, Zone
from tests.support.zones import Snapshot, world

pytestmark = pytest.mark.slow

DOMAINS = [domain for domains in world_providers().values() for domain in domains]


class Ran(NamedTuple):
    """A run over the whole world: its folder, what it said, and what was asked."""

    folder: Path
    config: Path
    done: Finished
    asked: set[tuple[str, str]]

    @property
    def table(self) -> bytes:
        return (self.folder / TABLE).read_bytes()


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Return a run with all domains of all groups."""
    folder = tmp_path_factory.mktemp("world")
    with DnsServer(Zone.from_file(WORLD / "world.zone")) as server:
        config = overlay(folder, world_providers(), server=server)
        done = spfwhite("-c", config, "-v", "generate", "--record", folder / "snapshot.json")
        return Ran(folder, config, done, set(server.count()))


def test_every_domain_of_every_group_is_asked_for(ran: Ran) -> None:
    assert len(DOMAINS) > 100
    for domain in DOMAINS:
        assert (domain, "TXT") in ran.asked


def test_no_question_reaches_the_server_twice(tmp_path: Path) -> None:
    with DnsServer(Zone.from_file(WORLD / "world.zone")) as server:
        # one attempt: a machine that stops for longer than an answer may take sends nothing again
        spfwhite("-c", overlay(tmp_path, world_providers(), server=server, attempts=1), "generate")
        counts = server.count()
    assert len(counts) > len(DOMAINS)
    assert set(counts.values()) == {1}


def test_what_was_recorded_is_what_was_asked(ran: Ran) -> None:
    answers = json.loads((ran.folder / "snapshot.json").read_bytes())["answers"]
    assert {tuple(key.split()) for key in answers} == ran.asked


def test_the_table_has_what_all_domains_pass_together(ran: Ran) -> None:
    evaluation = evaluate(DOMAINS, Snapshot(world()))
    assert networks_in(ran.table) == Networks.union(
        evaluation.root(domain).passed for domain in DOMAINS
    )


def test_the_run_says_which_domains_do_not_exist(ran: Ran) -> None:
    assert ran.done.returncode == 0
    said = ran.done.stdout + ran.done.stderr
    for domain in ("spfa.bigfish.com", "spfb.bigfish.com", "spfc.bigfish.com"):
        assert domain in said
    assert said.isascii()
    assert "Traceback" not in said


def test_a_replay_gives_the_same_rules(ran: Ran) -> None:
    replay = ["--replay", str(ran.folder / "snapshot.json")]
    done = spfwhite("-c", ran.config, "generate", *replay, "-o", "-")
    assert rules(done.stdout) == rules(ran.table)


def test_strict_mode_lists_a_part_of_what_list_mode_lists(ran: Ran) -> None:
    replay = ["--replay", str(ran.folder / "snapshot.json")]
    done = spfwhite("-c", ran.config, "generate", *replay, "--strict", "-o", "-")
    strict = networks_in(done.stdout.encode())
    assert strict
    assert not strict - networks_in(ran.table)
    assert strict != networks_in(ran.table)
