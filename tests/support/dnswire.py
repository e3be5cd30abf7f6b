"""DNS messages as octets (RFC 1035 section 4, RFC 6891): queries read, responses written.

Owns: what a recursive resolver's response looks like, truncation included. Written without
dnspython, so that what is tested (which uses it) and what tests it share no mistakes; it is quicker
too. Refuses: what the answer is (`tests.support.dnszone`), and what to break in it
(`tests.support.dnsfaults`).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

import dns.rcode
import dns.rdatatype

from tests.support.dnszone import TTL, Labels, Lookup, RRset, lower, name_octets

QR, TC, RD, RA, CD = 0x8000, 0x0200, 0x0100, 0x0080, 0x0010
OPCODE = 0x7800
OPT = int(dns.rdatatype.OPT)
CLASS_IN = 1

QUESTION_AT = 12
LARGEST = 65535
LARGEST_UDP = 65507  # what IPv4 leaves of 65,535 octets

EMPTY = Lookup(int(dns.rcode.NOERROR), ())
SOA = RRset(
    owner=(),
    rrtype=int(dns.rdatatype.SOA),
    ttl=TTL,
    rdata=(
        name_octets((b"ns", b"invalid"))
        + name_octets((b"hostmaster", b"invalid"))
        + struct.pack("!5I", 1, 3600, 600, 86400, TTL),
    ),
)


class MalformedQueryError(ValueError):
    """Octets that are not one plain question."""


@dataclass(frozen=True, slots=True)
class Query:
    """A query without its id: the name in lower case, the question's octets with the case asked.

    `payload` is the UDP size of the EDNS option, in octets; None without EDNS.
    """

    name: Labels
    rrtype: int
    flags: int
    question: bytes
    payload: int | None

    @property
    def text_name(self) -> str:
        """The name as text, one character an octet, without a final dot."""
        return b".".join(self.name).decode("latin-1")

    @property
    def text_type(self) -> str:
        """The type by its mnemonic, such as `TXT`."""
        return dns.rdatatype.to_text(dns.rdatatype.RdataType.make(self.rrtype))

    @property
    def udp_limit(self) -> int:
        """The largest response over UDP, in octets (RFC 6891 section 6.2.3)."""
        return min(max(512, self.payload or 0), LARGEST_UDP)


def parse(wire: bytes) -> Query:
    """Take a query apart; raises MalformedQueryError."""
    try:
        return _parse(wire)
    except (struct.error, IndexError) as fault:
        raise MalformedQueryError("it ends too early") from fault


def _parse(wire: bytes) -> Query:
    flags, questions = struct.unpack_from("!HH", wire, 2)
    if flags & QR or questions != 1:
        raise MalformedQueryError("not one question")
    labels, at = [], QUESTION_AT
    while length := wire[at]:
        if length > 63:
            raise MalformedQueryError("a question has nothing to point to")
        labels.append(wire[at + 1 : at + 1 + length])
        at += 1 + length
    rrtype, _ = struct.unpack_from("!HH", wire, at + 1)
    end = at + 5
    payload = None
    if wire[end : end + 3] == struct.pack("!BH", 0, OPT):
        (payload,) = struct.unpack_from("!H", wire, end + 3)
    return Query(lower(labels), rrtype, flags, wire[QUESTION_AT:end], payload)


def respond(query: Query, lookup: Lookup, *, limit: int) -> bytes:
    """Return a recursive resolver's response (RA, no AA), with id 0 and at most `limit` octets.

    A negative one carries an SOA (RFC 2308 section 2); one over the limit is empty and truncated.
    """
    found = any(r.rrtype == query.rrtype and r.rdata for r in lookup.rrsets)
    flags = RA | lookup.rcode
    authority = (
        () if found or lookup.rcode not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN) else (SOA,)
    )
    wire = assemble(query, flags, lookup.rrsets, authority)
    return wire if len(wire) <= limit else assemble(query, flags | TC)


def assemble(
    query: Query, flags: int, answer: Iterable[RRset] = (), authority: Iterable[RRset] = ()
) -> bytes:
    """Put a response of any size together, with id 0; `flags` join those of every response."""
    answers = [record for rrset in answer for record in _records(rrset, query)]
    authorities = [record for rrset in authority for record in _records(rrset, query)]
    options = [] if query.payload is None else [struct.pack("!BHHIH", 0, OPT, 1232, 0, 0)]
    flags |= QR | query.flags & (OPCODE | RD | CD)
    counts = len(answers), len(authorities), len(options)
    header = struct.pack("!6H", 0, flags, 1, *counts)
    return b"".join([header, query.question, *answers, *authorities, *options])


def _records(rrset: RRset, query: Query) -> Iterable[bytes]:
    pointer = struct.pack("!H", 0xC000 | QUESTION_AT)
    owner = pointer if rrset.owner == query.name else name_octets(rrset.owner)
    for rdata in rrset.rdata:
        yield owner + struct.pack("!HHIH", rrset.rrtype, CLASS_IN, rrset.ttl, len(rdata)) + rdata
