"""The rails of the whole list: what is refused, what counts and what does not, what lifts it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from spfwhite.config.settings import Config
from spfwhite.config.values import Exclusions
from spfwhite.errors import Exit
from spfwhite.networks import Networks
from spfwhite.plan.last_run import last_run
from tests.support.nights import Nights, configured, edited, failing, records
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
    made = Nights(replace(config, **tables))  # type: ignore[arg-type]
    assert not made.night(world()).plan.refusals
    return made


def keys(refusals: tuple[str, ...]) -> list[str]:
    words = " ".join(refusals).replace(";", "").split()
    return [word for word in words if word.startswith("safety.")]


def test_a_loss_within_each_providers_limit_is_refused_when_it_is_too_much_together() -> None:
    nights = series()
    before, table = nights.state, nights.table
    night = nights.night(world(changed=7, changed_size=21))
    assert [each.status for each in night.plan.decisions] == ["ok"] * 10
    v4, v6 = night.plan.refusals
    assert v4 == (
        "the list loses 35 % of its IPv4 addresses (14,336 of 40,960), over the 30 % of "
        "safety.total_max_loss; --force lets it pass"
    )
    assert "of its IPv6 /64s (14,336 of 40,960), over the 30 % of safety.total_max_loss" in v6
    assert night.report.exit_code == Exit.REFUSED
    assert (nights.state, nights.table) == (before, table), "nothing is left of a refused run"


def test_exactly_30_percent_may_go_and_one_address_more_may_not() -> None:
    assert not series().night(world(changed=6, changed_size=21)).plan.refusals
    less = world(changed=6, changed_size=21, p9="-ip4:20.9.0.0 ip4:20.9.0.0/20 ip6:2a00:9::/52")
    assert keys(series().night(less).plan.refusals) == ["safety.total_max_loss"]


def test_exactly_100_percent_may_come_and_one_address_more_may_not() -> None:
    assert not series().night(world(size=19)).plan.refusals
    more = world(size=19, p9="ip4:20.9.0.0/19 ip4:23.0.0.0 ip6:2a00:9::/51")
    (refusal,) = series().night(more).plan.refusals
    assert "(40,961 to 40,960), over the 100 % of safety.total_max_growth; --force" in refusal


def test_each_family_counts_by_itself() -> None:
    fewer = {f"p{i}": f"ip4:20.{i}.0.0/20 ip6:2a00:{i}::/53" for i in range(7)}
    (refusal,) = series().night(world() | records(**fewer)).plan.refusals
    assert "IPv6 /64s" in refusal


def test_force_lifts_the_total() -> None:
    nights = series()
    night = nights.night(world(changed=7, changed_size=21), force=True)
    assert not night.plan.refusals
    assert nights.table.size(4) == 40_960 - 14_336
    assert not nights.night(world(changed=7, changed_size=21)).plan.refusals


def test_force_does_not_lift_the_hold_of_a_provider() -> None:
    night = series().night(world(p0="ip4:20.0.0.0/24"), force=True)
    assert night.decision("p0").status == "held"


def test_accept_does_not_lift_the_total_for_the_others() -> None:
    night = series().night(world(changed=9, changed_size=21), lifted=["p0"])
    assert keys(night.plan.refusals) == ["safety.total_max_loss"] * 2


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
    night = nights.night({}, lifted=NAMES, force=True)
    assert night.plan.refusals == (
        "the list would be empty: none of 10 providers passes an address; no flag lifts this",
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
