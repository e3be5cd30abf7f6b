"""An answer that becomes void takes nothing away at once, and it is said."""

from __future__ import annotations

import pytest

from tests.support.nights import Nights, configured, edited, failing, records
from tests.support.oracle import Zone

Made = dict[tuple[str, str], tuple[str, ...] | str]

PROVIDERS = {"p": ["p.test"], "q": ["q.test"]}
CONFIG = configured(PROVIDERS)
STRICT = configured(PROVIDERS, spf={"strict": True})
WHOLE: Made = {
    **records(p="ip4:20.0.0.0/20 ip6:2a01::/48 a:h.test/24 mx:m.test/24", q="ip4:21.0.0.0/16"),
    ("h.test", "A"): ("20.1.0.1",),
    ("h.test", "AAAA"): ("2a00:1::1",),
    ("m.test", "MX"): ("10 x.test", "20 y.test"),
    ("x.test", "A"): ("20.2.0.1",),
    ("y.test", "A"): ("20.3.0.1",),
}
STAYS = "what it had stays for 7 days (state.sticky_days)"


def without(*gone: tuple[str, str]) -> Made:
    return {at: values for at, values in WHOLE.items() if at not in gone}


VOIDS = {
    "NODATA": ({**WHOLE, ("h.test", "A"): ()}, "h.test has no A", "20.1.0.0/24"),
    "no IPv6": ({**WHOLE, ("h.test", "AAAA"): ()}, "h.test has no AAAA", "2a00:1::1/128"),
    "an MX host": (without(("x.test", "A")), "x.test does not exist", "20.2.0.0/24"),
    "the MX": (without(("m.test", "MX")), "m.test does not exist", "20.3.0.0/24"),
}
CASES = pytest.mark.parametrize(("zone", "words", "part"), VOIDS.values(), ids=VOIDS.keys())


@CASES
def test_its_values_stay_for_sticky_days_and_both_ends_are_said(
    zone: Zone, words: str, part: str
) -> None:
    series = Nights(CONFIG)
    series.night(WHOLE)
    table = series.table
    night = series.night(zone)
    assert night.decision("p").notice == f"{words}: {STAYS}"
    assert not night.report.exit_code
    for _ in range(6):
        assert series.table == table
        assert not series.night(zone).report.has_news
    assert part in series.texts()
    night = series.night(zone)
    assert part not in series.texts()
    assert night.decision("p").notice.startswith("loses ")
    assert words.split(maxsplit=1)[0] in night.decision("p").notice
    assert not series.night(zone).report.has_news


@CASES
def test_it_may_come_back_as_if_nothing_had_been(zone: Zone, words: str, part: str) -> None:
    series = Nights(CONFIG)
    series.night(WHOLE)
    series.night(zone)
    night = series.night(WHOLE)
    assert not night.report.has_news, words
    assert part in series.texts()


@CASES
def test_in_strict_mode_it_goes_in_that_night_and_is_said(
    zone: Zone, words: str, part: str
) -> None:
    series = Nights(STRICT)
    series.night(WHOLE)
    night = series.night(zone)
    assert part not in series.texts()
    assert words.split(maxsplit=1)[0] in night.decision("p").notice


def test_values_that_stay_are_used_while_the_question_fails() -> None:
    series = Nights(CONFIG)
    series.night(WHOLE)
    table = series.table
    series.night(without(("h.test", "A")))
    for _ in range(13):
        night = series.night(failing(WHOLE, "h.test"))
        assert night.decision("p").status == "stale"
        assert series.table == table


def test_host_names_come_and_go_without_a_word() -> None:
    config = edited(CONFIG, "q", hosts=("h{1..9}.test",))
    hosts: Made = {(f"h{i}.test", "A"): (f"20.9.0.{i}",) for i in range(1, 10)}
    series = Nights(config)
    series.night({**WHOLE, **hosts})
    fewer = {**WHOLE, **hosts}
    del fewer["h2.test", "A"]
    assert all(not series.night(fewer).report.has_news for _ in range(10))
