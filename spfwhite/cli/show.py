"""The command that shows what domains pass: `show`.

Owns: its options, the tree of records with every term, and its JSON form. Refuses: to evaluate, and
to touch any file.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import click

from spfwhite.cli.common import Common, config_of, domain_names, what_passes
from spfwhite.cli.options import format_option, network_options, strict_option
from spfwhite.cli.printing import print_bytes, print_json, print_lines
from spfwhite.networks import Networks
from spfwhite.plan.rails import amounts
from spfwhite.wording import clipped, counts

if TYPE_CHECKING:
    from spfwhite.spf.result import Evaluation, Node, Step

# how a terminal shows the lines of a tree; click leaves the colours out of a pipe
_passes: Final = partial(click.style, fg="green")
_problem: Final = partial(click.style, fg="red")
_note: Final = partial(click.style, dim=True)


@click.command()
@click.argument("domains", nargs=-1, required=True, metavar="DOMAIN...")
@format_option("A tree of terms, one CIDR a line, or JSON.", "tree", "cidr", "json")
@strict_option
@network_options
@click.pass_obj
def show(common: Common, /, *, domains: tuple[str, ...], form: str) -> None:
    """Show what domains pass, with every term. Touches no file.

    \b
    spfwhite show _spf.google.com
    spfwhite show --format cidr github.com | wc -l
    """
    from spfwhite.sources.fetch import passed_by

    names = domain_names(domains)
    config = config_of(common)
    evaluation = passed_by(names, config)
    if form == "json":
        for name in names:
            print_json(as_json(evaluation, name), indent=None)
    elif form == "cidr":
        print_bytes("".join(f"{text}\n" for text in cidrs(evaluation)).encode())
    else:
        for name in names:
            print_lines(tree(evaluation, name))
    sys.exit(0 if all(evaluation.root(name).passed for name in names) else 1)


def tree(evaluation: Evaluation, domain: str) -> Iterator[str]:
    """Yield the record tree of a domain, a line a term."""
    from spfwhite.spf.strict import MAX_LOOKUPS, MAX_VOIDS

    root = evaluation.root(domain)
    yield click.style(f"{clipped(domain)}: {what_passes(evaluation, domain)}", bold=True)
    lookups = f"look-ups {root.lookups} of {MAX_LOOKUPS} that RFC 7208 allows"
    over = root.lookups > MAX_LOOKUPS or root.voids > MAX_VOIDS
    yield (_problem if over else _note)(f"  {lookups}, void {root.voids} of {MAX_VOIDS}")
    for problem in evaluation.problems(domain):
        if not problem.term:  # of the record as a whole
            yield _problem(f"  ! {problem.kind}: {clipped(problem.detail)}")
    yield from _Unfolding(evaluation, domain).lines(evaluation.roots[domain], 1)


class _Unfolding:
    """Each record once, where it is nearest to the domain: no deeper than the includes are."""

    def __init__(self, evaluation: Evaluation, domain: str) -> None:
        self._nodes = evaluation.nodes
        queue = [evaluation.roots[domain]]
        self._first: dict[int, tuple[int, int] | None] = {queue[0]: None}
        for index in queue:  # grows while it is walked
            for position, step in enumerate(self._nodes[index].steps):
                if step.child is not None and step.child not in self._first:
                    self._first[step.child] = index, position
                    queue.append(step.child)

    def lines(self, index: int, depth: int) -> Iterator[str]:
        indent, node = "  " * depth, self._nodes[index]
        if node.excluded:
            would = f"nobody passes what it would, {counts(node.excluded)}"
            yield _problem(f"{indent}! safety.exclude names {node.domain}: {would}")
        for position, step in enumerate(node.steps):
            passed = f"  -> {amounts(step.passed)}" if step.passed else ""
            yield (_passes if passed else str)(f"{indent}{clipped(step.term)}{passed}")
            if step.problem:
                widens = ", widens the list" if step.problem.widens else ""
                text = f"{step.problem.kind}{widens}: {clipped(step.problem.detail)}"
                yield _problem(f"{indent}  ! {text}")
            if step.child is None:
                continue
            if self._first[step.child] == (index, position):
                yield from self.lines(step.child, depth + 1)
            else:
                yield _note(f"{indent}  (its terms stand elsewhere in this tree)")
        for term, note in _idle(node):
            yield _note(f"{indent}{clipped(term)}  ({note})")

    def json(self, index: int) -> dict[str, Any]:
        node = self._nodes[index]
        return {
            "domain": node.domain,
            "record": node.text,
            "terms": [self._step(index, at, step) for at, step in enumerate(node.steps)],
            "idle": [{"term": term, "note": note} for term, note in _idle(node)],
            "excluded": node.excluded.texts(),
        }

    def _step(self, index: int, position: int, step: Step) -> dict[str, Any]:
        record = None
        if step.child is not None:
            record = {"domain": self._nodes[step.child].domain, "elsewhere": True}
            if self._first[step.child] == (index, position):
                record = self.json(step.child)
        return {
            "term": step.term,
            "qualifier": step.qualifier,
            "passes": step.passed.texts(),
            "problem": step.problem and step.problem._asdict(),
            "record": record,
        }


def _idle(node: Node) -> Iterator[tuple[str, str]]:
    # the terms that no check comes to, and the modifiers, each with a note
    from spfwhite.spf import record as spf

    record, steps = spf.parse(node.text), Counter(step.term for step in node.steps)
    for term in record.terms:
        if steps[term.text]:
            steps[term.text] -= 1
        elif isinstance(term.body, spf.Ignored):
            yield term.text, "a modifier, which passes nothing"
        else:  # behind an `all` or an error, or a redirect beside an `all`
            yield term.text, "never reached: what comes before it ends every check"


def as_json(evaluation: Evaluation, domain: str) -> dict[str, Any]:
    """Return one object: domain, networks, problems, lookups, voids, tree."""
    root = evaluation.root(domain)
    return {
        "domain": domain,
        "networks": root.passed.texts(),
        "problems": [problem._asdict() for problem in evaluation.problems(domain)],
        "lookups": root.lookups,
        "voids": root.voids,
        "tree": _Unfolding(evaluation, domain).json(evaluation.roots[domain]),
    }


def cidrs(evaluation: Evaluation) -> list[str]:
    """Return the networks of all domains together, one CIDR a line."""
    return Networks.union(evaluation.root(domain).passed for domain in evaluation.roots).texts()
