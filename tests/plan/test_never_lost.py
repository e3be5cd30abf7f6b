"""Over any history of worlds: failures lose nothing, and nothing is listed from nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from spfwhite.config.settings import Config
from spfwhite.dns.answers import Answer, Failed, Found, Question
from spfwhite.networks import Networks
from spfwhite.sources.memory import Known
from spfwhite.wording import DAY
from tests.support.generated import NAMES, boundaries
from tests.support.generated_histories import histories
from tests.support.nights import Night, Nights, configured, edited, failing, records
from tests.support.oracle import TEMPFAIL, Zone, list_mode_passes
from tests.support.oracle_parse import Address

pytestmark = pytest.mark.slow

_Key = tuple[str, str]


OWN = Networks.parse(["20.0.0.0/24"])


def config_of(*, strict: bool) -> Config:
    """A provider for each name of the generated zones and one for all of them; nothing too wide.

    One more has a network of its own, so that no night is refused for an empty list.
    """
    providers = {name.replace(".", "-"): [name] for name in NAMES} | {"every": NAMES, "own": []}
    # the addresses of generated zones are those for documentation, and a night that is refused
    # leaves nothing to look at
    safety: dict[str, object] = {"special_use": "keep", "widest_ipv4": 0, "widest_ipv6": 0}
    safety |= {"total_max_loss": 100, "total_max_growth": 1_000_000}
    config = configured(providers, safety=safety, spf={"strict": strict})
    return edited(config, "own", networks=OWN)


LIST_MODE, STRICT = config_of(strict=False), config_of(strict=True)
MODES = pytest.mark.parametrize("config", [LIST_MODE, STRICT], ids=["list", "strict"])


def lived(config: Config, worlds: tuple[Zone, ...]) -> tuple[Nights, list[Night]]:
    """The series of these worlds, a night each."""
    series = Nights(config)
    return series, [series.night(world) for world in worlds]


class AsBefore(dict[_Key, Any]):
    """A zone that answers what is remembered; what is not remembered fails."""

    def __init__(self, known: Known) -> None:
        super().__init__({question: values(each.answer) for question, each in known.items()})

    def get(self, key: _Key, default: Any = None) -> Any:
        return super().get(key, TEMPFAIL)


def values(answer: Answer) -> tuple[str, ...] | str | None:
    """An answer as zones of the oracle have it; None for a name that does not exist."""
    if isinstance(answer, Found):
        return answer.values
    if isinstance(answer, Failed):
        return TEMPFAIL
    return () if answer.reason == "NODATA" else None


def zone_of(answers: Mapping[Question, Answer]) -> Zone:
    """The answers of a night as a zone of the oracle."""
    pairs = ((_key(question), values(answer)) for question, answer in answers.items())
    return {key: found for key, found in pairs if found is not None}


def _key(question: Question) -> _Key:
    return question.name, question.rrtype


@MODES
@settings(max_examples=40)
@given(worlds=histories(), data=st.data())
def test_if_all_that_succeeds_answers_as_before_the_table_is_unchanged(
    config: Config, worlds: tuple[Zone, ...], data: st.DataObject
) -> None:
    series, nights = lived(config, worlds)
    before, table = series.state, series.table
    # who is held until all of it is answered may change as soon as it is
    holds = (hold for made in nights[-1].plan.decisions for hold in made.holds)
    assume(not any(hold.phrase.startswith("was held") for hold in holds))
    # providers overlap, so the table alone would hide what one of them loses
    contributed = {name: e.networks for name, e in before.accepted.items() if e.networks}
    known = sorted(before.known)
    for lost in ([], known, data.draw(st.lists(st.sampled_from(known)) if known else st.just([]))):
        series.state = before
        zone = AsBefore(before.known)
        zone.update({question: TEMPFAIL for question in lost})
        night = series.night(zone, days=1 / 24)
        assert series.table == table
        passed = {each.provider.name: each.passed for each in night.plan.decisions}
        assert {name: networks for name, networks in passed.items() if networks} == contributed


@MODES
@settings(max_examples=40)
@given(worlds=histories(), days=st.floats(0, 60) | st.floats(10, 15), one=st.integers(0, 99))
def test_a_provider_all_of_whose_questions_fail_keeps_its_networks(
    config: Config, worlds: tuple[Zone, ...], days: float, one: int
) -> None:
    series, nights = lived(config, worlds)
    before = series.state
    night = series.night(AsBefore({}), days=days)
    for name, entry in before.accepted.items():
        assert night.decision(name).passed == entry.networks, name
    for name in sorted(before.accepted)[one % len(NAMES) :][:1]:
        series.state = before
        asked = {q for night in nights for q in night.decision(name).candidate.questions}
        night = series.night({**worlds[0], **dict.fromkeys(asked, TEMPFAIL)}, days=0)
        assert night.decision(name).passed == before.accepted[name].networks, name


def test_a_provider_whose_answers_grow_too_old_one_by_one_keeps_its_networks() -> None:
    series = Nights(configured({"p": ["p.test"], "q": ["q.test"]}))
    zone = records(p="include:s.test ip4:20.0.0.0/20", s="ip4:20.1.0.0/21", q="ip4:21.0.0.0/16")
    series.night(zone)
    series.night(failing(zone, "s.test"), days=3)
    table = series.table
    for _ in range(20):  # s.test is too old to be used three days before p.test
        series.night(failing(zone))
        assert series.table == table


@settings(max_examples=40)
@given(worlds=histories())
def test_nothing_is_listed_that_no_accepted_answer_passed(worlds: tuple[Zone, ...]) -> None:
    series = Nights(LIST_MODE)
    accepted: list[tuple[Zone, str]] = []
    edges: set[Address] = set()
    for world in worlds:
        night = series.night(world)
        used = zone_of(night.answers)
        edges |= set(boundaries(world)) | set(boundaries(used))
        if not night.plan.refusals:
            accepted += [(used, domain) for domain in taken(night)]
        for version, family in ((4, IPv4Address), (6, IPv6Address)):
            edges |= {family(end) for ends in series.table.ranges(version) for end in ends}
        for address in edges:
            if address in series.table - OWN:
                assert any(list_mode_passes(zone, name, address) for zone, name in accepted)


def taken(night: Night) -> list[str]:
    """The domains of the providers that are not held."""
    free = [each.provider for each in night.plan.decisions if each.status != "held"]
    return [domain for provider in free for domain in provider.domains]


@settings(max_examples=40)
@given(worlds=histories())
def test_no_answer_is_used_that_never_came(worlds: tuple[Zone, ...]) -> None:
    series = Nights(LIST_MODE)
    came: dict[Question, set[str]] = {}
    for world in worlds:
        night = series.night(world)
        for question, answer in night.answers.items():
            now = world.get((question.name, question.rrtype), ())
            came.setdefault(question, set()).update(() if isinstance(now, str) else now)
            if isinstance(answer, Found):
                assert set(answer.values) <= came[question]
            if isinstance(answer, Failed):
                assert now == TEMPFAIL


@pytest.mark.parametrize("strict", [False, True])
def test_failures_of_every_single_question_change_nothing(strict: bool) -> None:  # noqa: FBT001
    config = configured({"p": ["p.test"], "q": ["q.test"]}, spf={"strict": strict})
    zone = {
        **records(p="-include:d.test include:s.test a mx", d="ip4:20.1.1.0/24"),
        **records(s="ip4:20.1.0.0/22 ip6:2a00:1::/48 a:h.test"),
        ("q.test", "TXT"): ("v=spf1 ip4:21.0.0.0/24 redirect=s.test",),
        ("p.test", "A"): ("20.2.0.1",),
        ("p.test", "AAAA"): ("2a00:2::1",),
        ("p.test", "MX"): ("10 h.test", "20 p.test"),
        ("h.test", "A"): ("20.3.0.1", "20.3.0.2"),
        ("h.test", "AAAA"): (),
    }
    series = Nights(config)
    series.night(zone)
    before, table = series.state, series.table
    assert len(before.known) == 9
    for question in before.known:
        series.state = before
        night = series.night({**zone, question: TEMPFAIL}, days=13)
        assert series.table == table, question
        assert any(each.stale for each in night.report.providers.values()), question
        series.now -= 13 * DAY
