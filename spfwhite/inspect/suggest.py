"""Which senders in the mail log the list lacks, and which of them it could have.

Owns: the groups of clients by the domain whose SPF record speaks for them, and what makes a group a
proposal. Refuses: to look anything up, to add anything, and to call a sender wanted: every
spammer's own SPF covers him too.
"""

import heapq
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv6Network, ip_address
from typing import Final, Literal, NamedTuple

from spfwhite.inspect.maillog import Client
from spfwhite.networks import EMPTY, Networks
from spfwhite.spf.result import Evaluation

# Verified names whose domains are asked for SPF, the most promising first.
MAX_NAMES: Final = 500

# Names asked for one verified name: itself and its parents.
MAX_PARENTS: Final = 5

# Networks that a group keeps, those of the most clients.
MAX_NETWORKS: Final = 10

# Names that may stand in a command to copy (RFC 1034 section 3.5).
COPYABLE_NAME: Final = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]*[a-z0-9])?"
)

Spf = Literal["passes", "passes none", "too wide", "missing", "failed", "not asked", "no name"]

# By address.
Clients = Mapping[str, Client]

# Addresses by their verified name or, behind an `@`, the domain of their envelopes; or by "".
Named = Mapping[str, Sequence[str]]


class Group(NamedTuple):
    """Clients that a domain's SPF speaks for, all of them not on the list."""

    domain: str  # "" for those without a verified name or whose name was not asked about
    spf: Spf
    clients: int
    passed: int  # clients that its SPF passes
    proven: int  # of them: passed every test, came back on enough days, had mail accepted
    accepted: int  # clients that had mail accepted
    connections: int
    deferred: int  # connections
    networks: tuple[tuple[str, int], ...]  # the /24s and /64s of the most clients
    more_networks: int
    provider: str = ""  # that has the domain in the configuration already, if one does

    @property
    def is_proposed(self) -> bool:
        """Whether the domain may be offered to the operator."""
        return bool(self.proven and not self.provider and COPYABLE_NAME.fullmatch(self.domain))

    @property
    def is_waiting(self) -> bool:
        """Whether its SPF passes clients that were deferred, and no mail of it got in."""
        return bool(self.spf == "passes" and self.deferred and not (self.accepted or self.provider))


def by_name(clients: Clients, listed: Networks) -> dict[str, list[str]]:
    """Return the addresses that are not listed, as `Named` has them."""
    named: dict[str, list[str]] = {}
    for text, client in clients.items():
        if ip_address(text) not in listed:
            known = {client.name: client.name, client.sender: f"@{client.sender}"}
            usable = (name for domain, name in known.items() if COPYABLE_NAME.fullmatch(domain))
            named.setdefault(next(usable, ""), []).append(text)
    return named


def is_proven(client: Client, days: int) -> bool:
    """Whether a client came back, on `days` days at least, clean, and had mail accepted."""
    came_back = client.connections > 1 and client.days.bit_count() >= days
    return came_back and client.accepted > 0 and not client.failed


def promising(clients: Clients, named: Named, days: int) -> list[str]:
    """Return the names to ask about, at most 500, the most promising first."""

    def promise(name: str) -> tuple[int, int, str]:
        its_clients = [clients[address] for address in named[name]]
        proven = sum(is_proven(client, days) for client in its_clients)
        return -proven, -sum(client.connections for client in its_clients), name

    return heapq.nsmallest(MAX_NAMES, filter(None, named), key=promise)


def parents(name: str) -> list[str]:
    """Return the domains that may have the SPF record of a host, in the order of preference."""
    # The nearest parent comes first and the host itself last: its own record, which many hosts have
    # for their HELO name (RFC 7208 section 2.3), speaks for one client only. The domain of an
    # envelope has it itself.
    if name.startswith("@"):
        return [name[1:]]
    labels = name.split(".")
    suffixes = [".".join(labels[at:]) for at in range(1, len(labels) - 1)]
    return [*suffixes[-(MAX_PARENTS - 1) :], name]


def questions(names: Iterable[str]) -> list[str]:
    """Return the domains to ask for SPF, each once."""
    return sorted({domain for name in names for domain in parents(name)})


def groups(
    clients: Clients, named: Named, evaluation: Evaluation, days: int, providers: Mapping[str, str]
) -> list[Group]:
    """Return the groups, proposals first, then those of the most connections.

    `evaluation` has the `questions` of the names to ask about, `providers` whose a domain is.
    """
    made = []
    for (domain, spf), texts in _members(named, evaluation).items():
        networks = evaluation.root(domain).passed if spf == "passes" else EMPTY
        its_clients = [clients[text] for text in texts]
        passed = [clients[text] for text in texts if networks and ip_address(text) in networks]
        places = Counter(map(_place, texts))
        group = Group(
            domain=domain,
            spf=spf,
            clients=len(texts),
            passed=len(passed),
            proven=sum(is_proven(client, days) for client in passed),
            accepted=sum(client.accepted > 0 for client in its_clients),
            connections=sum(client.connections for client in its_clients),
            deferred=sum(client.deferred for client in its_clients),
            networks=tuple(places.most_common(MAX_NETWORKS)),
            more_networks=max(0, len(places) - MAX_NETWORKS),
            provider=providers.get(domain, ""),
        )
        made.append(group)
    return sorted(made, key=lambda g: (not g.is_proposed, -g.proven, -g.connections, g.domain))


def _members(named: Named, evaluation: Evaluation) -> dict[tuple[str, Spf], list[str]]:
    """Return the addresses for which a domain speaks, and how it does."""
    passed = _passed(named, evaluation)
    members: dict[tuple[str, Spf], list[str]] = {}
    for name, texts in named.items():
        domain, spf = _spoken_for(name, evaluation, passed)
        # an envelope may be forged unless the SPF of its domain passes this very client
        may_lie = name.startswith("@") and spf in ("passes", "passes none", "missing")
        for text in texts:
            if may_lie and ip_address(text) not in evaluation.root(domain).passed:
                members.setdefault(("", "no name"), []).append(text)
            else:
                members.setdefault((domain, spf), []).append(text)
    return members


def _passed(named: Named, evaluation: Evaluation) -> Counter[str]:
    """Return how many clients below each domain its SPF passes."""
    counts: Counter[str] = Counter()
    for name, texts in named.items():
        for domain in parents(name) if name else ():
            if domain in evaluation.roots:
                networks = evaluation.root(domain).passed
                counts[domain] += sum(ip_address(text) in networks for text in texts)
    return counts


def _spoken_for(name: str, evaluation: Evaluation, passed: Counter[str]) -> tuple[str, Spf]:
    """Return the domain that speaks for a host, and how."""
    if not name:
        return "", "no name"
    asked = parents(name)
    if not all(domain in evaluation.roots for domain in asked):
        return "", "not asked"
    best = max(asked, key=lambda domain: passed[domain])  # the first of equals
    if passed[best]:
        return best, "passes"
    if failed := [d for d in asked if any(p.kind == "temporary" for p in evaluation.problems(d))]:
        return failed[0], "failed"
    if wide := [d for d in asked if any(p.kind == "too-wide" for p in evaluation.problems(d))]:
        return wide[0], "too wide"
    bearing = [domain for domain in asked if not evaluation.root(domain).fault]
    return (bearing[0], "passes none") if bearing else (asked[0], "missing")


def _place(text: str) -> str:
    if ":" not in text:
        return f"{text.rpartition('.')[0]}.0/24"
    return str(IPv6Network((text, 64), strict=False))
