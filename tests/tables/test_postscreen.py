"""The whole story in a real postscreen, by its own log: from the DNS to who is let in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import pytest

from spfwhite.tables.content import networks_in
from tests.support.cli import TABLE, WORLD, Finished, overlay, spfwhite
from tests.support.dnsserver import DnsServer, Zone
from tests.support.postfix_instance import Instance, needs_postfix, running

pytestmark = [pytest.mark.slow, needs_postfix]

LISTED = "209.85.128.1", "40.92.0.1", "2a00:1450:4000::1"
UNLISTED = "8.8.8.8", "2606:4700:4700::1111"
REJECTED = "198.18.66.1", "2001:2:0:66::1"
GROUPS: dict[str, list[str]] = json.loads((WORLD / "providers.json").read_bytes())

BEFORE = "v=spf1 ip4:198.18.1.0/25 ip4:198.18.2.0/25 -all"
AFTER = "v=spf1 ip4:198.18.2.0/25 ip4:198.18.3.0/25 -all"
LEAVES, STAYS, COMES = "198.18.1.1", "198.18.2.1", "198.18.3.1"

POSTFIX = """
[postfix]
config_directory = "etc"
[providers.pests]
action = "reject"
domains = ["pests.test"]
[providers.mover]
domains = ["mover.test"]
"""
MAIL = "EHLO client.test", "MAIL FROM:<>", "RCPT TO:<someone@mail.test>", "QUIT"


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail server, and the DNS that its table is made from."""

    postfix: Instance
    server: DnsServer
    config: Path

    def generate(self, *options: str) -> Finished:
        """Make the table of the whole world; 3 at first, since some domains of it are missing."""
        done = spfwhite("-c", self.config, "generate", *options)
        assert done.returncode in (0, 3), done.stderr
        return done

    def settle(self, record: str) -> int:
        """Publish a record, have it loaded, and return the postscreen process that has it."""
        self.server.zone.set("mover.test", "TXT", [record])
        reloads, process = self.postfix.reloads(), self.postfix.postscreen()
        self.generate("--reload")
        if self.postfix.reloads() > reloads:
            self.postfix.await_successor(process)
        return self.postfix.postscreen()

    def listed(self, address: str) -> bool:
        """Whether postscreen lets an address in without tests."""
        return "ALLOWLISTED" in self.postfix.visit(address).events


@pytest.fixture(scope="module")
def mail() -> Iterator[Mail]:
    """Return a mail server with the table of the whole world, loaded."""
    zone = Zone.from_file(WORLD / "world.zone")
    zone.set("mover.test", "TXT", [BEFORE])
    zone.set("pests.test", "TXT", ["v=spf1 ip4:198.18.66.0/24 ip6:2001:2:0:66::/64 -all"])
    with DnsServer(zone) as server, running() as postfix:
        config = overlay(postfix.folder, GROUPS, server=server, more=POSTFIX)
        made = Mail(postfix, server, config)
        made.generate("--report", str(postfix.folder / "report.json"), "--reload")
        yield made


def test_the_table_of_the_world_was_verified_before_postscreen_had_it(mail: Mail) -> None:
    report = json.loads((mail.postfix.folder / "report.json").read_bytes())
    assert (report["outcome"], report["verified"]) == ("written", True)
    table = networks_in((mail.postfix.folder / TABLE).read_bytes())
    assert all(ip_address(address) in table for address in LISTED)
    assert not any(ip_address(address) in table for address in (*UNLISTED, *REJECTED))


@pytest.mark.parametrize("address", LISTED)
def test_a_listed_address_is_passed_without_tests(mail: Mail, address: str) -> None:
    visit = mail.postfix.visit(address, "QUIT")
    assert visit.events == ["CONNECT", "ALLOWLISTED"]
    assert [reply[:4] for reply in visit.replies] == ["220 ", "221 "]


def test_a_listed_address_may_even_speak_before_its_turn(mail: Mail) -> None:
    visit = mail.postfix.visit(LISTED[0], early=b"EHLO client.test\r\n")
    assert visit.events == ["CONNECT", "ALLOWLISTED"]


@pytest.mark.parametrize("address", UNLISTED)
def test_an_unlisted_address_is_tested(mail: Mail, address: str) -> None:
    visit = mail.postfix.visit(address)
    assert visit.events == ["CONNECT", "PASS NEW"]
    assert visit.replies[0].startswith("220-"), "the greeting that tempts to speak too soon"


def test_an_unlisted_address_that_fails_the_test_is_refused(mail: Mail) -> None:
    visit = mail.postfix.visit("8.8.4.4", *MAIL[1:], early=b"EHLO client.test\r\n")
    assert visit.events == ["CONNECT", "PREGREET", "NOQUEUE: reject", "DISCONNECT"]
    assert [reply[:3] for reply in visit.replies[1:]] == ["250", "550", "221"]


@pytest.mark.parametrize("address", REJECTED)
def test_an_address_of_the_reject_table_is_refused_at_each_recipient(
    mail: Mail, address: str
) -> None:
    visit = mail.postfix.visit(address, *MAIL)
    assert visit.events == ["CONNECT", "DENYLISTED", "NOQUEUE: reject", "DISCONNECT"]
    assert [reply[:3] for reply in visit.replies] == ["220", "250", "250", "550", "221"]


def test_it_is_refused_at_once_if_postfix_is_told_to_drop(mail: Mail) -> None:
    with mail.postfix.changed(postscreen_denylist_action="drop"):
        visit = mail.postfix.visit(REJECTED[0])
    assert visit.events[:2] == ["CONNECT", "DENYLISTED"]
    assert visit.replies[0].startswith("521 ")


def test_it_gets_in_all_the_same_if_postfix_is_told_nothing(mail: Mail) -> None:
    with mail.postfix.changed(postscreen_denylist_action="ignore"):
        visit = mail.postfix.visit(REJECTED[0])
    assert visit.events == ["CONNECT", "DENYLISTED", "PASS NEW"]


def test_before_compatibility_level_3_6_the_log_has_the_old_words(mail: Mail) -> None:
    with mail.postfix.changed(compatibility_level="3.5"):
        listed = mail.postfix.visit(LISTED[0])
        rejected = mail.postfix.visit(REJECTED[0], *MAIL)
    assert listed.events == ["CONNECT", "WHITELISTED"]
    assert rejected.events[:2] == ["CONNECT", "BLACKLISTED"]


def test_a_change_of_the_dns_and_a_run_with_reload_change_the_answers(mail: Mail) -> None:
    mail.settle(BEFORE)
    assert [mail.listed(each) for each in (LEAVES, STAYS, COMES)] == [True, True, False]
    mail.settle(AFTER)
    assert [mail.listed(each) for each in (LEAVES, STAYS, COMES)] == [False, True, True]


def test_without_a_reload_a_busy_postscreen_keeps_the_old_answers(mail: Mail) -> None:
    process = mail.settle(BEFORE)
    mail.server.zone.set("mover.test", "TXT", [AFTER])
    mail.generate()
    assert [mail.listed(each) for each in (LEAVES, COMES)] == [True, False]
    assert mail.postfix.postscreen() == process


def test_an_unchanged_run_causes_no_reload(mail: Mail) -> None:
    process = mail.settle(AFTER)
    logged = len(mail.postfix.lines())
    mail.generate("--reload")
    assert mail.postfix.postscreen() == process
    assert not [line for line in mail.postfix.lines()[logged:] if "reload" in line]
    assert not [line for line in mail.postfix.lines()[logged:] if "refreshing" in line]
