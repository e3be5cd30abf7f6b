"""A run to which the DNS gives nothing: it is said once, with what to type, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from spfwhite.cli.providers import DARK
from spfwhite.dns.answers import Failed, Question
from spfwhite.dns.nameservers import NameServer
from spfwhite.networks import Networks
from spfwhite.plan.decided import decide_run
from spfwhite.plan.state import State
from spfwhite.report.notices import darkness
from spfwhite.sources.memory import Heard
from tests.support.cli import spfwhite
from tests.support.dnsserver import Fault
from tests.support.dnszone import Records
from tests.support.nights import START, Nights, configured, edited, failing, records
from tests.support.site import RECORDS, RULES, Site, provider, site


def then(made: Site) -> str:
    return f"look at dns.nameservers, then: `spfwhite -c {made.config} generate --reload`"


OPTIONS = pytest.mark.parametrize("option", [[], ["--dry-run"], ["--force"], ["-q"]], ids=str)


def fail(made: Site) -> None:
    made.server.faults[""] = Fault("servfail")


def empty(made: Site) -> None:
    for name in ("big.test", "sub.big.test", "hosts.test", "plain.test"):
        made.server.zone.remove(name, "TXT")


FAULTS: dict[Callable[[Site], None], str] = {
    fail: "DNS gave no answer at all: SERVFAIL (",
    empty: "DNS says that no name has a TXT record, so the name server does not resolve",
}
WAYS = pytest.mark.parametrize(("dark", "why"), FAULTS.items(), ids=["failing", "nxdomain"])


@OPTIONS
@WAYS
def test_without_a_state_one_refusal_says_what_happened_and_what_to_type(
    dark: Callable[[Site], None], why: str, option: list[str], tmp_path: Path
) -> None:
    with site(tmp_path, attempts=1) as made:
        made.generate()
        made.state.unlink()
        dark(made)
        done = made.generate(*option)
        assert (done.returncode, done.stdout, made.rules()) == (4, "", RULES)
    lines = done.stderr.splitlines()
    if option != ["-q"]:
        assert lines.pop(0).startswith(f"{made.table}: refused, stays as it is: ")
    (refusal,) = lines
    assert refusal.startswith(f"refused: {why}")
    assert refusal.endswith(f"; no rules were written; {then(made)}")


@WAYS
def test_so_does_the_first_run_of_all(
    dark: Callable[[Site], None], why: str, tmp_path: Path
) -> None:
    with site(tmp_path, attempts=1) as made:
        dark(made)
        done, report = made.reported()
        quiet = made.generate("-q")
    assert (done.returncode, quiet.returncode, len(quiet.stderr.splitlines())) == (4, 4, 1)
    assert quiet.stderr.startswith(f"refused: {why}")
    refusal = report["refusals"][0]
    assert refusal.endswith(
        "; no rules were written; look at dns.nameservers, then: `spfwhite generate --reload`"
    )
    assert quiet.stderr.removeprefix("refused: ").startswith(refusal.partition("`")[0])
    assert "big: " in done.stderr, "-v says all there is to say"


def test_a_name_server_that_knows_no_name_holds_all_and_is_said_once(tmp_path: Path) -> None:
    with site(tmp_path, attempts=1) as made:
        made.generate()
        empty(made)
        done, again = made.generate(), made.generate()
        assert made.rules() == RULES
        assert "--accept" not in spfwhite("-c", made.config, "-v", "generate").stdout
        shown = spfwhite("-c", made.config, "providers").stdout
    assert done.returncode == 3
    first, *others = done.stderr.splitlines()
    assert first.startswith(FAULTS[empty])
    assert first.endswith(f"; what is listed stays; {then(made)}")
    assert [line.partition(": ")[0] for line in others] == [str(made.table)]
    assert (again.returncode, again.stderr) == (0, "")
    assert shown.count("held") >= 3
    assert "--accept" not in shown
    first, *others = shown.splitlines()
    assert first == DARK
    assert not [line for line in others if line.startswith(" ")], "it is said once"


@pytest.mark.parametrize("name", ["big", "all", "big.test"])
@WAYS
def test_in_such_a_night_nothing_is_accepted(
    dark: Callable[[Site], None], why: str, name: str, tmp_path: Path
) -> None:
    with site(tmp_path, attempts=1) as made:
        made.generate()
        made.age(days=40)  # so that no remembered answer stands in
        dark(made)
        done = made.generate("--accept", name)
        assert made.rules() == RULES
    assert why in done.stderr
    assert "--accept has no effect while DNS gives no answer" in done.stderr.splitlines()


@WAYS
def test_a_trouble_that_is_older_is_no_news_by_it_and_its_end_is_said(
    dark: Callable[[Site], None], why: str, tmp_path: Path
) -> None:
    with site(tmp_path, attempts=1) as made:
        made.generate()
        edited: Records = {("hosts.test", "TXT"): ["v=spf1 -all"]}
        made.server.zone.set("hosts.test", "TXT", edited["hosts.test", "TXT"])
        assert made.generate().returncode == 3
        dark(made)
        assert why in made.generate().stderr
        assert made.generate().returncode == 0, "once"
        made.server.faults.clear()
        for (name, rrtype), values in {**RECORDS, **edited}.items():
            made.server.zone.set(name, rrtype, values)
        assert (done := made.generate()).returncode == 0
        assert "DNS answers again" in done.stderr.splitlines()
        assert "hosts: " not in done.stderr
        assert made.generate().stderr == ""


def test_that_dns_answers_again_is_said_once_most_of_it_does(tmp_path: Path) -> None:
    with site(tmp_path, attempts=1) as made:
        made.generate()
        fail(made)
        made.generate()
        made.server.faults.clear()
        for name, _ in RECORDS:
            if name != "plain.test":
                made.server.faults[name] = Fault("servfail")
        assert "DNS answers again" not in made.generate().stderr
        made.server.faults.clear()
        assert "DNS answers again" in made.generate("--dry-run").stderr.splitlines()
        assert "DNS answers again" in made.generate().stderr.splitlines()
        assert made.generate().stderr == ""


def test_a_refused_run_that_knows_of_no_run_before_calls_nobody_empty(tmp_path: Path) -> None:
    with site(tmp_path, attempts=1) as made:
        made.generate()
        made.state.unlink()
        made.server.zone.remove("big.test", "TXT")
        made.server.zone.remove("plain.test", "TXT")
        done = made.generate()
        assert (done.returncode, made.rules()) == (4, RULES)
    assert "refused: the list loses " in done.stderr
    assert "empty" not in done.stderr


def test_who_is_still_not_answered_when_it_is_over_is_said() -> None:
    names = "pqr"
    series = Nights(configured({name: [f"{name}.test"] for name in names}))
    zone = records(**{name: f"ip4:2{at}.0.0.0/20" for at, name in enumerate(names)})
    series.night(zone)
    dark = [series.night(failing(zone)) for _ in range(5)]
    assert [night.report.providers["r"].is_news for night in dark].count(True) == 1
    report = series.night(failing(zone, "r.test")).report
    assert [name for name in names if report.providers[name].is_news] == ["r"]
    assert not series.night(failing(zone, "r.test")).report.providers["r"].is_news


def test_no_loss_is_proven_by_it_however_long_it_lasts() -> None:
    names = "pqr"
    series = Nights(configured({name: [f"{name}.test"] for name in (*names, "own")}))
    own = Networks.parse(["51.0.0.0/24"])
    series.config = edited(series.config, "own", domains=(), networks=own)
    series.night(records(**{name: f"ip4:2{at}.0.0.0/20" for at, name in enumerate(names)}))
    table = series.table
    for _ in range(40):
        series.night({}, force=True)
        assert series.table == table


def test_so_does_one_that_knows_hosts_and_no_texts(tmp_path: Path) -> None:
    more = '[providers.vps]\nhosts = ["mx1.big.test"]'
    with site(tmp_path, attempts=1, more=more) as made:
        made.generate()
        empty(made)
        done = made.generate()
        assert made.rules() == RULES
    assert done.stderr.startswith("DNS says that no name has a TXT record")
    assert len(done.stderr.splitlines()) == 2


def test_quiet_says_it_again_when_it_becomes_a_trouble(tmp_path: Path) -> None:
    with site(tmp_path, attempts=1) as made:
        made.generate()
        fail(made)
        assert made.generate("-q").stderr.startswith("DNS gave no answer at all: ")
        made.age(days=3)
        done = made.generate("-q")
    assert done.returncode == 3, "stale for over 48 hours"
    assert done.stderr.startswith("DNS gave no answer at all: SERVFAIL (")
    assert len(done.stderr.splitlines()) == 1


def test_one_or_two_names_that_are_gone_are_no_fault_of_the_name_server(tmp_path: Path) -> None:
    with site(tmp_path, providers={"a": ["a.test"], "b": ["b.test"]}, attempts=1) as made:
        done, report = made.reported("--nameserver", made.server.address)
    assert "DNS gave no answer" not in done.stderr
    assert provider(report, "a")["status"] == "empty"
    assert "a: empty" in done.stderr


def test_only_one_provider_without_an_answer_is_told_as_its_own_trouble(tmp_path: Path) -> None:
    with site(tmp_path, attempts=1) as made:
        made.generate()
        fail(made)
        made.age(days=3)
        done = made.generate("--only", "plain")
    assert "DNS gave no answer" not in done.stderr
    assert "plain: stale" in done.stderr


@pytest.mark.parametrize(
    ("servers", "where"),
    [((), "/etc/resolv.conf"), ((NameServer("192.0.2.53", 53),), "dns.nameservers")],
)
def test_it_names_the_place_where_the_name_server_comes_from(
    servers: tuple[NameServer, ...], where: str
) -> None:
    config = configured({"p": ["p.test"]}, dns={"nameservers": servers})
    heard = Heard(answers={Question("p.test", "TXT"): Failed("time is over")}, whole=True)
    said = darkness(decide_run(config, State(), heard, START))
    look = f"look at {where}, then: `spfwhite generate --reload`"
    assert said.endswith(f"time is over; no rules were written; {look}")
