"""What a night takes away by somebody's mistake, within the limits: it is said once.

Owns: which faults are new, and the sentences. Refuses: to hold a provider for it.
"""

# A fault is no less one if the record was edited: an include that was renamed to a name that does
# not exist stands in no record of the day before. So what was remembered before this run is
# evaluated as well, by the same rules, and what is wrong now and was not then is said. That is done
# only for providers that lose networks: on most nights for none.

from __future__ import annotations

from collections.abc import Collection, Iterator

from spfwhite.config.settings import Config
from spfwhite.dns.answers import ROTATING, Answers, Found, Question, Void
from spfwhite.networks import EMPTY, Networks
from spfwhite.plan.candidates import Candidate, candidates
from spfwhite.plan.plan import Decision, Plan
from spfwhite.plan.rails import amounts
from spfwhite.sources.hosts import host_names
from spfwhite.sources.memory import Recall
from spfwhite.spf.record import All, Redirect, parse
from spfwhite.spf.result import PASSES_NOTHING, Node, Problem
from spfwhite.wording import few


def with_losses(
    config: Config, plan: Plan, held: Collection[str], answers: Answers, recall: Recall
) -> Plan:
    """Return a plan with notices: what goes by a fault, and what stays though its answer is void.

    `held` names the providers that were held before this run; `answers` are those that count in it.
    """
    losing = {made.provider.name: made for made in plan.decisions if made.before - made.passed}
    if not losing and not recall.fading:
        return plan  # as on most nights
    remembered = recall.offline() if losing else {}
    chosen = config._replace(providers=tuple(made.provider for made in losing.values()))
    earlier = {each.provider.name: each for each in candidates(chosen, remembered, {})}
    hosts = set(host_names(config.enabled()))  # of which it is normal that one is gone
    had = {q for q, old in remembered.items() if q.rrtype in ROTATING and isinstance(old, Found)}
    gone = _void({q: answers[q] for q in had & answers.keys() if q.name not in hosts})
    fading = _void(recall.fading)

    def notices(made: Decision) -> Iterator[str]:
        yield made.notice
        name, questions = made.provider.name, made.candidate.questions
        if name in losing:
            # what is taken of a provider that was held may be lost by a fault of an earlier night
            faults = _new_faults(made, None if name in held else earlier[name])
            faults = faults or {gone[q] for q in questions & gone.keys()}
            lost = amounts(made.before - made.passed, "of its ")
            yield f"loses {lost}: {few(sorted(faults), 3)}" if faults else ""
        faded = questions & fading.keys()
        if len(faded) * 10 > len(questions) or any(q.name not in hosts for q in faded):
            stays = f"what it had stays for {config.state.sticky_days} days (state.sticky_days)"
            yield f"{few(sorted({fading[q] for q in faded}), 3)}: {stays}"

    decisions = tuple(
        made._replace(notice="; ".join(filter(None, notices(made)))) for made in plan.decisions
    )
    return plan._replace(decisions=decisions)


def _void(answers: Answers) -> dict[Question, str]:
    return {
        q: f"{q.name} {'does not exist' if answer.reason == 'NXDOMAIN' else f'has no {q.rrtype}'}"
        for q, answer in answers.items()
        if isinstance(answer, Void)
    }


def _new_faults(made: Decision, earlier: Candidate | None) -> set[str]:
    """Return what is wrong with the records of a provider that was not with the `earlier` ones."""
    # A term, or record, that passed nothing of what is lost took nothing with it.
    lost = made.before - made.passed
    # a question without an answer is told of itself, while it is waited for
    known = {gap[:3] for gap in made.candidate.gaps if made.candidate.is_waiting}
    faults = _faults(made.candidate)
    passed: dict[tuple[str, str], Networks] = {}
    if earlier:
        known |= {fault[:3] for fault in _faults(earlier)}
        records = _records(earlier)
        ended = {node.domain for node in records if _has_end(node)}
        faults += [
            Problem("syntax", node.domain, "", "ends neither with all nor with redirect= any more")
            for node in _records(made.candidate)
            if node.domain in ended and not _has_end(node)
        ]
        for node in records:
            for term, networks in [("", node.passed), *((s.term, s.passed) for s in node.steps)]:
                at = node.domain, term
                passed[at] = passed.get(at, EMPTY) | networks
    return {
        ": ".join(fault.parts)
        for fault in faults
        if fault[:3] not in known and passed.get((fault.domain, fault.term), lost) & lost
    }


def _faults(candidate: Candidate) -> list[Problem]:
    """Return the problems of a provider, and each record that passes nothing without one."""
    nodes = (node for node in _records(candidate) if not node.passed and not node.problems)
    return [*candidate.problems, *(Problem("missing", n.domain, "", PASSES_NOTHING) for n in nodes)]


def _records(candidate: Candidate) -> list[Node]:
    evaluation, domains = candidate.evaluation, candidate.provider.domains
    return [node for domain in domains for node in evaluation.walk(domain) if node.text]


def _has_end(node: Node) -> bool:
    return any(isinstance(term.body, All | Redirect) for term in parse(node.text).terms)
