"""What an evaluation leaves behind: a graph of records and steps, and the problems on the way.

Owns: the types that evaluation writes and that `show`, `explain` and the report read. Refuses: any
decision. A record that several domains reach is one node, so the graph stays as small as the
snapshot; problems stand at the node where they arose and are never copied upwards.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final, Literal, NamedTuple

from spfwhite.networks import EMPTY, Networks
from spfwhite.spf.record import Qualifier

ProblemKind = (
    Literal["temporary", "missing", "syntax", "multiple", "undecidable", "loop"]
    | Literal["limit", "too-wide", "special-use"]
)


class Problem(NamedTuple):
    """Why something is not listed, or why more is listed than was meant.

    `domain` is that of the record, `term` as written ("" for all of it), `detail` a sentence.
    `widens`: a directive was dropped that could have denied some of what is listed.
    """

    kind: ProblemKind
    domain: str
    term: str
    detail: str
    widens: bool = False

    @property
    def parts(self) -> list[str]:
        """Where it is and what it is; a detail that begins with the domain says where itself."""
        is_said = not self.term and self.detail.startswith(f"{self.domain} ")
        return [self.detail] if is_said else [self.domain, *filter(None, [self.term]), self.detail]


class Fault(NamedTuple):
    """Why a record or a term cannot be used, wherever it stands; `detail` is a sentence."""

    kind: ProblemKind
    detail: str

    def at(self, domain: str, term: str = "", *, widens: bool = False) -> Problem:
        """Return the problem of the record at `domain`, or of one of its terms."""
        return Problem(self.kind, domain, term, self.detail, widens=widens)


class Contribution(NamedTuple):
    """What one term adds to the list: the domain of its record, the term as written, networks."""

    domain: str
    term: str
    networks: Networks


class Step(NamedTuple):
    """One term: the addresses it matches, those it passes, and the node it leads to.

    A "+" term passes what it matches, less what a directive before it denied (section 4.6.2);
    `left_out` is what it would match but for the limit on width.
    """

    term: str
    qualifier: Qualifier
    matched: Networks = EMPTY
    passed: Networks = EMPTY
    child: int | None = None
    left_out: Networks = EMPTY
    problem: Problem | None = None


class _Node(NamedTuple):
    domain: str
    text: str
    steps: tuple[Step, ...] = ()
    passed: Networks = EMPTY
    lookups: int = 0
    voids: int = 0
    fault: Problem | None = None
    excluded: Networks = EMPTY


class Node(_Node):  # a NamedTuple by itself has no room for what is made once
    """One record: its text ("" where there is none), its steps, and what it passes.

    `lookups` and `voids` are those of RFC 7208 section 4.6.4 for a check that starts here and
    takes the longest path; `fault` says why there is no usable record, or its first malformed term.
    `excluded` is what it would pass, and does not since `safety.exclude` names its domain.
    """

    def followed_by_nobody(self) -> "Node":
        """Return the node of a domain of `safety.exclude`: it passes nothing of what it would."""
        steps = tuple(step._replace(passed=EMPTY) for step in self.steps)
        return self._replace(steps=steps, passed=EMPTY, excluded=self.passed)

    @cached_property
    def contributions(self) -> tuple[Contribution, ...]:
        """What each term passes that leads to no other record; made once for all who share it."""
        own = (step for step in self.steps if step.child is None and step.passed)
        return tuple(Contribution(self.domain, step.term, step.passed) for step in own)

    @cached_property
    def problems(self) -> tuple[Problem, ...]:
        """The problems of the terms."""
        return tuple(step.problem for step in self.steps if step.problem)


class Evaluation(NamedTuple):
    """The nodes of all records and, for each domain that was asked for, the index of its node."""

    nodes: Sequence[Node]
    roots: Mapping[str, int]

    def root(self, domain: str) -> Node:
        """Return the node of a domain that was asked for."""
        return self.nodes[self.roots[domain]]

    def walk(self, domain: str, *, passing: bool = False) -> Iterator[Node]:
        """Yield each node that the domain reaches, once, nearest first.

        `passing`: by "+" includes and redirects only, so what is passed can come from them, or
        could but for `safety.exclude`.
        """
        return self.walk_from(self.roots[domain], passing=passing)

    def walk_from(self, *indices: int, passing: bool = False) -> Iterator[Node]:
        """Yield each node that some nodes reach, themselves first, once."""
        queue = list(indices)
        seen = set(queue)
        for index in queue:  # grows while it is walked
            node = self.nodes[index]
            yield node
            for step in node.steps:
                if passing and (step.qualifier != "+" or node.excluded):
                    continue
                if step.child is not None and step.child not in seen:
                    seen.add(step.child)
                    queue.append(step.child)

    def chains(self, domains: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Return one shortest chain of records from any of the domains to each that passes."""
        chains: dict[int, tuple[str, ...]] = {self.roots[name]: (name,) for name in domains}
        order = list(chains)
        for index in order:  # grows while it is walked
            node = self.nodes[index]
            for step in () if node.excluded else node.steps:
                if step.qualifier == "+" and step.child is not None and step.child not in chains:
                    chains[step.child] = (*chains[index], self.nodes[step.child].domain)
                    order.append(step.child)
        return {chain[-1]: chain for chain in reversed(chains.values())}

    def problems(self, domain: str) -> tuple[Problem, ...]:
        """Return the problems of all records that the domain reaches, each once."""
        root = self.root(domain)
        problems = [root.fault] if root.fault else []
        for node in self.walk(domain):
            problems += node.problems
        if not root.fault and not root.passed:
            problems.append(Fault("missing", PASSES_NOTHING).at(domain))
        return tuple(dict.fromkeys(problems))


PASSES_NOTHING: Final = "the SPF record passes no address"

# Second labels below which a country's registry gives names to owners, as in `co.uk`.
REGISTRIES: Final = frozenset({"ac", "co", "com", "edu", "go", "gov", "ne", "net", "or", "org"})


def owner(domain: str) -> str:
    """Return the part of a name that its owner registered: two labels, or three below `co.uk`."""
    labels = domain.split(".")
    below = labels[-2:-1] and labels[-2] in REGISTRIES and len(labels[-1]) == 2
    return ".".join(labels[-3 if below else -2 :])


def nearness(chain: Sequence[str]) -> tuple[bool, int]:
    """Order chains of domains by how surely the last one's record is the first one's own."""
    # The owner comes first: google for `_netblocks.google.com`, which github.com includes as
    # directly. Networks that no record names, an empty chain, are the provider's own.
    return bool(chain) and owner(chain[0]) != owner(chain[-1]), len(chain)
