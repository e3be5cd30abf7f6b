"""The SPF domains of a provider: what their records lead to, and what these pass.

Owns: the evaluation of domains, shared by all providers of an action since the same records serve
many, and what is said of a domain as a whole. Refuses: RFC 7208, which is `spfwhite.spf`.
"""

from collections.abc import Iterator
from typing import get_args

from spfwhite.config.settings import Action, Config, Provider, roots
from spfwhite.dns.answers import Answers, Question
from spfwhite.networks import Networks
from spfwhite.sources import mx
from spfwhite.sources.crawl import crawl
from spfwhite.sources.interface import Asking, Listed, Reading
from spfwhite.spf.evaluation import evaluate
from spfwhite.spf.reach import Reach
from spfwhite.spf.result import Problem


async def ask(providers: list[Provider], asking: Asking) -> Answers:
    """Ask for all that the domains lead to, now or when they were last seen."""
    domains, dns, read_as = roots(providers), asking.config.dns, mx.read_as(providers)
    if not domains:
        return {}
    return await crawl(
        domains,
        asking.connect(),
        limits=asking.config.limits(),
        deadline=dns.deadline,
        concurrency=dns.concurrency,
        known=asking.recall.offline(),
        read_as=lambda question, came: read_as(question, asking.recall.use(question, came)),
        progress=asking.progress,
    )


def readings(config: Config, answers: Answers) -> dict[str, Reading]:
    """Return how each enabled provider reads the answers, by its name."""
    enabled = config.enabled()
    groups = [
        [provider for provider in enabled if provider.action == action and not provider.mx]
        for action in get_args(Action)
    ]
    # alone, since what it reads at its domains counts for nobody who includes them
    groups += ([provider] for provider in enabled if provider.mx)
    by_name: dict[str, Reading] = {}
    for group in filter(None, groups):
        by_name |= dict.fromkeys((p.name for p in group), _read(config, answers, group))
    return by_name


def _read(config: Config, answers: Answers, providers: list[Provider]) -> Reading:
    """Evaluate the domains of some providers of one action, with the limit on width."""
    domains, read_as = roots(providers), mx.read_as(providers)
    if providers[0].mx:
        asked = {Question(domain, "TXT") for domain in domains} & answers.keys()
        answers = {**answers, **{q: read_as(q, answers[q]) for q in asked}}
    reaches = {domain: Reach(answers, config.limits()) for domain in domains}
    for domain, reach in reaches.items():
        reach.start(domain)
    read = answers
    if any(reach.is_too_long for reach in reaches.values()):
        # what only domains with too long records lead to is left out: to read it takes the memory
        kept = {q for reach in reaches.values() if not reach.is_too_long for q in reach.depth}
        read = {q: answer for q, answer in answers.items() if q in kept}
    widest = config.widest(providers[0].action)
    evaluation = evaluate(reaches, read, strict=config.spf.strict, widest=widest)
    return Reading(config=config, answers=answers, evaluation=evaluation, reaches=reaches)


def listed(provider: Provider, reading: Reading) -> Iterator[Listed]:
    """Yield what the domains of a provider pass, and the terms that pass it."""
    evaluation = reading.evaluation
    for domain in provider.domains:
        root, problems = evaluation.root(domain), evaluation.problems(domain)
        is_undecidable = any(problem.kind == "undecidable" for problem in problems)
        nodes = list(evaluation.walk(domain, passing=True))
        yield Listed(
            questions=reading.reaches[domain].depth,
            origins=tuple(origin for node in nodes for origin in node.contributions),
            passed=root.passed,
            excluded=Networks.union(node.excluded for node in nodes),
            left_out=Networks.union(step.left_out for node in nodes for step in node.steps),
            problems=(*problems, *_of_all(domain, reading)),
            empty=() if root.passed or is_undecidable else (domain,),
        )


def _of_all(domain: str, reading: Reading) -> Iterator[Problem]:
    """Yield the problems of a domain as a whole: a limit that it meets, MX in place of a record."""
    spf, root = reading.config.spf, reading.evaluation.root(domain)
    met = reading.reaches[domain].over
    if not met and not spf.strict and root.lookups > spf.max_lookups:
        met = f"it needs {root.lookups:,} look-ups, over the {spf.max_lookups} of spf.max_lookups"
    if met:
        yield Problem("limit", domain, "", met)
    if root.text == mx.MX_FALLBACK:
        detail = f"{domain} has no SPF record, so its MX hosts are listed (mx = true)"
        yield Problem("missing", domain, "mx", detail)
