"""Configurations, snapshots and streams that are no good: an exit code, one line, no traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cli import TABLE, Finished, listing, overlay, rules, snapshot, spfwhite

pytestmark = pytest.mark.slow

FORMAT = "spfwhite-snapshot"
GOOD = {"found": ["v=spf1 ip4:192.0.2.0/24 -all"]}
RULE = "192.0.2.0/24\tpermit"


def assert_one_line(done: Finished, code: int, *parts: str) -> None:
    """Check that nothing but one line on stderr is said, which begins with the program's name."""
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.endswith("\n")
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("spfwhite: ")
    for part in parts:
        assert part in done.stderr


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ('[output]\nallowed = "x"', "output.allowed is unknown; did you mean output.allow?"),
        ("[outputs]\n", "outputs"),
        ('[dns]\nattempts = "4"', "dns.attempts must be a whole number"),
        ("[dns]\nattempts = 0", "dns.attempts"),
        ("[dns]\ndeadline = true", "dns.deadline"),
        ("[dns]\ndeadline = nan", "dns.deadline"),
        ('[dns]\nnameservers = "192.0.2.1"', "dns.nameservers must be a list"),
        ('[dns]\nnameservers = ["ns.example.org"]', "dns.nameservers"),
        ("[spf]\nstrict = 1", "spf.strict must be true or false"),
        ('[safety]\nspecial_use = "Keep"', "safety.special_use"),
        ('[safety]\nexclude = ["192.0.2.1/24"]', "safety.exclude"),
        ("[categories]\nmailboxes = false", "categories.mailboxes"),
        ("[categories]\nbgi = false", "is the category of no provider; there are cn, commerce, "),
        ('[providers.Bad]\ndomains = ["a.test"]', '"Bad"'),
        ("[providers.p]\n", "providers.p has none of"),
        ('[providers.p]\ndomains = "a.test"', "providers.p.domains"),
        ('[providers.p]\ndomains = ["localhost"]', "providers.p.domains"),
        ('[providers.p]\ndomains = ["a..test"]', "providers.p.domains"),
        ('[providers.p]\ndomains = ["\\u0000.test"]', "providers.p.domains"),
        ('[providers.p]\ndomains = ["b\u00fccher.example"]', "xn--"),
        ('[providers.p]\nnetworks = ["192.0.2.0/33"]', "providers.p.networks"),
        ('[postfix]\nconfig_directory = "none"', "there is no main.cf; correct it"),
        ('[postfix]\nconfig_directory = "own.toml"', "postfix.config_directory is "),
        ('[postfix]\nconfig_directory = "a\\u0000b"', "postfix.config_directory"),
        ("providers = 1", "providers must be a table"),
        ("[output", "is not TOML"),
        ("a = 1\na = 2", "is not TOML"),
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("x = " + "[" * 5000, "is not TOML"),
    ],
)
def test_a_malformed_configuration_is_exit_2_and_one_line_with_file_and_key(
    text: str, part: str, tmp_path: Path
) -> None:
    config = tmp_path / "own.toml"
    config.write_text(text, encoding="utf-8")
    before = listing(tmp_path)
    done = spfwhite("-c", config, "generate")
    assert_one_line(done, 2, str(config), part)
    assert done.stderr.isascii()
    assert listing(tmp_path) == before


@pytest.mark.parametrize("command", [["generate", "--dry-run"], ["show", "a.test"]])
def test_each_command_says_the_same_of_a_bad_configuration(
    command: list[str], tmp_path: Path
) -> None:
    config = tmp_path / "own.toml"
    config.write_text("[dns]\nattempt = 4\n")
    assert_one_line(spfwhite("-c", config, *command), 2, str(config), "dns.attempt is unknown")


def test_a_configuration_that_is_not_utf_8_is_exit_2_with_its_line(tmp_path: Path) -> None:
    config = tmp_path / "own.toml"
    config.write_bytes(b'# one\n[output]\nallow = "t\xe4ble"\n')
    assert_one_line(spfwhite("-c", config, "generate"), 2, f"{config}:3: is not UTF-8")


def test_a_line_of_a_named_file_is_exit_2_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "domains.txt").write_text("a.test\n\nnot a domain # really\n")
    config = overlay(tmp_path, {}, more='[providers.p]\ndomains_file = "domains.txt"')
    assert_one_line(spfwhite("-c", config, "generate"), 2, "domains.txt:3: ", "not a domain")


def test_a_named_file_that_is_not_there_any_more_is_exit_2_and_nothing_is_written(
    tmp_path: Path,
) -> None:
    (tmp_path / "gone.txt").write_text("21.0.0.0/16")
    config = overlay(tmp_path, {}, more='[providers.p]\nnetworks_file = "gone.txt"')
    assert spfwhite("-c", config, "generate").returncode == 0
    (tmp_path / "gone.txt").unlink()
    before = listing(tmp_path)
    done = spfwhite("-c", config, "generate")
    assert_one_line(
        done,
        2,
        f"{config}: providers.p.networks_file: {tmp_path / 'gone.txt'}: cannot be read: ",
        "; restore or correct the list, or take networks_file out",
    )
    assert listing(tmp_path) == before


def test_a_configuration_that_cannot_be_read_is_exit_2(tmp_path: Path) -> None:
    (tmp_path / "dangling.toml").symlink_to("nothing")
    for path in (tmp_path / "gone.toml", tmp_path, tmp_path / "dangling.toml"):
        assert_one_line(spfwhite("-c", path, "generate"), 2, str(path), "cannot be read")


def test_a_configuration_that_others_can_write_is_exit_2_for_root(tmp_path: Path) -> None:
    config = overlay(tmp_path, {"a": ["a.test"]})
    config.chmod(0o666)
    done = spfwhite("-c", config, "generate", "--replay", snapshot(tmp_path, {}), "-o", "-")
    if os.geteuid() == 0:
        assert_one_line(done, 2, str(config), "others can write")
    else:
        assert done.returncode == 4


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"\xff\xfe{}", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"1" * 5000, "is not JSON"),
        (b"null", "is not a snapshot of spfwhite"),
        (b"[]", "is not a snapshot of spfwhite"),
        (b"{}", "is not a snapshot of spfwhite"),
        (b'{"format": "else", "version": 1, "answers": {}}', "is not a snapshot of spfwhite"),
        ({"answers": []}, "is not a snapshot of spfwhite"),
        ({"version": 2}, "version 2"),
        ({"version": "1"}, "is not a snapshot of spfwhite"),
        ({"answers": {"a.test": GOOD}}, "'a.test'"),
        ({"answers": {"a.test SRV": GOOD}}, "'a.test SRV'"),
        ({"answers": {"A.test TXT": GOOD}}, "'A.test TXT'"),
        ({"answers": {"a\x1b[31m.test TXT": GOOD}}, "no question of ours"),
        ({"answers": {"a.test TXT": None}}, "bad answer for 'a.test TXT'"),
        ({"answers": {"a.test TXT": {"found": []}}}, "bad answer"),
        ({"answers": {"a.test TXT": {"found": [1]}}}, "bad answer"),
        ({"answers": {"a.test TXT": {"found": ["\u2026"]}}}, "bad answer"),
        ({"answers": {"a.test A": {"found": ["192.0.2.256"]}}}, "bad answer"),
        ({"answers": {"a.test A": {"found": ["2001:db8::1"]}}}, "bad answer"),
        ({"answers": {"a.test AAAA": {"found": ["0.0.0.0/0"]}}}, "bad answer"),
        ({"answers": {"a.test MX": {"found": ["mail.a.test"]}}}, "bad answer"),
        ({"answers": {"a.test TXT": {"void": "PERHAPS"}}}, "bad answer"),
        ({"answers": {"a.test TXT": {"failed": 1}}}, "bad answer"),
    ],
)
def test_a_snapshot_that_is_no_good_is_exit_1_and_one_line(
    content: bytes | dict[str, object], part: str, tmp_path: Path
) -> None:
    path = tmp_path / "bad.json"
    if isinstance(content, dict):
        content = json.dumps({"format": FORMAT, "version": 1, "answers": {}} | content).encode()
    path.write_bytes(content)
    config = overlay(tmp_path, {"a": ["a.test"]})
    done = spfwhite("-c", config, "generate", "--replay", path, "-o", tmp_path / TABLE)
    assert_one_line(done, 1, f"{path} ", part)
    assert done.stderr.isascii()
    assert "\x1b" not in done.stderr
    assert not (tmp_path / TABLE).exists()


def test_a_snapshot_that_is_not_there_is_exit_1(tmp_path: Path) -> None:
    config = overlay(tmp_path, {"a": ["a.test"]})
    for path in (tmp_path / "gone.json", tmp_path):
        done = spfwhite("-c", config, "generate", "--replay", path, "--dry-run")
        assert_one_line(done, 1, f"cannot read {path}")


def test_a_record_that_cannot_be_written_is_exit_1(tmp_path: Path) -> None:
    config = overlay(tmp_path, {"a": ["a.test"]})
    place = tmp_path / "nothing" / "record.json"
    replay = ["--replay", str(snapshot(tmp_path, {"a.test TXT": GOOD}))]
    done = spfwhite("-c", config, "generate", *replay, "--record", place, "-o", tmp_path / TABLE)
    assert_one_line(done, 1, f"cannot write {place}")


def test_a_path_with_a_newline_is_said_in_one_line(tmp_path: Path) -> None:
    config = overlay(tmp_path, {"a": ["a.test"]})
    replay = ["--replay", str(snapshot(tmp_path, {"a.test TXT": GOOD}))]
    done = spfwhite("-c", config, "generate", *replay, "-o", tmp_path / "a\nb" / "table")
    assert_one_line(done, 1)
    assert_one_line(spfwhite("-c", tmp_path / "a\nb", "generate"), 2)
    assert_one_line(spfwhite("-c", config, "generate", "--replay", "a\nb", "-o", "-"), 1)


def in_shell(folder: Path, redirection: str, *options: str) -> Finished:
    """Run `generate` on a good snapshot with the shell's redirections."""
    config = overlay(folder, {"a": ["a.test"]})
    replay = ["--replay", str(snapshot(folder, {"a.test TXT": GOOD}))]
    command = [sys.executable, "-m", "spfwhite", "-c", str(config), "generate", *replay, *options]
    return subprocess.run(
        ["sh", "-c", f'"$@" {redirection}', "sh", *command],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("redirection", [">&-", "2>&-", "<&-", "<&- >&- 2>&-", ">/dev/full"])
def test_a_table_in_a_file_needs_no_open_stream(redirection: str, tmp_path: Path) -> None:
    done = in_shell(tmp_path, redirection, "-o", str(tmp_path / TABLE))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert rules((tmp_path / TABLE).read_bytes()) == [RULE]


def test_a_reader_that_goes_away_makes_no_noise(tmp_path: Path) -> None:
    many = " ".join(f"ip4:192.0.{i // 100}.{i % 100 * 2}" for i in range(9_000))
    answers = {"a.test TXT": {"found": [f"v=spf1 {many} -all"]}}
    config = overlay(tmp_path, {"a": ["a.test"]})
    replay = ["--replay", str(snapshot(tmp_path, answers))]
    command = [sys.executable, "-m", "spfwhite", "-c", str(config), "generate", *replay]
    for output in (["-o", "-"], ["--dry-run"]):
        done = subprocess.run(
            ["sh", "-c", '"$@" | head -n 1', "sh", *command, *output],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.stdout.count("\n") == 1
        assert done.stderr == ""
