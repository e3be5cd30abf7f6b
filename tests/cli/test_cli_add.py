"""`spfwhite add`: a sender gets in now, the others stay as they were."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from spfwhite.config.loading import load
from tests.support.cli import Finished, spfwhite
from tests.support.dnsserver import DnsServer, Fault, Zone
from tests.support.launcher import Change

RECORDS = {
    ("part.test", "TXT"): ["v=spf1 ip4:20.0.1.0/24 -all"],
    ("more.test", "TXT"): ["v=spf1 include:part.test ip4:20.7.0.0/24 -all"],
    ("first.test", "TXT"): ["v=spf1 ip4:20.0.0.0/20 -all"],
    ("late.test", "TXT"): ["v=spf1 ip4:20.1.0.0/24 -all"],
    ("late.test", "A"): ["20.1.0.1"],
    ("empty.test", "TXT"): ["v=spf1 -all"],
    ("wide.test", "TXT"): ["v=spf1 +all"],
}

# /etc/spfwhite is a constant of the program: a process of its own gets another folder by this
PROGRAM = """
import sys
from pathlib import Path
from spfwhite.config import loading as config
config.SYSTEM = Path(sys.argv[1])
config.load.__kwdefaults__["system"] = config.SYSTEM
sys.argv[:2] = ["spfwhite"]
from spfwhite.cli.main import main
main()
"""


class Site:
    """A machine whose /etc/spfwhite is `system`."""

    def __init__(self, folder: Path, server: DnsServer) -> None:
        self.system = folder / "etc"
        self.table = folder / "allow.cidr"
        self.added = self.system / "providers.d" / "90-added.toml"
        self.server = server
        self.system.mkdir()
        (self.system / "providers.toml").write_text(
            f"defaults = false\n"
            f'[output]\nallow = "{self.table}"\nreject = "{folder / "reject.cidr"}"\n'
            f'[state]\npath = "{folder / "state.json"}"\n'
            f'[dns]\nnameservers = ["{server.address}"]\n'
            f'[providers.first]\ndomains = ["first.test"]\n'
        )

    def run(self, *arguments: str) -> Finished:
        return spfwhite(*arguments, change=Change(system=str(self.system)))

    def rules(self) -> list[str]:
        lines = self.table.read_text().splitlines() if self.table.exists() else []
        return [line for line in lines if not line.startswith("#")]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with DnsServer(Zone(RECORDS)) as server:
        yield Site(tmp_path, server)


def test_a_domain_is_written_to_a_file_of_its_own_and_listed(site: Site) -> None:
    assert site.run("generate").returncode == 0
    site.server.reset()
    done = site.run("add", "--expires", "2099-01-31", "Late.Test.")
    assert done.returncode == 0, done.stderr
    assert "late.test passes 1 IPv4" in done.stdout
    assert site.rules() == ["20.0.0.0/20\tpermit", "20.1.0.0/24\tpermit"]
    provider = tomllib.loads(site.added.read_text())["providers"]["late-test"]
    assert provider["domains"] == ["late.test"]
    assert str(provider["expires"]) == "2099-01-31"
    assert {name for name, _, _ in site.server.queries} == {"late.test"}, "the others from memory"


def test_the_first_run_may_be_an_addition(site: Site) -> None:
    assert site.run("add", "late.test").returncode == 0
    assert site.rules() == ["20.0.0.0/20\tpermit", "20.1.0.0/24\tpermit"]


@pytest.mark.parametrize("more", [["part.test"], ["--networks", "20.9.0.0/24"]])
@pytest.mark.parametrize("option", [["--dry-run"], []])
def test_that_all_named_at_once_is_one_provider_is_said(
    site: Site, option: list[str], more: list[str]
) -> None:
    done = site.run("add", *option, "late.test", *more)
    assert done.returncode == 0, done.stderr
    said = "all of these become one provider, late-test; for several, call add once for each\n"
    assert said in done.stdout
    assert "one provider" not in site.run("add", "--dry-run", "more.test").stdout


def test_networks_need_no_domain(site: Site) -> None:
    assert site.run("add", "--networks", "20.9.0.0/24", "--category", "by-hand").returncode == 0
    assert "20.9.0.0/24\tpermit" in site.rules()
    (provider,) = (each for each in load(system=site.system).providers if each.name != "first")
    assert (provider.name, provider.category) == ("20-9-0-0-24", "by-hand")


def test_a_second_addition_leaves_the_first_alone(site: Site) -> None:
    site.run("add", "late.test")
    site.run("add", "--networks", "20.9.0.0/24")
    assert len(site.rules()) == 3
    assert len(tomllib.loads(site.added.read_text())["providers"]) == 2


@pytest.mark.parametrize("options", [["--dry-run"], ["-c"]])
def test_a_dry_run_and_an_overlay_of_ones_own_are_only_shown_the_block(
    site: Site, options: list[str]
) -> None:
    before = ["-c", str(site.system / "providers.toml")] if options == ["-c"] else []
    after = options if options != ["-c"] else []
    done = site.run(*before, "add", *after, "late.test")
    assert done.returncode == 0
    assert '[providers.late-test]\ncategory = "added"\ndomains = ["late.test"]' in done.stdout
    assert not site.added.exists()
    assert site.rules() == []


def test_a_full_standard_output_does_not_keep_a_sender_out(site: Site) -> None:
    assert site.run("generate").returncode == 0
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, site.system, "add", "late.test"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=300,
        )
    assert done.returncode == 3
    assert "cannot write to standard output: No space left on device\n" in done.stderr
    assert "late-test" in tomllib.loads(site.added.read_text())["providers"]
    assert "20.1.0.0/24\tpermit" in site.rules()


def test_a_domain_that_passes_nothing_is_not_added(site: Site) -> None:
    done = site.run("add", "empty.test")
    assert (done.returncode, site.added.exists()) == (1, False)
    assert (
        "nothing was added: empty.test passes no address; `spfwhite add --networks " in done.stderr
    )
    assert "empty.test passes no address\n" in done.stdout


def test_a_domain_for_which_dns_does_not_answer_is_not_said_to_pass_nothing(site: Site) -> None:
    site.server.faults["part.test"] = Fault("servfail")
    site.server.zone.set("over.test", "TXT", ["v=spf1 include:part.test -all"])
    for name in ("part.test", "over.test"):
        done = site.run("add", name)
        assert (done.returncode, site.added.exists()) == (1, False)
        why = f"{name} cannot be looked up, DNS did not answer: TXT part.test failed: SERVFAIL"
        assert f"nothing was added: {why} (" in done.stderr
        assert done.stdout.startswith(f"{why} (")
        shown = site.run("show", name)
        assert shown.returncode == 1
        assert shown.stdout.startswith(why.replace(name, f"{name}:", 1))
    done = site.run("add", "part.test", "late.test")
    assert "part.test is left out: it cannot be looked up, DNS did not answer: " in done.stderr


@pytest.mark.parametrize("domain", ["empty.test", "gone.test", "wide.test"])
@pytest.mark.parametrize("others", [["--networks", "20.9.0.0/24"], ["late.test"]])
def test_a_domain_that_passes_nothing_is_left_out_of_what_is_added(
    site: Site, others: list[str], domain: str
) -> None:
    done = site.run("add", domain, *others)
    assert done.returncode == 0, done.stderr
    assert f"{domain} is left out: it passes no address" in done.stderr
    ((name, provider),) = tomllib.loads(site.added.read_text())["providers"].items()
    named = others[0] if len(others) == 1 else domain
    assert name == named.replace(".", "-"), "after a domain that is listed, if there is one"
    assert domain not in provider.get("domains", [])
    assert len(site.rules()) == 2
    assert site.run("generate").returncode == 0, "no run complains of it from now on"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "name a domain"),
        (["first.test"], "provider first has first.test already; `spfwhite providers first` "),
        (
            ["first.test", "first"],
            "provider first is there already; `spfwhite providers first` shows",
        ),
        (["--networks", "198.51.100.0/24"], "198.51.100.0/24 is for special use"),
        (["--networks", "20.9.0.1/24"], "20.9.0.0/24"),
        (["--category", "No Good", "late.test"], "category"),
        (["--expires", "soon", "late.test"], "'soon' is no date: write the last day as 2027-01-31"),
        (["--expires", "2027-02-30", "late.test"], "'2027-02-30' is no date: write the last day"),
        (["no_such..name"], "no_such..name"),
        (["--networks", "nonsense"], 'networks has "nonsense", which is not an IPv4'),
        (["--networks", '\n\x7f"'], "is not an IPv4"),
    ],
)
@pytest.mark.parametrize("kind", ["for good", "--dry-run", "-c"])
def test_what_would_not_load_is_a_usage_error_and_leaves_no_file(
    kind: str, site: Site, arguments: list[str], words: str
) -> None:
    before = ["-c", str(site.system / "providers.toml")] if kind == "-c" else []
    after = ["--dry-run"] if kind == "--dry-run" else []
    done = site.run(*before, "add", *after, *arguments)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not site.added.exists()
    assert site.server.queries == []


def test_of_several_domains_those_that_a_provider_has_are_said_and_the_others_added(
    site: Site,
) -> None:
    done = site.run("add", "first.test", "late.test")
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith(
        "provider first has first.test already; `spfwhite providers first` "
    )
    assert tomllib.loads(site.added.read_text())["providers"]["late-test"]["domains"] == [
        "late.test"
    ]
    assert "20.1.0.0/24\tpermit" in site.rules()


def test_where_safety_exclude_is_why_a_domain_passes_nothing_that_is_said(site: Site) -> None:
    with (site.system / "providers.toml").open("a") as file:
        file.write('[safety]\nexclude = ["part.test"]\n')
    done = site.run("add", "part.test")
    assert done.returncode == 1
    assert "part.test passes no address, since safety.exclude names part.test" in done.stderr


@pytest.mark.parametrize(("option", "reloads"), [("--no-reload", False), ("--reload", True)])
def test_whether_to_reload_is_told_to_it_whatever_the_configuration_says(
    site: Site, tmp_path: Path, option: str, *, reloads: bool
) -> None:
    called = tmp_path / "called"
    with (site.system / "providers.toml").open("a") as file:
        command = json.dumps(["touch", str(called)])
        file.write(f"[postfix]\nreload = {str(not reloads).lower()}\nreload_command = {command}\n")
    assert site.run("add", option, "late.test").returncode == 0
    assert called.exists() is reloads
    called.unlink(missing_ok=True)
    assert site.run("remove", option, "late.test").returncode == 0
    assert called.exists() is reloads


def test_a_domain_that_is_rejected_is_not_said_to_be_on_the_list(site: Site) -> None:
    with (site.system / "providers.toml").open("a") as file:
        file.write('\n[providers.bad]\ndomains = ["late.test"]\naction = "reject"\n')
    done = site.run("add", "late.test")
    assert done.returncode == 2
    assert "provider bad has late.test already, on the reject table; " in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--expires", "2020-01-31"], "2020-01-31 is over"),
        (["--category", "fr"], "category fr is off: `fr = true` in [categories]"),
    ],
)
def test_a_provider_that_would_be_off_is_not_written(
    site: Site, arguments: list[str], words: str
) -> None:
    done = site.run("add", *arguments, "late.test")
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert not site.added.exists()
    assert site.run("add", "late.test").returncode == 0, "nothing is in the way of a retry"


@pytest.mark.parametrize(
    ("keys", "switch"),
    [
        ("enabled = false", "`enabled = true` in [providers.off]"),
        ("expires = 2020-01-31", "`expires` in [providers.off]"),
    ],
)
def test_a_provider_that_has_the_domain_but_is_off_is_named_with_its_switch(
    site: Site, keys: str, switch: str
) -> None:
    with (site.system / "providers.toml").open("a") as file:
        file.write(f'[providers.off]\ndomains = ["late.test"]\n{keys}\n')
    done = site.run("add", "late.test")
    assert (done.returncode, done.stdout) == (2, "")
    assert "provider off has late.test but is off: " in done.stderr
    assert switch in done.stderr


def test_a_provider_that_remove_took_off_is_put_back(site: Site) -> None:
    site.run("generate")
    site.run("add", "late.test")
    before = site.added.read_text()
    assert site.run("remove", "first").returncode == 0
    site.server.reset()
    several = site.run("add", "first.test", "late.test")
    assert "provider first has first.test but is off" in several.stderr
    assert several.returncode == 2
    done = site.run("add", "first.test")
    assert done.returncode == 0, done.stderr
    said = "provider first was taken off by `spfwhite remove`, and is put back\n"
    assert done.stdout.startswith(said)
    assert site.added.read_text().strip() == before.strip()
    assert site.rules() == ["20.0.0.0/20\tpermit", "20.1.0.0/24\tpermit"]
    assert {name for name, _, _ in site.server.queries} == {"first.test"}, "the rest from memory"


@pytest.mark.parametrize("named", ["late.test", "late"])
def test_a_provider_whose_category_is_off_is_put_on_alone(site: Site, named: str) -> None:
    with (site.system / "providers.toml").open("a") as file:
        file.write("[categories]\nfr = false\n")
        for name in ("late", "part"):
            file.write(f'[providers.{name}]\ncategory = "fr"\ndomains = ["{name}.test"]\n')
    site.run("generate")
    done = site.run("add", named)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("provider late is off with its category, and is put on alone\n")
    written = tomllib.loads(site.added.read_text())
    assert written == {"providers": {"late": {"category": "added"}}}
    assert "20.1.0.0/24\tpermit" in site.rules()
    assert site.run("remove", "late").returncode == 0
    assert "20.1.0.0/24\tpermit" not in site.rules()
    assert site.run("add", named).returncode == 0
    assert "20.1.0.0/24\tpermit" in site.rules()


def test_a_provider_that_is_off_stays_so_where_one_that_is_on_has_the_domain(site: Site) -> None:
    with (site.system / "providers.toml").open("a") as file:
        file.write("[categories]\nfr = false\n")
        file.write('[providers.afirst]\ncategory = "fr"\ndomains = ["first.test"]\n')
    done = site.run("add", "first.test")
    assert done.returncode == 2
    assert "provider first has first.test already" in done.stderr
    assert not site.added.exists()


def test_a_last_day_that_is_over_puts_nothing_on(site: Site) -> None:
    site.run("generate")
    site.run("remove", "first")
    before = site.added.read_text()
    done = site.run("add", "--expires", "2020-01-31", "first.test")
    assert (done.returncode, site.added.read_text()) == (2, before)
    assert "2020-01-31 is over" in done.stderr


@pytest.mark.parametrize("category", ["mailbox", "fr"])
def test_a_last_day_is_written_beside_what_puts_a_provider_on(site: Site, category: str) -> None:
    with (site.system / "providers.toml").open("a") as file:
        file.write("[categories]\nfr = false\n")
        file.write(f'[providers.late]\ncategory = "{category}"\ndomains = ["late.test"]\n')
    site.run("generate")
    if category != "fr":
        assert site.run("remove", "late").returncode == 0
    done = site.run("add", "--expires", "2999-01-31", "late.test")
    assert done.returncode == 0, done.stderr
    (block,) = tomllib.loads(site.added.read_text())["providers"].values()
    assert str(block["expires"]) == "2999-01-31"
    assert block.get("category") == ("added" if category == "fr" else None)
    assert "20.1.0.0/24\tpermit" in site.rules()
    again = site.run("add", "--expires", "2999-02-28", "late.test")
    assert again.returncode == 2
    assert "its last day goes into its block: expires = 2999-02-28\n" in again.stderr
    assert site.run("remove", "late").returncode == 0
    assert "20.1.0.0/24\tpermit" not in site.rules()


OFF = '[categories]\nmine = false\n[providers.late]\ncategory = "mine"\ndomains = ["late.test"]\n'


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("", "categories.mine "),
        ('[providers.part]\ncategory = "mine"\ndomains = ["part.test"]\n', ""),
        ('action = "reject"\n', "provider late has late.test but is off"),
        ("expires = 2020-01-31\n", "categories.mine "),
        ('[providers.part]\ncategory = "mine"\ndomains = ["p.test"]\nenabled = false\n', ""),
    ],
)
def test_what_would_not_load_or_lists_nothing_is_not_put_on(
    site: Site, more: str, said: str
) -> None:
    with (site.system / "providers.toml").open("a") as file:
        file.write(OFF + more)
    assert site.run("generate").returncode == 0
    done = site.run("add", "late.test")
    assert done.returncode == (2 if said else 0), done.stderr
    assert said in done.stderr
    assert site.added.exists() is not bool(said)
    assert site.run("generate").returncode == 0, "the configuration loads as before"


@pytest.mark.parametrize("key", ["expires = 2020-01-31", "enabled = false"])
def test_where_something_else_keeps_a_provider_off_its_category_is_left_alone(
    site: Site, key: str
) -> None:
    with (site.system / "providers.toml").open("a") as file:
        file.write(f"{OFF}{key}\n")
        file.write('[providers.part]\ncategory = "mine"\ndomains = ["part.test"]\n')
    done = site.run("add", "late.test")
    assert (done.returncode, site.added.exists()) == (2, False)
    assert "provider late is still off: " in done.stderr


def test_a_block_that_is_there_for_a_provider_is_not_written_twice(site: Site) -> None:
    with (site.system / "providers.toml").open("a") as file:
        file.write('[categories]\nfr = true\n[providers.p]\ncategory = "fr"\nmx = true\n')
        file.write('domains = ["part.test"]\n')
    site.run("add", "--category", "fr", "late.test")
    text = (site.system / "providers.toml").read_text()
    (site.system / "providers.toml").write_text(text.replace("fr = true", "fr = false"))
    before = site.added.read_text()
    done = site.run("add", "late.test")
    assert (done.returncode, site.added.read_text()) == (2, before)
    assert "provider late-test has late.test but is off: " in done.stderr


def test_a_dry_run_says_which_provider_would_be_put_on(site: Site) -> None:
    with (site.system / "providers.toml").open("a") as file:
        file.write(f'{OFF}[providers.part]\ncategory = "mine"\ndomains = ["part.test"]\n')
    done = site.run("add", "--dry-run", "late.test")
    said = "provider late is off with its category, and is put on alone\n# not written\n"
    assert (done.returncode, done.stdout, site.added.exists()) == (0, said, False)


def test_a_provider_is_put_back_by_its_name(site: Site) -> None:
    site.run("generate")
    done = site.run("add", "first")
    assert (done.returncode, done.stdout) == (2, "")
    assert "provider first is there already; " in done.stderr
    assert site.run("remove", "first").returncode == 0
    done = site.run("add", "--dry-run", "first")
    said = "provider first was taken off by `spfwhite remove`, and is put back\n# not written\n"
    assert (done.returncode, done.stdout) == (0, said)
    done = site.run("add", "First")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("provider first was taken off by `spfwhite remove`, and is put")
    assert site.rules() == ["20.0.0.0/20\tpermit"]
    assert "first" not in tomllib.loads(site.added.read_text()).get("providers", {})


def test_a_provider_that_another_file_keeps_off_is_named_with_the_file(site: Site) -> None:
    site.run("generate")
    assert site.run("remove", "first").returncode == 0
    last = site.added.with_name("95-own.toml")
    last.write_text("[providers.first]\nenabled = false\n")
    done = site.run("add", "first.test")
    assert done.returncode == 2
    switch = "`enabled = true` in [providers.first] switches it on"
    assert f"provider first is still off: {switch}, in {last} or a later file" in done.stderr


def test_a_provider_that_is_on_counts_before_one_that_is_off(site: Site) -> None:
    with (site.system / "providers.toml").open("a") as file:
        file.write('[providers.a]\ndomains = ["first.test"]\nenabled = false\n')
    assert "provider first has first.test already" in site.run("add", "first.test").stderr


def test_a_state_that_cannot_be_read_keeps_nobody_out(site: Site) -> None:
    assert site.run("generate").returncode == 0
    state = site.table.with_name("state.json")
    state.write_text("{")
    done = site.run("add", "late.test")
    assert done.returncode == 0, done.stderr
    assert "it is kept as" in done.stderr
    assert site.rules() == ["20.0.0.0/20\tpermit", "20.1.0.0/24\tpermit"]


def test_it_waits_for_a_run_that_is_under_way(site: Site, tmp_path: Path) -> None:
    site.run("generate")
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import fcntl, sys, time; f = open(sys.argv[1]); fcntl.flock(f, fcntl.LOCK_EX);"
            "print('held', flush=True); time.sleep(1.5)",
            str(tmp_path / "state.json.lock"),
        ],
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert site.run("add", "late.test").returncode == 0
    assert len(site.rules()) == 2


@pytest.mark.parametrize("asked", [["part.test"], ["--networks", "20.0.2.0/24"]])
def test_what_is_on_the_list_already_is_said_and_not_added(site: Site, asked: list[str]) -> None:
    site.run("generate")
    done = site.run("add", *asked)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("nothing to add: all of it is listed, through first\n")
    assert not site.added.exists()


def test_what_is_on_the_list_in_part_is_added(site: Site) -> None:
    site.run("generate")
    for options in (["--dry-run"], []):
        done = site.run("add", *options, "more.test")
        assert done.returncode == 0, done.stderr
        new = "256 IPv4 addresses are not on the list yet; the rest is, through first\n"
        assert f" (512 addresses), 0 IPv6 (0 /64s)\n{new}" in done.stdout
    assert "20.7.0.0/24\tpermit" in site.rules()


def test_that_nothing_of_it_is_on_the_list_yet_is_said(site: Site) -> None:
    site.run("generate")
    assert "none of it is on the list yet\n" in site.run("add", "--dry-run", "late.test").stdout


def test_a_reader_that_goes_away_does_not_keep_a_sender_out(site: Site) -> None:
    site.run("generate")
    command = [sys.executable, "-c", PROGRAM, str(site.system), "add", "late.test"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as program:
        assert program.stdout
        program.stdout.close()
        assert program.wait(300) == 0
    assert "20.1.0.0/24\tpermit" in site.rules()


def test_a_missing_folder_is_said_before_anybody_is_asked(site: Site) -> None:
    text = (site.system / "providers.toml").read_text().replace(str(site.table), "/nowhere/t.cidr")
    (site.system / "providers.toml").write_text(text)
    done = site.run("add", "late.test")
    assert (done.returncode, done.stdout) == (1, "")
    assert "/nowhere" in done.stderr
    assert (site.server.queries, site.added.exists()) == ([], False)
