"""Log lines of postscreen and smtpd to counts, as a stream in constant memory.

Owns: the forms of the lines (Postfix 3.7, both spellings of postscreen's words). Postfix's name and
the date are found wherever they stand in a line, whatever logger wrote it; `journalctl -o export`
and JSON are unpacked. Refuses: to open anything, and to read HELO names, which anybody can forge.
"""

# Envelope domains are kept for their SPF to judge; what else follows the client's address in a line
# is looked at only where Postfix alone writes it.

import ipaddress
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from typing import Final

# Clients that are kept apart: less than 100 MiB in the worst case.
MAX_CLIENTS: Final = 100_000

# Octets of a line that are looked at; who opens a log reads no more at once.
LINE_BYTES: Final = 65_536

_ADDRESS: Final = rb"\[(?P<address>[0-9A-Fa-f:.]{2,45})\]"

# How months begin, each in the languages that logs come in.
_MONTHS: Final = (
    "jan jän ene gen sty led,feb fév lut úno,mar mär mrz mrt bře,apr avr abr kwi dub,"
    "may mai mei mag maj kvě,jun jui giu cze čer,jul juil lug lip čec,aug aoû ago sie srp,"
    "sep set wrz zář,oct okt ott out paź říj,nov lis,dec dez déc dic gru pro"
)
_MONTH: Final = {
    name: number for number, names in enumerate(_MONTHS.split(","), 1) for name in names.split()
}

# The end of Postfix's name, as RFC 3164 has it and as RFC 5424 has.
_TAG: Final = re.compile(
    rb"/(?<=[^\s\[]/)(?P<program>postscreen|smtpd)"
    rb"(?:(?:\[[0-9]+\])?: | [0-9-]+ \S+ (?:-|\[[^\]]*\]) (?:\xef\xbb\xbf)?)(?P<message>.*)"
)

# What stands between the name of a program and its message: the name behind it is forged.
_OTHERS: Final = re.compile(rb": | - |\[")

_DATE: Final = re.compile(
    r"(?:(?P<name>[^\W\d_]{3,9})\.? +|[0-9]{4}-(?P<month>[0-9]{2})-)(?P<day>[0-9]{1,2})[ T]"
    r"[0-9]{2}:"
)
_FIELD: Final = re.compile(rb"[A-Z0-9_]+[=\n]")
_IDENTIFIER: Final = re.compile(rb"[^\s\[]+/(postscreen|smtpd)")
_WANTED: Final = (b"SYSLOG_IDENTIFIER", b"MESSAGE", b"__REALTIME_TIMESTAMP")

_EVENT: Final = re.compile(
    rb"(?:(?P<connect>CONNECT from)|(?P<listed>(?:ALLOW|WHITE)LISTED)|PASS (?P<passed>NEW|OLD)"
    rb"|(?P<rejected>NOQUEUE: reject: RCPT from)"
    rb"|(?P<failed>DNSBL rank [0-9]+ for|PREGREET [0-9]+ after \S+ from"
    rb"|(?:COMMAND PIPELINING|NON-SMTP COMMAND|BARE NEWLINE) from)) "
    + _ADDRESS
    + rb":[0-9]{1,5}(?P<deferred>: 450 4\.3\.2 "
    rb"(?:[^;<>]*; from=<[^<>]*@(?P<sender>[A-Za-z0-9._-]{1,253})>, to=<)?)?"
)
_CONNECT: Final = re.compile(
    rb"connect from (?P<name>[A-Za-z0-9._-]{1,253})" + _ADDRESS + rb"(?::[0-9]{1,5})?"
)
# `QUEUEID: client=` comes too early: it also stands before mail that is then refused.
_ACCEPTED: Final = re.compile(
    rb"disconnect from [^\s\[\]]+" + _ADDRESS + rb"(?::[0-9]{1,5})?"
    rb"(?:(?P<uncounted>\Z)| (?:\S+ )*?(?:data|bdat)=[1-9])"
)


# A line: its day as a mask of one bit, 0 where it is not known; postscreen or smtpd; the message.
Entry = tuple[int, bytes, bytes]


@dataclass(slots=True)
class Client:
    """A client that postscreen has tested: it passed, or was deferred."""

    connections: int = 1  # since its first test
    days: int = 0  # a bit for each day of the year with a test; RFC 3164 has no year
    deferred: int = 0  # connections with a 450
    deferring: bool = False
    failed: bool = False
    accepted: int = 0  # connections with mail that smtpd took
    name: str = ""  # as Postfix has verified it: it leads back to the address; "" for none
    sender: str = ""  # the domain of the last envelope that was deferred, which anybody can forge


@dataclass(slots=True)
class Tally:
    """What the logs say; the numbers are connections, but where it is said."""

    max_clients: int = MAX_CLIENTS
    lines: int = 0  # of postscreen and smtpd
    connections: int = 0
    listed: int = 0
    passed_new: int = 0
    passed_old: int = 0
    deferred: int = 0
    failed: int = 0
    left_out: int = 0  # tests of clients that came when `max_clients` were kept
    undated: int = 0  # tests whose day is not known
    uncounted: int = 0  # sessions of which smtpd does not say what was accepted
    days: int = 0  # as those of a client
    clients: dict[str, Client] = field(default_factory=dict)

    def read(self, pieces: Iterable[bytes]) -> bytes:
        """Add a log, by lines with their ends, a long one in several; return the first piece."""
        stream = iter(pieces)
        first = next(stream, b"")
        entries = _journal if _FIELD.match(first) else _syslog
        for day, program, message in entries(chain([first], stream)):
            self.lines += 1
            if program == b"smtpd":
                self._smtpd(message)
            elif event := _EVENT.match(message):
                self._postscreen(event, day)
        return first

    def _postscreen(self, event: re.Match[bytes], day: int) -> None:
        self.days |= day
        client = self.clients.get(event["address"].decode())
        if event["connect"]:
            self.connections += 1
            if client:
                client.connections += 1
                client.deferring = False
        elif event["listed"]:
            self.listed += 1
        elif event["failed"]:
            self.failed += 1
            if client:
                client.failed = True
        elif event["passed"] or event["deferred"]:
            self._tested(event, day)

    def _tested(self, event: re.Match[bytes], day: int) -> None:
        self.passed_new += event["passed"] == b"NEW"
        self.passed_old += event["passed"] == b"OLD"
        client = self._kept(event["address"].decode())
        if not client:
            self.left_out += 1
            return
        client.days |= day
        self.undated += not day
        client.sender = (event["sender"] or b"").decode().lower() or client.sender
        if event["deferred"] and not client.deferring:  # several recipients, one connection
            client.deferring = True
            client.deferred += 1
            self.deferred += 1

    def _kept(self, address: str) -> Client | None:
        if address not in self.clients and len(self.clients) < self.max_clients:
            with suppress(ValueError):
                ipaddress.ip_address(address)
                self.clients[address] = Client()
        return self.clients.get(address)

    def _smtpd(self, message: bytes) -> None:
        if match := _CONNECT.fullmatch(message):
            client = self.clients.get(match["address"].decode())
            name = match["name"].decode().lower().removesuffix(".")
            if client and name not in ("unknown", client.name):
                client.name = name
        elif match := _ACCEPTED.match(message):
            client = self.clients.get(match["address"].decode())
            if match["uncounted"] is not None:
                self.uncounted += 1
            elif client:
                client.accepted += 1


def _syslog(pieces: Iterator[bytes]) -> Iterator[Entry]:
    for piece in pieces:
        _skip_line(piece, pieces)
        yield from _json(piece) if piece.startswith(b"{") else _line(piece)


def _line(line: bytes) -> Iterator[Entry]:
    """Yield the entry of a line, if its first name of a program is Postfix's."""
    tag = _TAG.search(line)
    if tag and not _OTHERS.search(head := line[: tag.start()]):
        # the last date is that of the logger that was nearest to Postfix
        days = [_day_of(date) for date in _DATE.finditer(head.decode("utf-8", "replace"))]
        yield days[-1] if days else 0, tag["program"], tag["message"].rstrip()


def _day_of(date: re.Match[str]) -> int:
    name = (date["name"] or "").lower()
    month = int(date["month"] or _MONTH.get(name[:4], _MONTH.get(name[:3], 0)))
    return _day(month, int(date["day"]))


def _json(line: bytes) -> Iterator[Entry]:
    """Yield the entry of a JSON object: of `journalctl -o json`, or a line in Docker's `log`."""
    with suppress(ValueError, RecursionError):
        found = json.loads(line)
        wanted = {name: str(found.get(name.decode(), "")).encode() for name in _WANTED}
        yield from _line(str(found["log"]).encode()) if "log" in found else _entry(wanted)


def _skip_line(piece: bytes, pieces: Iterator[bytes]) -> None:
    while not piece.endswith(b"\n"):
        piece = next(pieces, b"\n")


def _day(month: int, day: int) -> int:
    return 1 << (31 * month + day - 32) if 1 <= month <= 12 and 1 <= day <= 31 else 0


def _journal(pieces: Iterator[bytes]) -> Iterator[Entry]:
    """Yield the entries of the journal export format (systemd's JOURNAL_EXPORT_FORMATS)."""
    fields: dict[bytes, bytes] = {}
    for piece in pieces:
        if piece == b"\n":
            yield from _entry(fields)
            fields = {}
            continue
        name, equals, value = piece.rstrip(b"\n").partition(b"=")
        if equals:
            _skip_line(piece, pieces)
        else:
            value = _binary(pieces)
        if name in _WANTED:
            fields[name] = value
    yield from _entry(fields)


def _binary(pieces: Iterator[bytes]) -> bytes:
    """Return the beginning of a field in binary form: 64 bits of length, the data, a newline."""
    data, read, length = b"", 0, 0
    for piece in pieces:
        data += piece if len(data) < LINE_BYTES else b""
        read += len(piece)
        length = int.from_bytes(data[:8], "little")
        if read > 8 + length:
            break
    return data[8 : 8 + length]


def _entry(fields: dict[bytes, bytes]) -> Iterator[Entry]:
    identifier, message, time = (fields.get(name, b"") for name in _WANTED)
    if program := _IDENTIFIER.fullmatch(identifier):
        day = 0
        if time.isdigit() and len(time) < 18:
            moment = datetime.fromtimestamp(int(time) / 1_000_000, UTC)
            day = _day(moment.month, moment.day)
        yield day, program[1], message
