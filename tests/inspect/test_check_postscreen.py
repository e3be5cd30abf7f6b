"""What `check` finds, judged by the real postscreen: started, connected to, its log read."""

from __future__ import annotations

import re
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import pytest

from tests.support.dnsserver import DnsServer, Zone
from tests.support.judging import IN_USE, LISTED, UNLISTED, Judge, judge, usual_master
from tests.support.postfix_instance import PATH, needs_postfix

pytestmark = [pytest.mark.slow, needs_postfix]

LIST = "postscreen_access_list"
SITES = "postscreen_dnsbl_sites"
ENDED = r"postscreen\[[0-9]+\]: fatal: |postscreen: bad command startup"
IGNORED = "ignoring the remainder of this access list"
SECOND = "127.0.0.9:PORT inet n - n - 1 postscreen"
USUAL = usual_master()


@pytest.fixture(scope="module")
def court() -> Iterator[Judge]:
    """Return a judge with some files and folders that configurations name."""
    with DnsServer(Zone()) as server, judge(server) as made:
        folder = made.postfix.folder
        (folder / "folder").mkdir()
        (folder / "folder.db").mkdir()
        (folder / "theirs.cidr").write_text("198.51.100.0/24 reject\n")
        (folder / "built.pag").touch()
        yield made


class Case(NamedTuple):
    """A configuration, what postscreen logs of it, and what check says: level and words."""

    parameters: Mapping[str, str]
    logged: str
    level: str
    words: str
    master: str = ""
    clients: tuple[str, ...] = (LISTED,)


def listed(value: str, logged: str, level: str, words: str, *clients: str, **more: str) -> Case:
    return Case({LIST: value, **more}, logged, level, words, clients=clients or (LISTED,))


def sites(value: str) -> Case:
    return Case({SITES: value}, "fatal: bad DNSBL ", "error", "at which postscreen ends")


CASES = {
    "proxy without proxy_read_maps": listed(
        "permit_mynetworks, proxy:OURS", ENDED, "error", "is not in proxy_read_maps"
    ),
    "proxy before ours": listed(
        "permit_mynetworks, proxy:cidr:FOLDER/theirs.cidr, OURS", ENDED, "error", "proxy_read_maps"
    ),
    "proxy of a type that Postfix has not": listed(
        "permit_mynetworks, proxy:foo:bar, OURS", f"{ENDED}|{IGNORED}", "error", "foo:bar"
    ),
    "comment with a colon": listed(
        "permit_mynetworks, OURS # our list: spf", ENDED, "error", "list:, which is no TYPE:NAME"
    ),
    "comment with a colon alone": listed(
        "permit_mynetworks, OURS ; cidr:", ENDED, "error", "cidr:, which is no TYPE:NAME"
    ),
    "folder": listed("cidr:FOLDER/folder, OURS", ENDED, "error", "is a folder"),
    "folder behind ours": listed("OURS, texthash:FOLDER/folder", ENDED, "error", "is a folder"),
    "folder of a compiled table": listed(
        "permit_mynetworks, hash:FOLDER/folder, OURS", IGNORED, "error", "is a folder"
    ),
    "type that is not built in": listed(
        "permit_mynetworks, dbm:FOLDER/built, OURS", IGNORED, "error", "the type dbm, which"
    ),
    "type with a server that is not built in": listed(
        "permit_mynetworks, mysql:FOLDER/x, OURS", IGNORED, "error", "the type mysql, which"
    ),
    "missing": listed("permit_mynetworks, cidr:/nowhere/x, OURS", IGNORED, "error", "is missing"),
    "relative to the queue": listed(
        "permit_mynetworks, cidr:nowhere.cidr, OURS", IGNORED, "error", "is missing"
    ),
    "smtpd's words": listed(
        "permit_mynetworks, reject_rbl_client zen.test, OURS",
        IGNORED,
        "error",
        "reject_rbl_client is no word of postscreen",
    ),
    "smtpd's words with a table": listed(
        "permit_mynetworks, check_client_access cidr:FOLDER/theirs.cidr, OURS",
        IGNORED,
        "error",
        "check_client_access is no word of postscreen",
    ),
    "path alone": listed(
        "permit_mynetworks, FOLDER/theirs.cidr, OURS", IGNORED, "error", "is no word of postscreen"
    ),
    "comment": listed(
        "permit_mynetworks, OURS # ours",
        IGNORED,
        "warning",
        "# is no word of postscreen",
        UNLISTED,
    ),
    "braces around a table": listed(
        "permit_mynetworks, {OURS}", IGNORED, "warning", "the type {cidr, which"
    ),
    "dunno before ours": listed(
        "permit_mynetworks, dunno, OURS", "PREGREET", "error", "ends at dunno, before a table"
    ),
    "reject before ours": listed(
        "permit_mynetworks, reject, OURS", "DENYLISTED", "error", "ends at reject, before a table"
    ),
    "final permit": listed(
        "permit_mynetworks, OURS, permit",
        rf"ALLOWLISTED \[{UNLISTED}\]",
        "warning",
        "postscreen tests nobody",
        UNLISTED,
    ),
    "final permit of a table": listed(
        "permit_mynetworks, OURS, static:PERMIT",
        rf"ALLOWLISTED \[{UNLISTED}\]",
        "warning",
        "postscreen tests nobody",
        UNLISTED,
    ),
    "final reject": listed(
        "permit_mynetworks, OURS, reject",
        rf"DENYLISTED \[{UNLISTED}\]",
        "error",
        "all other clients are refused",
        UNLISTED,
        postscreen_denylist_action="drop",
    ),
    "own clients not first": listed(
        "OURS",
        r"PREGREET .* \[127\.0\.0\.1\]",
        "warning",
        "permit_mynetworks is missing",
        "127.0.0.1",
    ),
    "not named": listed("permit_mynetworks, cidr:FOLDER/theirs.cidr", "PREGREET", "error", "name"),
    "named as another type": listed(
        "permit_mynetworks, texthash:FOLDER/table.cidr", "PREGREET", "error", "names texthash:"
    ),
    "comment behind an action": Case(
        {"postscreen_greet_action": "enforce   # or drop"},
        ENDED,
        "error",
        "is enforce # or drop, at which",
    ),
    "comment behind an action by its old name": Case(
        {"postscreen_blacklist_action": "drop # all"}, ENDED, "error", "is drop # all, at which"
    ),
    "nothing": Case(
        {"postscreen_expansion_filter": ""}, ENDED, "error", "is empty, at which postscreen ends"
    ),
    "number with a unit": Case(
        {"postscreen_dnsbl_threshold": "3 points"}, ENDED, "error", "is 3 points, at which"
    ),
    "site without its asterisk": sites("zen.test=127.0.0.[2..11]3"),
    "site with blanks": sites("zen.test = 127.0.0.2 * 3"),
    "site with an open filter": sites("zen.test=127.0.0.[2..11*3"),
    "site with three octets": sites("zen.test=127.0.0*3"),
    "site with a range backwards": sites("zen.test=127.0.0.[11..2]"),
    "site with a comment": sites("zen.test*3 # paid"),
    "site with a final dot": sites("zen.test.*3"),
    "missing reply map": Case(
        {"postscreen_dnsbl_reply_map": "texthash:/nowhere/x", SITES: "zen.test"},
        ENDED,
        "error",
        "is texthash:/nowhere/x (which is missing)",
    ),
    "reply map with a comment": Case(
        {"postscreen_dnsbl_reply_map": "none", SITES: "zen.test"},
        ENDED,
        "error",
        "is none (which is no TYPE:NAME)",
    ),
    "command filter that is a folder": Case(
        {"postscreen_command_filter": "texthash:FOLDER/folder"}, ENDED, "error", "is a folder"
    ),
    "missing table of EHLO": Case(
        {"postscreen_discard_ehlo_keyword_address_maps": "cidr:/nowhere/x"},
        "fatal: postscreen_discard_ehlo_keyword_address_maps lookup error",
        "error",
        "has cidr:/nowhere/x (which is missing)",
        clients=(UNLISTED,),
    ),
    "folder of footers": Case(
        {"postscreen_reject_footer_maps": "texthash:FOLDER/folder"}, ENDED, "error", "is a folder"
    ),
    "process limit": Case(
        {},
        ENDED,
        "error",
        "a process limit other than 1",
        USUAL.replace("1 postscreen", "- postscreen"),
    ),
    "process limit of the second postscreen": Case(
        {},
        ENDED,
        "error",
        "a process limit other than 1",
        f"{SECOND}\n{USUAL.replace('1 postscreen', '0 postscreen')}",
    ),
    "two lines, smtpd last": Case(
        {},
        r"smtpd\[[0-9]+\]: connect from",
        "error",
        "the last one counts, and is not postscreen",
        f"{USUAL}127.0.0.1:PORT inet n - n - - smtpd\n",
    ),
    "second postscreen without the table": Case(
        {LIST: "permit_mynetworks"},
        "PREGREET",
        "error",
        "does not name",
        f"{SECOND} -o {LIST}=permit_mynetworks,OURS\n{USUAL}",
    ),
    "option without the table": Case(
        {},
        "PREGREET",
        "error",
        "does not name",
        USUAL.replace("postscreen\n", f"postscreen -o {LIST}=permit_mynetworks\n"),
    ),
    "option with a comment": Case(
        {},
        ENDED,
        "error",
        "is yes#, at which",
        USUAL.replace("postscreen\n", "postscreen -o postscreen_bare_newline_enable=yes#\n"),
    ),
    "no dnsblog": Case(
        {SITES: "zen.test*3"},
        "private/dnsblog",
        "warning",
        "no `dnsblog unix`",
        re.sub("dnsblog.*\n", "", USUAL),
        (UNLISTED,),
    ),
    "no tlsproxy": Case(
        {"postscreen_tls_security_level": "may"},
        "private/tlsproxy",
        "warning",
        "no `tlsproxy unix`",
        re.sub("tlsproxy.*\n", "", USUAL),
        (UNLISTED,),
    ),
    "no smtpd": Case(
        {}, "private/smtpd", "error", "no `smtpd pass`", re.sub("smtpd pass.*\n", "", USUAL)
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_check_says_what_postscreen_does_and_its_commands_mend_it(case: Case, court: Judge) -> None:
    court.configure(case.parameters, case.master)
    court.hear(case.logged, *case.clients)
    findings = court.findings()
    assert any(each.level == case.level and case.words in each.text for each in findings), findings
    assert all(each.command for each in findings), findings
    court.apply(findings)
    assert court.findings() == []
    court.hear(IN_USE)
    if "cidr:FOLDER/theirs.cidr" in case.parameters.get(LIST, "").split(", "):
        assert court.filled("cidr:FOLDER/theirs.cidr") in court.parameter(LIST).split(", ")


def parameters() -> dict[str, str]:
    """Return the parameters of postscreen that the installed Postfix has, with their defaults."""
    done = subprocess.run(
        ["postconf", "-d"], check=True, timeout=60, env={"PATH": PATH}, capture_output=True
    )
    pairs = (line.split(" =", 1) for line in done.stdout.decode().splitlines())
    return {name: value for name, value in pairs if name.startswith("postscreen_")}


NAMES = sorted(parameters()) if (PATH and not needs_postfix.args[0]) else []
TABLE_NAMES = {LIST, "postscreen_cache_map", "postscreen_allowlist_interfaces"}
VALUES = ("0", "1 # c")


@pytest.mark.parametrize("name", [name for name in NAMES if name not in TABLE_NAMES])
def test_postscreen_ends_at_a_value_if_check_says_so_and_only_then(name: str, court: Judge) -> None:
    for value in VALUES:
        court.configure({name: value})
        ends = "fatal: " in court.hear(f"{ENDED}|LISTED|PREGREET|connect from|PROXY")
        said = [each for each in court.findings() if each.subject == name and each.level == "error"]
        assert bool(said) is ends, (value, said)


DNSWL = "list.dnswl.test=127.0.[0..255].[1..3]*-2"
ALL_WELL: dict[str, tuple[Mapping[str, str], str]] = {
    "as it is": ({}, ""),
    "over lines": (
        {LIST: "permit_mynetworks,\n  # ours\n  OURS,\n\n  cidr:FOLDER/theirs.cidr"},
        "",
    ),
    "a parameter in it": ({"mine": "OURS", LIST: "permit_mynetworks, $mine"}, ""),
    "the folder as a parameter": (
        {LIST: "permit_mynetworks, cidr:${config_directory}/../table.cidr"},
        "",
    ),
    "a condition": ({LIST: "permit_mynetworks, ${stress?{static:x}:{OURS}}"}, ""),
    "capitals": ({LIST: "PERMIT_MYNETWORKS OURS DUNNO"}, ""),
    "an inline table": ({LIST: "permit_mynetworks cidr:{{198.51.100.7/32 reject}} OURS"}, ""),
    "another inline table": ({LIST: "permit_mynetworks inline:{a=permit, b=reject} OURS"}, ""),
    "a table of no answer": ({LIST: "permit_mynetworks static:dunno OURS"}, ""),
    "a proxied table that may be": (
        {LIST: "permit_mynetworks proxy:OURS", "proxy_read_maps": "$virtual_alias_maps proxy:OURS"},
        "",
    ),
    "by the list as a parameter": (
        {LIST: "permit_mynetworks proxy:OURS", "proxy_read_maps": "$postscreen_access_list"},
        "",
    ),
    "relative to the queue": ({LIST: "permit_mynetworks cidr:../table.cidr"}, ""),
    "an option in braces": (
        {LIST: "permit_mynetworks"},
        USUAL.replace("postscreen\n", f"postscreen -o {{ {LIST} = permit_mynetworks, OURS }}\n"),
    ),
    "a second postscreen": ({}, f"{SECOND} -o syslog_name=postfix/second\n{USUAL}"),
    "an smtpd elsewhere": ({}, f"127.0.0.9:PORT inet n - n - - smtpd\n{USUAL}"),
    "one process as the default": (
        {
            "default_process_limit": "1",
            "postscreen_pre_queue_limit": "100",
            "postscreen_post_queue_limit": "100",
        },
        USUAL.replace("1 postscreen", "- postscreen"),
    ),
    "lists in DNS": (
        {
            SITES: f"zen.test*3, b.test=127.0.0.[2;4..7]*2\n  {DNSWL}, swl.test*-4",
            "postscreen_dnsbl_threshold": "3",
            "postscreen_dnsbl_allowlist_threshold": "-2",
            "postscreen_dnsbl_action": "enforce",
            "postscreen_dnsbl_reply_map": "texthash:FOLDER/theirs.cidr",
            "postscreen_dnsbl_timeout": "1s",
        },
        "",
    ),
    "a table of footers that is missing": (
        {"postscreen_reject_footer_maps": "cidr:/nowhere/x"},
        "",
    ),
    "deep tests": (
        {
            SITES: DNSWL,
            "postscreen_dnsbl_allowlist_threshold": "-1",
            "postscreen_dnsbl_timeout": "1s",
            "postscreen_pipelining_enable": "yes",
            "postscreen_bare_newline_enable": "Yes",
            "postscreen_non_smtp_command_enable": "yes",
            "smtpd_recipient_restrictions": "permit_mynetworks, check_policy_service "
            "unix:private/policyd-spf, permit",
        },
        "",
    ),
    "times and words": (
        {
            "postscreen_greet_wait": "${stress?2}${stress:3}s",
            "postscreen_greet_ttl": "2d",
            "postscreen_bare_newline_action": "Drop",
            "postscreen_blacklist_action": "drop",
            "postscreen_whitelist_interfaces": "!192.0.2.9 static:all",
            "postscreen_tls_security_level": "may",
            "postscreen_cache_map": "btree:$data_directory/cache",
        },
        "",
    ),
    "another name for smtpd": (
        {"smtpd_service_name": "handed"},
        USUAL.replace("smtpd pass", "handed pass"),
    ),
}


@pytest.mark.parametrize(("parameters", "master"), ALL_WELL.values(), ids=list(ALL_WELL))
def test_where_postscreen_uses_the_table_check_has_nothing_to_say(
    parameters: Mapping[str, str], master: str, court: Judge
) -> None:
    court.configure(parameters, master)
    log = court.hear(IN_USE)
    assert "postscreen" in log
    assert not re.search(f"{ENDED}|{IGNORED}", log)
    assert court.findings() == []


def test_a_network_on_both_tables_is_refused_if_the_reject_table_comes_first(court: Judge) -> None:
    reject = court.postfix.folder / "reject.cidr"
    reject.write_text("# reject.cidr: written by spfwhite 1; do not edit\n192.0.2.0/24\treject\n")
    try:
        value = f"permit_mynetworks, cidr:{reject}, cidr:FOLDER/theirs.cidr, OURS"
        court.configure({LIST: value, "postscreen_denylist_action": "drop"})
        court.hear(rf"DENYLISTED \[{LISTED}\]")
        (finding,) = court.findings()
        assert "names the reject table before the allow table" in finding.text
        court.apply([finding])
        assert court.findings() == []
        court.hear(IN_USE)
        assert court.parameter(LIST) == court.filled(
            f"permit_mynetworks, OURS, cidr:FOLDER/theirs.cidr, cidr:{reject}"
        )
    finally:
        reject.unlink()


def test_greylisting_behind_the_deep_tests_delays_mail_twice(court: Judge) -> None:
    test = "postscreen_pipelining_enable"
    service = court.postfix.folder / "postgrey"
    with socket.socket(socket.AF_UNIX) as policy:
        policy.bind(str(service))
        service.chmod(0o666)
        policy.listen()
        threading.Thread(target=postpone, args=(policy,), daemon=True).start()
        court.configure(
            {
                "smtpd_recipient_restrictions": f"check_policy_service unix:{service}, reject",
                "smtpd_relay_restrictions": "",
                test: "yes",
                "postscreen_cache_map": "btree:$data_directory/cache",
            }
        )
        court.postfix.start()
        try:
            commands = "EHLO a.test", "MAIL FROM:<>", "RCPT TO:<a@mail.test>", "QUIT"
            first, second = (court.postfix.visit(UNLISTED, *commands) for _ in range(2))
        finally:
            court.postfix.stop()
    assert [first.replies[3][:3], second.replies[3][:3]] == ["450", "450"]
    assert "PASS NEW" in first.events and "PASS OLD" in second.events
    (finding,) = (each for each in court.findings() if each.level == "warning")
    assert (finding.subject, "delays mail twice" in finding.text) == (test, True)
    court.apply([finding])
    assert [each for each in court.findings() if each.counts] == []


def postpone(policy: socket.socket) -> None:
    """Answer one connection of Postfix's policy protocol as a greylisting service does."""
    connection, _ = policy.accept()
    with connection, connection.makefile("rwb") as stream:
        for line in stream:
            if line == b"\n":
                stream.write(b"action=450 4.2.0 greylisted\n\n")
                stream.flush()
