"""Any bytes are a state or a StateError, and a state that loads can be used."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spfwhite.errors import StateError
from spfwhite.plan.state import State, dump, parse
from spfwhite.report.as_json import dump as dump_report
from spfwhite.report.text import summary
from tests.plan.test_state import CONFIG, WORLD, everything
from tests.support.nights import START, failing, run

pytestmark = pytest.mark.slow

REAL = dump(everything())

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from([2**63, 10**400, -1, 1e308, float("nan"), float("inf"), "::/0", "\ud800"])
    | st.sampled_from(
        ["found", "void", "failed", "values", "p.test TXT", "20.0.0.0/16", "NXDOMAIN"]
    )
)
trees = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
    ),
    max_leaves=12,
)


def taken(content: bytes) -> State | None:
    """The state of some bytes, or None for a StateError; anything else is the test's failure."""
    try:
        return parse(content)
    except StateError as error:
        assert str(error)
        assert str(error).isprintable()
        assert len(str(error)) < 300
        return None


def is_usable(state: State) -> bool:
    """Whether runs on a state come to an end, and so does what they report and leave behind."""
    for zone in (WORLD, failing(WORLD)):
        night = run(CONFIG, zone, state, START)
        assert dump_report(night.report)
        assert list(summary(night.report, verbose=True))
    return parse(dump(state)) == state


def places(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all values in a JSON document."""
    found = [path] if path else []
    if isinstance(data, dict):
        found += [p for key, value in data.items() for p in places(value, (*path, key))]
    if isinstance(data, list):
        found += [p for i, value in enumerate(data) for p in places(value, (*path, i))]
    return found


PLACES = places(json.loads(REAL))


def changed(path: tuple[Any, ...], value: Any) -> bytes:
    """The real state with another value at one place."""
    data = json.loads(REAL)
    at = data
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return json.dumps(data).encode()


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_random_bytes_are_no_state(content: bytes) -> None:
    assert taken(content) is None


@settings(max_examples=200)
@given(trees)
def test_random_json_is_no_state(data: object) -> None:
    assert taken(json.dumps(data).encode()) is None


@settings(max_examples=300)
@given(st.fixed_dictionaries({key: trees for key in json.loads(REAL)}))
def test_random_json_under_our_keys_is_a_state_or_an_error(data: dict[str, Any]) -> None:
    state = taken(json.dumps({**data, "format": "spfwhite-state", "version": 2}).encode())
    assert state is None or is_usable(state)


@settings(max_examples=500)
@given(path=st.sampled_from(PLACES), value=trees)
def test_a_state_with_one_value_changed_is_an_error_or_can_be_used(
    path: tuple[Any, ...], value: Any
) -> None:
    state = taken(changed(path, value))
    assert state is None or is_usable(state)


@pytest.mark.parametrize("seconds", [0, 253_402_300_799, 253_402_300_800, 999_999_999_999])
def test_a_time_in_a_state_is_an_error_or_can_be_reported(seconds: int) -> None:
    for path in (place for place in PLACES if place[-1] in ("seen", "since", "held", "when")):
        state = taken(changed(path, seconds))
        assert state is None or is_usable(state), path


@settings(max_examples=300)
@given(position=st.integers(0, len(REAL) - 1), byte=st.integers(0, 255), cut=st.integers(0, 3))
def test_a_state_with_bytes_changed_is_an_error_or_can_be_used(
    position: int, byte: int, cut: int
) -> None:
    state = taken(REAL[:position] + bytes([byte]) + REAL[position + cut :])
    assert state is None or is_usable(state)


def test_a_state_cut_anywhere_is_no_state() -> None:
    for length in range(len(REAL) - 2):
        assert taken(REAL[:length]) is None, length


@pytest.mark.parametrize("version", [0, 1, 99, "2", None, [1], 10**400, "9" * 1000, {"a": 1}])
def test_another_version_is_named_as_such(version: object) -> None:
    with pytest.raises(StateError, match=r"is of version .*, not 2"):
        parse(changed(("version",), version))


@pytest.mark.parametrize("form", ["spfwhite-snapshot", "", None, 1, ["spfwhite-state"]])
def test_another_format_is_foreign(form: object) -> None:
    with pytest.raises(StateError, match="is not a state of spfwhite"):
        parse(changed(("format",), form))


@pytest.mark.parametrize("key", [key for key in json.loads(REAL) if key != "told"])
def test_a_state_that_lacks_a_key_is_an_error(key: str) -> None:
    data = json.loads(REAL)
    del data[key]
    assert taken(json.dumps(data).encode()) is None


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"format":"spfwhite-state","version":['])
@pytest.mark.parametrize("depth", [900, 100_000])
def test_deep_nesting_is_an_error(opening: bytes, depth: int) -> None:
    assert taken(opening + b"[" * depth) is None
    closing = b"]" * depth + (b"}" if b"{" in opening else b"]")
    if opening.endswith(b"["):
        closing = b"]" + b"]" * depth + (b"}" if b"{" in opening else b"")
    assert taken(opening + b"[" * depth + closing) is None


@pytest.mark.parametrize(
    "number", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1", b"9" * 5000]
)
def test_numbers_that_are_no_time_are_an_error(number: bytes) -> None:
    content = REAL.replace(b'"written": 1', b'"written": %b, "x": 1' % number, 1)
    assert content != REAL
    assert taken(content) is None


def test_of_duplicate_keys_the_last_counts_and_is_checked() -> None:
    content = REAL.replace(b'"known": {', b'"known": {"p.test TXT": 1,', 1)
    assert taken(content) == parse(REAL)
    content = REAL.replace(b'"known": {', b'"known": 1, "known": {"p.test TXT": {"found": 1},', 1)
    assert taken(content) == parse(REAL)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("known",), {"p.test TXT": {"failed": 1, "seen": 1.0}}),
        (("known",), {"p.test TXT": {"failed": "\ud800", "seen": 1.0}}),
        (("known",), {"P.test TXT": {"found": ["x"], "seen": 1.0}}),
        (("known",), {"p..test TXT": {"found": ["x"], "seen": 1.0}}),
        (("known",), {"p.test SOA": {"found": ["x"], "seen": 1.0}}),
        (("known",), {"p.test A": {"found": ["x"], "seen": 1.0}}),
        (("known",), {"p.test A": {"found": ["2a00::1"], "seen": 1.0}}),
        (("known",), {"p.test A": {"found": [], "seen": 1.0}}),
        (("known",), {"p.test A": {"found": ["20.0.0.1"], "seen": True}}),
        (("known",), {"p.test A": {"found": ["20.0.0.1"], "seen": 1, "values": {"::1": 1}}}),
        (("known",), {"p.test A": {"failed": "no", "seen": 1, "values": {"20.0.0.1": 1}}}),
        (("known",), {"p.test TXT": {"found": ["x"], "seen": 1, "values": {"y": 1}}}),
        (("known",), {"p.test MX": {"found": ["host"], "seen": 1.0}}),
        (("terms",), [["p.test", "a", ["20.0.0.1/16"]]]),
        (("terms",), [["p.test", "a", [335544320]]]),
        (("terms",), [["p.test", ["20.0.0.0/16"]]]),
        (("accepted", "p", "terms"), [99]),
        (("accepted", "p", "terms"), [-1]),
        (("accepted", "p", "terms"), ["0"]),
        (("accepted", "p", "held"), "yes"),
        (("accepted", "p", "digest"), 1),
        (("tables",), {"/x": {"written": 1, "loaded": ""}}),
        (("journal",), [{"when": 1, "provider": "p", "added": ["x"], "removed": []}]),
    ],
)
def test_a_value_that_no_run_writes_is_an_error(path: tuple[Any, ...], value: object) -> None:
    assert taken(changed(path, value)) is None
