"""What a provider loses within its limits by somebody's mistake, which is said once.

Owns: which faults took something, and the sentence. Refuses: to hold a provider for it.
"""

from __future__ import annotations

from collections.abc import Sequence

from spfwhite.networks import Networks
from spfwhite.plan.candidates import Candidate, origins
from spfwhite.plan.rails import UNITS, amount
from spfwhite.spf.result import Contribution
from spfwhite.wording import few


def lost_by_faults(candidate: Candidate, accepted: Sequence[Contribution], before: Networks) -> str:
    """Say which faults took accepted networks away, "" for none: an edited record is no fault.

    News of one night, since what is lost is no longer accepted on the next one. `before` is what
    of the accepted networks counted until now.
    """
    lost = before - candidate.passed
    if not lost:
        return ""
    nodes = (n for domain in candidate.provider.domains for n in candidate.evaluation.walk(domain))
    records = {node.domain: node.fault.detail for node in nodes if node.fault}
    terms = {(problem.domain, problem.term): problem.detail for problem in candidate.problems}
    passing = {(origin.domain, origin.term) for origin in origins(candidate, candidate.passed)}
    details = {
        records.get(origin.domain) or terms.get((origin.domain, origin.term)) or ""
        for origin in accepted
        if origin.networks & lost and (origin.domain, origin.term) not in passing
    } - {""}
    if not details:
        return ""
    amounts = [f"{amount(v, lost):,} of its {UNITS[v]}" for v in (4, 6) if lost.ranges(v)]
    return f"loses {' and '.join(amounts)}: {few(sorted(details), 3)}"
