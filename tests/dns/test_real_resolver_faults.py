"""Real name servers that refuse, drop or are slow: what has cost a run its answers once."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.cli import TABLE, rules, world_providers
from tests.support.internet import Internet, Run, small
from tests.support.network import environment
from tests.support.postfix_instance import unless, until
from tests.support.resolvers import RESOLVERS, missing, running

pytestmark = [
    pytest.mark.slow,
    unless(missing("unbound", "bind9", "dnsmasq", "dnsdist")),
]

WITH_EDNS = "RecordsTypeCountRule(DNSSection.Additional, 41, 1, 1)"
PLAINLY = "setAddEDNSToSelfGeneratedResponses(false)"


def asked(
    net: Internet, folder: Path, name: str, more: str, *, delay: int = 0, count: int = 0
) -> Run:
    """Run against a server with more in its configuration: the world, or `count` small domains."""
    providers = small(count) if count else world_providers()
    with (
        net.authorities.delayed(delay),
        running(*net, name, more=more),
    ):
        return net.run(folder, providers, RESOLVERS[name].address)


@pytest.fixture(scope="module")
def whole(net: Internet, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a run through a server that nothing ails."""
    return asked(net, tmp_path_factory.mktemp("whole"), "unbound", "")


@pytest.mark.parametrize("milliseconds", [100, 300])
def test_dnsmasq_refuses_what_it_has_no_room_for(
    milliseconds: int, net: Internet, tmp_path: Path
) -> None:
    """By default it has 150 questions under way, and REFUSED is what it says to more."""
    run = asked(net, tmp_path, "dnsmasq", "", delay=milliseconds, count=3000)
    assert run.code == 0, run.said
    assert len(run.rules) == 3000
    assert run.counted.refused


@pytest.mark.parametrize(
    ("name", "more", "milliseconds"),
    [
        ("bind9", "recursive-clients 50;", 20),  # SERVFAIL
        ("dnsmasq", "--dns-forward-max=50", 20),  # REFUSED
        ("dnsmasq", "--dns-forward-max=50", 1000),  # that of what is sent again as well
        ("dnsdist", "addAction(MaxQPSIPRule(50), RCodeAction(DNSRCode.REFUSED))", 20),
        ("dnsdist", "addAction(MaxQPSIPRule(20), DropAction())", 20),
        ("unbound", "ip-ratelimit: 20", 20),  # drops
    ],
)
def test_a_server_with_a_small_limit_is_asked_until_all_is_answered(
    name: str, more: str, milliseconds: int, net: Internet, whole: Run, tmp_path: Path
) -> None:
    run = asked(net, tmp_path, name, more, delay=milliseconds)
    assert run.rules == whole.rules, run.said
    if "Drop" not in more and name != "unbound":
        assert run.counted.refused + run.counted.servfail


def test_names_that_nobody_can_resolve_leave_the_others_their_places(
    net: Internet, tmp_path: Path
) -> None:
    dark = [f"small{number}.example" for number in range(0, 600, 10)]
    more = " ".join(["--dns-forward-max=50", *(f"--server=/{name}/127.0.0.2" for name in dark)])
    servfail = "addAction(AllRule(), RCodeAction(DNSRCode.SERVFAIL))"
    with (
        net.authorities.delayed(300),
        running(*net, "dnsdist", more=servfail, address="127.0.0.2"),
        running(*net, "dnsmasq", more=more),
    ):
        run = net.run(tmp_path, small(600), "127.0.0.1")
    assert len(run.rules) == 540, run.said
    assert run.counted.refused
    assert run.counted.servfail


@pytest.mark.parametrize("milliseconds", [800, 1500])
def test_a_slow_server_is_waited_for(
    milliseconds: int, net: Internet, whole: Run, tmp_path: Path
) -> None:
    more = f"addAction(AllRule(), DelayAction({milliseconds}))"
    run = asked(net, tmp_path, "dnsdist", more)
    assert run.rules == whole.rules, run.said
    # few are asked twice, before anything is known of the server
    assert run.counted.asked < whole.counted.asked * 1.4


@pytest.mark.parametrize(
    "more",
    [
        f"{PLAINLY} addAction({WITH_EDNS}, RCodeAction(DNSRCode.FORMERR))",
        f"{PLAINLY} addAction({WITH_EDNS}, RCodeAction(DNSRCode.NOTIMP))",
        f"addAction({WITH_EDNS}, ERCodeAction(DNSRCode.BADVERS))",
        f"addAction({WITH_EDNS}, DropAction())",
    ],
    ids=["FORMERR", "NOTIMP", "BADVERS", "dropped"],
)
def test_a_server_that_knows_no_edns_is_asked_without(
    more: str, net: Internet, tmp_path: Path
) -> None:
    """RFC 6891 section 7."""
    run = asked(net, tmp_path, "dnsdist", more, count=20)
    assert run.code == 0, run.said
    assert len(run.rules) == 20


def test_one_refused_name_does_not_change_who_is_asked_first(net: Internet, tmp_path: Path) -> None:
    first = 'local-zone: "small3.example." always_refuse'
    with (
        net.authorities.delayed(0),
        running(*net, "unbound", more=first),
        running(*net, "dnsdist", address="127.0.0.2"),
    ):
        run = net.run(tmp_path, small(20), "127.0.0.1", "127.0.0.2", dns="concurrency = 1")
    assert run.code == 0, run.said
    assert len(run.rules) == 20
    assert 1 <= run.counted.second <= 3


@pytest.mark.parametrize(
    "text",
    [
        "nameserver fe80::1%lo\n",
        "",
        "search example.org\noptions edns0\n",
        "nameserver 127.0.0.9.9\nnameserver 127.0.0.1\n",
    ],
    ids=["link-local", "empty", "only a search list", "a typing error first"],
)
def test_resolv_conf_is_read_as_the_c_library_reads_it(
    text: str, net: Internet, tmp_path: Path
) -> None:
    """resolv.conf(5): without a name server, the one of the local machine is asked."""
    more = "  interface: 127.0.0.1\n  interface: fe80::1%lo\n  access-control: fe80::/10 allow"
    with net.authorities.delayed(0), running(*net, "unbound", more=more):
        net.network.use(text)
        run = net.run(tmp_path, small(5))
    assert run.code == 0, run.said
    assert len(run.rules) == 5


def test_with_use_vc_nothing_is_asked_over_udp(net: Internet, tmp_path: Path) -> None:
    with net.authorities.delayed(0), running(*net, "unbound"):
        net.network.use("nameserver 127.0.0.1\noptions use-vc\n")
        run = net.run(tmp_path, small(5))
    assert len(run.rules) == 5, run.said
    assert run.counted.asked == 0


@pytest.mark.parametrize("name", ["unbound", "dnsmasq"])
def test_a_server_that_wakes_late_loses_no_packets(
    name: str, net: Internet, tmp_path: Path
) -> None:
    """A receive buffer of the default size holds some 277 small packets."""
    with net.authorities.delayed(0), running(*net, name) as server:
        at = RESOLVERS[name].address
        before = net.run(tmp_path, world_providers(), at)
        dropped = net.network.counted().dropped
        server.send_signal(signal.SIGSTOP)
        command = sys.executable, "-m", "spfwhite", "-c", tmp_path / "overlay.toml", "generate"
        again = subprocess.Popen(
            net.network.inside(*command, "--nameserver", at),
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(lambda: net.network.queued() > 0, "questions are asked", every=0.001)
        time.sleep(0.05)
        server.send_signal(signal.SIGCONT)
        again.wait()
        dropped = net.network.counted().dropped - dropped
    assert rules((tmp_path / TABLE).read_text()) == before.rules
    assert dropped == 0
