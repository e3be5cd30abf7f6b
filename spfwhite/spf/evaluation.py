"""The way into this room: what domains pass by RFC 7208, in either mode.

Owns: the choice of the mode. List mode (`spfwhite.spf.list_mode`) lists what a sender means, strict
mode (`spfwhite.spf.strict`) what a check of the client would certainly pass.
"""

from collections.abc import Iterable

from spfwhite.dns.answers import Answers
from spfwhite.spf import list_mode
from spfwhite.spf.result import Evaluation
from spfwhite.spf.width import ANY_WIDTH, Widest


def evaluate(
    domains: Iterable[str], answers: Answers, *, strict: bool = False, widest: Widest = ANY_WIDTH
) -> Evaluation:
    """Return what each domain passes, with every term on the way; raises nothing.

    What passes nothing: "+" terms wider than `widest`, and a domain beyond `spfwhite.spf.budget`.
    """
    if not strict:
        return list_mode.evaluate(domains, answers, widest)
    from spfwhite.spf import strict as strict_mode  # most runs never need it

    return strict_mode.evaluate(domains, answers, widest)
