"""A private rbldnsd on loopback, and the dataset that it serves.

Owns: start and end by its own process, the user that it becomes, and questions to its zones.
Refuses: to touch any other rbldnsd, and to judge an answer. rbldnsd chroots to the folder before it
becomes that user, so the folder may lie where nobody else gets in; it speaks UDP only.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rcode

from tests.support.cli import overlay, spfwhite
from tests.support.postfix_instance import PATH, WAIT, unless, until

ZONE = "allow.example.net"
DATASET = "allow.rbldnsd"
LISTED = "127.0.0.2"
"""The answer for an address on the list."""

RBLDNSD = shutil.which("rbldnsd", path=PATH)
needs_rbldnsd = unless("" if RBLDNSD else "rbldnsd is not installed")
NOBODY = "65534:65534"
"""Whom it becomes: it refuses to be root, and its package's own user is not everywhere."""

Networks = Mapping[str, Sequence[str]]


def write_dataset(path: Path, networks_by_provider: Networks) -> None:
    """Have a run write a dataset, a new file renamed over the old.

    rbldnsd knows a change by the second of the file's time and its size: of two files of one size
    within a second it reads the first only.
    """
    folder = path.with_name(f"{path.name}.run")
    folder.mkdir(exist_ok=True)
    more = f'[[output.tables]]\npath = "{path}"\nformat = "rbldnsd"\n'
    for provider, networks in networks_by_provider.items():
        listed = ", ".join(f'"{network}"' for network in networks)
        more += f'[providers.{provider}]\nspecial_use = "keep"\nnetworks = [{listed}]\n'
    done = spfwhite("-c", overlay(folder, {}, more=more), "generate")
    assert done.returncode == 0, done.stderr


@dataclass(frozen=True, slots=True)
class Rbldnsd:
    """A server that runs, by its address."""

    host: str
    port: int
    process: subprocess.Popen[bytes]

    def ask(
        self, address: str, rrtype: str = "A", *, zone: str = ZONE, patience: float = WAIT
    ) -> dns.message.Message:
        """Return its answer about a client (RFC 5782 sections 2.1 and 2.4)."""
        reverse = ip_address(address).reverse_pointer.rsplit(".", 2)[0]
        query = dns.message.make_query(f"{reverse}.{zone}", rrtype)
        return dns.query.udp(query, self.host, patience, self.port)

    def lookup(self, address: str) -> tuple[list[str], list[str]]:
        """Return the values of A and TXT for a client; none if it is not listed."""
        return self._values(address, "A"), self._values(address, "TXT")

    def lists(self, address: str) -> bool:
        """Whether a client is listed."""
        return self.lookup(address)[0] == [LISTED]

    def look_again(self) -> None:
        """Have it look for changed files now."""
        self.process.send_signal(signal.SIGHUP)

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Answer nobody while the `with` block lasts."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def _values(self, address: str, rrtype: str) -> list[str]:
        answer = self.ask(address, rrtype)
        assert answer.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN), answer
        return [record.to_text().strip('"') for rrset in answer.answer for record in rrset]

    def answers(self) -> bool:
        """Whether it has begun to."""
        assert self.process.poll() is None, "rbldnsd ended"
        try:
            self.ask("127.0.0.1", patience=0.2)
        except dns.exception.Timeout:
            return False
        return True


@contextmanager
def serving(
    folder: Path,
    *,
    datasets: Mapping[str, str] | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    check: int = 1,
) -> Iterator[Rbldnsd]:
    """Serve datasets of a folder, by default the list; yields when it answers.

    `datasets` are file names by zone, `check` the seconds between its looks for changed files, 0
    for none but by `look_again`. Port 0 is one that is free.
    """
    zones = {ZONE: DATASET} | dict(datasets or {})
    folder.chmod(0o755)
    where = str(folder)
    as_whom = ["-r", where, "-u", NOBODY] if os.geteuid() == 0 else ["-w", where]
    port = port or _free_port(host)
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [str(RBLDNSD), "-n", *as_whom, "-c", str(check), "-b", f"{host}/{port}"]
            + [f"{zone}:combined:{name}" for zone, name in zones.items()],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        made = Rbldnsd(host, port, process)
        try:
            until(made.answers, "rbldnsd answers")
            yield made
        except AssertionError as failed:
            output.seek(0)
            failed.add_note(output.read().decode(errors="replace"))
            raise
        finally:
            process.kill()
            process.wait()


def _free_port(host: str) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
