"""What is wrong with the default list, from the answers to all its domains.

Owns: the findings and what of them is known. Refuses: to ask.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from spfwhite.config.settings import Config
from spfwhite.dns.answers import Answers, Failed, Question
from spfwhite.networks import Networks
from spfwhite.spf.evaluation import evaluate
from spfwhite.spf.result import Evaluation


class Known(NamedTuple):
    """Findings that are meant to be so: whom a provider includes, domains that others cover."""

    includes: dict[str, set[str]]
    redundant: set[str]


def known() -> Known:
    """Return what `known.toml` says."""
    table = tomllib.loads((Path(__file__).parent / "known.toml").read_text())
    includes = {name: set(others) for name, others in table["includes"].items()}
    return Known(includes, set(table["redundant"]))


def domains(config: Config) -> list[str]:
    """Return the domains of all providers, those that are off included."""
    return sorted({domain for each in config.providers for domain in each.domains})


def findings(config: Config, answers: Answers, known: Known) -> list[str]:
    """Return a line for each domain that is wrong and for each include that is new."""
    names = domains(config)
    owner = {domain: each.name for each in config.providers for domain in each.domains}
    evaluation = evaluate(names, answers, widest=config.widest("permit"))
    lines = []
    for name in names:
        faults = _faults(name, evaluation, answers) or (
            ["redundant: others list all that it does"]
            if name not in known.redundant and _is_redundant(name, names, evaluation)
            else []
        )
        lines += [f"{name} ({owner[name]}): {fault}" for fault in faults]
    for each in config.providers:
        included = {
            owner.get(node.domain, each.name)
            for name in each.domains
            for node in evaluation.walk(name, passing=True)
        }
        for other in sorted(included - known.includes.get(each.name, set()) - {each.name}):
            lines.append(f"{each.name}: newly includes {other}")
    return lines


def _faults(name: str, evaluation: Evaluation, answers: Answers) -> list[str]:
    """Return why a domain passes nothing, and which of its terms are too wide."""
    problems = evaluation.problems(name)
    wide = [
        f"too wide: {each.term} of {each.domain}" for each in problems if each.kind == "too-wide"
    ]
    answer = answers.get(Question(name, "TXT"))
    if isinstance(answer, Failed):
        return [f"not answered: {answer.reason}"]
    if evaluation.root(name).passed:
        return wide
    undecidable = [each.term for each in problems if each.kind == "undecidable"]
    if undecidable:
        return [f"undecidable: {', '.join(undecidable)}"]
    return [*wide, f"gone: {problems[0].detail if problems else 'it passes no address'}"]


def _is_redundant(name: str, names: list[str], evaluation: Evaluation) -> bool:
    """Whether others list all that a domain does which do not have it from its own record."""
    passed = evaluation.root(name).passed
    return not passed - Networks.union(_others(name, names, evaluation))


def _others(name: str, names: list[str], evaluation: Evaluation) -> Iterator[Networks]:
    for other in names:
        if other != name and all(node.domain != name for node in evaluation.walk(other)):
            yield evaluation.root(other).passed
