"""A part of a provider that goes because a record broke is said, however it broke."""

from __future__ import annotations

import pytest

from tests.support.nights import Nights, configured, failing, records
from tests.support.oracle import Zone

Made = dict[tuple[str, str], tuple[str, ...] | str]

CONFIG = configured({"p": ["p.test"], "q": ["q.test"]})
STRICT = configured({"p": ["p.test"], "q": ["q.test"]}, spf={"strict": True})
WHOLE: Made = {
    **records(p="ip4:20.3.0.0/17 ip4:20.4.0.0/18 include:s.p.test", q="ip4:21.0.0.0/16"),
    ("s.p.test", "TXT"): ("v=spf1 ip4:20.1.0.0/17 -all",),
}
P, S = ("p.test", "TXT"), ("s.p.test", "TXT")
LOSS = "loses 32,768 of its IPv4 addresses: "


def included(text: str) -> Made:
    """The record at p.test with another term in place of its include."""
    return {**WHOLE, P: (f"v=spf1 ip4:20.3.0.0/17 ip4:20.4.0.0/18 {text} -all",)}


def broken(text: str) -> Made:
    """Another record in place of the included one."""
    return {**WHOLE, S: (text,)}


FAULTS = {
    "renamed to a name not published": (
        included("include:t.p.test"),
        "p.test: include:t.p.test: t.p.test does not exist",
    ),
    "typing error in the name": (
        included("include:s.p.tets"),
        "p.test: include:s.p.tets: s.p.tets does not exist",
    ),
    "turned into macros": (
        included("include:%{i}.p.test"),
        "p.test: include:%{i}.p.test: its macros depend on the client or the sender",
    ),
    "typing error in the mechanism": (
        included("inlcude:s.p.test"),
        "p.test: inlcude:s.p.test: is no mechanism of RFC 7208",
    ),
    "comma behind an address": (
        broken("v=spf1 ip4:20.1.0.0/17, -all"),
        "s.p.test: ip4:20.1.0.0/17,: is not an IPv4 address or network",
    ),
    "passes nothing": (broken("v=spf1 -all"), "s.p.test: the SPF record passes no address"),
    "passes nothing, by a wildcard": (
        {**included("include:s.p.tets"), ("s.p.tets", "TXT"): ("v=spf1 -all",)},
        "s.p.tets: the SPF record passes no address",
    ),
    "cut in a term": (
        broken("v=spf1 ip4:20.1."),
        "s.p.test: ends neither with all nor with redirect= any more, "
        "s.p.test: ip4:20.1.: is not an IPv4 address or network",
    ),
    "cut behind a term": (
        broken("v=spf1 ip4:20.1.0.0/29"),
        "s.p.test: ends neither with all nor with redirect= any more",
    ),
    "gone": (
        {at: text for at, text in WHOLE.items() if at != S},
        "p.test: include:s.p.test: s.p.test does not exist",
    ),
    "a blank lost": (
        broken("v=spf1ip4:20.1.0.0/17 -all"),
        "p.test: include:s.p.test: s.p.test has no SPF record, but a TXT that begins "
        '"v=spf1ip4:20.1.0.0/17 -a"',
    ),
    "two records": (
        {**WHOLE, S: (*WHOLE[S], "v=spf1 ip4:20.1.0.0/18")},
        "p.test: include:s.p.test: s.p.test has 2 SPF records, so none counts",
    ),
}


@pytest.mark.parametrize(("zone", "words"), FAULTS.values(), ids=FAULTS.keys())
def test_a_part_that_goes_by_a_fault_is_said_once_with_record_and_term(
    zone: Made, words: str
) -> None:
    series = Nights(CONFIG)
    assert not series.night(WHOLE).report.has_news
    night = series.night(zone)
    notice = night.decision("p").notice
    assert notice.startswith("loses 32,7")
    assert notice.partition(": ")[2] == words
    assert not night.report.exit_code
    assert not series.night(zone).report.has_news


EDITS = {
    "an include taken out": included("ip4:20.5.0.0/24"),
    "an include narrowed": broken("v=spf1 ip4:20.1.0.0/18 -all"),
    "denied": broken("v=spf1 -ip4:20.1.0.0/18 ip4:20.1.0.0/17 -all"),
    "moved to another include": {
        **included("include:t.p.test"),
        ("t.p.test", "TXT"): ("v=spf1 ip4:20.1.0.0/18 -all",),
    },
}


@pytest.mark.parametrize("zone", EDITS.values(), ids=EDITS.keys())
@pytest.mark.parametrize("old", ["", "include:old.test", "ip4:20.7 exists:%{i}.x.test"])
def test_an_edit_is_no_fault_whatever_was_wrong_before(zone: Made, old: str) -> None:
    """The problems that a record has for years are no news."""

    def beside(made: Made) -> Zone:
        text = str(made[P][0])
        return {**made, P: (text.replace(" -all", f" {old} -all"),)}

    series = Nights(CONFIG)
    series.night(beside(WHOLE))
    night = series.night(beside(zone))
    assert night.decision("p").before - night.decision("p").passed
    assert not night.report.has_news


def test_a_provider_of_a_handful_of_hosts_is_told_of() -> None:
    hosts = " ".join(f"ip4:20.77.{i}.10" for i in range(21))
    zone = records(p="ip4:20.78.1.1 include:a.test", a=hosts, q="ip4:21.0.0.0/16")
    series = Nights(CONFIG)
    series.night(zone)
    night = series.night({**zone, **records(p="ip4:20.78.1.1 include:b.test")})
    assert night.decision("p").notice == (
        "loses 21 of its IPv4 addresses: p.test: include:b.test: b.test does not exist"
    )


def test_strict_mode_says_what_has_fallen_behind_its_limit() -> None:
    parts = {f"i{k}": f"ip4:20.{k}.0.0/18" for k in range(12)}
    ten = [f"include:i{k}.test" for k in range(10)]
    series = Nights(STRICT)
    series.night(records(p=" ".join(ten), **parts, q="ip4:21.0.0.0/16"))
    more = " ".join(["include:i10.test", "include:i11.test", *ten])
    night = series.night(records(p=more, **parts, q="ip4:21.0.0.0/16"))
    assert night.decision("p").notice == (
        "loses 32,768 of its IPv4 addresses: p.test: include:i8.test: needs more than 10 look-ups"
    )


def test_what_is_taken_of_a_held_provider_is_told_though_the_fault_is_older() -> None:
    zone = records(
        p="ip4:20.0.0.0/17 include:a.test include:b.test",
        a="ip4:20.1.0.0/17",
        b="ip4:20.2.0.0/17",
        q="ip4:21.0.0.0/16",
    )
    series = Nights(CONFIG)
    series.night(zone)
    both = {**zone, **records(p="ip4:20.0.0.0/17 include:x.test include:y.test")}
    assert series.night(both).decision("p").status == "held"
    one = {**zone, **records(p="ip4:20.0.0.0/17 include:a.test include:y.test")}
    night = series.night(one)
    assert night.decision("p").status == "ok"
    held, _, lost = night.decision("p").notice.partition("; ")
    assert held == "no longer held, since within the limits again"
    assert lost == f"{LOSS}p.test: include:y.test: y.test does not exist"


def test_a_fault_beside_an_unanswered_question_is_told() -> None:
    series = Nights(CONFIG)
    series.night(WHOLE)
    zone = included("include:t.p.test include:new.test")
    night = series.night(failing(zone, "new.test"))
    assert night.decision("p").status == "incomplete"
    assert night.decision("p").notice == (
        f"{LOSS}p.test: include:t.p.test: t.p.test does not exist"
    )
