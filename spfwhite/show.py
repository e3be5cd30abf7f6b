"""What a domain passes, for people and for programs: the forms of `spfwhite show`.

Owns: the tree of records with every term, and its JSON form. Refuses: to evaluate.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from spfwhite.networks import Networks
from spfwhite.rules import clipped
from spfwhite.strict import MAX_LOOKUPS, MAX_VOIDS
from spfwhite.text import counts
from spfwhite.trail import Evaluation, Node, Problem, Step


def tree(evaluation: Evaluation, domain: str) -> Iterator[str]:
    """Yield the record tree of a domain, a line a term; a record is unfolded once."""
    root = evaluation.root(domain)
    yield f"{clipped(domain)}: passes {counts(root.passed)}"
    yield (
        f"  look-ups {root.lookups} of {MAX_LOOKUPS} that RFC 7208 allows, "
        f"void {root.voids} of {MAX_VOIDS}"
    )
    if root.fault:
        yield f"  ! {root.fault.kind}: {clipped(root.fault.detail)}"
    yield from _terms(evaluation, root, 1, {evaluation.roots[domain]})


def _terms(evaluation: Evaluation, node: Node, depth: int, seen: set[int]) -> Iterator[str]:
    indent = "  " * depth
    for step in node.steps:
        yield f"{indent}{clipped(step.term)}{_effect(step)}"
        if step.problem:
            widens = ", widens the list" if step.problem.widens else ""
            yield f"{indent}  ! {step.problem.kind}{widens}: {clipped(step.problem.detail)}"
        if step.child is None:
            continue
        if step.child in seen:
            yield f"{indent}  (shown above)"
            continue
        seen.add(step.child)
        yield from _terms(evaluation, evaluation.nodes[step.child], depth + 1, seen)


def _effect(step: Step) -> str:
    if not step.passed:
        return ""
    v4, v6 = step.passed.size(4), step.passed.blocks64()
    parts = [f"{v4:,} IPv4" if v4 else "", f"{v6:,} IPv6 /64s" if v6 else ""]
    return "  -> " + ", ".join(part for part in parts if part)


def as_json(evaluation: Evaluation, domain: str) -> dict[str, Any]:
    """Return one object: domain, networks, problems, lookups, voids, tree."""
    root = evaluation.root(domain)
    return {
        "domain": domain,
        "networks": root.passed.texts(),
        "problems": [problem_json(problem) for problem in evaluation.problems(domain)],
        "lookups": root.lookups,
        "voids": root.voids,
        "tree": _node_json(evaluation, evaluation.roots[domain], set()),
    }


def problem_json(problem: Problem) -> dict[str, Any]:
    """Return a problem as a JSON object."""
    return {
        "kind": problem.kind,
        "domain": problem.domain,
        "term": problem.term,
        "detail": problem.detail,
        "widens": problem.widens,
    }


def _node_json(evaluation: Evaluation, index: int, seen: set[int]) -> dict[str, Any]:
    node = evaluation.nodes[index]
    if index in seen:
        return {"domain": node.domain, "shown_above": True}
    seen.add(index)
    return {
        "domain": node.domain,
        "record": node.text,
        "terms": [_step_json(evaluation, step, seen) for step in node.steps],
    }


def _step_json(evaluation: Evaluation, step: Step, seen: set[int]) -> dict[str, Any]:
    child = None if step.child is None else _node_json(evaluation, step.child, seen)
    return {
        "term": step.term,
        "qualifier": step.qualifier,
        "passes": step.passed.texts(),
        "problem": problem_json(step.problem) if step.problem else None,
        "record": child,
    }


def cidrs(evaluation: Evaluation) -> list[str]:
    """Return the networks of all domains together, one CIDR a line."""
    return Networks.union(evaluation.root(domain).passed for domain in evaluation.roots).texts()
