"""`providers` with names: all about one; and the last day of a provider, wherever it shows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from spfwhite.cli import explain, providers
from spfwhite.cli.common import Common
from spfwhite.config.loading import packaged, said_of
from spfwhite.inspect import explain as search
from spfwhite.inspect import health
from spfwhite.networks import EMPTY, Networks
from spfwhite.plan.last_run import last_run
from spfwhite.report import notices
from spfwhite.report.news import News
from spfwhite.wording import DAY
from tests.support.cli import spfwhite
from tests.support.nights import START, Nights, configured, edited, records
from tests.support.oracle import Zone
from tests.support.site import Site
from tests.support.site import site as site_of

ZONE = records(
    hub="ip4:20.0.0.0/24 include:mailer.test include:_net.own.test",
    mailer="ip4:21.0.0.0/24",
    deep="include:hub.test",
) | {
    ("mail.own.test", "TXT"): ("v=spf1 include:_net.own.test -all",),
    ("_net.own.test", "TXT"): ("v=spf1 ip4:22.0.0.0/24 -all",),
}
CONFIG = configured(
    {
        "hub": ["hub.test"],
        "mailer": ["mailer.test"],
        "own": ["mail.own.test"],
        "deep": ["deep.test"],
    }
)
"""The first night is on 2023-11-15."""


def nights(*zones: Zone, config: object = CONFIG) -> Nights:
    series = Nights(config)  # type: ignore[arg-type]
    for zone in zones or (ZONE,):
        series.night(zone)
    return series


def whole(series: Nights, name: str, *, days: float = 0.0, verbose: bool = False) -> list[str]:
    run = last_run(series.config, series.state, series.now + days * DAY)
    (provider,) = (each for each in run.config.providers if each.name == name)
    row = {each.report.name: each for each in health.rows(run)}.get(name)
    return list(providers.whole(run, provider, row, Common(verbose=verbose)))


def test_one_provider_is_told_in_full() -> None:
    assert whole(nights(), "hub") == [
        "hub: ok",
        "  lists 3 IPv4 networks (768 addresses), 0 IPv6 (0 /64s)",
        "  alone nothing",
        "  also through: deep, mailer, own",
        "  last answers: 0s",
        "  its networks are the same since 2023-11-15",
        "  includes: _net.own.test, mailer.test",
        "  included by: deep",
        "  networks: 20.0.0.0/24, 21.0.0.0/24, 22.0.0.0/24",
    ]


def test_one_that_lists_nothing_is_told_in_a_word() -> None:
    told = whole(nights(ZONE | records(mailer="")), "mailer")
    assert "  lists nothing" in told
    assert not any("alone" in line or "0 IPv4" in line for line in told)


def test_one_that_rejects_is_not_told_as_one_that_is_listed() -> None:
    series = nights(config=edited(CONFIG, "own", action="reject"))
    told = whole(series, "own")
    assert "  rejects nothing" in told
    wins = "256 IPv4 addresses of it belong to allowed providers, which win over its records"
    assert f"  {wins}" in told
    rows = health.rows(last_run(series.config, series.state, series.now))
    (line,) = [it for it in providers.lines(rows, series.now, "spfwhite") if " own " in it]
    assert line.endswith(", on the reject table")


def test_a_long_name_leaves_the_lines_of_the_others_as_they_are() -> None:
    long = "long-name-" * 6
    series = nights(config=configured({"own": ["own.test"], long: ["mailer.test"]}))
    rows = health.rows(last_run(series.config, series.state, series.now))
    told = [line for line in providers.lines(rows, series.now, "") if not line.startswith(" ")]
    assert [long in line for line in told].count(True) == 1
    assert max(len(line) for line in told if long not in line) <= 80


def test_who_includes_a_part_of_it_includes_it_and_it_does_not_include_them() -> None:
    found = health.included(last_run(CONFIG, nights().state, START + DAY), "own")
    assert found == (["_net.own.test"], ["deep", "hub"])
    found = health.included(last_run(CONFIG, nights().state, START + DAY), "deep")
    assert found == (["hub.test", "_net.own.test", "mailer.test"], [])


def test_the_changes_of_30_days_are_told_the_last_one_first() -> None:
    more = ZONE | records(mailer="ip4:21.0.0.0/24 ip4:21.0.9.0/28")
    series = nights(ZONE, more, ZONE)
    told = whole(series, "mailer")
    at = told.index("  2023-11-17: removed 16 IPv4 addresses")
    assert told[at : at + 2] == [
        "  2023-11-17: removed 16 IPv4 addresses",
        "  2023-11-16: added 16 IPv4 addresses",
    ]
    later = whole(series, "mailer", days=31)
    assert "  its networks are the same for 30 days or more" in later
    assert not any("2023-11-1" in line for line in later)


def test_many_networks_are_cut_and_v_names_all() -> None:
    many = ZONE | records(mailer=" ".join(f"ip4:21.0.{2 * n}.0/24" for n in range(14)))
    (line,) = [each for each in whole(nights(many), "mailer") if "networks:" in each]
    assert line.endswith("21.0.22.0/24 and 2 more; -v names all")
    (line,) = [each for each in whole(nights(many), "mailer", verbose=True) if "networks:" in each]
    assert line.endswith("21.0.24.0/24, 21.0.26.0/24")


def test_the_trouble_is_told_with_the_command_that_ends_it() -> None:
    series = nights(ZONE | records(mailer="ip4:21.0.0.0/16"), ZONE)
    # the one in trouble is told in full even where another has the same
    for name in ("mailer", "hub"):
        command = f": spfwhite generate --accept {name} --reload"
        assert any(line.endswith(command) for line in whole(series, name))


def test_one_that_is_off_is_told_with_what_switches_it_on() -> None:
    config = edited(CONFIG, "own", enabled=False)
    (line,) = whole(nights(config=config), "own")
    assert line.startswith("own: off: `enabled = true` in [providers.own] switches it on, in ")


def test_a_definition_is_told_as_it_is_written_with_the_file_that_has_it(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("30.0.0.0/24\n")
    keys = [
        'category = "ours"',
        *("domains = [", '    "z.test",', '    "a.test",', "]"),
        'networks = ["31.0.0.0/24"]',
        f'networks_file = "{tmp_path / "list.txt"}"',
        'pages_select = { "service" = "E\\"C2" }',
        "pages_enabled = false",
        'domains_file = ""',
        "expires = 2099-01-31",
    ]
    folder = tmp_path / "providers.d"
    folder.mkdir()
    first, last = tmp_path / "providers.toml", folder / "90-added.toml"
    first.write_text("\n".join(["[providers.own]", *keys]).replace(f"{tmp_path}/", ""))
    last.write_text('[providers.other]\ndomains = ["b.test"]\n[providers.own]\nenabled = false\n')
    assert list(providers.definition("own", said_of("own", None, tmp_path))) == [
        f"  defined in {first}:",
        *(f"    {line}" for line in ["[providers.own]", *keys]),
        f"  changed in {last}:",
        "    [providers.own]",
        "    enabled = false",
    ]
    last.write_text("[providers.google]\nenabled = false\n")
    told = list(providers.definition("google", said_of("google", None, tmp_path)))
    assert told[0] == f"  defined in {packaged().file}:"
    assert told[-3:] == [f"  changed in {last}:", "    [providers.google]", "    enabled = false"]
    last.write_text("defaults = false\n[providers.google]\ndomains = ['a.test']\n")
    told = list(providers.definition("google", said_of("google", None, tmp_path)))
    assert told[0] == f"  defined in {last}:"
    assert said_of("google", first, tmp_path)[0][0] == packaged().file


def test_a_networks_file_is_named_and_not_its_lines(tmp_path: Path) -> None:
    with site_of(tmp_path) as site:
        (tmp_path / "list.txt").write_text("30.0.0.0/24\n31.0.0.0/24\n")
        with site.config.open("a") as file:
            file.write('[providers.own]\nnetworks_file = "list.txt"\n')
        site.generate()
        told = spfwhite("-c", site.config, "providers", "own").stdout
        block = f'    [providers.own]\n    networks_file = "{tmp_path / "list.txt"}"\n'
        assert told.endswith(f"  defined in {site.config}:\n{block}")
        explained = spfwhite("-c", site.config, "explain", "30.0.0.1").stdout
        assert f"own: networks in {tmp_path / 'list.txt'} or {site.config}\n" in explained


# --- the last day ---


def expiring(days: int) -> Nights:
    """A night so many days before the last day of a provider."""
    last = datetime.fromtimestamp(START + (1 + days) * DAY, UTC).date()
    return nights(config=edited(CONFIG, "own", expires=last))


def test_the_last_day_is_in_the_list_in_the_detail_and_in_json() -> None:
    series = expiring(40)
    rows = health.rows(last_run(series.config, series.state, series.now))
    told = [line for line in providers.lines(rows, series.now, "spfwhite") if " own " in line]
    assert told[0].endswith(", until 2023-12-25")
    assert whole(series, "own")[0] == "own: ok, until 2023-12-25"
    assert {providers.as_json(row, "spfwhite")["expires"] for row in rows} == {None, "2023-12-25"}


def test_explain_says_until_when_a_provider_counts() -> None:
    series = expiring(40)
    run = last_run(series.config, series.state, series.now)
    asked = Networks.parse(["22.0.0.1/32"])
    found = search.explain(run, run.plan.permitted, asked, EMPTY)
    told = list(explain.lines("22.0.0.1", found, run, Common()))
    assert [line for line in told if "until" in line] == ["  own counts until 2023-12-25"]


@pytest.mark.parametrize(("days", "said"), [(8, 0), (7, 0), (6, 1), (1, 1), (0, 1)])
def test_the_last_day_is_said_in_the_week_before_it(days: int, said: int) -> None:
    series = expiring(days)
    news = News({}, series.now, 7)
    told = list(notices.expiring(series.config, news))
    assert len(told) == said
    assert all(it.startswith("own expires on 2023-11-") for it in told)
    assert not news.known


def test_the_last_day_is_news_once() -> None:
    series = expiring(6)
    told: dict[str, object] = {}
    known = []
    for day in range(7):
        news = News(told, series.now + day * DAY, 7)  # type: ignore[arg-type]
        assert len(list(notices.expiring(series.config, news))) == 1
        told = dict(news.told)
        known.append(len(news.known))
    assert known == [0, 1, 1, 1, 1, 1, 1]


# --- by the program ---


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Site]:
    """Return a site after a run."""
    with site_of(tmp_path) as made:
        assert made.generate().returncode == 0
        yield made


def test_each_name_is_told_once_in_the_order_asked_for(made: Site) -> None:
    done = spfwhite("-c", made.config, "providers", "plain", "big", "plain")
    heads = [line for line in done.stdout.splitlines() if line[0] != " "]
    assert (done.returncode, heads, done.stderr) == (0, ["plain: ok", "big: ok"], "")
    found = json.loads(spfwhite("-c", made.config, "providers", "--format", "json", "plain").stdout)
    assert [each["name"] for each in found] == ["plain"]


def test_a_domain_stands_for_the_provider_that_has_it(made: Site) -> None:
    by_name = spfwhite("-c", made.config, "providers", "plain").stdout
    assert spfwhite("-c", made.config, "providers", "plain.test", "plain").stdout == by_name
    done = spfwhite("-c", made.config, "providers", "--format", "json", "https://plain.test/")
    assert [each["name"] for each in json.loads(done.stdout)] == ["plain"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["plian"], "there is no provider 'plian'; did you mean plain?"),
        (["plain", "zzzzzz"], "there is no provider 'zzzzzz'; `spfwhite -c "),
        (
            ["https://plian.test/"],
            "'https://plian.test/' or has it among its domains; `spfwhite add --dry-",
        ),
        (["--html", "x.html", "plain"], "--html writes a page of all providers"),
        (["--html", "x.html", "--format", "json"], "--html writes a page of all providers"),
    ],
)
def test_what_cannot_be_shown_is_a_usage_error(arguments: list[str], said: str, made: Site) -> None:
    done = spfwhite("-c", made.config, "providers", *arguments, cwd=made.folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert not (made.folder / "x.html").exists()


def test_a_last_day_in_the_week_is_told_by_the_run(made: Site) -> None:
    last = datetime.now(UTC).date() + timedelta(days=3)
    text = made.config.read_text()
    made.config.write_text(
        text.replace("[providers.plain]", f"[providers.plain]\nexpires = {last}")
    )
    first, second = made.generate(), made.generate()
    assert f"plain expires on {last}" in first.stderr
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")


def test_a_dash_in_place_of_the_file_of_the_page_is_standard_output(tmp_path: Path) -> None:
    with site_of(tmp_path) as site:
        site.generate()
        done = spfwhite("-c", site.config, "providers", "--html", "-", cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("<!DOCTYPE html>") and "</html>" in done.stdout
        assert not (tmp_path / "-").exists()
