"""The real postscreen as the judge of `check`: what it does by a configuration, and what is said.

Owns: a private Postfix that is started anew for each configuration, one listed and one unlisted
client, and the commands of findings applied to it. Refuses: to know which findings are right.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from spfwhite.inspect.check import Places, check
from spfwhite.inspect.finding import Finding
from tests.support.cli import TABLE, overlay, spfwhite
from tests.support.dnsserver import DnsServer
from tests.support.postfix_instance import MASTER, PATH, Instance, prepared, until

LISTED, UNLISTED = "192.0.2.1", "203.0.113.9"
TALK = "EHLO a.test\r\nSTARTTLS\r\nMAIL FROM:<>\r\nRCPT TO:<b@mail.test>\r\n"
"""What a client says before its turn, to reach what postscreen reads late."""

IN_USE = rf"(ALLOW|WHITE)LISTED \[{LISTED}\]"
"""What postscreen logs where all is well."""

HELPERS = """\
dnsblog unix - - n - 0 dnsblog
tlsproxy unix - - n - 0 tlsproxy
proxymap unix - - n - - proxymap
rewrite unix - - n - - trivial-rewrite
"""
MORE = """
[providers.own]
networks = ["192.0.2.0/24"]
[postfix]
config_directory = "etc"
verify = false
"""


@dataclass(frozen=True, slots=True)
class Judge:
    """A private Postfix that does not run, and an overlay whose table its postscreen names."""

    postfix: Instance
    config: Path

    @property
    def access_list(self) -> str:
        """The access list where all is well."""
        return f"permit_mynetworks, cidr:{self.postfix.folder}/{TABLE}"

    def filled(self, text: str) -> str:
        """Return a text with the folder, the port and the list of this judge in it."""
        words = {"FOLDER": str(self.postfix.folder), "PORT": str(self.postfix.port)}
        words |= {"OURS": f"cidr:{self.postfix.folder}/{TABLE}"}
        return re.sub("FOLDER|PORT|OURS", lambda match: words[match[0]], text)

    def configure(self, parameters: Mapping[str, str], master: str = "") -> None:
        """Write main.cf and master.cf (empty: the usual one)."""
        self.postfix.configure(**{key: self.filled(text) for key, text in parameters.items()})
        file = self.postfix.config_directory / "master.cf"
        file.write_text(self.filled(master or usual_master()))
        os.utime(file, (0, 0))

    def hear(self, said: str, *clients: str) -> str:
        """Start it, come from each client, and return its log once it says what is awaited."""
        log = self.postfix.folder / "maillog"
        log.write_text("")
        self.postfix.start()
        try:
            with self._connected(clients or (LISTED,)):
                until(
                    lambda: bool(re.search(said, log.read_text())), f"{said} in {log.read_text()}"
                )
        finally:
            self.postfix.stop()
            self._reap()
        return log.read_text()

    def findings(self) -> list[Finding]:
        """Return what check says of this Postfix, but for what is well."""
        places = Places(cron=(), postwhite=())
        return [each for each in check(self.config, places, 0.0) if self._is_of_postfix(each)]

    def apply(self, findings: Sequence[Finding]) -> None:
        """Type the commands that findings end with."""
        for command in dict.fromkeys(each.command for each in findings):
            folder = shlex.quote(str(self.postfix.config_directory))
            line, reload = command.split(" && ")
            assert reload == f"postfix -c {folder} reload", findings
            arguments = shlex.split(line)
            assert arguments[0] == "postconf", findings
            subprocess.run(arguments, check=True, timeout=60, env={"PATH": PATH})
        for file in self.postfix.config_directory.iterdir():
            os.utime(file, (0, 0))  # Postfix waits until a fresh main.cf has cooled down

    def parameter(self, name: str) -> str:
        """Return a parameter of main.cf."""
        command = ["postconf", "-c", str(self.postfix.config_directory), "-h", name]
        done = subprocess.run(
            command, check=True, timeout=60, env={"PATH": PATH}, capture_output=True, text=True
        )
        return done.stdout.strip()

    def _is_of_postfix(self, finding: Finding) -> bool:
        # that it does not run is so whenever this asks
        told = "configuration", "Postfix", str(self.postfix.folder)
        return finding.level != "ok" and not finding.subject.startswith(told)

    @contextmanager
    def _connected(self, clients: Sequence[str]) -> Iterator[None]:
        open_ = []
        try:
            for number, client in enumerate(clients):
                connection = socket.create_connection(("127.0.0.1", self.postfix.port), 30)
                open_.append(connection)
                head = f"PROXY TCP4 {client} 127.0.0.1 {4000 + number} 25\r\n"
                connection.sendall(f"{head}{TALK}".encode())
            yield
        finally:
            for connection in open_:
                connection.close()

    def _reap(self) -> None:
        """End what waits for a helper that is not there, and does not hear that it is to stop."""
        mark = f"MAIL_CONFIG={self.postfix.config_directory}\0".encode()
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if mark in (folder / "environ").read_bytes():
                    os.kill(int(folder.name), signal.SIGKILL)


def usual_master() -> str:
    """Return the master.cf where all is well."""
    return MASTER.format(port="PORT") + HELPERS


@contextmanager
def judge(server: DnsServer) -> Iterator[Judge]:
    """Yield a judge whose table is written."""
    with prepared() as postfix:
        usual = Judge(postfix, overlay(postfix.folder, {}, server=server, more=MORE))
        done = spfwhite("-c", usual.config, "generate")
        assert done.returncode == 0, done.stderr
        postfix.parameters["postscreen_access_list"] = usual.access_list
        postfix.parameters["postscreen_cache_map"] = ""
        del postfix.parameters["postscreen_denylist_action"]
        yield usual
