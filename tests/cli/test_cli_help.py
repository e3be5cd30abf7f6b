"""What the program says of itself: help on 80 columns, the version, and how little they load."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import spfwhite as package
from spfwhite.cli import main as cli
from spfwhite.config.loading import packaged
from spfwhite.errors import Exit
from tests.support import commands
from tests.support.cli import overlay, spfwhite

COMMANDS = sorted(commands.EVERY)
MAN = Path(__file__).parents[2] / "contrib" / "man" / "spfwhite.1"
HELPS = [["--help"], *([command, "--help"] for command in COMMANDS)]


def loaded(*arguments: str) -> set[str]:
    """Return the modules that a run of the program imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "spfwhite", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    lines = (line for line in done.stderr.splitlines() if line.startswith("import time:"))
    return {line.rpartition("|")[2].strip() for line in lines}


def test_the_list_of_commands_has_the_first_sentence_of_each_ones_help() -> None:
    first = {n: each.get_short_help_str(200).rstrip(".") for n, each in commands.EVERY.items()}
    assert {name: text.rstrip(".") for name, text in cli.COMMANDS.items()} == first


def test_the_list_of_commands_loads_none() -> None:
    modules = loaded("--help")
    assert "spfwhite.cli.main" in modules
    assert not modules & {f"spfwhite.cli.{cli.module_name(command)}" for command in COMMANDS}


@pytest.mark.parametrize(("columns", "most"), [("", 80), ("40", 80), ("80", 80), ("200", 200)])
@pytest.mark.parametrize("arguments", HELPS, ids=" ".join)
def test_help_is_as_wide_as_the_terminal(arguments: list[str], columns: str, most: int) -> None:
    done = spfwhite(*arguments, env={"COLUMNS": columns} if columns else {})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: ")
    assert max(map(len, done.stdout.splitlines())) <= most
    if columns == "200" and "Exit codes" in done.stdout:
        assert max(map(len, done.stdout.splitlines())) > 120


def test_the_line_of_each_command_is_short() -> None:
    assert max(map(len, cli.COMMANDS.values())) <= 60


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["genrate"], "did you mean generate?"),
        (["provider"], "did you mean providers?"),
        (["generate", "--acept", "x"], "--accept"),
        (["generate", "--accept", "gogle"], "did you mean google?"),
        (["generate", "--only", "Google"], "did you mean google?"),
    ],
)
def test_a_typing_error_is_answered_with_what_was_meant(
    arguments: list[str], meant: str, tmp_path: Path
) -> None:
    done = spfwhite("-c", overlay(tmp_path, {"google": ["google.com"]}), *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert meant in done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_each_command_has_an_example(command: str) -> None:
    assert f"\n  spfwhite {command}" in spfwhite(command, "--help").stdout


def test_the_help_says_what_the_exit_codes_mean() -> None:
    said = " ".join(spfwhite("--help").stdout.split())
    for code in ("0 table current or written", "1 error", "2 usage", "3 written", "4 refused"):
        assert code in said
    assert all(re.search(rf"\b{int(code)} [a-z]", said) for code in Exit)


def test_the_help_of_providers_explains_the_words_that_only_it_uses() -> None:
    said = " ".join(spfwhite("providers", "--help").stdout.split())
    assert "empty: it has never passed an address on this host" in said
    assert "alone: IPv4 addresses that only this provider adds" in said


@pytest.mark.parametrize("arguments", HELPS, ids=" ".join)
def test_short_and_long_help_are_the_same(arguments: list[str]) -> None:
    assert spfwhite(*arguments[:-1], "-h").stdout == spfwhite(*arguments).stdout


def test_the_version_is_the_packages() -> None:
    done = spfwhite("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"spfwhite, version {package.__version__}\n"


@pytest.mark.parametrize("arguments", [*HELPS, ["--version"]], ids=" ".join)
def test_help_and_version_load_neither_dnspython_nor_httpx(arguments: list[str]) -> None:
    packages = {module.partition(".")[0] for module in loaded(*arguments)}
    assert "click" in packages  # or nothing was measured
    assert not packages & {"dns", "httpx", "netaddr", "asyncio"}


def test_an_unknown_command_is_a_usage_error() -> None:
    done = spfwhite("generat")
    assert (done.returncode, done.stdout) == (2, "")
    assert "generat" in done.stderr


def test_the_default_of_the_deadline_is_the_one_of_the_settings() -> None:
    seconds = f"{packaged().tables['dns']['deadline']:g}"
    for command in ("generate", "show", "add", "suggest"):
        said = " ".join(spfwhite(command, "--help").stdout.split())
        assert f"without it DNS has dns.deadline, {seconds}" in said


def test_exit_code_3_is_told_in_the_words_of_the_man_page() -> None:
    said = " ".join(spfwhite("--help").stdout.split())
    assert "3 written or current, and a trouble is news, 4 refused" in said
    assert "Written or current, and a trouble is news: " in MAN.read_text()
