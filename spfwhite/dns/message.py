"""A question as a DNS query, and what a response to it says (RFC 1035 section 4, RFC 6891).

Owns: the octets of both. The only importer of dnspython. Refuses: to send
(`spfwhite.dns.resolver`).
"""

# Why not `dns.message.from_wire`? It makes objects of every record of every section, 110 of the
# 380 us that a question took; this reader takes 25 (tests/bench/README.md), since an answer needs
# little: the flags, the code, the CNAME records, those of the type that was asked for, and which
# types the authority section has.
#
# What can go wrong with octets from strangers stays with dnspython: `dns.wire.Parser` keeps each
# read within the message and within its record (`restrict_to`), `dns.name` reads names with their
# compression (RFC 1035 section 4.1.4). Every octet is accounted for: a record that is longer or
# shorter than its length says, or octets behind the last one, make the message garbage.
#
# What keeps it right: tests/dns/test_messages.py holds it to `dns.message` on random messages,
# whole and damaged. They may differ only where that test says so.

import os
import re
import socket
import struct
from typing import Final, NamedTuple

import dns.exception
import dns.name
import dns.rcode
import dns.wire

from spfwhite.dns.answers import Answer, Failed, Found, Question, Void, canonical

# The size that crosses every network unfragmented (DNS flag day 2020).
UDP_PAYLOAD: Final = 1232

# Names that are looked at: that of the question, and those to which 15 CNAME records lead.
MAX_CHAIN_NAMES: Final = 16

# Compression pointers of a name; servers write one or two, dnspython bounds them since 2.9.
MAX_NAME_POINTERS: Final = 16

# Plain numbers: `&` with a member of an enumeration is slow, and dnspython's take 2 ms to import.
# RFC 1035 sections 4.1.1, 3.2.2 and 3.2.4, RFC 3596 section 2.1 and RFC 6891 section 6.1.1
QR, AA, TC, RD, RA = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080
OPCODE, RCODE = 0x7800, 0x000F
TYPES: Final = {"A": 1, "AAAA": 28, "MX": 15, "TXT": 16}
NS, CNAME, SOA, OPT = 2, 5, 6, 41
IN: Final = 1

EXTENDED_ERROR: Final = 15  # the EDNS option of RFC 8914
MAX_EXTRA_TEXT: Final = 100  # characters that a server may add to it

# What dnsmasq and BIND answer to more questions than they can hold.
OVERLOADED: Final = {dns.rcode.REFUSED, dns.rcode.SERVFAIL}

# What servers answer that do not know EDNS (RFC 6891 section 7).
NO_EDNS: Final = {dns.rcode.FORMERR, dns.rcode.NOTIMP, dns.rcode.BADVERS}

# Sections, counted from behind the question.
ANSWER, AUTHORITY = 0, 1

_HEADER: Final = struct.Struct("!6H")
_QUESTION_AT: Final = _HEADER.size
_QUESTION_POINTER: Final = struct.pack("!H", 0xC000 | _QUESTION_AT)
_RECORD: Final = "!HHIH"
_EDNS: Final = b"\0" + struct.pack(_RECORD, OPT, UDP_PAYLOAD, 0, 0)
_QUESTIONLESS: Final = {dns.rcode.FORMERR, dns.rcode.SERVFAIL, dns.rcode.NOTIMP, dns.rcode.REFUSED}

# Labels in lower case; the last one is empty.
Name = tuple[bytes, ...]

# The character-strings of a TXT record; the text of any other is one.
Strings = tuple[bytes, ...]


class UnusableError(Exception):
    """A response, or its absence, that is no answer; `rcode` is that of one which says no more."""

    def __init__(self, reason: str, rcode: int | None = None) -> None:
        super().__init__(reason)
        self.rcode = rcode


class UnreachableError(UnusableError):
    """Nothing came, or the system knows that nothing will."""


class SilentError(UnreachableError):
    """Nothing came over UDP in time."""


class _Parser(dns.wire.Parser):
    """A parser that reads names with few compression pointers only."""

    _pointers = 0

    def name(self) -> dns.name.Name:
        """Raises dns.exception.FormError."""
        self._pointers = 0
        return dns.name.from_wire_parser(self)

    def skips_pointer(self) -> bool:
        """Skip a pointer to the name of the question, as most names are, and say whether it was."""
        is_pointer = self.wire[self.current : self.current + 2] == _QUESTION_POINTER
        if is_pointer:
            self.get_bytes(2)
        return is_pointer

    def seek(self, where: int) -> None:
        self._pointers += 1
        if self._pointers > MAX_NAME_POINTERS:
            raise dns.name.BadPointer
        super().seek(where)


class _Response(NamedTuple):
    """What matters of a response; a record that is there twice is one (RFC 2181 section 5).

    `authority` are the types of that section, `options` the octets of EDNS.
    """

    flags: int
    rcode: int
    authority: set[int]
    aliases: dict[Name, Name]
    values: dict[Name, set[Strings]]
    options: bytes


def query(question: Question, *, edns: bool = True) -> bytes:
    """Return a query with a random id, for a name that can be asked for."""
    labels = [label.encode("ascii") for label in question.name.split(".")]
    name = b"".join(bytes([len(label)]) + label for label in labels)
    head = _HEADER.pack(int.from_bytes(os.urandom(2)), RD, 1, 0, 0, edns)
    tail = struct.pack("!BHH", 0, TYPES[question.rrtype], IN)
    return head + name + tail + (_EDNS if edns else b"")


def has_edns(asked: bytes) -> bool:
    """Return whether a query of ours is one with EDNS."""
    return asked[10:12] != b"\0\0"  # the number of its additional records


def is_response(asked: bytes, wire: bytes) -> bool:
    """Return whether a message answers a query: by its id, its opcode and its question."""
    if len(wire) < _QUESTION_AT or wire[:2] != asked[:2]:
        return False
    _, flags, questions, *_ = _HEADER.unpack_from(wire)
    if flags & (QR | OPCODE) != QR:  # the opcode of a query is 0
        return False
    if not questions:  # some servers repeat no question that they refuse
        return flags & RCODE in _QUESTIONLESS
    question = asked[_QUESTION_AT : len(asked) - len(_EDNS) * has_edns(asked)]
    end = _QUESTION_AT + len(question)
    # no octet of a length, a type or the class is that of a letter
    return questions == 1 and wire[_QUESTION_AT:end].lower() == question


def is_truncated(wire: bytes) -> bool:
    """Return whether a response says that it is not the whole one."""
    return bool(_HEADER.unpack_from(wire)[1] & TC)


def is_refusal(wire: bytes) -> bool:
    """Return whether a response says what overloaded servers say."""
    return _HEADER.unpack_from(wire)[1] & RCODE in OVERLOADED


def answer(question: Question, wire: bytes) -> Answer:
    """Return what a response to a question says; raises UnusableError."""
    if is_truncated(wire):
        raise UnusableError("truncated its answer")
    try:
        response = _read(question, wire)
    except dns.exception.DNSException:
        raise UnusableError("sent garbage") from None
    if response.rcode not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        name = dns.rcode.to_text(dns.rcode.Rcode.make(response.rcode))
        raise UnusableError(name + _extended_error(response.options), response.rcode)
    return _meaning(question, response)


def _meaning(question: Question, response: _Response) -> Answer:
    name: Name = (*(label.encode("ascii") for label in question.name.split(".")), b"")
    for followed in range(MAX_CHAIN_NAMES):
        if name in response.values:
            return _found(response, name)
        if name not in response.aliases:
            return _void(response, is_alias=followed > 0)
        name = response.aliases[name]
    return Failed("its CNAME records lead in a circle or too far")


def _found(response: _Response, name: Name) -> Found:
    if response.rcode == dns.rcode.NXDOMAIN:
        raise UnusableError("answered in a way that contradicts itself")
    # RFC 7208 section 3.3: joined with nothing in between
    texts = (b"".join(strings).decode("latin-1") for strings in response.values[name])
    return Found(tuple(sorted(texts)))


def _void(response: _Response, *, is_alias: bool) -> Void:
    if is_alias and not response.flags & RA:
        raise UnusableError("does not follow CNAME records")
    if not response.flags & (RA | AA) or _is_referral(response):
        raise UnusableError("is a lame name server")  # which neither recurses nor knows the name
    return Void("NXDOMAIN" if response.rcode == dns.rcode.NXDOMAIN else "NODATA")


def _is_referral(response: _Response) -> bool:
    """Whether a response only names other servers (RFC 2308 section 2.2)."""
    names_servers = NS in response.authority and SOA not in response.authority
    return names_servers and not response.flags & AA and response.rcode == dns.rcode.NOERROR


def _read(question: Question, wire: bytes) -> _Response:
    """Read the records of all sections; raises dns.exception.DNSException."""
    parser = _Parser(wire)
    _, flags, questions, *counts = parser.get_struct(_HEADER.format)
    asked: Name = ()
    for _ in range(questions):
        asked = _name(parser)
        parser.get_struct("!HH")
    rcode = flags & RCODE
    wanted = TYPES[question.rrtype]
    authority: set[int] = set()
    aliases: dict[Name, Name] = {}
    values: dict[Name, set[Strings]] = {}
    options = b""
    for section, count in enumerate(counts):
        for _ in range(count):
            owner = asked if questions == 1 and parser.skips_pointer() else _name(parser)
            rrtype, rrclass, ttl, length = parser.get_struct(_RECORD)
            is_answer = section == ANSWER and rrclass == IN
            with parser.restrict_to(length):
                if is_answer and rrtype == wanted:
                    values.setdefault(owner, set()).add(_strings(rrtype, parser))
                elif is_answer and rrtype == CNAME:
                    aliases[owner] = _name(parser)
                else:
                    rest = parser.get_remaining()
            if section == AUTHORITY:
                authority.add(rrtype)
            if rrtype == OPT:
                rcode |= ttl >> 24 << 4  # RFC 6891 section 6.1.3: the upper octet of the code
                options = rest
    if parser.remaining():
        raise dns.exception.FormError
    return _Response(flags, rcode, authority, aliases, values, options)


def _extended_error(options: bytes) -> str:
    """Return what the options of a response say about its code, to follow it (RFC 8914)."""
    import dns.edns

    parser = dns.wire.Parser(options)
    while parser.remaining() >= 4:
        option, length = parser.get_struct("!HH")
        value = parser.get_bytes(min(length, parser.remaining()))
        if option == EXTENDED_ERROR and len(value) >= 2:
            code = int.from_bytes(value[:2])
            known = [each.name for each in dns.edns.EDECode if each == code]
            name = known[0].lower().replace("_", " ") if known else f"extended error {code}"
            text = re.sub(r"[^ -~]", "?", value[2 : 2 + MAX_EXTRA_TEXT].decode("latin-1"))
            return f", {name}" + (f": {text}" if text else "")
    return ""


def _name(parser: _Parser) -> Name:
    return tuple(label.lower() for label in parser.name().labels)


def _strings(rrtype: int, parser: _Parser) -> Strings:
    if rrtype == TYPES["A"]:
        return (socket.inet_ntop(socket.AF_INET, parser.get_bytes(4)).encode(),)
    if rrtype == TYPES["AAAA"]:
        return (socket.inet_ntop(socket.AF_INET6, parser.get_bytes(16)).encode(),)
    if rrtype == TYPES["MX"]:
        preference = parser.get_uint16()
        exchange = canonical(parser.name().to_text())
        return (f"{preference} {exchange}".encode(),)
    strings = []
    while parser.remaining():
        strings.append(parser.get_counted_bytes())
    return tuple(strings)
