"""RFC 7208 sections 4 to 6 over a snapshot, in strict mode: where `check_host` returns pass.

Owns: the evaluation in strict mode. Refuses: any look-up. List mode is `spfwhite.spf.list_mode`.
"""

# `check_host` is asked about one address; here it is asked about all of them at once. A record is
# given the addresses that reach it, and each of its terms parts what is left of them: those that
# it matches, those that it cannot decide (an error, a limit, a term decided by the client), and
# those that go on to the next term. `check_host` would end with an error for what is undecided, so
# it leaves the record and all that included it, and is never listed. If a record is missing,
# malformed or there several times, every address that reaches it is undecided (sections 4.4 to
# 4.6). A "-", "~" or
# "?" decides what it matches as well as a "+" does, and what no term decides is neutral (section
# 4.7).
#
# The counters of section 4.6.4 are kept for each address family by itself, since a check looks up
# the addresses of its client's family only. Where they would differ from address to address they
# follow the longest path, so the result may be narrower than `check_host`, never wider.

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import groupby
from typing import Final, NamedTuple

from spfwhite.dns.answers import Answers, Found, Question, mx_hosts
from spfwhite.networks import EMPTY, EVERYTHING, Networks
from spfwhite.spf import record as spf
from spfwhite.spf.addresses import addresses, record_at
from spfwhite.spf.budget import Budget, OverBudgetError, over_budget
from spfwhite.spf.first_match import first_match
from spfwhite.spf.reach import reached_terms, target_name
from spfwhite.spf.result import Evaluation, Fault, Node, Step
from spfwhite.spf.width import ANY_WIDTH, Widest

# section 4.6.4
MAX_LOOKUPS: Final = 10
MAX_VOIDS: Final = 2
MAX_MX_HOSTS: Final = 10

FAMILIES: Final = (4, 6)


def evaluate(domains: Iterable[str], answers: Answers, widest: Widest) -> Evaluation:
    """Return what each domain passes in strict mode, as `spfwhite.spf.evaluation` says."""
    nodes: list[Node] = []
    roots = {}
    for domain in domains:
        begin = len(nodes)
        try:
            _Check(answers, widest, nodes).record(domain, EVERYTHING)
        except OverBudgetError:
            nodes[begin:] = [over_budget(domain)]
        roots[domain] = len(nodes) - 1  # a record comes after those that it leads to
    return Evaluation(nodes, roots)


class _Turn(NamedTuple):
    """What a term, or a record, makes of addresses; a record matches what it passes."""

    matched: Networks = EMPTY
    undecided: Networks = EMPTY
    fault: Fault | None = None
    child: int | None = None
    left_out: Networks = EMPTY


class _Check:
    """One `check_host` for all addresses at once, with counters for each family."""

    def __init__(self, answers: Answers, widest: Widest, nodes: list[Node]) -> None:
        self._answers = answers
        self._widest = widest
        self._nodes = nodes
        self._budget = Budget()
        self._lookups = dict.fromkeys(FAMILIES, 0)
        self._voids = dict.fromkeys(FAMILIES, 0)

    def record(self, domain: str, reach: Networks) -> _Turn:
        """Evaluate the record at a domain for the addresses in `reach`."""
        record = record_at(self._answers, domain)
        if isinstance(record, Fault):  # sections 4.3 to 4.5: no record, several, or no answer
            self._nodes.append(Node(domain, "", fault=record.at(domain)))
            return _Turn(undecided=reach, fault=record, child=len(self._nodes) - 1)
        # section 4.6: a syntax error anywhere in the record is a permerror; it stands at the terms
        # that have it, and not at the includes that lead to them
        if any(isinstance(term.body, spf.Malformed) for term in record.terms):
            steps = tuple(_step(domain, term, _Turn(fault=_syntax(term))) for term in record.terms)
            fault = next(step.problem for step in steps if step.problem)
            self._nodes.append(Node(domain, record.text, steps, fault=fault))
            return _Turn(undecided=reach, child=len(self._nodes) - 1)
        return self._fold(domain, record, reach)

    def _fold(self, domain: str, record: spf.Record, reach: Networks) -> _Turn:
        before = self._counted()
        remaining = reach
        steps: list[Step] = []
        undecided: list[Networks] = []
        for terms in self._runs(record):
            if not remaining:  # section 4.6.2: all is decided, so nothing more is looked up
                break
            self._budget.spend(len(terms) + remaining.count())
            turns = self._turns(domain, terms, remaining)
            self._budget.spend(sum(t.matched.count() + t.undecided.count() for t in turns))
            steps += map(partial(_step, domain), terms, turns)
            undecided += (turn.undecided for turn in turns)
            remaining -= Networks.union(turn.matched | turn.undecided for turn in turns)
        lookups, voids = (now - then for now, then in zip(self._counted(), before, strict=True))
        passed = Networks.union(step.passed for step in steps)
        node = Node(domain, record.text, tuple(steps), passed, lookups, voids)
        if domain in self._widest.excluded:
            node = node.followed_by_nobody()
        self._nodes.append(node)
        return _Turn(node.passed, Networks.union(undecided), child=len(self._nodes) - 1)

    def _counted(self) -> tuple[int, int]:
        """Return the look-ups and void look-ups so far, of the family that has more."""
        return max(self._lookups.values()), max(self._voids.values())

    def _runs(self, record: spf.Record) -> Iterator[list[spf.Term]]:
        """Yield `ip4` and `ip6` terms in a row together, each other term alone."""
        # One sweep decides such a run; one by one, thousands of terms would take quadratic time.
        for is_ip, group in groupby(reached_terms(record), self._is_ip):
            terms = list(group)
            yield from [terms] if is_ip else ([term] for term in terms)

    def _is_ip(self, term: spf.Term) -> bool:
        """Whether a term is matched without a look-up and without a fault."""
        return isinstance(term.body, spf.Ip) and self._widest.allows(term)

    def _turns(self, domain: str, terms: list[spf.Term], remaining: Networks) -> list[_Turn]:
        """Take the terms of a run in turn, until nothing remains (section 4.6.2)."""
        if not self._is_ip(terms[0]):
            return [self._narrowed(terms[0], self._turn(domain, terms[0], remaining))]
        sets = [term.body.networks for term in terms if isinstance(term.body, spf.Ip)]
        _, *matched = first_match([EVERYTHING - remaining, *sets])
        if Networks.union(matched) == remaining:
            while not matched[-1]:  # terms that nothing reaches are no steps
                matched.pop()
        return [_Turn(networks) for networks in matched]

    def _narrowed(self, term: spf.Term, turn: _Turn) -> _Turn:
        """Apply the limit on width: what a term that is too wide matched goes on to the next."""
        matched = self._widest.narrowed(term, turn.matched)
        if matched == turn.matched:
            return turn
        left_out = turn.matched - matched
        return turn._replace(matched=matched, left_out=left_out, fault=self._widest.fault(term))

    def _turn(self, domain: str, term: spf.Term, remaining: Networks) -> _Turn:
        match term.body:
            case spf.All():  # section 5.1
                return _Turn(matched=remaining)
            case spf.Ip(networks):  # section 5.6
                return _Turn(matched=networks & remaining)
            case spf.Ignored(hint):
                return _Turn(fault=Fault("syntax", hint))
        over = self._over_limit(remaining)
        turn = self._looked_up(domain, term, remaining - over) if remaining - over else _Turn()
        if not over:
            return turn
        fault = Fault("limit", f"needs more than {MAX_LOOKUPS} look-ups")
        return turn._replace(undecided=turn.undecided | over, fault=fault)

    def _over_limit(self, remaining: Networks) -> Networks:
        """Count a look-up; return the addresses whose family has none left (section 4.6.4)."""
        over = EMPTY
        for version in FAMILIES:
            if remaining.ranges(version):
                self._lookups[version] += 1
                if self._lookups[version] > MAX_LOOKUPS:
                    over |= remaining.family(version)
        return over

    def _looked_up(self, domain: str, term: spf.Term, remaining: Networks) -> _Turn:
        match term.body:
            case spf.Include(spec) | spf.Redirect(spec) | spf.Hosts(domain=spec) as body:
                name = target_name(spec, domain)
                if isinstance(name, Fault):  # section 4.8: no name, or one that the client decides
                    return _Turn(undecided=remaining, fault=name)
                if isinstance(body, spf.Hosts):
                    return self._hosts(body, name, remaining)
                return self._included(term, name, remaining)
        assert isinstance(term.body, spf.ByClient)  # `ptr` (section 5.5) or `exists` (section 5.7)
        return _Turn(undecided=remaining, fault=Fault("undecidable", term.body.reason))

    def _included(self, term: spf.Term, name: str, remaining: Networks) -> _Turn:
        """Match an `include` (section 5.2) or the `redirect` (section 6.1)."""
        # An include matches where the check there passes; fail, softfail and neutral do not match.
        # A redirect gives its result on, so that what is not passed there is not passed here, which
        # is the same at the end of a record.
        widest = self._widest
        if term.qualifier != "+":
            self._widest = ANY_WIDTH  # nothing is too wide to be denied
        # sections 5.2 and 6.1: no record at all is an error of the term, like every error
        turn = self.record(name, remaining)
        self._widest = widest
        return turn

    def _hosts(self, body: spf.Hosts, name: str, remaining: Networks) -> _Turn:
        """Match `a` (section 5.3) or `mx` (section 5.4)."""
        # section 4.6.4: more than 10 MX hosts are a permerror, as are more than 2 void look-ups
        exchanges = self._answers.get(Question(name, "MX")) if body.kind == "mx" else None
        if isinstance(exchanges, Found) and len(mx_hosts(exchanges)) > MAX_MX_HOSTS:
            over = Fault("limit", f"{name} has more than {MAX_MX_HOSTS} MX hosts")
            return _Turn(undecided=remaining, fault=over)
        hosts = addresses(self._answers, body, name)
        self._budget.spend(hosts.read)
        undecided, fault = EMPTY, None
        for version, voids, family_fault in zip(FAMILIES, hosts.voids, hosts.faults, strict=True):
            family = remaining.family(version)
            if not family:
                continue
            self._voids[version] += voids
            if self._voids[version] > MAX_VOIDS:
                family_fault = Fault("limit", f"makes more than {MAX_VOIDS} void look-ups")
            if family_fault:
                undecided, fault = undecided | family, family_fault
        return _Turn((hosts.networks & remaining) - undecided, undecided, fault)


def _syntax(term: spf.Term) -> Fault | None:
    if not isinstance(term.body, spf.Malformed):
        return None
    return Fault("syntax", f"{term.body.reason}, which voids the record")


def _step(domain: str, term: spf.Term, turn: _Turn) -> Step:
    passed = turn.matched if term.qualifier == "+" else EMPTY
    problem = turn.fault.at(domain, term.text) if turn.fault else None
    return Step(term.text, term.qualifier, turn.matched, passed, turn.child, turn.left_out, problem)
