"""A provider that is off and listed all the same is named, with what keeps it out."""

from __future__ import annotations

import pytest

from spfwhite.config.settings import Config
from spfwhite.config.values import Exclusions
from spfwhite.networks import EMPTY
from spfwhite.plan.plan import Plan
from spfwhite.plan.through_others import through_others
from tests.support.nights import Nights, configured, edited, records

ALL = configured(
    {"hub": ["hub.test"], "desk": ["desk.test"], "mailer": ["mailer.test"], "alone": ["alone.test"]}
)
OFF = edited(edited(ALL, "mailer", enabled=False), "alone", enabled=False)
ZONE = records(
    hub="ip4:20.0.0.0/24 include:mailer.test",
    desk="include:x.test ip4:20.1.0.0/24",
    x="include:mailer.test",
    mailer="ip4:21.0.0.0/24 ip6:2a00::/48",
    alone="ip4:22.0.0.0/24",
)


def planned(config: Config, zone: dict[tuple[str, str], tuple[str, ...] | str] = ZONE) -> Plan:
    return Nights(config).night(zone).plan


def said(config: Config, zone: dict[tuple[str, str], tuple[str, ...] | str] = ZONE) -> list[str]:
    return [sentence for _, sentence in through_others(config, planned(config, zone))]


def test_it_is_named_with_its_addresses_those_who_include_it_and_what_to_write() -> None:
    assert said(OFF) == [
        "mailer is off, and 256 of its addresses are listed all the same, through desk.test, "
        'hub.test; `exclude = ["mailer.test"]` in [safety] keeps them out'
    ]


def test_what_it_proposes_keeps_them_out() -> None:
    exclude = Exclusions(EMPTY, frozenset({"mailer.test"}))
    config = OFF._replace(safety=OFF.safety._replace(exclude=exclude))
    assert said(config) == []
    assert planned(config).permitted.texts() == ["20.0.0.0/24", "20.1.0.0/24"]


def test_a_record_below_its_own_that_others_include_is_its_own_too() -> None:
    zone = {
        **records(hub="ip4:20.0.0.0/24 include:_net.mailer.test", desk="ip4:20.1.0.0/24"),
        **records(mailer="include:_net.mailer.test"),
        ("_net.mailer.test", "TXT"): ("v=spf1 ip4:21.0.0.0/24 -all",),
    }
    (sentence,) = said(OFF, zone)
    assert "256 of its addresses are listed all the same, through hub.test" in sentence
    assert '`exclude = ["_net.mailer.test"]`' in sentence


def test_one_that_is_on_is_not_named_nor_one_whose_record_is_only_denied() -> None:
    assert said(ALL) == []
    assert (
        said(OFF, {**ZONE, **records(hub="-include:mailer.test ip4:20.0.0.0/8", x="ip4:23.0.0.1")})
        == []
    )


def test_a_record_that_another_provider_names_as_its_own_is_that_ones() -> None:
    assert said(edited(OFF, "hub", domains=("hub.test", "mailer.test"))) == []


@pytest.mark.parametrize("action", ["permit", "reject"])
def test_what_is_not_on_the_allow_table_does_not_count(action: str) -> None:
    config = edited(edited(OFF, "hub", action=action), "desk", action=action)
    assert bool(said(config)) == (action == "permit")


def test_without_ipv4_the_blocks_of_ipv6_are_told() -> None:
    (sentence,) = said(OFF, {**ZONE, **records(mailer="ip6:2a00::/48")})
    assert "mailer is off, and 65,536 of its IPv6 /64s are listed" in sentence
