"""What the tests' DNS server does wrong when told to.

Owns: the kinds of misbehaviour, each a small function from the right response to the wrong ones.
Refuses: time and sockets, which are the server's: it asks a fault what to do, and does it.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

import dns.rcode
import dns.rdatatype

from tests.support.dnswire import LARGEST, QR, QUESTION_AT, TC, Query, assemble, respond
from tests.support.dnszone import TTL, Lookup, RRset, name_octets, txt_octets

Transport = Literal["udp", "tcp"]
Kind = Literal[
    "",
    "drop",  # never answers
    "servfail",
    "refused",
    "nxdomain",
    "notimp",
    "formerr",
    "lame",  # an upward referral without RA
    "garbage",  # octets that are no message, half of them behind the right id
    "wrong-id",
    "wrong-question",  # the answer to another name
    "truncated",  # over UDP
    "unset-qr",
    "huge",  # an SPF record that fills 64 KiB, to questions for TXT
    "spoof-first",  # over UDP: NXDOMAIN with a wrong id, then the right answer
]
OverTcp = Literal[
    "",
    "close",  # closes instead of answering
    "length-only",  # closes after the answer's two octets of length
    "silent",  # never answers, never closes
]


NXDOMAIN: Final = Lookup(int(dns.rcode.NXDOMAIN), ())
ROOT_NS: Final = RRset((), int(dns.rdatatype.NS), TTL, (name_octets((b"ns", b"invalid")),))
OTHER_NAME: Final = name_octets((b"other", b"invalid"))
VERSION: Final = b"v=spf1"
TERM: Final = b" ip4:192.0.2.1"


def wrong_id(_: Query, right: bytes) -> bytes:
    """Return the response with another id."""
    return bytes(octet ^ 0xFF for octet in right[:2]) + right[2:]


def wrong_question(query: Query, right: bytes) -> bytes:
    """Return the same answer to another name; owners point to the question, so they follow."""
    rest = right[QUESTION_AT + len(query.question) :]
    return right[:QUESTION_AT] + OTHER_NAME + query.question[-4:] + rest


def unset_qr(_: Query, right: bytes) -> bytes:
    """Return the response as if it were a query."""
    return right[:2] + bytes([right[2] & ~(QR >> 8)]) + right[3:]


def lame(query: Query, right: bytes) -> bytes:
    """Return what old servers without recursion said to a foreign name: ask the root."""
    return right[:2] + assemble(query, 0, authority=[ROOT_NS])[2:]


def _refusal(rcode: dns.rcode.Rcode) -> Callable[[Query, bytes], bytes]:
    def refuse(query: Query, right: bytes) -> bytes:
        return right[:2] + respond(query, Lookup(int(rcode), ()), limit=LARGEST)[2:]

    return refuse


def huge(query: Query) -> Lookup:
    """Return one SPF record as large as a message over TCP can carry."""
    room = LARGEST - len(assemble(query, 0)) - len(query.question) - 10
    terms = (room * 255 // 256 - len(VERSION) - 1) // len(TERM)
    rdata = txt_octets(VERSION + TERM * terms)
    return Lookup(int(dns.rcode.NOERROR), (RRset(query.name, query.rrtype, TTL, (rdata,)),))


MANGLED: Final[Mapping[Kind, Callable[[Query, bytes], bytes]]] = {
    "servfail": _refusal(dns.rcode.SERVFAIL),
    "refused": _refusal(dns.rcode.REFUSED),
    "nxdomain": _refusal(dns.rcode.NXDOMAIN),
    "notimp": _refusal(dns.rcode.NOTIMP),
    "formerr": _refusal(dns.rcode.FORMERR),
    "lame": lame,
    "wrong-id": wrong_id,
    "wrong-question": wrong_question,
    "unset-qr": unset_qr,
}


@dataclass(slots=True)
class Fault:
    """A way to misbehave; its counters start with the object, so put a new one to begin anew."""

    kind: Kind = ""
    delay: float = 0.0
    """Seconds before an answer; as the whole server's fault also before TCP is accepted."""
    loss: float = 0.0
    """The share of UDP queries that get lost, 0 to 1."""
    ignore_first: int = 0
    """How many times each question goes unanswered before it is answered."""
    die_after: int | None = None
    """How many queries are answered before the server closes its sockets on the next one."""
    rate: int | None = None
    """UDP queries answered in any one second; the others are dropped."""
    tcp: OverTcp = ""
    drip: float = 0.0
    """Seconds between two octets over TCP; 0 sends all at once."""
    seed: int = 1
    _random: random.Random = field(init=False, repr=False)
    _seen: int = field(init=False, default=0)
    _asked: Counter[tuple[str, str]] = field(init=False, repr=False, default_factory=Counter)
    _recent: deque[float] = field(init=False, repr=False, default_factory=deque)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def kills(self) -> bool:
        """Count a query; say whether it is the one that the server dies of."""
        self._seen += 1
        return self.die_after is not None and self._seen > self.die_after

    def swallows(self, query: Query, transport: Transport, now: float) -> bool:
        """Say whether this query gets no answer at all; `now` is in seconds of any steady clock."""
        question = query.text_name, query.text_type
        self._asked[question] += 1
        if self.kind == "drop" or self._asked[question] <= self.ignore_first:
            return True
        if transport == "tcp":
            return self.tcp == "silent"
        return self._random.random() < self.loss or self._exceeds_rate(now)

    def messages(self, query: Query, right: bytes, transport: Transport) -> list[bytes]:
        """Return what is sent in place of the right response, in order."""
        if transport == "udp" and self.kind == "spoof-first":
            return [wrong_id(query, right[:2] + respond(query, NXDOMAIN, limit=512)[2:]), right]
        if transport == "udp" and self.kind == "truncated":
            return [right[:2] + assemble(query, TC)[2:]]
        if self.kind == "garbage":
            return [self._garbage(right)]
        if self.kind == "huge" and query.text_type == "TXT":
            limit = query.udp_limit if transport == "udp" else LARGEST
            return [right[:2] + respond(query, huge(query), limit=limit)[2:]]
        mangle = MANGLED.get(self.kind)
        return [mangle(query, right) if mangle else right]

    def _exceeds_rate(self, now: float) -> bool:
        if self.rate is None:
            return False
        recent = self._recent
        while recent and recent[0] <= now - 1:
            recent.popleft()
        if len(recent) >= self.rate:
            return True
        recent.append(now)
        return False

    def _garbage(self, right: bytes) -> bytes:
        return self._random.choice([b"", right[:2]]) + self._random.randbytes(
            self._random.randrange(1, 100)
        )


def fault_for(faults: Mapping[str, Fault], name: str) -> Fault | None:
    """Return the most specific fault for a name: `name`, `.name`, `.parent`, ..., the empty string.

    Another thread may change `faults` meanwhile.
    """
    labels = name.split(".")
    keys = [name, *("." + ".".join(labels[depth:]) for depth in range(len(labels))), ""]
    found = (faults.get(key) for key in keys)
    return next((fault for fault in found if fault is not None), None)
