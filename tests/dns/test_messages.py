"""A query's octets, and what a response says: against what dnspython makes of the same octets."""

from __future__ import annotations

import contextlib
import random
import struct
from itertools import pairwise
from typing import Final

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.MX
import dns.rdtypes.ANY.TXT
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spfwhite.dns import message as messages
from spfwhite.dns.answers import Answer, Failed, Found, Question, RRType, Void, canonical
from spfwhite.dns.message import UnusableError

FEW = settings(max_examples=100, deadline=None)
MANY = settings(max_examples=1000, deadline=None)

# else a record of a class of its own spoils the next ones of its type
for rdtype in dns.rdatatype.RdataType:
    dns.rdata.get_rdata_class(dns.rdataclass.IN, rdtype)  # type: ignore[no-untyped-call]

A: Final = Question("a.test", "TXT")
NAMES: Final = (
    "a.test.",
    "A.TEST.",
    "b.test.",
    "c.test.",
    "a.b.test.",
    r"a\.b.test.",
    r"x\255.",
    ".",
)
RDATA: Final = {
    "TXT": ('"v=spf1 -all"', '"v=spf1 " "-all"', '""', '"x" "\\255\\000"'),
    "MX": ("65535 b.test.", "10 B.test.", "0 .", r"5 a\032b.test."),
    "A": ("192.0.2.1", "192.0.2.2"),
    "AAAA": ("2001:db8::1", "::ffff:192.0.2.1", "::", "::192.0.2.1"),
    "CNAME": NAMES,
    "NS": NAMES,
    "SOA": ("a.test. b.test. 1 2 3 4 5",),
    "HINFO": ('"a" "b"',),
}
CLASSES: Final = ("IN", "IN", "IN", "CH")
RCODES: Final = (0, 0, 0, 0, 3, 3, 2, 5, 6, 16, 0xF00)
FLAGS: Final = (dns.flags.RA, dns.flags.AA, dns.flags.RA | dns.flags.AA, 0)


def by_dnspython(question: Question, query: bytes, wire: bytes) -> Answer | str:
    """Return the answer, or why there is none: "garbage", "other" or "unusable"."""
    try:
        response = dns.message.from_wire(wire)
    except (dns.exception.DNSException, ValueError):  # an opcode that is none, to 2.3
        return "garbage"
    if not dns.message.from_wire(query).is_response(response):
        return "other"
    rcode = response.rcode()
    if rcode not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return "unusable"
    assert isinstance(response, dns.message.QueryMessage)
    try:
        chain = response.resolve_chaining()
    except dns.message.ChainTooLong:
        return Failed("its CNAME records lead in a circle or too far")
    except (dns.exception.DNSException, dns.message.AnswerForNXDOMAIN):
        return "unusable"
    if chain.answer is None:
        knows = dns.flags.RA if chain.cnames else dns.flags.RA | dns.flags.AA
        if not response.flags & knows or is_referral(response):
            return "unusable"
        return Void("NXDOMAIN" if rcode == dns.rcode.NXDOMAIN else "NODATA")
    return Found(tuple(sorted(text(rdata) for rdata in chain.answer)))


def is_referral(response: dns.message.Message) -> bool:
    types = {rrset.rdtype for rrset in response.authority}
    names_servers = dns.rdatatype.NS in types and dns.rdatatype.SOA not in types
    is_known = response.flags & dns.flags.AA or response.rcode() == dns.rcode.NXDOMAIN
    return names_servers and not is_known


def text(rdata: object) -> str:
    match rdata:
        case dns.rdtypes.ANY.TXT.TXT(strings=strings):
            return b"".join(strings).decode("latin-1")
        case dns.rdtypes.ANY.MX.MX(preference=preference, exchange=exchange):
            return f"{preference} {canonical(exchange.to_text())}"
    return str(rdata)


def by_us(question: Question, query: bytes, wire: bytes) -> Answer | str:
    if not messages.is_response(query, wire):
        return "other"
    try:
        return messages.answer(question, wire)
    except UnusableError as fault:
        return "garbage" if str(fault) == "sent garbage" else "unusable"


questions = st.builds(
    Question, st.sampled_from(["a.test", "b.test"]), st.sampled_from(["TXT", "MX", "A", "AAAA"])
)


@st.composite
def responses(
    draw: st.DrawFn, to: st.SearchStrategy[Question] = questions
) -> tuple[Question, bytes, bytes]:
    """Draw a question, its query and a response to it, which may say anything."""
    question = draw(to)
    query = messages.query(question)
    response = dns.message.make_response(dns.message.from_wire(query))
    response.flags |= draw(st.sampled_from(FLAGS))
    response.set_rcode(
        dns.rcode.Rcode.make(draw(st.sampled_from([0, 0, 0, 0, 3, 3, 2, 5, 6, 16, 0xF00])))
    )
    # types that the name was not asked for are rarer
    kinds = st.sampled_from([question.rrtype] * 3 + ["CNAME"] * 3 + sorted(RDATA))
    for section in response.answer, response.authority, response.additional:
        for kind in draw(st.lists(kinds, max_size=5 if section is response.answer else 2)):
            name = draw(st.sampled_from(NAMES))
            texts = draw(st.lists(st.sampled_from(RDATA[kind]), min_size=1, max_size=3))
            rrclass = draw(st.sampled_from(CLASSES)) if kind in ("TXT", "CNAME") else "IN"
            section += [dns.rrset.from_text(name, 300, rrclass, kind, each) for each in texts]
    return question, query, response.to_wire()


@given(responses())
@FEW
def test_a_response_says_what_dnspython_finds_in_it(made: tuple[Question, bytes, bytes]) -> None:
    assert by_us(*made) == by_dnspython(*made)


@pytest.mark.slow
@given(responses())
@MANY
def test_many_responses_say_what_dnspython_finds_in_them(
    made: tuple[Question, bytes, bytes],
) -> None:
    assert by_us(*made) == by_dnspython(*made)


@given(responses(), st.randoms(use_true_random=False))
@FEW
def test_a_damaged_response_says_what_dnspython_finds_in_it(
    made: tuple[Question, bytes, bytes], chance: random.Random
) -> None:
    agree_once_damaged(made, chance)


@pytest.mark.slow
@given(responses(), st.randoms(use_true_random=False))
@MANY
def test_many_damaged_responses_say_what_dnspython_finds_in_them(
    made: tuple[Question, bytes, bytes], chance: random.Random
) -> None:
    agree_once_damaged(made, chance)


def agree_once_damaged(made: tuple[Question, bytes, bytes], chance: random.Random) -> None:
    """What dnspython takes; it also refuses faults in records that are no part of an answer."""
    question, query, wire = made
    for _ in range(10):
        octets = bytearray(wire)
        for _ in range(chance.choice([1, 1, 2, 5])):
            octets[chance.randrange(len(octets))] = chance.choice([0, 1, 12, 16, 63, 192, 255])
        damaged = bytes(octets)
        theirs = by_dnspython(question, query, damaged)
        if theirs != "garbage" and not messages.is_truncated(damaged):
            assert by_us(question, query, damaged) == theirs


@pytest.mark.parametrize("rrtype", ["TXT", "MX", "A", "AAAA"])
def test_a_query_is_that_of_dnspython_with_another_id(rrtype: RRType) -> None:
    labels = [b"_spf", b"a" * 63, b"test", b""]
    question = Question(f"_spf.{'a' * 63}.test", rrtype)
    theirs = dns.message.make_query(dns.name.Name(labels), rrtype, use_edns=0, payload=1232)
    assert messages.query(question)[2:] == theirs.to_wire()[2:]


def test_ids_are_drawn_from_all_there_are() -> None:
    ids = [int.from_bytes(messages.query(A)[:2]) for _ in range(1000)]
    assert len(set(ids)) > 950
    assert {number >> 12 for number in ids} == set(range(16))


END: Final = 12 + len(b"\x01a\x04test\x00\x00\x10\x00\x01")
"""Where the question for A ends."""


def response(*records: str, rcode: int = 0, more: int = dns.flags.RA) -> tuple[bytes, bytes]:
    """Return a query for A and a response to it; a record is `NAME TYPE TEXT`."""
    query = messages.query(A)
    made = dns.message.make_response(dns.message.from_wire(query))
    made.flags |= more
    made.set_rcode(dns.rcode.Rcode.make(rcode))
    for record in records:
        name, kind, data = record.split(" ", 2)
        made.answer.append(dns.rrset.from_text(name, 300, "IN", kind, data))
    return query, made.to_wire()


def refused(wire: bytes) -> str:
    with pytest.raises(UnusableError) as fault:
        messages.answer(A, wire)
    return str(fault.value)


def test_a_question_may_come_back_in_other_case() -> None:
    query, wire = response("a.test. TXT found")
    wire = wire.replace(b"\x01a\x04test", b"\x01A\x04tEsT")
    assert messages.is_response(query, wire)
    assert messages.answer(A, wire) == Found(("found",))


@pytest.mark.parametrize(
    ("at", "octets"),
    [
        (0, b"\xff\xff\xff"),  # another id; a third octet, lest it is the same
        (2, b"\x01"),  # a query
        (2, b"\xa9"),  # a NOTIFY
        (5, b"\x00"),  # no question
        (5, b"\x02"),  # two questions
        (13, b"b"),  # another name
        (20, b"\x01"),  # another type
        (22, b"\x03"),  # another class
    ],
)
def test_what_differs_in_the_header_or_the_question_is_no_response(at: int, octets: bytes) -> None:
    query, wire = response("a.test. TXT found")
    assert messages.is_response(query, wire)
    changed = wire[:at] + octets + wire[at + len(octets) :]
    assert not messages.is_response(query, changed)


def test_what_is_cut_within_its_header_or_question_is_no_response() -> None:
    query, wire = response()
    assert [messages.is_response(query, wire[:at]) for at in range(END)] == [False] * END
    assert messages.is_response(query, wire[:END])


@pytest.mark.parametrize("rcode", ["FORMERR", "SERVFAIL", "NOTIMP", "REFUSED"])
def test_a_refusal_needs_no_question(rcode: str) -> None:
    query, _ = response()
    wire = query[:2] + bytes([0x81, 0x80 | dns.rcode.from_text(rcode)]) + bytes(8)
    assert messages.is_response(query, wire)
    assert refused(wire) == rcode


def test_an_answer_needs_its_question() -> None:
    query, _ = response()
    for rcode in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN, dns.rcode.YXDOMAIN):
        assert not messages.is_response(query, query[:2] + bytes([0x81, 0x80 | rcode]) + bytes(8))


def test_a_response_code_may_go_on_in_the_options() -> None:
    """Its first four bits alone say that there is no error (RFC 6891 section 6.1.3)."""
    _, wire = response(rcode=dns.rcode.BADVERS)
    assert wire[3] & 0xF == 0
    assert refused(wire) == "BADVERS"


def test_a_response_code_without_a_name_is_told_by_its_number() -> None:
    assert refused(response(rcode=15)[1]) == "15"


def test_a_part_of_an_answer_is_none() -> None:
    _, wire = response("a.test. TXT found", more=dns.flags.RA | dns.flags.TC)
    assert refused(wire) == "truncated its answer"


def test_an_answer_that_is_cut_or_goes_on_is_garbage() -> None:
    _, wire = response("a.test. TXT found")
    assert {refused(wire[:at]) for at in range(END, len(wire))} == {"sent garbage"}
    assert refused(wire + b"\0") == "sent garbage"


def test_a_txt_record_without_a_string_spoils_no_other() -> None:
    """RFC 1035 section 3.3.14 wants one, and dnspython takes both or neither by its version."""
    _, wire = response("a.test. TXT found", "a.test. TXT empty")
    empty = wire.replace(b"\0\x06\x05empty", b"\0\0")
    assert messages.answer(A, empty) == Found(("", "found"))


def test_octets_behind_the_name_of_an_alias_are_garbage() -> None:
    _, wire = response("a.test. CNAME b.test.")
    alias = struct.pack("!H", 4) + b"\x01b\xc0\x0e"
    assert refused(wire.replace(alias, struct.pack("!H", 5) + alias[2:] + b"\0")) == "sent garbage"


def test_a_long_chain_of_pointers_is_garbage() -> None:
    """A record may hold thousands, and each name of a message lead through all of them."""
    _, wire = response()
    record = struct.pack("!BHHIH", 0, 65280, 1, 0, 400)
    first = END + len(record)
    chain = [12, *range(first, first + 398, 2)]
    pointers = b"".join(struct.pack("!H", 0xC000 | at) for at in chain)
    owner = struct.pack("!H", 0xC000 | chain[-1])
    short, far = (owner_of + b"\0\x10\0\1\0\0\0\0\0\6\5found" for owner_of in (b"\xc0\x0c", owner))
    head = wire[:6] + b"\0\2\0\0\0\0" + wire[12:END] + record + pointers
    assert messages.answer(A, head + short) == Found(("found",))
    assert refused(head + far) == "sent garbage"


@pytest.mark.parametrize(
    ("more", "is_referral"), [(dns.flags.RA, True), (dns.flags.RA | dns.flags.AA, False)]
)
def test_who_only_names_other_servers_denies_nothing(more: int, *, is_referral: bool) -> None:
    _, wire = response("test. NS a.test.", more=more)
    moved = wire[:6] + b"\0\0\0\1" + wire[10:]  # to the authority section
    if is_referral:
        assert refused(moved) == "is a lame name server"
    else:
        assert messages.answer(A, moved) == Void("NODATA")


def test_records_that_are_split_in_other_places_are_several() -> None:
    """RFC 7208 section 4.5 takes no record where there are two, so they must not become one."""
    _, wire = response('a.test. TXT "v=spf1 -all"', 'a.test. TXT "v=spf1 " "-all"')
    assert messages.answer(A, wire) == Found(("v=spf1 -all", "v=spf1 -all"))


def test_a_record_that_comes_twice_is_one() -> None:
    _, wire = response("a.test. TXT found", "A.test. TXT found")
    assert messages.answer(A, wire) == Found(("found",))


TOO_FAR: Final = Failed("its CNAME records lead in a circle or too far")


@pytest.mark.parametrize(("aliases", "answer"), [(15, Found(("found",))), (16, TOO_FAR)])
def test_a_chain_of_aliases_may_have_15(aliases: int, answer: Answer) -> None:
    names = ["a.test.", *(f"n{number}.test." for number in range(aliases))]
    chain = [f"{name} CNAME {to}" for name, to in pairwise(names)]
    _, wire = response(*chain, f"{names[-1]} TXT found")
    assert messages.answer(A, wire) == answer


@given(st.binary(max_size=200))
def test_no_octets_make_it_raise_anything_else(octets: bytes) -> None:
    query, wire = response()
    for tail in (octets, wire[:12] + octets, query[:2] + octets):
        messages.is_response(query, tail)
    for rrtype in ("TXT", "MX", "A", "AAAA"):
        with contextlib.suppress(UnusableError):
            messages.answer(Question("a.test", rrtype), wire[:6] + b"\0\7\0\7\0\7" + octets)
