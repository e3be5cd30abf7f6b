"""One list for a fleet: one rbldnsd serves it, and the postscreen of each exchanger asks for it.

No exchanger has a table of its own. Postfix asks whom libc's resolv.conf names, on port 53; its
`dnsblog`, which asks for postscreen, is chrooted here, so that the file is one of its own and no
namespace is needed. rbldnsd gets that port on an address of loopback that belongs to this process.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.postfix_instance import Instance, Visit, needs_postfix, prepared, unless, until
from tests.support.rbldnsd import (
    DATASET,
    ZONE,
    Networks,
    Rbldnsd,
    needs_rbldnsd,
    serving,
    write_dataset,
)

HOST = "127.{}.{}.{}".format(*(os.getpid() + (1 << 22)).to_bytes(3, "big"))


def no_port() -> str:
    """Return why rbldnsd cannot have port 53 here; "" if it can."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((HOST, 53))
    except OSError as error:
        return f"no port for a name server: {error}"
    return ""


pytestmark = [pytest.mark.slow, needs_postfix, needs_rbldnsd, unless(no_port())]

SERVICES = """\
dnsblog unix - - y - 0 dnsblog
rewrite unix - - n - - trivial-rewrite
cleanup unix n - n - 0 cleanup
"""
ALLOW = {
    "postscreen_access_list": "permit_mynetworks",
    "postscreen_dnsbl_sites": f"{ZONE}=127.0.0.2*-5",
    "postscreen_dnsbl_allowlist_threshold": "-5",
}
AFTER_220 = {
    "postscreen_pipelining_enable": "yes",
    "postscreen_non_smtp_command_enable": "yes",
    "postscreen_bare_newline_enable": "yes",
}
OTHERS = {"mydestination": "mail.test", "in_flow_delay": "0", "postscreen_greet_wait": "2s"}
"""In two seconds a busy machine starts a `dnsblog`, which a reload has ended, and it has asked."""
DENY = "deny.example.net"
FORGETFUL = {"postscreen_dnsbl_min_ttl": "1s", "postscreen_dnsbl_max_ttl": "1s"}
SECOND = 1.1
"""Seconds after which a file is another to rbldnsd, whatever its size."""

NETWORKS = {"google": ["198.18.1.0/24", "2001:db8:1::/48"]}
DENIED = {"pests": ["198.18.1.128/25", "198.18.66.0/24"]}
MAIL = "EHLO client.test", "MAIL FROM:<>", "RCPT TO:<someone@mail.test>", "QUIT"
PASSED = ["220", "250", "250", "250", "221"]
TESTED = ["220", "250", "250", "450", "221"]


@dataclass(frozen=True, slots=True)
class Fleet:
    """The machine that resolves and serves the list, and the mail exchangers."""

    dataset: Path
    names: Rbldnsd
    exchangers: tuple[Instance, ...]

    def publish(self, networks: Networks, *, comes: str = "", leaves: str = "") -> None:
        """Replace the list, and wait until the name server has noticed by itself."""
        until(lambda: time.time() - self.dataset.stat().st_mtime > SECOND, "another second")
        write_dataset(self.dataset, {**NETWORKS, **networks})
        if comes:
            until(lambda: self.names.lists(comes), f"{comes} is listed")
        if leaves:
            until(lambda: not self.names.lists(leaves), f"{leaves} is not listed")


@contextmanager
def exchanger() -> Iterator[Instance]:
    """Yield a Postfix that runs and has no table."""
    with prepared() as made:
        made.parameters.update(OTHERS | ALLOW | AFTER_220)
        made.configure()
        with (made.config_directory / "master.cf").open("a") as master:
            master.write(SERVICES)
        chroot = made.folder / "queue" / "etc"
        chroot.mkdir()
        (chroot / "resolv.conf").write_text(f"nameserver {HOST}\noptions timeout:1 attempts:1\n")
        made.start()
        yield made


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    folder = tmp_path_factory.mktemp("zones")
    write_dataset(folder / DATASET, NETWORKS)
    write_dataset(folder / DENY, DENIED)
    with ExitStack() as stack:
        names = stack.enter_context(serving(folder, datasets={DENY: DENY}, host=HOST, port=53))
        exchangers = stack.enter_context(exchanger()), stack.enter_context(exchanger())
        yield Fleet(folder / DATASET, names, exchangers)


@pytest.fixture
def postfix(fleet: Fleet) -> Instance:
    return fleet.exchangers[0]


def codes(visit: Visit) -> list[str]:
    return [reply.splitlines()[-1][:3] for reply in visit.replies]


def found(postfix: Instance, address: str) -> bool:
    """Whether the log says that the list has an address."""
    end = f"addr {address} listed by domain {ZONE} as 127.0.0.2"
    return any(line.endswith(end) for line in postfix.lines())


@pytest.mark.parametrize("address", ["198.18.1.1", "2001:db8:1::1"])
def test_a_listed_client_hands_its_mail_in_at_once_at_every_exchanger(
    fleet: Fleet, address: str
) -> None:
    for postfix in fleet.exchangers:
        visit = postfix.visit(address, *MAIL)
        assert (visit.events, codes(visit)) == (["CONNECT", "PASS NEW"], PASSED)
        assert found(postfix, address)


def test_it_is_not_asked_about_again_at_once(postfix: Instance) -> None:
    postfix.visit("198.18.1.2", *MAIL)
    asked = sum("addr 198.18.1.2 " in line for line in postfix.lines())
    assert postfix.visit("198.18.1.2", *MAIL).events == ["CONNECT", "PASS OLD"]
    assert sum("addr 198.18.1.2 " in line for line in postfix.lines()) == asked == 1


@pytest.mark.parametrize("address", ["198.18.9.1", "2001:db8:9::1"])
def test_an_unlisted_client_is_tested_and_comes_again(fleet: Fleet, address: str) -> None:
    for postfix in fleet.exchangers:
        visit = postfix.visit(address, *MAIL)
        assert visit.events[:3] == ["CONNECT", "NOQUEUE: reject", "PASS NEW"]
        assert codes(visit) == TESTED
        visit = postfix.visit(address, *MAIL)
        assert (visit.events, codes(visit)) == (["CONNECT", "PASS OLD"], PASSED)
        assert not found(postfix, address)


def test_a_listed_client_does_not_wait_for_the_greeting(postfix: Instance) -> None:
    with postfix.changed(postscreen_greet_wait="1h"):
        assert postfix.visit("198.18.1.3", "QUIT").events == ["CONNECT", "PASS NEW"]


@pytest.mark.parametrize(
    ("number", "command", "event"),
    [
        (11, "EHLO client.test\r\nNOOP", "COMMAND"),  # COMMAND PIPELINING
        (12, "EHLO client.test\nNOOP", "BARE"),  # BARE NEWLINE
        (13, "GET / HTTP/1.1", "NON"),  # NON-SMTP COMMAND
    ],
)
def test_a_listed_client_skips_the_tests_after_the_greeting(
    postfix: Instance, number: int, command: str, event: str
) -> None:
    assert event in postfix.visit(f"198.18.9.{number}", command).events
    assert postfix.visit(f"198.18.1.{number}", command).events == ["CONNECT", "PASS NEW"]


def test_a_listed_client_that_speaks_before_dns_does_fails_the_greeting(
    fleet: Fleet, postfix: Instance
) -> None:
    with fleet.names.silent():
        visit = postfix.visit("198.18.1.4", *MAIL[1:], early=b"EHLO client.test\r\n")
    assert visit.events[:2] == ["CONNECT", "PREGREET"]
    assert codes(visit)[2] == "550"


def test_without_the_threshold_the_list_helps_nobody(postfix: Instance) -> None:
    with postfix.changed(postscreen_dnsbl_allowlist_threshold="0"):
        visit = postfix.visit("198.18.1.5", *MAIL)
    assert found(postfix, "198.18.1.5")
    assert codes(visit) == TESTED


@pytest.mark.parametrize(
    ("number", "threshold", "replies"), [(129, "-5", TESTED), (130, "-2", PASSED)]
)
def test_a_block_list_that_names_a_listed_client_is_added_up(
    postfix: Instance, number: int, threshold: str, replies: list[str]
) -> None:
    with postfix.changed(
        postscreen_dnsbl_sites=f"{ZONE}=127.0.0.2*-5 {DENY}=127.0.0.2*3",
        postscreen_dnsbl_threshold="3",
        postscreen_dnsbl_action="enforce",
        postscreen_dnsbl_allowlist_threshold=threshold,
    ):
        denied = postfix.visit(f"198.18.66.{number}", *MAIL)
        both = postfix.visit(f"198.18.1.{number}", *MAIL)
    assert denied.events[:3] == ["CONNECT", "DNSBL", "NOQUEUE: reject"]
    assert codes(both) == replies


def test_without_an_answer_of_dns_a_listed_client_is_tested_like_others(
    fleet: Fleet, postfix: Instance
) -> None:
    with fleet.names.silent():
        visit = postfix.visit("198.18.1.6", *MAIL)
    assert visit.events[:3] == ["CONNECT", "NOQUEUE: reject", "PASS NEW"]
    assert codes(visit) == TESTED


@pytest.mark.parametrize(
    ("leaves", "comes"), [("198.18.2.", "198.18.3."), ("2001:db8:2::", "2001:db8:3::")]
)
def test_a_new_list_reaches_every_exchanger_without_a_reload(
    fleet: Fleet, leaves: str, comes: str
) -> None:
    before = {"mover": ["198.18.2.0/24", "2001:db8:2::/48"]}
    after = {"mover-too": ["198.18.3.0/24", "2001:db8:3::/48"]}
    fleet.publish(before, comes=f"{leaves}1", leaves=f"{comes}1")
    reloads = [postfix.reloads() for postfix in fleet.exchangers]
    visits = [
        (postfix.visit(f"{leaves}1", *MAIL), postfix.visit(f"{comes}1", *MAIL))
        for postfix in fleet.exchangers
    ]
    assert [(codes(left), codes(come)) for left, come in visits] == [(PASSED, TESTED)] * 2
    processes = [left.postscreen for left, _ in visits]
    fleet.publish(after, comes=f"{comes}2", leaves=f"{leaves}2")
    visits = [
        (postfix.visit(f"{leaves}2", *MAIL), postfix.visit(f"{comes}2", *MAIL))
        for postfix in fleet.exchangers
    ]
    assert [(codes(left), codes(come)) for left, come in visits] == [(TESTED, PASSED)] * 2
    assert [come.postscreen for _, come in visits] == processes
    assert [postfix.reloads() for postfix in fleet.exchangers] == reloads


def test_postscreen_remembers_a_listed_client_as_long_as_dns_says(
    fleet: Fleet, postfix: Instance
) -> None:
    fleet.publish({"mover": ["198.18.4.0/24"]}, comes="198.18.4.1")
    assert codes(postfix.visit("198.18.4.1", *MAIL)) == PASSED
    fleet.publish({}, leaves="198.18.4.1")
    assert postfix.visit("198.18.4.1", *MAIL).events == ["CONNECT", "PASS OLD"]


def test_and_forgets_it_after_its_own_maximum_at_the_latest(
    fleet: Fleet, postfix: Instance
) -> None:
    fleet.publish({"mover": ["198.18.5.0/24"]}, comes="198.18.5.1")
    with postfix.changed(**FORGETFUL):
        until(lambda: codes(postfix.visit("198.18.5.1", *MAIL)) == PASSED, "it is passed")
        fleet.publish({}, leaves="198.18.5.1")
        until(lambda: codes(postfix.visit("198.18.5.1", *MAIL)) == TESTED, "it is tested")


def test_postscreen_remembers_an_unlisted_client_for_its_own_minimum(
    fleet: Fleet, postfix: Instance
) -> None:
    with postfix.changed(postscreen_dnsbl_min_ttl="1h"):
        assert postfix.visit("198.18.6.1", "QUIT").events == ["CONNECT", "DISCONNECT"]
        fleet.publish({"mover": ["198.18.6.0/24"]}, comes="198.18.6.1")
        assert codes(postfix.visit("198.18.6.1", *MAIL)) == TESTED


def test_and_asks_again_after_it(fleet: Fleet, postfix: Instance) -> None:
    with postfix.changed(**FORGETFUL):
        assert postfix.visit("198.18.7.1", "QUIT").events == ["CONNECT", "DISCONNECT"]
        fleet.publish({"mover": ["198.18.7.0/24"]}, comes="198.18.7.1")
        until(
            lambda: postfix.visit("198.18.7.1", "QUIT").events == ["CONNECT", "PASS NEW"],
            "it is passed",
        )
