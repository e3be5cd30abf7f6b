"""The program on a terminal of 80 columns and 24 lines, and the same command in a pipe."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest

from tests.support.cli import WORLD, overlay, spfwhite, world_providers
from tests.support.dnsserver import DnsServer, Fault, Zone
from tests.support.site import Site
from tests.support.site import site as site_of

pytestmark = pytest.mark.slow

COLUMNS, LINES = 80, 24

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
BAR = re.compile(r"asking DNS +\[[#-]+\]")

SLOW = 0.4
"""Seconds that an answer takes in a world whose run takes longer than one."""

DEEP = {
    (f"d{level}.test", "TXT"): [f"v=spf1 include:d{level + 1}.test ip4:198.51.100.{level} -all"]
    for level in range(5)
} | {("d5.test", "TXT"): ["v=spf1 ip4:198.51.100.5 -all"]}


class Shown(NamedTuple):
    """What a program wrote to the terminals that its streams were, as it wrote it."""

    returncode: int
    stdout: str
    stderr: str

    @property
    def lines(self) -> list[str]:
        """The lines of standard output without colours."""
        return plain(self.stdout).splitlines()


def plain(text: str) -> str:
    return ESCAPE.sub("", text)


def terminal(columns: int) -> tuple[int, int]:
    """Return both ends of a terminal of 24 lines."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, columns, 0, 0))
    return master, slave


class Reader:
    """Reads one end of a terminal or of a pipe until nobody holds the other one."""

    def __init__(self, end: int) -> None:
        self._end = end
        self._parts: list[bytes] = []
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        while True:
            try:
                part = os.read(self._end, 65_536)
            except OSError:  # EIO: how Linux tells that a terminal has no program any more
                return
            if not part:
                return
            self._parts.append(part)

    def text(self) -> str:
        self._thread.join()
        os.close(self._end)
        return b"".join(self._parts).decode("ascii").replace("\r\n", "\n")


def shown(
    *arguments: str | Path,
    env: Mapping[str, str] | None = None,
    out: bool = True,
    err: bool = True,
    columns: int = COLUMNS,
) -> Shown:
    """Run the program; each stream is a terminal of its own, or a pipe."""
    dropped = ("SPFWHITE_", "COLUMNS", "LINES", "NO_COLOR")
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(dropped)}
    ends = [terminal(columns) if is_terminal else os.pipe() for is_terminal in (out, err)]
    (_, stdout), (_, stderr) = ends
    with subprocess.Popen(
        [sys.executable, "-m", "spfwhite", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        env={**inherited, "TERM": "xterm", **(env or {})},
    ) as process:
        os.close(stdout)
        os.close(stderr)
        readers = [Reader(end) for end, _ in ends]
        texts = [reader.text() for reader in readers]
        return Shown(process.wait(60), *texts)


@pytest.fixture(scope="module")
def server() -> Iterator[DnsServer]:
    """Return a server of the frozen world."""
    with DnsServer(Zone.from_file(WORLD / "world.zone")) as server:
        yield server


@pytest.fixture(scope="module")
def config(server: DnsServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an overlay with all domains of the frozen world, after a run."""
    path = overlay(tmp_path_factory.mktemp("world"), world_providers(), server=server)
    assert spfwhite("-c", path, "generate").returncode == 0
    return path


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[Path]:
    """Return an overlay whose run takes some seconds."""
    with DnsServer(Zone(DEEP)) as server:
        server.faults[""] = Fault(delay=SLOW)
        yield overlay(tmp_path, {"deep": ["d0.test"]}, server=server)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Return a site of three providers."""
    with site_of(tmp_path) as made:
        yield made


# --- colour ---


def test_the_tree_has_colours_on_a_terminal(config: Path) -> None:
    done = shown("-c", config, "show", "google.com")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b[32m" in done.stdout
    assert "\x1b[1m" in done.stdout


def test_problems_are_red(config: Path) -> None:
    red = re.findall(r"\x1b\[31m([^\x1b]+)", shown("-c", config, "show", "zendesk.com").stdout)
    assert any("undecidable" in text for text in red)


def test_a_pipe_has_the_same_tree_without_colours(config: Path) -> None:
    on_terminal = shown("-c", config, "show", "google.com")
    in_pipe = spfwhite("-c", config, "show", "google.com")
    assert "\x1b" not in in_pipe.stdout
    assert plain(on_terminal.stdout).split() == in_pipe.stdout.split()


def test_no_color_takes_the_colours_away(config: Path) -> None:
    done = shown("-c", config, "show", "google.com", env={"NO_COLOR": "1"})
    assert "\x1b" not in done.stdout
    assert done.stdout.split() == spfwhite("-c", config, "show", "google.com").stdout.split()
    # https://no-color.org: only if it is not the empty string
    assert "\x1b" in shown("-c", config, "show", "google.com", env={"NO_COLOR": ""}).stdout


@pytest.mark.parametrize("form", ["cidr", "json"])
def test_what_is_for_programs_has_no_colours_even_on_a_terminal(form: str, config: Path) -> None:
    assert "\x1b" not in shown("-c", config, "show", "--format", form, "google.com").stdout


# --- lines, which the terminal breaks ---


def test_a_pipe_has_every_line_whole(tmp_path: Path) -> None:
    names = [f"a-provider-of-a-long-name-{number}" for number in range(8)]
    with DnsServer(Zone(DEEP)) as server:
        providers = {name: [f"{name}.test"] for name in names} | {"deep": ["d0.test"]}
        done = spfwhite("-c", overlay(tmp_path, providers, server=server), "generate")
    _, empty, advice = done.stderr.splitlines()
    assert empty.startswith("empty: 8 providers")
    assert empty.endswith(", ".join(names))
    assert "nothing to do, or write `enabled = false` to [providers.NAME]" in advice


def test_each_provider_in_good_health_is_one_line_on_a_terminal(config: Path) -> None:
    done = shown("-c", config, "providers")
    in_pipe = spfwhite("-c", config, "providers").stdout.splitlines()
    names = [line.split()[1] for line in in_pipe if line.startswith("ok ")]
    assert len(names) > 50
    assert [line.split()[1] for line in done.lines if line.startswith("ok ")] == names
    at = [i for i, line in enumerate(done.lines) if line.startswith("ok ")]
    assert all(line.startswith(("ok ", "  also through: ")) for line in done.lines[at[0] : at[-1]])


SAME = [
    ["explain", "209.85.128.1", "1.1.1.1", "2a00:1450:4000::1"],
    ["explain", "--format", "json", "209.85.128.1", "1.1.1.1"],
    ["providers", "--format", "json"],
    ["show", "--format", "json", "google.com", "many.awkward.example"],
    ["show", "--format", "cidr", "google.com"],
    ["generate", "--only", "a-provider-that-is-not-there-whatever-anybody-may-do"],
    ["generate", "--format", "a-format-that-is-not-there-either"],
]


@pytest.mark.parametrize("arguments", SAME, ids=" ".join)
def test_a_terminal_is_given_the_lines_of_a_pipe(arguments: list[str], config: Path) -> None:
    on_terminal, in_pipe = shown("-c", config, *arguments), spfwhite("-c", config, *arguments)
    assert (plain(on_terminal.stdout), on_terminal.stderr) == (in_pipe.stdout, in_pipe.stderr)
    assert max(map(len, (in_pipe.stdout + in_pipe.stderr).splitlines())) > 10


def test_the_block_to_paste_is_toml_on_a_terminal(site: Site) -> None:
    done = shown("-c", site.config, "add", "sub.big.test")
    block = done.stdout[done.stdout.index("[providers") :]
    assert "sub-big-test" in tomllib.loads(block)["providers"]


def test_a_command_to_copy_is_one_line_on_a_terminal(site: Site) -> None:
    folder = site.folder / "a folder with spaces" / ("x" * 60)
    folder.mkdir(parents=True)
    config = folder / "overlay.toml"
    config.write_text(site.config.read_text().replace('path = "', f'path = "{site.folder}/'))
    site.generate()
    site.server.zone.set("big.test", "TXT", ["v=spf1 ip4:203.0.113.1 -all"])
    shown("-c", config, "generate")
    done = shown("-c", config, "providers")
    assert any(f": spfwhite -c '{config}' generate --accept big" in line for line in done.lines)


# --- 24 lines ---


def height(done: Shown) -> int:
    """Return how many lines of a terminal the output takes, long ones broken at its edge."""
    lines = plain(done.stdout + done.stderr).splitlines()
    return sum(max(1, -(-len(line) // COLUMNS)) for line in lines)


def test_the_summary_of_a_run_fits_the_screen(server: DnsServer, tmp_path: Path) -> None:
    fresh = overlay(tmp_path, world_providers(), server=server)
    first = shown("-c", fresh, "generate")
    again = shown("-c", fresh, "generate")
    for done, what in ((first, "written"), (again, "unchanged")):
        lines = plain(done.stdout + done.stderr).splitlines()
        assert done.returncode == 0
        assert what in lines[0] + lines[1]
        assert height(done) < LINES, lines
        assert any("empty" in line for line in lines) is (done is first)
        assert "providers` shows them" in lines[-1]


def test_a_dry_run_fits_the_screen_and_v_has_all(server: DnsServer, tmp_path: Path) -> None:
    fresh = overlay(tmp_path, world_providers(), server=server)
    done = shown("-c", fresh, "generate", "--dry-run")
    assert height(done) < LINES
    assert any("more; -v lists the networks" in line for line in done.lines)
    first, *_ = sizes = [int(line.split()[4].replace(",", "")) for line in done.lines[:10]]
    assert sizes == sorted(sizes, reverse=True)
    assert first > 100_000
    whole = shown("-c", fresh, "-v", "generate", "--dry-run")
    piped = spfwhite("-c", fresh, "generate", "--dry-run").stdout.splitlines()
    added = [line for line in whole.lines if line.startswith("+")]
    assert added == [line for line in piped if line.startswith("+")]
    assert len(added) > 1000


@pytest.mark.parametrize("trouble", [3, 4, 5, 40])
def test_much_trouble_fits_the_screen_too(trouble: int) -> None:
    bad = " ".join(
        f"a:a-host-that-nobody-knows-{n}.an-example-of-a-long-name.test" for n in range(9)
    )
    records = {(f"p{n:02}.test", "TXT"): [f"v=spf1 {bad} -all"] for n in range(trouble)}
    records[("ok.test", "TXT")] = ["v=spf1 ip4:198.51.100.0/24 -all"]
    names = {f"p{n:02}": [f"p{n:02}.test"] for n in range(trouble)} | {"ok": ["ok.test"]}
    # the path of the configuration stands in the commands to copy, so it is as short as one's own
    with DnsServer(Zone(records)) as server, TemporaryDirectory() as folder:
        done = shown("-c", overlay(Path(folder).resolve(), names, server=server), "generate")
    lines = plain(done.stdout + done.stderr).splitlines()
    assert done.returncode == 0
    assert "written" in " ".join(lines[:3])
    assert height(done) < LINES, lines
    for n in range(min(trouble, 5)):
        assert any(f"p{n:02}" in line for line in lines)


def test_a_run_that_is_quiet_says_nothing_on_a_terminal(tmp_path: Path) -> None:
    with DnsServer(Zone(DEEP)) as server:
        config = overlay(tmp_path, {"deep": ["d0.test"]}, server=server)
        assert shown("-c", config, "-q", "generate") == (0, "", "")
        assert "unchanged" in shown("-c", config, "generate").stdout


# --- the bar ---


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_a_long_run_shows_a_bar_on_standard_error(columns: int, slow: Path) -> None:
    done = shown("-c", slow, "generate", columns=columns)
    assert done.returncode == 0
    assert BAR.search(plain(done.stderr))
    assert "100%" in done.stderr
    assert not BAR.search(done.stdout)
    assert plain(done.stderr).count("\n") == 1, "it stays on its line"
    for line in plain(done.stderr).replace("\r", "\n").splitlines():
        assert len(line) < columns


def test_a_long_run_whose_errors_go_to_a_pipe_shows_no_bar(slow: Path) -> None:
    done = shown("-c", slow, "generate", err=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert not BAR.search(done.stdout)


def test_a_long_run_in_pipes_says_nothing(slow: Path) -> None:
    assert shown("-c", slow, "generate", out=False, err=False) == (0, "", "")


def test_a_bar_leaves_a_table_on_standard_output_alone(slow: Path) -> None:
    done = shown("-c", slow, "generate", "-o", "-", out=False)
    assert BAR.search(plain(done.stderr))
    rules = [line for line in done.stdout.splitlines() if not line.startswith("#")]
    assert rules == ["198.51.100.0/30\tpermit", "198.51.100.4/31\tpermit"]


def test_a_short_run_shows_no_bar(tmp_path: Path) -> None:
    with DnsServer(Zone(DEEP)) as server:
        done = shown("-c", overlay(tmp_path, {"deep": ["d0.test"]}, server=server), "generate")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_dry_run_tells_of_each_provider_what_it_adds_and_takes(
    server: DnsServer, tmp_path: Path
) -> None:
    names = {"proton": ["_spf.protonmail.ch"], "google": ["_spf.google.com"]}
    config = overlay(tmp_path, names, server=server)
    assert spfwhite("-c", config, "generate").returncode == 0
    overlay(tmp_path, {"google": names["google"], "sendgrid": ["sendgrid.net"]}, server=server)
    done = shown("-c", config, "generate", "--dry-run")
    assert done.lines[0] == "+ sendgrid: 13 networks, 220,672 IPv4 addresses"
    assert done.lines[1] == "- listed by nobody any more: 8 networks, 1,540 IPv4 addresses"
    assert not any("google" in line for line in done.lines)


def test_a_table_of_its_own_on_a_terminal_comes_with_the_way_to_spare_the_look_ups(
    config: Path, tmp_path: Path
) -> None:
    asked = ("-c", config, "generate", "-o", tmp_path / "t", "--format", "plain")
    assert "--offline spares the look-ups" in plain(shown(*asked).stderr)
    assert "--offline" not in shown(*asked, "--offline").stderr
    assert "--offline" not in spfwhite(*asked).stderr
