"""Two oracles that walk SPF records for one address: the standard's and list mode's.

Owns `check_host` (RFC 7208 sections 4 to 6) and `list_mode_passes` (the default semantics of the
list). Refuses sets of addresses: the product folds those, and these walks are there to check it.

A zone maps (name in lower case without trailing dot, type) to a tuple of values, empty where the
name has no such data, or to TEMPFAIL; what it lacks is NXDOMAIN. An MX value is "10 host".
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from tests.support.oracle_parse import (
    Address,
    Record,
    Term,
    Undecidable,
    expand,
    is_name,
    normal_name,
    parse_record,
)

__all__ = ["TEMPFAIL", "Undecidable", "Walk", "Zone", "check_host", "list_mode_passes"]

TEMPFAIL = "TEMPFAIL"
Zone = Mapping[tuple[str, str], tuple[str, ...] | str]
_Reach = Mapping[str, set[str]]

_RESULTS = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}
_parsed_address = lru_cache(maxsize=4096)(ip_address)


def check_host(zone: Zone, domain: str, address: Address) -> str:
    """The result of RFC 7208's check_host() for one client address, the limits of 4.6.4 included.

    Raises Undecidable where the result hangs on ptr, exists or a macro other than %{d}.
    """
    return Walk(zone, address).result(domain)


class _StopError(Exception):
    """An exception of a mechanism (4.6.2), which ends the whole check."""

    def __init__(self, result: str) -> None:
        super().__init__(result)
        self.result = result


class Walk:
    """One evaluation of check_host() with its counters of look-up terms and of void look-ups."""

    def __init__(self, zone: Zone, address: Address) -> None:
        self.zone = zone
        self.address = _client(address)
        self.lookups = 0
        self.voids = 0

    def result(self, domain: str) -> str:
        """What check_host() returns; one walk counts for one call."""
        try:
            return self.check(normal_name(domain))
        except _StopError as stop:
            return stop.result

    def check(self, domain: str) -> str:
        """Sections 4.3 to 4.6 for a domain, its look-ups not counted."""
        if not is_name(domain) or "." not in domain:  # 4.3
            return "none"
        answer = self.zone.get((domain, "TXT"), ())
        if isinstance(answer, str):  # 4.4
            raise _StopError("temperror")
        texts = _spf_texts(answer)
        if len(texts) > 1:  # 4.5
            raise _StopError("permerror")
        if not texts:
            return "none"
        record = parse_record(texts[0])
        if record.faulty:  # 4.6: an error anywhere, before anything is evaluated
            raise _StopError("permerror")
        return self.evaluate(domain, record)

    def evaluate(self, domain: str, record: Record) -> str:
        """Sections 4.6.2, 4.7 and 6.1: the first match, else the redirect, else neutral."""
        for term in record.directives:
            if self.matches(domain, term):
                return _RESULTS[term.qualifier]
        if record.redirect is None:
            return "neutral"
        self._count_lookup()
        return self._required(expand(record.redirect.spec, domain))

    def matches(self, domain: str, term: Term) -> bool:
        """Section 5: whether a directive matches the client."""
        if term.kind == "all":
            return True
        if term.address is not None:
            return _covers(term, term.address, self.address)
        self._count_lookup()
        if term.kind in ("ptr", "exists"):
            raise Undecidable(term.kind)
        target = expand(term.spec, domain)
        if term.kind == "include":
            return self._required(target) == "pass"
        hosts = [target] if term.kind == "a" else self._exchangers(target)
        return any(self._host_matches(term, host) for host in hosts)

    def _required(self, target: str) -> str:
        """5.2 and 6.1: a target without record is a permerror (so its void needs no count)."""
        result = self.check(target)
        if result == "none":
            raise _StopError("permerror")
        return result

    def _exchangers(self, target: str) -> list[str]:
        hosts = _by_preference(self._query(target, "MX"))
        if len(hosts) > 10:  # 4.6.4
            raise _StopError("permerror")
        return hosts

    def _host_matches(self, term: Term, host: str) -> bool:
        values = self._query(host, _address_type(self.address))
        return _any_covers(term, values, self.address)

    def _query(self, name: str, rrtype: str) -> tuple[str, ...]:
        if not is_name(name):  # 4.8 leaves it open; nobody is passed by this reading
            raise _StopError("permerror")
        answer = self.zone.get((name, rrtype), ())
        if isinstance(answer, str):  # 5: the mechanism throws temperror
            raise _StopError("temperror")
        self.voids += not answer
        if self.voids > 2:  # 4.6.4
            raise _StopError("permerror")
        return answer

    def _count_lookup(self) -> None:
        self.lookups += 1
        if self.lookups > 10:  # 4.6.4
            raise _StopError("permerror")


def list_mode_passes(zone: Zone, domain: str, address: Address) -> bool:
    """Whether list mode lists an address: what cannot be used is dropped, no limit is enforced."""
    return _ListWalk(zone, address).passes(normal_name(domain), frozenset())


class _ListWalk:
    def __init__(self, zone: Zone, address: Address) -> None:
        self.zone = zone
        self.address = _client(address)
        self.reach = _reachable(frozenset(zone.items()))

    def passes(self, name: str, path: frozenset[str]) -> bool:
        record = _lone_record(self.zone.get((name, "TXT"), ()))
        if record is None:
            return False
        path |= {name}
        for term in record.directives:
            if self._matches(name, term, path):
                return term.qualifier == "+"
        return self._follows(name, record.redirect, path)

    def _matches(self, name: str, term: Term, path: frozenset[str]) -> bool:
        if term.kind == "all":
            return True
        if term.address is not None:
            return _covers(term, term.address, self.address)
        if term.kind == "include":
            return self._follows(name, term, path)
        target = _list_target(name, term)
        hosts = [target] if term.kind == "a" else self._exchangers(target)
        return any(self._host_matches(term, host) for host in hosts)

    def _follows(self, name: str, term: Term | None, path: frozenset[str]) -> bool:
        """What the target passes, unless the term is dropped as a loop.

        Inside a cycle a term that can only add gives the same wherever the walk began, cut where
        it closes the path; one that takes away does not, and is dropped on every walk.
        """
        target = _list_target(name, term) if term else ""
        if term is None or target in path:
            return False
        if term.qualifier != "+" and self._in_one_cycle(name, target):
            return False
        return self.passes(target, path)

    def _in_one_cycle(self, name: str, target: str) -> bool:
        return name in self.reach.get(target, ())

    def _exchangers(self, target: str) -> list[str]:
        return _by_preference(self._values(target, "MX"))[:100]

    def _host_matches(self, term: Term, host: str) -> bool:
        return _any_covers(term, self._values(host, _address_type(self.address)), self.address)

    def _values(self, name: str, rrtype: str) -> tuple[str, ...]:
        answer = self.zone.get((name, rrtype), ())
        return () if isinstance(answer, str) else answer


def _list_target(name: str, term: Term) -> str:
    """A term's target-name; empty, a name that no zone has, where it must be dropped."""
    if term.kind in ("ptr", "exists"):
        return ""
    try:
        return expand(term.spec, name)
    except Undecidable:
        return ""


@lru_cache(maxsize=256)
def _reachable(items: frozenset[tuple[tuple[str, str], tuple[str, ...] | str]]) -> _Reach:
    """For each name with a record, the names that its includes and redirects lead to."""
    edges = {name: _targets(name, answer) for (name, rrtype), answer in items if rrtype == "TXT"}
    reach: dict[str, set[str]] = {}
    for name in edges:
        seen: set[str] = set()
        waiting = list(edges[name])
        while waiting:
            target = waiting.pop()
            if target not in seen:
                seen.add(target)
                waiting += edges.get(target, ())
        reach[name] = seen
    return reach


def _targets(name: str, answer: tuple[str, ...] | str) -> list[str]:
    """Where a record leads: what stands after "all" is never evaluated and leads nowhere."""
    record = _lone_record(answer)
    if record is None:
        return []
    kinds = [term.kind for term in record.directives]
    end = kinds.index("all") if "all" in kinds else len(kinds)
    followed = [term for term in record.directives[:end] if term.kind == "include"]
    followed += [record.redirect] if record.redirect else []
    return [_list_target(name, term) for term in followed]


def _lone_record(answer: tuple[str, ...] | str) -> Record | None:
    texts = [] if isinstance(answer, str) else _spf_texts(answer)
    return parse_record(texts[0]) if len(texts) == 1 else None


def _spf_texts(answer: tuple[str, ...]) -> list[str]:
    """4.5: the version section is v=spf1, in any case, and a space or the end follows it."""
    return [text for text in answer if (text + " ")[:7].lower() == "v=spf1 "]


def _by_preference(answer: tuple[str, ...]) -> list[str]:
    pairs = [value.split(" ") for value in answer]
    ordered = sorted((int(preference), normal_name(host)) for preference, host in pairs)
    return [host for _, host in ordered if host]  # RFC 7505: "." is no host


def _client(address: Address) -> Address:
    """Section 5: a client on an IPv4-mapped address is an IPv4 client, which no ip6 term names."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def _address_type(address: Address) -> str:
    return "A" if address.version == 4 else "AAAA"


def _any_covers(term: Term, values: tuple[str, ...], client: Address) -> bool:
    return any(_covers(term, _parsed_address(value), client) for value in values)


def _covers(term: Term, listed: Address, client: Address) -> bool:
    """5.3 and 5.6: equal in the leading bits that the term's prefix length of that family says."""
    if listed.version != client.version:
        return False
    spare = 32 - term.prefix4 if client.version == 4 else 128 - term.prefix6
    return int(listed) >> spare == int(client) >> spare
