"""The library alone, in memory: no configuration, state, rails or table.

A process of its own, `python -m tests.bench.resolving PORT FILE`, with a domain a line in the file.
"""

from __future__ import annotations

import sys
from pathlib import Path

from spfwhite import resolve

DEADLINE = 300.0

if __name__ == "__main__":
    domains = Path(sys.argv[2]).read_text(encoding="utf-8").split()
    results = resolve(domains, nameservers=[f"127.0.0.1:{sys.argv[1]}"], deadline=DEADLINE)
    sys.stdout.write(f"{len(results.networks)} networks\n")
