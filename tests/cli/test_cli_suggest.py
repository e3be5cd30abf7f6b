"""`spfwhite suggest`, as a process: logs of every form, what it proposes, what it never does."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import TABLE, Finished, listing, overlay, spfwhite
from tests.support.dnsserver import DnsServer, Fault, Zone
from tests.support.maillines import HOSTILE, arrival, at, deferral, mail

pytestmark = pytest.mark.slow

LOG = b"".join(
    (
        arrival("192.0.2.1", 1, "ALLOWLISTED"),
        arrival("192.0.2.2", 2, "WHITELISTED"),
        mail("198.51.100.7", "mx1.sender.test", 1),
        deferral("198.51.100.8", 2),
        mail("198.51.100.7", "mx1.sender.test", 2, "PASS OLD"),
        mail("203.0.113.5", "host.spam.test", 2),
        mail("203.0.113.99", "unknown", 2),
    )
)
NEWER = b"2026-11-03T10:00:00+01:00 mx postfix-in/postscreen[9]: PASS OLD [198.51.100.7]:1\n"
LIMIT = 120 * 1024
"""KiB that a run may take, whatever the length of the log."""

MEASURED = """
import atexit, runpy, sys
atexit.register(lambda: sys.stderr.write(open("/proc/self/status").read()))
sys.argv = ["spfwhite", *sys.argv[1:]]
runpy.run_module("spfwhite", run_name="__main__")
"""


@pytest.fixture(scope="module")
def server() -> Iterator[DnsServer]:
    """Return a server of a few senders."""
    records = {
        ("sender.test", "TXT"): ["v=spf1 include:spf.sender.test -all"],
        ("spf.sender.test", "TXT"): ["v=spf1 ip4:198.51.100.0/24 -all"],
        ("spam.test", "TXT"): ["v=spf1 +all"],
        ("steer.test", "TXT"): ["v=spf1 include:\x1b[31m ip4:198.51.100.0/24 -all"],
    }
    with DnsServer(Zone(records)) as server:
        server.faults["down.test"] = Fault("servfail")
        yield server


@pytest.fixture
def config(server: DnsServer, tmp_path: Path) -> Path:
    """Return an overlay that asks the server."""
    return overlay(tmp_path, {"acme": ["acme.test"]}, server=server, attempts=1)


def suggest(config: Path, log: bytes, *options: str) -> Finished:
    return spfwhite("-c", config, "suggest", *options, "-", stdin=log)


def found(config: Path, log: bytes, *options: str) -> Any:
    done = suggest(config, log, "--format", "json", *options)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def proposed(config: Path, log: bytes, *options: str) -> list[str]:
    return [each["domain"] for each in found(config, log, *options)["groups"] if each["proposed"]]


def test_the_summary_leads_then_proposals_then_the_rest(config: Path) -> None:
    done = suggest(config, LOG)
    assert (done.returncode, done.stderr) == (0, "")
    summary, _, rest = done.stdout.partition("Proposed: ")
    proposals, _, others = rest.partition("Not proposed:")
    assert summary.startswith("7 connections to postscreen on 2 days\n")
    for line in (
        "2  let through by its access list",
        "4  passed its tests, new",
        "1  deferred with 450 4.3.2",
    ):
        assert f" {line}" in summary
    assert "whether you want their mail is yours to decide" in proposals
    assert f"\n    spfwhite -c {config} add sender.test\n" in proposals
    assert "spam.test: 1 client" in others
    assert "203.0.113.0/24 (1)" in others


def test_the_json_has_the_same(config: Path) -> None:
    data = found(config, LOG)
    assert (data["listed"], data["passed_new"], data["passed_old"], data["deferred"]) == (
        2,
        4,
        1,
        1,
    )
    assert (data["connections"], data["unlisted_clients"], data["capped"]) == (7, 4, False)
    (group,) = (each for each in data["groups"] if each["proposed"])
    assert group["command"] == f"spfwhite -c {config} add sender.test"
    assert group["networks"] == {"198.51.100.0/24": 1}
    assert data["caveat"] == "whether you want their mail is yours to decide"


def test_a_proposal_needs_as_many_days_as_are_asked_for(config: Path) -> None:
    assert proposed(config, LOG) == ["sender.test"]
    assert proposed(config, LOG, "--days", "3") == []
    assert proposed(config, LOG + NEWER, "--days", "3") == ["sender.test"]


def test_without_a_proposal_it_says_what_one_needs(config: Path) -> None:
    done = suggest(config, LOG, "--days", "3")
    assert "No proposal" in done.stdout
    assert "came back on 3 days or more and had mail accepted" in " ".join(done.stdout.split())
    assert " add " not in done.stdout


def test_clients_in_the_table_are_left_out(config: Path, tmp_path: Path) -> None:
    (tmp_path / TABLE).write_text("198.51.100.0/24\tpermit\n")
    data = found(config, LOG)
    assert data["unlisted_clients"] == 2
    assert not any(each["proposed"] for each in data["groups"])


def test_a_domain_of_the_configuration_names_its_provider(
    server: DnsServer, tmp_path: Path
) -> None:
    config = overlay(tmp_path, {"acme": ["sender.test"]}, server=server)
    assert proposed(config, LOG) == []
    said = suggest(config, LOG).stdout
    see = f"spfwhite -c {config} providers acme"
    assert f"already a domain of provider acme; see `{see}`" in said
    assert spfwhite("-c", config, "-v", "generate").returncode == 0


@pytest.mark.parametrize(
    ("keys", "switch"),
    [
        ('category = "fr"', "`fr = true` in [categories] switches it on"),
        ("enabled = false", "`enabled = true` in [providers.acme] switches it on"),
    ],
)
def test_a_provider_that_has_the_domain_but_is_off_is_named_with_its_switch(
    keys: str, switch: str, server: DnsServer, tmp_path: Path
) -> None:
    config = overlay(tmp_path, {"acme": ["sender.test"]}, server=server, more=keys)
    assert proposed(config, LOG) == []
    assert f"provider acme has it but is off: {switch}" in suggest(config, LOG).stdout
    more = f'{keys}\n[providers.zenith]\ndomains = ["sender.test"]'
    overlay(tmp_path, {"acme": ["sender.test"]}, server=server, more=more)
    assert "already a domain of provider zenith" in suggest(config, LOG).stdout


def test_a_domain_whose_look_up_fails_is_told(config: Path) -> None:
    log = mail("198.51.100.7", "mx.down.test", 1) + mail("198.51.100.7", "mx.down.test", 2)
    (group,) = (each for each in found(config, LOG + log)["groups"] if each["spf"] == "failed")
    assert group["domain"] == "down.test"


@pytest.mark.parametrize("form", ["text", "json"])
def test_without_any_answer_it_says_so_and_nothing_else(form: str, tmp_path: Path) -> None:
    dark = overlay(tmp_path, {"acme": ["acme.test"]}, server="127.0.0.1:1", attempts=1)
    done = suggest(dark, LOG, "--format", form)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("spfwhite: DNS gave no answer at all: connection refused")
    assert done.stderr.count("\n") == 1


def test_files_plain_and_gzipped_and_standard_input_are_read_as_one(
    config: Path, tmp_path: Path
) -> None:
    half = LOG.index(b"Nov  2")
    (tmp_path / "mail.log").write_bytes(LOG[half:])
    (tmp_path / "mail.log.2.gz").write_bytes(gzip.compress(LOG[:half]))
    logs: list[str | Path] = [tmp_path / "mail.log", tmp_path / "mail.log.2.gz", "-"]
    done = spfwhite("-c", config, "suggest", "--format", "json", "--days", "3", *logs, stdin=NEWER)
    data = json.loads(done.stdout)
    assert data["days"] == 3
    assert [each["domain"] for each in data["groups"] if each["proposed"]] == ["sender.test"]


def test_gzip_is_seen_on_standard_input_too(config: Path) -> None:
    assert proposed(config, gzip.compress(LOG)) == ["sender.test"]


def test_a_journal_export_is_read(config: Path) -> None:
    entries = [
        b"__REALTIME_TIMESTAMP=%d\nSYSLOG_IDENTIFIER=%b\nMESSAGE=%b\n\n"
        % (1_793_500_000_000_000 + 86_400_000_000 * int(day), program, message)
        for day, program, message in re.findall(rb"Nov +([0-9]+) \S+ mx (\S+)\[123\]: (.*)\n", LOG)
    ]
    assert proposed(config, b"".join(entries)) == ["sender.test"]


@pytest.mark.parametrize("log", [b"", b"Nov  1 18:00:01 mx sshd[1]: hello\n", b"\x00" * 100_000])
def test_a_log_without_a_line_of_postfix_is_exit_1_and_says_so(log: bytes, config: Path) -> None:
    done = suggest(config, log)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.match("spfwhite: -: (is empty|no line of Postfix)", done.stderr)
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("form", ["text", "json"])
def test_of_several_logs_those_that_gave_nothing_are_named_with_their_first_line(
    form: str, config: Path, tmp_path: Path
) -> None:
    (tmp_path / "other").write_bytes(b"auth \x1b[31m one\ntwo\n")
    (tmp_path / "none").write_bytes(b"")
    logs: list[str | Path] = [tmp_path / "other", "-", tmp_path / "none"]
    done = spfwhite("-c", config, "suggest", "--format", form, *logs, stdin=LOG)
    assert done.returncode == 0
    told = " ".join(json.loads(done.stdout)["notices"]) if form == "json" else done.stdout
    assert f"{tmp_path}/other: no line of Postfix's postscreen or smtpd; its first is" in told
    assert 'is "auth \\027[31m one"' in told
    assert f"{tmp_path}/none: is empty" in told
    assert "a log may be as syslog, journalctl (also -o export and -o json), Docker" in told


@pytest.mark.parametrize("pack", [bz2.compress, lzma.compress, gzip.compress])
def test_packed_logs_are_unpacked(pack: Callable[[bytes], bytes], config: Path) -> None:
    assert proposed(config, pack(LOG)) == ["sender.test"]
    done = suggest(config, pack(LOG)[:-9])
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot read -: " in done.stderr


def test_a_log_that_zstd_has_packed_is_said_with_what_reads_it(config: Path) -> None:
    done = suggest(config, b"\x28\xb5\x2f\xfd\x00")
    assert done.returncode == 1
    assert "packed by zstd; `zstdcat LOG | spfwhite suggest -` reads it" in done.stderr


def test_a_sender_that_waits_with_all_its_addresses_is_said_and_not_added(config: Path) -> None:
    log = (
        LOG
        + b"".join(
            deferral(f"198.51.100.{i}", 3).replace(b"a@mail.example", b"b@spf.sender.test")
            for i in range(100, 220)
        )
        + deferral("203.0.113.200", 3).replace(b"a@mail.example", b"b@spf.sender.test")
    )
    said = suggest(config, log).stdout
    assert (
        "  spf.sender.test: 120 deferred from 120 addresses, its SPF passes all of them, "
        f"none got in; `spfwhite -c {config} add spf.sender.test` lists it\n"
    ) in said
    (group,) = (each for each in found(config, log)["groups"] if each["waiting"])
    assert (group["domain"], group["proposed"], group["command"]) == ("spf.sender.test", False, "")


def test_a_waiting_domain_that_passes_more_than_the_limits_is_said_to(config: Path) -> None:
    log = LOG + deferral("203.0.113.7", 3).replace(b"a@mail.example", b"b@spam.test")
    said = suggest(config, log).stdout
    assert re.search(
        r"spam\.test: .*: its SPF passes more than the limits of \[safety\] allow", said
    )


def test_dates_and_acceptance_that_cannot_be_seen_are_said(config: Path) -> None:
    said = suggest(config, LOG.replace(b"Nov", b"Xyz")).stdout
    assert "the date of 6 tests cannot be read, so that no day of theirs counts" in said
    old = re.sub(rb"(disconnect from \S+) .*", rb"\1", LOG)
    assert (
        "no counters, as before Postfix 3.0: whether mail was accepted"
        in suggest(config, old).stdout
    )
    assert "note:" not in suggest(config, LOG).stdout


def test_smtpd_without_postscreen_is_told(config: Path) -> None:
    done = suggest(config, at(1, "smtpd", "connect from mail.a.test[198.51.100.7]"))
    assert done.returncode == 0
    assert "no connection to postscreen" in done.stdout


def test_a_log_that_cannot_be_read_is_exit_1_and_named(config: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.gz").write_bytes(gzip.compress(LOG)[:-20])
    (tmp_path / "bad.gz").write_bytes(gzip.compress(LOG)[:12] + b"\xff" * 40)
    for name in ("missing.log", "cut.gz", "bad.gz", "."):
        done = spfwhite("-c", config, "suggest", tmp_path / name)
        assert (done.returncode, done.stdout) == (1, "")
        assert f"cannot read {tmp_path / name}: " in done.stderr
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("options", [[], ["--days", "0", "-"], ["--format", "xml", "-"]])
def test_a_bad_command_line_is_exit_2(options: list[str], config: Path) -> None:
    done = spfwhite("-c", config, "suggest", *options)
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize("form", ["text", "json"])
def test_nothing_hostile_reaches_the_output(form: str, config: Path) -> None:
    log = LOG + b"".join(deferral(f"198.51.100.{i}", 2, helo) for i, helo in enumerate(HOSTILE))
    log += deferral("198.51.100.50", 2, b"x" * 2**20)
    for day in (1, 2):
        log += mail("198.51.100.60", "$(touch${IFS}/tmp/x);.sender.test", day)
        log += mail("198.51.100.61", "\x1b[31m.sender.test", day)
        log += mail("198.51.100.62", "mail.steer.test", day)
    done = suggest(config, log, "--format", form)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()
    assert done.stdout.replace("\n", "").isprintable()
    assert "touch" not in done.stdout
    assert "victim" not in done.stdout
    commands = re.findall(r"spfwhite -c .* add ([^\n\"]*)", done.stdout)
    assert sorted(commands) == ["sender.test", "steer.test"]


def test_each_sender_is_one_line_in_a_pipe_and_the_first_are_shown(config: Path) -> None:
    label = "x" * 63
    log = LOG + b"".join(
        mail(f"203.0.113.{i}", f"{label}.{i}.{label}.a.test", 1) for i in range(40)
    )
    done = suggest(config, log)
    assert "-v lists them" in done.stdout
    others = done.stdout.partition("Not proposed:\n")[2].splitlines()
    assert all(line.startswith("  ") and not line.startswith("    ") for line in others)
    assert max(map(len, others)) > 100


def test_no_file_is_touched(config: Path, tmp_path: Path) -> None:
    before = listing(tmp_path)
    spfwhite("-c", config, "suggest", "-", stdin=LOG, cwd=tmp_path)
    assert listing(tmp_path) == before


def test_a_long_log_streams_through_in_constant_memory(config: Path) -> None:
    block = b"".join(
        mail(f"11.0.{i >> 8}.{i & 255}", f"mail-{i}.customers.sender.test", 1) for i in range(3000)
    )
    rounds = 50 * 2**20 // len(block) + 1
    command = [
        sys.executable,
        "-c",
        MEASURED,
        "-c",
        str(config),
        "suggest",
        "--format",
        "json",
        "-",
    ]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin
        for second in range(rounds):
            process.stdin.write(block.replace(b"[11.0.", b"[11.%d." % second))
        out, err = process.communicate(timeout=100)
    data = json.loads(out)
    assert data["connections"] == 3000 * rounds
    assert data["capped"]
    (peak,) = re.findall(rb"VmHWM:\s+([0-9]+) kB", err)
    assert int(peak) < LIMIT
