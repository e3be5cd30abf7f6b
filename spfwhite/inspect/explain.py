"""Why an address is on the table, or why it is not.

Owns: the search through the last run for what passes an address, with one shortest chain of
includes a provider, and for what kept it out. A pure function of the state. Refuses: the network.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from spfwhite.networks import EMPTY, EVERYTHING, Networks
from spfwhite.plan.last_run import LastRun
from spfwhite.plan.plan import Decision
from spfwhite.plan.state import Change
from spfwhite.special_use import barred
from spfwhite.spf import record as spf
from spfwhite.spf.result import Step

MANY: Final = 5
"""Things of one kind that an explanation names."""


@dataclass(frozen=True, slots=True)
class Passing:
    """One term that passes the address, and the records that lead to it from the provider.

    `held` and `stale` are since when, in seconds since the epoch. `former`: it passed it for a
    definition of the provider that the configuration no longer has.
    """

    provider: str
    term: str
    domain: str
    chain: tuple[str, ...]
    held: float | None
    stale: float | None
    former: bool = False


@dataclass(frozen=True, slots=True)
class Denial:
    """One thing that keeps an address out, as a sentence; not `certain`: that may do so."""

    provider: str
    sentence: str
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A listed network near an address, its distance in addresses, and who contributes it."""

    network: str
    distance: int
    providers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """All there is to say about one address or network.

    `covered` is the part of it that the table covers, `rules` the rules that do; `pending` is what
    the table lacks though the configuration and the state say that it belongs there. `rejecting` is
    what puts a part that is not covered on the reject table, `reject_rules` the rules that are.
    """

    asked: Networks
    covered: Networks
    pending: Networks
    rules: tuple[str, ...]
    passing: tuple[Passing, ...]
    denials: tuple[Denial, ...]
    neighbours: tuple[Neighbour, ...]
    until: tuple[Change, ...]
    reject_rules: tuple[str, ...] = ()
    rejecting: tuple[Passing, ...] = ()

    @property
    def is_covered(self) -> bool:
        """Whether every address asked for is covered."""
        return self.covered == self.asked


def explain(
    run: LastRun, table: Networks, asked: Networks, rejects: Networks = EMPTY
) -> Explanation:
    """Explain what the tables do with `asked`, from the last run that made them.

    `table` is what is allowed, `rejects` what the reject table holds.
    """
    covered = asked & table
    allow = [each for each in run.plan.decisions if each.provider.action == "permit"]
    deny = [each for each in run.plan.decisions if each.provider.action == "reject"]
    missing = asked - covered
    passing = list(_passing(allow, asked))
    rejected = missing & (rejects | run.plan.rejected)
    doubtful = missing - rejected - _never_listed(run, allow)
    return Explanation(
        asked,
        covered,
        missing & run.plan.permitted,
        _rules(table, covered),
        (*passing, *_former(run, passing, covered)),
        tuple(dict.fromkeys(_denials(run, allow, missing, doubtful))) if missing else (),
        tuple(_neighbours(allow, table, asked)) if doubtful and not covered else (),
        tuple(change for change in run.state.journal if change.removed & missing)[-MANY:],
        _rules(rejects, rejected),
        tuple(_passing(deny, rejected)) if rejected else (),
    )


def _rules(table: Networks, part: Networks) -> tuple[str, ...]:
    """Return the rules of a table that cover some of a part."""
    return tuple(text for text in table.texts() if Networks.parse([text]) & part) if part else ()


def _never_listed(run: LastRun, decisions: list[Decision]) -> Networks:
    """Return the addresses that no record can put on the table, so that no other reason counts."""
    drop = all(each.provider.special_use == "drop" for each in decisions)
    return run.config.safety.exclude | barred("drop" if drop else "keep")


def _passing(decisions: list[Decision], asked: Networks) -> Iterator[Passing]:
    for decision in decisions:
        name, candidate, entry = decision.provider.name, decision.candidate, decision.entry
        if candidate.static & asked:
            yield Passing(name, "networks", decision.provider.defined_in, (), None, None)
        if not entry or not decision.passed & asked:
            continue
        for origin in entry.origins:
            if origin.networks & asked:
                chains = candidate.evaluation.chains(decision.provider.domains)
                chain = chains.get(origin.domain, (origin.domain,))
                stale = _stale_since(decision, chain)
                yield Passing(name, origin.term, origin.domain, chain, entry.held, stale)


def _former(run: LastRun, found: list[Passing], covered: Networks) -> Iterator[Passing]:
    """Yield the terms of providers that were removed, switched off or edited since the last run."""
    digests = {each.provider.name: each.provider.digest for each in run.plan.decisions}
    known = {(each.provider, each.term, each.domain) for each in found}
    for name, entry in run.state.accepted.items():
        for origin in entry.origins if digests.get(name) != entry.digest else ():
            if origin.networks & covered and (name, origin.term, origin.domain) not in known:
                yield Passing(name, origin.term, origin.domain, (), None, None, former=True)


def _stale_since(decision: Decision, chain: tuple[str, ...]) -> float | None:
    """Return since when an answer on the chain has been remembered only."""
    stale = decision.stale
    return min((stale[q].seen for q in stale if q.name in chain), default=None)


def _denials(
    run: LastRun, decisions: list[Decision], missing: Networks, doubtful: Networks
) -> Iterator[Denial]:
    """Yield what keeps addresses out; `doubtful` are those that a record could still pass."""
    if run.config.safety.exclude & missing:
        yield Denial("", "safety.exclude names it")
    if any(barred(each.provider.special_use) & missing for each in decisions):
        yield Denial("", "it is a special-use address (safety.special_use)")
    for decision in decisions:
        name = decision.provider.name
        if decision.candidate.passed & missing and not decision.passed & missing:
            reasons = "; ".join(hold.phrase for hold in decision.holds)
            yield Denial(name, f"{name} passes it now and is held (--accept {name}): {reasons}")
        yield from _in_records(decision, missing, doubtful)


def _in_records(decision: Decision, missing: Networks, doubtful: Networks) -> Iterator[Denial]:
    """Name the terms that deny an address, and those that might have passed it."""
    name, evaluation = decision.provider.name, decision.candidate.evaluation
    for domain in decision.provider.domains:
        fault = evaluation.root(domain).fault
        if doubtful and fault and fault.kind == "temporary":
            yield Denial(name, f"{domain} might pass it: {fault.detail}", certain=False)
        for node in evaluation.walk(domain):
            for step in node.steps:
                if step.qualifier != "+" and step.matched & missing and not _is_all(step.term):
                    yield Denial(name, f"{step.term} in {node.domain} keeps it out")
                if doubtful and step.problem and _might_pass(step, doubtful):
                    text = f"{step.term} in {node.domain} might pass it: {step.problem.detail}"
                    yield Denial(name, text, certain=False)


def _might_pass(step: Step, doubtful: Networks) -> bool:
    """Whether a term that was dropped could be what would pass an address."""
    if step.qualifier != "+" or not step.problem:
        return False
    if step.problem.kind == "too-wide":
        body = spf.parse(f"v=spf1 {step.term}").terms[0].body
        return bool(doubtful & (body.networks if isinstance(body, spf.Ip) else EVERYTHING))
    return step.problem.kind in ("undecidable", "temporary")


def _is_all(term: str) -> bool:
    return term[1:].lower() == "all"


def _neighbours(decisions: list[Decision], table: Networks, asked: Networks) -> Iterator[Neighbour]:
    for version in (4, 6):
        ranges = asked.ranges(version)
        if not ranges:
            continue
        low, high = ranges[0][0], ranges[-1][1]
        below = [pair for pair in table.ranges(version) if pair[1] < low][-1:]
        above = [pair for pair in table.ranges(version) if pair[0] > high][:1]
        for first, last in below + above:
            cidrs = Networks.of(version, first, last).texts()
            text, distance = (cidrs[-1], low - last) if last < low else (cidrs[0], first - high)
            near = Networks.parse([text])
            names = tuple(each.provider.name for each in decisions if each.networks & near)
            yield Neighbour(text, distance, names)
