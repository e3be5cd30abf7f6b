"""What `add` and `import` write: TOML that is read as what was meant, and names of providers."""

from __future__ import annotations

import tomllib
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from spfwhite.config.values import NAME
from spfwhite.config.writing import Value, table, unused_name

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.booleans() | TEXTS | st.dates() | st.lists(TEXTS) | st.dictionaries(TEXTS, TEXTS)


@given(st.dictionaries(st.sampled_from(["a", "b_c", "d-1"]), VALUES))
def test_a_table_is_read_as_it_was_meant(keys: dict[str, Value]) -> None:
    assert tomllib.loads(table("providers.x-1", keys)) == {"providers": {"x-1": keys}}


def test_a_table_is_one_that_people_read() -> None:
    keys: dict[str, Value] = {"domains": ["a.test", "b.test"], "networks": ["::/64"]}
    assert table("providers.x", {**keys, "expires": date(2027, 1, 31), "mx": True}) == (
        '[providers.x]\ndomains = [\n    "a.test",\n    "b.test",\n]\nnetworks = ["::/64"]\n'
        "expires = 2027-01-31\nmx = true\n"
    )


def test_names_are_made_from_domains_and_networks() -> None:
    assert unused_name("_spf.Late.test", []) == "spf-late-test"
    assert unused_name("2001:db8::/32", []) == "2001-db8-32"
    assert unused_name("...", []) == "provider"
    assert unused_name("late.test", ["late-test", "late-test-2"]) == "late-test-3"


@given(st.text(), st.sets(st.sampled_from(["a", "a-2", "provider"])))
def test_a_name_can_be_used_and_is_not_taken(wanted: str, taken: set[str]) -> None:
    name = unused_name(wanted, taken)
    assert NAME.fullmatch(name) and name not in taken
