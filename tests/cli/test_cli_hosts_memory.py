"""Host names that fail, are cut off by the deadline or by a kill, and what the next run asks."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import spfwhite
from tests.support.dnsserver import Fault
from tests.support.dnszone import Records
from tests.support.site import Site, provider, site

pytestmark = pytest.mark.slow

EARLY = [f"h{number}.test" for number in range(1, 21)]
LATE = [f"h{number}.late.test" for number in range(1, 11)]
RECORDS: Records = {
    ("plain.test", "TXT"): ["v=spf1 ip4:192.0.2.0/24 -all"],
    **{(name, "A"): [f"198.51.100.{2 * number}"] for number, name in enumerate(EARLY[:10])},
    **{(name, "A"): [f"203.0.113.{2 * number}"] for number, name in enumerate(LATE[:5])},
}
PLAIN = ["192.0.2.0/24\tpermit"]
RULES = [
    *PLAIN,
    *(f"198.51.100.{2 * number}/32\tpermit" for number in range(10)),
    *(f"203.0.113.{2 * number}/32\tpermit" for number in range(5)),
]
HOSTS = '[providers.hosts]\nhosts = ["h{1..20}.test", "h{1..10}.late.test"]'


@pytest.fixture
def new(tmp_path: Path) -> Iterator[Site]:
    """Return a site with hosts beside a domain, before its first run."""
    with site(tmp_path, RECORDS, {"plain": ["plain.test"]}, more=HOSTS) as made:
        yield made


@pytest.fixture
def ran(new: Site) -> Site:
    """Return a site after its first run, which found all."""
    done = new.generate()
    assert (done.returncode, done.stderr, new.rules()) == (0, "", RULES)
    new.server.reset()
    return new


def configure(made: Site, keys: str) -> None:
    """Put keys into `[dns]`."""
    made.config.write_text(made.config.read_text().replace("[dns]\n", f"[dns]\n{keys}\n"))


def hosts_asked(made: Site) -> list[str]:
    """Return which host names were asked for since the last time, in order of their names."""
    names = {name for name, _ in made.server.count()} - {"plain.test"}
    made.server.reset()
    return sorted(names)


def reported(made: Site) -> tuple[int, Any]:
    done, report = made.reported()
    return done.returncode, provider(report, "hosts")


def test_what_is_young_is_not_asked_again_even_if_it_does_not_exist(ran: Site) -> None:
    assert ran.generate().returncode == 0
    assert ran.server.count().keys() == {("plain.test", "TXT")}
    assert ran.rules() == RULES


def test_what_is_older_than_hosts_max_age_hours_is_asked_again(ran: Site) -> None:
    configure(ran, "hosts_max_age_hours = 0")
    assert ran.generate().returncode == 0
    assert hosts_asked(ran) == sorted([*EARLY, *LATE])


def test_a_name_that_is_new_in_the_pattern_is_all_that_is_asked(ran: Site) -> None:
    ran.config.write_text(ran.config.read_text().replace("{1..10}", "{1..12}"))
    assert ran.generate().returncode == 0
    assert hosts_asked(ran) == ["h11.late.test", "h12.late.test"]


def test_failures_are_reported_with_their_number_and_cause_and_degrade_the_run(new: Site) -> None:
    new.server.faults[".late.test"] = Fault("servfail")
    done = new.generate()
    assert done.returncode == 3
    assert "hosts: incomplete: " in done.stderr
    failures = "h{1..10}.late.test: hosts: 20 of 20 questions failed, most often: SERVFAIL"
    assert failures in done.stderr
    assert new.rules() == RULES[:11], "and what was found is listed"
    assert "h{1..20}.test" not in done.stderr


def test_the_next_run_asks_only_for_what_failed(new: Site) -> None:
    new.server.faults[".late.test"] = Fault("servfail")
    new.generate()
    hosts_asked(new)
    new.server.faults.clear()
    assert new.generate().returncode == 0
    assert hosts_asked(new) == sorted(LATE)
    assert new.rules() == RULES


def test_a_failure_later_is_answered_from_memory(ran: Site) -> None:
    configure(ran, "hosts_max_age_hours = 0")
    ran.server.faults[".test"] = Fault("servfail")
    ran.server.faults["plain.test"] = Fault()
    code, hosts = reported(ran)
    assert (code, hosts["status"], ran.rules()) == (0, "stale", RULES)
    assert "SERVFAIL" in hosts["stale"]["reason"]


def test_a_network_in_which_no_name_exists_is_said_and_in_the_end_holds_the_provider(
    ran: Site,
) -> None:
    configure(ran, "hosts_max_age_hours = 0")
    ran.server.faults[".test"] = Fault("nxdomain")
    ran.server.faults["plain.test"] = Fault()
    code, hosts = reported(ran)
    assert (code, hosts["status"], ran.rules()) == (0, "ok", RULES)
    assert "and 12 more: what it had stays for 7 days (state.sticky_days)" in hosts["notice"]
    ran.age(days=8)
    code, hosts = reported(ran)
    assert (code, hosts["status"], ran.rules()) == (3, "held", RULES)


def test_a_pattern_without_any_address_is_reported(tmp_path: Path) -> None:
    more = '[providers.hosts]\nhosts = ["gone{1..3}.test"]'
    with site(tmp_path, RECORDS, {"plain": ["plain.test"]}, more=more) as made:
        done = made.generate()
        assert done.returncode == 0
        assert "missing: gone{1..3}.test: hosts: none of the names has an address" in done.stderr
        assert made.rules() == PLAIN


def test_a_run_cut_by_the_deadline_lists_what_it_has_and_the_next_one_asks_the_rest(
    new: Site,
) -> None:
    configure(new, "hosts_deadline = 3.0")
    new.server.faults[".late.test"] = Fault("drop")
    done = new.generate()
    assert done.returncode == 3
    assert "20 of 20 questions failed" in done.stderr
    assert "no answer within the deadline of 3 s (dns.hosts_deadline)" in done.stderr
    assert new.rules() == RULES[:11]
    new.server.faults.clear()
    hosts_asked(new)
    assert new.generate().returncode == 0
    assert hosts_asked(new) == sorted(LATE)
    assert new.rules() == RULES


def test_a_killed_run_leaves_the_state_whole_and_the_next_one_asks_what_it_lacks(
    ran: Site,
) -> None:
    ran.config.write_text(ran.config.read_text().replace("{1..10}", "{1..12}"))
    ran.server.faults[".late.test"] = Fault("drop")
    before = ran.state.read_bytes()
    process = subprocess.Popen([sys.executable, "-m", "spfwhite", *ran.arguments])
    while not any("late" in name for name, _ in ran.server.count()):
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert ran.state.read_bytes() == before
    assert ran.rules() == RULES
    ran.server.faults.clear()
    ran.server.reset()
    assert ran.generate().returncode == 0
    assert hosts_asked(ran) == ["h11.late.test", "h12.late.test"]


def test_the_deadline_of_a_run_is_theirs_too(new: Site) -> None:
    new.server.faults[".test"] = Fault("drop")
    new.server.faults["plain.test"] = Fault()
    done = new.generate("--deadline", "0.5")
    assert done.returncode == 3
    (line,) = [line for line in done.stderr.splitlines() if "h{1..20}.test: hosts: " in line]
    assert "40 of 40 questions failed, most often: no answer within the deadline of 0." in line
    assert line.endswith(" s, what --deadline left")
    assert new.rules() == PLAIN


def test_the_deadline_of_the_other_questions_is_not_theirs(new: Site) -> None:
    configure(new, "deadline = 3.0\nmax_qps = 12")
    done = new.generate()
    assert (done.returncode, done.stderr, new.rules()) == (0, "", RULES)
    assert len(new.server.queries) > 36, "which take longer than the deadline"


def test_names_outnumber_the_look_ups_that_a_domain_may_need(tmp_path: Path) -> None:
    with site(tmp_path, RECORDS, {"plain": ["plain.test"]}, more=HOSTS) as made:
        made.config.write_text(
            made.config.read_text().replace("[spf]\n", "[spf]\nmax_lookups = 5\n")
        )
        assert made.generate().returncode == 0
        assert made.rules() == RULES


@pytest.mark.parametrize(
    ("pattern", "part"),
    [
        ("h{1..100001}.test", "stands for more than 100,000 names"),
        ("h{1..3.test", "brace"),
        ("h{3..1}.test", "ends before it begins"),
    ],
)
def test_a_pattern_that_is_none_is_exit_2_with_its_key(
    pattern: str, part: str, tmp_path: Path
) -> None:
    more = f'[providers.hosts]\nhosts = ["{pattern}"]'
    with site(tmp_path, RECORDS, {"plain": ["plain.test"]}, more=more) as made:
        done = made.generate()
        assert (done.returncode, done.stdout, made.server.queries) == (2, "", [])
    assert "providers.hosts.hosts" in done.stderr
    assert part in done.stderr


def test_a_terminal_sees_how_far_it_is(new: Site) -> None:
    configure(new, "max_qps = 20")
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "spfwhite", *new.arguments], stdout=subprocess.DEVNULL, stderr=theirs
    ) as process:
        os.close(theirs)
        seen = b"".join(iter(lambda: _read(ours), b""))
    os.close(ours)
    assert process.returncode == 0
    assert b"asking DNS" in seen
    assert b"100%" in seen


def _read(terminal: int) -> bytes:
    """Return what is shown next; nothing when the program has ended."""
    try:
        return os.read(terminal, 65536)
    except OSError:  # EIO: nobody has the other end open any more
        return b""


def test_providers_count_the_failures_of_the_last_run(new: Site) -> None:
    new.server.faults[".late.test"] = Fault("servfail")
    new.generate()
    done = spfwhite("-c", new.config, "providers", "--format", "json")
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    (problem,) = rows["hosts"]["problems"]
    assert (rows["hosts"]["status"], problem["domain"]) == ("incomplete", "h{1..10}.late.test")
    assert problem["detail"].startswith("20 of 20 questions failed")
