"""The rails of the whole list: what is refused, what counts and what does not, what lifts it."""

from __future__ import annotations

import pytest

from spfwhite.config.settings import Config
from spfwhite.config.values import Exclusions
from spfwhite.errors import Exit
from spfwhite.networks import Networks
from spfwhite.plan.last_run import last_run
from tests.support.nights import Night, Nights, configured, edited, failing, records
from tests.support.oracle import Zone

NAMES = [f"p{i}" for i in range(10)]
CONFIG = configured({name: [f"{name}.test"] for name in NAMES})


def world(
    size: int = 20, changed: int = 0, changed_size: int = 20, **others: str
) -> dict[tuple[str, str], tuple[str, ...] | str]:
    """Ten providers of one IPv4 and one IPv6 network each; the first `changed` of another size."""
    texts = {}
    for i, name in enumerate(NAMES):
        prefix = changed_size if i < changed else size
        texts[name] = f"ip4:20.{i}.0.0/{prefix} ip6:2a00:{i}::/{prefix + 32}"
    return records(**{**texts, **others})


def series(config: Config = CONFIG, **tables: object) -> Nights:
    made = Nights(config._replace(**tables))  # type: ignore[arg-type]
    assert not made.night(world()).plan.refusals
    return made


def held(night: Night) -> dict[str, list[str]]:
    """The phrases of all holds, by provider."""
    return {
        each.provider.name: [hold.phrase for hold in each.holds]
        for each in night.plan.decisions
        if each.holds
    }


def grown(count: int, p9: str = "") -> dict[tuple[str, str], tuple[str, ...] | str]:
    """The world in which so many providers have four times as much, which each of them may."""
    made = world(changed=count, changed_size=18)
    return made | records(p9=p9) if p9 else made


def test_where_all_lose_too_much_together_as_few_are_held_as_will_do() -> None:
    nights = series()
    night = nights.night(world(changed=7, changed_size=21))
    assert not night.plan.refusals
    assert night.report.exit_code == Exit.DEGRADED
    assert nights.table.size(4) == 40_960 - 6 * 2_048
    assert held(night) == {
        "p0": [
            "loses 2,048 IPv4 addresses, and the list loses 35 % of its IPv4 addresses (14,336 of "
            "40,960), over the 30 % of safety.total_max_loss",
            "loses 2,048 IPv6 /64s, and the list loses 35 % of its IPv6 /64s (14,336 of 40,960), "
            "over the 30 % of safety.total_max_loss",
        ]
    }
    shown = last_run(nights.config, nights.state, nights.now).plan.decisions
    assert [each.status for each in shown] == [each.status for each in night.plan.decisions]


def test_who_is_held_for_the_list_stays_held_while_the_week_lasts() -> None:
    nights = series()
    less = world(changed=7, changed_size=21)
    for _ in range(6):
        assert held(nights.night(less)).keys() == {"p0"}
    assert not held(nights.night(less, days=2))


def test_who_changes_the_list_most_is_held_first() -> None:
    nights = series()
    large = {**world(), **records(p4="ip4:21.0.0.0/18 ip6:2a00:4::/52")}
    nights.night(large, lifted=["p4"])
    less = {**world(changed=4, changed_size=21), **records(p4="ip4:21.0.0.0/19 ip6:2a00:4::/52")}
    night = nights.night(less)
    assert held(night).keys() == {"p4"}
    assert nights.table.size(4) == 9 * 4096 + 16_384 - 4 * 2_048


def test_exactly_30_percent_may_go_and_one_address_more_may_not() -> None:
    assert not held(series().night(world(changed=6, changed_size=21)))
    less = world(changed=6, changed_size=21, p9="-ip4:20.9.0.0 ip4:20.9.0.0/20 ip6:2a00:9::/52")
    assert held(series().night(less)).keys() == {"p0"}


def test_exactly_100_percent_may_come_and_one_address_more_may_not() -> None:
    assert not held(series().night(world(size=19)))
    more = world(size=19, p9="ip4:20.9.0.0/19 ip4:23.0.0.0 ip6:2a00:9::/51")
    (phrase,) = held(series().night(more))["p9"]
    assert phrase.startswith("gains 4,097 IPv4 addresses, and the list grows from 40,960 to ")
    assert phrase.endswith("81,921 IPv4 addresses, over the 100 % of safety.total_max_growth")


def test_each_family_counts_by_itself() -> None:
    fewer = {f"p{i}": f"ip4:20.{i}.0.0/20 ip6:2a00:{i}::/53" for i in range(7)}
    ((phrase,),) = held(series().night(world() | records(**fewer))).values()
    assert "IPv6 /64s" in phrase
    assert "IPv4" not in phrase


def test_the_list_may_not_be_doubled_in_a_week_of_small_steps_either() -> None:
    nights = series()
    assert not held(nights.night(grown(3)))
    assert held(nights.night(grown(4))).keys() == {"p3"}
    assert "within 7 days" in held(nights.night(grown(4)))["p3"][0]
    assert not held(nights.night(grown(4), days=6))


def test_a_night_that_doubles_the_list_can_be_undone_on_the_next() -> None:
    nights = series()
    table = nights.table
    assert not held(nights.night(world(size=19)))
    assert not held(nights.night(world()))
    assert nights.table == table


def test_half_of_the_providers_may_be_held_for_the_list_and_no_more() -> None:
    few = {f"p{i}": f"ip4:20.{i}.0.0/18 ip6:2a00:{i}::/50" for i in range(8)}
    night = series().night(world() | records(**few))
    assert held(night).keys() == {f"p{i}" for i in range(5)}
    nights = series()
    before, table = nights.state, nights.table
    night = nights.night(grown(9))
    assert not held(night)
    assert night.plan.refusals == (
        "the list grows from 40,960 to 151,552 IPv4 addresses, over the 100 % of "
        "safety.total_max_growth; --force writes it all the same",
        "the list grows from 40,960 to 151,552 IPv6 /64s, over the 100 % of "
        "safety.total_max_growth; --force writes it all the same",
    )
    assert night.report.exit_code == Exit.REFUSED
    assert (nights.state, nights.table) == (before, table), "nothing is left of a refused run"


def test_a_refusal_knows_who_loses_and_who_gains_how_much() -> None:
    text = "-ip4:20.{0}.63.0/24 ip4:20.{0}.0.0/18 ip6:2a00:{0}::/52"
    more = {f"p{i}": text.format(i) for i in range(8)}
    more["p9"] = "ip4:20.9.0.0/18 ip6:2a00:9::/52"
    more["p8"] = "ip4:20.8.0.0/21 ip6:2a00:8::/52"
    plan = series().night(world() | records(**more)).plan
    assert [cause.provider for cause in plan.causes] == ["p9", *(f"p{i}" for i in range(8))], (
        "the largest first, and nobody who has no part in it"
    )
    assert plan.causes[0].gained.size(4) == 3 * 4_096
    assert not plan.causes[0].lost
    assert plan.permitted.size(4) == 8 * 16_128 + 16_384 + 2_048, "what the table would be"


def test_a_plan_that_is_not_refused_has_no_causes() -> None:
    assert series().night(grown(4)).plan.causes == ()


def test_force_lifts_the_total() -> None:
    nights = series()
    night = nights.night(grown(9), force=True)
    assert not night.plan.refusals
    assert not held(night)
    assert nights.table.size(4) == 40_960 + 110_592
    assert not held(nights.night(grown(9))), "and the week begins anew"
    assert not held(nights.night(grown(9, p9="ip4:20.9.0.0/19 ip6:2a00:9::/52")))


def test_force_does_not_lift_the_hold_of_a_provider() -> None:
    night = series().night(world(p0="ip4:20.0.0.0/24"), force=True)
    assert night.decision("p0").status == "held"


def test_accept_does_not_lift_the_total_for_the_others() -> None:
    nights = series()
    night = nights.night(world(changed=9, changed_size=21), lifted=["p0"])
    assert night.decision("p0").networks.size(4) == 2_048
    assert held(night).keys() == {"p1", "p2", "p3"}
    assert not nights.night(grown(9), lifted=NAMES[:8]).plan.refusals


def test_accept_of_whoever_is_not_held_releases_nobody() -> None:
    nights = Nights(CONFIG)
    nights.night(world(p0="ip4:20.0.0.0/18"))
    fewer = {f"p{i}": f"ip4:20.{i}.0.0/21 ip6:2a00:{i}::/52" for i in (1, 2, 3)}
    assert not held(nights.night(world(20, 0, 20, p0="ip4:20.0.0.0/19", **fewer)))
    less = world(20, 0, 20, p0="ip4:20.0.0.0/19", p4="ip4:20.4.0.0/21 ip6:2a00:4::/52", **fewer)
    assert held(nights.night(less)).keys() == {"p4"}
    for lifted in (["p0"], ["p0"], []):
        night = nights.night(less, lifted=lifted)
        assert held(night).keys() == {"p4"}, "what p0 lost in this week still counts"
    assert not held(nights.night(less, lifted=["p4"]))


def test_accept_lifts_a_hold_that_no_run_has_written_yet() -> None:
    less = world(changed=7, changed_size=21)
    assert "p0" not in held(series().night(less, lifted=["p0"]))
    assert not held(series().night(less, lifted=NAMES))


def test_providers_that_are_held_keep_the_list_as_it_is() -> None:
    gone = {key: value for key, value in world().items() if key[0] in ("p8.test", "p9.test")}
    nights = series()
    table = nights.table
    night = nights.night(gone)
    assert [each.status for each in night.plan.decisions] == ["held"] * 8 + ["ok"] * 2
    assert not night.plan.refusals
    assert nights.table == table
    assert night.report.exit_code == Exit.DEGRADED


@pytest.mark.parametrize("nothing", [{}, failing(world())], ids=["NXDOMAIN", "failing"])
def test_a_dark_or_lying_dns_changes_nothing(nothing: Zone) -> None:
    nights = series()
    table = nights.table
    for days in (1, 13, 16):
        night = nights.night(nothing, days=days)
        assert not night.plan.refusals
        assert nights.table == table
    assert night.report.exit_code == Exit.DEGRADED


def test_all_providers_lost_for_30_days_together_stay_held() -> None:
    nights = series()
    table = nights.table
    nights.night({})
    for _ in range(3):
        night = nights.night({}, days=100)
        assert {each.status for each in night.plan.decisions} == {"held"}
        assert night.report.exit_code == Exit.DEGRADED
        assert nights.table == table
    assert not nights.night(world()).plan.refusals
    assert nights.table == table


def test_a_large_provider_lost_for_30_days_stays_held_and_stops_nobody() -> None:
    nights = series()
    large = {**world(), **records(p0="ip4:21.0.0.0/16 ip6:2a00:0::/52")}
    nights.night(large, lifted=["p0"])
    gone = {key: text for key, text in large.items() if key[0] != "p0.test"}
    nights.night(gone)
    night = nights.night({**gone, **records(p1="ip4:20.1.0.0/21 ip6:2a00:1::/52")}, days=30)
    assert not night.plan.refusals
    assert night.decision("p0").status == "held"
    assert "20.1.0.0/21" in nights.texts()
    assert night.decision("p1").status == "ok"
    shown = last_run(nights.config, nights.state, nights.now).plan.decisions
    assert [each.status for each in shown] == [each.status for each in night.plan.decisions]
    assert not nights.night(gone, lifted=["p0"]).plan.refusals
    assert "21.0.0.0/16" not in nights.texts()


def test_accepting_everything_does_not_empty_the_list_whatever_the_flags() -> None:
    nights = series()
    before, table = nights.state, nights.table
    nobody = records(**dict.fromkeys(NAMES, ""))
    night = nights.night(nobody, lifted=NAMES, force=True)
    assert night.plan.refusals == (
        "the list would be empty: none of 10 providers has an address; no flag lifts this",
    )
    assert (nights.state, nights.table) == (before, table)


def test_a_first_run_without_an_answer_is_refused() -> None:
    nights = Nights(CONFIG)
    night = nights.night(failing(world()))
    assert "would be empty" in night.plan.refusals[0]
    assert nights.state.written == 0


def test_networks_of_the_configuration_make_no_first_list_by_themselves() -> None:
    # the table that is there, of Postwhite perhaps, would shrink to them
    config = edited(CONFIG, NAMES[0], domains=(), networks=Networks.parse(["64.0.0.0/24"]))
    assert "would be empty" in Nights(config).night(failing(world())).plan.refusals[0]
    assert not Nights(config).night(world()).plan.refusals
    # of senders that are gone nothing is to come, and the rest is the list
    assert not Nights(config).night({}).plan.refusals


def test_where_nobody_is_asked_the_networks_of_the_configuration_are_the_list() -> None:
    config = configured({"p": []})
    config = edited(config, "p", networks=Networks.parse(["64.0.0.0/24"]))
    assert not Nights(config).night({}).plan.refusals


def test_a_list_without_providers_may_be_empty() -> None:
    assert not Nights(configured({})).night({}).plan.refusals


def test_the_first_run_has_no_total_limit() -> None:
    assert not Nights(CONFIG).night(world(size=12)).plan.refusals


def test_providers_that_are_removed_or_switched_off_count_in_no_total() -> None:
    nights = series()
    for name in NAMES[:9]:
        nights.config = edited(nights.config, name, enabled=False)
    assert not nights.night(world()).plan.refusals
    assert nights.table == Networks.parse(["20.9.0.0/20", "2a00:9::/52"])
    nights = series()
    nights.config = configured({"p0": ["p0.test"]})
    assert not nights.night(world()).plan.refusals


def test_new_providers_count_in_no_total() -> None:
    nights = series()
    nights.config = configured({**{name: [f"{name}.test"] for name in NAMES}, "new": ["n.test"]})
    assert not nights.night(world(n="ip4:64.0.0.0/12 ip6:2c00::/28")).plan.refusals
    assert nights.table.size(4) == 40_960 + 2**20


def test_edited_providers_count_in_no_total() -> None:
    nights = series()
    for name in NAMES[:9]:
        nights.config = edited(nights.config, name, domains=("m.test",))
    assert not nights.night(world(m="ip4:64.0.0.0/30")).plan.refusals
    assert nights.table.size(4) == 4096 + 4


def test_a_provider_that_is_edited_to_a_larger_one_counts_in_no_total() -> None:
    nights = series()
    nights.config = edited(nights.config, "p0", domains=("m.test",))
    assert not nights.night(world(m="ip4:64.0.0.0/12 ip6:2c00::/32")).plan.refusals
    assert nights.table.size(4) == 9 * 4096 + 2**20


def test_exclusions_count_in_no_rail() -> None:
    nights = series()
    most = Networks.parse(["20.0.0.0/13", "2a00::/29"])
    nights.config = configured(
        {name: [f"{name}.test"] for name in NAMES}, safety={"exclude": Exclusions(most)}
    )
    night = nights.night(world())
    assert not night.plan.refusals
    assert nights.table == Networks.parse(
        ["20.8.0.0/20", "20.9.0.0/20", "2a00:8::/52", "2a00:9::/52"]
    )
    assert all(not decision.holds for decision in night.plan.decisions)


def test_static_networks_count_in_no_rail() -> None:
    nights = series()
    nights.config = edited(CONFIG, "p0", networks=Networks.parse(["64.0.0.0/8"]))
    assert not nights.night(world()).plan.refusals
    nights.config = CONFIG
    assert not nights.night(world()).plan.refusals
    assert nights.table.size(4) == 40_960


def test_where_the_list_is_refused_a_provider_that_has_no_hold_is_lifted_all_the_same() -> None:
    nights = Nights(configured({name: [f"{name}.test"] for name in "pqr"}))
    nights.night(records(**{name: f"ip4:20.{at}.0.0/20" for at, name in enumerate("pqr")}))
    half = {name: f"ip4:20.{at}.0.0/21 ip4:20.{at}.8.0/27" for at, name in enumerate("pqr")}
    assert nights.night(records(**half)).plan.refusals, "two of three would have to be held"
    night = nights.night(records(**half), lifted=["p"])
    assert not night.plan.refusals
    assert len(held(night)) == 1
    assert "p" not in held(night)
