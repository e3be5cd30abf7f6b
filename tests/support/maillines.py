"""Lines as postscreen and smtpd of Postfix 3.7 wrote them, with addresses and names to choose.

Owns: the forms, taken from a real instance. Refuses: to judge what they mean.
"""

from __future__ import annotations

HOSTILE = (
    b"$(touch${IFS}/tmp/x);",
    b"`reboot`",
    b"\x1b[31mred\x1b]0;title\x07",
    b"nul\x00nul",
    b"\xff\xfe\x80 not UTF-8",
    b">, connect from mail.victim.test[192.0.2.1]",
    b"\rNov 22 18:00:01 mx postfix/postscreen[1]: PASS NEW [192.0.2.1]:25",
)
"""HELO names, of which some would have been cleaned by Postfix."""


def at(day: int, program: str, message: str | bytes, syslog_name: str = "postfix") -> bytes:
    """Return a line of a day of November, as syslogd writes it (RFC 3164)."""
    text = message.encode() if isinstance(message, str) else message
    return f"Nov {day:2} 18:00:01 mx {syslog_name}/{program}[123]: ".encode() + text + b"\n"


def arrival(address: str, day: int, result: str = "PASS NEW") -> bytes:
    """Return a connection that postscreen lets through, by a test of it or by the list."""
    return at(day, "postscreen", f"CONNECT from [{address}]:5678 to [192.0.2.25]:25") + at(
        day, "postscreen", f"{result} [{address}]:5678"
    )


def session(address: str, name: str, day: int, stats: str = "data=1") -> bytes:
    """Return what smtpd says of a connection."""
    return at(day, "smtpd", f"connect from {name}[{address}]") + at(
        day, "smtpd", f"disconnect from {name}[{address}] ehlo=1 mail=1 rcpt=1 {stats} commands=4"
    )


def mail(address: str, name: str, day: int, result: str = "PASS NEW") -> bytes:
    """Return a connection that brings mail."""
    return arrival(address, day, result) + session(address, name, day)


def deferral(address: str, day: int, helo: bytes = b"mail.example", recipients: int = 1) -> bytes:
    """Return a connection that ends in 450, as the tests after the 220 greeting make it."""
    refused = (
        f"NOQUEUE: reject: RCPT from [{address}]:5678: 450 4.3.2 Service currently unavailable; "
        "from=<a@mail.example>, to=<x@example.test>, proto=ESMTP, helo=<"
    )
    return (
        at(day, "postscreen", f"CONNECT from [{address}]:5678 to [192.0.2.25]:25")
        + at(day, "postscreen", refused.encode() + helo + b">") * recipients
        + at(day, "postscreen", f"PASS NEW [{address}]:5678")
        + at(day, "postscreen", f"DISCONNECT [{address}]:5678")
    )
