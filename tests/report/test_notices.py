"""What a run says once, with exit code 0: what goes by the operator's will, and a lost state."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.site import PROVIDERS, RULES, Site, site

TODAY = datetime.now(UTC).date()
STATIC = '[providers.static]\nnetworks = ["198.51.103.0/24"]\nexpires = {}'


@pytest.fixture
def ran(tmp_path: Path) -> Iterator[Site]:
    with site(tmp_path) as made:
        assert made.generate().returncode == 0
        yield made


def said(made: Site, *options: str) -> str:
    """Return what a run says that ends with 0."""
    done = made.generate(*options)
    assert (done.returncode, done.stdout) == (0, "")
    return done.stderr


def edit(made: Site, old: str, new: str) -> None:
    text = made.config.read_text()
    assert old in text
    made.config.write_text(text.replace(old, new))


def test_a_provider_that_the_configuration_has_no_more_is_named_once(ran: Site) -> None:
    edit(ran, '[providers.plain]\ndomains = ["plain.test"]', "")
    assert "switched off: plain\n" in ran.generate("--dry-run").stderr
    assert "no longer configured, or switched off: plain\n" in said(ran)
    assert said(ran) == ""


def test_a_provider_that_is_switched_off_is_named_once(ran: Site) -> None:
    edit(ran, "[providers.plain]", "[providers.plain]\nenabled = false")
    assert "no longer configured, or switched off: plain\n" in said(ran)
    assert said(ran) == ""


def test_what_others_keep_on_the_list_of_one_that_is_switched_off_is_said(tmp_path: Path) -> None:
    with site(tmp_path, providers={**PROVIDERS, "twin": ["plain.test"]}) as made:
        assert made.generate().returncode == 0
        edit(made, "[providers.plain]", "[providers.plain]\nenabled = false")
        assert "256 IPv4 addresses stay on the list through others: twin\n" in said(made)


def test_many_providers_that_go_are_counted(tmp_path: Path) -> None:
    many = {f"p{number:02}": ["plain.test"] for number in range(15)}
    with site(tmp_path, providers={**PROVIDERS, **many}) as made:
        assert made.generate().returncode == 0
        for name in many:
            edit(made, f"[providers.{name}]", f"[providers.{name}]\nenabled = false")
        news = said(made)
        assert ": p00, p01, p02, " in news
        assert " p11 and 3 more\n" in news


def test_a_state_that_is_gone_is_missed_where_its_table_is(ran: Site) -> None:
    ran.state.unlink()
    assert f"there is no {ran.state}, though spfwhite wrote {ran.table}: " in said(ran)
    assert said(ran) == ""


def test_no_state_is_missed_on_the_first_run_or_for_an_output_elsewhere(tmp_path: Path) -> None:
    with site(tmp_path) as made:
        assert made.generate("-o", "-").stderr == ""
        assert said(made) == ""
        made.state.unlink()
        assert made.generate("-o", "-").stderr == ""
        snapshot = tmp_path / "snapshot.json"
        assert made.generate("-o", "-", "--record", snapshot).returncode == 0
        assert made.generate("--dry-run", "--replay", snapshot).stderr == ""


def aged(made: Site, days: int) -> None:
    state = json.loads(made.state.read_bytes())
    state["written"] -= days * 86_400
    made.state.write_text(json.dumps(state))


def test_static_networks_whose_last_day_is_over_are_news_once(tmp_path: Path) -> None:
    last_day = date.fromordinal(TODAY.toordinal() - 1)
    with site(tmp_path, more=STATIC.format(TODAY + timedelta(1))) as made:
        assert made.generate().returncode == 0
        assert "198.51.103.0/24\tpermit" in made.rules()
        edit(made, str(TODAY + timedelta(1)), str(last_day))
        aged(made, 2)
        assert f"its last day was {last_day}" in said(made)
        assert made.rules() == RULES
        assert said(made) == ""


def test_a_last_day_that_was_over_when_it_was_typed_is_news_once(tmp_path: Path) -> None:
    with site(tmp_path, more=STATIC.format(TODAY)) as made:
        assert made.generate().returncode == 0
        edit(made, str(TODAY), "2020-01-31")
        assert "static: expired: nothing listed\n  its last day was 2020-01-31" in said(made)
        assert made.rules() == RULES
        assert said(made) == ""


@pytest.mark.parametrize(("mistyped", "size"), [("51.0.0.0/8", "16,777,216"), ("0.0.0.0/1", "2,1")])
def test_own_networks_that_grow_far_are_news_once(mistyped: str, size: str, tmp_path: Path) -> None:
    with site(tmp_path, more='[providers.own]\nnetworks = ["51.0.0.0/30", "51.0.1.0/31"]') as made:
        assert made.generate().returncode == 0
        edit(made, "51.0.0.0/30", "51.0.0.0/29")
        assert said(made) == ""
        edit(made, "51.0.0.0/29", mistyped)
        assert f"  in its own networks it grows from 10 to {size}" in said(made)
        assert said(made) == ""


def test_own_networks_that_are_left_out_are_news_once(tmp_path: Path) -> None:
    more = '[providers.own]\nspecial_use = "drop"\nnetworks = ["51.0.0.0/24"]'
    with site(tmp_path, more=more) as made:
        assert made.generate().returncode == 0
        edit(made, '"51.0.0.0/24"', '"51.0.0.0/24", "10.7.0.0/24"')
        left_out = "10.7.0.0/24 of its own is for special use and left out"
        assert f'{left_out}; `special_use = "keep"` in [providers.own] lists it' in said(made)
        assert said(made) == ""


def test_own_networks_that_are_new_or_fewer_are_no_news(tmp_path: Path) -> None:
    with site(tmp_path, more='[providers.own]\nnetworks = ["51.0.0.0/16"]') as made:
        assert made.generate().returncode == 0
        edit(made, "51.0.0.0/16", "51.0.0.0/24")
        assert said(made) == ""
        more = '[providers.more]\nnetworks = ["52.0.0.0/16"]\n'
        edit(made, "[providers.own]", f"{more}[providers.own]")
        assert said(made) == ""
