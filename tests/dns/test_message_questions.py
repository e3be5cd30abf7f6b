"""A response may repeat more than the question: a pointer leads to the name that is meant."""

from __future__ import annotations

import struct

from spfwhite.dns.answers import Found, Question, Void
from spfwhite.dns.message import answer, has_edns, is_refusal, query


def test_a_pointer_to_the_first_of_two_questions_is_not_the_name_of_the_second() -> None:
    head = struct.pack("!6H", 1, 0x8580, 2, 1, 0, 0)
    asked = b"".join(b"\1" + name + b"\4test\0\0\1\0\1" for name in (b"a", b"b"))
    record = struct.pack("!HHHIH4B", 0xC00C, 1, 1, 60, 4, 20, 0, 0, 1)
    assert answer(Question("a.test", "A"), head + asked + record) == Found(("20.0.0.1",))


def test_a_refusal_is_told_by_its_code() -> None:
    heads = {code: struct.pack("!6H", 1, 0x8580 | code, 1, 0, 0, 0) for code in range(10)}
    assert [code for code, head in heads.items() if is_refusal(head)] == [2, 5]


def test_a_query_of_ours_has_edns_if_it_was_made_so() -> None:
    question = Question("a.test", "A")
    assert [has_edns(query(question, edns=edns)) for edns in (True, False)] == [True, False]


def test_a_name_that_does_not_exist_is_no_referral_whatever_servers_are_named() -> None:
    head = struct.pack("!6H", 1, 0x8183, 1, 0, 1, 0)  # NXDOMAIN, without AA
    asked = b"\1a\4test\0\0\1\0\1"
    servers = struct.pack("!HHHIHH", 0xC00C, 2, 1, 60, 2, 0xC00C)
    assert answer(Question("a.test", "A"), head + asked + servers) == Void("NXDOMAIN")
