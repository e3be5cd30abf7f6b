"""A private Postfix with postscreen, for tests that run as root, and stand-ins for its programs.

postscreen listens on a port of loopback only, and hears from the PROXY protocol which client it has
before it, so a test can come from any address. Owns: the folders and the configuration of the
instance, start and stop by its own name, clients, and what the log says of them. Refuses: to touch
any other Postfix, and to judge what postscreen did.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple

import pytest

from tests.support.cli import TABLE

WAIT = 30.0
"""Seconds until something that has to come counts as lost."""

PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
POSTFIX, POSTMAP = (shutil.which(program, path=PATH) for program in ("postfix", "postmap"))
MISSING = "" if POSTFIX and POSTMAP else "Postfix is not installed"
REFUSED = MISSING or ("" if os.geteuid() == 0 else "not root")
"""Why there can be no instance here; "" if there can be one."""


def unless(reason: str) -> pytest.MarkDecorator:
    """Skip for a reason, if there is one; in CI the test goes on and fails."""
    return pytest.mark.skipif(bool(reason) and os.environ.get("CI") != "true", reason=reason)


needs_postmap = unless(MISSING)
needs_postfix = unless(REFUSED)

MASTER = """\
127.0.0.1:{port} inet n - n - 1 postscreen
smtpd pass - - n - - smtpd
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""
LAST = {"ALLOWLISTED", "WHITELISTED", "PASS NEW", "PASS OLD", "DISCONNECT"}
"""The events that end what postscreen has to do with a client."""


class Visit(NamedTuple):
    """One client: the replies it got, what postscreen logged of it, and the process that did."""

    replies: list[str]
    events: list[str]
    postscreen: int


@dataclass(slots=True)
class Instance:
    """An instance by its folder, which any user may enter; the tables are expected there."""

    folder: Path
    port: int
    parameters: dict[str, str]
    clients: int = field(default=0, init=False)

    @property
    def config_directory(self) -> Path:
        """The folder of its main.cf."""
        return self.folder / "etc"

    @property
    def main_cf(self) -> Path:
        """Its main.cf."""
        return self.config_directory / "main.cf"

    def lines(self) -> list[str]:
        """Return what it has logged."""
        log = self.folder / "maillog"
        return log.read_text().splitlines() if log.exists() else []

    def reloads(self) -> int:
        """Return how often it has been told to reload."""
        return sum("refreshing the Postfix mail system" in line for line in self.lines())

    def is_running(self) -> bool:
        """Whether its master process is there."""
        return self._postfix("status") == 0

    def start(self) -> None:
        """Start it; it answers then."""
        assert self._postfix("start") == 0, self.lines()
        assert self.is_running(), self.lines()

    def stop(self) -> None:
        """Stop it, and wait until it is gone."""
        self._postfix("stop")
        until(lambda: not self.is_running(), "the instance stops")

    def configure(self, **changed: str) -> None:
        """Write its main.cf, with these parameters changed."""
        values = self.parameters | changed
        new = self.main_cf.with_suffix(".new")
        new.write_text("".join(f"{key} = {value}\n" for key, value in values.items()))
        os.utime(new, (0, 0))  # Postfix waits until a fresh main.cf has cooled down
        new.replace(self.main_cf)  # a daemon that starts just now must not read a half of it

    def reload(self) -> None:
        """Reload it by hand; another postscreen takes the clients then."""
        old = self.postscreen()
        assert self._postfix("reload") == 0
        self.await_successor(old)

    @contextmanager
    def changed(self, **parameters: str) -> Iterator[None]:
        """Run with other parameters while the `with` block lasts."""
        for each in (parameters, {}):
            self.configure(**each)
            self.reload()
            if each:
                yield

    def visit(self, address: str, *commands: str, early: bytes = b"") -> Visit:
        """Come from an address: wait for the greeting, then send commands one by one.

        `early` is sent at once, which no decent client does.
        """
        self.clients += 1
        source = 12345 + self.clients
        family, here = ("TCP6", "::1") if ":" in address else ("TCP4", "127.0.0.1")
        head = f"PROXY {family} {address} {here} {source} 25\r\n".encode()
        with socket.create_connection(("127.0.0.1", self.port), WAIT) as connection:
            connection.sendall(head + early)
            with connection.makefile("rb") as stream:
                replies = [_reply(stream)]
                for command in commands:
                    connection.sendall(f"{command}\r\n".encode())
                    replies.append(_reply(stream))
        client = f"[{address}]:{source}"
        until(lambda: bool(LAST & set(self._logged(client)[0])), f"the log ends on {client}")
        return Visit(replies, *self._logged(client))

    def postscreen(self) -> int:
        """Return the id of the postscreen process, by a client of mynetworks."""
        return self.visit("127.0.0.1").postscreen

    def await_successor(self, process: int) -> None:
        """Wait until another postscreen process than this one takes the clients."""
        until(lambda: self.postscreen() != process, "postscreen is replaced")

    def _logged(self, client: str) -> tuple[list[str], int]:
        form = rf"postscreen\[(\d+)\]: ([A-Z]+(?: NEW| OLD|: reject)?)\b.* ?{re.escape(client)}\b"
        found = [match for line in self.lines() if (match := re.search(form, line))]
        return [match[2] for match in found], int(found[-1][1]) if found else 0

    def _postfix(self, action: str) -> int:
        # to a file: the daemons inherit the streams, and a pipe would not end before they do
        with (self.folder / "output").open("ab") as output:
            return subprocess.run(
                [str(POSTFIX), "-c", self.config_directory, action],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                timeout=WAIT,
                check=False,
            ).returncode


@contextmanager
def prepared() -> Iterator[Instance]:
    """Yield an instance that has not been started; whatever runs of it at the end is stopped."""
    assert not REFUSED, f"CI: {REFUSED}"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        for each in ("etc", "queue", "data"):
            (folder / each).mkdir()
        shutil.chown(folder / "data", "postfix")
        made = Instance(folder, _free_port(), _parameters(folder))
        made.configure()
        (made.config_directory / "master.cf").write_text(MASTER.format(port=made.port))
        try:
            yield made
        finally:
            made.configure()  # Postfix does not stop by a main.cf that a test has broken
            if made.is_running():
                made.stop()


@contextmanager
def running() -> Iterator[Instance]:
    """Yield an instance that runs."""
    with prepared() as made:
        made.start()
        yield made


def _parameters(folder: Path) -> dict[str, str]:
    return {
        "compatibility_level": "3.6",
        "queue_directory": f"{folder}/queue",
        "data_directory": f"{folder}/data",
        "maillog_file": f"{folder}/maillog",
        "maillog_file_prefixes": str(folder),
        "inet_protocols": "all",
        "myhostname": "mail.test",
        "mydestination": "",
        "mynetworks": "127.0.0.0/8",
        "local_recipient_maps": "",
        "smtpd_peername_lookup": "no",
        "max_idle": "1h",
        "postscreen_upstream_proxy_protocol": "haproxy",
        "postscreen_access_list": f"permit_mynetworks cidr:{folder}/{TABLE} "
        f"cidr:{folder}/reject.cidr",
        "postscreen_denylist_action": "enforce",
        "postscreen_greet_action": "enforce",
        "postscreen_greet_wait": "1s",
    }


def until(condition: Callable[[], bool], what: str, *, every: float = 0.02) -> None:
    """Wait until something is so, looking every so many seconds; fails with its name if never."""
    end = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < end, f"in vain: {what}"
        time.sleep(every)


def stand_in(folder: Path, program: str, script: str) -> dict[str, str]:
    """Put a shell script in place of a program; return the environment that finds it first.

    In the script `$real` is the path of the program.
    """
    path = folder / "stand-in" / program
    path.parent.mkdir(exist_ok=True)
    real = shlex.quote(str(shutil.which(program, path=PATH)))
    path.write_text(f"#!/bin/sh\nreal={real}\n{script}\n")
    path.chmod(0o755)
    return {"PATH": f"{path.parent}:{PATH}"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _reply(stream: BinaryIO) -> str:
    """Read one reply of SMTP, all its lines (RFC 5321 section 4.2.1)."""
    lines = []
    while line := stream.readline():
        lines.append(line.decode("latin-1"))
        if line[3:4] != b"-":
            break
    return "".join(lines)
