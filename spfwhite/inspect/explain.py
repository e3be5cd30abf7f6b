"""Why an address is on the table, or why it is not.

Owns: the search through the last run for what passes an address, with one shortest chain of
includes a provider, and for what kept it out. Refuses: the network.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from spfwhite import files
from spfwhite.networks import EMPTY, Networks
from spfwhite.plan.last_run import LastRun
from spfwhite.plan.past import Change
from spfwhite.plan.plan import Decision
from spfwhite.special_use import barred
from spfwhite.spf.result import Step
from spfwhite.tables.content import networks_in, owner_of

# Things of one kind that an explanation names.
MAX_NAMED: Final = 5

# What differs beyond so many last bits is no neighbour: a /16, or a /32, has many holders.
ELSEWHERE: Final = {4: 16, 6: 96}


class Passing(NamedTuple):
    """One term that passes the address, and the records that lead to it from the provider."""

    provider: str
    term: str
    domain: str
    chain: tuple[str, ...] = ()
    held_since: float | None = None  # in seconds since the epoch, as the next
    stale_since: float | None = None
    former: bool = False  # for a definition of the provider that the configuration no longer has


class Denial(NamedTuple):
    """One thing that keeps an address out, as a sentence; not `certain`: that may do so."""

    provider: str
    sentence: str
    certain: bool = True
    by_client: bool = False  # it may for any address, since only the client of a mail decides it


class Neighbour(NamedTuple):
    """A listed network near an address, its distance in addresses, and who contributes it."""

    network: str
    distance: int
    providers: tuple[str, ...]


class Explanation(NamedTuple):
    """All there is to say about one address or network."""

    asked: Networks
    covered: Networks  # the part of it that the table covers
    pending: Networks  # what the table lacks though configuration and state say it belongs there
    rules: tuple[str, ...]  # that cover it
    passing: tuple[Passing, ...]
    denials: tuple[Denial, ...]
    neighbours: tuple[Neighbour, ...]
    until: tuple[Change, ...]
    rejected: Networks = EMPTY  # the part that is not covered and that the reject table holds
    reject_rules: tuple[str, ...] = ()  # that reject it
    rejecting: tuple[Passing, ...] = ()  # what puts it on the reject table

    @property
    def is_covered(self) -> bool:
        """Whether every address asked for is covered."""
        return self.covered == self.asked


def explain(run: LastRun, table: Networks, asked: Networks, rejects: Networks) -> Explanation:
    """Explain what the allow `table` and the reject table do with `asked`, from the last run."""
    covered = asked & table
    missing = asked - covered
    allow = [d for d in run.plan.decisions if d.provider.action == "permit"]
    deny = [d for d in run.plan.decisions if d.provider.action == "reject"]
    passing = list(_passing(allow, asked))
    rejected = missing & (rejects | run.plan.rejected)
    removals = [change for change in run.state.journal if change.removed & missing]
    # only of these is it worth saying what might have passed them, or is near
    listable = missing - rejected - _never_listed(run, allow)
    return Explanation(
        asked=asked,
        covered=covered,
        pending=missing & run.plan.permitted,
        rules=_rules(table, covered),
        passing=(*passing, *_former(run, passing, covered)),
        denials=tuple(dict.fromkeys(_denials(run, allow, missing, listable))) if missing else (),
        neighbours=tuple(_neighbours(allow, table, asked)) if listable and not covered else (),
        until=tuple(removals[-MAX_NAMED:]),
        rejected=rejected & rejects,
        reject_rules=_rules(rejects, rejected),
        rejecting=tuple(_passing(deny, rejected)),
    )


def networks_in_force(path: Path, planned: Networks, *, only_ours: bool = False) -> Networks:
    """Return what a table holds: the file counts, and what was `planned` if there is none.

    `only_ours`: what somebody else wrote there counts for nothing. Raises FileError.
    """
    content = files.read_if_there(path)
    if content is None:
        return planned
    if only_ours and owner_of(content) != "ours":
        return EMPTY
    return networks_in(content)


def _rules(table: Networks, part: Networks) -> tuple[str, ...]:
    return tuple(text for text in table.texts() if Networks.parse([text]) & part) if part else ()


def _never_listed(run: LastRun, decisions: list[Decision]) -> Networks:
    """Return the addresses that no record can put on the table, so that no other reason counts."""
    drop = all(decision.provider.special_use == "drop" for decision in decisions)
    return run.config.safety.exclude.networks | barred("drop" if drop else "keep")


def _passing(decisions: list[Decision], asked: Networks) -> Iterator[Passing]:
    for decision in decisions:
        provider, entry = decision.provider, decision.entry
        if decision.candidate.static & asked:
            # which of the two has it, nobody remembers
            named = filter(None, (provider.networks_file, provider.defined_in))
            yield Passing(provider.name, "networks", " or ".join(map(str, named)))
        if not entry or not decision.passed & asked:
            continue
        chains = decision.candidate.evaluation.chains(provider.domains)
        for origin in entry.origins:
            if origin.networks & asked:
                chain = chains.get(origin.domain, (origin.domain,))
                seen = (old.seen for query, old in decision.stale.items() if query.name in chain)
                since = entry.held, min(seen, default=None)
                yield Passing(provider.name, origin.term, origin.domain, chain, *since)


def _former(run: LastRun, passing: list[Passing], covered: Networks) -> Iterator[Passing]:
    """Yield the terms of providers that were removed, switched off or edited since the last run."""
    digests = {d.provider.name: d.provider.digest for d in run.plan.decisions}
    present = {(term.provider, term.term, term.domain) for term in passing}
    for name, entry in run.state.accepted.items():
        for origin in entry.origins if digests.get(name) != entry.digest else ():
            if origin.networks & covered and (name, origin.term, origin.domain) not in present:
                yield Passing(provider=name, term=origin.term, domain=origin.domain, former=True)


def _denials(
    run: LastRun, decisions: list[Decision], missing: Networks, listable: Networks
) -> Iterator[Denial]:
    """Yield what keeps addresses out; `listable` are those that a record could pass."""
    if run.config.safety.exclude.networks & missing:
        yield Denial("", "safety.exclude names it")
    if any(barred(decision.provider.special_use) & missing for decision in decisions):
        yield Denial("", "it is a special-use address (safety.special_use)")
    for decision in decisions:
        name = decision.provider.name
        if decision.candidate.passed & missing and not decision.passed & missing:
            reasons = "; ".join(hold.phrase for hold in decision.holds)
            text = f"passes it now, but is held (see `spfwhite providers {name}`): {reasons}"
            yield Denial(name, text)
        yield from _in_records(decision, missing, listable)


def _in_records(decision: Decision, missing: Networks, listable: Networks) -> Iterator[Denial]:
    """Name the terms that deny an address, and those that might have passed it."""
    name, evaluation = decision.provider.name, decision.candidate.evaluation
    for domain in decision.provider.domains:
        fault = evaluation.root(domain).fault
        if listable and fault and fault.kind == "temporary":
            yield Denial(name, f"{domain} might pass it: {fault.detail}", certain=False)
        for node in evaluation.walk(domain, passing=True):
            if node.excluded & missing:
                yield Denial(name, f"{node.domain} passes it, and safety.exclude names that domain")
        for node in evaluation.walk(domain):
            for step in node.steps:
                denies = step.qualifier != "+" and step.term[1:].lower() != "all"
                if denies and step.matched & missing:
                    yield Denial(name, f"{step.term} in {node.domain} keeps it out")
                if step.problem and _might_pass(step, step.problem.kind, listable):
                    text = f"{step.term} in {node.domain} might pass it: {step.problem.detail}"
                    by_client = step.problem.kind == "undecidable"
                    yield Denial(name, text, certain=False, by_client=by_client)


def _might_pass(step: Step, why_dropped: str, listable: Networks) -> bool:
    if step.qualifier != "+" or why_dropped not in ("too-wide", "undecidable", "temporary"):
        return False
    return bool(listable & step.left_out if why_dropped == "too-wide" else listable)


def _neighbours(decisions: list[Decision], table: Networks, asked: Networks) -> Iterator[Neighbour]:
    for version in (4, 6):
        ranges = asked.ranges(version)
        if not ranges:
            continue
        low, high = ranges[0][0], ranges[-1][1]
        below = [(pair, -1, low, pair[1]) for pair in table.ranges(version) if pair[1] < low]
        above = [(pair, 0, high, pair[0]) for pair in table.ranges(version) if pair[0] > high]
        for (first, last), nearest, end, other in below[-1:] + above[:1]:
            if not (end ^ other) >> ELSEWHERE[version]:
                text = Networks.of(version, first, last).texts()[nearest]
                near = Networks.parse([text])
                owners = tuple(d.provider.name for d in decisions if d.networks & near)
                yield Neighbour(text, abs(end - other), owners)
