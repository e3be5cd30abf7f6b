"""`[[output.tables]]` and `--format`: which networks go where, and the guarantees of a table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spfwhite.config.loading import load
from spfwhite.config.settings import FORMAT_NAMES
from spfwhite.errors import ConfigError
from tests.support.cli import spfwhite
from tests.support.dnszone import Zone
from tests.support.site import RULES, Site, site

V4 = [rule.partition("\t")[0] for rule in RULES if "." in rule]
V6 = [rule.partition("\t")[0] for rule in RULES if ":" in rule]


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Site]:
    with site(tmp_path) as made:
        yield made


def add_table(made: Site, path: str, *keys: str) -> Path:
    """Append a table to the configuration."""
    lines = "\n".join(("[[output.tables]]", f'path = "{path}"', *keys, ""))
    made.config.write_text(f"{made.config.read_text()}\n{lines}")
    return made.folder / path


def answer(made: Site, name: str, record: str) -> None:
    """Have the server answer another record for a name from now on."""
    made.server.zone.set(name, "TXT", [record])


def body(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if not line.startswith("#")]


def test_every_format_is_written_by_one_run_and_only_when_rules_change(made: Site) -> None:
    paths = [add_table(made, f"t.{name}", f'format = "{name}"') for name in FORMAT_NAMES]
    assert made.generate().returncode == 0
    before = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in paths}
    contents = {path: path.read_bytes() for path in paths}
    done, report = made.reported()
    assert done.returncode == 0
    assert [each["changed"] for each in report["tables"]] == [False] * len(paths)
    after = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in paths}
    assert after == before
    answer(made, "plain.test", "v=spf1 ip4:198.51.100.0/25 -all")
    done, report = made.reported()
    assert [each["changed"] for each in report["tables"]] == [True] * len(paths)
    assert all(path.read_bytes() != contents[path] for path in paths)
    assert made.temporary_files() == []


def test_a_table_has_the_networks_of_the_providers_it_names(made: Site) -> None:
    some = add_table(made, "some", 'format = "plain"', 'providers = ["hosts", "plain"]')
    four = add_table(made, "four", 'format = "plain"', 'family = "ipv4"')
    six = add_table(made, "six", 'format = "plain"', 'family = "ipv6"')
    assert made.generate().returncode == 0
    assert body(some) == ["192.0.2.7/32", "198.51.100.0/24", "2001:db8:2::7/128"]
    assert (body(four), body(six)) == (V4, V6)


def test_a_table_has_the_networks_of_the_categories_it_names(made: Site) -> None:
    text = made.config.read_text()
    made.config.write_text(text.replace("[providers.hosts]", '[providers.hosts]\ncategory = "own"'))
    own = add_table(made, "own", 'format = "plain"', 'categories = ["own"]')
    both = add_table(
        made, "both", 'format = "plain"', 'categories = ["own"]', 'providers = ["plain"]'
    )
    assert made.generate().returncode == 0
    assert body(own) == ["192.0.2.7/32", "2001:db8:2::7/128"]
    assert body(both) == ["192.0.2.7/32", "198.51.100.0/24", "2001:db8:2::7/128"]


def test_a_table_of_rejects_has_those_and_nothing_that_is_let_through(made: Site) -> None:
    text = made.config.read_text()
    made.config.write_text(
        f'{text}\n[providers.pests]\naction = "reject"\nnetworks = ["9.9.9.0/24"]'
    )
    rejects = add_table(made, "rejects", 'format = "plain"', 'action = "reject"')
    allowed = add_table(made, "allowed", 'format = "plain"')
    assert made.generate().returncode == 0
    assert body(rejects) == ["9.9.9.0/24"]
    assert body(allowed) == V4 + V6


def test_json_names_who_passes_each_network_and_by_which_chain(made: Site) -> None:
    path = add_table(made, "table.json", 'format = "json"')
    assert made.generate().returncode == 0
    networks = {each["network"]: each for each in json.loads(path.read_bytes())["networks"]}
    assert list(networks) == V4 + V6
    assert networks["198.18.0.0/15"]["sources"] == [
        {"provider": "big", "chain": ["big.test"], "term": "ip4:198.18.0.0/16"},
        {"provider": "big", "chain": ["big.test", "sub.big.test"], "term": "ip4:198.19.0.0/16"},
    ]
    assert networks["203.0.113.1/32"]["sources"] == [
        {"provider": "big", "chain": ["big.test", "sub.big.test"], "term": "mx:big.test"}
    ]


def test_the_first_provider_of_rbldnsd_is_the_one_whose_own_record_it_is(made: Site) -> None:
    answer(made, "hosts.test", "v=spf1 a:out.hosts.test include:plain.test -all")
    path = add_table(made, "t", 'format = "rbldnsd"')
    assert made.generate().returncode == 0
    assert "198.51.100.0/24 :127.0.0.2:plain" in body(path)


def test_a_held_provider_keeps_its_lines(made: Site) -> None:
    path = add_table(made, "table.json", 'format = "json"')
    assert made.generate().returncode == 0
    before = json.loads(path.read_bytes())["networks"]
    answer(made, "sub.big.test", "v=spf1 -all")
    answer(made, "big.test", "v=spf1 ip4:8.8.8.8 -all")
    assert made.generate().returncode == 3
    after = json.loads(path.read_bytes())["networks"]
    assert [each["network"] for each in after] == [each["network"] for each in before]
    assert all(each["sources"] for each in after)


def test_a_file_that_is_not_ours_stops_the_run_before_anything_is_written(made: Site) -> None:
    path = add_table(made, "mine.txt", 'format = "plain"')
    path.write_text("192.0.2.1\n")
    done = made.generate()
    assert done.returncode == 4
    assert f"{path} was not written by spfwhite" in done.stderr
    assert path.read_text() == "192.0.2.1\n"
    assert body(made.table) == []
    assert made.generate("--force").returncode == 0
    assert body(path) == V4 + V6
    assert path.with_name("mine.txt.orig").read_text() == "192.0.2.1\n"


def test_a_refused_first_run_makes_no_table_but_postscreens(made: Site) -> None:
    paths = [add_table(made, f"t.{name}", f'format = "{name}"') for name in FORMAT_NAMES[1:]]
    made.server.zone = Zone({})
    assert made.generate().returncode == 4
    assert made.table.exists()
    assert not any(path.exists() for path in paths)


def test_only_tables_that_postfix_reads_are_waited_for_by_a_reload(made: Site) -> None:
    nft, access = (add_table(made, f"t.{n}", f'format = "{n}"') for n in ("nft", "access"))
    assert made.generate().returncode == 0
    tables = json.loads(made.state.read_bytes())["tables"]
    assert tables[str(nft)]["loaded"] == tables[str(nft)]["written"]
    assert tables[str(access)]["loaded"] == ""


def test_a_summary_names_each_table(made: Site) -> None:
    path = add_table(made, "t.txt", 'format = "plain"', 'providers = ["plain"]')
    done = made.generate("--dry-run")
    assert f"  {path} (plain): not written: 1 IPv4 network (256 addresses)" in done.stdout
    assert not path.exists()


@pytest.mark.parametrize("name", FORMAT_NAMES)
def test_a_one_off_in_any_format(made: Site, name: str) -> None:
    done = made.generate("-o", "-", "--format", name)
    assert done.returncode == 0
    assert "198.51.100.0/24" in done.stdout
    path = made.folder / "one-off"
    assert made.generate("-o", path, "--format", name).returncode == 0
    assert "198.51.100.0/24" in path.read_text()
    assert not made.table.exists() and not made.state.exists()


def test_a_format_alone_is_a_usage_error_that_names_the_key(made: Site) -> None:
    done = made.generate("--format", "nft")
    assert done.returncode == 2
    assert "--format needs -o" in done.stderr and "[[output.tables]]" in done.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tables = 3", "output.tables must be an array of tables, in [[ ]], not 3"),
        ("tables = [3]", "output.tables must be a table, not 3"),
        ("[[output.tables]]\nformat = 'nft'", "output.tables has a table without a path"),
        ("[[output.tables]]\npath = 'x'\nformat = 'nosuch'", 'output.tables.format must be "post'),
        ("[[output.tables]]\npath = 'x'\nfromat = 'nft'", "did you mean output.tables.format?"),
        ("[[output.tables]]\npath = 'x'\nproviders = ['gogle']", "did you mean google?"),
        ("[[output.tables]]\npath = 'x'\ncategories = ['mailbx']", "did you mean mailbox?"),
        ("[[output.tables]]\npath = 'x'\nproviders = ['../x']", "which is not a name of small"),
        (
            "[[output.tables]]\npath = 'x'\n[[output.tables]]\npath = 'x'",
            "output.tables.path is the same file as output.tables.path",
        ),
        ("allow = 'y'\n[[output.tables]]\npath = 'y'", "is the same file as output.allow"),
        ("allow = 'y'\n[[output.tables]]\npath = 'z/../y'", "is the same file as output.allow"),
        ("allow = 'y'\n[[output.tables]]\npath = 'y.orig'", "is the same file as output.tables"),
        (
            "[[output.tables]]\npath = 's.lock'\n[state]\npath = 's'",
            "a file beside state.path is the same file as output.tables.path",
        ),
        (
            "[[output.tables]]\npath = 'a-b.nft'\nformat = 'nft'\n"
            "[[output.tables]]\npath = 'a_b.nft'\nformat = 'nft'",
            "whose sets in nft have the same names",
        ),
        (
            "[[output.tables]]\npath = 'x'\n[table_defaults]\nproviders = ['gogle']",
            "did you mean google?",
        ),
        (
            "[[output.tables]]\npath = 'x'\naction = 'reject'\nproviders = ['google']",
            'has google, whose action is not "reject"',
        ),
    ],
)
def test_a_fault_in_a_table_is_named(tmp_path: Path, text: str, words: str) -> None:
    config = tmp_path / "p.toml"
    config.write_text(f"[output]\n{text}\n")
    with pytest.raises(ConfigError) as fault:
        load(config)
    assert words in str(fault.value)


def test_a_later_file_replaces_the_tables_of_an_earlier_one(tmp_path: Path) -> None:
    (tmp_path / "providers.toml").write_text('[[output.tables]]\npath = "one"\n')
    folder = tmp_path / "providers.d"
    folder.mkdir()
    (folder / "a.toml").write_text('[table_defaults]\nformat = "nft"\n')
    assert [table.path.name for table in load(system=tmp_path).output.tables] == ["one"]
    (folder / "b.toml").write_text('[[output.tables]]\npath = "two"\n')
    (table,) = load(system=tmp_path).output.tables
    assert (table.path, table.format, table.action) == (folder / "two", "nft", "permit")


def test_check_looks_at_every_table(made: Site) -> None:
    path = add_table(made, "t.json", 'format = "json"')

    def findings() -> list[Any]:
        done = spfwhite("-c", made.config, "check", "--format", "json")
        found: list[Any] = json.loads(done.stdout)
        return [each for each in found if each["subject"] == str(path)]

    assert [each["level"] for each in findings()] == ["error"]
    assert made.generate().returncode == 0
    assert [each["level"] for each in findings()] == ["ok"]
    path.write_bytes(path.read_bytes().replace(b"198.51.100.0/24", b"198.51.100.0/25"))
    assert [each["level"] for each in findings()] == ["warning"]


def test_a_table_that_is_no_longer_written_is_said_once(made: Site) -> None:
    text = made.config.read_text()
    path = add_table(made, "t.txt", 'format = "plain"')
    assert made.generate().returncode == 0
    made.config.write_text(text)
    said = f"{path} is no longer written"
    assert said in made.generate("--dry-run").stderr
    assert said not in made.generate("-o", "-").stderr
    done = made.generate()
    assert said in done.stderr
    assert "take it out of main.cf, or of what else reads it, then delete it" in done.stderr
    done = made.generate()
    assert (done.returncode, done.stderr) == (0, "")
    assert body(path) == V4 + V6


def test_a_table_keeps_its_mode_and_a_new_one_is_readable_by_all(made: Site) -> None:
    path = add_table(made, "t.txt", 'format = "plain"')
    assert made.generate().returncode == 0
    assert path.stat().st_mode & 0o777 == 0o644
    path.chmod(0o640)
    answer(made, "plain.test", "v=spf1 ip4:198.51.100.0/25 -all")
    assert made.generate().returncode == 0
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_table_that_changes_its_form_is_written_though_no_rule_is_left(made: Site) -> None:
    text = made.config.read_text()
    path = add_table(made, "t", 'format = "plain"', 'action = "reject"')
    assert made.generate().returncode == 0
    made.config.write_text(text)
    add_table(made, "t", 'format = "json"', 'action = "reject"')
    assert made.generate().returncode == 0
    assert json.loads(path.read_bytes())["networks"] == []


@pytest.mark.parametrize("name", FORMAT_NAMES)
def test_the_difference_of_a_one_off_is_that_of_its_file(made: Site, name: str) -> None:
    path = made.folder / "one-off"
    options = ("-o", path, "--format", name)
    assert made.generate(*options).returncode == 0
    assert not [x for x in made.generate(*options, "--dry-run").stdout.splitlines() if x[0] in "+-"]
    answer(made, "plain.test", "v=spf1 ip4:198.51.100.0/25 -all")
    shown = made.generate(*options, "--dry-run").stdout.splitlines()
    assert [x for x in shown if x[0] in "+-"] == ["-198.51.100.128/25"]


def test_the_sources_are_those_of_today_though_the_networks_are_the_same(made: Site) -> None:
    path = add_table(made, "t.json", 'format = "json"')
    assert made.generate().returncode == 0
    before = json.loads(made.state.read_bytes())["accepted"]["plain"]["since"]
    answer(made, "plain.test", "v=spf1 include:moved.test -all")
    made.server.zone.set("moved.test", "TXT", ["v=spf1 ip4:198.51.100.0/24 -all"])
    assert made.generate().returncode == 0
    assert json.loads(made.state.read_bytes())["accepted"]["plain"]["since"] == before
    answer(made, "hosts.test", "v=spf1 a:out.hosts.test ip4:9.9.9.9 -all")  # so that it is written
    assert made.generate().returncode == 0
    networks = {each["network"]: each for each in json.loads(path.read_bytes())["networks"]}
    (source,) = networks["198.51.100.0/24"]["sources"]
    assert source["chain"] == ["plain.test", "moved.test"]


def test_what_a_record_denies_is_no_source(made: Site) -> None:
    answer(made, "plain.test", "v=spf1 ip4:198.51.100.0/24 -include:denied.test -all")
    made.server.zone.set("denied.test", "TXT", ["v=spf1 ip4:198.51.100.0/28 -all"])
    path = add_table(made, "t.json", 'format = "json"')
    assert made.generate().returncode == 0
    networks = {each["network"]: each for each in json.loads(path.read_bytes())["networks"]}
    assert [each["chain"] for each in networks["198.51.100.0/24"]["sources"]] == [["plain.test"]]
