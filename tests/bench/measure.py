"""One process, from its start to its end: wall time, processor time, peak memory.

Owns: the environment that is measured in, and the medians. Refuses: to know what it runs. It stays
a small process itself: Linux counts the memory of whoever starts a program into its peak.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
LIMIT = 300
"""Seconds after which a process is killed and counts as failed."""

KIB = 1024


class Sample(NamedTuple):
    """What one process took: seconds, seconds, MiB; `failure` is a phrase, "" for none.

    Processor time and peak memory include the children that it waited for.
    """

    wall: float
    cpu: float
    peak: float
    failure: str = ""


def environment(**more: str) -> dict[str, str]:
    """Return ours plus `more`, without what configures the program or forbids to keep byte-code."""
    unwanted = ("SPFWHITE_", "PYTHONDONTWRITEBYTECODE", "PYTHONPROFILEIMPORTTIME")
    kept = {key: text for key, text in os.environ.items() if not key.startswith(unwanted)}
    return kept | more


def run(
    command: Sequence[str],
    *,
    stdin: Path | None = None,
    accepted: Sequence[int] = (0,),
    must_print: bool = False,
    stdout: Path | None = None,
    more: Mapping[str, str] | None = None,
) -> Sample:
    """Run a command to its end; `accepted` exit codes are no failure, nor is silence unless said.

    `stdout` is a file for its output, `more` is added to the environment.
    """
    with (
        (stdin or Path(os.devnull)).open("rb") as source,
        stdout.open("w+b") if stdout else tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
    ):
        start = time.perf_counter()
        process = subprocess.Popen(
            command,
            stdin=source,
            stdout=out,
            stderr=err,
            cwd=ROOT,
            env=environment(**(more or {})),
            start_new_session=True,  # so that what it started can be ended with it
        )
        killer = threading.Timer(LIMIT, _kill, [process.pid])
        killer.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        killer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        failure = ""
        if process.returncode not in accepted:
            err.seek(0)
            failure = _failure(process.returncode, err.read(2000))
        elif must_print and not out.tell() and not os.fstat(out.fileno()).st_size:
            failure = "printed nothing"
    return Sample(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / KIB, failure)


def medians(samples: Sequence[Sample]) -> Sample:
    """Return the median of each figure."""
    return Sample(*(median(column) for column in zip(*(s[:3] for s in samples), strict=True)))


def _kill(group: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def _failure(code: int, said: bytes) -> str:
    if code == -signal.SIGKILL:
        return f"not done after {LIMIT} s"
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return f"exit {code}: {lines[-1][:100]}" if lines else f"exit {code}"
