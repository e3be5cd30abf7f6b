"""The exact bounds of what is read of a response, and why one at them is no answer."""

from __future__ import annotations

import itertools
import struct

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from spfwhite.dns import message as messages
from spfwhite.dns.answers import Answer, Failed, Found, Question, Void
from spfwhite.dns.message import MAX_CHAIN_NAMES, MAX_NAME_POINTERS
from tests.dns.test_messages import END, A, refused, response


def through_pointers(count: int) -> bytes:
    """A response in which one record's owner leads through so many pointers to the question."""
    _, wire = response()
    record = struct.pack("!BHHIH", 0, 65280, 1, 0, 2 * count)
    first = END + len(record)
    chain = [12, *range(first, first + 2 * count, 2)]
    pointers = b"".join(struct.pack("!H", 0xC000 | at) for at in chain[:count])
    owner = struct.pack("!H", 0xC000 | chain[count - 1])
    found = owner + b"\0\x10\0\1\0\0\0\0\0\6\5found"
    return wire[:6] + b"\0\2\0\0\0\0" + wire[12:END] + record + pointers + found


def test_a_name_of_16_pointers_is_read_and_one_of_17_is_garbage() -> None:
    assert MAX_NAME_POINTERS == 16
    assert messages.answer(A, through_pointers(16)) == Found(("found",))
    assert refused(through_pointers(17)) == "sent garbage"


def test_a_pointer_into_a_label_of_the_question_is_none_to_the_question() -> None:
    _, wire = response(f"{A.name}. TXT found")
    assert messages.answer(A, wire) == Found(("found",))
    assert refused(wire.replace(b"\xc0\x0c", b"\xc0\x0d")) == "sent garbage"


def test_15_aliases_are_followed_and_16_are_too_many() -> None:
    assert MAX_CHAIN_NAMES == 16
    names = ["a.test.", *(f"n{number}.test." for number in range(1, 17))]
    aliases = [f"{name} CNAME {to}" for name, to in itertools.pairwise(names)]
    _, wire = response(*aliases[:15], f"{names[15]} TXT found")
    assert messages.answer(A, wire) == Found(("found",))
    _, wire = response(*aliases[:16], f"{names[16]} TXT found")
    assert isinstance(messages.answer(A, wire), Failed)


def test_a_server_that_stops_at_the_first_alias_and_does_not_recurse_is_no_source() -> None:
    _, wire = response("a.test. CNAME b.test.", more=dns.flags.AA)
    assert refused(wire) == "does not follow CNAME records"


def test_a_name_that_does_not_exist_and_has_a_record_contradicts_itself() -> None:
    _, wire = response("a.test. TXT found", rcode=dns.rcode.NXDOMAIN)
    assert refused(wire) == "answered in a way that contradicts itself"


def test_an_mx_record_is_its_preference_and_its_host_in_small_letters() -> None:
    asked = Question("a.test", "MX")
    made = dns.message.make_response(dns.message.from_wire(messages.query(asked)))
    made.flags |= dns.flags.RA
    made.answer.append(dns.rrset.from_text("a.test.", 300, "IN", "MX", "10 M.test."))
    assert messages.answer(asked, made.to_wire()) == Found(("10 m.test",))


def said(**sections: str) -> Answer:
    """What a response says with these records, each `NAME CLASS TYPE TEXT`, in its sections."""
    made = dns.message.make_response(dns.message.from_wire(messages.query(A)))
    made.flags |= dns.flags.RA
    for section, records in sections.items():
        for record in records.split("; "):
            name, rrclass, kind, text = record.split(" ", 3)
            rrset = dns.rrset.from_text(name, 300, rrclass, kind, text)
            getattr(made, section).append(rrset)
    return messages.answer(A, made.to_wire())


def test_a_start_of_authority_beside_name_servers_says_that_there_is_no_such_record() -> None:
    servers, start = "test. IN NS ns.test.", "test. IN SOA ns.test. h.test. 1 2 3 4 5"
    assert said(authority=f"{servers}; {start}") == Void("NODATA")


def test_a_record_of_another_class_is_none() -> None:
    assert said(answer="a.test. CH TXT chaos") == Void("NODATA")


def test_an_alias_outside_of_the_answer_is_none() -> None:
    found = said(answer="b.test. IN TXT other", additional="a.test. IN CNAME b.test.")
    assert found == Void("NODATA")
