"""The check of the default list: each finding, and the command over a loopback world."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from spfwhite.config.loading import load
from tests.live.findings import Known, domains, findings, known
from tests.support.cli import WORLD
from tests.support.dnsserver import DnsServer, Zone
from tests.support.nights import configured
from tests.support.oracle import TEMPFAIL
from tests.support.zones import Snapshot

ROOT = Path(__file__).parents[2]
NOTHING = Known({}, set())
PROVIDERS = {"one": ["one.test"], "two": ["two.test"]}
WHOLE = {
    "one": "v=spf1 ip4:192.0.2.0/25 include:own.test -all",
    "own": "v=spf1 ip4:192.0.2.128/25 -all",
    "two": "v=spf1 ip4:198.51.100.0/24 -all",
}


def found(known: Known = NOTHING, **texts: str) -> list[str]:
    """Return the findings where some of the records are others; "": there is none."""
    zone: dict[tuple[str, str], tuple[str, ...] | str] = {
        (f"{name}.test", "TXT"): TEMPFAIL if text == TEMPFAIL else (text,)
        for name, text in (WHOLE | texts).items()
        if text
    }
    return findings(configured(PROVIDERS), Snapshot(zone), known)


def test_a_list_in_order_has_no_finding() -> None:
    assert found() == []


def test_a_domain_without_a_record_is_gone() -> None:
    (line,) = found(two="")
    assert line.startswith("two.test (two): gone: ")


def test_a_domain_that_lists_nothing_is_gone() -> None:
    (line,) = found(two="v=spf1 -all")
    assert line == "two.test (two): gone: the SPF record passes no address"


def test_a_domain_that_is_not_answered_is_no_gone_one() -> None:
    (line,) = found(two=TEMPFAIL)
    assert line.startswith("two.test (two): not answered: ")


def test_a_domain_that_decides_by_the_client_is_undecidable() -> None:
    assert found(two="v=spf1 exists:%{i}.two.test -all") == [
        "two.test (two): undecidable: exists:%{i}.two.test"
    ]


def test_an_undecidable_term_beside_others_is_no_finding() -> None:
    assert found(two="v=spf1 ip4:198.51.100.0/24 exists:%{i}.two.test -all") == []


def test_a_domain_of_which_others_list_all_is_redundant() -> None:
    wide = "v=spf1 ip4:192.0.0.0/16 ip4:198.51.100.0/24 -all"
    redundant = "one.test (one): redundant: others list all that it does"
    assert found(two=wide) == [redundant]
    assert found(Known({}, {"one.test"}), two=wide) == []


def test_a_provider_that_includes_another_is_told_and_makes_it_not_redundant() -> None:
    includes = "v=spf1 ip4:198.51.100.0/24 include:one.test -all"
    assert found(two=includes) == ["two: newly includes one"]
    assert found(Known({"two": {"one"}}, set()), two=includes) == []


def test_what_includes_nothing_but_others_is_redundant() -> None:
    assert found(two="v=spf1 include:one.test -all") == [
        "two.test (two): redundant: others list all that it does",
        "two: newly includes one",
    ]


def test_a_term_that_is_too_wide_is_told() -> None:
    assert found(two="v=spf1 ip4:198.51.100.0/24 ip4:64.0.0.0/8 -all") == [
        "two.test (two): too wide: ip4:64.0.0.0/8 of two.test"
    ]


# --- the command ---


def whole_world() -> Zone:
    """Return the recorded world, with a record of its own for each default domain it lacks."""
    lines = (WORLD / "world.zone").read_text()
    has = {line.partition(". IN TXT ")[0] for line in lines.splitlines()}
    for number, name in enumerate(domains(load(system=Path("/nonexistent")))):
        if name not in has:
            lines += f'{name}. IN TXT "v=spf1 ip4:203.0.113.{number} -all"\n'
    return Zone.from_text(lines)


@pytest.fixture
def server() -> Iterator[DnsServer]:
    with DnsServer(whole_world()) as server:
        yield server


def command(server: DnsServer) -> tuple[int, list[str], str]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.live", "--nameserver", server.address],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout.splitlines(), done.stderr


def test_the_command_asks_every_default_domain_and_exits_with_0(server: DnsServer) -> None:
    code, lines, said = command(server)
    assert (code, lines) == (0, []), lines
    wanted = domains(load(system=Path("/nonexistent")))
    assert said == f"{len(wanted)} default domains asked, 0 findings\n"
    assert {(name, "TXT") for name in wanted} <= set(server.count())


def test_the_command_names_what_is_wrong_and_exits_with_1(server: DnsServer) -> None:
    server.zone.set("sendgrid.net", "TXT", [])
    code, lines, _ = command(server)
    assert code == 1
    assert any(line.startswith("sendgrid.net (sendgrid): gone: ") for line in lines)


def test_what_is_known_is_about_default_providers_and_domains() -> None:
    config = load(system=Path("/nonexistent"))
    names: set[str] = {each.name for each in config.providers}
    others: Mapping[str, set[str]] = known().includes
    assert others.keys() | set().union(*others.values()) <= names
    assert known().redundant <= set(domains(config))
