"""On the recorded world: an include that is renamed to a name that is not there is named."""

from __future__ import annotations

import json
import re

import pytest

from tests.support.nights import Nights, configured
from tests.support.oracle import Zone
from tests.support.zones import WORLD, world

pytestmark = pytest.mark.slow

GROUPS: dict[str, list[str]] = json.loads((WORLD / "providers.json").read_bytes())
CONFIG = configured({name: [name] for group in GROUPS.values() for name in group})
TXT = {at: values for at, values in world().items() if at[1] == "TXT"}
INCLUDES = sorted(
    {
        name
        for values in TXT.values()
        for text in values
        if text.startswith("v=spf1")
        for name in re.findall(r" include:([A-Za-z0-9_.-]+)(?= )", text)
    }
)


def renamed(name: str) -> Zone:
    """The world in which every record includes another name in place of this one."""
    new = {
        at: tuple(text.replace(f" include:{name} ", f" include:gone-{name} ") for text in values)
        for at, values in TXT.items()
    }
    return {**world(), **new}


def test_every_include_that_takes_networks_off_the_list_is_named() -> None:
    series = Nights(CONFIG)
    series.night(world())
    before = series.state
    taken = 0
    for name in INCLUDES:
        series.state = before
        for made in series.night(renamed(name)).plan.decisions:
            lost = made.before - made.passed
            taken += bool(lost)
            assert not lost or f"include:gone-{name}" in made.notice, (name, made.provider.name)
            assert lost or not made.notice, (name, made.provider.name)
    assert len(INCLUDES) > 80
    assert taken > 20
