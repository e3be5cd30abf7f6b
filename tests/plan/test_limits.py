"""A domain that leads too far is incomplete, and its provider is held."""

from __future__ import annotations

import pytest

from spfwhite.config.settings import Config
from tests.support.nights import Night, Nights, configured, records
from tests.support.oracle import Zone

Made = dict[tuple[str, str], tuple[str, ...] | str]

CONFIG = configured({"p": ["p.test"], "q": ["q.test"]})
BESIDE = records(q="ip4:21.0.0.0/24")
STRICT = configured({"p": ["p.test"], "q": ["q.test"]}, spf={"strict": True})


def chain(length: int) -> Made:
    """A record at p.test that leads on through so many includes, the last of which passes."""
    texts = {f"c{i}": f"include:c{i + 1}.test ip4:20.0.{i}.0/28" for i in range(1, length)}
    return records(p="include:c1.test", **texts, **{f"c{length}": "ip4:20.1.0.0/24"})


def wide(count: int) -> Made:
    """A record at p.test with so many includes."""
    texts = {f"w{i}": f"ip4:20.0.{i >> 8}.{i & 255}" for i in range(count)}
    return records(p=" ".join(f"include:{name}.test" for name in texts), **texts)


def counted(copies: int) -> Made:
    """Few questions and many look-ups: a record of 49 look-ups that is included so many times."""
    inner = " ".join(["a:h.test"] * 49)
    made = records(p=" ".join(["include:i.test"] * copies) + " ip4:20.0.0.0/24", i=inner)
    return {**made, ("h.test", "A"): ("20.0.1.1",), ("h.test", "AAAA"): ()}


def exchangers(count: int) -> Made:
    """An `mx` with so many hosts, in six records so that the questions stay few."""
    hosts = [f"m{i}.test" for i in range(count)]
    zone: Made = {
        **records(p="mx ip4:20.0.0.0/24"),
        ("p.test", "MX"): tuple(f"10 {h}" for h in hosts),
    }
    zone.update({(host, "A"): (f"20.2.0.{i}",) for i, host in enumerate(hosts)})
    return zone


def first_night(zone: Zone, config: Config = CONFIG) -> Night:
    return Nights(config).night({**BESIDE, **zone})


WITHIN = {
    "depth": chain(20),
    "questions": wide(499),
    "look-ups": counted(10),
    "MX hosts": exchangers(100),
}
BEYOND = {
    "depth": (chain(21), "deeper than 20 (spf.max_depth)"),
    "questions": (wide(500), "more than 500 questions (spf.max_lookups)"),
    "look-ups": (counted(11), "550 look-ups, over the 500 of spf.max_lookups"),
    "MX hosts": (exchangers(101), "p.test has more than 100 MX hosts"),
}


@pytest.mark.parametrize("zone", WITHIN.values(), ids=WITHIN.keys())
def test_a_domain_just_within_a_limit_is_taken(zone: Zone) -> None:
    assert first_night(zone).decision("p").status == "ok"


@pytest.mark.parametrize(("zone", "words"), BEYOND.values(), ids=BEYOND.keys())
def test_a_new_provider_beyond_a_limit_is_left_out_and_told(zone: Zone, words: str) -> None:
    night = first_night(zone)
    assert night.decision("p").status == "held"
    assert not night.decision("p").networks
    assert any(words in hold for hold in night.reported("p").holds)


def test_a_bomb_of_includes_is_told_in_one_line() -> None:
    (hold,) = first_night(wide(1000)).reported("p").holds
    assert "more than 500 questions (spf.max_lookups)" in hold


@pytest.mark.parametrize(("zone", "words"), BEYOND.values(), ids=BEYOND.keys())
def test_a_provider_that_goes_beyond_a_limit_keeps_its_networks(zone: Zone, words: str) -> None:
    series = Nights(CONFIG)
    series.night({**BESIDE, **records(p="ip4:20.0.0.0/16")})
    night = series.night({**BESIDE, **zone})
    assert night.decision("p").networks.texts() == ["20.0.0.0/16"]
    assert any(words in hold for hold in night.reported("p").holds)


@pytest.mark.parametrize(("zone", "words"), BEYOND.values(), ids=BEYOND.keys())
def test_accept_takes_what_is_within_the_limit(zone: Zone, words: str) -> None:
    series = Nights(CONFIG)
    decision = series.night({**BESIDE, **zone}, lifted=["p"]).decision("p")
    assert decision.networks
    assert (decision.status, decision.degraded) == ("incomplete", True)
    assert any(words in problem.detail for problem in decision.candidate.problems)


@pytest.mark.parametrize(("zone", "words"), BEYOND.values(), ids=BEYOND.keys())
def test_the_other_providers_are_unaffected(zone: Zone, words: str) -> None:
    assert first_night(zone).decision("q").networks.texts() == ["21.0.0.0/24"], words


def test_the_ten_look_ups_of_strict_mode_are_no_rail() -> None:
    night = first_night(wide(11), STRICT)
    assert night.decision("p").status == "ok"
    assert night.decision("p").networks.size(4) == 10
    assert [problem.kind for problem in night.reported("p").problems] == ["limit"]


def test_the_ten_mx_hosts_of_strict_mode_are_no_rail() -> None:
    night = first_night({**records(p="ip4:20.0.0.0/24 mx"), ("p.test", "MX"): MANY_MX}, STRICT)
    assert (night.decision("p").status, night.decision("p").degraded) == ("ok", False)


MANY_MX = tuple(f"10 m{i}.test" for i in range(11))


def test_the_questions_of_a_domain_are_a_rail_in_strict_mode_too() -> None:
    night = first_night(wide(500), STRICT)
    assert "spf.max_lookups" in night.reported("p").holds[0]


def test_the_limits_are_those_of_the_configuration() -> None:
    config = configured({"p": ["p.test"], "q": ["q.test"]}, spf={"max_depth": 3, "max_lookups": 9})
    assert first_night(chain(3), config).decision("p").status == "ok"
    assert "deeper than 3" in first_night(chain(4), config).reported("p").holds[-1]
    assert "more than 9 questions" in first_night(wide(9), config).reported("p").holds[-1]


def test_records_that_double_their_includes_thirty_times_are_held() -> None:
    texts = {f"d{i}": f"include:d{i + 1}.test " * 2 + f"ip4:20.0.{i}.1" for i in range(1, 19)}
    zone = records(p="include:d1.test include:d1.test", **texts, d19="ip4:20.1.0.0/24")
    (hold,) = first_night(zone).reported("p").holds
    assert "look-ups, over the 500" in hold
