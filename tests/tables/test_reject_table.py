"""The table of the providers with `action = "reject"`: what is on it, and what wins over what."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from pathlib import Path

import pytest

from spfwhite.tables.content import networks_in
from tests.support.cli import Finished, overlay, rules, spfwhite
from tests.support.postfix_instance import needs_postmap, stand_in
from tests.support.site import PROVIDERS, RULES, Site, provider, site

pytestmark = pytest.mark.slow

OURS = "# reject.cidr: written by spfwhite 0.1.0; do not edit\n"
POSTFIX = "[postfix]\nverify = false"
FOREIGN = "# our own spammers\n192.0.2.66/32 reject\n"


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Site]:
    """Return a site that rejects nobody yet, and has no Postfix."""
    with site(tmp_path) as each:
        overlaid(each)
        yield each


def overlaid(made: Site, *tables: str, providers: dict[str, list[str]] | None = None) -> None:
    more = "\n".join([POSTFIX, *tables])
    allow = PROVIDERS if providers is None else providers
    overlay(made.folder, allow, server=made.server, more=more)


def pests(made: Site, *terms: str, networks: Sequence[str] = ()) -> None:
    """Configure one provider to reject, with these terms of SPF and these static networks."""
    made.server.zone.set("pests.test", "TXT", [" ".join(["v=spf1", *terms, "-all"])])
    domains = ["pests.test"] if terms else []
    overlaid(
        made,
        '[providers.pests]\naction = "reject"',
        f"domains = {json.dumps(domains)}\nnetworks = {json.dumps(list(networks))}",
    )


def reject(made: Site) -> Path:
    return made.folder / "reject.cidr"


def rejected(made: Site) -> list[str]:
    """Run, and return the rules of the reject table."""
    done = made.generate()
    assert done.returncode == 0, done.stderr
    return rules(reject(made).read_bytes())


def assert_untouched(made: Site, done: Finished, code: int) -> None:
    assert done.returncode == code, done.stderr
    assert reject(made).read_text() == FOREIGN
    assert [path.name for path in made.folder.iterdir() if path.name.endswith(".orig")] == []


def test_what_a_provider_to_reject_passes_is_on_the_reject_table_alone(made: Site) -> None:
    pests(made, "ip4:203.0.113.128/25", "ip6:2001:db8:66::/48")
    assert rejected(made) == ["203.0.113.128/25\treject", "2001:db8:66::/48\treject"]
    assert made.rules() == RULES


def test_its_static_networks_are_there_too(made: Site) -> None:
    pests(made, networks=["203.0.113.64-203.0.113.95", "2001:db8:66::/48"])
    assert rejected(made) == ["203.0.113.64/27\treject", "2001:db8:66::/48\treject"]


def test_explain_names_who_rejects_an_address_and_in_which_file(made: Site) -> None:
    pests(made, "ip4:203.0.113.128/25")
    rejected(made)
    done = spfwhite("-c", made.config, "explain", "203.0.113.200")
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "203.0.113.200: rejected",
        f"  rule 203.0.113.128/25 of {reject(made)}",
        "  rejected by pests: ip4:203.0.113.128/25 in pests.test",
    ]
    done = spfwhite("-c", made.config, "explain", "203.0.113.200-203.0.114.9")
    assert done.stdout.splitlines()[0] == "203.0.113.200-203.0.114.9: partly rejected"
    reject(made).write_text(OURS)
    done = spfwhite("-c", made.config, "explain", "203.0.113.200")
    assert " generate` adds it" in done.stdout


def test_explain_says_until_when_an_address_was_rejected(made: Site) -> None:
    pests(made, "ip4:203.0.113.128/25")
    rejected(made)
    made.server.zone.set("pests.test", "TXT", ["v=spf1 ip4:203.0.113.192/26 -all"])
    rejected(made)
    done = spfwhite("-c", made.config, "explain", "203.0.113.130")
    assert "203.0.113.130: not covered" in done.stdout
    assert "  pests rejected it until " in done.stdout
    assert "covered it" not in done.stdout


def test_what_spf_says_never_outweighs_the_allow_table(made: Site) -> None:
    pests(made, "ip4:198.51.100.0/23", "ip4:192.0.2.6/31", "ip6:2001:db8:1::/47")
    assert rejected(made) == [
        "192.0.2.6/32\treject",
        "198.51.101.0/24\treject",
        "2001:db8::/48\treject",
    ]
    assert made.rules() == RULES


def test_nor_what_an_allowed_provider_names_while_it_is_held(made: Site) -> None:
    """A record that rejects may include one of a provider that grows too much at the moment."""
    pests(made, "ip4:65.0.0.0/16", "include:plain.test")
    assert rejected(made) == ["65.0.0.0/16\treject"]
    made.server.zone.set("plain.test", "TXT", ["v=spf1 ip4:64.0.0.0/16 -all"])
    done = made.generate()
    assert "plain: held" in done.stderr
    assert rules(reject(made).read_bytes()) == ["65.0.0.0/16\treject"]
    done = spfwhite("-c", made.config, "explain", "64.0.0.1")
    assert "rejected" not in done.stdout


def test_a_record_that_names_all_listed_networks_rejects_none_of_them(made: Site) -> None:
    pests(made, "include:big.test", "include:hosts.test", "include:plain.test")
    assert rejected(made) == []
    assert made.rules() == RULES


def test_what_the_operator_rejects_wins_over_the_allow_table(made: Site) -> None:
    pests(made, networks=["198.51.100.0/25", "192.0.2.7", "2001:db8:1:8000::/49"])
    assert rejected(made) == [
        "192.0.2.7/32\treject",
        "198.51.100.0/25\treject",
        "2001:db8:1:8000::/49\treject",
    ]
    kept = [rule for rule in RULES if not rule.startswith("192.0.2.7/")]
    kept[kept.index("198.51.100.0/24\tpermit")] = "198.51.100.128/25\tpermit"
    kept[kept.index("2001:db8:1::/48\tpermit")] = "2001:db8:1::/49\tpermit"
    assert made.rules() == kept


def test_no_address_is_on_both_tables(made: Site) -> None:
    pests(made, "ip4:198.51.100.0/22", "ip4:203.0.113.0/24", networks=["203.0.113.2/31"])
    assert rejected(made)
    allowed, refused = (networks_in(p.read_bytes()) for p in (made.table, reject(made)))
    assert not allowed & refused
    assert ip_address("203.0.113.3") in refused and ip_address("203.0.113.1") in allowed


@pytest.mark.parametrize(
    ("term", "network"),
    [
        ("ip4:100.64.0.0/15", ""),
        ("ip4:100.64.0.0/16", "100.64.0.0/16"),
        ("ip6:2001:db8::/31", ""),
        ("ip6:2001:2::/32", "2001:2::/32"),
        ("a:wide.test/15", ""),
        ("a:wide.test/16", "100.64.0.0/16"),
        ("+all", ""),
    ],
)
def test_terms_wider_than_16_and_32_are_dropped(made: Site, term: str, network: str) -> None:
    made.server.zone.set("wide.test", "A", ["100.64.7.7"])
    pests(made, "ip4:203.0.113.128/25", term)
    expected = [f"{each}\treject" for each in ("203.0.113.128/25", network) if each]
    assert sorted(rejected(made)) == sorted(expected)


def test_a_term_that_is_too_wide_is_reported(made: Site) -> None:
    pests(made, "ip4:100.64.0.0/15", "ip4:203.0.113.128/25")
    _, report = made.reported()
    (problem,) = provider(report, "pests")["problems"]
    assert (problem["kind"], problem["term"]) == ("too-wide", "ip4:100.64.0.0/15")
    assert "/16" in problem["detail"]


def test_the_caps_do_not_narrow_the_allow_table(made: Site) -> None:
    pests(made, "include:wide.test", "ip4:203.0.113.128/25")
    made.server.zone.set("wide.test", "TXT", ["v=spf1 ip4:100.64.0.0/14 -all"])
    made.server.zone.set("plain.test", "TXT", ["v=spf1 include:wide.test -all"])
    assert rejected(made) == ["203.0.113.128/25\treject"]
    assert "100.64.0.0/14\tpermit" in made.rules()


def test_a_narrower_rail_of_the_operator_holds_for_the_reject_table_too(made: Site) -> None:
    pests(made, "ip4:100.64.0.0/17", "ip4:203.0.113.128/25")
    text = made.config.read_text().replace("[safety]", "[safety]\nwidest_ipv4 = 18")
    made.config.write_text(text)
    made.server.zone.set("big.test", "TXT", ["v=spf1 ip4:198.18.0.0/18 -all"])
    assert rejected(made) == ["203.0.113.128/25\treject"]


def test_the_static_networks_of_the_operator_may_be_as_wide_as_he_likes(made: Site) -> None:
    pests(made, networks=["100.64.0.0/10", "2001:10::/28"])
    assert rejected(made) == ["100.64.0.0/10\treject", "2001:10::/28\treject"]


def test_excluded_addresses_are_on_neither_table(made: Site) -> None:
    pests(made, "ip4:203.0.113.128/25", networks=["203.0.113.64/27"])
    text = made.config.read_text()
    excluded = 'exclude = ["203.0.113.64/28", "203.0.113.128/26"]'
    made.config.write_text(text.replace("[safety]", f"[safety]\n{excluded}"))
    assert rejected(made) == ["203.0.113.80/28\treject", "203.0.113.192/26\treject"]


def test_there_is_no_reject_table_where_there_never_was_one(made: Site) -> None:
    assert made.generate().returncode == 0
    assert not reject(made).exists()


def test_a_provider_that_is_switched_off_makes_no_reject_table(made: Site) -> None:
    overlaid(made, '[providers.pests]\naction = "reject"\nenabled = false\nnetworks = ["::1"]')
    assert made.generate().returncode == 0
    assert not reject(made).exists()


def test_without_providers_to_reject_a_table_of_ours_keeps_its_header_alone(made: Site) -> None:
    pests(made, "ip4:203.0.113.128/25")
    assert len(rejected(made)) == 1
    overlaid(made)
    assert rejected(made) == []
    assert reject(made).read_text().startswith("# reject.cidr: written by spfwhite")


def test_an_emptied_table_is_not_written_again(made: Site) -> None:
    reject(made).write_text(f"{OURS}203.0.113.0/24\treject\n")
    assert rejected(made) == []
    emptied = reject(made).stat().st_ino
    assert rejected(made) == [] and reject(made).stat().st_ino == emptied


@pytest.mark.parametrize("options", [(), ("--force",)])
def test_without_providers_to_reject_a_foreign_table_is_left_alone(
    made: Site, options: tuple[str, ...]
) -> None:
    reject(made).write_text(FOREIGN)
    assert_untouched(made, made.generate(*options), 0)
    assert made.rules() == RULES


def test_a_foreign_table_in_its_place_refuses_the_whole_run(made: Site) -> None:
    pests(made, "ip4:203.0.113.128/25")
    reject(made).write_text(FOREIGN)
    done = made.generate()
    assert_untouched(made, done, 4)
    assert "reject.cidr" in done.stderr and "--force" in done.stderr
    assert rules(made.table.read_bytes()) == []


def test_force_replaces_a_foreign_table_and_keeps_it(made: Site) -> None:
    pests(made, "ip4:203.0.113.128/25")
    reject(made).write_text(FOREIGN)
    assert made.generate("--force").returncode == 0
    assert rules(reject(made).read_bytes()) == ["203.0.113.128/25\treject"]
    assert (made.folder / "reject.cidr.orig").read_text() == FOREIGN


@pytest.mark.parametrize("options", [("-o", "other.cidr"), ("-o", "-"), ("--dry-run",)])
def test_output_and_dry_run_write_no_reject_table(made: Site, options: tuple[str, ...]) -> None:
    pests(made, "ip4:203.0.113.128/25")
    done = made.generate(*(str(made.folder / o) if "." in o else o for o in options))
    assert done.returncode == 0
    assert not reject(made).exists()
    assert "203.0.113.128/25\treject" not in done.stdout


def test_providers_to_reject_alone_make_an_allow_table_without_rules(made: Site) -> None:
    pests(made, "ip4:203.0.113.128/25")
    overlaid(made, '[providers.pests]\naction = "reject"\ndomains = ["pests.test"]', providers={})
    assert rejected(made) == ["203.0.113.128/25\treject"]
    assert made.rules() == []


def test_rejecting_every_listed_address_is_refused_as_an_empty_list(made: Site) -> None:
    assert made.generate().returncode == 0
    pests(made, networks=["0.0.0.0/0", "::/0"])
    done = made.generate()
    assert (done.returncode, made.rules()) == (4, RULES)
    assert "empty" in done.stderr


def test_a_provider_that_changes_sides_moves_to_the_other_table(made: Site) -> None:
    assert made.generate().returncode == 0
    others = {name: domains for name, domains in PROVIDERS.items() if name != "plain"}
    moved = '[providers.plain]\naction = "reject"\ndomains = ["plain.test"]'
    overlaid(made, moved, providers=others)
    assert rejected(made) == ["198.51.100.0/24\treject"]
    assert made.rules() == [rule for rule in RULES if "198.51.100.0/24" not in rule]


def test_the_report_counts_what_is_rejected(made: Site) -> None:
    pests(made, "ip4:203.0.113.128/25", "ip6:2001:db8:66::/48")
    _, report = made.reported()
    assert report["rejected"]["ipv4_addresses"] == 128
    assert report["rejected"]["ipv6_64s"] == 65536
    assert "reject table" in spfwhite("-v", *made.arguments).stdout


@needs_postmap
def test_the_real_postmap_is_asked_about_the_reject_table_too(made: Site) -> None:
    pests(made, "ip4:203.0.113.128/25")
    (made.folder / "etc").mkdir()
    (made.folder / "etc" / "main.cf").write_text("compatibility_level = 3.6\n")
    text = made.config.read_text()
    made.config.write_text(text.replace(POSTFIX, '[postfix]\nconfig_directory = "etc"'))
    seen = made.folder / "seen"
    env = stand_in(made.folder, "postmap", f'"$real" "$@" | tee -a {seen}')
    assert made.generate(env=env).returncode == 0
    assert "203.0.113.128\treject" in seen.read_text().splitlines()


def test_the_state_knows_both_tables(made: Site) -> None:
    pests(made, "ip4:203.0.113.128/25")
    rejected(made)
    tables = json.loads(made.state.read_bytes())["tables"]
    assert set(tables) == {
        str(made.table),
        str(reject(made)),
    }


def test_explain_takes_no_file_of_somebody_else_for_the_reject_table(tmp_path: Path) -> None:
    with site(tmp_path) as made:
        assert made.generate().returncode == 0
        (tmp_path / "reject.cidr").write_text("45.0.0.0/24 reject\n46.0.0.0/24 permit\n")
        done = spfwhite("-c", made.config, "explain", "45.0.0.1")
        assert done.returncode == 1
        assert "45.0.0.0/24" not in done.stdout
        assert "rejects it" not in done.stdout
