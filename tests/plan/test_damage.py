"""Nights of random damage to a world that never changes: what goes is held or said."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from spfwhite.networks import EMPTY
from tests.support.nights import Nights, configured, failing

Made = dict[tuple[str, str], tuple[str, ...] | str]
At = tuple[str, str]

CONFIG = configured({f"p{i}": [f"p{i}.test"] for i in range(6)})


def world() -> Made:
    """Six providers with every kind of term and ending."""
    zone: Made = {}
    for i in range(6):
        p = f"p{i}.test"
        terms = f"include:i0.{p} include:i1.{p} a:h.{p} mx:m.{p} redirect=r.{p}"
        zone |= {
            (p, "TXT"): (f"v=spf1 ip4:20.{i}.0.0/20 {terms}",),
            (f"i0.{p}", "TXT"): (f"v=spf1 ip4:20.{i}.64.0/22 ip6:2a00:{i + 1}::/48 -all",),
            (f"i1.{p}", "TXT"): (f"v=spf1 ip4:20.{i}.96.0/22 include:j.{p} ?all",),
            (f"j.{p}", "TXT"): (f"v=spf1 ip4:20.{i}.128.0/22 -ip4:20.{i}.128.0/26 ~all",),
            (f"r.{p}", "TXT"): (f"v=spf1 ip4:20.{i}.160.0/22 -all",),
            (f"h.{p}", "A"): (f"20.{i}.200.1", f"20.{i}.200.2"),
            (f"h.{p}", "AAAA"): (f"2a01:{i + 1}::1",),
            (f"m.{p}", "MX"): (f"10 x.{p}", f"20 y.{p}"),
            (f"x.{p}", "A"): (f"20.{i}.210.1",),
            (f"y.{p}", "A"): (f"20.{i}.211.1",),
        }
    return zone


WORLD = world()
RECORDS = [at for at in WORLD if at[1] == "TXT"]
ADDRESSES = [at for at in WORLD if at[1] != "TXT"]


def without(zone: Made, at: At, _random: Random) -> Made:
    """No answer at a name at all: it does not exist."""
    return {other: values for other, values in zone.items() if other[0] != at[0]}


def no_data(zone: Made, at: At, _random: Random) -> Made:
    return {**zone, at: ()}


def unanswered(zone: Made, at: At, _random: Random) -> Made:
    return dict(failing(zone, at[0]))


def other_text(zone: Made, at: At, random: Random) -> Made:
    return {**zone, at: (random.choice(("", "hello", "v=spf1", "v=spf1 -all")),)}


def two_records(zone: Made, at: At, _random: Random) -> Made:
    return {**zone, at: (WORLD[at][0], "v=spf1 -all")}


def cut(zone: Made, at: At, random: Random) -> Made:
    text = WORLD[at][0]
    return {**zone, at: (text[: random.randrange(6, len(text))],)}


Damage = Callable[[Made, At, Random], Made]
OF_RECORDS: list[Damage] = [without, no_data, unanswered, other_text, two_records, cut]
OF_ADDRESSES: list[Damage] = [without, no_data, unanswered]


def damaged(random: Random) -> Made:
    """The world with up to four answers gone wrong, on three of five nights."""
    zone = dict(WORLD)
    for _ in range(random.choice((0, 0, 1, 1, 2, 4))):
        kinds, places = random.choice(((OF_RECORDS, RECORDS), (OF_ADDRESSES, ADDRESSES)))
        zone = random.choice(kinds)(zone, random.choice(places), random)
    return zone


def lives_through(seed: int, nights: int = 25) -> int:
    """Play so many nights; return how many times a provider lost something."""
    random, series, losses = Random(seed), Nights(CONFIG), 0
    series.night(WORLD)
    whole = series.table
    for _ in range(nights):
        before = {name: entry.networks for name, entry in series.state.accepted.items()}
        zone = damaged(random)
        night = series.night(zone)
        if night.plan.refusals:
            continue
        for made in night.plan.decisions:
            lost = before.get(made.provider.name, EMPTY) - made.networks
            losses += bool(lost)
            assert not lost or made.notice or made.degraded, (seed, made.provider.name, zone)
    series.night(WORLD)
    assert series.table == whole, "nor does any of it stay away"
    return losses


@pytest.mark.parametrize("seed", range(8))
def test_no_loss_is_silent_and_none_lasts(seed: int) -> None:
    assert lives_through(seed) > 3


@pytest.mark.slow
def test_no_loss_is_silent_in_three_thousand_nights() -> None:
    assert sum(lives_through(seed) for seed in range(100, 220)) > 500
