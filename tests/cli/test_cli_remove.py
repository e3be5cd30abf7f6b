"""`spfwhite remove`: what `add` did is undone, and a provider of another file is switched off."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_cli_add import RECORDS, Site
from tests.support.dnsserver import DnsServer, Zone


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with DnsServer(Zone(RECORDS)) as server:
        made = Site(tmp_path, server)
        assert made.run("generate").returncode == 0
        yield made


def providers(site: Site) -> dict[str, object]:
    found: dict[str, object] = tomllib.loads(site.added.read_text()).get("providers", {})
    return found


def test_what_add_wrote_is_taken_out_and_the_rest_stays(site: Site) -> None:
    assert site.run("add", "--networks", "20.9.0.0/24").returncode == 0
    before = site.added.read_text()
    assert site.run("add", "late.test").returncode == 0
    site.server.reset()
    done = site.run("remove", "late-test")
    assert done.returncode == 0, done.stderr
    assert site.rules() == ["20.0.0.0/20\tpermit", "20.9.0.0/24\tpermit"]
    assert site.added.read_text().strip() == before.strip()
    assert site.server.queries == [], "all from memory"


def test_a_provider_of_another_file_is_switched_off(site: Site) -> None:
    site.run("add", "late.test")
    done = site.run("remove", "first")
    assert done.returncode == 0, done.stderr
    assert providers(site)["first"] == {"enabled": False}
    assert site.rules() == ["20.1.0.0/24\tpermit"]
    again = site.run("remove", "first")
    assert (again.returncode, again.stdout) == (2, "")
    assert "off already: `enabled = true` in [providers.first] switches it on" in again.stderr


def test_a_provider_that_both_files_have_goes_as_well(site: Site) -> None:
    site.run("add", "late.test")
    with site.added.open("a") as file:
        file.write('\n[providers.first]\ncategory = "mine"\n')
    assert site.run("remove", "first").returncode == 0
    assert providers(site)["first"] == {"enabled": False}
    assert site.rules() == ["20.1.0.0/24\tpermit"]


def test_a_provider_that_is_off_by_command_may_lose_its_definition(site: Site) -> None:
    own = site.system / "providers.toml"
    with own.open("a") as file:
        file.write('[providers.first-too]\ndomains = ["late.test"]\n')
    site.run("generate")
    kept = own.read_text()
    assert site.run("remove", "first").returncode == 0
    own.write_text(kept.replace('[providers.first]\ndomains = ["first.test"]\n', ""))
    done = site.run("generate")
    assert done.returncode == 0, done.stderr
    assert site.rules() == ["20.1.0.0/24\tpermit"]


def test_one_that_was_taken_off_and_lost_its_definition_can_be_added_anew(site: Site) -> None:
    own = site.system / "providers.toml"
    kept = own.read_text()
    own.write_text(kept + '[providers.late-test]\ndomains = ["late.test"]\n')
    assert site.run("remove", "late-test").returncode == 0
    own.write_text(kept)
    done = site.run("add", "late.test")
    assert done.returncode == 0, done.stderr
    assert providers(site)["late-test"] == {"category": "added", "domains": ["late.test"]}
    assert "20.1.0.0/24\tpermit" in site.rules()
    assert site.run("remove", "late-test").returncode == 0
    site.added.with_name("95-own.toml").write_text("[providers.late-test]\nenabled = false\n")
    done = site.run("add", "late.test")
    assert done.returncode == 2
    assert "provider late-test is still off: `enabled = true` in [providers.late" in done.stderr


def test_what_others_pass_too_stays_on_the_list(site: Site) -> None:
    site.run("add", "late.test")
    with site.added.open("a") as file:
        file.write('\n[providers.twin]\ndomains = ["late.test"]\n')
    site.run("generate")
    assert site.run("remove", "twin").returncode == 0
    assert "20.1.0.0/24\tpermit" in site.rules()


def test_a_file_that_would_not_load_is_left_as_it_is(site: Site) -> None:
    site.run("add", "late.test")
    text = site.added.read_text().replace("[providers.late-test]", "[ providers.late-test ]")
    site.added.write_text(text)
    done = site.run("remove", "late-test")
    assert done.returncode == 2
    assert "90-added.toml" in done.stderr
    assert site.added.read_text() == text
    assert "20.1.0.0/24\tpermit" in site.rules()


def test_a_provider_that_nobody_knows_is_answered_with_what_was_meant(site: Site) -> None:
    done = site.run("remove", "frist")
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no provider 'frist'; did you mean first?" in done.stderr
    assert not site.added.exists()


@pytest.mark.parametrize("named", ["late.test", "Late.Test.", "post@late.test"])
def test_a_domain_stands_for_the_provider_that_has_it(site: Site, named: str) -> None:
    site.run("add", "late.test", "more.test")
    done = site.run("remove", named)
    assert done.returncode == 0, done.stderr
    said = "this takes off provider late-test, all of it: late.test, more.test\n"
    assert done.stdout.startswith(said)
    assert site.rules() == ["20.0.0.0/20\tpermit"]
    assert "late-test" not in providers(site)


def test_a_domain_of_a_provider_of_another_file_switches_that_off(site: Site) -> None:
    done = site.run("remove", "first.test")
    assert done.stdout.startswith("this takes off provider first, all of it: first.test\n")
    assert providers(site)["first"] == {"enabled": False}
    assert "first is off already" in site.run("remove", "first.test").stderr


def test_a_domain_of_several_providers_names_them(site: Site) -> None:
    site.run("add", "late.test")
    with site.added.open("a") as file:
        file.write('\n[providers.twin]\ndomains = ["late.test"]\n')
    before = site.added.read_text()
    done = site.run("remove", "late.test")
    assert (done.returncode, done.stdout) == (2, "")
    assert "late.test is of several providers, late-test, twin: name one" in done.stderr
    assert site.added.read_text() == before
    site.run("remove", "twin")
    with site.added.open("a") as file:
        file.write('\n[providers.twin]\ndomains = ["late.test"]\nenabled = false\n')
    assert site.run("remove", "late.test").returncode == 0, "the other one is off"


def test_a_network_that_gave_a_provider_its_name_stands_for_it(site: Site) -> None:
    assert site.run("add", "--networks", "20.9.0.0/24", "--networks", "20.9.9.1").returncode == 0
    done = site.run("remove", "20.9.0.0/24")
    assert done.returncode == 0, done.stderr
    assert "this takes off provider 20-9-0-0-24, all of it: 20.9.0.0/24, 20.9.9.1/32" in done.stdout
    assert site.rules() == ["20.0.0.0/20\tpermit"]


def test_a_file_to_which_much_was_added_and_removed_is_as_short_as_before(site: Site) -> None:
    site.run("add", "late.test")
    before = site.added.read_text()
    for _ in range(3):
        site.run("remove", "late.test")
        site.run("add", "late.test")
    assert site.added.read_text() == before


def test_one_whose_last_day_is_over_is_taken_out(site: Site) -> None:
    site.run("add", "late.test")
    text = site.added.read_text()
    site.added.write_text(f"{text}expires = 2020-01-31\n")
    site.run("generate")
    done = site.run("remove", "late.test")
    assert done.returncode == 0, done.stderr
    assert "late-test" not in site.added.read_text()
    assert "late-test" not in site.run("providers").stdout


@pytest.mark.parametrize("named", ["firts.test", "gone.test", "20.9.0.0/24"])
def test_what_no_provider_has_is_not_removed(site: Site, named: str) -> None:
    done = site.run("remove", named)
    assert (done.returncode, done.stdout) == (2, "")
    asks = "explain" if named.startswith("20.") else "add --dry-run"
    assert f"no provider is called '{named}' or has it among its domains" in done.stderr
    assert f"`spfwhite {asks} {named}` says who lists it" in done.stderr
    assert "did you mean" not in done.stderr, "what is most like it may be somebody else"


def test_with_a_file_of_ones_own_the_line_to_write_is_said(site: Site) -> None:
    done = site.run("-c", str(site.system / "providers.toml"), "remove", "first")
    assert (done.returncode, done.stdout) == (2, "")
    assert "set `enabled = false` in [providers.first]" in done.stderr


def test_a_missing_folder_is_said_before_anything_is_written(site: Site) -> None:
    site.run("generate")
    text = (site.system / "providers.toml").read_text().replace(str(site.table), "/nowhere/t.cidr")
    (site.system / "providers.toml").write_text(text)
    done = site.run("remove", "first")
    assert (done.returncode, done.stdout, site.added.exists()) == (1, "", False)
    assert "there is no folder /nowhere; set output.allow, or use `generate -o" in done.stderr
