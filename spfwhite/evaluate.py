"""RFC 7208 sections 4 to 6 over a snapshot, in list mode: what a domain passes, term by term.

Owns: the fold of list mode: a term that is malformed, undecidable, failing or looping is dropped
with a problem, and the fold goes on. Refuses: any look-up. Strict mode is `spfwhite.strict`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final, NamedTuple

from spfwhite import spf
from spfwhite.answers import Answers
from spfwhite.components import components
from spfwhite.first_match import first_match
from spfwhite.networks import EMPTY, EVERYTHING, Networks
from spfwhite.records import Addresses, addresses, record_at
from spfwhite.targets import evaluated, target
from spfwhite.trail import Evaluation, Fault, Node, Problem, Step
from spfwhite.width import ANY_WIDTH, Widest

MANY: Final = 1_000_000
"""Look-ups are counted up to here: doubled includes would make numbers of a thousand digits."""


def evaluate(domains: Iterable[str], answers: Answers, *, widest: Widest = ANY_WIDTH) -> Evaluation:
    """Return what each domain passes in list mode.

    "+" terms wider than `widest` pass nothing (`too-wide`).
    """
    fold = _ListMode(answers, widest)
    return Evaluation(fold.nodes, {domain: fold.node(domain) for domain in domains})


class _ListMode:
    """Folds each record once, however many domains share it.

    Records that lead to each other are folded together until nothing changes: in such a cycle, a
    "+" include adds what the others pass, which is what a walk that stops at a name on its own
    path would find, from wherever it starts. A directive that is not "+" has no such fixed point,
    so inside a cycle it is dropped.
    """

    def __init__(self, answers: Answers, widest: Widest) -> None:
        self._answers = answers
        self.widest = widest
        self._index: dict[str, int] = {}
        self._below: dict[str, list[str]] = {}
        self._unbounded: _ListMode | None = None
        self.nodes: list[Node] = []

    def node(self, domain: str) -> int:
        """Return the index of the domain's node, folding all that it leads to first."""
        for component in components(domain, self._leads_to, self._index):
            cycle = frozenset(component) if self._is_cycle(component) else frozenset()
            for name in component:
                self._index[name] = len(self.nodes)
                self.nodes.append(Node(name, ""))
            self._settle(component, cycle)
        return self._index[domain]

    def _leads_to(self, domain: str) -> list[str]:
        text = record_at(self._answers, domain)
        if isinstance(text, Fault):
            return []
        names = (
            target(term.body.domain, domain)
            for term in evaluated(spf.parse(text))
            if isinstance(term.body, spf.Include | spf.Redirect)
        )
        self._below[domain] = [name for name in names if isinstance(name, str)]
        return self._below[domain]

    def _is_cycle(self, component: list[str]) -> bool:
        return len(component) > 1 or component[0] in self._below.get(component[0], ())

    def _settle(self, component: list[str], cycle: frozenset[str]) -> None:
        changed = True
        while changed:
            changed = False
            for name in component:
                index = self._index[name]
                node = self._fold(name, cycle)
                changed |= bool(cycle) and node.passed != self.nodes[index].passed
                self.nodes[index] = node
        if cycle:
            members = [self.nodes[self._index[name]] for name in component]
            lookups = min(MANY, sum(node.lookups for node in members))
            voids = min(MANY, sum(node.voids for node in members))
            for node in members:
                shared = replace(node, lookups=lookups, voids=voids)
                self.nodes[self._index[node.domain]] = shared

    def _fold(self, domain: str, cycle: frozenset[str]) -> Node:
        text = record_at(self._answers, domain)
        if isinstance(text, Fault):
            return Node(domain, "", fault=Problem(text.kind, domain, "", text.detail))
        fold = _RecordFold(self, domain, cycle)
        for term in evaluated(spf.parse(text)):
            fold.add(term)
        return fold.node(text)

    def child(self, name: str) -> int:
        """Return the index of a node that has been begun."""
        return self._index[name]

    def denied(self, name: str) -> Networks:
        """Return what the records at a name pass without the rail on width.

        A directive that is not "+" takes it away, and nothing is too wide to be denied.
        """
        if self.widest == ANY_WIDTH:
            return self.nodes[self._index[name]].passed
        if self._unbounded is None:
            self._unbounded = _ListMode(self._answers, ANY_WIDTH)
        return self._unbounded.nodes[self._unbounded.node(name)].passed

    def hosts(self, term: spf.Hosts, name: str) -> Addresses:
        """Return what an `a` or `mx` term matches."""
        return addresses(self._answers, term, name)


class _Match(NamedTuple):
    """What a term matches, the node it leads to, and what is wrong with it."""

    networks: Networks
    child: int | None = None
    problem: Problem | None = None


class _RecordFold:
    """The fold of one record: each "+" directive passes what it matches and the record not denies.

    Denied is what a directive that is not "+" matches first (section 4.6.2). No "+" directive
    before that one matches it, so it goes from all of them, wherever they stand.
    """

    def __init__(self, mode: _ListMode, domain: str, cycle: frozenset[str]) -> None:
        self._mode = mode
        self._domain = domain
        self._cycle = cycle
        self._found: list[tuple[spf.Term, _Match]] = []
        self._lookups = 0
        self._voids = [0, 0]

    def add(self, term: spf.Term) -> None:
        """Take one directive, or the redirect."""
        self._found.append((term, self._match(term)))

    def node(self, text: str) -> Node:
        """Return the finished node."""
        denied = _denied([(term, match.networks) for term, match in self._found])
        steps = []
        for term, (networks, child, problem) in self._found:
            passed = networks - denied if term.qualifier == "+" else EMPTY
            steps.append(Step(term.text, term.qualifier, networks, passed, child, problem))
        passed = Networks.union(step.passed for step in steps)
        lookups, voids = min(MANY, self._lookups), min(MANY, max(self._voids))
        return Node(self._domain, text, tuple(steps), passed, lookups, voids)

    def _match(self, term: spf.Term) -> _Match:
        match term.body:
            case spf.Ip(networks):
                return self._narrowed(term, _Match(networks))
            case spf.Include(spec) | spf.Redirect(spec):
                return self._included(term, spec)
            case spf.Hosts() as hosts:
                return self._narrowed(term, self._hosts(term, hosts))
            case spf.All():
                return self._narrowed(term, _Match(EVERYTHING))
            case spf.ByClient(kind):
                self._lookups += 1
                return self._drop(term, Fault("undecidable", f"{kind} is decided by the client"))
            case spf.Malformed(reason):
                return self._drop(term, Fault("syntax", reason))
            case spf.Ignored():
                return _Match(EMPTY)

    def _narrowed(self, term: spf.Term, match: _Match) -> _Match:
        networks = self._mode.widest.narrowed(term, match.networks)
        if networks == match.networks:
            return match
        return _Match(networks, problem=self._problem(term, self._mode.widest.fault(term)))

    def _included(self, term: spf.Term, spec: str) -> _Match:
        self._lookups += 1
        name = target(spec, self._domain)
        if isinstance(name, Fault):
            return self._drop(term, name)
        child = self._mode.child(name)
        node = self._mode.nodes[child]
        if name in self._cycle:
            problem = self._problem(term, Fault("loop", f"{name} leads back to {self._domain}"))
            return _Match(node.passed if term.qualifier == "+" else EMPTY, child, problem)
        self._lookups += node.lookups
        self._voids = [voids + node.voids for voids in self._voids]
        if node.fault:
            fault = Fault(node.fault.kind, node.fault.detail)
            return _Match(EMPTY, child, self._problem(term, fault))
        return _Match(node.passed if term.qualifier == "+" else self._mode.denied(name), child)

    def _hosts(self, term: spf.Term, body: spf.Hosts) -> _Match:
        self._lookups += 1
        name = target(body.domain, self._domain)
        if isinstance(name, Fault):
            return self._drop(term, name)
        found = self._mode.hosts(body, name)
        self._voids = [a + b for a, b in zip(self._voids, found.voids, strict=True)]
        fault = found.faults[0] or found.faults[1]
        if fault:
            return _Match(found.networks, problem=self._problem(term, fault))
        if not found.networks:
            # RFC 7208 section 5.3: no match and no error, so nothing was dropped
            problem = Problem("missing", self._domain, term.text, f"{name} has no address")
            return _Match(EMPTY, problem=problem)
        return _Match(found.networks)

    def _drop(self, term: spf.Term, fault: Fault) -> _Match:
        return _Match(EMPTY, problem=self._problem(term, fault))

    def _problem(self, term: spf.Term, fault: Fault) -> Problem:
        widens = term.qualifier != "+"
        return Problem(fault.kind, self._domain, term.text, fault.detail, widens)


def _denied(directives: list[tuple[spf.Term, Networks]]) -> Networks:
    """Return the addresses whose first matching directive is not "+" (section 4.6.2)."""
    # what `all` denies nothing else matches, for nothing comes after it (section 5.1)
    denies = [t.qualifier != "+" and not isinstance(t.body, spf.All) for t, _ in directives]
    disputed = Networks.union(
        networks for (_, networks), is_denial in zip(directives, denies, strict=True) if is_denial
    )
    if not disputed:
        return EMPTY
    most = disputed.count()  # a large include is cut to what counts
    won = first_match([n & disputed if n.count() > most else n for _, n in directives])
    return Networks.union(part for part, is_denial in zip(won, denies, strict=True) if is_denial)
