"""The units of contrib/systemd, installed as contrib/README.md says, under a systemd that booted.

What counts is how often Postfix reloads: once for each change of a table, and never without one.
The root needs postfix, and python3 with dnspython, netaddr, httpx and click of the distribution.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.booted import Machine, booted

pytestmark = booted

ROOT = Path(__file__).parents[2]
README = (ROOT / "contrib" / "README.md").read_text()

CHECKOUT = "/srv/spfwhite"
PORT = 5300
LIBRARY = "/var/lib/spfwhite"
OWN = "/etc/spfwhite/providers.d/50-own.toml"
ZONE = """\
big.test. TXT "v=spf1 ip4:198.18.0.0/15 ip6:2001:db8:1::/48 mx -all"
big.test. MX 10 mx.big.test.
mx.big.test. A 203.0.113.1
"""
OVERLAY = f"""\
defaults = false
[dns]
nameservers = ["127.0.0.1:{PORT}"]
attempts = 1
[safety]
special_use = "keep"
[providers.big]
domains = ["big.test"]
"""
DNS_SERVICE = f"""\
[Service]
Type=exec
WorkingDirectory={CHECKOUT}
ExecStart=/usr/bin/python3 -m tests.support.dnsserver --port {PORT} /root/zone
[Install]
WantedBy=multi-user.target
"""
PROGRAM = f"""\
#!/bin/sh
PYTHONPATH={CHECKOUT} exec /usr/bin/python3 -m spfwhite "$@"
"""


def lines_of(section: str) -> str:
    """Return the first block of commands in a section of the README, as they are."""
    (block,) = re.findall(rf"(?ms)^## {section}\n.*?^```\n(.*?)^```", README)
    return str(block)


def put(machine: Machine, path: str, content: str, mode: int = 0o644) -> None:
    file = machine.root / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
    file.chmod(mode)


def prepare(machine: Machine) -> None:
    """Put the program, a configuration and a DNS server into a root that is not booted."""
    for folder in ("spfwhite", "contrib", "tests"):
        shutil.copytree(ROOT / folder, machine.root / CHECKOUT.lstrip("/") / folder)
    shutil.copy(ROOT / "providers.toml", machine.root / CHECKOUT.lstrip("/"))
    put(machine, "/opt/spfwhite/bin/spfwhite", PROGRAM, 0o755)
    put(machine, "/root/zone", ZONE)
    put(machine, "/etc/systemd/system/dns.service", DNS_SERVICE)
    put(machine, "/etc/spfwhite/providers.toml", OVERLAY)


def publish(machine: Machine, width: int, more: str = "") -> None:
    """Change the networks of a provider of the configuration."""
    put(machine, OWN, f'[providers.own]\nnetworks = ["100.64.0.0/{width}"]\n{more}')


def reloads(machine: Machine) -> int:
    """Return how often Postfix was told to reload, over all boots."""
    machine.run("journalctl --sync")
    log = machine.run("journalctl -q -o cat -t postfix/postfix-script").stdout
    return log.count("refreshing the Postfix mail system")


def start(machine: Machine, expected: str = "success") -> None:
    """Run the service, which has to end so, in the word of systemd."""
    machine.run("systemctl reset-failed spfwhite.service")  # or the fifth start in 10 s is refused
    machine.run("systemctl start spfwhite.service", check=False)
    result = machine.run("systemctl show -P Result spfwhite.service").stdout.strip()
    assert result == expected, machine.run("journalctl -q -n 30 --no-pager").stdout


def knock(machine: Machine) -> None:
    """Come to postscreen as a client, so that it runs."""
    machine.run(
        "python3 -c 'import socket; print(socket.create_connection((\"127.0.0.1\", 25)).recv(3))'"
    )


def check(machine: Machine) -> list[str]:
    """Return the complaints of `spfwhite check` about a table that Postfix has not loaded."""
    lines = machine.run("spfwhite -q check", check=False).stdout.splitlines()
    return [line for line in lines if "postscreen still uses" in line]


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """Return a machine on which the README's lines were typed; the first run is over."""
    made = Machine()
    prepare(made)
    with made:
        made.run("systemctl enable --now dns.service")
        made.until("journalctl -q -o cat -u dns.service | grep -q ^ready")
        made.run("postconf -M smtp/inet='smtp inet n - y - 1 postscreen'")
        made.run("postconf -M tlsproxy/unix='tlsproxy unix - - y - 0 tlsproxy'")
        made.run("postconf -M smtpd/pass='smtpd pass - - y - - smtpd' && postfix reload")
        before = reloads(made)
        (link,) = re.findall(r"(?m)^ln -s .*", README)
        for block in (link, lines_of("systemd")):
            made.run(f"set -e; cd {CHECKOUT}; {block}")
        assert reloads(made) == before + 1, "the first run makes Postfix load the table"
        made.run(f"set -e; cd {CHECKOUT}; {lines_of('main.cf')}")
        yield made


def test_each_change_is_one_reload_and_a_run_without_one_is_none(machine: Machine) -> None:
    start(machine)
    before = reloads(machine)
    for number, width in enumerate((24, 25, 26), 1):
        publish(machine, width)
        start(machine)
        assert f"100.64.0.0/{width}" in machine.run(f"cat {LIBRARY}/*whitelist.cidr").stdout
        assert reloads(machine) == before + number
    start(machine)
    assert reloads(machine) == before + 3


def test_the_same_with_a_reject_table(machine: Machine) -> None:
    pests = '[providers.pests]\naction = "reject"\nnetworks = ["100.127.0.0/{}"]\n'
    before = reloads(machine)
    for number, (width, bad) in enumerate(((24, 24), (25, 24), (25, 25), (26, 26)), 1):
        publish(machine, width, pests.format(bad))
        start(machine)
        assert f"100.127.0.0/{bad}" in machine.run(f"cat {LIBRARY}/*blacklist.cidr").stdout
        assert reloads(machine) == before + number
    start(machine)
    assert reloads(machine) == before + 4


@pytest.mark.parametrize("counts_as_failed", [False, True])
def test_a_change_beside_a_provider_in_trouble_is_one_reload(
    machine: Machine, *, counts_as_failed: bool
) -> None:
    """Exit code 3, which a drop-in of the README makes a failure of the unit."""
    drop_in = "/etc/systemd/system/spfwhite.service.d/strict.conf"
    if counts_as_failed:
        put(machine, drop_in, "[Service]\nSuccessExitStatus=\n")
        machine.run("systemctl daemon-reload")
    before = reloads(machine)
    width = 28 + counts_as_failed
    # of another name each time, since a trouble is exit code 3 when it begins
    keys = 'domains = ["no-such.test"]\nnetworks = ["100.65.0.0/24"]\n'
    publish(machine, width, f"[providers.lost-{width}]\n{keys}")
    try:
        start(machine, "exit-code" if counts_as_failed else "success")
        status = machine.run("systemctl show -P ExecMainStatus spfwhite.service").stdout.strip()
        assert status == "3"
        assert reloads(machine) == before + 1
        if counts_as_failed:
            machine.until("grep -q '^Subject: spfwhite.service has news on ' /var/mail/root")
            mail = (machine.root / "var" / "mail" / "root").read_text()
            _, news = mail.split("\nSubject: spfwhite.service has news on ")
            said, status = news.split(" spfwhite.service - ")
            assert "\nlost-29: missing; " in said
            assert "lost-29" not in status, "it is said once"
    finally:
        (machine.root / drop_in.lstrip("/")).unlink(missing_ok=True)
        machine.run("systemctl daemon-reload; systemctl reset-failed")
        publish(machine, 24)


def test_after_a_reboot_too_and_the_timer_waits_for_the_night(machine: Machine) -> None:
    machine.reboot()
    assert machine.run("systemctl is-active spfwhite.timer").stdout == "active\n"
    start(machine)
    before = reloads(machine)
    publish(machine, 27)
    start(machine)
    assert reloads(machine) == before + 1


def test_postfix_reloads_at_the_end_of_a_run_that_was_killed_behind_its_write(
    machine: Machine,
) -> None:
    """As by `systemctl stop`, or a time-out."""
    drop_in = "/etc/systemd/system/spfwhite.service.d/hangs.conf"
    hangs = "[Service]\nTimeoutStartSec=3\nExecStart=/bin/sleep 600\n"
    put(machine, drop_in, hangs)
    machine.run("systemctl daemon-reload")
    before = reloads(machine)
    publish(machine, 23)
    try:
        start(machine, "timeout")
        assert reloads(machine) == before + 1
    finally:
        (machine.root / drop_in.lstrip("/")).unlink()
        machine.run("systemctl daemon-reload; systemctl reset-failed")


def test_state_and_tables_stay_with_the_user_of_the_service(machine: Machine) -> None:
    publish(machine, 24)
    start(machine)
    owners = machine.run(f"stat -c '%n %U %a' {LIBRARY}/*").stdout.splitlines()
    assert len(owners) >= 2
    for line in owners:
        name, owner, mode = line.split()
        # nobody else may open the lock: who holds it keeps all runs from their work
        assert (owner, mode) == ("spfwhite", "600" if name.endswith(".lock") else "644"), line


def test_a_run_of_root_says_what_is_due_and_check_and_reload_know_of_it(machine: Machine) -> None:
    knock(machine)
    assert check(machine) == []
    publish(machine, 21)
    done = machine.run("spfwhite generate")
    assert done.stderr.endswith("Postfix still uses the old table: spfwhite reload\n")
    (line,) = check(machine)
    assert line.startswith("warning: ") and line.endswith("run `spfwhite reload` as root")
    before = reloads(machine)
    for _ in range(2):
        done = machine.run("spfwhite reload")
        assert (done.stdout, done.stderr, reloads(machine)) == ("", "", before + 1)
    knock(machine)
    assert check(machine) == []


def test_who_has_typed_postfix_reload_is_not_told_to(machine: Machine) -> None:
    publish(machine, 20)
    machine.run("spfwhite generate")
    knock(machine)
    assert len(check(machine)) == 1
    machine.run("postfix reload")
    knock(machine)
    machine.until("test -z \"$(spfwhite -q check | grep 'postscreen still uses')\"")


def test_postsuper_is_left_at_work_when_the_service_has_ended(machine: Machine) -> None:
    machine.run("mv /usr/sbin/postsuper /usr/sbin/postsuper.real")
    put(
        machine,
        "/usr/sbin/postsuper",
        "#!/bin/sh\n[ $# -gt 0 ] || { sleep 3; touch /root/checked; }\n",
        0o755,
    )
    publish(machine, 19)
    try:
        start(machine)
        assert not (machine.root / "root" / "checked").exists()
        machine.until("test -e /root/checked")
    finally:
        machine.run("mv /usr/sbin/postsuper.real /usr/sbin/postsuper")


def test_root_reloads_after_the_run_of_a_user_without_root(machine: Machine) -> None:
    """By the configuration and the two lines for a crontab of the README, in another folder."""
    section = README[README.index("## A user without root") : README.index("## Several mail")]
    (config,) = re.findall(r"(?s)```toml\n(.*?)```", section)
    theirs, roots = re.findall(r"(?m)^\d+ \d+ \* \* \* (.*)", section)
    (folder,) = re.findall("install -d -o USER -m 755 [^`]*", section)
    named = OVERLAY + '[providers.own]\nnetworks = ["100.64.0.0/{}"]\n' + config
    machine.run("useradd -m mailer; mv /etc/spfwhite/providers.d /etc/spfwhite/off")
    machine.run(f"mv {LIBRARY} {LIBRARY}.off; {folder.replace('USER', 'mailer')}")
    try:
        for number, width in enumerate((24, 25)):
            put(machine, "/home/mailer/spfwhite.toml", named.replace("{}", str(width)))
            assert machine.run(f"su mailer -c '{theirs}'").stderr == ""
            before = reloads(machine)
            for _ in range(2):
                done = machine.run(roots)
                assert (done.stdout, done.stderr) == ("", ""), number
                assert reloads(machine) == before + 1
            owners = machine.run(f"stat -c %U {LIBRARY}/state.json {LIBRARY}/*.cidr").stdout
            assert set(owners.split()) == {"mailer"}
    finally:
        machine.run(f"rm -r {LIBRARY}; mv {LIBRARY}.off {LIBRARY}")
        machine.run("mv /etc/spfwhite/off /etc/spfwhite/providers.d; userdel -r mailer || true")


def test_a_failure_is_mailed_to_root_with_the_reason(machine: Machine) -> None:
    put(machine, OWN, "[providers.own]\nnetworks = 1\n")
    try:
        start(machine, "exit-code")
        machine.until("grep -q 50-own.toml /var/mail/* /var/spool/postfix/deferred/*/* 2>/dev/null")
    finally:
        publish(machine, 24)
        machine.run("systemctl reset-failed")
