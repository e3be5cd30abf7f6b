"""What each provider passes now: the candidates among which a run decides.

Owns: what is never listed, and what keeps a provider from being known. Refuses: to compare.
"""

from collections.abc import Collection, Iterator, Mapping, Set
from typing import NamedTuple

from spfwhite.config.settings import Config, Provider
from spfwhite.dns.answers import NOT_ASKED, Answers, Failed, Found, Question
from spfwhite.networks import Networks
from spfwhite.sources.interface import Reading
from spfwhite.sources.kinds import KINDS
from spfwhite.sources.memory import Stale
from spfwhite.sources.spf_domains import readings
from spfwhite.special_use import barred
from spfwhite.spf.reach import address_questions
from spfwhite.spf.result import Contribution, Evaluation, Problem
from spfwhite.wording import counts, few


class Candidate(NamedTuple):
    """What a provider would contribute."""

    provider: Provider
    evaluation: Evaluation
    origins: tuple[Contribution, ...]  # the terms, pages and hosts that pass it
    passed: Networks  # by SPF and lists
    static: Networks  # by its configuration
    excluded: Networks  # never listed, or passed by records alone that are followed for nobody
    left_out: str  # says that most of it is too wide, "" if not
    problems: tuple[Problem, ...]
    questions: frozenset[Question]  # all that it leads to
    stale: Mapping[Question, Stale]  # those answered from memory
    empty_domains: tuple[str, ...]  # pass nothing though they could
    gaps: tuple[Problem, ...]  # that keep a part of the provider from being known
    blocking: tuple[Problem, ...]  # those that forbid to take it: over a limit, a denial unknown
    is_waiting: bool  # whether any of the gaps may still be filled
    is_unanswered: bool  # whether this run asked its questions and got no answer to any


def candidates(
    config: Config,
    answers: Answers,
    stale: Mapping[Question, Stale],
    given_up: Set[Question] = frozenset(),
) -> list[Candidate]:
    """Return those of all enabled providers; `given_up` are questions that nobody waits for."""
    read = readings(config, answers)
    return [_candidate(read[each.name], stale, given_up, each) for each in config.enabled()]


def _candidate(
    reading: Reading, stale: Mapping[Question, Stale], given_up: Set[Question], provider: Provider
) -> Candidate:
    config, evaluation = reading.config, reading.evaluation
    listed = [part for kind in KINDS for part in kind.listed(provider, reading)]
    origins = tuple(origin for part in listed for origin in part.origins if origin.networks)
    questions = frozenset(question for part in listed for question in part.questions)
    remembered = {question: stale[question] for question in questions & stale.keys()}
    problems = [problem for part in listed for problem in part.problems]
    problems += _too_large(reading, questions)
    # in strict mode a limit at a term is that of RFC 7208, and the record's own fault
    own = [p for p in problems if p.kind == "limit" and p.term and config.spf.strict]
    gaps = [p for p in problems if p.kind in ("temporary", "limit") and p not in own]
    special = barred(provider.special_use)
    never = special | config.safety.exclude.networks
    limits_met = [p for p in gaps if p.kind == "limit"]
    failed = {q for q in questions if isinstance(reading.answers.get(q, NOT_ASKED), Failed)}
    silent = {q for q, old in remembered.items() if old.kind == "failed"}
    open_questions = failed - given_up if gaps else set()
    standing = gaps if open_questions else limits_met
    denied = _denied(evaluation, provider) if standing else set()
    whole = [p for p in limits_met if not p.term]  # which says why single terms were not asked
    named = Networks.union(part.passed for part in listed)
    passed = named - never
    problems += _special_use(origins, named & special)
    static = Networks.union(part.static for part in listed)
    if unlisted := static & special:
        way = f'`special_use = "keep"` in [providers.{provider.name}] lists it'
        detail = f"{few(unlisted.texts(), 3)} of its own is for special use and left out; {way}"
        problems.append(Problem("special-use", provider.name, "networks", detail))
    return Candidate(
        provider=provider,
        evaluation=evaluation,
        origins=origins,
        passed=passed,
        static=static - never,
        excluded=never | (Networks.union(part.excluded for part in listed) - passed),
        left_out=_left_out(Networks.union(part.left_out for part in listed) - passed, passed),
        problems=tuple(dict.fromkeys(problems)),  # domains may share a record
        questions=questions,
        stale=remembered,
        empty_domains=tuple(domain for part in listed for domain in part.empty),
        gaps=tuple(gaps),
        blocking=(*(whole or limits_met), *(p for p in standing if p.widens or p in denied)),
        is_waiting=bool(limits_met)
        or not all(_has_other_family(reading.answers, question) for question in open_questions),
        is_unanswered=questions <= failed | silent,
    )


def _left_out(wide: Networks, rest: Networks) -> str:
    if wide.size(4) <= rest.size(4) and wide.blocks64() <= rest.blocks64():
        return ""
    return f"most of what it names is too wide and left out: {counts(wide)}"


def _has_other_family(answers: Answers, question: Question) -> bool:
    """Whether a question is for the addresses of a host that has some of the other family."""
    both = address_questions(question.name)
    return question in both and any(isinstance(answers.get(each), Found) for each in both)


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


def _too_large(reading: Reading, questions: Collection[Question]) -> Iterator[Problem]:
    """Yield a problem for answers of the DNS, and one for pages, that have too many values."""
    # texts have one limit together, that of `Reach`
    safety, answers = reading.config.safety, reading.answers
    caps = {"PAGE": ("provider_max_rules", safety.provider_max_rules)}
    over: dict[tuple[str, int], list[Question]] = {}
    for question in questions:
        cap = _, most = caps.get(question.rrtype, ("max_values", safety.max_values))
        answer = answers.get(question)
        if not isinstance(answer, Found) or question.rrtype == "TXT":
            continue
        if len(answer.values) > most or answer.left_out:
            over.setdefault(cap, []).append(question)
    found = sorted((sorted(large), *cap) for cap, large in over.items())
    for (first, *others), key, most in found:
        what = "the page" if first.rrtype == "PAGE" else f"its {first.rrtype} answer"
        more = f", and so have {len(others):,} others" if others else ""
        detail = f"{what} has more than {most:,} values (safety.{key}){more}"
        yield Problem("limit", first.name, "", detail)


def _special_use(passing: tuple[Contribution, ...], special: Networks) -> list[Problem]:
    return [
        Problem("special-use", domain, term, f"passes {few(networks.texts(), 3)}")
        for domain, term, networks in (parts(passing, special) if special else ())
    ]


def parts(passing: tuple[Contribution, ...], networks: Networks) -> list[Contribution]:
    """Return the part of `networks` that each term passes, those that pass none left out."""
    # Shortcut: if the terms together pass exactly `networks`, no intersection is needed. It does
    # not hold when an outer `-include` denied part of an inner term.
    whole = Networks.union(origin.networks for origin in passing) == networks
    made: dict[tuple[str, str], Contribution] = {}
    for origin in passing:
        at = (origin.domain, origin.term)
        part = origin.networks if whole else origin.networks & networks
        if at in made:
            part |= made[at].networks
        if part:
            # the same object for all providers that lead to it
            made[at] = origin if part == origin.networks else Contribution(*at, part)
    return list(made.values())
