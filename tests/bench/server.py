"""The delaying DNS server as a process of its own: started, stopped, and what it counted.

Refuses: to serve; that is `tests.support.dnsserver`, run as the program that it is.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.bench.measure import ROOT, environment


@dataclass(frozen=True, slots=True)
class Counts:
    """What a server was asked: UDP queries, TCP queries, distinct questions."""

    queries: float
    tcp: float
    distinct: int


class Server:
    """Serves a master file, each answer after `delay` ms, while the `with` block lasts."""

    def __init__(self, zone: Path, *, delay: int, counts: Path, port: int = 0) -> None:
        """Port 0 takes a free one; `counts` is the file that the server writes at its end."""
        self._counts = counts
        self._command = [sys.executable, "-m", "tests.support.dnsserver", str(zone)]
        self._command += ["--port", str(port), "--delay-ms", str(delay), "--count", str(counts)]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _fault: object, _trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()

    def ready(self) -> int:
        """Wait until it answers; return its port."""
        assert self._process.stdout
        word, _, port = self._process.stdout.readline().partition(" ")
        if word != "ready":
            raise SystemExit(f"no DNS server: {' '.join(self._command)}")
        return int(port)

    def counts(self) -> Counts:
        """Return what was counted in its whole life, after the `with` block."""
        counted = json.loads(self._counts.read_bytes())
        return Counts(counted["queries"], counted["tcp"], counted["distinct"])
