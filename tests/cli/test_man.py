"""The manual pages, the help and the completion say what the program and its settings have."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sysconfig
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from spfwhite.cli.main import main
from spfwhite.config.settings import SETTINGS, ProviderKeys, rules_of
from spfwhite.errors import Exit
from tests.support import commands
from tests.support.cli import spfwhite

ROOT = Path(__file__).parents[2]
MAN = ROOT / "contrib" / "man"
PAGES = [MAN / "spfwhite.1", MAN / "spfwhite-providers.toml.5"]
COMMANDS, SETTINGS_PAGE = (page.read_text() for page in PAGES)
PACKAGED: dict[str, Any] = tomllib.loads((ROOT / "providers.toml").read_text())

HELP = {"-h", "--help"}
"""Click gives them to every command; the page says so once."""

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
each_command = pytest.mark.parametrize("name", sorted(commands.EVERY))


def sections(page: str, macro: str) -> dict[str, list[str]]:
    """Return the lines below each heading of a kind (`Sh`, `Ss`), by its first word."""
    found: dict[str, list[str]] = {}
    lines: list[str] | None = None
    for line in page.splitlines():
        if line.startswith((".Sh ", f".{macro} ")):
            name = line.split()[1].removesuffix("\\&")
            lines = found.setdefault(name, []) if line.startswith(f".{macro} ") else None
        elif lines is not None:
            lines.append(line)
    return found


def flags(lines: list[str], *, items: bool) -> set[str]:
    """Return the options that lines name, in the heads of lists only or anywhere."""
    chosen = [line for line in lines if line.startswith(".It ") or not items]
    found = [flag for line in chosen for flag in re.findall(r"\bFl (-?[a-z][a-z-]*)", line)]
    return {f"-{flag}" for flag in found}


def options(command: click.Command) -> set[str]:
    """Return every spelling of every option that the help of a command has."""
    names = (
        name
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.hidden
        for name in (*parameter.opts, *parameter.secondary_opts)
    )
    return set(names) - HELP


def keys(section: str) -> dict[str, Any]:
    """Return the keys of a table in the page of settings, with the defaults it gives."""
    heads = [line for line in sections(SETTINGS_PAGE, "Ss")[section] if line.startswith(".It ")]
    pairs = "\n".join(head.removeprefix(".It Ic ").replace(" No =", " =") for head in heads)
    return tomllib.loads(pairs.replace("\\(dq", '"'))


# --- spfwhite(1) ---


def test_every_command_has_its_section_and_no_other_has_one() -> None:
    assert sections(COMMANDS, "Ss").keys() == commands.EVERY.keys()


@each_command
def test_a_command_has_its_options_and_no_others(name: str) -> None:
    assert flags(sections(COMMANDS, "Ss")[name], items=True) == options(commands.EVERY[name])


def test_the_options_before_the_command_are_there_and_no_others() -> None:
    described = sections(COMMANDS, "Sh")["DESCRIPTION"]
    assert flags(described, items=True) - HELP == options(main)
    assert flags(described, items=True) >= HELP


def test_no_option_is_named_anywhere_that_does_not_exist() -> None:
    known = HELP.union(options(main), *(options(each) for each in commands.EVERY.values()))
    named = flags(COMMANDS.splitlines(), items=False)
    assert named <= known | {"-c", "-v", "-q"}
    assert len(named) > 20


def test_every_argument_is_named_as_the_help_names_it() -> None:
    heads = dict(re.findall(r"(?m)^\.Ss ([a-z]+) (?:Op )?Ar (.+)$", COMMANDS))
    for name, command in commands.EVERY.items():
        arguments = [each for each in command.params if isinstance(each, click.Argument)]
        assert bool(arguments) is (name in heads), name
        for argument in arguments:
            word = re.split(r"[.|]", (argument.metavar or "").strip("[]"))[0]
            assert word in heads[name]


def exit_codes(lines: list[str]) -> dict[int, str]:
    """Return the meaning of each code that a list of the page gives."""
    found: dict[int, str] = {}
    code = None
    for line in lines:
        if item := re.fullmatch(r"\.It ([0-9])", line):
            code = int(item[1])
            found[code] = ""
        elif line.startswith(".El"):
            code = None
        elif code is not None:
            found[code] = f"{found[code]} {line}".strip()
    return found


def test_the_exit_codes_are_those_of_the_program() -> None:
    page = exit_codes(next(iter(v for k, v in sections(COMMANDS, "Sh").items() if k == "EXIT")))
    assert page.keys() == {int(code) for code in Exit}
    assert all(page.values())


def examples() -> Iterator[str]:
    for block in re.findall(r"(?ms)^\.Bd -literal -offset indent\n(.*?)^\.Ed$", COMMANDS):
        yield from block.splitlines()
    yield from re.findall(r"(?m)^\.Dl (.+)$", COMMANDS)


def test_the_examples_are_command_lines_that_parse() -> None:
    found = list(examples())
    assert len(found) >= 5
    for line in found:
        program, name, *arguments = line.split()
        assert program == "spfwhite"
        commands.EVERY[name].make_context(name, arguments, resilient_parsing=False)


# --- spfwhite-providers.toml(5) ---


@pytest.mark.parametrize("table", sorted(SETTINGS))
def test_every_key_of_a_table_is_there_with_its_default(table: str) -> None:
    assert keys(f"[{table}]").keys() == rules_of(SETTINGS[table]).keys()
    assert keys(f"[{table}]") == PACKAGED[table]


@pytest.mark.parametrize("table", ["categories", "provider_defaults"])
def test_categories_and_providers_are_there_with_their_defaults(table: str) -> None:
    assert keys(f"[{table}]") == PACKAGED[table]


def test_every_key_of_a_provider_is_there() -> None:
    assert keys("[provider_defaults]").keys() == rules_of(ProviderKeys).keys()


def test_every_table_is_there_and_no_other() -> None:
    tables = {name for name, value in PACKAGED.items() if isinstance(value, dict)} - {"providers"}
    assert {name.strip("[]") for name in sections(SETTINGS_PAGE, "Ss")} == tables


def test_the_key_at_the_head_is_there() -> None:
    heads = {name for name, value in PACKAGED.items() if not isinstance(value, dict)}
    described = "\n".join(sections(SETTINGS_PAGE, "Sh")["DESCRIPTION"])
    assert set(re.findall(r"(?m)^\.It Ic (\w+) No = ", described)) == heads
    assert ".It Ic defaults No = true" in described
    assert PACKAGED["defaults"] is True


def test_the_example_is_a_configuration(tmp_path: Path) -> None:
    (example,) = re.findall(r"(?ms)^\.Bd -literal\n(.*?)^\.Ed$", SETTINGS_PAGE)
    overlay = tmp_path / "overlay.toml"
    own = f'[state]\npath = "{tmp_path}/state.json"\n'
    overlay.write_text(example.replace("2027-01-31", "2999-01-31") + own)
    done = spfwhite("-c", overlay, "providers")
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no state" in done.stderr  # which is looked for once all else is well


# --- as manual pages ---


@each_page
def test_mandoc_finds_no_fault(page: Path) -> None:
    mandoc = shutil.which("mandoc")
    if mandoc is None:
        pytest.skip("mandoc is not installed")
    done = subprocess.run(
        [mandoc, "-T", "lint", "-W", "warning", page],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


@each_page
def test_groff_warns_of_nothing(page: Path) -> None:
    groff = shutil.which("groff")
    if groff is None:
        pytest.skip("groff is not installed")
    done = subprocess.run(
        [groff, "-mandoc", "-ww", "-z", "-T", "utf8", page],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@each_page
def test_a_page_names_itself_and_the_other(page: Path) -> None:
    text = page.read_text()
    name, _, section = page.name.rpartition(".")
    assert f"\n.Dt {name.upper()} {section}\n" in text
    assert f"\n.Nm {name}\n" in text
    (other,) = [each for each in PAGES if each != page]
    assert f".Xr {other.name[:-2]} {other.name[-1]}" in text
    assert text.isascii()


# --- help and completion ---


@each_command
def test_the_help_of_a_command_has_an_example(name: str) -> None:
    text = commands.EVERY[name].help or ""
    assert re.search(rf"\n\s*(?:[a-z].* \| )?spfwhite (?:-\S+ )*{name}\b", text)


@each_command
def test_every_option_has_a_help_text(name: str) -> None:
    for parameter in commands.EVERY[name].params:
        assert not isinstance(parameter, click.Option) or parameter.help, parameter.name


def installed(env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the program by the name that it is installed under, which completion goes by."""
    program = Path(sysconfig.get_path("scripts"), "spfwhite")
    return subprocess.run(
        [program], env=os.environ | env, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_and_the_readme_has_its_line(shell: str) -> None:
    done = installed({"_SPFWHITE_COMPLETE": f"{shell}_source"})
    assert (done.returncode, done.stderr) == (0, "")
    assert f"_SPFWHITE_COMPLETE={shell}_complete" in done.stdout
    assert f"_SPFWHITE_COMPLETE={shell}_source spfwhite" in (MAN.parent / "README.md").read_text()


def completed(*words: str) -> set[str]:
    """Return what bash would offer for the last word."""
    line = " ".join(["spfwhite", *words])
    env = {"COMP_WORDS": line, "COMP_CWORD": str(len(words)), "_SPFWHITE_COMPLETE": "bash_complete"}
    done = installed(env)
    assert done.returncode == 0, done.stderr
    return {entry.partition(",")[2] for entry in done.stdout.splitlines()}


@pytest.mark.parametrize(
    "words", [("generate", "--accept"), ("generate", "--only"), ("remove",), ("providers", "x")]
)
def test_completion_offers_the_names_of_providers(words: tuple[str, ...]) -> None:
    assert completed(*words, "goog") == {"google"}


def test_completion_offers_commands_options_and_choices() -> None:
    assert completed("") == commands.EVERY.keys()
    assert completed("ex") == {"explain"}
    assert completed("generate", "--dry") == {"--dry-run"}
    assert completed("show", "--format", "") == {"tree", "cidr", "json"}
