"""The 29,700 names of a large sender: each asked for once, in little memory, and resumable."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from spfwhite.config.patterns import expand
from spfwhite.networks import Networks
from tests.support.cli import TABLE, overlay, rules
from tests.support.dnsserver import DnsServer, Zone
from tests.support.dnszone import Records
from tests.support.site import REPORT

pytestmark = pytest.mark.slow

PATTERN = "{1..99}.mo{1..300}.mail-out.ovh.net"
PROVIDER = f'[providers.ovh]\nhosts = ["{PATTERN}"]'
NAMES = expand(PATTERN)
MOST_KIB = 150 * 1024

MEASURE = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(json.dumps([done.returncode, done.stdout, done.stderr, peak]))
"""
"""Starts a program from a small process: what forks off a large one has its peak from the start."""

RECORDS: Records = {
    **{
        (name, "A"): [f"51.{n >> 16}.{n >> 8 & 255}.{n & 255}"] for n, name in enumerate(NAMES[::8])
    },
    **{(name, "AAAA"): [f"2001:41d0:{n:x}::1"] for n, name in enumerate(NAMES[::64])},
    ("9.mo9.mail-out.ovh.net", "TXT"): ["exists, and has no address"],
}


@dataclass(frozen=True, slots=True)
class Ran:
    """A run of the whole pattern: how it ended, its peak in KiB, its report, what was asked."""

    code: int
    output: str
    peak: int
    report: Any
    asked: set[tuple[str, str]]
    table: list[str]


def run(config: Path, server: DnsServer) -> Ran:
    server.reset()
    program = [sys.executable, "-m", "spfwhite", "-c", str(config), "generate"]
    report = config.with_name(REPORT)
    measured = subprocess.run(
        [sys.executable, "-c", MEASURE, *program, "--report", report],
        stdout=subprocess.PIPE,
        check=True,
    )
    code, out, err, peak = json.loads(measured.stdout)
    table = rules((config.parent / TABLE).read_bytes())
    said = json.loads(report.read_bytes())
    return Ran(code, out + err, peak, said, set(server.count()), table)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ran, Ran]]:
    """Return a first run and the next one, a moment later."""
    folder = tmp_path_factory.mktemp("ovh")
    with DnsServer(Zone(RECORDS)) as server:
        config = overlay(folder, {}, server=server, more=PROVIDER)
        yield run(config, server), run(config, server)


def test_each_name_is_asked_for_and_a_missing_one_for_one_type_only(runs: tuple[Ran, Ran]) -> None:
    there = {name for name, _ in RECORDS}
    expected = {(name, "A") for name in NAMES} | {(name, "AAAA") for name in there}
    assert len(NAMES) == 29_700
    assert runs[0].asked == expected


def test_no_question_is_asked_twice(tmp_path: Path) -> None:
    with DnsServer(Zone(RECORDS)) as server:
        # one attempt: a machine that stops for longer than an answer may take sends nothing again
        run(overlay(tmp_path, {}, server=server, attempts=1, more=PROVIDER), server)
        counts = server.count()
    assert len(counts) >= len(NAMES)
    assert set(counts.values()) == {1}


def test_the_table_holds_all_their_addresses(runs: tuple[Ran, Ran]) -> None:
    values = [value[0] for (_, rrtype), value in RECORDS.items() if rrtype != "TXT"]
    expected = Networks.parse(str(value) for value in values)
    assert runs[0].table == [f"{text}\tpermit" for text in expected.texts()]


def test_names_that_do_not_exist_are_neither_failures_nor_problems(runs: tuple[Ran, Ran]) -> None:
    first = runs[0]
    (ovh,) = first.report["providers"]
    assert (first.code, first.output) == (0, "")
    assert (ovh["status"], ovh["problems"]) == ("ok", [])
    assert first.report["questions"] == {"asked": len(first.asked), "failed": 0}


def test_the_next_run_asks_nothing_and_changes_nothing(runs: tuple[Ran, Ran]) -> None:
    first, second = runs
    assert second.asked == set()
    assert (second.code, second.output, second.report["outcome"]) == (0, "", "current")
    assert second.table == first.table
    assert second.report["providers"][0]["status"] == "ok"


@pytest.mark.parametrize("turn", [0, 1], ids=["asking", "remembering"])
def test_a_run_stays_under_150_mib(turn: int, runs: tuple[Ran, Ran]) -> None:
    assert 10 * 1024 < runs[turn].peak < MOST_KIB
