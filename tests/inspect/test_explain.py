"""Why an address is on the table or is not, from states that simulated nights left."""

from __future__ import annotations

import pytest

from spfwhite.cli import explain as command
from spfwhite.cli.common import Common
from spfwhite.config.settings import Config
from spfwhite.config.values import Exclusions
from spfwhite.inspect.explain import Explanation, Passing, explain
from spfwhite.networks import EMPTY, Networks
from spfwhite.plan.last_run import LastRun, last_run
from spfwhite.wording import DAY
from tests.support.nights import START, Nights, configured, edited, failing, records
from tests.support.oracle import Zone

CONFIG = configured({"p": ["p.test"], "q": ["q.test"]})
ZONE = records(
    p="include:s.test ip4:20.0.0.0/16",
    s="include:t.test ip6:2a00:1::/48",
    t="ip4:20.0.9.0/24 ip4:22.0.0.0/24",
    q="-ip4:21.0.5.0/24 ip4:21.0.0.0/16 ip4:22.0.0.0/25 ~all",
)
FIRST = START + DAY
SECOND = START + 2 * DAY


def nights(*zones: Zone, config: Config = CONFIG) -> Nights:
    """A series with a night for each zone, a day after each other."""
    series = Nights(config)
    for zone in zones:
        series.night(zone)
    return series


def run_of(series: Nights, config: Config | None = None) -> LastRun:
    return last_run(config or series.config, series.state, series.now)


def explained(series: Nights, text: str, config: Config | None = None) -> Explanation:
    run = run_of(series, config)
    return explain(run, series.table, Networks.parse([text]), run.plan.rejected)


def said(series: Nights, text: str, config: Config | None = None, *, verbose: bool = False) -> str:
    """The explanation as text."""
    found, run = explained(series, text, config), run_of(series, config)
    return "\n".join(command.lines(text, found, run, Common(verbose=verbose)))


def terms(found: Explanation) -> set[tuple[str, str, str]]:
    return {(each.provider, each.term, each.domain) for each in found.passing}


def passing(found: Explanation, provider: str) -> Passing:
    (one,) = [each for each in found.passing if each.provider == provider]
    return one


def sentences(found: Explanation, *, certain: bool) -> list[str]:
    return [each.sentence for each in found.denials if each.certain is certain]


# --- covered ---


@pytest.mark.parametrize(
    ("asked", "rule", "provider", "term", "chain"),
    [
        ("21.0.0.9", "21.0.0.0/22", "q", "ip4:21.0.0.0/16", ("q.test",)),
        ("2a00:1::7", "2a00:1::/48", "p", "ip6:2a00:1::/48", ("p.test", "s.test")),
        ("2a00:1:0:8::/61", "2a00:1::/48", "p", "ip6:2a00:1::/48", ("p.test", "s.test")),
        ("20.0.1.0/24", "20.0.0.0/16", "p", "ip4:20.0.0.0/16", ("p.test",)),
    ],
)
def test_what_is_covered_has_its_rule_its_term_and_the_chain_to_it(
    asked: str, rule: str, provider: str, term: str, chain: tuple[str, ...]
) -> None:
    found = explained(nights(ZONE), asked)
    assert found.is_covered
    assert found.rules == (rule,)
    assert found.passing == (Passing(provider=provider, term=term, domain=chain[-1], chain=chain),)
    assert (found.denials, found.neighbours, found.until) == ((), (), ())


def test_a_network_that_several_rules_cover_has_them_all() -> None:
    found = explained(nights(ZONE), "21.0.0.0/22")
    assert found.rules == ("21.0.0.0/22",)
    wide = explained(nights(ZONE), "21.0.0.0/16")
    assert not wide.is_covered
    assert set(wide.rules) == {text for text in nights(ZONE).texts() if text.startswith("21.")}


def test_every_term_of_every_provider_that_passes_an_address_is_named() -> None:
    series = nights(ZONE)
    assert terms(explained(series, "20.0.9.1")) == {
        ("p", "ip4:20.0.0.0/16", "p.test"),
        ("p", "ip4:20.0.9.0/24", "t.test"),
    }
    assert terms(explained(series, "22.0.0.1")) == {
        ("p", "ip4:22.0.0.0/24", "t.test"),
        ("q", "ip4:22.0.0.0/25", "q.test"),
    }


def test_of_the_chains_of_a_diamond_one_of_the_shortest_is_shown() -> None:
    zone = records(
        p="include:a.test include:b.test include:c.test -all",
        q="include:z.test -all",
        a="include:b.test",
        b="include:c.test",
        c="include:z.test",
        z="ip4:20.0.0.0/24",
    )
    found = explained(nights(zone), "20.0.0.1")
    assert passing(found, "p").chain == ("p.test", "c.test", "z.test")
    assert passing(found, "q").chain == ("q.test", "z.test")


def layers(width: int, depth: int) -> Zone:
    """p.test leads to z.test by width ** depth chains, and to `ip4:30.0.0.0/16` at the end."""
    levels = [[f"l{level}n{i}" for i in range(width)] for level in range(depth)]
    zone = records(p=" ".join(f"include:{name}.test" for name in levels[0]), z="ip4:20.0.0.0/24")
    for upper, lower in zip(levels, [*levels[1:], ["z"]], strict=True):
        text = " ".join(f"include:{name}.test" for name in lower)
        zone |= records(**dict.fromkeys(upper, text))
    return zone


def test_exponentially_many_chains_end_and_give_a_shortest_one() -> None:
    # 6 ** 17 chains: whoever walks them all does not come back
    config = configured({"p": ["p.test"]})
    good = records(p="include:z.test", z="ip4:20.0.0.0/24")
    series = nights(good, layers(6, 17), config=config)
    found = explained(series, "20.0.0.1")
    assert passing(found, "p").held_since == SECOND
    assert len(passing(found, "p").chain) == 19
    assert not explained(series, "30.0.0.1").is_covered


def test_a_static_network_names_the_file_that_has_it() -> None:
    config = edited(CONFIG, "q", networks=Networks.parse(["40.0.0.0/24"]), defined_in="mine.toml")
    found = explained(nights(ZONE, config=config), "40.0.0.1")
    assert passing(found, "q") == Passing(provider="q", term="networks", domain="mine.toml")


def test_a_held_provider_says_since_when() -> None:
    series = nights(ZONE, ZONE | records(q="ip4:21.0.0.0/24"), ZONE | records(q="ip4:21.0.0.0/24"))
    found = explained(series, "21.0.9.1")
    assert found.is_covered
    assert passing(found, "q").held_since == SECOND
    assert "held for 24 hours" in said(series, "21.0.9.1")


def test_a_stale_term_says_since_when_and_one_of_another_record_does_not() -> None:
    series = nights(ZONE, failing(ZONE, "s.test"), failing(ZONE, "s.test"))
    assert passing(explained(series, "2a00:1::1"), "p").stale_since == FIRST
    assert "last answered 2 days ago" in said(series, "2a00:1::1")
    assert passing(explained(series, "20.0.0.1"), "p").stale_since is None
    assert passing(explained(series, "21.0.0.1"), "q").stale_since is None


# --- not covered ---


def test_a_directive_that_is_not_plus_is_named() -> None:
    series = nights(ZONE)
    found = explained(series, "21.0.5.9")
    assert not found.is_covered
    assert found.passing == ()
    assert sentences(found, certain=True) == ["-ip4:21.0.5.0/24 in q.test keeps it out"]
    assert "not covered" in said(series, "21.0.5.9")


@pytest.mark.parametrize("directive", ["-", "~", "?"])
def test_every_qualifier_but_plus_keeps_out(directive: str) -> None:
    series = nights(ZONE | records(q=f"{directive}include:t.test ip4:22.0.0.0/16"))
    without = [text for text in sentences(explained(series, "22.0.0.200"), certain=True)]
    assert without == []  # p passes it
    alone = configured({"q": ["q.test"]})
    series = nights(ZONE | records(q=f"{directive}include:t.test ip4:22.0.0.0/16"), config=alone)
    (text,) = sentences(explained(series, "22.0.0.200"), certain=True)
    assert text == f"{directive}include:t.test in q.test keeps it out"


def test_the_all_at_the_end_of_a_record_is_no_reason() -> None:
    assert sentences(explained(nights(ZONE), "50.0.0.1"), certain=True) == []


def test_an_exclusion_is_named() -> None:
    config = configured(
        {"p": ["p.test"]}, safety={"exclude": Exclusions(Networks.parse(["20.0.3.0/24"]))}
    )
    series = nights(ZONE, config=config)
    found = explained(series, "20.0.3.9")
    assert (found.is_covered, found.passing) == (False, ())
    assert sentences(found, certain=True) == ["safety.exclude names it"]
    assert sentences(explained(series, "60.0.0.1"), certain=True) == []


def test_special_use_is_named() -> None:
    series = nights(ZONE | records(q="ip4:10.1.0.0/16 ip4:21.0.0.0/16"))
    found = explained(series, "10.1.2.3")
    assert (found.is_covered, found.passing) == (False, ())
    (text,) = sentences(found, certain=True)
    assert "special-use" in text
    assert "safety.special_use" in text


@pytest.mark.parametrize(
    ("asked", "wider"), [("10.1.2.3", "10.0.0.0/7"), ("60.0.3.9", "60.0.2.0/23")]
)
def test_where_no_record_could_help_the_answer_is_the_end(asked: str, wider: str) -> None:
    config = configured(
        {"p": ["p.test"]}, safety={"exclude": Exclusions(Networks.parse(["60.0.3.0/24"]))}
    )
    zone = ZONE | records(p="exists:%{i}.test ip4:20.0.0.0/16")
    series = nights(zone, config=config)
    assert len(said(series, asked).splitlines()) == 2
    assert "might pass it" in said(series, "50.0.0.1", verbose=True)
    assert "might pass it" in said(series, wider, verbose=True), "it holds others too"


def test_special_use_is_no_reason_where_it_is_kept() -> None:
    config = configured({"p": ["p.test"], "q": ["q.test"]}, safety={"special_use": "keep"})
    assert sentences(explained(nights(ZONE, config=config), "10.1.2.3"), certain=True) == []


def test_a_held_provider_that_would_pass_it_now_is_named_with_the_flag() -> None:
    series = nights(ZONE, ZONE | records(q="ip4:21.0.0.0/16 ip4:24.0.0.0/13"))
    found = explained(series, "24.0.0.1")
    assert not found.is_covered
    (text,) = sentences(found, certain=True)
    assert "held" in text
    assert "provider_max_growth" in text
    assert "`spfwhite providers q`" in text
    assert "`spfwhite providers q`" in said(series, "24.0.0.1")  # though the sentence is cut
    assert [each.provider for each in found.denials] == ["q"]


def test_what_is_rejected_has_its_provider_its_term_the_chain_and_its_rule() -> None:
    config = edited(CONFIG, "p", action="reject")
    series = nights(ZONE, config=config)
    found = explained(series, "20.0.9.7")
    assert not found.is_covered
    assert [(each.provider, each.term, each.chain) for each in found.rejecting] == [
        ("p", "ip4:20.0.0.0/16", ("p.test",)),
        ("p", "ip4:20.0.9.0/24", ("p.test", "s.test", "t.test")),
    ]
    assert found.reject_rules == ("20.0.0.0/16",)
    assert (found.passing, found.denials, found.neighbours) == ((), (), ())
    assert said(series, "20.0.9.7").splitlines() == [
        "20.0.9.7: rejected",
        f"  rule 20.0.0.0/16 of {config.output.reject}",
        "  rejected by p: ip4:20.0.0.0/16 in p.test",
        "  rejected by p: ip4:20.0.9.0/24 in t.test",
        "    through p.test > s.test > t.test",
    ]


def test_what_is_rejected_by_hand_names_the_file_that_has_it() -> None:
    by_hand = {"action": "reject", "networks": Networks.parse(["22.0.0.200"])}
    found = explained(nights(ZONE, config=edited(CONFIG, "q", **by_hand)), "22.0.0.200")
    assert [(each.provider, each.term) for each in found.rejecting] == [("q", "networks")]
    assert terms(found) == {("p", "ip4:22.0.0.0/24", "t.test")}, "it would be covered without"


def test_what_spf_rejects_and_another_provider_passes_is_covered_and_not_rejected() -> None:
    found = explained(nights(ZONE, config=edited(CONFIG, "q", action="reject")), "22.0.0.1")
    assert (found.is_covered, found.rejecting, found.reject_rules) == (True, (), ())


def test_what_the_reject_table_lacks_or_has_too_much_is_said() -> None:
    series = nights(ZONE, config=edited(CONFIG, "q", action="reject"))
    run = run_of(series)
    for asked, held, words in (
        ("21.0.0.1", "50.0.0.0/24", "`spfwhite generate` adds it"),
        ("50.0.0.1", "50.0.0.0/24", "no provider rejects it"),
    ):
        found = explain(run, series.table, Networks.parse([asked]), Networks.parse([held]))
        text = "\n".join(command.lines(asked, found, run, Common()))
        assert words in text
        assert "nearest" not in text


@pytest.mark.parametrize("term", ["exists:%{i}.test", "ptr", "include:%{i}.test"])
def test_a_term_that_the_client_decides_might_pass_it(term: str) -> None:
    found = explained(nights(ZONE | records(q=f"{term} ip4:21.0.0.0/16")), "50.0.0.1")
    (text,) = sentences(found, certain=False)
    assert text.startswith(f"{term} in q.test might pass it: ")


@pytest.mark.parametrize(
    "term", ["-exists:%{i}.test", "~ptr", "?exists:%{i}.test", "ip4:50.0.0.0/33"]
)
def test_a_term_that_could_not_pass_it_is_not_suspected(term: str) -> None:
    found = explained(nights(ZONE | records(q=f"{term} ip4:21.0.0.0/16")), "50.0.0.1")
    assert sentences(found, certain=False) == []


def test_a_term_that_is_too_wide_is_named_for_its_own_addresses_only() -> None:
    series = nights(ZONE | records(q="ip4:48.0.0.0/7 ip4:21.0.0.0/16"))
    (text,) = sentences(explained(series, "49.9.9.9"), certain=False)
    assert text.startswith("ip4:48.0.0.0/7 in q.test might pass it: ")
    assert "safety.widest_ipv4" in text
    assert sentences(explained(series, "50.0.0.1"), certain=False) == []


def test_a_record_that_nobody_could_read_might_pass_it() -> None:
    config = configured({"p": ["p.test"], "q": ["q.test"], "r": ["r.test"]})
    zone = failing(ZONE | records(r="ip4:23.0.0.0/24", q="include:u.test", u="-all"), "r.test")
    series = nights(failing(zone, "r.test", "u.test"), config=config)
    texts = sentences(explained(series, "50.0.0.1"), certain=False)
    assert any(text.startswith("r.test might pass it: ") for text in texts)
    assert any(text.startswith("include:u.test in q.test might pass it: ") for text in texts)


def test_the_nearest_networks_on_both_sides_have_distance_and_providers() -> None:
    series = nights(ZONE | records(q="ip4:21.0.0.0/24 ip4:21.0.9.0/24"))
    near = explained(series, "21.0.4.255").neighbours
    assert [(each.network, each.distance, each.providers) for each in near] == [
        ("21.0.0.0/24", 0x400, ("q",)),
        ("21.0.9.0/24", 0x401, ("q",)),
    ]
    (only,) = explained(series, "2a00:1:1::").neighbours
    assert (only.network, only.distance, only.providers) == ("2a00:1::/48", 1, ("p",))


@pytest.mark.parametrize("asked", ["21.1.0.1", "20.255.255.255", "2a00:2::"])
def test_what_is_in_another_16_or_32_is_not_near(asked: str) -> None:
    assert explained(nights(ZONE), asked).neighbours == ()
    assert "nearest" not in said(nights(ZONE), asked)


def test_distances_are_told_in_addresses_or_in_64s() -> None:
    series = nights(ZONE)
    assert "nearest: 22.0.0.0/24, 1 addresses away, of p, q" in said(series, "22.0.1.0")
    assert "nearest: 2a00:1::/48, 65,536 /64s away, of p" in said(series, "2a00:1:2::")


def test_an_address_that_nothing_forbids_has_the_commands_that_would_list_it() -> None:
    *_, last = said(nights(ZONE), "50.0.0.1").splitlines()
    assert last == "  if it should be on the list: spfwhite suggest MAILLOG, or spfwhite add DOMAIN"
    assert "spfwhite add" not in said(nights(ZONE), "20.0.0.1")
    assert "spfwhite add" not in said(nights(ZONE), "10.1.2.3")


def test_of_those_who_share_a_record_the_owner_comes_first() -> None:
    names = {name: [f"{name}.test"] for name in ("a", "b", "z")}
    zone = records(a="include:b.test", b="include:z.test", z="ip4:20.0.0.0/16")
    lines = said(nights(zone, config=configured(names)), "20.0.0.1").splitlines()
    assert lines[2:] == ["  z: ip4:20.0.0.0/16 in z.test", "    and 2 that include it: a, b"]


def test_an_empty_family_has_no_neighbours() -> None:
    series = nights(records(p="ip4:20.0.0.0/16", q="ip4:21.0.0.0/16"))
    assert explained(series, "2a00::1").neighbours == ()


def test_who_covered_it_until_when_comes_from_the_journal() -> None:
    less = ZONE | records(q="ip4:21.0.0.0/17 ip4:21.0.128.0/18")
    series = nights(ZONE, less, less)
    found = explained(series, "21.0.200.1")
    assert not found.is_covered
    assert [(each.provider, each.when) for each in found.until] == [("q", SECOND)]
    assert "q covered it until 2023-11-16T22:13:20Z" in said(series, "21.0.200.1")
    assert explained(series, "50.0.0.1").until == ()


def test_a_network_that_is_covered_in_part_shows_both_parts() -> None:
    series = nights(ZONE)
    found = explained(series, "21.0.4.0/23")
    assert (found.is_covered, found.covered.texts()) == (False, ["21.0.4.0/24"])
    assert [each.provider for each in found.passing] == ["q"]
    assert sentences(found, certain=True) == ["-ip4:21.0.5.0/24 in q.test keeps it out"]
    assert "partly covered" in said(series, "21.0.4.0/23")


# --- a configuration or a table that changed since the last run ---


def test_a_provider_that_was_removed_since_still_explains_its_rules() -> None:
    series = nights(ZONE)
    config = configured({"p": ["p.test"]})
    found = explained(series, "21.0.0.1", config)
    assert found.is_covered
    assert passing(found, "q").former
    assert terms(found) == {("q", "ip4:21.0.0.0/16", "q.test")}
    assert "goes at the next run" in said(series, "21.0.0.1", config)


def test_a_provider_that_was_edited_since_explains_both_definitions() -> None:
    series = nights(ZONE)
    config = edited(CONFIG, "p", domains=("t.test",))
    assert passing(explained(series, "20.0.200.1", config), "p").former
    kept = explained(series, "22.0.0.200", config)
    expected = Passing(provider="p", term="ip4:22.0.0.0/24", domain="t.test", chain=("t.test",))
    assert passing(kept, "p") == expected


def test_a_provider_that_was_added_since_is_explained_by_what_is_remembered() -> None:
    series = nights(ZONE)
    config = configured({"p": ["p.test"], "q": ["q.test"], "r": ["t.test"], "new": ["new.test"]})
    assert passing(explained(series, "22.0.0.200", config), "r").chain == ("t.test",)
    assert not explained(series, "50.0.0.1", config).is_covered


def test_what_the_table_lacks_since_it_was_touched_is_said() -> None:
    series = nights(ZONE)
    series.table = series.table - Networks.parse(["21.0.0.0/24"])
    found = explained(series, "21.0.0.1")
    assert (found.is_covered, found.pending.texts()) == (False, ["21.0.0.1/32"])
    assert "`spfwhite generate` adds it" in said(series, "21.0.0.1")
    assert not explained(series, "21.0.1.1").pending
    assert sentences(found, certain=True) == []


def test_a_rule_that_nobody_asked_for_is_said() -> None:
    series = nights(ZONE)
    series.table = series.table | Networks.parse(["50.0.0.0/24"])
    found = explained(series, "50.0.0.1")
    assert (found.is_covered, found.passing, found.rules) == (True, (), ("50.0.0.0/24",))
    assert "no provider passes it" in said(series, "50.0.0.1")


def test_an_empty_table_covers_nothing_and_ends() -> None:
    series = nights(ZONE)
    series.table = EMPTY
    found = explained(series, "0.0.0.0/0")
    assert (found.is_covered, found.rules, found.neighbours) == (False, (), ())


def test_what_an_excluded_domain_would_pass_is_said_with_its_name() -> None:
    exclude = Exclusions(EMPTY, frozenset({"s.test"}))
    series = nights(
        ZONE, config=configured({"p": ["p.test"], "q": ["q.test"]}, safety={"exclude": exclude})
    )
    found = explained(series, "2a00:1::1")
    assert not found.is_covered
    (sentence,) = sentences(found, certain=True)
    assert sentence == "s.test passes it, and safety.exclude names that domain"
    assert "(p)" in said(series, "2a00:1::1")
