"""A provider of which most is too wide: the run in which it begins says so, `providers` always."""

from __future__ import annotations

from itertools import pairwise

import pytest

from spfwhite.cli.providers import lines
from spfwhite.inspect import health
from spfwhite.plan.last_run import last_run
from tests.support.nights import Nights, configured, records

CONFIG = configured({"p": ["p.test"], "q": ["q.test"]})
MARK = "most of what it names is too wide and left out"


def zone(text: str) -> dict[tuple[str, str], tuple[str, ...] | str]:
    return records(p=text, q="ip4:21.0.0.0/24", far="ip4:64.0.0.0/8")


def marked(series: Nights) -> list[str]:
    rows = health.rows(last_run(series.config, series.state, series.now))
    shown = list(lines(rows, series.now, "spfwhite"))
    return [above.split()[1] for above, line in pairwise(shown) if MARK in line]


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(
    "term", ["ip4:64.0.0.0/8", "+all", "include:far.test", "ip6:2000::/3", "a:p.test/8"]
)
def test_it_is_said_once_and_shown_as_long_as_it_lasts(term: str, *, strict: bool) -> None:
    series = Nights(configured({"p": ["p.test"], "q": ["q.test"]}, spf={"strict": strict}))
    asked = {**zone(f"ip4:20.0.0.0/24 {term}"), ("p.test", "A"): ("65.0.0.1",)}
    night = series.night(asked)
    assert night.reported("p").notice.startswith("most of what it names is too wide and left out: ")
    assert night.reported("q").notice == ""
    assert not night.decision("p").degraded
    assert series.night(asked).reported("p").notice == ""
    assert marked(series) == ["p"]


def test_a_provider_that_lists_more_than_is_left_out_is_as_any_other() -> None:
    wide = " ".join(f"ip4:{32 + i // 16}.{16 * (i % 16)}.0.0/12" for i in range(17))
    series = Nights(CONFIG)
    night = series.night(zone(f"{wide} ip4:64.0.0.0/8"))
    assert (night.reported("p").notice, marked(series)) == ("", [])


def test_what_a_narrow_term_passes_too_is_not_left_out() -> None:
    series = Nights(CONFIG)
    night = series.night(
        zone("ip4:64.0.0.0/9 " + " ".join(f"ip4:64.{16 * i}.0.0/12" for i in range(8)))
    )
    assert (night.reported("p").notice, marked(series)) == ("", [])
