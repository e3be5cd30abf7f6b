"""Domains in `safety.exclude` over nights: what goes at once, and what the limits make of it."""

from __future__ import annotations

import pytest

from spfwhite.config.settings import Config
from spfwhite.config.values import Exclusions
from spfwhite.networks import EMPTY, Networks
from tests.support.nights import Nights, configured, failing, records

PROVIDERS = {"hub": ["hub.test"], "other": ["other.test"]}
PLAIN = configured(PROVIDERS)
ZONE = records(
    hub="ip4:20.0.0.0/24 include:mailer.test",
    mailer="ip4:21.0.0.0/16 include:below.test",
    below="ip4:22.0.0.0/16",
    other="ip4:23.0.0.0/24 include:mailer.test",
)
OWN = Networks.parse(["20.0.0.0/24", "23.0.0.0/24"])
MAILER = Networks.parse(["21.0.0.0/16", "22.0.0.0/16"])


def excluding(*, strict: bool = False) -> Config:
    exclude = Exclusions(EMPTY, frozenset({"mailer.test"}))
    return configured(PROVIDERS, safety={"exclude": exclude}, spf={"strict": strict})


@pytest.mark.parametrize("strict", [False, True])
def test_what_is_excluded_goes_at_once_and_counts_in_no_limit(*, strict: bool) -> None:
    series = Nights(configured(PROVIDERS, spf={"strict": strict}))
    series.night(ZONE)
    assert series.table == OWN | MAILER
    series.config = excluding(strict=strict)
    night = series.night(ZONE)
    assert (night.plan.refusals, series.table) == ((), OWN)
    assert [decision.status for decision in night.plan.decisions] == ["ok", "ok"]
    assert not any(decision.degraded for decision in night.plan.decisions)


def test_it_goes_as_well_from_what_is_kept_because_nobody_answers() -> None:
    series = Nights(PLAIN)
    series.night(ZONE)
    series.config = excluding()
    series.night(failing(ZONE))
    assert series.table == OWN


def test_a_loss_beside_it_is_held_as_ever() -> None:
    zone = {**ZONE, **records(hub="ip4:20.0.0.0/16 include:mailer.test")}
    series = Nights(PLAIN)
    series.night(zone)
    series.config = excluding()
    night = series.night({**zone, **records(hub="ip4:20.0.0.0/24 include:mailer.test")})
    assert night.decision("hub").status == "held"
    assert series.table == OWN | Networks.parse(["20.0.0.0/16"])


def test_what_a_provider_passes_by_itself_as_well_stays() -> None:
    zone = {**ZONE, **records(hub="include:mailer.test ip4:21.0.0.0/24")}
    series = Nights(PLAIN)
    series.night(zone)
    series.config = excluding()
    series.night(zone)
    assert series.table == Networks.parse(["21.0.0.0/24", "23.0.0.0/24"])
