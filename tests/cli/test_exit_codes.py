"""Each exit code by a real run, which wins where several apply, and the flags that lift it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.cli import listing, rules, spfwhite
from tests.support.dnsserver import Fault
from tests.support.site import PROVIDERS, REPORT, RULES, Site, site

pytestmark = pytest.mark.slow

FOREIGN = b"# partners, by hand\n203.0.113.0/24 permit\n"
OTHERS = b'{"format": "somebody-elses"}\n'
MISSING = {"gone": ["gone.test"]}
HALF = ["v=spf1 ip4:198.18.0.0/16 ip4:198.19.0.0/20 ip6:2001:db8:1::/48 mx ~all"]
"""A loss of 47 % to `big`: within the rail of a provider, over that of the total."""


@pytest.fixture
def made(fresh: Site) -> Site:
    """Return a site with the table and state of one good run."""
    assert fresh.generate().returncode == 0
    return fresh


@pytest.fixture
def degraded(made: Site) -> Site:
    """Return a site whose next run is degraded."""
    made.server.zone.remove("hosts.test", "TXT")
    return made


def foreign(made: Site) -> Site:
    made.table.write_bytes(FOREIGN)
    return made


@pytest.mark.parametrize("options", [[], ["--dry-run"], ["-o", "-"]])
def test_0_and_nothing_on_stderr_where_all_is_well(options: list[str], fresh: Site) -> None:
    done = fresh.generate(*options)
    assert (done.returncode, done.stderr) == (0, "")


def test_0_and_not_a_word_in_a_pipe_for_a_first_run_a_change_and_no_change(fresh: Site) -> None:
    for prefix in (24, 25, 25):
        fresh.server.zone.set("plain.test", "TXT", [f"v=spf1 ip4:198.51.100.0/{prefix} -all"])
        done = fresh.generate()
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_1_for_what_cannot_be_written_and_all_stays(made: Site) -> None:
    before = listing(made.folder)
    done = made.generate("-o", made.folder / "missing" / "table")
    assert (done.returncode, done.stdout) == (1, "")
    assert listing(made.folder) == before


@pytest.mark.parametrize(
    "options",
    [
        ["--only", "nobody"],
        ["--only", "all"],
        ["--accept", "nobody"],
        ["--offline", "--only", "big"],
    ],
)
def test_2_for_options_that_cannot_be_carried_out_and_all_stays(
    options: list[str], made: Site
) -> None:
    before = listing(made.folder)
    made.server.reset()
    done = made.generate(*options)
    assert (done.returncode, done.stdout) == (2, "")
    assert listing(made.folder) == before
    assert not made.server.queries


def test_2_for_a_bad_configuration_names_file_and_key(made: Site) -> None:
    made.config.write_text(made.config.read_text() + "\n[safety2]\n")
    done = made.generate()
    assert done.returncode == 2
    assert f"{made.config}: safety2 is unknown" in done.stderr


def test_3_where_a_provider_is_held_and_the_rest_is_written(degraded: Site) -> None:
    degraded.server.zone.set("plain.test", "TXT", ["v=spf1 ip4:198.51.100.0/25 -all"])
    done = degraded.generate()
    assert (done.returncode, done.stdout) == (3, "")
    assert "hosts: held" in done.stderr
    assert "192.0.2.7/32\tpermit" in degraded.rules()
    assert "198.51.100.0/25\tpermit" in degraded.rules()


def test_3_once_where_nothing_changed_and_the_table_is_left_alone(degraded: Site) -> None:
    before = listing(degraded.folder)[degraded.table.name]
    assert [degraded.generate().returncode for _ in range(2)] == [3, 0]
    assert listing(degraded.folder)[degraded.table.name] == before


def test_4_for_a_file_of_somebody_else_which_stays_with_its_state(made: Site) -> None:
    state = made.state.read_bytes()
    done = foreign(made).generate()
    assert (done.returncode, done.stdout) == (4, "")
    assert f"{made.table} was not written by spfwhite" in done.stderr
    assert "--force" in done.stderr
    assert (made.table.read_bytes(), made.state.read_bytes()) == (FOREIGN, state)


def test_3_for_a_loss_of_the_whole_names_number_limit_key_and_flag(made: Site) -> None:
    made.server.zone.set("big.test", "TXT", HALF)
    before = made.table.read_bytes()
    done = made.generate()
    assert (done.returncode, done.stdout) == (3, "")
    for word in ("47 %", "30 %", "safety.total_max_loss", "--accept big"):
        assert word in done.stderr
    assert made.table.read_bytes() == before
    assert made.generate("--force").returncode == 0
    assert "198.19.0.0/20\tpermit" in made.rules()


def test_force_replaces_a_file_of_somebody_else_and_keeps_it_as_orig(made: Site) -> None:
    assert foreign(made).generate("--force").returncode == 0
    assert made.rules() == RULES
    assert made.table.with_name("table.cidr.orig").read_bytes() == FOREIGN
    assert made.generate().returncode == 0


def test_accept_takes_over_what_a_held_provider_passes_now(made: Site) -> None:
    made.server.zone.set("plain.test", "TXT", ["v=spf1 ip4:203.0.113.200 -all"])
    assert made.generate().returncode == 3
    assert made.rules() == RULES
    assert made.generate("--accept", "hosts").returncode == 0
    assert made.rules() == RULES
    assert made.generate("--accept", "plain").returncode == 0
    assert "203.0.113.200/32\tpermit" in made.rules()
    assert "198.51.100.0/24\tpermit" not in made.rules()
    assert made.generate().returncode == 0


def test_accept_all_lifts_every_hold(made: Site) -> None:
    for name in ("big", "plain"):
        made.server.zone.set(f"{name}.test", "TXT", [f"v=spf1 ip4:203.0.113.{len(name)} -all"])
    assert made.generate().returncode == 3
    assert made.generate("--accept", "all").returncode == 0
    assert "203.0.113.3/32\tpermit" in made.rules()
    assert "203.0.113.5/32\tpermit" in made.rules()


def test_accept_for_a_provider_that_is_not_held_is_said(made: Site) -> None:
    done = made.generate("--accept", "plain")
    assert (done.returncode, made.rules()) == (0, RULES)
    assert "--accept plain had no effect: plain is not held" in done.stderr.splitlines()
    made.server.zone.set("plain.test", "TXT", ["v=spf1 ip4:203.0.113.200 -all"])
    done = made.generate("--accept", "plain", "--accept", "hosts")
    assert done.returncode == 0
    assert "--accept hosts had no effect" in done.stderr
    assert "--accept plain" not in done.stderr
    assert made.generate("--accept", "all").stderr == ""


def test_accept_takes_a_provider_whose_query_is_never_answered(made: Site) -> None:
    text = "v=spf1 ip4:192.0.2.0/24 include:lame.test -all"
    made.server.zone.set("plain.test", "TXT", [text])
    made.server.faults["lame.test"] = Fault("servfail")
    assert made.generate().returncode == 3
    done = made.generate("--accept", "plain")
    assert done.returncode == 0
    assert "had no effect" not in done.stderr
    assert made.generate().returncode == 0
    shown = spfwhite("-c", made.config, "providers", "--format", "json").stdout
    assert "lame.test failed" in shown


def test_accept_that_lifts_what_was_held_for_the_list_had_an_effect(made: Site) -> None:
    fewer = "v=spf1 ip4:198.19.0.0/18 ip6:2001:db8:1::/48 mx:big.test ~all"
    made.server.zone.set("sub.big.test", "TXT", [fewer])
    done = made.generate()
    assert (done.returncode, made.rules()) == (3, RULES)
    assert "safety.total_max_loss" in done.stderr
    done = made.generate("--accept", "big")
    assert (done.returncode, done.stderr) == (0, "")
    assert {"198.18.0.0/16\tpermit", "198.19.0.0/18\tpermit"} <= set(made.rules())


def test_4_wins_over_3(degraded: Site) -> None:
    done = foreign(degraded).generate()
    assert done.returncode == 4
    assert "hosts: held" in done.stderr


def test_4_wins_over_3_on_a_first_run_where_no_provider_is_there(fresh: Site) -> None:
    fresh.server.faults[""] = Fault("nxdomain")
    assert fresh.generate().returncode == 4


def test_1_wins_over_4_and_3(degraded: Site) -> None:
    foreign(degraded)
    done = degraded.generate("--record", degraded.folder / "missing" / "snapshot.json")
    assert done.returncode == 1
    assert degraded.table.read_bytes() == FOREIGN


def test_2_comes_before_anything_is_read(degraded: Site) -> None:
    degraded.state.write_bytes(OTHERS)
    before = listing(degraded.folder)
    assert foreign(degraded).generate("--only", "nobody").returncode == 2
    before[degraded.table.name] = listing(degraded.folder)[degraded.table.name]
    assert listing(degraded.folder) == before


def put_a_folder_in_its_place(made: Site) -> None:
    made.table.unlink()
    made.table.mkdir()


CASES: dict[int, Callable[[Site], object]] = {
    0: lambda made: made.server.zone.set("plain.test", "TXT", ["v=spf1 ip4:198.51.100.0/25 -all"]),
    1: put_a_folder_in_its_place,
    2: lambda made: made.config.write_text("nonsense"),
    3: lambda made: made.server.zone.remove("hosts.test", "TXT"),
    4: foreign,
}


@pytest.mark.parametrize("code", CASES)
def test_a_dry_run_exits_as_the_real_one_and_changes_nothing(code: int, made: Site) -> None:
    CASES[code](made)
    before = listing(made.folder)
    rehearsal = made.generate("--dry-run")
    assert listing(made.folder) == before
    real = made.generate()
    assert rehearsal.returncode == real.returncode == code


def test_a_dry_run_shows_the_difference_that_the_real_one_makes(made: Site) -> None:
    made.server.zone.set("plain.test", "TXT", ["v=spf1 ip4:198.51.100.0/25 ip4:203.0.113.8 -all"])
    shown = made.generate("--dry-run").stdout.splitlines()
    before = set(made.rules())
    made.generate()
    after = set(made.rules())
    gone = [f"-{rule.split()[0]}" for rule in before - after]
    new = [f"+{rule.split()[0]}" for rule in after - before]
    assert gone == ["-198.51.100.0/24"]
    lines = [line for line in shown if line.startswith(("-", "+"))]
    assert lines == ["-198.51.100.128/25", "+203.0.113.8/32"]
    assert sorted(new) == ["+198.51.100.0/25", "+203.0.113.8/32"]


@pytest.mark.parametrize("code", [0, 3, 4])
def test_the_report_says_the_exit_code(code: int, made: Site) -> None:
    CASES[code](made)
    done = made.generate("--report", made.folder / REPORT)
    assert made.report()["exit_code"] == done.returncode == code


def test_a_provider_that_was_never_there_degrades_no_run(tmp_path: Path) -> None:
    with site(tmp_path, providers=PROVIDERS | MISSING) as made:
        assert "gone: empty" in made.generate().stderr
        assert (made.generate().returncode, made.rules()) == (0, RULES)
        done = made.generate("-o", "-")
        assert (done.stderr, rules(done.stdout)) == ("", RULES)
