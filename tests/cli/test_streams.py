"""Every command with a standard output or standard error that is full, closed, or without reader.

Each is a process as cron or a shell starts it, with and without PYTHONUNBUFFERED, and with nothing
else in its environment: what Python has not yet written when it ends is its own matter otherwise.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import spfwhite as package
from spfwhite.cli.main import COMMANDS
from tests.support.cli import Finished, rules
from tests.support.maillines import arrival
from tests.support.site import RULES, Site, site

pytestmark = pytest.mark.slow  # each starts an interpreter

FULL, CLOSED, NO_READER = ">/dev/full", ">&-", "no reader"

SAID = {
    FULL: "spfwhite: cannot write to standard output: No space left on device\n",
    CLOSED: "spfwhite: cannot write to standard output: it is closed\n",
    NO_READER: "",
}

# a command line, with `FOLDER` for the site's, for each command
LINES = {
    "add": "add --dry-run plain.test",
    "check": "check",
    "explain": "explain 192.0.2.7",
    "generate": "generate --dry-run",
    "import": "import FOLDER/postwhite.conf",
    "providers": "providers",
    "reload": "-v reload",
    "show": "show plain.test",
    "suggest": "suggest FOLDER/mail.log",
}
FURTHER = [
    "generate -o -",
    "show --format cidr plain.test",
    "providers --format json",
    "--help",
    "generate --help",
    "--version",
    "completion",
]
PROGRAM = "import sys; sys.argv[0] = 'spfwhite'; from spfwhite.cli.main import main; main()"
"""The program by the name that it is installed under, which completion goes by."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return a site with the table and state of one good run, and what the commands read."""
    folder = tmp_path_factory.mktemp("site")
    with site(folder) as made:
        assert made.generate().returncode == 0
        (folder / "postwhite.conf").write_text("custom_hosts='a.test'\n")
        (folder / "mail.log").write_bytes(arrival("192.0.2.7", 1, "PASS NEW"))
        # not of the default providers, which `add` would refuse for a domain that they have
        with made.config.open("a") as config:
            config.write('[postfix]\nreload_command = ["true"]\n')
        own = made.config.read_text().replace('[providers.plain]\ndomains = ["plain.test"]', "")
        (folder / "without.toml").write_text(own)
        yield made


def run(made: Site, line: str, redirection: str, *, unbuffered: str = "") -> Finished:
    """Run the program with the shell's redirection, or with a pipe that nobody reads."""
    config = "without.toml" if "add" in line else made.config.name
    arguments = ["-c", str(made.folder / config), *line.replace("FOLDER", str(made.folder)).split()]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(made.folder)}
    if unbuffered:
        environment["PYTHONUNBUFFERED"] = unbuffered
    if line == "completion":
        environment["_SPFWHITE_COMPLETE"] = "zsh_source"
    shell = ["sh", "-c", '"$@"' if redirection == NO_READER else f'"$@" {redirection}', "sh"]
    reader, writer = os.pipe()
    os.close(reader)
    try:
        return subprocess.run(
            [*shell, sys.executable, "-c", PROGRAM, *arguments],
            cwd=Path(package.__file__).parents[1],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=writer if redirection == NO_READER else subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            timeout=300,
            check=False,
        )
    finally:
        os.close(writer)


def test_there_is_a_line_for_each_command() -> None:
    # `remove` writes below /etc/spfwhite only, and prints what `add` prints
    assert LINES.keys() == COMMANDS.keys() - {"remove"}


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["", "unbuffered"])
@pytest.mark.parametrize("redirection", SAID)
@pytest.mark.parametrize("line", [*LINES.values(), *FURTHER])
def test_output_that_is_lost_is_exit_1_and_a_sentence(
    line: str, redirection: str, unbuffered: str, made: Site
) -> None:
    done = run(made, line, redirection, unbuffered=unbuffered)
    # `import` says there, too, which hosts of Postwhite it carries over
    lines = done.stderr.splitlines(keepends=True)
    said = "".join(each for each in lines if "postwhite.conf: " not in each)
    assert (done.returncode, said) == (1, SAID[redirection])


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["", "unbuffered"])
@pytest.mark.parametrize(("redirection", "code"), [(FULL, 3), (CLOSED, 3), (NO_READER, 0)])
@pytest.mark.parametrize("line", ["-v generate", "-v generate -o FOLDER/another.cidr"])
def test_once_a_table_is_in_place_it_is_exit_3(
    line: str, redirection: str, code: int, unbuffered: str, made: Site
) -> None:
    another = made.folder / "another.cidr"
    another.unlink(missing_ok=True)
    done = run(made, line, redirection, unbuffered=unbuffered)
    assert (done.returncode, done.stderr) == (code, SAID[redirection])
    assert rules((another if "-o" in line else made.table).read_bytes()) == RULES


@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("generate", 0),
        ("generate --nonsense", 2),
        ("generate --only nobody", 2),
        ("generate -o FOLDER/missing/table.cidr", 1),
    ],
)
def test_what_nobody_can_be_told_keeps_its_exit_code(
    line: str, code: int, redirection: str, made: Site
) -> None:
    done = run(made, line, redirection)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")


def test_output_is_whole_where_standard_error_is_full(made: Site) -> None:
    line = LINES["import"]
    done = run(made, line, "2>/dev/full")
    assert (done.returncode, done.stdout) == (0, run(made, line, "").stdout)
    assert "a.test" in done.stdout


def test_both_full_is_the_exit_code_alone(made: Site) -> None:
    done = run(made, "show plain.test", ">/dev/full 2>&1")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
