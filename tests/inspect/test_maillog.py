"""Log lines to counts: every form of a line, every form of a log, and what is not believed."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator

import pytest

from spfwhite.inspect.maillog import LINE_BYTES, Client, Tally
from tests.support.maillines import HOSTILE, arrival, at, deferral, mail, session

CLIENT = "198.51.100.7"


def tally(*logs: bytes, max_clients: int = 10) -> Tally:
    found = Tally(max_clients)
    for log in logs:
        found.read(pieces(log))
    return found


def client(*logs: bytes) -> Client:
    (found,) = tally(*logs).clients.values()
    return found


def pieces(log: bytes) -> Iterator[bytes]:
    """Return what the readline of a stream gives."""
    stream = io.BytesIO(log)
    return iter(lambda: stream.readline(LINE_BYTES), b"")


@pytest.mark.parametrize("word", ["ALLOWLISTED", "WHITELISTED"])
def test_a_listed_client_is_counted_in_both_spellings_and_not_kept(word: str) -> None:
    found = tally(arrival(CLIENT, 1, word))
    assert (found.connections, found.listed, found.clients) == (1, 1, {})


@pytest.mark.parametrize("word", ["ALLOWLIST VETO", "DENYLISTED", "BLACKLISTED", "HANGUP"])
def test_other_words_let_nobody_through(word: str) -> None:
    found = tally(arrival(CLIENT, 1, word))
    assert (found.connections, found.listed, found.clients) == (1, 0, {})


def test_new_and_old_passes_are_counted_apart() -> None:
    found = tally(
        arrival(CLIENT, 1), arrival(CLIENT, 1, "PASS OLD"), arrival(CLIENT, 2, "PASS OLD")
    )
    assert (found.passed_new, found.passed_old, found.connections) == (1, 2, 3)
    assert found.clients[CLIENT].connections == 3


def test_a_client_that_only_connects_is_not_kept() -> None:
    line = at(1, "postscreen", f"CONNECT from [{CLIENT}]:5678 to [192.0.2.25]:25")
    assert tally(line).clients == {}


def test_several_recipients_are_one_deferral_and_the_pass_after_it_no_other_connection() -> None:
    found = tally(deferral(CLIENT, 1, recipients=3), deferral(CLIENT, 1))
    assert (found.deferred, found.connections) == (2, 2)
    assert found.clients[CLIENT].deferred == found.clients[CLIENT].connections == 2


@pytest.mark.parametrize("code", ["550 5.7.1 Service unavailable", "450 4.7.1 later", "550 5.3.2"])
def test_other_refusals_of_postscreen_are_no_deferral(code: str) -> None:
    found = tally(
        at(1, "postscreen", f"NOQUEUE: reject: RCPT from [{CLIENT}]:5678: {code}; from=<>")
    )
    assert (found.deferred, found.clients) == (0, {})


@pytest.mark.parametrize(
    "message",
    [
        "DNSBL rank 3 for [{}]:5678",
        "PREGREET 14 after 0.03 from [{}]:5678: EHLO x\\r\\n",
        "COMMAND PIPELINING from [{}]:5678 after DATA: x",
        "NON-SMTP COMMAND from [{}]:5678 after CONNECT: GET / HTTP/1.1",
        "BARE NEWLINE from [{}]:5678 after EHLO",
    ],
)
def test_a_failed_test_is_counted_and_marks_the_client(message: str) -> None:
    found = tally(arrival(CLIENT, 1), at(2, "postscreen", message.format(CLIENT)))
    assert found.failed == 1
    assert found.clients[CLIENT].failed


def test_the_name_is_the_one_that_smtpd_has_verified_in_lower_case() -> None:
    assert client(mail(CLIENT, "Mail.Example.TEST", 1)).name == "mail.example.test"


def test_unknown_is_no_name_and_does_not_unsay_one() -> None:
    assert client(mail(CLIENT, "unknown", 1)).name == ""
    found = client(mail(CLIENT, "mail.a.test", 1), mail(CLIENT, "unknown", 2, "PASS OLD"))
    assert found.name == "mail.a.test"


def test_smtpd_with_the_port_in_its_lines_is_understood() -> None:
    lines = (
        session(CLIENT, "mail.a.test", 1).replace(b"]", b"]:5678").replace(b"[123]:5678", b"[123]")
    )
    found = client(arrival(CLIENT, 1), lines)
    assert (found.name, found.accepted) == ("mail.a.test", 1)


@pytest.mark.parametrize("stats", ["data=1", "data=1/2 quit=1", "data=12", "bdat=2 quit=1"])
def test_mail_that_smtpd_took_is_accepted(stats: str) -> None:
    assert client(arrival(CLIENT, 1), session(CLIENT, "unknown", 1, stats)).accepted == 1


@pytest.mark.parametrize("stats", ["data=0/1", "quit=1", "rset=1", "bdat=0/3", "xdata=1"])
def test_mail_that_smtpd_refused_is_not_accepted(stats: str) -> None:
    assert client(arrival(CLIENT, 1), session(CLIENT, "unknown", 1, stats)).accepted == 0


def test_a_queue_id_alone_is_no_accepted_mail() -> None:
    # Postfix gives it at the first recipient; a header check may refuse the mail after that
    found = client(
        arrival(CLIENT, 1),
        at(1, "smtpd", f"26F8D20C774: client=localhost[{CLIENT}]"),
        session(CLIENT, "unknown", 1, "data=0/1"),
    )
    assert found.accepted == 0


def test_a_client_that_postscreen_did_not_test_is_not_kept() -> None:
    assert tally(session(CLIENT, "mail.a.test", 1)).clients == {}


@pytest.mark.parametrize("name", ["postfix", "postfix-in", "mx/in"])
def test_other_syslog_names_are_understood(name: str) -> None:
    found = tally(at(1, "postscreen", f"PASS NEW [{CLIENT}]:5678", name))
    assert (found.lines, list(found.clients)) == (1, [CLIENT])


@pytest.mark.parametrize(
    "stamp",
    [
        "Nov 22 18:00:01",
        "2026-11-22T18:00:01+01:00",
        "2026-11-22T18:00:01.123456+01:00",
        "2026-11-22T18:00:01+0100",
        "2026-11-22T17:00:01Z",
        "2026-11-22 18:00:01",
    ],
)
def test_time_stamps_of_all_forms_are_the_same_day(stamp: str) -> None:
    line = f"{stamp} mx postfix/postscreen[1]: PASS OLD [{CLIENT}]:5678\n".encode()
    found = client(arrival(CLIENT, 22), line)
    assert found.days.bit_count() == 1
    assert client(arrival(CLIENT, 23), line).days.bit_count() == 2


@pytest.mark.parametrize("stamp", ["Abc 22 18:00:01", "2026-13-22T18:00:01Z", "Nov 32 18:00:01"])
def test_a_day_that_does_not_exist_is_none(stamp: str) -> None:
    line = f"{stamp} mx postfix/postscreen[1]: PASS NEW [{CLIENT}]:5678\n".encode()
    assert client(line).days == 0


def test_ipv6_clients_are_kept_as_postfix_writes_them() -> None:
    found = tally(mail("2001:db8::7", "mail.a.test", 1))
    assert found.clients["2001:db8::7"].name == "mail.a.test"
    assert found.clients["2001:db8::7"].accepted == 1


@pytest.mark.parametrize("address", ["1.2.3", "::::", "1.2.3.4.5", "256.1.1.1", "abc"])
def test_what_is_no_address_is_not_kept(address: str) -> None:
    assert tally(arrival(address, 1)).clients == {}


@pytest.mark.parametrize("helo", HOSTILE, ids=repr)
def test_nothing_in_a_helo_counts(helo: bytes) -> None:
    found = tally(deferral(CLIENT, 1, helo))
    assert list(found.clients) == [CLIENT]
    assert found.clients[CLIENT].name == ""
    assert (found.connections, found.deferred, found.passed_new) == (1, 1, 1)


@pytest.mark.parametrize(
    "line",
    [
        b"Nov 22 18:00:01 mx sshd[1]: user postfix/postscreen[1]: PASS NEW [192.0.2.1]:25\n",
        b"Nov 22 18:00:01 mx postfix/qmgr[1]: A1: postfix/smtpd[1]: connect from a[192.0.2.1]\n",
        b"Nov 22 18:00:01 mx smtpd[1]: connect from mail.a.test[192.0.2.1]\n",
        b"Nov 22 18:00:01 mx sshd[1]: " + arrival("192.0.2.1", 1),
        b"-- Boot 0123456789abcdef --\n",
        b"\n",
        b"\xff\xfe\x00\x00\n",
        b"postscreen",
    ],
    ids=repr,
)
def test_lines_of_other_programs_are_none_of_postfix(line: bytes) -> None:
    assert tally(line.partition(b"\n")[0]).lines == 0


def test_an_event_counts_only_where_a_message_begins() -> None:
    after = f"HANGUP after 0.1 from [{CLIENT}]:5678 in PASS NEW [192.0.2.1]:25"
    found = tally(at(1, "postscreen", after), at(1, "smtpd", f"warning: {after}"))
    assert (found.lines, found.passed_new, found.clients) == (2, 0, {})


def test_a_line_of_a_mebibyte_is_read_at_its_beginning_and_ends_where_it_ends() -> None:
    long = deferral(CLIENT, 1, b"x" * 2**20)
    forged = b"y" * LINE_BYTES + at(1, "postscreen", "PASS NEW [192.0.2.1]:25").rstrip(b"\n")
    found = Tally()
    found.read(pieces(long + forged + b"\n" + arrival("203.0.113.1", 1)))
    assert list(found.clients) == [CLIENT, "203.0.113.1"]
    assert found.deferred == 1


def test_clients_above_the_cap_are_counted_and_not_kept() -> None:
    found = tally(*(arrival(f"198.51.100.{i}", 1) for i in range(15)), max_clients=10)
    assert (len(found.clients), found.passed_new, found.left_out) == (10, 15, 5)


def exported(*fields: tuple[bytes, bytes]) -> bytes:
    return b"".join(name + b"=" + value + b"\n" for name, value in fields) + b"\n"


def binary(name: bytes, value: bytes) -> bytes:
    return name + b"\n" + len(value).to_bytes(8, "little") + value + b"\n"


def entry(message: bytes, *, identifier: bytes = b"postfix/postscreen", day: int = 22) -> bytes:
    return exported(
        (b"__CURSOR", b"s=1;i=2"),
        (b"__REALTIME_TIMESTAMP", b"%d" % (1_795_348_801_000_000 + (day - 22) * 86_400_000_000)),
        (b"SYSLOG_IDENTIFIER", identifier),
        (b"MESSAGE", message),
    )


def test_the_journal_export_format_is_understood() -> None:
    found = tally(
        entry(b"CONNECT from [198.51.100.7]:5678 to [192.0.2.25]:25")
        + entry(b"PASS NEW [198.51.100.7]:5678")
        + entry(b"connect from mail.a.test[198.51.100.7]", identifier=b"postfix-in/smtpd")
        + entry(b"PASS OLD [198.51.100.7]:5678", day=23)
        + entry(b"PASS NEW [192.0.2.1]:5678", identifier=b"sshd")
    )
    assert (found.lines, found.connections, found.passed_new) == (4, 1, 1)
    assert found.clients[CLIENT].name == "mail.a.test"
    assert found.clients[CLIENT].days.bit_count() == 2


def test_days_of_the_journal_are_those_of_syslog() -> None:
    assert client(entry(b"PASS NEW [198.51.100.7]:5678"), arrival(CLIENT, 22)).days.bit_count() == 1


@pytest.mark.parametrize("size", [0, 9, 10, 266, 2570, 3 * LINE_BYTES, 10 * 2**16 + 10])
def test_a_field_in_binary_form_is_skipped_whatever_its_length_and_its_bytes(size: int) -> None:
    # lengths of which an octet is a newline, and data that looks like an entry
    data = (b"\n\nMESSAGE=PASS NEW [192.0.2.1]:5678\n\n" * (size // 30 + 1))[:size]
    log = binary(b"COREDUMP", data) + entry(b"PASS NEW [198.51.100.7]:5678")
    found = Tally()
    found.read(pieces(log))
    assert list(found.clients) == [CLIENT]


def test_a_message_in_binary_form_is_read() -> None:
    refused = b"NOQUEUE: reject: RCPT from [198.51.100.7]:5678: 450 4.3.2 x; helo=<\xff\n\x1b[31m>"
    head = b"__CURSOR=s=1\nSYSLOG_IDENTIFIER=postfix/postscreen\n"
    found = tally(head + binary(b"MESSAGE", refused) + b"\n")
    assert (found.deferred, list(found.clients)) == (1, [CLIENT])


def test_a_field_in_binary_form_that_ends_with_a_newline_does_not_end_its_entry() -> None:
    head = b"__CURSOR=s=1\nSYSLOG_IDENTIFIER=postfix/postscreen\n"
    found = tally(head + binary(b"NOTE", b"a\n") + b"MESSAGE=PASS NEW [198.51.100.7]:5678\n\n")
    assert list(found.clients) == [CLIENT]


@pytest.mark.parametrize("cut", range(1, 120, 7))
def test_an_export_that_ends_anywhere_is_read_as_far_as_it_goes(cut: int) -> None:
    head = b"__CURSOR=s=1\nSYSLOG_IDENTIFIER=postfix/postscreen\n"
    log = head + binary(b"MESSAGE", b"PASS NEW [198.51.100.7]:5678") + b"\n"
    found = tally(entry(b"PASS NEW [203.0.113.1]:5678") + log[:cut])
    assert "203.0.113.1" in found.clients
    assert found.clients.keys() <= {"203.0.113.1", CLIENT}


PLAIN = b"".join(
    (
        mail(CLIENT, "mail.a.test", 1),
        deferral("198.51.100.8", 2, b'"quoted" \\ \xc3\xa9'),
        mail(CLIENT, "mail.a.test", 3, "PASS OLD"),
    )
)
_LINE = re.compile(rb"Nov +([0-9]+) 18:00:01 mx (\S+)\[123\]: (.*)\n")


def _dated(line: bytes, head: str) -> bytes:
    """Return a line with another head; `{day}`, `{name}` stand for its day and its program."""
    match = _LINE.fullmatch(line)
    assert match
    day, name, message = match.groups()
    return head.format(day=int(day), name=name.decode()).encode() + message + b"\n"


def _as_journal(line: bytes) -> bytes:
    match = _LINE.fullmatch(line)
    assert match
    moment = 1_793_500_000_000_000 + 86_400_000_000 * (int(match[1]) - 1)
    fields = {"SYSLOG_IDENTIFIER": match[2], "MESSAGE": match[3], "__REALTIME_TIMESTAMP": b""}
    texts = {name: value.decode() for name, value in fields.items()}
    return json.dumps(texts | {"__REALTIME_TIMESTAMP": str(moment)}).encode() + b"\n"


FORMS: dict[str, Callable[[bytes], bytes]] = {
    "docker compose": lambda line: b"postfix-mailcow-1  | " + line,
    "docker logs -t": lambda line: b"2026-11-09T18:00:01.123456789Z " + line,
    "kubernetes": lambda line: b"2026-11-09T18:00:01.123456789+01:00 stdout F " + line,
    "docker json-file": lambda line: (
        json.dumps({"log": line.decode(), "stream": "stdout", "time": "x"}).encode() + b"\n"
    ),
    "busybox": lambda line: line.replace(b" mx ", b" mx mail.info "),
    "freebsd -v": lambda line: line.replace(b" mx ", b" <mail.info> mx "),
    "freebsd -vv": lambda line: line.replace(b" mx ", b" <2.6> mx "),
    "PRI": lambda line: b"<22>" + line,
    "RFC 5424": lambda line: _dated(line, "2026-11-{day:02}T18:00:01.1Z mx {name} 123 - - "),
    "RFC 5424 with PRI and data": lambda line: _dated(
        line, '<22>1 2026-11-{day:02}T18:00:01Z mx {name} - - [a b="c"] \ufeff'
    ),
    "short-full": lambda line: _dated(line, "Sun 2026-11-{day:02} 18:00:01 CET mx {name}[123]: "),
    "journal as json": _as_journal,
    "CRLF": lambda line: line.replace(b"\n", b"\r\n"),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_log_says_the_same_in_every_form(form: str) -> None:
    log = b"".join(FORMS[form](line) for line in PLAIN.splitlines(keepends=True))
    assert tally(log) == tally(PLAIN)


MONTHS = {
    11: "Nov nov. nov Nov. listopada lis",
    10: "Okt Oct oct. ott out paź říj okt.",
    5: "Mai May mei mag maj kvě mai",
    3: "Mär März mars mar. mrt Mar bře",
    12: "Dez déc. dic gru pro dec",
    7: "juil. jul lug čec lip",
    6: "juin giu čer Jun cze",
    1: "janv. ene gen sty led Jän",
}


@pytest.mark.parametrize(
    ("name", "month"), [(name, month) for month, names in MONTHS.items() for name in names.split()]
)
def test_months_have_their_names_of_other_languages(name: str, month: int) -> None:
    line = f"{name} 2 18:00:01 mx postfix/postscreen[1]: PASS NEW [{CLIENT}]:5678\n".encode()
    iso = f"2026-{month:02}-02T18:00:01Z mx postfix/postscreen[1]: PASS OLD [{CLIENT}]:5678\n"
    found = tally(line, iso.encode())
    assert (found.clients[CLIENT].days.bit_count(), found.undated) == (1, 0)


def test_a_test_whose_date_cannot_be_read_is_counted_as_such() -> None:
    line = f"Abc 2 18:00:01 mx postfix/postscreen[1]: PASS NEW [{CLIENT}]:5678\n".encode()
    assert tally(line, line.replace(b"Abc 2 18:00:01 ", b""), arrival(CLIENT, 1)).undated == 2


@pytest.mark.parametrize(
    "line",
    [
        b"2026-11-01T18:00:01Z mx sshd 1 - - user postfix/postscreen[1]: PASS NEW [192.0.2.1]:25\n",
        b"postfix-1  | Nov  1 18:00:01 mx sshd[1]: a/postscreen[1]: PASS NEW [192.0.2.1]:25\n",
        b'{"MESSAGE": "PASS NEW [192.0.2.1]:25", "SYSLOG_IDENTIFIER": "sshd"}\n',
        b'{"log": "sshd: postfix/postscreen[1]: PASS NEW [192.0.2.1]:25"}\n',
        b'{"log": 7}\n',
        b'{"a": "postfix/postscreen[1]: PASS NEW [192.0.2.1]:25"}\n',
        b"{" * 60_000 + b"\n",
        b"[" + b'{"a":' * 10_000 + b"\n",
    ],
)
def test_what_another_program_says_is_none_of_postfix_in_any_form(line: bytes) -> None:
    assert tally(line).lines == 0


def test_a_log_without_a_line_of_postfix_gives_its_first_line() -> None:
    other = b"Nov  1 18:00:01 mx sshd[1]: hello\n"
    found = Tally()
    assert found.read(pieces(other + b"second\n")) == other
    assert found.lines == 0
    assert found.read(pieces(other)) == other


def test_the_domain_of_an_envelope_is_kept_in_lower_case_and_that_of_a_helo_is_not() -> None:
    helo = b"x>; from=<a@forged.test>, to=<b>"
    line = deferral(CLIENT, 1, helo).replace(b"mail.example>", b"A.Test>")
    assert client(line).sender == "a.test"
    assert client(line.replace(b"from=<a@A.Test>", b"from=<>")).sender == ""
    hostile = line.replace(b"from=<a@A.Test>", b'from=<"x@forged.test>, to=<y"@A.Test>')
    assert client(hostile).sender in ("", "forged.test")  # which its SPF has to pass


def test_sessions_without_counters_are_counted_and_accept_nothing() -> None:
    old = at(1, "smtpd", f"disconnect from mail.a.test[{CLIENT}]")
    found = tally(arrival(CLIENT, 1), old, session(CLIENT, "mail.a.test", 1))
    assert (found.uncounted, found.clients[CLIENT].accepted) == (1, 1)


def test_several_logs_of_several_forms_are_one() -> None:
    found = tally(arrival(CLIENT, 21), b"", entry(b"PASS OLD [198.51.100.7]:5678"))
    assert (found.passed_new, found.passed_old) == (1, 1)
    assert found.clients[CLIENT].days.bit_count() == found.days.bit_count() == 2
