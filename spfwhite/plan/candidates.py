"""What each provider passes now: the candidates among which a run decides.

Owns: the evaluation of a provider's domains and what the rails on single terms and addresses take
from it. Refuses: to compare with earlier runs (`spfwhite.plan.plan`) and to look anything up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from spfwhite.config.settings import Action, Config, Provider, roots
from spfwhite.dns.answers import NOT_ASKED, Answers, Failed, Question
from spfwhite.networks import Networks
from spfwhite.sources.listed import MX_FALLBACK, listings, with_fallbacks
from spfwhite.sources.memory import Stale
from spfwhite.special_use import barred
from spfwhite.spf.evaluation import evaluate
from spfwhite.spf.reach import Reach
from spfwhite.spf.result import Contribution, Evaluation, Problem

ACTIONS: Final[tuple[Action, ...]] = ("permit", "reject")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What a provider would contribute: `passed` by SPF and lists, `static` by its configuration.

    `listed` are its pages and hosts with what they name, `questions` all that it leads to, `stale`
    those answered from memory. `empty` are the domains that pass nothing though they could;
    `incomplete` the problems that keep a part of the provider from being known, `blocking` those
    of them with which it must not be accepted: over a limit, or a denial unknown; `is_unanswered`
    tells whether this run asked its questions and got no answer to any.
    """

    provider: Provider
    evaluation: Evaluation
    listed: tuple[Contribution, ...]
    passed: Networks
    static: Networks
    problems: tuple[Problem, ...]
    questions: frozenset[Question]
    stale: Mapping[Question, Stale]
    empty: tuple[str, ...]
    incomplete: tuple[Problem, ...]
    blocking: tuple[Problem, ...]
    is_unanswered: bool


def candidates(
    config: Config, answers: Answers, stale: Mapping[Question, Stale]
) -> list[Candidate]:
    """Return the candidates of all enabled providers, by name."""
    providers = config.enabled()
    shared = {
        action: _view(config, answers, [p for p in providers if p.action == action], action)
        for action in ACTIONS
    }
    found = []
    for each in providers:
        view = shared[each.action]
        if each.mx:
            # a record that is missing counts as `v=spf1 mx` for this provider, and for no include
            view = _view(config, with_fallbacks([each], answers), [each], each.action)
        found.append(_candidate(config, view, stale, each))
    return found


class _View(NamedTuple):
    """What answers make of the domains of some providers, and how far each domain reaches."""

    answers: Answers
    evaluation: Evaluation
    reaches: Mapping[str, Reach]


def _view(config: Config, answers: Answers, providers: list[Provider], action: Action) -> _View:
    """Evaluate the domains of some providers of one action, with the rail on width."""
    reaches = {domain: Reach(answers, config.limits()) for domain in roots(providers)}
    for domain, reach in reaches.items():
        reach.start(domain)
    read = answers
    if any(reach.is_too_long for reach in reaches.values()):
        # what only domains with too long records lead to is left out: to read it takes the memory
        kept = {q for reach in reaches.values() if not reach.is_too_long for q in reach.depth}
        read = {q: answer for q, answer in answers.items() if q in kept}
    rail = config.widest(action)
    evaluation = evaluate(reaches, read, strict=config.spf.strict, widest=rail)
    return _View(answers, evaluation, reaches)


def never_listed(config: Config, provider: Provider) -> Networks:
    """Return what is never listed for a provider: exclusions and special-use addresses."""
    return barred(provider.special_use) | config.safety.exclude


def _candidate(
    config: Config, view: _View, stale: Mapping[Question, Stale], provider: Provider
) -> Candidate:
    evaluation = view.evaluation
    listed = listings(provider, view.answers, config.widest(provider.action))
    by_spf = (evaluation.root(domain).passed for domain in provider.domains)
    passed = Networks.union((*by_spf, *(origin.networks for origin in listed.origins)))
    excluded = never_listed(config, provider)
    questions = set(listed.questions)
    for domain in provider.domains:
        questions |= view.reaches[domain].depth.keys()
    problems = [p for domain in provider.domains for p in evaluation.problems(domain)]
    problems += listed.problems
    problems += (p for domain in provider.domains for p in _domain_problems(config, view, domain))
    gaps = [p for p in problems if _is_gap(p, strict=config.spf.strict)]
    listable = passed - excluded
    special = _special_use(provider, evaluation, listed.origins, passed - listable)
    return Candidate(
        provider=provider,
        evaluation=evaluation,
        listed=listed.origins,
        passed=listable,
        static=provider.networks - excluded,
        problems=tuple(dict.fromkeys((*problems, *special))),  # domains may share a record
        questions=frozenset(questions),
        stale={question: stale[question] for question in questions & stale.keys()},
        empty=tuple(domain for domain in provider.domains if _is_empty(evaluation, domain)),
        incomplete=tuple(gaps),
        blocking=tuple(_blocking(gaps, _denied(evaluation, provider) if gaps else set())),
        is_unanswered=all(_has_failed(view.answers, stale, question) for question in questions),
    )


def _has_failed(answers: Answers, stale: Mapping[Question, Stale], question: Question) -> bool:
    """Whether a question was asked in this run and not answered."""
    if question in stale:
        return stale[question].kind == "failed"
    return isinstance(answers.get(question, NOT_ASKED), Failed)


def _blocking(gaps: list[Problem], denied: set[Problem]) -> list[Problem]:
    limits_met = [p for p in gaps if p.kind == "limit"]
    whole = [p for p in limits_met if not p.term]  # which says why single terms were not asked
    return (whole or limits_met) + [p for p in gaps if p.widens or p in denied]


def _denied(evaluation: Evaluation, provider: Provider) -> set[Problem]:
    """Return the problems below a directive that is not "+": what is lost there was denied."""
    denied = {
        step.child
        for domain in provider.domains
        for node in evaluation.walk(domain)
        for step in node.steps
        if step.qualifier != "+" and step.child is not None
    }
    return {problem for node in evaluation.walk_from(*denied) for problem in node.problems}


def _is_gap(problem: Problem, *, strict: bool) -> bool:
    # in strict mode a limit at a term is that of RFC 7208, and the record's own fault
    is_rail = problem.kind == "limit" and not (strict and problem.term)
    return problem.kind == "temporary" or is_rail


def _domain_problems(config: Config, view: _View, domain: str) -> Iterator[Problem]:
    """Yield the problems of a domain as a whole: a limit that it meets, MX in place of a record."""
    root, met = view.evaluation.root(domain), view.reaches[domain].over
    if not met and not config.spf.strict and root.lookups > config.spf.max_lookups:
        most = config.spf.max_lookups
        met = f"it needs {root.lookups:,} look-ups, over the {most} of spf.max_lookups"
    if met:
        yield Problem("limit", domain, "", met)
    if root.text == MX_FALLBACK:
        detail = f"{domain} has no SPF record, so its MX hosts are listed (mx = true)"
        yield Problem("missing", domain, "mx", detail)


def _special_use(
    provider: Provider, evaluation: Evaluation, listed: tuple[Contribution, ...], dropped: Networks
) -> list[Problem]:
    """Name each term that passed special-use addresses, which were dropped."""
    special = dropped & barred(provider.special_use)
    if not special:
        return []
    return [
        Problem("special-use", origin.domain, origin.term, f"passes {_few(origin.networks)}")
        for origin in _parts(_passing(provider, evaluation, listed), special)
    ]


def _few(networks: Networks) -> str:
    texts = networks.texts()
    return ", ".join(texts[:3]) + (f" and {len(texts) - 3} more" if len(texts) > 3 else "")


def _is_empty(evaluation: Evaluation, domain: str) -> bool:
    """Whether a domain passes nothing, and not because its terms are decided by the client."""
    if evaluation.root(domain).passed:
        return False
    return all(problem.kind != "undecidable" for problem in evaluation.problems(domain))


def origins(candidate: Candidate, networks: Networks) -> list[Contribution]:
    """Return what passes each part of `networks`: terms in the order of the records, then lists."""
    return _parts(_passing(candidate.provider, candidate.evaluation, candidate.listed), networks)


def _passing(
    provider: Provider, evaluation: Evaluation, listed: tuple[Contribution, ...]
) -> list[Contribution]:
    nodes = (n for domain in provider.domains for n in evaluation.walk(domain, passing=True))
    return [*(origin for node in nodes for origin in node.contributions), *listed]


def _parts(passing: list[Contribution], networks: Networks) -> list[Contribution]:
    """Return the part of `networks` that each term passes, terms that pass none left out."""
    # A shortcut: if the terms together pass exactly `networks`, no intersection is needed. That is
    # not so where an outer `-include` denied a part of an inner term.
    whole = Networks.union(origin.networks for origin in passing) == networks
    parts: dict[tuple[str, str], Contribution] = {}
    for origin in passing:
        at = (origin.domain, origin.term)
        part = origin.networks if whole else origin.networks & networks
        if at in parts:
            part |= parts[at].networks
        if part:
            # the same object for all providers that lead to it
            parts[at] = origin if part == origin.networks else Contribution(*at, part)
    return list(parts.values())
