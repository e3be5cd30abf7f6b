"""What others send has a size: each limit that is met is said, and holds its provider alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from spfwhite.config import loading
from spfwhite.config.settings import Config
from spfwhite.dns.answers import Answer, Answers, Found, Question, snapshot_from_json
from spfwhite.errors import FileError, StateError
from spfwhite.plan.decided import decide_run
from spfwhite.plan.last_run import last_run
from spfwhite.plan.plan import Plan
from spfwhite.plan.state import State, dump, load, save
from spfwhite.report import notices
from spfwhite.report.news import News
from spfwhite.sources.memory import Heard
from spfwhite.spf.reach import Limits, Reach
from spfwhite.tables import write
from tests.support.cli import world_providers
from tests.support.nights import START, Nights, configured, edited, records
from tests.support.oracle import Zone
from tests.support.zones import Snapshot, world

BESIDE = records(q="ip4:21.0.0.0/24")
SMALL = records(p="ip4:20.0.0.0/24")


def settings(**tables: dict[str, int]) -> Config:
    return configured({"p": ["p.test"], "q": ["q.test"]}, **tables)


H = Question("h.test", "A")


def values(count: int, first: int = 0) -> tuple[str, ...]:
    """So many addresses, no two of them beside each other."""
    return tuple(f"20.{n >> 7}.{n & 127}.1" for n in range(first, first + count))


def hosts(count: int, first: int = 0) -> Zone:
    """A host with so many addresses."""
    return {**records(p="a:h.test"), H: values(count, first), ("h.test", "AAAA"): ()}


def texts(octets: int) -> Zone:
    """A record beside another text, together of so many octets."""
    record = "v=spf1 ip4:20.0.0.0/16 -all"
    return {("p.test", "TXT"): (record, "x" * (octets - len(record)))}


OCTETS = settings(spf={"max_octets": 1000})
VALUES = settings(safety={"max_values": 20})
RULES = settings(safety={"provider_max_rules": 20})

MANY_OCTETS = "p.test: its answers have more than 1,000 octets (spf.max_octets)"
MANY_VALUES = "h.test: its A answer has more than 20 values (safety.max_values)"

WITHIN = {
    "octets": (OCTETS, texts(1000)),
    "values": (VALUES, hosts(20)),
    "rules": (RULES, hosts(20)),
}
BEYOND = {
    "octets": (OCTETS, texts(1001), MANY_OCTETS),
    "octets of addresses": (OCTETS, hosts(200), MANY_OCTETS),
    "values": (VALUES, hosts(21), MANY_VALUES),
    "many values": (VALUES, hosts(900), MANY_VALUES),
    "rules": (RULES, hosts(21), "adds 21 rules, over the 20 of safety.provider_max_rules"),
}


@pytest.mark.parametrize(("config", "zone"), WITHIN.values(), ids=WITHIN.keys())
def test_what_is_just_within_a_limit_is_taken(config: Config, zone: Zone) -> None:
    assert Nights(config).night({**BESIDE, **zone}).decision("p").status == "ok"


@pytest.mark.parametrize(("config", "zone", "words"), BEYOND.values(), ids=BEYOND.keys())
def test_whoever_is_new_and_beyond_a_limit_is_left_out_and_the_others_are_listed(
    config: Config, zone: Zone, words: str
) -> None:
    series = Nights(config)
    night = series.night({**BESIDE, **zone})
    assert night.decision("p").status == "held"
    assert series.texts() == ["21.0.0.0/24"]
    assert sum(words in hold for hold in night.reported("p").holds) == 1


@pytest.mark.parametrize(("config", "zone", "words"), BEYOND.values(), ids=BEYOND.keys())
def test_whoever_goes_beyond_a_limit_keeps_what_was_accepted(
    config: Config, zone: Zone, words: str
) -> None:
    series = Nights(config)
    series.night({**BESIDE, **SMALL})
    for days in (1, 40):
        night = series.night({**BESIDE, **zone}, days=days)
        assert series.texts() == ["20.0.0.0/24", "21.0.0.0/24"]
        assert any(words in hold for hold in night.reported("p").holds)


@pytest.mark.parametrize(("config", "zone", "words"), BEYOND.values(), ids=BEYOND.keys())
def test_the_state_tells_the_same_as_the_run(config: Config, zone: Zone, words: str) -> None:
    series = Nights(config)
    series.night({**BESIDE, **zone})
    (shown,) = [
        decision
        for decision in last_run(config, series.state, series.now).plan.decisions
        if decision.provider.name == "p"
    ]
    assert any(words in hold.phrase for hold in shown.holds)


def test_accept_takes_a_provider_of_many_rules_and_the_next_night_leaves_it() -> None:
    series = Nights(RULES)
    series.night({**BESIDE, **hosts(30)}, lifted=["p"])
    assert series.night({**BESIDE, **hosts(30)}).decision("p").status == "ok"
    assert series.night({**BESIDE, **hosts(25)}, days=8).decision("p").status == "ok"
    assert len(series.texts()) == 25 + 1


def test_values_that_rotate_add_up_to_the_limit_and_not_beyond() -> None:
    series = Nights(VALUES)
    for night in range(3):
        made = series.night({**BESIDE, **hosts(10, first=10 * night)})
        assert made.decision("p").status == ("ok" if night < 2 else "held")
    for night in range(3, 6):
        series.night({**BESIDE, **hosts(10, first=10 * night)})
    kept = series.state.known[H].values.keys()
    assert len(kept) == 21, "the limit, and one"
    assert kept > set(values(20, first=40)), "the newest ones"
    assert len(series.texts()) == 20 + 1
    series.night({**BESIDE, **hosts(10)}, days=8)
    assert series.night({**BESIDE, **hosts(10)}).decision("p").status == "ok"


def test_what_was_cut_is_not_whole_once_more_is_allowed_and_nobody_is_asked() -> None:
    series = Nights(VALUES)
    series.night({**BESIDE, **hosts(900)})
    known = series.state.known[H]
    assert len({*known.values, *getattr(known.answer, "values", ())}) == 21
    heard = Heard(answers={}, whole=False)
    raised = settings(safety={"max_values": 1000})
    plan = decide_run(raised, series.state, heard, series.now).plan
    assert [made.status for made in plan.decisions] == ["held", "ok"]


def test_the_state_keeps_no_text_but_what_looks_like_an_spf_record() -> None:
    kept = ("V=SPF1 ip4:20.0.0.0/24", "v=spf10 ?all", "v=spf ip4:20.0.0.0/24", ' "v=spf1 -all"')
    zone: Zone = {
        **BESIDE,
        ("p.test", "TXT"): ("x" * 999, "google-site-verification=v=spf1", *kept),
        ("q.test", "TXT"): ("y" * 500,),
    }
    series = Nights(settings())
    night = series.night(zone, force=True)
    known = series.state.known
    assert known[Question("p.test", "TXT")].answer == Found(kept, 999 + 31)
    assert night.decision("p").passed.texts() == ["20.0.0.0/24"]
    assert known[Question("q.test", "TXT")].answer == Found(("",), 500)
    assert night.decision("q").candidate.problems[0].detail == "q.test has no SPF record"


PAGE = Question("https://p.test/list", "PAGE")


def with_page(config: Config, count: int, left_out: int = 0) -> Plan:
    """What is decided of a page of so many networks, of which more may have been left out."""
    config = edited(config, "p", domains=(), pages=(PAGE.name,))
    answers: dict[Question, Answer] = {
        PAGE: Found(tuple(f"20.0.{n}.0/30" for n in range(count)), left_out),
        Question("q.test", "TXT"): Found(("v=spf1 ip4:21.0.0.0/24",)),
    }
    return decide_run(config, State(), Heard(answers=answers, whole=True), START).plan


def test_a_page_of_too_many_networks_is_left_out_and_the_others_are_listed() -> None:
    assert [made.status for made in with_page(RULES, 20).decisions] == ["ok", "ok"]
    plan = with_page(RULES, 21)
    assert [made.status for made in plan.decisions] == ["held", "ok"]
    assert plan.permitted.texts() == ["21.0.0.0/24"]
    assert plan.decisions[0].holds[0].phrase == (
        "a part of it is not known: https://p.test/list: the page has more than 20 values "
        "(safety.provider_max_rules)"
    )


def test_a_page_that_was_cut_is_not_whole_once_more_is_allowed() -> None:
    assert with_page(RULES, 20, left_out=1).decisions[0].status == "held"


def test_a_long_table_is_told_with_what_it_costs() -> None:
    config = settings(safety={"total_rules_notice": 20})
    series = Nights(config)
    for count, told in ((19, []), (20, ["the table has 21 rules, over the 20 of "])):
        plan = series.night({**BESIDE, **hosts(count)}).plan
        ready = write.prepared(config, plan, Path("-"), "postscreen", START, force=False)
        made = list(
            notices.long_tables(ready, config.safety.total_rules_notice, News({}, START, 7))
        )
        assert [notice[: len(told[0])] for notice in made] == told
    assert made[0].endswith("each connection costs Postfix about 0.0 ms")


def test_a_state_that_is_too_large_is_neither_read_nor_written(tmp_path: Path) -> None:
    place = settings().state._replace(path=tmp_path / "state.json", max_mib=1)
    question = Question("p.test", "TXT")
    series = Nights(settings())
    series.night({**BESIDE, **SMALL})
    save(place, series.state)
    assert load(place) == series.state
    known = series.state.known[question]._replace(answer=Found(("v=spf1 " + "x" * 2**20,)))
    with pytest.raises(FileError, match=r"would have 2 MiB, over the 1 of state\.max_mib"):
        save(place, series.state._replace(known={question: known}))
    assert load(place) == series.state
    place.path.write_bytes(place.path.read_bytes().ljust(2**20 + 1))
    with pytest.raises(StateError, match=r"has 2 MiB, over the 1 of state\.max_mib"):
        load(place)


def test_the_limits_of_programs_are_those_of_the_configuration() -> None:
    assert loading.load(system=Path("/nonexistent")).limits() == Limits(lookups=500, depth=20)


SAMPLE = Path(__file__).parents[2] / "contrib" / "sample"


def sample() -> tuple[Config, Answers]:
    """The providers and the recorded answers of contrib/sample."""
    snapshot = snapshot_from_json(json.loads((SAMPLE / "snapshot.json").read_bytes()))
    return loading.load(SAMPLE / "providers.toml"), snapshot


def whole_world() -> tuple[Config, Answers]:
    """Each domain of the frozen world as a provider, and all answers of its zone."""
    providers = {name: [name] for domains in world_providers().values() for name in domains}
    snapshot = Snapshot(world())
    config = configured(providers, safety={"special_use": "keep"})
    reaches = [Reach(snapshot, config.limits()) for _ in providers]
    for reach, name in zip(reaches, providers, strict=True):
        reach.start(name)
    return config, {question: snapshot[question] for reach in reaches for question in reach.depth}


@pytest.mark.parametrize("real", [sample, whole_world])
def test_no_real_sender_comes_within_a_factor_of_four_of_a_limit(
    real: Callable[[], tuple[Config, Answers]],
) -> None:
    config, answers = real()
    spf, safety = config.spf, config.safety
    quarter = config._replace(
        spf=spf._replace(max_octets=spf.max_octets // 4),
        safety=safety._replace(
            max_values=safety.max_values // 4,
            provider_max_rules=safety.provider_max_rules // 4,
            total_rules_notice=safety.total_rules_notice // 4,
        ),
        state=config.state._replace(max_mib=config.state.max_mib // 4),
    )
    heard = Heard(answers=answers, whole=True)
    decided = decide_run(quarter, State(), heard, START)
    met = {made.provider.name for made in decided.plan.decisions if made.holds}
    limits_as_they_are = decide_run(config, State(), heard, START).plan.decisions
    assert met == {made.provider.name for made in limits_as_they_are if made.holds}
    assert len(decided.plan.decisions) > 40
    ready = write.prepared(quarter, decided.plan, Path("-"), "postscreen", START, force=False)
    assert (
        list(notices.long_tables(ready, quarter.safety.total_rules_notice, News({}, START, 7)))
        == []
    )
    assert len(dump(write.next_state(ready, decided))) < quarter.state.max_mib << 20
