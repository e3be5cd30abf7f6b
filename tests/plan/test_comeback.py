"""Who comes back after it was let go, who was never known in full, and who was defined anew."""

from __future__ import annotations

from spfwhite.networks import Networks
from tests.plan.test_week import BESIDE, CONFIG, after, first, phrases, size, world
from tests.support.nights import Nights, configured, edited, failing, records

GONE = records(q=BESIDE)


def let_go(text: str) -> Nights:
    """A series in which p passed this, was gone for 30 days and was let go."""
    series = after(world(text), GONE)
    series.night(GONE, days=30)
    assert not series.state.accepted["p"].networks
    series.night(GONE)
    return series


def test_a_provider_that_comes_back_as_it_went_is_taken_and_said() -> None:
    night = (series := let_go(first(2**18) + " ip6:2a00::/31")).night(
        world(first(2**18) + " ip6:2a00::/31 ip4:45.0.0.0/24")
    )
    assert not phrases(night)
    assert night.decision("p").notice.startswith("has 262,400 IPv4 addresses and had none")
    assert not series.state.accepted["p"].lapsed


def test_a_provider_that_comes_back_as_somebody_elses_is_held() -> None:
    series = let_go("ip4:20.0.0.0/30")
    for days in (1, 100):
        night = series.night(world("ip4:20.0.0.0/30 ip4:45.0.0.0/24"), days=days)
        assert phrases(night) == ["comes back, 256 of its 260 IPv4 addresses being other ones"]
        assert not night.decision("p").networks
    assert not phrases(series.night(world("ip4:45.0.0.0/24"), lifted=["p"]))
    assert not phrases(series.night(world("ip4:45.0.0.0/24")))


def test_one_that_came_back_as_somebody_elses_and_is_gone_again_is_missing_and_not_empty() -> None:
    series = let_go("ip4:20.0.0.0/30")
    assert series.night(GONE).reported("p").status == "missing"
    assert series.night(world("ip4:45.0.0.0/24")).reported("p").status == "held"
    assert series.night(GONE).reported("p").status == "missing"


def test_what_was_let_go_is_remembered_whatever_happens_in_between() -> None:
    series = let_go("ip4:20.0.0.0/24")
    series.night(failing(GONE, "p.test"))
    series.night(failing(GONE), days=20)
    series.night(GONE, days=20)
    assert phrases(series.night(world("ip4:45.0.0.0/24")))


def test_a_provider_that_was_accepted_to_be_gone_is_remembered_as_well() -> None:
    series = after(world("ip4:20.0.0.0/24"))
    series.night(GONE, lifted=["p"])
    assert phrases(series.night(world("ip4:45.0.0.0/24")))
    assert not phrases(series.night(world("ip4:20.0.0.0/24")))


def test_another_definition_of_it_may_pass_what_it_likes() -> None:
    series = let_go("ip4:20.0.0.0/24")
    series.config = edited(CONFIG, "p", domains=("r.test",))
    assert not phrases(series.night({**GONE, **records(r="ip4:45.0.0.0/16")}))


PART = records(p="ip4:20.0.0.0 include:x.test", x=first(2**22), q=BESIDE)


def test_a_gap_of_a_month_excuses_nothing() -> None:
    series = Nights(CONFIG)
    series.night(failing(PART, "x.test"))
    for _ in range(30):
        series.night(failing(PART, "x.test"))
    assert "grows from 1 to" in phrases(series.night(PART))[0]
    assert size(series) == 1


def test_a_gap_of_some_days_excuses_what_its_records_bring() -> None:
    series = Nights(CONFIG)
    series.night(failing(PART, "x.test"))
    night = series.night(PART, days=13)
    assert not phrases(night)
    assert night.report.has_news


def test_a_gap_excuses_no_growth_of_another_record() -> None:
    series = Nights(CONFIG)
    series.night(failing(PART, "x.test"))
    other = {**PART, **records(p=f"{first(2**20)} include:x.test", x="ip4:45.0.0.0/24")}
    assert "grows from 1 to" in phrases(series.night(other))[0]


def test_a_gap_of_a_host_excuses_what_the_host_brings() -> None:
    hosts = {
        **records(p="ip4:20.0.0.0 a:h.test/16", q=BESIDE),
        ("h.test", "A"): ("45.0.0.1",),
        ("h.test", "AAAA"): (),
    }
    series = Nights(CONFIG)
    series.night(failing(hosts, "h.test"))
    assert not phrases(series.night(hosts))


def test_a_provider_that_gave_no_answer_on_its_first_night_is_taken_on_the_next() -> None:
    whole = world(first(2**20))
    series = after(failing(whole, "p.test"))
    assert not phrases(series.night(whole))
    assert size(series) == 2**20


def test_a_provider_that_gives_no_answer_for_a_month_may_not_pass_just_anything_then() -> None:
    whole = world(first(2**20))
    series = after(*[failing(whole, "p.test")] * 20)
    assert phrases(series.night(whole))[0].startswith("has 1,048,576 IPv4 addresses")


OLD = world("ip4:20.0.0.0/18")
NEW = {**OLD, **records(r="ip4:20.0.0.0/18 include:s.test", s="ip4:45.0.0.0/24")}


def test_a_provider_that_is_defined_anew_keeps_its_networks_while_that_is_not_known() -> None:
    for failed in ("r.test", "s.test"):
        series = after(OLD)
        series.config = edited(CONFIG, "p", domains=("r.test",))
        for _ in range(3):
            night = series.night(failing(NEW, failed))
            assert night.decision("p").networks.texts() == ["20.0.0.0/18"]
            (phrase,) = phrases(night)
            domain = "r.test"
            assert phrase == (
                "its settings changed, and what was listed of it stays until all that they name "
                f"can be read: {domain}: TXT {failed} failed: timed out"
            )
        night = series.night(NEW)
        assert not phrases(night)
        assert night.decision("p").networks == Networks.parse(["20.0.0.0/18", "45.0.0.0/24"])


def test_a_definition_that_is_not_known_in_full_is_taken_if_it_is_accepted() -> None:
    series = after(OLD)
    series.config = edited(CONFIG, "p", domains=("s.test", "lame.test"))
    lame = failing({**NEW, **records(lame="ip4:46.0.0.0/24")}, "lame.test")
    assert phrases(series.night(lame))
    night = series.night(lame, lifted=["p"])
    assert night.decision("p").networks.texts() == ["45.0.0.0/24"]
    assert not phrases(series.night(lame))


def test_a_definition_that_passes_nothing_is_taken_for_what_it_is() -> None:
    series = after(OLD)
    series.config = edited(CONFIG, "p", domains=("gone.test",))
    assert not series.night(OLD).decision("p").networks


def test_one_that_grows_stops_nobody() -> None:
    config = configured({name: [f"{name}.test"] for name in "pqr"})
    whole = records(p="ip4:20.0.0.0/16", q="ip4:21.0.0.0/16 ip6:2a01::/48", r="ip4:22.0.0.0/16")
    series = Nights(config)
    series.night(whole)
    hijacked = {**whole, **records(p="ip4:20.0.0.0/16 ip6:2a00::/28", r="ip4:22.0.0.0/15")}
    for _ in range(3):
        night = series.night(hijacked)
        assert not night.plan.refusals
        assert night.decision("p").status == "held"
        assert night.decision("p").networks.texts() == ["20.0.0.0/16"]
        assert "22.0.0.0/15" in series.texts()


def test_one_within_its_own_limits_that_takes_the_list_beyond_its_own_stops_nobody() -> None:
    config = configured({name: [f"{name}.test"] for name in "pqr"})
    whole = records(p="ip4:20.0.0.0/16", q="ip4:21.0.0.0/16 ip6:2a01::/48", r="ip4:22.0.0.0/16")
    series = Nights(config)
    series.night(whole)
    more = {**whole, **records(p="ip4:20.0.0.0/16 ip6:2a00::/32", r="ip4:22.0.0.0/15")}
    night = series.night(more)
    assert not night.plan.refusals
    (phrase,) = phrases(night)
    assert phrase.startswith("gains 4,294,967,296 IPv6 /64s, and the list grows from 65,536 to ")
    assert phrase.endswith("of safety.total_max_growth")
    assert "22.0.0.0/15" in series.texts()


def test_of_many_records_that_keep_a_new_definition_from_being_known_three_are_named() -> None:
    series = after(OLD)
    names = [f"lame{at}.test" for at in range(5)]
    series.config = edited(CONFIG, "p", domains=tuple(names))
    zone = {**NEW, **{(name, "TXT"): ("v=spf1 ip4:46.0.0.0/24 -all",) for name in names}}
    (phrase,) = phrases(series.night(failing(zone, *names)))
    assert phrase.count("lame") == 2 * 3
    assert phrase.endswith(" and 2 more")
