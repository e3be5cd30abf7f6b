"""`explain` and `providers` as a user starts them, after real runs; and `--metrics`."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import Finished, listing, overlay, spfwhite
from tests.support.site import PROVIDERS, Site, site

ASKING_NOBODY = [["explain", "192.0.2.7"], ["providers"]]


@contextmanager
def after_a_run(folder: Path) -> Iterator[Site]:
    """Yield a site after its first run; what the server is asked from now on is counted."""
    with site(folder) as made:
        assert made.generate().returncode == 0
        made.server.reset()
        yield made


@pytest.fixture
def ran(tmp_path: Path) -> Iterator[Site]:
    """Return a site after its first run."""
    with after_a_run(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return a site after its first run, for tests that change nothing."""
    with after_a_run(tmp_path_factory.mktemp("still")) as made:
        yield made


def ask(ran: Site, *arguments: str | Path) -> Finished:
    """Run a command in the site's folder; it must neither ask nor fall over."""
    done = spfwhite("-c", ran.config, *arguments, cwd=ran.folder)
    assert "Traceback" not in done.stderr
    assert ran.server.queries == []
    return done


def data(done: Finished) -> list[Any]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def shrink(ran: Site) -> None:
    """Make the next run hold `big`."""
    ran.server.zone.set("big.test", "TXT", ["v=spf1 ip4:198.18.0.0/20 -all"])


# --- all three ---


@pytest.mark.parametrize("arguments", ASKING_NOBODY, ids=" ".join)
def test_nobody_is_asked(arguments: list[str], still: Site) -> None:
    done = ask(still, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert still.server.queries == []


@pytest.mark.parametrize("arguments", ASKING_NOBODY, ids=" ".join)
def test_neither_dnspython_nor_httpx_is_loaded(arguments: list[str], still: Site) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "spfwhite", "-c", still.config, *arguments],
        capture_output=True,
        cwd=still.folder,
        text=True,
        timeout=60,
        check=True,
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    packages = {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}
    assert "click" in packages  # or nothing was measured
    assert not packages & {"dns", "httpx"}


@pytest.mark.parametrize("arguments", ASKING_NOBODY, ids=" ".join)
def test_no_file_is_touched(arguments: list[str], still: Site) -> None:
    before = listing(still.folder)
    ask(still, *arguments)
    assert listing(still.folder) == before


@pytest.mark.parametrize("arguments", ASKING_NOBODY, ids=" ".join)
def test_without_a_state_the_way_to_one_is_said(arguments: list[str], tmp_path: Path) -> None:
    config = overlay(tmp_path, PROVIDERS)
    done = spfwhite("-c", config, *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"`spfwhite -c {config} generate`" in done.stderr


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format": "spfwhite-state"}', b"\xff"])
@pytest.mark.parametrize("arguments", ASKING_NOBODY, ids=" ".join)
def test_a_state_that_cannot_be_read_is_an_error(
    arguments: list[str], content: bytes, ran: Site
) -> None:
    ran.state.write_bytes(content)
    done = ask(ran, *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert str(ran.state) in done.stderr
    assert ran.state.read_bytes() == content


@pytest.mark.parametrize("arguments", ASKING_NOBODY, ids=" ".join)
def test_a_bad_configuration_is_exit_2(arguments: list[str], ran: Site) -> None:
    ran.config.write_text("[output]\nalow = 1\n")
    done = ask(ran, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "output.alow" in done.stderr


# --- explain ---


@pytest.mark.parametrize(
    ("addresses", "code"),
    [
        (["192.0.2.7"], 0),
        (["192.0.2.7", "2001:db8:1::1", "198.18.0.0/15"], 0),
        (["192.0.2.8"], 1),
        (["192.0.2.7", "192.0.2.8"], 1),
        (["198.16.0.0/14"], 1),
        (["2001:db8::/47"], 1),
    ],
)
def test_the_exit_code_says_whether_all_are_covered(
    addresses: list[str], code: int, still: Site
) -> None:
    assert ask(still, "explain", *addresses).returncode == code
    assert ask(still, "explain", "--format", "json", *addresses).returncode == code


def test_a_covered_address_has_rule_term_and_chain(still: Site) -> None:
    done = ask(still, "explain", "203.0.113.3")
    assert done.stdout.splitlines() == [
        "203.0.113.3: covered",
        f"  rule 203.0.113.3/32 of {still.table}",
        "  big: mx:big.test in sub.big.test",
        "    through big.test > sub.big.test",
    ]


def test_addresses_are_explained_in_their_order(still: Site) -> None:
    addresses = ["2001:db8:2::7", "192.0.2.8", "198.51.100.0/25"]
    done = ask(still, "explain", "--format", "json", *addresses)
    first, second, third = data(done)
    assert [each["covered"] for each in (first, second, third)] == [True, False, True]
    assert first["address"] == "2001:db8:2::7"
    assert first["passing"][0]["term"] == "a:out.hosts.test"
    assert second["nearest"][0]["network"] == "192.0.2.7/32"
    assert third["rules"] == ["198.51.100.0/24"]


@pytest.mark.parametrize(
    "bad",
    ["", "x", "192.0.2", "192.0.2.1/24", "192.0.2.0/33", "2001:db8::g", "1.2.3.4\n", "\x1b[31m"],
)
def test_what_is_no_address_is_a_usage_error_in_ascii(bad: str, still: Site) -> None:
    done = ask(still, "explain", "192.0.2.7", bad)
    assert (done.returncode, done.stdout) == (2, "") or bad == "1.2.3.4\n"
    assert all(line.isprintable() for line in done.stderr.splitlines())


def test_no_address_is_a_usage_error(still: Site) -> None:
    assert ask(still, "explain").returncode == 2


def test_the_table_on_disk_is_the_truth(ran: Site) -> None:
    content = ran.table.read_text()
    ran.table.write_text(content.replace("192.0.2.7/32\tpermit\n", "203.0.113.99/32\tpermit\n"))
    gone = ask(ran, "explain", "192.0.2.7")
    assert gone.returncode == 1
    assert f"`spfwhite -c {ran.config} generate` adds it" in gone.stdout
    added = ask(ran, "explain", "203.0.113.99")
    assert added.returncode == 0
    assert "no provider passes it" in added.stdout


def test_without_a_table_the_state_says_what_it_would_hold(ran: Site) -> None:
    ran.table.unlink()
    assert ask(ran, "explain", "192.0.2.7").returncode == 0


def test_a_provider_that_was_removed_since_is_still_named(ran: Site) -> None:
    rest = {name: domains for name, domains in PROVIDERS.items() if name != "big"}
    overlay(ran.folder, rest, server=ran.server)
    done = ask(ran, "explain", "203.0.113.3")
    assert done.returncode == 0
    assert "big: mx:big.test in sub.big.test" in done.stdout
    assert "the configuration no longer says so" in done.stdout


def test_a_provider_that_was_edited_since_is_still_named(ran: Site) -> None:
    overlay(ran.folder, {**PROVIDERS, "big": ["other.test"]}, server=ran.server)
    done = ask(ran, "explain", "203.0.113.3")
    assert done.returncode == 0
    assert "big: mx:big.test in sub.big.test" in done.stdout


def test_who_covered_it_until_when_is_said_after_it_went(ran: Site) -> None:
    overlay(ran.folder, {"big": ["big.test"], "hosts": ["hosts.test"]}, server=ran.server)
    assert ran.generate().returncode == 0
    ran.server.reset()
    (found,) = data(ask(ran, "explain", "--format", "json", "198.51.100.7"))
    assert found["covered"] is False
    assert [each["provider"] for each in found["covered_until"]] == ["plain"]


# --- providers ---


def test_each_provider_has_its_line(still: Site) -> None:
    done = ask(still, "providers")
    head, *rows = done.stdout.splitlines()
    assert head.split()[:2] == ["status", "provider"]
    assert [row.split()[:2] for row in rows] == [["ok", "big"], ["ok", "hosts"], ["ok", "plain"]]


def test_providers_as_json_is_one_list(still: Site) -> None:
    rows = json.loads(ask(still, "providers", "--format", "json").stdout)
    assert [row["name"] for row in rows] == ["big", "hosts", "plain"]
    assert {row["status"] for row in rows} == {"ok"}


def test_the_line_to_copy_accepts_what_is_held(ran: Site) -> None:
    shrink(ran)
    assert ran.generate().returncode == 3
    ran.server.reset()
    done = ask(ran, "providers")
    assert done.stdout.splitlines()[1].startswith("held        big ")
    (line,) = [line for line in done.stdout.splitlines() if "generate --accept" in line]
    program, *arguments = shlex.split(line.rpartition(": ")[2])
    assert (program, arguments.pop()) == ("spfwhite", "--reload")  # there may be no Postfix
    accepted = spfwhite(*arguments)
    assert accepted.returncode == 0, accepted.stderr
    assert "198.18.0.0/20\tpermit" in ran.rules()
    assert "198.18.0.0/15\tpermit" not in ran.rules()


def test_a_configuration_with_odd_characters_is_quoted_in_the_line(ran: Site) -> None:
    shrink(ran)
    odd = ran.folder / "it's my overlay.toml"
    ran.config.rename(odd)
    spfwhite("-c", odd, "generate")
    rows = json.loads(spfwhite("-c", odd, "providers", "--format", "json").stdout)
    assert shlex.split(rows[0]["accept"])[:3] == ["spfwhite", "-c", str(odd)]
    foreign = ran.folder / os.fsdecode(b"caf\xc3\xa9 \xff.toml")
    odd.rename(foreign)
    rows = json.loads(spfwhite("-c", foreign, "providers", "--format", "json").stdout)
    script = rows[0]["accept"].replace("spfwhite", "printf '%s\\n'", 1)
    shown = subprocess.run(["bash", "-c", script], capture_output=True, check=True).stdout
    assert shown.splitlines()[1] == os.fsencode(foreign)
