"""What each provider contributes to the table.

Owns: the candidate of a provider (what its domains pass now, plus its static networks, less what
the rails take away). Refuses: to look anything up and to write anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from spfwhite.answers import Answers
from spfwhite.evaluate import evaluate
from spfwhite.networks import EMPTY, Networks
from spfwhite.settings import Config, Provider
from spfwhite.special import SPECIAL_USE
from spfwhite.strict import evaluate_strict
from spfwhite.targets import Limits, limit_met
from spfwhite.trail import Evaluation, Problem
from spfwhite.width import Widest


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a provider would contribute: `passed` by SPF, `static` from its configuration.

    `incomplete` holds the problems that keep a part of the provider from being known.
    """

    provider: Provider
    passed: Networks
    static: Networks
    problems: tuple[Problem, ...]
    incomplete: tuple[Problem, ...]

    @property
    def networks(self) -> Networks:
        """All that the provider contributes."""
        return self.passed | self.static


def limits(config: Config) -> Limits:
    """Return the caps of one domain."""
    return Limits(config.spf.max_lookups, config.spf.max_depth)


def roots(providers: Iterable[Provider]) -> list[str]:
    """Return the domains of providers, each once, sorted."""
    return sorted({domain for provider in providers for domain in provider.domains})


def judged(config: Config, answers: Answers) -> Evaluation:
    """Evaluate the domains of all enabled providers, with the rail on the width of terms."""
    widest = Widest(config.safety.widest_ipv4, config.safety.widest_ipv6)
    mode = evaluate_strict if config.spf.strict else evaluate
    return mode(roots(enabled(config)), answers, widest=widest)


def enabled(config: Config) -> list[Provider]:
    """Return the providers that are switched on."""
    return [provider for provider in config.providers if provider.enabled]


def candidates(config: Config, answers: Answers, evaluation: Evaluation) -> list[Candidate]:
    """Return the candidates of all enabled providers, by name."""
    return [_candidate(config, answers, evaluation, each) for each in enabled(config)]


def _candidate(
    config: Config, answers: Answers, evaluation: Evaluation, provider: Provider
) -> Candidate:
    passed = Networks.union(evaluation.root(domain).passed for domain in provider.domains)
    problems = [p for domain in provider.domains for p in evaluation.problems(domain)]
    problems += [p for domain in provider.domains for p in _limits(config, answers, domain)]
    special = EMPTY if provider.special_use == "keep" else SPECIAL_USE
    if passed & special:
        problems += _special_use(evaluation, provider, passed & special)
    gone = special | config.safety.exclude
    incomplete = tuple(p for p in problems if p.kind in ("temporary", "limit"))
    return Candidate(provider, passed - gone, provider.networks - gone, _once(problems), incomplete)


def _limits(config: Config, answers: Answers, domain: str) -> list[Problem]:
    met = limit_met(domain, answers, limits(config))
    return [Problem("limit", domain, "", met)] if met else []


def _special_use(evaluation: Evaluation, provider: Provider, special: Networks) -> list[Problem]:
    """Name each term that passed special-use addresses."""
    return [
        Problem("special-use", node.domain, step.term, f"passes special-use {_few(found)}")
        for domain in provider.domains
        for node in evaluation.walk(domain)
        for step in node.steps
        if step.child is None and (found := step.passed & special)
    ]


def _few(networks: Networks) -> str:
    texts = networks.texts()
    return ", ".join(texts[:3]) + (f" and {len(texts) - 3} more" if len(texts) > 3 else "")


def _once(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Drop what two domains of a provider both lead to."""
    return tuple(dict.fromkeys(problems))
