"""A run speaks an administrator's words: of the right table, without jargon, with what to do."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import spfwhite
from spfwhite.cli import providers
from spfwhite.inspect import health
from spfwhite.networks import Networks
from spfwhite.plan.last_run import last_run
from spfwhite.report.as_json import dump
from spfwhite.report.text import by_provider, summary
from tests.support.nights import Night, Nights, configured, edited, failing, records
from tests.support.oracle import Zone
from tests.support.site import PROVIDERS, site

CONFIG = edited(configured({"pests": ["pests.test"], "q": ["q.test"]}), "pests", action="reject")
WHOLE = records(pests="ip4:20.0.0.0/16", q="ip4:21.0.0.0/24")
JARGON = re.compile(r"\b(gaps?|rails?|candidates?|digests?|terms?|definitions?|newly passes)\b")
SPOKEN = ("plan/*.py", "report/*.py", "run.py", "by_command.py", "library.py")


def said(night: Night, *, verbose: bool = True) -> str:
    return "\n".join(summary(night.report, verbose=verbose))


def shown(series: Nights, name: str, program: str = "spfwhite") -> list[str]:
    """What `providers NAME` says of the trouble of a provider."""
    run = last_run(series.config, series.state, series.now)
    row = next(row for row in health.rows(run) if row.report.name == name)
    return list(providers.trouble(row, series.now, program))


def _sentences(tree: ast.AST) -> Iterator[str]:
    """Yield the texts with a blank in a module, but for what explains code."""
    explained = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and " " in text and id(node) not in explained:
            yield text


def test_no_sentence_of_a_run_has_a_word_that_only_the_code_has() -> None:
    root = Path(spfwhite.__file__).parent
    files = [path for pattern in SPOKEN for path in root.glob(pattern)]
    texts = [text for path in files for text in _sentences(ast.parse(path.read_text()))]
    assert len(texts) > 100
    assert [text for text in texts if JARGON.search(text)] == []


# --- a provider that is rejected ---


@pytest.fixture
def rejecting() -> Nights:
    series = Nights(CONFIG)
    series.night(WHOLE)
    return series


def test_what_is_held_of_one_that_is_rejected_is_on_the_reject_table(rejecting: Nights) -> None:
    night = rejecting.night(WHOLE | records(pests="ip4:20.0.0.0/24"))
    size = "1 IPv4 network (65,536 addresses), 0 IPv6 (0 /64s)"
    assert f"pests: held: {size} on the reject table" in said(night).splitlines()
    assert night.report.providers["pests"].action == "reject"


def test_one_that_rejects_nothing_is_not_said_to_be_listed() -> None:
    night = Nights(CONFIG).night(records(q="ip4:21.0.0.0/24"))
    assert "pests: empty: nothing on the reject table" in said(night)


def test_what_stays_of_one_that_is_missing_stays_on_its_table() -> None:
    config = edited(
        configured({"pests": ["pests.test", "x.test"], "q": ["q.test"]}), "pests", action="reject"
    )
    series = Nights(config)
    series.night(WHOLE | records(x="ip4:22.0.0.0/24"))
    assert "pests: missing; 1 IPv4 network (65,536 addresses), 0 IPv6 (0 /64s) are on the " in (
        said(series.night(WHOLE))
    )


def test_a_family_that_is_new_is_said_to_be_passed_by_nobody(rejecting: Nights) -> None:
    night = rejecting.night(WHOLE | records(pests="ip4:20.0.0.0/16 ip6:2a00::/48"))
    assert "  has 65,536 IPv6 /64s and had none before" in said(night)
    assert "pass" not in said(night)


def test_who_is_rejected_keeps_nothing_on_the_list(tmp_path: Path) -> None:
    records_ = {
        ("big.test", "TXT"): ["v=spf1 ip4:20.0.0.0/16 include:_b.test -all"],
        ("hosts.test", "TXT"): ["v=spf1 include:_b.test -all"],
        ("plain.test", "TXT"): ["v=spf1 ip4:22.0.0.0/16 include:_b.test -all"],
        ("_b.test", "TXT"): ["v=spf1 ip4:30.0.0.0/14 -all"],
    }
    more = '[providers.pests]\naction = "reject"\ndomains = ["plain.test"]'
    with site(tmp_path, records_, {**PROVIDERS}, more=more) as made:
        made.generate()
        made.server.zone.remove("_b.test", "TXT")
        made.generate()
        done = made.generate("--accept", "big")
    assert "stay on the list through others: hosts, plain\n" in done.stderr


def test_the_difference_of_the_list_names_nobody_who_is_rejected() -> None:
    night = Nights(CONFIG).night(records(pests="include:q.test", q="ip4:21.0.0.0/24"))
    assert by_provider(night.report) == ["+ q: 1 network, 256 IPv4 addresses"]


def test_what_the_reject_table_takes_off_the_list_is_told_with_who_rejects_it() -> None:
    series = Nights(CONFIG)
    first = series.night(records(q="ip4:21.0.0.0/24"))
    series.config = edited(CONFIG, "pests", networks=Networks.parse(["21.0.0.0/25"]))
    night = series.night(records(q="ip4:21.0.0.0/24"))
    report = night.report._replace(before=first.report.networks)
    assert by_provider(report) == ["- rejected by pests: 1 network, 128 IPv4 addresses"]


def test_a_report_for_programs_tells_on_which_table_a_provider_is(rejecting: Nights) -> None:
    night = rejecting.night(WHOLE)
    said = {each["name"]: each["action"] for each in json.loads(dump(night.report))["providers"]}
    assert said == {"pests": "reject", "q": "permit"}


# --- a page that fails ---


def test_a_page_that_fails_when_the_settings_changed_is_said_with_what_stays(
    tmp_path: Path,
) -> None:
    own = '[providers.own]\ndomains = ["plain.test"]\n'
    page = 'pages = ["https://127.0.0.1:1/list"]\n'
    with site(tmp_path, providers={"big": ["big.test"]}, more=own, attempts=1) as made:
        made.generate()
        made.config.write_text(made.config.read_text() + page)
        made.server.zone.set("plain.test", "TXT", ["v=spf1 ip4:198.51.101.0/24 -all"])
        done = made.generate()
        assert "198.51.100.0/24\tpermit" in made.rules()
    changed = "  its settings changed, and what was listed of it stays until all that they name can"
    assert f"{changed} be read: https://127.0.0.1" in done.stderr
    advice = "  look at the page https://127.0.0.1:1/list; if the change is meant: spfwhite -c "
    assert any(line.startswith(advice) for line in done.stderr.splitlines())


def test_of_a_hold_by_a_record_that_failed_the_first_advice_is_to_wait() -> None:
    series = Nights(CONFIG)
    series.night(WHOLE)
    zone = WHOLE | records(q="-include:d.test ip4:21.0.0.0/24")
    lines = said(series.night(failing(zone, "d.test"))).splitlines()
    advice = "  nothing to do if it can be read tomorrow; if the change is meant: spfwhite generate"
    assert f"{advice} --accept q --reload" in lines


def test_a_new_page_that_fails_is_looked_at_and_no_record(tmp_path: Path) -> None:
    more = '[providers.own]\npages = ["https://127.0.0.1:1/list"]\n'
    with site(tmp_path, more=more, attempts=1) as made:
        done = made.generate()
    assert "own: incomplete: nothing listed" in done.stderr
    assert "  look at the page https://127.0.0.1:1/list" in done.stderr.splitlines()


# --- what to do ---


CASES: dict[str, tuple[Zone, str]] = {
    "held": (
        WHOLE | records(q="ip4:21.0.0.1"),
        "nothing to do if it is back tomorrow; if the change is meant: "
        "spfwhite generate --accept q --reload",
    ),
    "missing": (
        WHOLE | records(q="ip4:21.0.0.0/23"),
        "wait some days; its other domains stay listed; if it lasts, "
        "take what is gone out of `domains` in [providers.q]",
    ),
    "incomplete": (
        failing(WHOLE | records(q="ip4:21.0.0.0/24 include:n.test"), "n.test"),
        "spfwhite show q.test names the record",
    ),
    "stale": (failing(WHOLE, "q.test"), "look at the name server"),
}


@pytest.mark.parametrize("name", ["a;{touch,it};.n.test", "$(id).n.test", "-q.n.test"])
def test_a_name_that_a_stranger_chose_is_in_no_command_to_paste(name: str) -> None:
    zone = WHOLE | records(q=f"ip4:21.0.0.0/24 include:{name}")
    zone |= {(name, "TXT"): ("v=spf1 include:m.test -all",)}
    series = Nights(CONFIG)
    text = said(series.night(failing(zone, "m.test"))) + "\n".join(shown(series, "q"))
    assert "q: incomplete" in text and "spfwhite show" not in text
    assert text.count("  look at the name server") == 2


def test_a_refusal_cannot_steer_a_terminal() -> None:
    night = Nights(CONFIG).night(WHOLE)
    report = night.report._replace(refusals=("DNS: \x1b[31m\x07\nrefused: all fine",))
    *_, line = summary(report, verbose=False)
    assert line == r"refused: DNS: \027[31m\007\010refused: all fine"


@pytest.mark.parametrize("status", CASES)
def test_a_run_and_providers_say_the_same_of_what_to_do(status: str) -> None:
    config = configured({"pests": ["pests.test"], "q": ["q.test", "x.test"]})
    zone, words = CASES[status]
    series = Nights(config)
    whole = WHOLE | records(q="ip4:21.0.0.0/23", x="ip4:23.0.0.1")
    series.night(whole)
    for days in (1, 3):
        gone = {} if status == "missing" else {("x.test", "TXT"): ("v=spf1 ip4:23.0.0.1 -all",)}
        night = series.night({**zone, **gone}, days=days)
    assert night.reported("q").status == status
    assert f"  {words}" in said(night).splitlines()
    assert f"  {words}" in shown(series, "q")


def test_what_never_listed_anything_needs_nothing_to_be_done(rejecting: Nights) -> None:
    config = configured({"gone": ["gone.test"], "q": ["q.test"]})
    series = Nights(config)
    night = series.night(WHOLE)
    words = "it lists no address; nothing to do, or "
    assert f"  {words}spfwhite remove gone" in said(night, verbose=False).splitlines()
    assert f"  {words}spfwhite remove gone" in shown(series, "gone")
    # with -c, `remove` leaves the file to him
    line = f"  {words}write `enabled = false` to [providers.gone]"
    assert line in shown(series, "gone", "spfwhite -c own.toml")


def test_the_commands_of_a_run_begin_as_it_was_started(rejecting: Nights) -> None:
    night = rejecting.night(WHOLE | records(q="ip4:21.0.0.1"))
    program = "spfwhite -c own.toml"
    lines = list(summary(night.report, verbose=False, program=program))
    assert lines[-1].endswith(f": {program} generate --accept q --reload")
    again = rejecting.night(WHOLE | records(q="ip4:21.0.0.1"))
    lines = list(summary(again.report, verbose=False, program=program))
    assert lines[-1] == f"also: 1 older trouble (`{program} providers` shows them)"


def test_of_many_it_is_said_once_what_to_do() -> None:
    names = [f"p{n}" for n in range(5)]
    series = Nights(configured({name: [f"{name}.test", "x.test"] for name in names}))
    zone = records(**{name: f"ip4:20.{n}.0.0/24" for n, name in enumerate(names)})
    series.night(zone | records(x="ip4:21.0.0.0/28"))
    text = said(series.night(zone), verbose=False)
    assert text.count("wait some days; if nothing of it is left: spfwhite remove NAME") == 1
