"""An explanation as people and programs read it, and those of every part of the frozen world."""

from __future__ import annotations

import json
from collections import deque

import pytest

from spfwhite.cli import explain as command
from spfwhite.cli.common import Common
from spfwhite.inspect.explain import MAX_NAMED, Denial, Passing, explain
from spfwhite.networks import EMPTY, Networks
from tests.inspect.test_explain import ZONE, explained, nights, run_of, said
from tests.support.cli import world_providers
from tests.support.nights import configured, records
from tests.support.oracle import Zone
from tests.support.zones import world

EVERY = 9
"""Of the thousand rules of the frozen world, every ninth is explained."""


def test_the_verdict_is_the_first_line_and_doubts_are_the_last() -> None:
    series = nights(ZONE | records(q="ptr -ip4:21.0.5.0/24 ip4:21.0.0.0/16"))
    lines = said(series, "21.0.5.1", verbose=True).splitlines()
    assert lines[0] == "21.0.5.1: not covered"
    order = ["keeps it out", "nearest", "nearest", "might pass it"]
    assert [next(word for word in order if word in line) for line in lines[1:]] == order


def test_what_several_providers_share_is_one_line() -> None:
    names = {f"p{number}": [f"p{number}.test"] for number in range(MAX_NAMED + 3)}
    zone = records(**dict.fromkeys(names, "include:s.test"), s="ptr ip4:20.0.0.0/16")
    text = said(nights(zone, config=configured(names)), "50.0.0.1", verbose=True)
    assert text.count("might pass it") == 1
    assert "(p0, p1, p2, p3, p4 and 3 more)" in text


def test_many_doubts_are_cut_and_the_rest_is_counted() -> None:
    zone = ZONE | records(q=" ".join(f"ip4:48.{n}.0.0/7" for n in range(9)))
    series = nights(zone)
    assert said(series, "48.0.0.1").count("might pass it") == MAX_NAMED
    assert "and 4 more terms that might; -v names them" in said(series, "48.0.0.1")
    assert said(series, "48.0.0.1", verbose=True).count("might pass it") == 9


@pytest.mark.parametrize("term", ["exists:%{i}.e.test", "ptr", "include:%{i}.e.test"])
def test_what_might_pass_every_stranger_is_said_with_verbose_only(term: str) -> None:
    series = nights(ZONE | records(q=f"{term} ip4:48.0.0.0/7"))
    stranger = said(series, "200.0.0.1")
    assert stranger.splitlines() == [
        "200.0.0.1: not covered",
        "  if it should be on the list: spfwhite suggest MAILLOG, or spfwhite add DOMAIN",
    ]
    assert f"{term} in q.test might pass it" in said(series, "200.0.0.1", verbose=True)
    assert "ip4:48.0.0.0/7 in q.test might pass it" in said(series, "48.0.0.1"), "it has this one"


def test_text_from_dns_cannot_steer_a_terminal() -> None:
    series, evil = nights(ZONE), "\x1b[31m\xe9\n"
    found = explained(series, "50.0.0.1")._replace(
        denials=(Denial("q", evil), Denial("q", f"{evil}?", certain=False)),
        passing=(Passing("q", evil, evil, (evil, evil)),),
    )
    lines = list(command.lines("50.0.0.1", found, run_of(series), Common()))
    assert sum(r"\027[31m\195\169\010" in line for line in lines) == 4
    assert all(line.isascii() and line.isprintable() for line in lines)


@pytest.mark.parametrize("asked", ["20.0.9.1", "21.0.5.9", "50.0.0.1", "2a00:1::/47", "0.0.0.0/0"])
def test_json_has_the_same_facts(asked: str) -> None:
    series = nights(ZONE, ZONE | records(q="ip4:21.0.0.0/17"))
    found = explained(series, asked)
    data = json.loads(json.dumps(command.as_json(asked, found)))
    assert data["address"] == asked
    assert data["covered"] is found.is_covered
    assert tuple(data["rules"]) == found.rules
    assert tuple(data["reject_rules"]) == found.reject_rules
    assert [each["term"] for each in data["rejecting"]] == [r.term for r in found.rejecting]
    assert [each["chain"] for each in data["passing"]] == [list(p.chain) for p in found.passing]
    assert [each["sentence"] for each in data["denials"]] == [d.sentence for d in found.denials]
    assert [each["network"] for each in data["nearest"]] == [n.network for n in found.neighbours]
    assert [each["provider"] for each in data["covered_until"]] == [c.provider for c in found.until]


# --- against a search of its own over the frozen world ---


def shortest(zone: Zone, start: str, target: str) -> int:
    """How many records the shortest chain has, by include and redirect terms without macros."""
    queue, seen = deque([(start, 1)]), {start}
    while queue:
        name, length = queue.popleft()
        if name == target:
            return length
        for word in " ".join(zone.get((name, "TXT"), ())).lower().split():
            verb, mark, below = word.lstrip("+-~?").partition(":" if "include:" in word else "=")
            if mark and verb in ("include", "redirect") and below not in seen:
                seen.add(below)
                queue.append((below, length + 1))
    raise AssertionError(f"{start} does not lead to {target}")


@pytest.mark.slow
def test_every_rule_of_the_frozen_world_is_explained_by_a_chain_that_exists() -> None:
    zone = world()
    config = configured(world_providers())
    series = nights(zone, config=config)
    run = run_of(series)
    domains = {provider.name: provider.domains for provider in config.providers}
    chains = 0
    for text in series.texts()[::EVERY]:
        found = explain(run, series.table, Networks.parse([text]), EMPTY)
        assert found.is_covered
        assert Networks.parse([text]) in (found.covered, found.asked)
        assert found.passing, text
        for each in found.passing:
            assert each.chain[0] in domains[each.provider]
            assert each.chain[-1] == each.domain
            assert len(each.chain) == shortest(zone, each.chain[0], each.domain), each
            chains += 1
    assert chains > 100
