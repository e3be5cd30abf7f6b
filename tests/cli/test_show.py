"""The forms of `show` from hand-made answers: a record once, problems in place, text escaped."""

from __future__ import annotations

import json
from typing import Any

import click
import pytest

from spfwhite.cli import show
from spfwhite.dns.answers import Answer, Failed, Found, Question
from spfwhite.spf.evaluation import evaluate
from spfwhite.spf.result import Evaluation
from spfwhite.spf.width import Widest


def answers(**records: str) -> dict[Question, Answer]:
    """Return the records of `NAME.test`."""
    return {Question(f"{name}.test", "TXT"): Found((text,)) for name, text in records.items()}


def evaluated(domain: str = "a.test", **records: str) -> Evaluation:
    return evaluate([domain], answers(**records))


def tree(evaluation: Evaluation, domain: str = "a.test") -> list[str]:
    return list(map(click.unstyle, show.tree(evaluation, domain)))


def terms(node: Any) -> list[str]:
    """Return every term of a JSON tree, outer ones first."""
    return [
        text
        for step in node.get("terms", ())
        for text in [step["term"], *(terms(step["record"]) if step["record"] else [])]
    ]


def indent(line: str) -> int:
    return len(line) - len(line.lstrip())


DIAMOND = {
    "a": "v=spf1 include:b.test include:c.test -all",
    "b": "v=spf1 include:d.test -all",
    "c": "v=spf1 include:d.test -all",
    "d": "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/48 -all",
}


def test_a_record_that_two_paths_reach_is_unfolded_once() -> None:
    evaluation = evaluated(**DIAMOND)
    assert sum("ip4:192.0.2.0/24" in line for line in tree(evaluation)) == 1
    found = terms(show.as_json(evaluation, "a.test")["tree"])
    assert found.count("ip4:192.0.2.0/24") == 1
    assert found.count("include:d.test") == 2


def test_a_record_is_unfolded_where_it_is_nearest_to_the_domain() -> None:
    # by the first include d.test is two below, by the second one
    evaluation = evaluated(**DIAMOND | {"a": "v=spf1 include:b.test include:d.test -all"})
    (line,) = [line for line in tree(evaluation) if "ip4:192.0.2.0/24" in line]
    (outer,) = [line for line in tree(evaluation) if "include:b.test" in line]
    assert indent(line) == indent(outer) + 2


def test_a_loop_is_shown_and_ends() -> None:
    evaluation = evaluated(a="v=spf1 include:b.test -all", b="v=spf1 include:a.test -all")
    lines = tree(evaluation)
    assert len(lines) < 20
    assert sum("loop" in line for line in lines) == 2
    json.dumps(show.as_json(evaluation, "a.test"))


def test_a_term_says_what_it_added_by_family() -> None:
    lines = tree(evaluated(**DIAMOND))
    (v4,) = [line for line in lines if "ip4:192.0.2.0/24" in line]
    (v6,) = [line for line in lines if "ip6:2001:db8::/48" in line]
    assert "256 IPv4" in v4
    assert "65,536" in v6


@pytest.mark.parametrize(
    ("text", "idle"),
    [
        ("v=spf1 redirect=p.test -all", ["redirect=p.test"]),
        ("v=spf1 ip4:192.0.2.1 ~all a:h.test include:p.test", ["a:h.test", "include:p.test"]),
        ("v=spf1 +all -all", ["-all"]),
    ],
)
@pytest.mark.parametrize("strict", [False, True])
def test_a_term_that_no_check_comes_to_is_shown_as_such(
    text: str, idle: list[str], *, strict: bool
) -> None:
    evaluation = evaluate(["a.test"], answers(a=text), strict=strict)
    lines = [line.strip() for line in tree(evaluation)]
    assert [line.split()[0] for line in lines if "(never reached: " in line] == idle
    found = show.as_json(evaluation, "a.test")["tree"]["idle"]
    assert [each["term"] for each in found] == idle
    assert all("never reached" in each["note"] for each in found)


def test_a_modifier_is_shown_as_what_it_is() -> None:
    lines = tree(evaluated(a="v=spf1 exp=e.test ip4:192.0.2.1 ra=postmaster -all"))
    assert [line.split()[0] for line in lines if "(a modifier, which passes nothing)" in line] == [
        "exp=e.test",
        "ra=postmaster",
    ]


def test_every_term_of_a_record_is_shown_once() -> None:
    text = "v=spf1 x=1 ip4:192.0.2.1 ip4:192.0.2.1 mx=p.test moo redirect=p.test -all ptr ptr"
    shown = [line.split()[0] for line in tree(evaluated(a=text))]
    for term in set(text.split()[1:]):
        assert shown.count(term) == text.split().count(term), term


def test_a_record_that_a_syntax_error_voids_is_shown_with_the_error_at_its_term() -> None:
    records = answers(a="v=spf1 include:b.test -all", b="v=spf1 ip4:192.0.2.1 ip4:192.0.2 -all")
    lines = tree(evaluate(["a.test"], records, strict=True))
    at = lines.index("    ip4:192.0.2")
    assert lines[at + 1].endswith("is not an IPv4 address or network, which voids the record")
    assert lines.index("  include:b.test") < at
    assert "voids" not in lines[lines.index("  include:b.test") + 1]


@pytest.mark.parametrize("text", ["v=spf1 ~all", "v=spf1", "v=spf1 include:gone.test ?all"])
@pytest.mark.parametrize("strict", [False, True])
def test_a_record_that_passes_nothing_says_so(text: str, *, strict: bool) -> None:
    lines = tree(evaluate(["a.test"], answers(a=text), strict=strict))
    assert "  ! missing: the SPF record passes no address" in lines


@pytest.mark.parametrize("strict", [False, True])
def test_a_record_that_nobody_follows_is_shown_with_what_it_would_pass(*, strict: bool) -> None:
    widest = Widest(excluded=frozenset({"b.test"}))
    evaluation = evaluate(["a.test"], answers(**DIAMOND), strict=strict, widest=widest)
    (line,) = [line for line in tree(evaluation) if "safety.exclude names b.test" in line]
    assert "256 addresses" in line
    below = show.as_json(evaluation, "a.test")["tree"]["terms"][0]["record"]
    assert below["excluded"] == ["192.0.2.0/24", "2001:db8::/48"]


def test_a_problem_stands_below_its_term() -> None:
    lines = tree(evaluated(a="v=spf1 ip4:192.0.2.1 ip4:192.0.2.0/33 -all"))
    at = next(i for i, line in enumerate(lines) if line.strip().startswith("ip4:192.0.2.0/33"))
    assert "syntax" in lines[at + 1]


def test_a_dropped_directive_that_could_have_denied_says_that_it_widens() -> None:
    evaluation = evaluated(a="v=spf1 -exists:%{i}.test ip4:192.0.2.1 -all")
    assert any("undecidable" in line and "widens" in line for line in tree(evaluation))
    (problem,) = show.as_json(evaluation, "a.test")["problems"]
    assert problem["widens"] is True


def test_a_domain_without_a_record_says_why() -> None:
    evaluation = evaluate(["a.test"], {Question("a.test", "TXT"): Failed("timed out")})
    assert any("temporary" in line and "timed out" in line for line in tree(evaluation))
    found = show.as_json(evaluation, "a.test")
    assert found["networks"] == []
    assert [problem["kind"] for problem in found["problems"]] == ["temporary"]


def test_json_of_a_domain_has_the_keys_that_are_promised() -> None:
    found = show.as_json(evaluated(**DIAMOND), "a.test")
    assert {"domain", "networks", "problems", "lookups", "tree"} <= found.keys()
    assert found["domain"] == "a.test"
    assert found["networks"] == ["192.0.2.0/24", "2001:db8::/48"]
    assert found["lookups"] == 4
    assert found["problems"] == []


def test_a_problem_in_json_has_the_keys_that_are_promised() -> None:
    (problem,) = show.as_json(evaluated(a="v=spf1 ip4:x ip4:192.0.2.1 -all"), "a.test")["problems"]
    assert {"kind", "domain", "term", "detail"} <= problem.keys()
    assert (problem["kind"], problem["domain"], problem["term"]) == ("syntax", "a.test", "ip4:x")


def test_cidrs_are_those_of_all_domains_collapsed() -> None:
    both = answers(a="v=spf1 ip4:192.0.2.0/25 -all", b="v=spf1 ip4:192.0.2.128/25 -all")
    assert show.cidrs(evaluate(["a.test", "b.test"], both)) == ["192.0.2.0/24"]


@pytest.mark.parametrize(
    "text",
    [
        "v=spf1 ip4:192.0.2.1 a:\x1b[31mred.test -all",
        "v=spf1 ip4:192.0.2.1 include:nul\0.test -all",
        "v=spf1 ip4:192.0.2.1 include:two\nlines.test -all",
        "v=spf1 ip4:192.0.2.1 exists:caf\xe9.test -all",
        "v=spf1 ip4:192.0.2.1 \x9b31m -all",
        f"v=spf1 ip4:192.0.2.1 {'x' * 60_000} -all",
    ],
)
def test_text_from_dns_is_printable_ascii_of_bounded_length(text: str) -> None:
    evaluation = evaluated(a=text)
    for line in tree(evaluation):
        assert line.isascii()
        assert line.isprintable()
        assert len(line) < 600
    assert json.dumps(show.as_json(evaluation, "a.test")).isprintable()
