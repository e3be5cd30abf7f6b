"""SIGINT and SIGTERM end the program at once and in silence; a host of the library keeps its own.

That files are whole whenever a process is ended is tested with SIGKILL (`tests.test_kill`).
"""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from spfwhite import run as app
from spfwhite.cli import main as cli
from spfwhite.config import loading as config
from tests.support.dnsserver import Fault
from tests.support.site import RULES, Site, site

ENDING = [signal.SIGINT, signal.SIGTERM]
NEWER = [rule.replace("198.51.100.0/24", "198.51.100.0/25") for rule in RULES]
SHELL = 'trap : INT TERM; "$@"; echo $?'
"""A shell that outlives what ends its command, and says how that ended."""

INTERRUPTED = """
import os, signal, sys

class Interrupt:
    def find_spec(self, name, *_):
        if name == "click":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupt())
from spfwhite.__main__ import main
main()
"""


@pytest.fixture
def asking(tmp_path: Path) -> Iterator[Site]:
    """Return a site after a good run, whose server has something new but does not answer."""
    with site(tmp_path) as made:
        assert made.generate().returncode == 0
        made.server.zone.set("plain.test", "TXT", ["v=spf1 ip4:198.51.100.0/25 -all"])
        made.server.faults[""] = Fault("drop")
        made.server.reset()
        yield made


def start(made: Site, *shell: str, ignoring: bool = False) -> subprocess.Popen[str]:
    """Start a run that is the first of its process group, and wait until it asks."""
    process = subprocess.Popen(
        [*shell, sys.executable, "-m", "spfwhite", *map(str, made.arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=(lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)) if ignoring else None,
    )
    while not made.server.queries:
        assert process.poll() is None
        time.sleep(0.01)
    return process


def end(process: subprocess.Popen[str], number: int) -> tuple[int, str, str]:
    """Send a signal to a process group, as a terminal does for Ctrl-C."""
    os.killpg(process.pid, number)
    output, error = process.communicate(timeout=60)
    return process.returncode, output, error


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_while_the_dns_is_asked_changes_nothing_and_frees_the_lock(
    number: int, asking: Site
) -> None:
    before = asking.table.read_bytes(), asking.state.read_bytes()
    assert end(start(asking), number) == (-number, "", "")
    assert (asking.table.read_bytes(), asking.state.read_bytes()) == before
    asking.server.faults.clear()
    assert asking.generate().returncode == 0
    assert asking.rules() == NEWER


@pytest.mark.parametrize("number", ENDING)
def test_a_shell_sees_128_and_the_number_of_the_signal(number: int, asking: Site) -> None:
    code, output, error = end(start(asking, "sh", "-c", SHELL, "sh"), number)
    assert (code, output) == (0, f"{128 + number}\n")
    assert error in ("", "Terminated\n")  # which the shell says


def test_a_job_in_the_background_goes_on_when_the_one_before_it_is_interrupted(
    asking: Site,
) -> None:
    process = start(asking, ignoring=True)
    os.killpg(process.pid, signal.SIGINT)
    asking.server.faults.clear()
    output, error = process.communicate(timeout=60)
    assert (process.returncode, output, error) == (0, "", "")
    assert asking.rules() == NEWER


def test_a_signal_while_modules_are_loaded_leaves_no_traceback() -> None:
    command = [sys.executable, "-c", INTERRUPTED]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, b"", b"")


def test_a_host_of_the_library_keeps_its_handlers_and_its_garbage_collection(
    tmp_path: Path,
) -> None:
    def settings() -> list[object]:
        return [gc.isenabled(), *map(signal.getsignal, ENDING)]

    before = settings()
    with site(tmp_path) as made:
        assert app.generate(config.load(made.config)).outcome == "written"
        with pytest.raises(SystemExit):
            cli.main(["-c", str(made.config), "providers"])
    assert settings() == before
