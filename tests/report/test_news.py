"""Which troubles are said in which night: when they begin, when they change, and once a week."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from spfwhite.cli import providers
from spfwhite.config import loading
from spfwhite.errors import Exit
from spfwhite.inspect import health
from spfwhite.networks import EMPTY
from spfwhite.plan import state
from spfwhite.plan.last_run import last_run
from spfwhite.report.text import summary
from spfwhite.wording import DAY
from tests.support.nights import START, Night, Nights, configured, edited, failing, records
from tests.support.oracle import TEMPFAIL, Zone
from tests.support.zones import world

CONFIG = configured({"p": ["p.test"], "q": ["q.test"]})
GOOD = records(p="ip4:20.0.0.0/16 include:s.test", s="ip4:30.0.0.0/24", q="ip4:21.0.0.0/24")
HELD = GOOD | records(p="ip4:20.0.0.0/24 include:s.test")


def after_a_good_night(remind_days: int = 7) -> Nights:
    settings = CONFIG.state._replace(remind_days=remind_days)
    series = Nights(CONFIG._replace(state=settings))
    series.night(GOOD)
    return series


def is_said(night: Night) -> bool:
    """Whether a run in a pipe prints something, and then it ends with 3."""
    assert (night.report.exit_code == Exit.DEGRADED) == night.report.has_news
    return night.report.has_news


def said(night: Night, *, verbose: bool = False, quiet: bool = False) -> str:
    return "\n".join(summary(night.report, verbose=verbose, quiet=quiet))


TROUBLES: dict[str, Zone] = {
    "held": HELD,
    "stale": failing(GOOD, "s.test"),
    "incomplete": failing(GOOD | records(p="ip4:20.0.0.0/16 include:new.test"), "new.test"),
}


@pytest.mark.parametrize("kind", ["held", "stale", "incomplete"])
def test_a_trouble_is_said_when_it_begins_and_after_a_week_and_not_between(kind: str) -> None:
    series = after_a_good_night()
    first = 1 if kind == "stale" else 0  # which is none for 48 hours, and another after 14 days
    nights = [series.night(TROUBLES[kind], days=1.001) for _ in range(12)]
    assert [n for n, night in enumerate(nights) if is_said(night)] == [first, first + 7]
    for night in nights[first:]:
        report = night.reported("p")
        assert (report.status, report.degraded) == (kind, True)
        assert report.since == pytest.approx(START + DAY + (first + 1) * 1.001 * DAY)


def test_a_provider_of_which_a_domain_is_missing_is_said_once_a_week() -> None:
    series = Nights(configured({"p": ["p.test", "gone.test"]}))
    nights = [series.night(GOOD) for _ in range(9)]
    assert [n for n, night in enumerate(nights) if is_said(night)] == [0, 7]
    assert nights[8].reported("p").status == "missing"


def test_a_timer_that_comes_some_minutes_early_reminds_on_the_same_day_of_the_week() -> None:
    series = after_a_good_night()
    nights = [series.night(HELD, days=0.999) for _ in range(9)]
    assert [n for n, night in enumerate(nights) if is_said(night)] == [0, 7]


def test_with_remind_days_0_every_run_says_it() -> None:
    series = after_a_good_night(remind_days=0)
    assert all(is_said(series.night(HELD)) for _ in range(3))


@pytest.mark.parametrize(
    "changed",
    [
        GOOD | records(p="ip4:20.0.0.0/24 ip4:90.0.0.0/12 include:s.test"),
        failing(GOOD | records(p="ip4:20.0.0.0/16 include:new.test"), "new.test"),
    ],
    ids=["it grows as well", "it is incomplete instead"],
)
def test_a_trouble_that_becomes_another_is_news(changed: Zone) -> None:
    series = after_a_good_night()
    assert [is_said(series.night(HELD)) for _ in range(2)] == [True, False]
    assert [is_said(series.night(changed)) for _ in range(2)] == [True, False]


def test_a_trouble_that_ended_and_begins_again_is_news_with_a_new_date() -> None:
    series = after_a_good_night()
    assert is_said(series.night(HELD))
    over = series.night(GOOD)
    assert "p: ok: 2 IPv4 networks" in said(over)
    assert "  no longer held, since within the limits again" in said(over).splitlines()
    assert (over.report.exit_code, over.report.has_news) == (Exit.OK, True)
    assert not is_said(series.night(GOOD))
    night = series.night(HELD)
    assert is_said(night)
    assert night.reported("p").since == series.now


def test_what_is_accepted_or_was_only_unanswered_is_not_said_to_be_over() -> None:
    series = after_a_good_night()
    series.night(HELD)
    assert not is_said(series.night(HELD, lifted=["p"]))
    for kind in ("stale", "incomplete"):
        series = after_a_good_night()
        for _ in range(4):
            series.night(TROUBLES[kind])
        assert not is_said(series.night(GOOD))


def test_amounts_that_vary_from_night_to_night_are_no_change() -> None:
    series = after_a_good_night()
    said_in = [
        is_said(series.night(GOOD | records(p=f"ip4:20.0.{n}.0/24 include:s.test")))
        for n in range(5)
    ]
    assert said_in == [True, False, False, False, False]


@pytest.mark.parametrize("days", [-8_000.0, 30_000.0])
def test_a_clock_that_was_wrong_for_a_night_silences_nothing_for_long(days: float) -> None:
    series = after_a_good_night()
    assert is_said(series.night(HELD))
    series.night(HELD, days=days)
    series.now -= days * DAY
    said_in = [is_said(series.night(HELD)) for _ in range(9)]
    assert any(said_in[:8])
    assert sum(said_in) <= 3
    assert (series.night(HELD).reported("p").since or 0) <= series.now


def test_a_state_of_an_earlier_release_is_read_and_what_lasts_is_said_once() -> None:
    series = after_a_good_night()
    series.night(HELD)
    data = json.loads(state.dump(series.state))
    del data["told"]
    series.state = state.parse(json.dumps(data).encode())
    assert [is_said(series.night(HELD)) for _ in range(2)] == [True, False]


def test_what_is_older_is_one_line_of_a_run_by_hand_and_v_has_it_with_its_date() -> None:
    series = after_a_good_night()
    series.night(HELD)
    night = series.night(HELD)
    lines = said(night).splitlines()
    assert lines[1:] == ["also: 1 older trouble (`spfwhite providers` shows them)"]
    assert "p: held since 2023-11-16: " in said(night, verbose=True)
    assert said(night, quiet=True) == ""


def test_what_is_said_again_says_since_when() -> None:
    series = after_a_good_night()
    assert "since" not in said(series.night(HELD))
    again = [said(series.night(HELD), quiet=True) for _ in range(7)]
    assert again[:6] == [""] * 6
    assert again[6].startswith("p: held since 2023-11-16: ")
    sharing = shared()
    assert "since" not in said(sharing.night(GONE))
    assert "held since 2023-11-16: _b.big.test does" in said(sharing.night(GONE, days=7))


def test_of_many_it_is_said_since_when_if_they_have_one_day() -> None:
    names = [f"p{n}" for n in range(5)]
    series = Nights(configured({name: [f"{name}.test"] for name in (*names, "q")}))
    whole = GOOD | records(**{name: f"ip4:2{n}.1.0.0/16" for n, name in enumerate(names)})
    series.night(whole)
    wrong = whole | records(**dict.fromkeys(names[:4], "ip4:50.0.0.1"))
    series.night(wrong)
    told = said(series.night(wrong, days=7))
    assert "held since 2023-11-16: 4 providers; `spfwhite providers` says why: p0, " in told
    wrong |= records(p4="ip4:50.0.0.1")
    assert "held: 5 providers; " in said(series.night(wrong, days=7))


def test_three_troubles_are_explained_and_four_are_counted() -> None:
    for count in (3, 4):
        names = [f"p{n}" for n in range(count)]
        series = Nights(configured({name: [f"{name}.test"] for name in (*names, "q")}))
        zone = GOOD | records(**{name: f"ip4:2{n}.1.0.0/16" for n, name in enumerate(names)})
        series.night(zone)
        night = series.night(zone | records(**dict.fromkeys(names, "ip4:50.0.0.1")))
        assert ("`spfwhite providers` says why" in said(night)) == (count == 4)
        assert said(night).count("safety.provider_max_loss") == (3 if count == 3 else 0)


# --- by cause ---

BIG = "ip4:40.0.0.0/16"
MANY = ("big", "one", "three", "two")
SHARED = configured({name: [f"{name}.test"] for name in (*MANY, "other")})
WHOLE = records(
    big="include:_b.big.test",
    one="ip4:41.0.0.0/24 include:big.test",
    two="ip4:42.0.0.0/24 include:big.test",
    three="ip4:43.0.0.0/24 include:big.test",
    other="ip4:44.0.0.0/16 ip4:45.0.0.0/16",
) | {("_b.big.test", "TXT"): (f"v=spf1 {BIG} -all",)}
GONE = {key: value for key, value in WHOLE.items() if key[0] != "_b.big.test"}


def shared() -> Nights:
    series = Nights(SHARED)
    series.night(WHOLE)
    return series


def test_a_record_that_holds_many_is_said_once_with_its_owner_first() -> None:
    text = said(shared().night(GONE)).splitlines()[1:]
    assert text == [
        "held: _b.big.test does not exist: 65,536 IPv4 addresses of 4 providers are kept "
        "(big, one, three, two)",
        "  nothing to do if it is back tomorrow; "
        "if that is meant: spfwhite generate --accept _b.big.test --reload",
        *text[2:],
    ]
    assert not any("_b.big.test" in line for line in text[2:])


def test_a_record_that_only_leads_to_others_is_a_cause_too() -> None:
    whole = {key: value for key, value in WHOLE.items() if key[0] != "big.test"} | records(
        big="include:mid.test", mid="include:_b.big.test"
    )
    series = Nights(SHARED)
    series.night(whole)
    gone = {key: value for key, value in whole.items() if key[0] != "mid.test"}
    assert "held: mid.test does not exist: 65,536 IPv4 addresses of 4 providers" in said(
        series.night(gone)
    )


def test_of_one_that_is_missing_it_is_said_what_is_listed_all_the_same() -> None:
    series = Nights(configured({"p": ["p.test", "x.test"]}))
    zone = records(p="ip4:20.0.0.0/20", x="ip4:20.1.0.0/24")
    series.night(zone)
    lines = said(series.night(records(p="ip4:20.0.0.0/20"))).splitlines()
    stays = "1 IPv4 network (4,096 addresses), 0 IPv6 (0 /64s) are listed"
    assert f"p: missing; {stays}" in lines
    assert "  missing: x.test does not exist" in lines


def test_a_question_that_many_wait_for_is_said_once() -> None:
    series = shared()
    for _ in range(3):
        night = series.night(failing(WHOLE, "_b.big.test"))
    assert "stale: TXT _b.big.test: timed out: 4 providers (big, one, " in said(night)


def test_a_name_from_dns_is_quoted_in_a_command_to_copy() -> None:
    name = "$(halt)_x.test"
    config = configured({"a": ["a.test"], "b": ["b.test"]})
    zone = records(a=f"ip4:20.0.0.1 include:{name}", b=f"include:{name}")
    series = Nights(config)
    series.night(zone | {(name, "TXT"): ("v=spf1 ip4:20.0.0.0/16 -all",)})
    command = "spfwhite generate --accept '$(halt)_x.test' --reload"
    meant = f"  nothing to do if it is back tomorrow; if that is meant: {command}"
    assert meant in said(series.night(zone)).splitlines()
    rows = health.rows(last_run(config, series.state, series.now))
    shown = list(providers.lines(rows, series.now, "spfwhite"))
    assert f"  for all whom that record holds: {command}" in shown
    alone = edited(config, "b", enabled=False)
    rows = health.rows(last_run(alone, series.state, series.now))
    assert not [it for it in providers.lines(rows, series.now, "spfwhite") if "for all whom" in it]


def test_what_many_lose_within_their_limits_by_one_record_is_said_once() -> None:
    whole = WHOLE | records(big="ip4:70.0.0.0/15 include:_b.big.test")
    series = Nights(SHARED)
    series.night(whole)
    gone = {key: value for key, value in whole.items() if key[0] != "_b.big.test"}
    said_of = [line for line in said(series.night(gone)).splitlines() if "_b.big.test" in line]
    assert len(said_of) == 1
    assert said_of[0].endswith(": 4 providers (big, one, three, two)")


def test_who_is_held_for_more_than_that_record_stands_alone() -> None:
    zone = GONE | records(two="ip4:60.0.0.0/12 include:big.test")
    text = said(shared().night(zone))
    assert "of 3 providers are kept (big, one, three)" in text
    assert "two: held: " in text


def test_what_is_said_once_is_said_of_each_of_many_too() -> None:
    names = [f"p{number:02}" for number in range(16)]
    whole = {
        (f"{name}.test", "TXT"): (f"v=spf1 ip4:20.{at}.0.0/17 include:s.{name}.test -all",)
        for at, name in enumerate(names)
    }
    parts = {
        (f"s.{name}.test", "TXT"): (f"v=spf1 ip4:21.{at}.0.0/19 -all",)
        for at, name in enumerate(names)
    }
    series = Nights(configured({name: [f"{name}.test"] for name in names}))
    series.night(whole | parts)
    lines = said(series.night(whole)).splitlines()
    losses = [line for line in lines if line.startswith("  p") and ": loses 8,192 of its" in line]
    assert losses[0].endswith("p00.test: include:s.p00.test: s.p00.test does not exist")
    assert len(losses) == 12
    assert lines[lines.index(losses[-1]) + 1] == "  and 4 more; see `spfwhite providers`"


# --- a year ---


class Unreliable(dict[tuple[str, str], tuple[str, ...] | str]):
    """A zone of which a part of all questions fails, each time others."""

    chance = random.Random(16)

    def get(self, key: object, default: object = None) -> object:  # type: ignore[override]
        return TEMPFAIL if self.chance.random() < 0.02 else super().get(key, default)  # type: ignore[call-overload]


@pytest.fixture(scope="module")
def defaults(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    """Return nights of the providers as they are shipped."""
    file = tmp_path_factory.mktemp("defaults") / "providers.toml"
    file.write_text("# nothing\n")
    yield Nights(loading.load(Path(file)))


@pytest.mark.slow
def test_a_year_with_a_fiftieth_of_all_questions_failing_prints_on_few_nights(
    defaults: Nights,
) -> None:
    zone, listed, printed = Unreliable(world()), EMPTY, 0
    recorded = {name for name, rrtype in zone if rrtype == "TXT"}
    for each in defaults.config.providers:  # a part of some was published after the recording
        domains = tuple(domain for domain in each.domains if domain in recorded) or each.domains
        defaults.config = edited(defaults.config, each.name, domains=domains)
    for _ in range(365):
        printed += defaults.night(zone).report.has_news
        assert listed - defaults.table == EMPTY
        listed |= defaults.table
    assert len(listed.texts()) > 400
    assert 1 <= printed < 20
