"""One timing of `tests.bench.sets`, which runs as a process of its own so that it may be large.

Owns: its form between the two processes. Refuses: to load what is timed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import NamedTuple

from tests.bench.measure import ROOT, environment

OURS, NETADDR, STDLIB = LIBRARIES = "spfwhite", "netaddr", "ipaddress"


class Timing(NamedTuple):
    """Seconds that one operation took with one library."""

    operation: str
    library: str
    seconds: float

    def line(self) -> str:
        """Return it as a line of JSON."""
        return json.dumps(self) + "\n"


def timings(count: int) -> list[Timing]:
    """Return all timings over `count` networks; the slowest library takes minutes for a million."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.sets", str(count)],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [Timing(*json.loads(line)) for line in done.stdout.splitlines()]
