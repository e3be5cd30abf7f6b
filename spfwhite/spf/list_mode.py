"""RFC 7208 sections 4 to 6 over a snapshot, in list mode: what a domain passes, term by term.

Owns: the evaluation in list mode. Refuses: any look-up. Strict mode is `spfwhite.spf.strict`.
"""

# A list cannot ask for a client's address, so each record is evaluated for all addresses at once:
# an address is passed if a check of it would end in "pass". Where `check_host` ends with an error
# for good, list mode goes on: a term that is malformed, that cannot be decided, that fails or that
# loops is dropped with a problem, and the other terms count, since what a sender gets wrong in one
# place must not cost him the rest. If the dropped one could have denied something, its problem
# `widens`. The limits of section 4.6.4 are counted and shown, not enforced. What a record passes
# is then a set that depends only on what the records below it pass, so each record is evaluated
# once, after those it leads to, however many domains share it.
#
# Records that lead to each other in a circle have no such order. A walk that stops at a name on
# its own path finds, wherever it starts, what "+" includes bring in from any of them: the least
# fixed point of "a record passes what its `+` includes pass" (`spfwhite.spf.circles`). A directive
# that is not "+" has none (`a` denies what `b` passes, and `b` what `a` passes), so inside a
# circle it is dropped.

from collections.abc import Iterable
from contextlib import suppress
from itertools import count
from typing import Final

from spfwhite.dns.answers import NOT_ASKED, Answers, Question
from spfwhite.networks import EMPTY, EVERYTHING, Networks
from spfwhite.spf import record as spf
from spfwhite.spf.addresses import Addresses, addresses, record_at
from spfwhite.spf.budget import Budget, OverBudgetError, over_budget
from spfwhite.spf.circles import Match, MatchedRecord, fixed_point
from spfwhite.spf.components import components
from spfwhite.spf.reach import follow_up, reached_terms, target_name
from spfwhite.spf.result import Evaluation, Fault, Node, Step
from spfwhite.spf.width import Widest

# Look-ups are counted up to here: doubled includes would make numbers of a thousand digits
MAX_COUNT: Final = 1_000_000


def evaluate(domains: Iterable[str], answers: Answers, widest: Widest) -> Evaluation:
    """Return what each domain passes in list mode, as `spfwhite.spf.evaluation` says."""
    mode = _ListMode(answers, widest)
    return Evaluation(mode.nodes, {domain: mode.root(domain) for domain in domains})


class _ListMode:
    """Evaluates each record once, the records of a circle together."""

    def __init__(self, answers: Answers, widest: Widest) -> None:
        self._answers = answers
        self._widest = widest
        self._index: dict[str, int] = {}
        self._unrailed: dict[str, Networks] = {}  # what domains pass without the limits
        self._spent: dict[str, int] = {}  # on a circle, under the first name of it
        self.nodes: list[Node] = []

    def root(self, domain: str) -> int:
        """Return the index of a domain's node, evaluating all that it leads to first."""
        # the cost of shared records counts for every domain that reaches them, so that the order of
        # the domains does not matter
        budget = Budget()
        try:
            budget.spend(sum(self._spent.get(name, 0) for name in self._reached(domain)))
            for circle in components(domain, self._leads_to, self._index):
                budget.spend(self._settle(circle))
        except OverBudgetError:
            self.nodes.append(over_budget(domain))
            return len(self.nodes) - 1
        return self._index[domain]

    def _reached(self, domain: str) -> Iterable[str]:
        names, queue = {domain}, [domain]
        for name in queue:  # grows while it is walked
            fresh = {*self._leads_to(name)} - names
            names |= fresh
            queue += fresh
        return names

    def _leads_to(self, domain: str) -> list[str]:
        """Return the domains of a record's includes and its redirect, in order."""
        if "." not in domain:  # section 4.3: it has no record
            return []
        question = Question(domain, "TXT")
        below = follow_up(question, self._answers.get(question, NOT_ASKED))
        return [asked.name for asked in below if asked.rrtype == "TXT"]

    def _settle(self, names: list[str]) -> int:
        """Evaluate records that lead to each other, or one alone; return what it cost."""
        budget = Budget()
        with suppress(OverBudgetError):  # it gets no node then, but its cost is known
            self._evaluate(names, budget)
        self._spent[names[0]] = budget.spent
        return budget.spent

    def _evaluate(self, names: list[str], budget: Budget) -> None:
        circle = frozenset(names)  # or one record, perhaps with a term that leads to itself
        records = {name: self._record(name, circle, budget) for name in names}
        passed = unrailed = fixed_point(records, budget)
        if any(record.is_railed for record in records.values()):
            unrailed = fixed_point(records, budget, railed=False)
        matched = {name: record.matched(passed) for name, record in records.items()}
        parts = {name: records[name].passed(matched[name], budget) for name in names}
        self._unrailed |= unrailed
        self._index |= zip(names, count(len(self.nodes)), strict=False)
        # section 4.6.4; a check that starts anywhere in a circle comes to all of it
        lookups = min(MAX_COUNT, sum(record.lookups for record in records.values()))
        voids = min(MAX_COUNT, sum(max(record.voids) for record in records.values()))
        for name, record in records.items():
            rows = zip(record.matches, matched[name], parts[name], strict=True)
            steps = tuple(self._step(*row) for row in rows)
            own = Networks.union(parts[name]) if record.is_excluded else passed[name]
            node = Node(name, record.text, steps, own, lookups, voids, record.fault)
            self.nodes.append(node.followed_by_nobody() if record.is_excluded else node)

    def _step(self, match: Match, matched: Networks, passed: Networks) -> Step:
        term, problem, child = match.term, match.problem, self._index.get(match.child)
        is_too_wide = problem is not None and problem.kind == "too-wide"
        left_out = match.unrailed - match.networks if is_too_wide else EMPTY
        return Step(term.text, term.qualifier, matched, passed, child, left_out, problem)

    def _record(self, domain: str, circle: frozenset[str], budget: Budget) -> MatchedRecord:
        found, is_excluded = record_at(self._answers, domain), domain in self._widest.excluded
        if isinstance(found, Fault):  # sections 4.3 to 4.5: no record, several, or no answer
            return MatchedRecord(domain, fault=found.at(domain), is_excluded=is_excluded)
        record = MatchedRecord(domain, found.text, is_excluded=is_excluded)
        for term in reached_terms(found):
            record.matches.append(self._match(record, term, circle, budget))
        record.matches = _widening(record.matches)
        return record

    def _match(
        self, record: MatchedRecord, term: spf.Term, circle: frozenset[str], budget: Budget
    ) -> Match:
        match term.body:
            case spf.All():  # section 5.1
                return self._narrowed(record, Match(term, EVERYTHING))
            case spf.Ip(networks):  # section 5.6
                return self._narrowed(record, Match(term, networks))
            case spf.Include(spec) | spf.Redirect(spec) | spf.Hosts(domain=spec) as body:
                record.lookups += 1  # section 4.6.4
                name = target_name(spec, record.domain)
                if isinstance(name, Fault):  # section 4.8: no name, or one that the client decides
                    return record.dropped(term, name)
                if isinstance(body, spf.Hosts):  # sections 5.3 and 5.4
                    hosts = addresses(self._answers, body, name)
                    budget.spend(hosts.read)
                    return self._narrowed(record, _of_hosts(record, term, name, hosts))
                return self._included(record, term, name, circle)
            case spf.ByClient(reason):  # `ptr` (section 5.5) and `exists` (section 5.7)
                record.lookups += 1  # section 4.6.4
                return record.dropped(term, Fault("undecidable", reason))
            # section 4.6, by which it would void the record; or what is ignored, and has a hint
            case spf.Malformed(reason) | spf.Ignored(reason):
                return record.dropped(term, Fault("syntax", reason))

    def _narrowed(self, record: MatchedRecord, match: Match) -> Match:
        """Apply the limit on width to what a term matches of its own."""
        networks = self._widest.narrowed(match.term, match.networks)
        problem = match.problem
        if networks != match.networks:
            problem = record.problem(match.term, self._widest.fault(match.term))
        return match._replace(networks=networks, unrailed=match.networks, problem=problem)

    def _included(
        self, record: MatchedRecord, term: spf.Term, name: str, circle: frozenset[str]
    ) -> Match:
        """Match an `include` (section 5.2) or the `redirect` (section 6.1)."""
        # A redirect stands after all directives, so it passes what the other record passes of what
        # they left over: what an include at the end would pass.
        if name in circle:
            fault = Fault("loop", f"{name} leads back to {record.domain}")
            return record.dropped(term, fault, name)
        node = self.nodes[self._index[name]]
        # section 4.6.4: the terms below count for this check too
        record.lookups += node.lookups
        record.voids = [voids + node.voids for voids in record.voids]
        is_followed = term.qualifier != "+" or name not in self._widest.excluded
        if node.fault and is_followed:
            # sections 5.2 and 6.1: a target without any record is an error too
            return record.dropped(term, Fault(node.fault.kind, node.fault.detail), name)
        unrailed = self._unrailed[name]
        # section 5.2: an include matches the addresses that its target passes, and no others
        networks = node.passed if term.qualifier == "+" else unrailed
        return Match(term, networks=networks, unrailed=unrailed, child=name)


def _widening(matches: list[Match]) -> list[Match]:
    """Return what terms match, those at the end without widening: they had nothing to deny."""
    may_pass = [m.term.qualifier == "+" and bool(m.networks or m.child) for m in matches]
    end = max((at for at, passes in enumerate(may_pass, 1) if passes), default=0)
    return matches[:end] + [
        match._replace(problem=match.problem and match.problem._replace(widens=False))
        for match in matches[end:]
    ]


def _of_hosts(record: MatchedRecord, term: spf.Term, name: str, hosts: Addresses) -> Match:
    record.voids = [a + b for a, b in zip(record.voids, hosts.voids, strict=True)]
    problem = None
    if fault := hosts.faults[0] or hosts.faults[1]:
        problem = record.problem(term, fault)
    elif not hosts.networks:
        # no match and no error (section 4.6.4: a void look-up), so that nothing was dropped
        problem = Fault("missing", f"{name} has no address").at(record.domain, term.text)
    return Match(term, hosts.networks, problem=problem)
