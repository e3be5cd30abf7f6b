"""What main.cf and master.cf make of the tables, from what postconf would say."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from spfwhite.inspect.finding import Finding
from spfwhite.inspect.wiring import Tables, master_findings, service, wiring_findings
from spfwhite.tables.access_list import entry, words

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
    defaults = {"postscreen_denylist_action": "enforce"}
    entries = [entry(word) for word in words(value)]
    return list(wiring_findings({**defaults, **(more or {})}, entries, tables))


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
    assert (level, text) == ("error", "ends at reject, before a table of ours")
    assert not troubles(found("permit_mynetworks ALLOW REJECT dunno", tables))


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("postscreen_denylist_action", "enforce # ignore by default", "ignore, enforce or drop"),
        ("postscreen_denylist_action", "reject", "ignore, enforce or drop"),
        ("postscreen_denylist_action", "", "ignore, enforce or drop"),
        ("postscreen_dnsbl_allowlist_threshold", "-5  # as the site", "a number such as -1"),
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
    value = "permit_mynetworks ALLOW REJECT"
    entries = [entry(f"cidr:{path}") for path in (tables.allow, tables.reject)]
    findings = list(
        wiring_findings({name: "ignore"}, [entry("permit_mynetworks"), *entries], tables)
    )
    assert one(findings)[:2] == ("warning", name)
    assert not troubles(found(value, tables))


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


def test_a_master_cf_without_postscreen_is_a_warning() -> None:
    (finding,) = master_findings([SMTPD, ["smtp", "unix", "-", "-", "y", "-", "-", "smtp"]])
    assert (finding.level, finding.subject) == ("warning", "master.cf")


def test_a_postscreen_with_nobody_to_hand_clients_to_is_an_error() -> None:
    (finding,) = master_findings([POSTSCREEN])
    assert finding.level == "error"
    assert "smtpd pass" in finding.text


def test_a_postscreen_and_its_smtpd_are_right_whatever_the_options() -> None:
    options = [*POSTSCREEN[:7], "postscreen -o postscreen_greet_action=enforce"]
    for line in (POSTSCREEN, options):
        (finding,) = master_findings([line, PASS])
        assert finding.level == "ok"
        assert service([SMTPD, line]) == "smtp/inet"
