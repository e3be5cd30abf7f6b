"""`spfwhite import` as a process: streams, exit codes, the file that it makes."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from spfwhite.cli.common import Common
from spfwhite.cli.import_ import import_
from spfwhite.config import loading as config
from tests.support.cli import listing, spfwhite

CONF = "custom_hosts='a.test gmx.net'\nsimplify=yes\n"
OVERLAY = '[providers.a-test]\ncategory = "postwhite"\ndomains = ["a.test"]\n'


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    path = tmp_path / "postwhite.conf"
    path.write_text(CONF)
    return path


def test_the_overlay_goes_to_stdout_and_the_rest_to_stderr_with_file_and_line(conf: Path) -> None:
    before = listing(conf.parent)
    done = spfwhite("import", conf)
    assert done.returncode == 0
    assert done.stdout.startswith("# ") and done.stdout.endswith(f"\n\n{OVERLAY}")
    *remarks, covered, others, nothing = done.stderr.splitlines()
    assert remarks == [
        f"{conf}:1: gmx.net is listed already, through the provider gmx",
        f"{conf}:2: simplify is not needed: a table is always collapsed to the fewest networks",
    ]
    assert covered.startswith(f"{conf}: default providers cover 32 of the 43 hosts")
    assert others.startswith(f"{conf}: they do not cover authsmtp.com, ")
    assert nothing.startswith(f"{conf}: inbox.com, ")
    assert listing(conf.parent) == before


def test_the_overlay_is_a_configuration(conf: Path) -> None:
    own = conf.with_name("own.toml")
    assert spfwhite("import", "-o", own, conf).returncode == 0
    snapshot = conf.with_name("empty.json")
    snapshot.write_text('{"format": "spfwhite-snapshot", "version": 1, "answers": {}}')
    # by the packaged configuration the table goes to /etc/postfix, which need not be there
    done = spfwhite("-c", own, "generate", "-o", "-", "--replay", snapshot)
    assert done.returncode == 4, done.stderr  # there are no answers
    assert "a-test" in done.stdout + done.stderr


def test_quiet_keeps_the_overlay_and_drops_the_remarks(conf: Path) -> None:
    done = spfwhite("-q", "import", conf)
    assert (done.returncode, done.stderr) == (0, "")
    assert OVERLAY in done.stdout


def test_a_list_of_hosts_is_taken_too(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("# ours\na.test\n")
    done = spfwhite("import", "hosts", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert OVERLAY in done.stdout


def test_the_output_can_be_a_new_file(conf: Path) -> None:
    own = conf.with_name("own.toml")
    done = spfwhite("import", "-o", own, conf)
    assert (done.returncode, done.stdout) == (0, "")
    *remarks, last = done.stderr.splitlines()
    assert len(remarks) == 5
    assert last == f"{own} is written; `spfwhite -c {own} generate --dry-run` is next"
    assert own.read_text() == spfwhite("import", "-o", "-", conf).stdout
    assert own.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("kind", ["file", "dangling link", "folder"])
def test_an_output_that_exists_is_never_replaced(kind: str, conf: Path) -> None:
    own = conf.with_name("own.toml")
    if kind == "file":
        own.write_text("# mine\n")
    elif kind == "folder":
        own.mkdir()
    else:
        own.symlink_to("elsewhere.toml")
    before = {path: path.lstat() for path in conf.parent.iterdir()}
    done = spfwhite("import", "-o", own, conf)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"spfwhite: {own} exists and is not replaced; name another file\n"
    after = {path: path.lstat() for path in conf.parent.iterdir()}
    assert {path: (each.st_ino, each.st_mtime_ns) for path, each in after.items()} == {
        path: (each.st_ino, each.st_mtime_ns) for path, each in before.items()
    }


def test_the_folder_of_the_output_is_made_and_no_other(conf: Path) -> None:
    # as /etc/spfwhite, which no installation makes
    own = conf.parent / "etc" / "own.toml"
    assert spfwhite("import", "-o", own, conf).returncode == 0
    assert own.parent.stat().st_mode & 0o777 == 0o755
    done = spfwhite("import", "-o", conf.parent / "a" / "b" / "own.toml", conf)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("spfwhite: cannot make the folder ")
    assert done.stderr.count("\n") == 1


def test_an_overlay_in_its_place_needs_no_option(
    conf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "SYSTEM", tmp_path / "etc")
    own = tmp_path / "etc" / "providers.toml"
    common = Common(config=None, verbose=False, quiet=False)
    done = CliRunner().invoke(import_, ["-o", str(own), str(conf)], obj=common)
    assert done.output.endswith(f"{own} is written; `spfwhite generate --dry-run` is next\n")


def test_nothing_in_the_file_is_run(conf: Path) -> None:
    mark = conf.with_name("mark")
    commands = [f"touch {mark}", f"x=$(touch {mark})", f'custom_hosts="`touch {mark}`"']
    conf.write_text("\n".join([*commands, "simplify=no", f"whitelist=$(touch {mark})", ""]))
    done = spfwhite("import", conf)
    assert done.returncode == 0
    said = done.stderr.splitlines()
    assert [line.split(":")[1] for line in said[:5]] == ["1", "2", "3", "4", "5"]
    assert not mark.exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is neither a postwhite.conf nor a list of hosts"),
        (b"\x7fELF\x01\xff\xfe", "is neither a postwhite.conf nor a list of hosts"),
        (b"custom_hosts=\0", "is not a text, it has a NUL byte"),
        (b"a.test\n" * 1_500_000, "has more than 1,048,576 bytes"),
    ],
    ids=["empty", "binary", "nul", "10 MB"],
)
def test_a_file_that_is_neither_is_exit_2_and_one_line(
    content: bytes, reason: str, conf: Path
) -> None:
    conf.write_bytes(content)
    done = spfwhite("import", "-o", conf.with_name("own.toml"), conf)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"spfwhite: {conf} {reason}")
    assert done.stderr.count("\n") == 1
    assert not conf.with_name("own.toml").exists()


def test_a_file_without_end_is_refused() -> None:
    done = spfwhite("import", "/dev/zero")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "spfwhite: /dev/zero has more than 1,048,576 bytes\n"


@pytest.mark.parametrize("name", ["none", "."])
def test_a_file_that_cannot_be_read_is_an_error(name: str, tmp_path: Path) -> None:
    done = spfwhite("import", tmp_path / name)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"spfwhite: cannot read {tmp_path / name}: ")
    assert done.stderr.count("\n") == 1


def test_a_hostile_file_name_and_content_are_escaped(tmp_path: Path) -> None:
    file = tmp_path / "a\x1b[31m\n"
    file.write_bytes(b"simplify=\n\x1b[31m\xff\n")
    done = spfwhite("import", file)
    assert done.returncode == 0
    lines = done.stderr.removesuffix("\n").split("\n")
    assert len(lines) == 4 and all(line.isascii() and line.isprintable() for line in lines)
    assert "\\027[31m\\255" in done.stderr


def test_the_configuration_of_the_machine_plays_no_part(conf: Path) -> None:
    own = conf.with_name("own.toml")
    own.write_text("")  # as `> own.toml` leaves it while the program runs
    done = spfwhite("import", conf, env={"SPFWHITE_CONFIG": str(own)})
    assert done.returncode == 0
    assert OVERLAY in done.stdout
