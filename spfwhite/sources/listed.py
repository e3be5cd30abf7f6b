"""Senders that publish no SPF: pages, host names, and MX hosts in place of a record.

Owns: which questions such sources need, and which networks their answers list. Refuses: to ask.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from spfwhite.config.patterns import expand
from spfwhite.config.settings import Provider
from spfwhite.dns.answers import NOT_ASKED, Answer, Answers, Failed, Found, Question, Void
from spfwhite.networks import Networks
from spfwhite.spf.reach import address_questions
from spfwhite.spf.record import spf_texts
from spfwhite.spf.result import Contribution, Problem
from spfwhite.spf.width import HOSTS, PAGE, Widest

MX_FALLBACK: Final = "v=spf1 mx -all fallback=mx"
"""What is evaluated for a domain without an SPF record, with `mx = true`."""


class Listing(NamedTuple):
    """What the pages and hosts of a provider list, with the questions that they needed."""

    questions: tuple[Question, ...]
    origins: tuple[Contribution, ...]
    problems: tuple[Problem, ...]


@lru_cache(maxsize=16)
def _names(pattern: str) -> list[str]:
    return expand(pattern)


def host_names(providers: Iterable[Provider]) -> list[str]:
    """Return the names that the patterns of providers stand for, each once."""
    patterns = (pattern for provider in providers for pattern in provider.hosts)
    return list(dict.fromkeys(name for pattern in patterns for name in _names(pattern)))


def page_questions(provider: Provider) -> list[Question]:
    """Return the questions for a provider's pages, unless they are switched off."""
    return [Question(url, "PAGE") for url in provider.pages if provider.pages_enabled]


def mx_domains(providers: Iterable[Provider]) -> frozenset[str]:
    """Return the domains whose MX hosts are listed if they have no SPF record."""
    return frozenset(domain for each in providers if each.mx for domain in each.domains)


def with_mx(domains: Collection[str], question: Question, answer: Answer) -> Answer:
    """Put a record in place of one that is missing, where the operator asked for it."""
    if question.rrtype != "TXT" or question.name not in domains or isinstance(answer, Failed):
        return answer
    if isinstance(answer, Found) and spf_texts(answer.values):
        return answer
    return Found((MX_FALLBACK,))


def with_fallbacks(providers: Iterable[Provider], answers: Answers) -> dict[Question, Answer]:
    """Return answers with a record in place of each one that is missing and has a fallback."""
    domains = mx_domains(providers)
    questions = [Question(domain, "TXT") for domain in domains]
    return {
        **answers,
        **{q: with_mx(domains, q, answers[q]) for q in questions if q in answers},
    }


def listings(provider: Provider, answers: Answers, widest: Widest) -> Listing:
    """Return what the pages and hosts of a provider list, less what is too wide."""
    questions: list[Question] = []
    origins: list[Contribution] = []
    problems: list[Problem] = []
    for question in page_questions(provider):
        questions.append(question)
        match answers.get(question, NOT_ASKED):
            case Found(values):
                # entry by entry: joined, one that is too wide would take its neighbours along
                entries = [Networks.parse([value]) for value in values]
                narrow = [entry for entry in entries if widest.admits(entry)]
                origins.append(Contribution(question.name, PAGE, Networks.union(narrow)))
                if len(narrow) < len(entries):
                    problems.append(_too_wide(question.name, entries, widest))
            case Failed(reason):
                problems.append(Problem("temporary", question.name, PAGE, f"the page {reason}"))
    if provider.pages and not provider.pages_enabled and not _has_other_source(provider):
        detail = "its pages are switched off (pages_enabled), and it has no other source"
        problems.append(Problem("missing", provider.name, "", detail))
    for pattern in provider.hosts:
        asked, networks, failures = _hosts(pattern, answers)
        questions += asked
        origins.append(Contribution(pattern, HOSTS, networks))
        if failures:
            most = Counter(failures).most_common(1)[0][0]
            detail = f"{len(failures)} of {len(asked)} questions failed, most often: {most}"
            problems.append(Problem("temporary", pattern, HOSTS, detail))
        elif not networks:
            problems.append(Problem("missing", pattern, HOSTS, "none of the names has an address"))
    return Listing(tuple(questions), tuple(o for o in origins if o.networks), tuple(problems))


def _has_other_source(provider: Provider) -> bool:
    return bool(provider.domains or provider.hosts or provider.networks)


def _too_wide(url: str, entries: Iterable[Networks], widest: Widest) -> Problem:
    text = next(text for entry in entries if not widest.admits(entry) for text in entry.texts())
    detail = f"{text} is wider than safety.widest_ipv4 or widest_ipv6 allows"
    return Problem("too-wide", url, PAGE, detail)


def _hosts(pattern: str, answers: Answers) -> tuple[list[Question], Networks, list[str]]:
    """Return the questions of a pattern, the addresses found, and why questions failed."""
    asked: list[Question] = []
    texts: list[str] = []
    failures: list[str] = []
    for name in _names(pattern):
        for question in address_questions(name):
            answer = answers.get(question, NOT_ASKED)
            asked.append(question)
            if isinstance(answer, Found):
                texts.extend(answer.values)
            if isinstance(answer, Failed):
                failures.append(answer.reason)
            if answer == Void("NXDOMAIN"):
                break  # it does not exist, so there is nothing else to ask
    return asked, Networks.parse(texts), failures
