"""What main.cf and master.cf make of the tables, from what postconf would say."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from spfwhite.inspect.finding import Finding
from spfwhite.inspect.parameters import Postscreen, value_findings
from spfwhite.inspect.services import postscreens, service_findings
from spfwhite.inspect.wiring import Tables, wiring_findings
from spfwhite.tables.postfix import Postfix

RELOAD = " && postfix reload"  # behind each command, so that it takes effect
SMTPD = ["smtp", "inet", "n", "-", "y", "-", "-", "smtpd"]
POSTSCREEN = ["smtp", "inet", "n", "-", "y", "-", "1", "postscreen"]
PASS = ["smtpd", "pass", "-", "-", "y", "-", "-", "smtpd"]
DNSWL = "list.dnswl.org=127.0.[0..255].[1..3]*-2"


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    """Return an allow and a reject table that exist."""
    folder = tmp_path.resolve()
    for name in ("allow.cidr", "reject.cidr"):
        (folder / name).touch()
    return Tables(folder / "allow.cidr", folder / "reject.cidr")


def found(value: str, tables: Tables, more: Mapping[str, str] | None = None) -> list[Finding]:
    """Return what is found where postscreen_access_list has a value."""
    value = value.replace("ALLOW", f"cidr:{tables.allow}").replace(
        "REJECT", f"cidr:{tables.reject}"
    )
    values = {"postscreen_access_list": value, "postscreen_denylist_action": "enforce"}
    postscreen = Postscreen("smtp/inet", {**values, **(more or {})})
    return [*value_findings(postscreen), *wiring_findings(postscreen, tables)]


def troubles(findings: list[Finding]) -> list[tuple[str, str, str]]:
    return [(each.level, each.subject, each.text) for each in findings if each.level != "ok"]


def one(findings: list[Finding]) -> tuple[str, str, str]:
    (trouble,) = troubles(findings)
    return trouble


def test_own_clients_then_the_allow_table_then_the_reject_table_is_right(tables: Tables) -> None:
    findings = found("permit_mynetworks, ALLOW REJECT", tables)
    assert [each.text for each in findings] == [
        f"names {tables.allow}",
        f"names {tables.reject}",
        "is enforce",
    ]
    assert {each.level for each in findings} == {"ok"}


def test_without_a_reject_table_none_is_missed(tables: Tables) -> None:
    assert not troubles(found("permit_mynetworks ALLOW", Tables(tables.allow)))


@pytest.mark.parametrize("value", ["", "permit_mynetworks", "permit_mynetworks, cidr:/dev/null"])
def test_a_list_without_the_allow_table_is_an_error(value: str, tables: Tables) -> None:
    level, subject, text = one(found(value, Tables(tables.allow)))
    assert (level, subject) == ("error", "postscreen_access_list")
    assert text == f"does not name {tables.allow}"


def test_a_list_without_the_reject_table_is_an_error(tables: Tables) -> None:
    assert one(found("permit_mynetworks ALLOW", tables))[2] == f"does not name {tables.reject}"


def test_the_table_as_another_type_is_an_error_that_says_what_to_write(tables: Tables) -> None:
    findings = found(f"permit_mynetworks texthash:{tables.allow}", Tables(tables.allow))
    assert one(findings)[2] == f"names texthash:{tables.allow}"
    assert f"write cidr:{tables.allow}" in [each.advice for each in findings]


def test_a_symlink_to_the_table_names_it(tables: Tables, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tables.allow)
    value = f"permit_mynetworks cidr:{tmp_path}/link"
    assert not troubles(found(value, Tables(tables.allow)))


@pytest.mark.parametrize(
    ("value", "said"),
    [("ALLOW", "is missing"), ("ALLOW permit_mynetworks", "does not come before")],
)
def test_own_clients_come_first(value: str, said: str, tables: Tables) -> None:
    level, _, text = one(found(value, Tables(tables.allow)))
    assert level == "warning"
    assert text.startswith(f"permit_mynetworks {said}")


def test_the_reject_table_before_the_allow_table_is_a_warning(tables: Tables) -> None:
    level, _, text = one(found("permit_mynetworks REJECT ALLOW", tables))
    assert level == "warning"
    assert "the reject table before the allow table" in text


@pytest.mark.parametrize("gone", ["cidr:/nowhere/x", "proxy:hash:/nowhere/x"])
def test_a_missing_table_before_ours_is_an_error(gone: str, tables: Tables) -> None:
    level, _, text = one(found(f"permit_mynetworks {gone} ALLOW REJECT", tables))
    assert level == "error"
    assert text.startswith(f"{gone} is missing")


def test_a_missing_table_after_ours_is_a_warning(tables: Tables) -> None:
    assert one(found("permit_mynetworks ALLOW REJECT pcre:/nowhere/x", tables))[0] == "warning"


def test_a_table_that_is_compiled_is_there_as_its_compiled_file(
    tables: Tables, tmp_path: Path
) -> None:
    value = f"permit_mynetworks hash:{tmp_path}/x ALLOW REJECT"
    (tmp_path / "x").touch()
    assert one(found(value, tables))[0] == "error"
    (tmp_path / "x.db").touch()
    assert not troubles(found(value, tables))


@pytest.mark.parametrize(
    "before", ["cidr:{{192.0.2.0/24 permit}, {0.0.0.0/0 dunno}}", "mysql:x", "static:dunno"]
)
def test_a_table_that_is_no_local_file_is_not_missed(before: str, tables: Tables) -> None:
    assert not troubles(found(f"permit_mynetworks {before} ALLOW REJECT", tables))


def test_a_word_that_ends_the_list_before_ours_is_an_error(tables: Tables) -> None:
    level, _, text = one(found("permit_mynetworks reject ALLOW REJECT", tables))
    assert (level, text) == ("error", "ends at reject, before a table of spfwhite")
    assert not troubles(found("permit_mynetworks ALLOW REJECT dunno", tables))


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("postscreen_denylist_action", "enforce # ignore by default", "ignore, enforce or drop"),
        ("postscreen_denylist_action", "reject", "ignore, enforce or drop"),
        ("postscreen_denylist_action", "", "ignore, enforce or drop"),
        ("postscreen_dnsbl_allowlist_threshold", "-5  # as the site", "a number"),
    ],
)
@pytest.mark.parametrize("value_of_list", ["permit_mynetworks ALLOW REJECT", "permit_mynetworks"])
def test_a_value_at_which_postscreen_ends_is_an_error(
    name: str, value: str, wanted: str, value_of_list: str, tables: Tables
) -> None:
    (finding,) = (
        each for each in found(value_of_list, tables, {name: value}) if each.subject == name
    )
    assert finding.level == "error"
    assert finding.text.startswith(f"is {value or 'empty'}, at which postscreen ends")
    assert wanted in finding.advice


@pytest.mark.parametrize("action", ["drop", "Enforce"])
def test_the_actions_of_postscreen_are_right_in_any_case(action: str, tables: Tables) -> None:
    more = {"postscreen_denylist_action": action}
    assert not troubles(found("permit_mynetworks ALLOW REJECT", tables, more))


@pytest.mark.parametrize("name", ["postscreen_denylist_action", "postscreen_blacklist_action"])
def test_a_reject_table_that_is_ignored_is_a_warning(name: str, tables: Tables) -> None:
    value = f"permit_mynetworks cidr:{tables.allow} cidr:{tables.reject}"
    postscreen = Postscreen("smtp/inet", {"postscreen_access_list": value, name: "ignore"})
    (finding,) = (each for each in wiring_findings(postscreen, tables) if each.level != "ok")
    assert (finding.level, finding.subject) == ("warning", name)
    assert finding.command == f"postconf -e '{name} = enforce'{RELOAD}"


def test_without_a_reject_table_in_use_its_action_does_not_matter(tables: Tables) -> None:
    more = {"postscreen_denylist_action": "ignore"}
    assert not troubles(found("permit_mynetworks ALLOW", Tables(tables.allow), more))


def test_the_name_that_the_installed_postfix_prefers_is_the_one_said(tables: Tables) -> None:
    more = {"postscreen_denylist_action": "ignore", "postscreen_blacklist_action": ""}
    trouble = one(found("permit_mynetworks ALLOW REJECT", tables, more))
    assert trouble[1] == "postscreen_denylist_action"


@pytest.mark.parametrize("test", ["pipelining", "non_smtp_command", "bare_newline"])
def test_deep_tests_without_the_allow_table_are_a_warning(test: str, tables: Tables) -> None:
    name = f"postscreen_{test}_enable"
    findings = troubles(found("permit_mynetworks", Tables(tables.allow), {name: "yes"}))
    assert ("warning", name) in [trouble[:2] for trouble in findings]
    assert len(troubles(found("permit_mynetworks", Tables(tables.allow), {name: "no"}))) == 1


def test_deep_tests_with_the_allow_table_alone_are_worth_a_note(tables: Tables) -> None:
    more = {"postscreen_pipelining_enable": "yes", "postscreen_dnsbl_allowlist_threshold": "0"}
    trouble = one(found("permit_mynetworks ALLOW REJECT", tables, more))
    assert trouble[:2] == ("note", "postscreen_dnsbl_allowlist_threshold")


@pytest.mark.parametrize(
    ("sites", "threshold", "level"),
    [
        (f"bl.example*2, {DNSWL}", "0", "note"),
        (f"bl.example*2, {DNSWL}", "-1", "ok"),
        ("bl.example*2", "-1", "note"),
        ("bl.example*2", "0", ""),
    ],
)
@pytest.mark.parametrize("word", ["allowlist", "whitelist"])
def test_the_threshold_and_the_allow_lists_in_dns_go_together(
    sites: str, threshold: str, level: str, word: str, tables: Tables
) -> None:
    name = f"postscreen_dnsbl_{word}_threshold"
    more = {"postscreen_dnsbl_sites": sites, name: threshold}
    findings = found("permit_mynetworks ALLOW REJECT", tables, more)
    assert [each.level for each in findings if each.subject == name] == [level] * bool(level)


@pytest.mark.parametrize("value", ["0", "5"])
def test_a_threshold_that_is_not_negative_is_said_as_it_is(value: str, tables: Tables) -> None:
    more = {"postscreen_dnsbl_sites": DNSWL, "postscreen_dnsbl_allowlist_threshold": value}
    (finding,) = (
        each for each in found("permit_mynetworks ALLOW REJECT", tables, more) if each.level != "ok"
    )
    assert finding.text.startswith(f"is {value}, so the negative weights of")
    assert finding.command == f"postconf -e 'postscreen_dnsbl_allowlist_threshold = -1'{RELOAD}"


@pytest.mark.parametrize(
    ("sites", "left"),
    [
        ("dnsbl.njabl.org*2, zen.test*3", "zen.test*3"),
        ("zen.test, dnsbl.AHBL.org=127.0.0.[2..9]", "zen.test"),
        ("dul.dnsbl.sorbs.net", ""),
        ("ix.dnsbl.manitu.net relays.ordb.org a.test", "a.test"),
    ],
)
def test_a_closed_list_is_a_warning_and_the_command_leaves_the_others(
    sites: str, left: str, tables: Tables
) -> None:
    more = {"postscreen_dnsbl_sites": sites}
    (finding,) = (
        each for each in found("permit_mynetworks ALLOW REJECT", tables, more) if each.level != "ok"
    )
    assert (finding.level, finding.subject) == ("warning", "postscreen_dnsbl_sites")
    assert (
        finding.command == f"postconf -e 'postscreen_dnsbl_sites = {left}".rstrip() + f"'{RELOAD}"
    )


def test_a_site_whose_name_only_resembles_a_closed_one_is_right(tables: Tables) -> None:
    more = {"postscreen_dnsbl_sites": "notahbl.org, ahbl.org.example"}
    assert not troubles(found("permit_mynetworks ALLOW REJECT", tables, more))


@pytest.mark.parametrize(
    ("name", "value", "level"),
    [
        ("smtpd_recipient_restrictions", "check_policy_service inet:127.0.0.1:10023", "warning"),
        ("smtpd_recipient_restrictions", "check_policy_service unix:private/sqlgrey", "warning"),
        ("smtpd_milters", "unix:/run/milter-greylist/milter-greylist.sock", "warning"),
        ("smtpd_recipient_restrictions", "check_policy_service unix:private/policyd-spf", ""),
        ("smtpd_milters", "inet:127.0.0.1:11332", ""),
        ("smtpd_recipient_restrictions", "check_policy_service inet:127.0.0.1:100230", ""),
    ],
)
def test_deep_tests_before_greylisting_are_a_warning(
    name: str, value: str, level: str, tables: Tables
) -> None:
    test = "postscreen_pipelining_enable"
    more = {name: value, test: "yes", "postscreen_dnsbl_sites": DNSWL}
    more |= {"postscreen_dnsbl_allowlist_threshold": "-1"}
    findings = found("permit_mynetworks ALLOW REJECT", tables, more)
    assert [each.level for each in findings if each.subject == test] == [level] * bool(level)
    assert not troubles(found("permit_mynetworks ALLOW REJECT", tables, {name: value, test: "no"}))


@pytest.mark.parametrize(
    ("value", "mended"),
    [
        ("", "ALLOW, REJECT"),
        ("permit_mynetworks, hash:/nowhere/x, ALLOW", "ALLOW, REJECT"),
        (
            "static:dunnot, REJECT, inline:{a=b}, ALLOW",
            "static:dunnot, ALLOW, inline:{a=b}, REJECT",
        ),
        ("permit_mynetworks ALLOW static:all reject", "ALLOW, REJECT, static:all"),
        ("texthash:PATH, permit_mynetworks", "ALLOW, REJECT"),
        ("ALLOW ALLOW cidr:{{192.0.2.1 permit}}", "ALLOW, REJECT, cidr:{{192.0.2.1 permit}}"),
    ],
)
def test_the_command_keeps_what_the_list_has(value: str, mended: str, tables: Tables) -> None:
    findings = found(value.replace("PATH", str(tables.allow)), tables)
    words = f"permit_mynetworks, {mended}".replace("ALLOW", f"cidr:{tables.allow}")
    words = words.replace("REJECT", f"cidr:{tables.reject}")
    commands = {each.command for each in findings if each.level != "ok"}
    assert commands == {f"postconf -e 'postscreen_access_list = {words}'{RELOAD}"}


def test_an_option_of_master_cf_is_changed_there(tables: Tables) -> None:
    values = {"postscreen_access_list": "permit_mynetworks, static:all"}
    postscreen = Postscreen("smtp/inet", values, values, {"postscreen_access_list"})
    (finding,) = wiring_findings(postscreen, Tables(tables.allow))
    assert finding.subject == "smtp/inet/postscreen_access_list"
    value = f"permit_mynetworks,static:all,cidr:{tables.allow}"
    assert finding.command == f"postconf -P smtp/inet/postscreen_access_list={value}{RELOAD}"


def test_what_is_written_with_a_parameter_stays_so(tables: Tables) -> None:
    values = {"postscreen_access_list": f"permit_mynetworks, static:all, cidr:{tables.reject}"}
    texts = {"postscreen_access_list": "permit_mynetworks, $mine, cidr:${here}/reject.cidr"}
    (finding, *_) = wiring_findings(Postscreen("smtp/inet", values, texts), tables)
    assert "$mine" in finding.command
    assert "cidr:${here}/reject.cidr'" in finding.command


def test_what_a_shell_would_not_get_as_it_is_shown_is_no_command() -> None:
    assert Postfix().command("-e", "x = \x1b[31m") == ""
    typed = "postconf -c '/a b' -e 'x = $y' && postfix -c '/a b' reload"
    assert Postfix(Path("/a b")).command("-e", "x = $y") == typed


def services_found(*lines: list[str]) -> list[Finding]:
    running = [Postscreen(name, {}) for name in postscreens(lines) or [""]]
    return list(service_findings(lines, running))


def test_a_master_cf_without_postscreen_is_a_warning_with_the_lines_that_it_needs() -> None:
    smtpd = [*SMTPD[:7], "smtpd -o a=b"]
    (finding,) = services_found(smtpd, ["smtp", "unix", "-", "-", "y", "-", "-", "smtp"])
    assert (finding.level, finding.subject) == ("warning", "master.cf")
    assert finding.command == (
        "postconf -M 'smtp/inet=smtp inet n - y - 1 postscreen' "
        "'smtpd/pass=smtpd pass - - y - - smtpd -o a=b' "
        "'dnsblog/unix=dnsblog unix - - y - 0 dnsblog' "
        f"'tlsproxy/unix=tlsproxy unix - - y - 0 tlsproxy'{RELOAD}"
    )


def test_a_master_cf_without_an_smtpd_for_port_25_gets_no_command() -> None:
    assert services_found(["submission", *SMTPD[1:]])[0].command == ""


def test_a_postscreen_with_nobody_to_hand_clients_to_is_an_error() -> None:
    (finding,) = services_found(POSTSCREEN)
    assert finding.level == "error"
    assert "smtpd pass" in finding.text
    assert finding.command == f"postconf -M 'smtpd/pass=smtpd pass - - y - - smtpd'{RELOAD}"


def test_a_postscreen_and_its_smtpd_are_right_whatever_the_options() -> None:
    options = [*POSTSCREEN[:7], "postscreen -o postscreen_greet_action=enforce"]
    for line in (POSTSCREEN, options):
        (finding,) = services_found(line, PASS)
        assert finding.level == "ok"


def test_of_two_lines_for_one_service_the_last_counts() -> None:
    (finding,) = services_found(POSTSCREEN, SMTPD, PASS)
    assert finding.level == "error"
    assert finding.command == f"postconf -M 'smtp/inet=smtp inet n - y - 1 postscreen'{RELOAD}"
    assert [each.level for each in services_found(SMTPD, POSTSCREEN, PASS)] == ["warning"]


@pytest.mark.parametrize(("limit", "default", "level"), [("-", "1", "ok"), ("-", "9", "error")])
def test_postscreen_wants_one_process(limit: str, default: str, level: str) -> None:
    lines = [[*POSTSCREEN[:6], limit, "postscreen"], PASS]
    values = {"default_process_limit": default}
    assert next(service_findings(lines, [Postscreen("smtp/inet", values)])).level == level
