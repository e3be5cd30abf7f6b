"""Names, MX answers, and the JSON form of a snapshot."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spfwhite.dns.answers import (
    ROTATING,
    RRTYPES,
    VALID,
    Answer,
    Failed,
    Found,
    Question,
    RRType,
    Void,
    canonical,
    mx_hosts,
    name_fault,
    snapshot_from_json,
    snapshot_to_json,
)
from spfwhite.errors import SnapshotError

LONGEST = ".".join(["a" * 63] * 3 + ["a" * 61])


@pytest.mark.parametrize("name", ["example.org", "_spf.example.org", "com", "a" * 63, "x@y/z.org"])
def test_a_name_of_printable_labels_can_be_asked_for(name: str) -> None:
    assert name_fault(name) is None


def test_a_name_may_have_253_characters_and_no_more() -> None:
    assert (len(LONGEST), name_fault(LONGEST)) == (253, None)
    assert name_fault(LONGEST + "a") == "is longer than 253 characters"


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("", "has an empty label"),
        (".", "has an empty label"),
        ("a..b", "has an empty label"),
        (".a", "has an empty label"),
        ("a.", "has an empty label"),
        ("a" * 64 + ".org", "has a label over 63 characters"),
        ("a b.org", "has a bad character"),
        ("a\\.b.org", "has a bad character"),
        ("a\n", "has a bad character"),
        ("a\x7f.org", "has a bad character"),
        ("b\xfccher.org", "has a bad character"),
    ],
)
def test_a_name_that_cannot_be_asked_for_is_told_why(name: str, fault: str) -> None:
    assert name_fault(name) == fault


def test_names_are_compared_in_lower_case_without_one_final_dot() -> None:
    assert canonical("Example.ORG.") == "example.org"
    assert canonical("example.org..") == "example.org."


def test_mx_hosts_come_by_the_number_of_their_preference() -> None:
    answer = Found(("10 b.test", "9 c.test", "100 a.test", "10 a.test"))
    assert mx_hosts(answer) == ["c.test", "a.test", "b.test", "a.test"]


def test_a_null_mx_names_no_host() -> None:
    assert mx_hosts(Found(("0 ",))) == []


LABELS = st.from_regex(r"[a-z0-9_-]{1,12}", fullmatch=True)
NAMES = st.lists(LABELS, min_size=1, max_size=4).map(".".join)
TXT = st.text(st.characters(max_codepoint=255))
MX = st.tuples(st.integers(0, 65535), NAMES | st.just("")).map(lambda mx: f"{mx[0]} {mx[1]}")
VALUES: dict[RRType, st.SearchStrategy[str]] = {
    "TXT": TXT,
    "MX": MX,
    "A": st.ip_addresses(v=4).map(str),
    "AAAA": st.ip_addresses(v=6).map(str),
}


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Question, Answer]:
    rrtype = draw(st.sampled_from(sorted(VALUES)))
    found = st.lists(VALUES[rrtype], min_size=1, max_size=3).map(lambda v: Found(tuple(v)))
    void = st.sampled_from([Void("NXDOMAIN"), Void("NODATA")])
    answer = draw(st.one_of(found, void, st.builds(Failed, st.text())))
    return Question(draw(NAMES), rrtype), answer


@given(st.lists(pairs()).map(dict))
def test_a_snapshot_is_the_same_after_a_trip_through_json(answers: dict[Question, Answer]) -> None:
    text = json.dumps(snapshot_to_json(answers))
    assert snapshot_from_json(json.loads(text)) == answers


def test_a_snapshot_is_written_in_the_same_order_however_it_was_gathered() -> None:
    questions = [Question(name, "TXT") for name in ("b.test", "a.test", "c.test")]
    one = {question: Void("NODATA") for question in questions}
    other = {question: Void("NODATA") for question in reversed(questions)}
    assert json.dumps(snapshot_to_json(one)) == json.dumps(snapshot_to_json(other))


def snapshot(**changes: object) -> dict[str, object]:
    return {"format": "spfwhite-snapshot", "version": 1, "answers": {}, **changes}


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "text",
        {},
        snapshot(format="other"),
        snapshot(format=None),
        snapshot(version="1"),
        snapshot(answers=[]),
    ],
)
def test_what_is_no_snapshot_is_refused(data: object) -> None:
    with pytest.raises(SnapshotError, match="is not a snapshot of spfwhite"):
        snapshot_from_json(data)


def test_a_snapshot_of_the_future_is_refused_with_both_versions() -> None:
    with pytest.raises(SnapshotError, match="version 2; this spfwhite reads version 1"):
        snapshot_from_json(snapshot(version=2))


@pytest.mark.parametrize(
    "key",
    [
        "a.test",
        "a.test NS",
        "a.test txt",
        "A.test TXT",
        "a.test. TXT",
        "a..b TXT",
        " TXT",
        "a b TXT",
    ],
)
def test_an_answer_to_no_question_of_ours_is_refused(key: str) -> None:
    with pytest.raises(SnapshotError, match="which is no question of ours"):
        snapshot_from_json(snapshot(answers={key: {"void": "NODATA"}}))


@pytest.mark.parametrize(
    ("rrtype", "answer"),
    [
        ("TXT", None),
        ("TXT", {}),
        ("TXT", {"found": []}),
        ("TXT", {"found": "v=spf1"}),
        ("TXT", {"found": [1]}),
        ("TXT", {"found": ["\u0100"]}),
        ("TXT", {"void": "SERVFAIL"}),
        ("TXT", {"failed": None}),
        ("MX", {"found": ["mail.test"]}),
        ("MX", {"found": ["-1 mail.test"]}),
        ("MX", {"found": ["100000 mail.test"]}),
        ("MX", {"found": ["10 mail.test\n"]}),
        ("MX", {"found": ["\u0661 mail.test"]}),
        ("A", {"found": ["192.0.2.1", "2001:db8::1"]}),
        ("A", {"found": ["192.0.2.1/24"]}),
        ("A", {"found": ["192.0.2.1\n"]}),
        ("A", {"found": ["192.0.2.01"]}),
        ("AAAA", {"found": ["192.0.2.1"]}),
        ("AAAA", {"found": ["host.test"]}),
    ],
)
def test_a_bad_answer_is_refused(rrtype: str, answer: Any) -> None:
    with pytest.raises(SnapshotError, match=f"has a bad answer for 'a.test {rrtype}'"):
        snapshot_from_json(snapshot(answers={f"a.test {rrtype}": answer}))


def test_the_text_of_a_refusal_is_short_and_printable() -> None:
    with pytest.raises(SnapshotError) as caught:
        snapshot_from_json(snapshot(answers={"\x1b[31m\u202e" * 1000: {"void": "NODATA"}}))
    text = str(caught.value)
    assert len(text) < 1000
    assert text.isascii()
    assert text.isprintable()


def test_the_values_of_each_type_are_checked() -> None:
    assert set(VALID) == set(RRTYPES)
    assert set(RRTYPES) > ROTATING
