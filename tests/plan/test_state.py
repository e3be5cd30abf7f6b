"""What is remembered from run to run, as JSON and back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spfwhite.config import settings as keys
from spfwhite.config.values import Exclusions
from spfwhite.dns.answers import Failed, Question
from spfwhite.networks import Networks
from spfwhite.plan.past import Accepted, Change
from spfwhite.plan.state import State, TableState, dump, load, parse, recent, save
from spfwhite.sources.memory import Remembered
from spfwhite.wording import DAY
from tests.support.generated import zones
from tests.support.nights import START, Nights, configured, edited, failing, records, run
from tests.support.oracle import Zone
from tests.support.zones import domains

CONFIG = configured({"p": ["p.test"], "q": ["q.test"]})
WORLD = records(p="ip4:20.0.0.0/16 ip6:2a00::/32", q="ip4:21.0.0.0/16")


@settings(max_examples=40)
@given(zone=zones(undecidable=True), lost=st.integers(0, 255), nights=st.integers(1, 3))
def test_every_state_that_runs_leave_comes_back_as_it_was(
    zone: Zone, lost: int, nights: int
) -> None:
    names = domains(zone)
    config = configured({name[0]: [name] for name in names}, safety={"special_use": "keep"})
    state = State()
    for day in range(nights):
        world = failing(zone, *(n for i, n in enumerate(names) if lost >> i & 1)) if day else zone
        state = run(config, world, state, START + day * DAY, lifted=["a"]).state
    assert parse(dump(state)) == state
    assert dump(parse(dump(state))) == dump(state)


def test_a_state_with_everything_in_it_comes_back_as_it_was(tmp_path: Path) -> None:
    state = everything()
    held = [entry for entry in state.accepted.values() if entry.held is not None]
    rotating = [known for known in state.known.values() if len(known.values) > 1]
    assert held
    assert rotating
    assert state.journal
    save(place(tmp_path), state)
    assert load(place(tmp_path)) == state


def place(folder: Path) -> keys.State:
    """Where the state is, by the settings."""
    return CONFIG.state._replace(path=folder / "state.json")


def everything() -> State:
    """A state with voids, rotating values, a held provider, tables and a journal."""
    series = Nights(CONFIG)
    hosts = {
        ("p.test", "A"): ("20.0.0.1",),
        ("p.test", "AAAA"): (),
        ("q.test", "MX"): ("5 m.test",),
    }
    zone = {**records(p="a ip4:20.1.0.0/16 ip6:2a00::/32", q="mx ip4:21.0.0.0/16"), **hosts}
    series.night(zone)
    series.night({**zone, ("p.test", "A"): ("20.0.0.2",)})
    series.night({**zone, **records(q="ip4:50.0.0.0/24")})
    tables = {"/etc/postfix/allow.cidr": TableState("digest", "other")}
    return series.state._replace(tables=tables)


def test_there_may_be_no_state(tmp_path: Path) -> None:
    assert load(place(tmp_path)) is None


def test_the_same_state_is_the_same_bytes_whatever_came_first() -> None:
    state = everything()
    other = state._replace(
        known={key: state.known[key] for key in sorted(state.known, reverse=True)}
    )
    assert dump(other) == dump(state)


def test_a_state_says_what_it_is_and_of_which_version() -> None:
    data = json.loads(dump(State()))
    assert (data["format"], data["version"]) == ("spfwhite-state", 2)


def test_of_a_question_that_was_never_answered_is_remembered_since_when_it_fails() -> None:
    series = Nights(CONFIG)
    zone = {**WORLD, **failing(records(p="ip4:20.0.0.0/16"), "p.test")}
    first = Remembered(Failed("timed out"), START + DAY)
    for _ in range(3):
        series.night(zone)
        assert series.state.known[Question("p.test", "TXT")] == first


def test_it_is_remembered_of_a_provider_that_it_has_passed_nothing_yet() -> None:
    series = Nights(CONFIG)
    series.night(records(q="ip4:21.0.0.0/16"))
    assert series.state.accepted.keys() == {"p", "q"}
    assert not series.state.accepted["p"].networks


def test_a_removed_provider_is_forgotten_with_its_answers() -> None:
    series = Nights(CONFIG)
    series.night(WORLD)
    series.config = configured({"q": ["q.test"]})
    series.night(WORLD)
    assert series.state.accepted.keys() == {"q"}
    assert series.state.known.keys() == {Question("q.test", "TXT")}


def test_the_journal_names_what_came_and_went_and_whose() -> None:
    series = Nights(CONFIG)
    series.night(WORLD)
    assert not series.state.journal, "the first run: everything is new"
    series.night({**WORLD, **records(p="ip4:20.0.0.0/17 ip4:22.0.0.0/24 ip6:2a00::/32")})
    series.night(WORLD | records(p="ip4:20.0.0.0/17 ip4:22.0.0.0/24 ip6:2a00::/32"))
    change = Change(
        series.now - DAY, "p", Networks.parse(["22.0.0.0/24"]), Networks.parse(["20.0.128.0/17"])
    )
    assert series.state.journal == (change,)


def test_the_journal_names_what_went_with_a_removed_provider() -> None:
    series = Nights(CONFIG)
    series.night(WORLD)
    series.config = configured({"q": ["q.test"]})
    series.night(WORLD)
    gone = Networks.parse(["20.0.0.0/16", "2a00::/32"])
    assert series.state.journal == (Change(series.now, "p", Networks(), gone),)


def test_the_journal_names_what_an_edited_provider_lost() -> None:
    series = Nights(CONFIG)
    series.night(WORLD)
    series.config = edited(CONFIG, "p", domains=("r.test",))
    series.night({**WORLD, **records(r="ip4:20.0.0.0/17")})
    (change,) = series.state.journal
    assert change.removed == Networks.parse(["20.0.128.0/17", "2a00::/32"])
    assert not change.added


def test_the_journal_keeps_30_days() -> None:
    series = Nights(CONFIG)
    for day in range(40):
        grown = records(p=f"ip4:20.0.0.0/16 ip4:22.0.{day}.0/24 ip6:2a00::/32")
        series.night({**WORLD, **grown})
    assert len(series.state.journal) == 31, "today and 30 days back"
    assert min(change.when for change in series.state.journal) == series.now - 30 * DAY


def test_a_clock_set_back_forgets_nothing_of_the_journal() -> None:
    change = Change(START, "p", Networks(), Networks())
    assert recent((change,), START - 1000 * DAY) == (change,)
    assert recent((change,), START + 30 * DAY) == (change,)
    assert recent((change,), START + 30 * DAY + 1) == ()


def remembering(*networks: str, term: str = "ip4:20.0.0.0/16") -> State:
    """The state after one good night, in which p's networks come from one term."""
    series = Nights(CONFIG)
    series.night(WORLD)
    entry = series.state.accepted["p"]
    origin = entry.origins[0]._replace(term=term, networks=Networks.parse(networks))
    return series.state._replace(accepted={"p": entry._replace(origins=(origin,))})


@pytest.mark.parametrize("wide", ["0.0.0.0/0", "64.0.0.0/11", "::/0", "2a00::/27"])
def test_networks_of_the_state_that_are_too_wide_are_not_listed(wide: str) -> None:
    state = parse(dump(remembering("20.0.0.0/16", wide, term="+all")))
    night = run(CONFIG, failing(WORLD), state._replace(known={}), START)
    assert night.decision("p").networks - Networks.parse(["20.0.0.0/16"]) == Networks()


@pytest.mark.parametrize("special", ["10.0.0.0/16", "127.0.0.0/12", "fe80::/28", "2002::/28"])
def test_networks_of_the_state_for_special_use_are_not_listed(special: str) -> None:
    state = parse(dump(remembering("20.0.0.0/16", special)))
    night = run(CONFIG, failing(WORLD), state._replace(known={}), START)
    assert night.decision("p").networks.texts() == ["20.0.0.0/16"]


def test_networks_of_the_state_that_are_excluded_now_are_not_listed() -> None:
    exclude = {"exclude": Exclusions(Networks.parse(["20.0.0.0/17"]))}
    config = configured({"p": ["p.test"], "q": ["q.test"]}, safety=exclude)
    night = run(config, failing(WORLD), remembering("20.0.0.0/16")._replace(known={}), START)
    assert night.decision("p").networks.texts() == ["20.0.128.0/17"]


def test_networks_of_one_term_that_touch_are_as_wide_as_the_term() -> None:
    config = configured({"p": ["p.test"], "q": ["q.test"]}, safety={"widest_ipv4": 24})
    hosts = {("p.test", "A"): ("20.0.0.1", "20.0.1.1")}
    zone = {**records(p="a/24", q="ip4:21.0.0.0/24"), **hosts}
    series = Nights(config)
    series.night(zone)
    before = series.table
    assert before.texts() == ["20.0.0.0/23", "21.0.0.0/24"]
    series.night({key: value for key, value in zone.items() if key[0] == "q.test"})
    assert series.table == before


def test_an_entry_of_another_definition_is_not_used() -> None:
    entry = remembering("20.0.0.0/16").accepted["p"]
    old = Accepted(digest="0" * 64, since=START, origins=entry.origins, partial=False)
    other = State(written=START, accepted={"p": old})
    gone = records(q="ip4:21.0.0.0/16")
    assert not run(CONFIG, gone, other, START + DAY).decision("p").networks


def test_what_was_let_go_comes_back_as_it_was() -> None:
    lapsed = Networks.parse(["20.0.0.0/24", "2a00::/48"])
    entry = Accepted("0", START, (), partial=False, lapsed=lapsed, static=lapsed)
    state = State(written=START, accepted={"p": entry})
    assert parse(dump(state)) == state


def test_a_state_from_before_providers_could_lapse_is_read() -> None:
    entry = {"digest": "0", "since": 5.0, "held": None, "lost": "", "partial": False, "terms": [0]}
    old = {
        "format": "spfwhite-state",
        "version": 2,
        "written": 9.0,
        "asked": 9.0,
        "known": {"p.test TXT": {"found": ["v=spf1 ip4:20.0.0.0/24 -all"], "seen": 9.0}},
        "terms": [["p.test", "ip4:20.0.0.0/24", ["20.0.0.0/24"]]],
        "accepted": {"p": entry},
        "tables": {"/t.cidr": {"written": "a", "loaded": "a"}},
        "journal": [{"when": 9.0, "provider": "p", "added": ["20.0.0.0/25"], "removed": []}],
    }
    accepted = parse(json.dumps(old).encode()).accepted["p"]
    assert (accepted.networks.texts(), accepted.lapsed) == (["20.0.0.0/24"], Networks())
