"""`domains_file` and `networks_file`: one entry a line in a file beside the configuration."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import overlay, rules, spfwhite
from tests.support.dnsserver import DnsServer, Zone
from tests.support.dnszone import Records
from tests.support.site import Site, site

RECORDS: Records = {
    ("a.test", "TXT"): ["v=spf1 ip4:192.0.2.0/24 -all"],
    ("b.test", "TXT"): ["v=spf1 ip4:198.51.100.0/24 -all"],
    ("big.test", "TXT"): ["v=spf1 ip4:198.18.0.0/15 -all"],
}
MORE = '[providers.own]\ndomains_file = "lists/domains.txt"\nnetworks_file = "lists/networks.txt"'
DOMAINS = b"# ours\r\na.test\r\n\r\n  B.test.  # with a comment\r\n"
NETWORKS = (
    b"\xef\xbb\xbf# ours\r\n203.0.113.1\r\n203.0.113.8/30 # a network\r\n"
    b"203.0.113.16 - 203.0.113.17\n203.0.113.20-21\n\n\t2001:db8::1\n2001:db8:1::/48\n"
    b"2001:db8:2::-2001:db8:2::1"
)
RULES = [
    "192.0.2.0/24\tpermit",
    "198.51.100.0/24\tpermit",
    "203.0.113.1/32\tpermit",
    "203.0.113.8/30\tpermit",
    "203.0.113.16/31\tpermit",
    "203.0.113.20/31\tpermit",
    "2001:db8::1/128\tpermit",
    "2001:db8:1::/48\tpermit",
    "2001:db8:2::/127\tpermit",
]


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Site]:
    """Return a site with a provider of two files, before its first run."""
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "domains.txt").write_bytes(DOMAINS)
    (tmp_path / "lists" / "networks.txt").write_bytes(NETWORKS)
    with site(tmp_path, RECORDS, {"plain": ["a.test"]}, more=MORE) as made:
        yield made


def write(made: Site, name: str, *lines: str) -> None:
    (made.folder / "lists" / name).write_text("\n".join([*lines, ""]))


def test_entries_comments_and_line_ends_of_any_kind_are_read(own: Site) -> None:
    done = own.generate()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert own.rules() == RULES


def test_they_are_relative_to_the_file_that_names_them(own: Site, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "lists").mkdir(parents=True)
    (elsewhere / "lists" / "networks.txt").write_text("10.0.0.0/8\n")
    done = spfwhite("-c", "../overlay.toml", "generate", cwd=elsewhere)
    assert (done.returncode, done.stderr, own.rules()) == (0, "", RULES)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("domains.txt", "192.0.2.1"),
        ("domains.txt", "a.test b.test"),
        ("domains.txt", "caf\u00e9.test"),
        ("networks.txt", "a.test"),
        ("networks.txt", "203.0.113.9/30"),
        ("networks.txt", "203.0.113.0/33"),
        ("networks.txt", "203.0.113.9-203.0.113.8"),
        ("networks.txt", "203.0.113.1 203.0.113.2"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_a_bad_line_is_exit_2_with_file_and_line_and_changes_nothing(
    name: str, line: str, end: str, own: Site
) -> None:
    assert own.generate().returncode == 0
    own.server.reset()
    good = {"domains.txt": "a.test", "networks.txt": "203.0.113.1"}[name]
    text = end.join([good, "# comment", line, ""])
    (own.folder / "lists" / name).write_bytes(text.encode())
    done = own.generate()
    assert (done.returncode, done.stdout, own.rules()) == (2, "", RULES)
    assert done.stderr.startswith(f"spfwhite: {own.folder / 'lists' / name}:3: ")
    assert done.stderr.count("\n") == 1
    assert own.server.queries == []


def test_another_list_of_domains_is_an_edit_and_passes_the_rails(own: Site) -> None:
    write(own, "domains.txt", "big.test")
    assert own.generate().returncode == 0
    write(own, "domains.txt", "b.test")
    done = own.generate()
    assert (done.returncode, done.stderr) == (0, "")
    assert own.rules() == RULES
    write(own, "domains.txt", "big.test")
    assert own.generate().returncode == 0
    assert own.rules() == [RULES[0], "198.18.0.0/15\tpermit", *RULES[2:]]


def test_the_same_change_in_dns_is_held(own: Site) -> None:
    write(own, "domains.txt", "big.test")
    assert own.generate().returncode == 0
    own.server.zone.set("big.test", "TXT", ["v=spf1 ip4:198.51.100.0/24 -all"])
    assert own.generate().returncode == 3
    assert "198.18.0.0/15\tpermit" in own.rules()


def test_another_list_of_networks_is_an_edit_and_passes_the_rails(own: Site) -> None:
    write(own, "networks.txt", "198.18.0.0/15")
    assert own.generate().returncode == 0
    write(own, "networks.txt", "# none any more")
    done = own.generate()
    assert (done.returncode, done.stderr, own.rules()) == (0, "", RULES[:2])


@pytest.mark.parametrize("name", ["domains.txt", "networks.txt"])
def test_the_order_of_lines_and_comments_are_no_edit(name: str, own: Site) -> None:
    assert own.generate().returncode == 0
    path = own.folder / "lists" / name
    lines = path.read_bytes().decode("utf-8-sig").splitlines()
    path.write_text("\n".join(["# turned round", *reversed(lines)]))
    own.server.zone.set("b.test", "TXT", ["v=spf1 -all"])
    assert own.generate().returncode == 3, "an edited provider counts in no limit of the list"
    assert own.rules() == RULES


def test_a_file_of_a_provider_that_rejects_goes_to_the_reject_table(tmp_path: Path) -> None:
    (tmp_path / "pests.txt").write_text("198.51.100.0/25\n")
    pests = '[providers.pests]\naction = "reject"\nnetworks_file = "pests.txt"'
    with DnsServer(Zone(RECORDS)) as server:
        config = overlay(tmp_path, {"plain": ["b.test"]}, server=server, more=pests)
        assert spfwhite("-c", config, "generate").returncode == 0
    assert rules((tmp_path / "reject.cidr").read_bytes()) == ["198.51.100.0/25\treject"]
    assert rules((tmp_path / "table.cidr").read_bytes()) == ["198.51.100.128/25\tpermit"]
