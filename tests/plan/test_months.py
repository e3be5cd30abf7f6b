"""Twenty providers through 25 generated worlds in which they, and parts of them, fail in turn."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import pytest

from spfwhite.networks import Networks
from spfwhite.report.text import summary
from tests.support.nights import Night, Nights, configured, records
from tests.support.oracle import TEMPFAIL, Zone

pytestmark = pytest.mark.slow

COUNT = 20
WORLDS = 25
PARTS = 4
KINDS = ("NXDOMAIN", "SERVFAIL", "emptied", "wrong")
CONFIG = configured({f"p{i}": [f"p{i}.test"] for i in range(COUNT)})
SEEDS = pytest.mark.parametrize("seed", range(2))


@dataclass(frozen=True)
class Trouble:
    """What is wrong in one world: one name of one provider, its root or one of its parts."""

    provider: int
    part: int | None
    kind: str

    @property
    def name(self) -> str:
        part = "" if self.part is None else f"s{self.part}."
        return f"{part}p{self.provider}.test"

    @property
    def networks(self) -> Networks:
        """What the name passes when all is well."""
        parts = range(PARTS) if self.part is None else [self.part]
        return Networks.parse(text for part in parts for text in texts(self.provider, part))

    def done_to(self, zone: dict[tuple[str, str], tuple[str, ...] | str]) -> None:
        """Make the trouble in a world."""
        key = self.name, "TXT"
        match self.kind:
            case "NXDOMAIN":
                del zone[key]
            case "SERVFAIL":
                zone[key] = TEMPFAIL
            case "emptied":
                zone[key] = ("v=spf1 -all",)
            case "wrong":
                zone[key] = (f"v=spf1 ip4:90.{self.provider}.0.0/20 ip6:2c00::/48 -all",)


def texts(provider: int, part: int) -> list[str]:
    return [f"20.{provider}.{part * 16}.0/20", f"2a00:{provider}:{part}::/48"]


def whole(provider: int) -> Networks:
    return Networks.parse(text for part in range(PARTS) for text in texts(provider, part))


def healthy() -> dict[tuple[str, str], tuple[str, ...] | str]:
    """Twenty providers, each with its parts in records of their own."""
    made = {}
    for i in range(COUNT):
        made[f"p{i}"] = " ".join(f"include:s{j}.p{i}.test" for j in range(PARTS))
        for j in range(PARTS):
            made[f"s{j}.p{i}"] = "ip4:{} ip6:{}".format(*texts(i, j))
    return records(**made)


def worlds(seed: int, *, whole_ones: bool = True) -> Iterator[tuple[list[Trouble], Zone]]:
    """The worlds of a seed; no provider has trouble in two of them one after the other."""
    chance = random.Random(seed)
    spared: set[int] = set()
    for _ in range(WORLDS):
        free = [i for i in range(COUNT) if i not in spared]
        chosen = chance.sample(free, chance.randint(1, 5))
        parts = [*range(PARTS), *([None] * PARTS if whole_ones else [])]
        troubles = [Trouble(i, chance.choice(parts), chance.choice(KINDS)) for i in chosen]
        zone = healthy()
        for trouble in troubles:
            trouble.done_to(zone)
        spared = set(chosen)
        yield troubles, zone


@SEEDS
@pytest.mark.parametrize("days", [1, 30])
def test_the_list_never_shrinks_by_a_provider(seed: int, days: int) -> None:
    series = Nights(CONFIG)
    series.night(healthy())
    for troubles, zone in worlds(seed):
        night = series.night(zone, days=days)
        assert not night.plan.refusals
        for i in range(COUNT):
            kept = series.table & whole(i)
            for version in (4, 6):
                assert kept.size(version) * 2 >= whole(i).size(version), (i, troubles)
        for trouble in troubles:
            if trouble.part is None:
                assert trouble.networks - series.table == Networks(), trouble


@SEEDS
def test_nothing_is_lost_that_fails_for_a_night(seed: int) -> None:
    series = Nights(CONFIG)
    series.night(healthy())
    for troubles, zone in worlds(seed):
        series.night(zone)
        for trouble in troubles:
            if trouble.kind == "SERVFAIL":
                assert trouble.networks - series.table == Networks(), trouble


@SEEDS
@pytest.mark.parametrize("days", [1, 30])
def test_all_is_as_it_was_when_the_troubles_are_over(seed: int, days: int) -> None:
    series = Nights(CONFIG)
    series.night(healthy())
    table = series.table
    for _, zone in worlds(seed):
        series.night(zone, days=days)
    night = series.night(healthy(), days=days)
    assert series.table == table
    assert {decision.status for decision in night.plan.decisions} == {"ok"}


@SEEDS
@pytest.mark.parametrize("days", [1, 30])
def test_each_trouble_is_named_in_the_report_of_its_night(seed: int, days: int) -> None:
    series = Nights(CONFIG)
    series.night(healthy())
    for troubles, zone in worlds(seed):
        night = series.night(zone, days=days)
        for trouble in troubles:
            assert is_named(night, trouble), trouble
        named = {f"p{trouble.provider}" for trouble in troubles}
        recovering = {each.name for each in night.report.providers.values() if each.added}
        loud = {
            each.name
            for each in night.report.providers.values()
            if each.status != "ok" or each.removed
        }
        assert loud <= named | recovering, "and nobody else is"


def is_named(night: Night, trouble: Trouble) -> bool:
    """Whether the report tells of a trouble, as values and as text."""
    report = night.reported(f"p{trouble.provider}")
    lines = [line for line in summary(night.report, verbose=True) if trouble.name in line]
    told = [problem for problem in report.problems if trouble.name in problem.detail]
    if trouble.part is None and report.stale is None:
        return report.degraded and report.status == "held" and len(report.holds) >= 2
    if trouble.kind == "SERVFAIL":
        if report.stale:
            return report.status == "stale" and report.stale[1].reason == "timed out"
        return report.degraded and report.status == "incomplete" and bool(told) and bool(lines)
    if trouble.kind == "NXDOMAIN":
        return bool(told) and bool(lines)
    return report.removed == trouble.networks  # as far as DNS can tell, it is meant so


@SEEDS
def test_what_a_wrong_record_of_a_part_brings_goes_with_it(seed: int) -> None:
    series = Nights(CONFIG)
    series.night(healthy())
    foreign = Networks.parse(["90.0.0.0/8", "2c00::/16"])
    for troubles, zone in worlds(seed, whole_ones=False):
        series.night(zone)
        wrong = any(trouble.kind == "wrong" for trouble in troubles)
        assert bool(series.table & foreign) == wrong


@pytest.mark.parametrize("seed", range(60))
def test_in_60_worlds_of_13_nights_nobody_is_held_who_has_no_trouble(seed: int) -> None:
    series = Nights(CONFIG)
    series.night(healthy())
    for troubles, zone in islice(worlds(seed), 13):
        night = series.night(zone)
        assert not night.plan.refusals
        assert held(night) <= {f"p{trouble.provider}" for trouble in troubles}
        for i in range(COUNT):
            for version in (4, 6):
                kept = (series.table & whole(i)).size(version)
                assert kept * 2 >= whole(i).size(version), (i, troubles)


@pytest.mark.parametrize("seed", range(2))
def test_in_a_year_of_ordinary_change_nobody_is_held_and_nothing_is_news(seed: int) -> None:
    chance = random.Random(seed)
    has = {i: set(chance.sample(range(256), chance.choice([6, 8, 16]))) for i in range(5)}
    series = Nights(configured({f"p{i}": [f"p{i}.test"] for i in has}))
    changes = 0
    for _ in range(365):
        for blocks in has.values():
            if chance.random() < 0.02:
                is_full = chance.random() < 0.5 and len(blocks) > 5
                blocks ^= {chance.choice(sorted(blocks)) if is_full else chance.randrange(256)}
                changes += 1
        night = series.night(records(**{f"p{i}": terms(i, has[i]) for i in has}))
        assert not night.plan.refusals
        assert not held(night)
        assert not night.report.has_news
    assert changes > 20


def terms(provider: int, blocks: set[int]) -> str:
    v4 = " ".join(f"ip4:{20 + provider}.0.{block}.0/24" for block in sorted(blocks))
    v6 = " ".join(f"ip6:2a00:{provider}:{block}::/48" for block in sorted(blocks))
    return f"{v4} {v6}"


def held(night: Night) -> set[str]:
    return {each.provider.name for each in night.plan.decisions if each.holds}
