"""A response may repeat more than the question: a pointer leads to the name that is meant."""

from __future__ import annotations

import struct

from spfwhite.dns.answers import Found, Question
from spfwhite.dns.message import answer


def test_a_pointer_to_the_first_of_two_questions_is_not_the_name_of_the_second() -> None:
    head = struct.pack("!6H", 1, 0x8580, 2, 1, 0, 0)
    asked = b"".join(b"\1" + name + b"\4test\0\0\1\0\1" for name in (b"a", b"b"))
    record = struct.pack("!HHHIH4B", 0xC00C, 1, 1, 60, 4, 20, 0, 0, 1)
    assert answer(Question("a.test", "A"), head + asked + record) == Found(("20.0.0.1",))
