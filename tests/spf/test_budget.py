"""Records within every cap end soon, whatever they are: counted, and never timed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from spfwhite.dns.answers import Found, Question
from spfwhite.networks import Networks
from spfwhite.spf import budget
from spfwhite.spf import record as spf
from spfwhite.spf.evaluation import evaluate
from spfwhite.spf.result import Evaluation
from spfwhite.spf.width import Widest
from tests.spf.test_evaluate import Mode, strictly
from tests.support.hostile import EVIL, WORST, Records, ring, ring_that_denies_first, searched
from tests.support.oracle import Zone
from tests.support.steps import steps
from tests.support.zones import Snapshot, domains, world

pytestmark = pytest.mark.slow

RAIL = Widest(8, 19)
LINES = 40
"""Lines of the package for each term or range that is counted."""

MODES = pytest.mark.parametrize("mode", [evaluate, strictly])


def zone_of(records: Records) -> Zone:
    return {(name, "TXT"): (text,) for name, text in records.items()}


def evaluated(mode: Mode, records: Records, *names: str) -> Evaluation:
    return mode([*names] or [EVIL], Snapshot(zone_of(records)), widest=RAIL)


def counted(mode: Mode, records: Records, most: int) -> int:
    """Return the lines that an evaluation takes, those that parse the records not counted."""
    for text in records.values():
        spf.parse(text)
    return steps(lambda: evaluated(mode, records), most)


@MODES
@pytest.mark.parametrize("made", WORST)
def test_the_worst_records_within_the_caps_end_soon(
    mode: Mode, made: Callable[[], Records]
) -> None:
    records = made()
    assert sum(map(len, records.values())) < 2**20
    assert counted(mode, records, LINES * budget.MAX_STEPS)


@MODES
def test_no_records_of_a_search_take_more_than_the_budget(
    mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a twenty-fifth of the caps and of the budget, so that a search takes seconds
    monkeypatch.setattr(budget, "MAX_STEPS", 20_000)
    limits = 0
    for seed in range(40):
        records = searched(seed, 2**20 // 25)
        assert counted(mode, records, 2 * LINES * budget.MAX_STEPS), seed
        limits += kinds(evaluated(mode, records)) == ["limit"]
    assert limits < 40, "or all that it shows is that the budget ends everything"
    assert limits or mode is strictly, "or the search found nothing that is dear"


def kinds(evaluation: Evaluation) -> list[str]:
    return [problem.kind for problem in evaluation.problems(EVIL)]


@pytest.mark.parametrize("step", [1, -1])
def test_a_circle_of_twice_the_records_takes_twice_the_steps(step: int) -> None:
    few, many = (counted(evaluate, ring(step, size=size), 10**7) for size in (100, 200))
    assert many < 2.3 * few


@MODES
def test_the_budget_ends_as_a_limit_of_the_whole_domain(mode: Mode) -> None:
    records = {f"l{i}.test": full(i) for i in range(8)}
    records |= {f"t{i}.test": top(i) for i in range(7)}
    records |= {EVIL: "v=spf1 " + " ".join(f"include:t{i}.test" for i in range(7))}
    evaluation = evaluated(
        mode, records | {"good.test": "v=spf1 ip4:20.0.0.1 -all"}, EVIL, "good.test"
    )
    (problem,) = evaluation.problems(EVIL)
    assert (problem.kind, problem.domain, problem.term) == ("limit", EVIL, "")
    assert "500,000" in problem.detail
    assert not evaluation.root(EVIL).passed
    assert evaluation.root("good.test").passed.texts() == ["20.0.0.1/32"]


def full(number: int) -> str:
    return " ".join(["v=spf1", *(f"ip4:2{number}.{i >> 7}.{i % 128 * 2}.1" for i in range(3_900))])


def top(number: int) -> str:
    includes = (f"include:l{i}.test" for i in range(8))
    denials = (f"-ip4:3{number}.{i >> 7}.{i % 128 * 2}.1" for i in range(3_700))
    return " ".join(["v=spf1", *includes, *denials])


def test_who_shares_dear_records_is_over_too_in_any_order_and_nobody_else() -> None:
    records = ring_that_denies_first() | {
        "over.test": f"v=spf1 ip4:20.0.0.1 include:{EVIL}",
        "good.test": "v=spf1 ip4:20.0.0.1 -all",
    }
    for names in (["over.test", EVIL, "good.test"], ["good.test", EVIL, "over.test"]):
        evaluation = evaluated(evaluate, records, *names)
        assert evaluation.root("over.test").fault
        assert evaluation.root(EVIL).fault
        assert evaluation.root("good.test").passed.texts() == ["20.0.0.1/32"]


def test_what_was_dear_once_is_not_worked_out_for_each_domain_that_leads_to_it() -> None:
    records = ring_that_denies_first()
    others = {f"p{i}.test": f"v=spf1 include:{EVIL}" for i in range(20)}
    alone = counted(evaluate, records, 10**8)
    names = [EVIL, *others]
    together = steps(lambda: evaluated(evaluate, records | others, *names), 10**8)
    assert together < 1.5 * alone


def test_addresses_of_one_host_count_as_often_as_they_are_read() -> None:
    zone = {
        Question(EVIL, "TXT"): Found(("v=spf1" + " a:h.test/8" * 1_000,)),
        Question("h.test", "A"): Found(tuple(f"20.0.{i >> 8}.{i & 255}" for i in range(2_000))),
        Question("h.test", "AAAA"): Found(("2001:db8::1",)),
    }
    (problem,) = evaluate([EVIL], zone).problems(EVIL)
    assert problem.kind == "limit"


@MODES
def test_a_domain_that_fills_its_octets_with_addresses_is_evaluated(mode: Mode) -> None:
    names = [f"l{i}.test" for i in range(10)]
    records = {EVIL: "v=spf1 " + " ".join(f"include:{name}" for name in names)}
    records |= {name: full(i) for i, name in enumerate(names)}
    assert evaluated(mode, records).root(EVIL).passed.count() == 39_000


@MODES
@pytest.mark.parametrize("rail", [Widest(), RAIL, Widest(16, 32)])
def test_no_sender_of_the_frozen_world_comes_near_the_budget(
    mode: Mode, rail: Widest, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone = world()
    before = mode(domains(zone), Snapshot(zone), widest=rail)
    monkeypatch.setattr(budget, "MAX_STEPS", budget.MAX_STEPS // 150)
    after = mode(domains(zone), Snapshot(zone), widest=rail)
    assert list(after.nodes) == list(before.nodes)
    assert Networks.union(after.root(name).passed for name in domains(zone))
