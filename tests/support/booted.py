"""A Debian that its own systemd has booted, in a container without a network but loopback.

The root comes as a tar file, named by SPFWHITE_BOOTED_ROOT, with systemd, systemd-sysv, dbus and
what a test wants; `.ci/run` makes one. Owns: unpacking, boot, commands in the container, power off,
and that nothing is left of it. Refuses: to know what the container is good for.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final

import pytest

WAIT: Final = 180.0
"""Seconds until a boot, a power off or a command counts as lost."""

VARIABLE: Final = "SPFWHITE_BOOTED_ROOT"
OURS: Final = ("setpriv", "--pdeathsig", "TERM")
"""What goes before the container's command: it must not outlive a test that is killed."""

NSPAWN: Final = (
    *("systemd-nspawn", "-q", "-b", "--keep-unit", "--register=no", "--private-network"),
    "-D",
)
ENVIRONMENT: Final = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LC_ALL": "C.UTF-8",
    "SYSTEMD_PAGER": "",
}


def _refused() -> str:
    if os.geteuid() != 0:
        return "only root can boot a container"
    for program in ("systemd-nspawn", "nsenter", "setpriv"):
        if not shutil.which(program):
            return f"{program} is not installed"
    return "" if os.environ.get(VARIABLE) else f"{VARIABLE} names no root to boot"


REFUSED: Final = _refused()
"""Why no container can be booted here; "" if one can be."""


booted: Final = [pytest.mark.booted, pytest.mark.skipif(bool(REFUSED), reason=REFUSED)]
"""The marks of a module whose tests boot a container: `pytestmark = booted`."""


class Machine:
    """A container; as a context manager it is up inside, and gone afterwards.

    `root` is its root folder as seen from here, where files may be put before and while it runs.
    """

    def __init__(self, tar: Path | None = None) -> None:
        """Unpack a tar file, by default the one that the environment names."""
        self._folder = Path(tempfile.mkdtemp(prefix="booted-"))
        self.root = self._folder / "root"
        self.root.mkdir()
        self._container: subprocess.Popen[bytes] | None = None
        self._first = 0
        try:
            path = tar or Path(os.environ[VARIABLE])
            subprocess.run(["tar", "-xf", path, "-C", self.root, "--numeric-owner"], check=True)
            # else all containers of one tar have one identity
            (self.root / "etc" / "machine-id").write_text("uninitialized\n")
            # which waits two minutes for the network that there is not
            units = self.root / "etc" / "systemd" / "system"
            (units / "systemd-networkd-wait-online.service").symlink_to("/dev/null")
        except BaseException:
            self._delete()
            raise

    def __enter__(self) -> Machine:
        try:
            self.boot()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.poweroff()
        finally:
            self._delete()

    def boot(self) -> None:
        """Boot, and wait until systemd has started all it has to."""
        with (self._folder / "console").open("ab") as console:
            self._container = subprocess.Popen(
                [*OURS, *NSPAWN, str(self.root)],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
            )
        self._until(self._find_first, "the container has a first process")
        self._until(self._is_up, "systemd is up")

    def poweroff(self) -> None:
        """Power off and wait until no process of the container is left."""
        if self._container is None:
            return
        self._container.send_signal(signal.SIGTERM)  # which tells its first process to power off
        try:
            self._container.wait(WAIT)
        except subprocess.TimeoutExpired:
            self._container.kill()
            self._container.wait()
            raise AssertionError(f"it does not power off: {self.console()}") from None
        finally:
            self._container, self._first = None, 0

    def reboot(self) -> None:
        """Power off and boot again; files stay."""
        self.poweroff()
        self.boot()

    def run(
        self, command: str, *, check: bool = True, text: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a line of sh in the container as root; with `check` it has to succeed."""
        done = subprocess.run(
            ["nsenter", "-t", str(self._first), "-a", "sh", "-c", command],
            env=ENVIRONMENT,
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            capture_output=True,
            text=True,
            timeout=WAIT,
            check=False,
        )
        if check:
            said = f"{command!r} exited with {done.returncode}: {done.stdout}{done.stderr}"
            assert done.returncode == 0, said
        return done

    def until(self, command: str) -> None:
        """Wait until a line of sh succeeds in the container."""
        self._until(lambda: self.run(command, check=False).returncode == 0, command)

    def console(self) -> str:
        """Return what the container has written to its console."""
        return (self._folder / "console").read_text(errors="replace")

    def _find_first(self) -> bool:
        assert self._container is not None
        assert self._container.poll() is None, f"it does not boot: {self.console()}"
        task = Path(f"/proc/{self._container.pid}/task/{self._container.pid}")
        for child in (task / "children").read_text().split():
            ids = [
                line.split()
                for line in Path(f"/proc/{child}/status").read_text().splitlines()
                if line.startswith("NSpid:")
            ]
            if ids and len(ids[0]) > 2 and ids[0][-1] == "1":
                self._first = int(child)
        return bool(self._first)

    def _is_up(self) -> bool:
        state = self.run("systemctl is-system-running", check=False).stdout.strip()
        return state in {"running", "degraded"}

    def _until(self, condition: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + WAIT
        while not condition():
            assert time.monotonic() < end, f"in vain: {what}\n{self.console()}"
            time.sleep(0.2)

    def _delete(self) -> None:
        shutil.rmtree(self._folder)
