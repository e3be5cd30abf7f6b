"""A state that cannot be used: said even in a pipe, kept for inspection, and the run goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import listing
from tests.support.dnsserver import Fault
from tests.support.site import RULES, Site, provider, site

YEAR = 365 * 86_400.0
OTHERS = b'{"format": "somebody-elses", "version": 1, "known": {}}\n'


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Site]:
    """Return a site with the table and state of one good run."""
    with site(tmp_path, attempts=1) as made:
        assert made.generate().returncode == 0
        yield made


def edited(content: bytes, **keys: object) -> bytes:
    """Return a state with some keys of its own replaced."""
    return json.dumps(json.loads(content) | keys).encode()


BAD: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "truncated": lambda content: content[: len(content) // 2],
    "without its last octet but one": lambda content: content[:-2],
    "garbage": lambda _: bytes(range(256)) * 16,
    "zeros": lambda content: bytes(len(content)),
    "a list": lambda _: b"[]\n",
    "nested too deeply": lambda _: b"[" * 100_000,
    "somebody else's": lambda _: OTHERS,
    "of the future": lambda content: edited(content, version=3),
    "of no version": lambda content: edited(content, version=None),
    "without what was accepted": lambda content: edited(content, accepted=None),
    "with a network of no kind": lambda content: content.replace(b"198.18.0.0/16", b"198.18.0/16"),
    "with a time that is none": lambda content: edited(content, written="yesterday"),
    "with a path that is none": lambda content: content.replace(b"table.cidr", b"t\\u0000.cidr"),
    "with a bad address": lambda content: content.replace(b'"203.0.113.1"', b'"203.0.113"'),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_state_is_said_and_kept_and_the_run_goes_on(kind: str, made: Site) -> None:
    bad = BAD[kind](made.state.read_bytes())
    assert bad != made.state.read_bytes()
    made.state.write_bytes(bad)
    before = listing(made.folder)[made.table.name]
    done = made.generate()
    assert (done.returncode, done.stdout) == (0, "")
    assert str(made.state) in done.stderr
    assert made.state.with_name("state.json.bad").read_bytes() == bad
    assert listing(made.folder)[made.table.name] == before
    done = made.generate()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_folder_whose_name_is_no_text_loses_no_state(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    folder.mkdir()
    with site(folder) as made:
        for _ in range(2):
            done = made.generate()
            assert (done.returncode, done.stderr) == (0, "")
        assert not made.state.with_name("state.json.bad").exists()


def test_the_place_where_a_bad_state_is_kept_is_said_whole(made: Site) -> None:
    made.state.write_bytes(BAD["with a bad address"](made.state.read_bytes()))
    assert f"{made.state}.bad" in made.generate().stderr


def test_a_bad_state_is_in_the_report_with_why(made: Site) -> None:
    made.state.write_bytes(OTHERS)
    _, report = made.reported()
    (notice,) = report["notices"]
    assert "is not a state of spfwhite" in notice


def test_a_state_of_the_future_names_its_version(made: Site) -> None:
    made.state.write_bytes(edited(made.state.read_bytes(), version=7))
    assert "version '7', not 2, by a newer spfwhite" in made.generate().stderr


def test_a_state_of_no_version_is_of_no_newer_one(made: Site) -> None:
    made.state.write_bytes(BAD["of no version"](made.state.read_bytes()))
    assert "version 'None', not 2:" in made.generate().stderr


@pytest.mark.parametrize("options", [["--dry-run"], ["-o", "-"]])
def test_a_run_that_writes_no_state_leaves_a_bad_one_in_place(
    options: list[str], made: Site
) -> None:
    made.state.write_bytes(OTHERS)
    before = listing(made.folder)
    done = made.generate(*options)
    assert done.returncode == 0
    assert str(made.state) in done.stderr
    assert listing(made.folder) == before


@pytest.mark.parametrize("options", [["--offline"], ["--only", "big"]])
def test_what_needs_a_state_is_exit_2_with_a_bad_one_and_leaves_the_table(
    options: list[str], made: Site
) -> None:
    made.state.write_bytes(OTHERS)
    done = made.generate(*options)
    assert (done.returncode, done.stdout) == (2, "")
    assert options[0] in done.stderr
    assert made.rules() == RULES


@pytest.mark.parametrize("option", ["--offline", "--only=big"])
def test_what_needs_a_state_says_that_there_is_a_bad_one(option: str, made: Site) -> None:
    made.state.write_bytes(OTHERS)
    assert "is not a state of spfwhite" in made.generate(option).stderr


def shifted(data: Any, seconds: float) -> Any:
    """Return a state in which everything, that is every number with a fraction, happened later."""
    if isinstance(data, float):
        return data + seconds
    if isinstance(data, list):
        return [shifted(each, seconds) for each in data]
    if isinstance(data, dict):
        return {key: shifted(value, seconds) for key, value in data.items()}
    return data


@pytest.fixture
def from_the_future(made: Site) -> Site:
    """Return the site after its clock was set back by a year."""
    data = json.loads(made.state.read_bytes())
    now = data["written"]
    data = shifted(data, YEAR)
    assert data["known"]["big.test TXT"]["seen"] == data["written"] == now + YEAR
    made.state.write_bytes(json.dumps(data).encode())
    return made


def test_after_the_clock_was_set_back_a_run_is_as_any_other(from_the_future: Site) -> None:
    made = from_the_future
    before = listing(made.folder)[made.table.name]
    done = made.generate()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert listing(made.folder)[made.table.name] == before
    made.server.zone.set("plain.test", "TXT", ["v=spf1 ip4:198.51.100.0/25 -all"])
    assert made.generate().returncode == 0
    assert "198.51.100.0/25\tpermit" in made.rules()


def test_after_the_clock_was_set_back_failing_queries_lose_nothing(from_the_future: Site) -> None:
    made = from_the_future
    made.server.faults[""] = Fault("servfail")
    done, report = made.reported()
    assert made.rules() == RULES
    assert "SERVFAIL" in provider(report, "big")["stale"]["reason"]
    assert "Traceback" not in done.stderr
