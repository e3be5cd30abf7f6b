"""The limits of a week: what many nights may change together, and what one night leaves behind."""

from __future__ import annotations

import pytest

from spfwhite.config.values import Exclusions
from spfwhite.networks import Networks
from spfwhite.plan.past import Accepted, Change, as_of
from spfwhite.spf.result import Contribution
from spfwhite.wording import DAY
from tests.support.nights import START, Night, Nights, configured, edited, records
from tests.support.oracle import Zone

CONFIG = configured({"p": ["p.test"], "q": ["q.test"]})
# so large that what p does is little for the list as a whole
BESIDE = " ".join(f"ip4:30.{16 * i}.0.0/12" for i in range(12)) + " ip6:2a0f::/28"
PARTS = [f"ip4:20.{i}.0.0/20" for i in range(5)]


def world(text: str) -> dict[tuple[str, str], tuple[str, ...] | str]:
    return records(p=text, q=BESIDE)


def first(count: int, *, at: int = 20 << 24) -> str:
    """Terms that pass so many addresses from one on."""
    step = 2**20
    blocks = [(low, min(step, count - low)) for low in range(0, count, step)]
    texts = [Networks.of(4, at + low, at + low + size - 1).texts() for low, size in blocks]
    return " ".join(f"ip4:{text}" for block in texts for text in block)


def after(*zones: Zone, settle_days: int = 7) -> Nights:
    """A series that has lived through these worlds, a night each; q is large and may be."""
    config = CONFIG._replace(state=CONFIG.state._replace(settle_days=settle_days))
    series = Nights(config)
    series.night(zones[0], lifted=["q"])
    for zone in zones[1:]:
        series.night(zone)
    return series


def phrases(night: Night, name: str = "p") -> list[str]:
    return [hold.phrase for hold in night.decision(name).holds]


def size(series: Nights) -> int:
    return series.state.accepted["p"].networks.size(4)


RIGHT = world("ip4:45.0.0.0/18")
WRONG = world("ip4:45.0.0.0/18 ip4:47.0.0.0/18 ip4:47.1.0.0/19")


def test_what_one_wrong_night_brought_is_news_and_goes_on_the_next() -> None:
    series = after(RIGHT)
    table = series.table
    night = series.night(WRONG)
    assert night.decision("p").notice == "grows from 16,384 to 40,960 IPv4 addresses"
    assert night.report.has_news
    assert not phrases(series.night(RIGHT))
    assert series.table == table


def test_what_came_a_week_ago_is_settled_and_its_loss_is_one() -> None:
    series = after(RIGHT, WRONG)
    night = series.night(RIGHT, days=7.1)
    assert phrases(night)[0].startswith("loses 60 % of its IPv4 addresses (24,576 of 40,960)")


def test_what_came_with_a_wrong_night_does_not_hide_the_loss_of_the_rest() -> None:
    series = after(RIGHT, world("ip4:45.0.0.0/18 ip4:47.0.0.0/22"))
    assert phrases(series.night(world("ip4:47.0.0.0/22")))


def test_four_nights_of_four_times_as_much_do_not_add_up() -> None:
    series = after(world(first(2**10)))
    assert not phrases(series.night(world(first(2**12))))
    for factor in (14, 16, 18):
        (phrase,) = phrases(series.night(world(first(2**factor))))[:1]
        assert "over the 300 % of safety.provider_max_growth" in phrase
    assert size(series) == 2**12


def test_a_provider_may_grow_fourfold_once_more_when_the_week_is_over() -> None:
    series = after(world(first(2**10)), world(first(2**12)))
    (phrase,) = phrases(series.night(world(first(2**14))))
    assert phrase == (
        "grows from 1,024 to 16,384 IPv4 addresses within 7 days, over the 300 % of "
        "safety.provider_max_growth"
    )
    assert not phrases(series.night(world(first(2**14)), days=6))
    assert size(series) == 2**14


def test_five_parts_that_vanish_one_a_night_do_not_go_together() -> None:
    whole = {f"i{i}": text for i, text in enumerate(PARTS)}
    root = " ".join(f"include:{name}.test" for name in whole)
    series = after({**world(root), **records(**whole)})
    held = []
    for left in (4, 3, 2, 1):
        kept = dict(list(whole.items())[:left])
        held.append(phrases(series.night({**world(root), **records(**kept)})))
    assert [bool(each) for each in held] == [False, False, True, True]
    assert held[2] == [
        "loses 60 % of its IPv4 addresses within 7 days (12,288 of 20,480), over the 50 % of "
        "safety.provider_max_loss"
    ]
    assert size(series) == 3 * 4096


def test_a_provider_that_halves_itself_each_night_is_held() -> None:
    series = after(world(first(2**16)))
    assert not phrases(series.night(world(first(2**15))))
    assert phrases(series.night(world(first(2**14))))
    assert size(series) == 2**15


@pytest.mark.parametrize("count", [3, 6])
def test_a_third_that_is_exchanged_each_night_is_never_held(count: int) -> None:
    def night(day: int) -> Zone:
        blocks = (day * count // 3 + i for i in range(count))
        return world(" ".join(f"ip4:20.{b}.0.0/20 ip6:2a00:{b}::/48" for b in blocks))

    series = after(night(0))
    assert not any(phrases(series.night(night(day))) for day in range(1, 60))


def test_from_one_address_to_four_million_is_neither_a_matter_of_a_week_nor_silent() -> None:
    series = after(world(first(1)))
    sizes = [1]
    for night in range(6):
        made = series.night(world(first(4_095 * 4**night)))
        assert made.report.has_news or phrases(made)
        sizes.append(size(series))
    assert sizes == [1, *[4_095] * 6]


def test_growth_is_news_above_100_percent_and_256_addresses() -> None:
    def notice(before: int, now: int) -> str:
        return after(world(first(before))).night(world(first(now))).decision("p").notice

    assert notice(1, 257) == ""
    assert notice(1, 258) == "grows from 1 to 258 IPv4 addresses"
    assert notice(1000, 2000) == ""
    assert "grows from 1,000 to 2,001" in notice(1000, 2001)


def test_growth_over_a_week_is_news_in_the_night_in_which_it_passes_100_percent() -> None:
    series = after(world(first(1000)))
    notices = [series.night(world(first(n))).decision("p").notice for n in (1600, 2000, 2100, 2200)]
    assert notices == [
        "",
        "",
        "grows from 1,000 to 2,100 IPv4 addresses within 7 days",
        "",
    ]


def test_what_was_there_within_the_week_is_no_news_when_it_is_back() -> None:
    series = after(world(first(2000)), world(first(1000)), world(first(960)))
    assert "grows" not in series.night(world(first(2000))).decision("p").notice


NEW_FAMILIES = pytest.mark.parametrize(
    ("had", "most", "more", "said"),
    [
        ("ip6:2a00::/48", "ip4:20.0.0.0/16", "ip4:20.0.0.0/16 ip4:21.0.0.0", "65,536 IPv4 addr"),
        ("ip4:20.0.0.0/24", "ip6:2a00::/32", "ip6:2a00::/32 ip6:2b00::", "4,294,967,296 IPv6 /64s"),
    ],
)


@NEW_FAMILIES
def test_a_family_that_is_new_is_news(had: str, most: str, more: str, said: str) -> None:
    night = after(world(had)).night(world(f"{had} {most}"))
    assert not phrases(night), more
    assert night.decision("p").notice.startswith(f"has {said}")


@NEW_FAMILIES
def test_a_family_that_is_new_and_too_wide_is_held(
    had: str, most: str, more: str, said: str
) -> None:
    series = after(world(had))
    for days in (1, 100):
        (phrase,) = phrases(series.night(world(f"{had} {more}"), days=days))
        assert phrase.startswith("has "), most
        assert f"and had none before, over the {said[:6]}" in phrase
    assert not phrases(series.night(world(f"{had} {more}"), lifted=["p"]))


def test_a_family_that_is_new_may_not_grow_beyond_that_in_its_week_either() -> None:
    series = after(world("ip6:2a00::/48"), world("ip6:2a00::/48 ip4:20.0.0.0/17"))
    (phrase,) = phrases(series.night(world("ip6:2a00::/48 ip4:20.0.0.0/16 ip4:21.0.0.0/18")))
    assert phrase.startswith("has 81,920 IPv4 addresses and had none before, over the 65,536 ")
    assert not phrases(series.night(world("ip6:2a00::/48 ip4:20.0.0.0/16")))


def test_a_provider_that_is_listed_for_the_first_time_is_news_but_not_on_the_first_run() -> None:
    series = Nights(configured({"q": ["q.test"]}))
    assert not series.night(records(q="ip4:21.0.0.0/16")).report.has_news
    series.config = CONFIG
    night = series.night(records(q="ip4:21.0.0.0/16", p="ip4:20.0.0.0/12 ip6:2a00::/48"))
    assert not phrases(night), "the operator has just added it"
    assert night.decision("p").notice == (
        "has 1,048,576 IPv4 addresses and had none before; has 65,536 IPv6 /64s and had none before"
    )
    again = series.night(records(q="ip4:21.0.0.0/16", p="ip4:20.0.0.0/12"))
    assert not again.decision("p").notice


def test_a_provider_that_has_passed_nothing_so_far_may_not_pass_just_anything() -> None:
    nothing = records(q=BESIDE)
    series = after(nothing, nothing)
    assert phrases(series.night(world(first(2**22))))[0].startswith("has 4,194,304 IPv4")
    assert "p" in series.state.accepted
    night = series.night(world(first(2**16)))
    assert night.decision("p").notice.endswith("; has 65,536 IPv4 addresses and had none before")


def test_what_the_operator_accepts_begins_the_week_anew() -> None:
    series = after(world(first(2**12)))
    series.night(world(first(2**16)), lifted=["p"])
    assert not phrases(series.night(world(first(2**17))))
    assert phrases(series.night(world(first(2**19))))


def test_what_the_operator_edits_begins_the_week_anew() -> None:
    series = after(world(first(2**12)))
    series.config = edited(series.config, "p", domains=("r.test",))
    large = records(q=BESIDE, r=first(2**16))
    night = series.night(large)
    assert not night.report.has_news, "he knows"
    assert not phrases(series.night({**large, **records(r=first(2**17))}))


def test_a_loss_that_is_confirmed_begins_the_week_anew() -> None:
    less = world(first(2**12))
    series = after(world(first(2**16)), less)
    series.night(less, days=30)
    assert size(series) == 2**12
    assert not phrases(series.night(world(first(2**12 - 2**10))))


def test_without_days_to_settle_each_night_counts_by_itself() -> None:
    series = after(*[world(first(2**factor)) for factor in (10, 12, 14, 16)], settle_days=0)
    assert size(series) == 2**16
    assert phrases(series.night(world(first(2**12))))


def test_a_night_with_a_wrong_clock_takes_no_limit_away_for_ever() -> None:
    series = after(world(first(2**10)))
    series.now += 30_000 * DAY
    series.night(world(first(2**12)), lifted=["p"])
    series.now = START + 3 * DAY
    series.night(world(first(2**12)))
    assert not phrases(series.night(world(first(2**14)), days=7)), "fourfold, from one night"
    assert phrases(series.night(world(first(2**16)), days=1)), "and once a week"


def test_exclusions_are_no_loss_of_the_week() -> None:
    series = after(world(" ".join(PARTS)), world(" ".join(PARTS[:4])))
    one = Exclusions(Networks.parse(["20.0.0.0/20"]))
    series.config = series.config._replace(safety=series.config.safety._replace(exclude=one))
    assert not phrases(series.night(world(" ".join(PARTS[:3]))))


@pytest.mark.parametrize(
    ("since", "changed", "back"),
    [
        (1.0, 5.0, True),
        (1.0, 4.0, False),  # a week ago to the second
        (1.0, 9.0, True),  # in this very run, as when the state is looked at
        (1.0, 9.5, False),  # still to come
        (5.0, 5.0, False),  # what began the comparison
        (9.0, 9.0, False),
        (9.5, 5.0, True),  # what has a time that is still to come begins nothing
    ],
)
def test_what_is_turned_back(since: float, changed: float, back: bool) -> None:  # noqa: FBT001
    now, then = (Networks.parse([text]) for text in ("20.0.0.0/24", "21.0.0.0/24"))
    origins = (Contribution("p.test", "ip4:20.0.0.0/24", now),)
    accepted = {"p": Accepted(digest="", since=since, origins=origins, partial=False)}
    journal = [Change(changed, "p", now, then), Change(5.0, "gone", now, then)]
    assert as_of(4.0, accepted, journal, 9.0) == ({"p": then} if back else {})


def test_why_a_large_loss_of_what_came_in_the_week_is_not_held_is_said() -> None:
    small, large = world(first(4_096)), world(first(12_288))
    series = after(small, large)
    night = series.night(small)
    assert not phrases(night)
    assert night.decision("p").notice == (
        "loses 67 % of its IPv4 addresses (8,192 of 12,288), over the 50 % of "
        "safety.provider_max_loss; not held, since what came within 7 days may go "
        "(state.settle_days)"
    )
    series = after(small, large)
    assert not series.night(world(first(9_000))).decision("p").notice, "within the limits"
