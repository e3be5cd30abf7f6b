"""What the trouble of a provider comes from, so that what many share is said once.

Owns: which records and questions those are. Refuses: to judge (`spfwhite.plan.plan`).
"""

from spfwhite.dns.answers import Question
from spfwhite.networks import Networks
from spfwhite.plan.plan import STALE_DEGRADES, Decision
from spfwhite.sources.memory import Stale


def causes(decision: Decision, now: float) -> dict[str, str]:
    """Return a sentence for each cause, by what it is about; {} where nobody can share it.

    For a hold these are the domains of the records that are gone, which `--accept` takes.
    """
    if decision.holds:
        return gone(decision)
    if gaps := decision.candidate.gaps:
        return {f"{gap.domain} {gap.term}": gap.detail for gap in gaps}
    stale = sorted(decision.stale.items()) if decision.status == "stale" else ()
    old = (each for each in stale if now - each[1].seen > STALE_DEGRADES)
    return {" ".join(question): unanswered(question, answer) for question, answer in old}


def gone(decision: Decision) -> dict[str, str]:
    """Return the broken records, by domain, without which a held provider loses what it does."""
    candidate, entry = decision.candidate, decision.entry
    if not entry or any(hold.kind != "loss" for hold in decision.holds):
        return {}
    nodes = (n for domain in candidate.provider.domains for n in candidate.evaluation.walk(domain))
    broken = {node.domain: node.fault.detail for node in nodes if node.fault}
    lost = decision.passed - candidate.passed
    passed = [o for o in entry.origins if o.domain in broken and o.networks & lost]
    if lost - Networks.union(origin.networks for origin in passed):
        return broken  # one of them led to records that nothing leads to any more
    return {domain: broken[domain] for domain in sorted({origin.domain for origin in passed})}


def unanswered(question: Question, answer: Stale) -> str:
    """Return what was asked and not answered, and why."""
    return f"{question.rrtype} {question.name}: {answer.reason}"
