"""The one command: `python -m tests.live [--nameserver ADDR]`.

It asks every default domain, prints what is wrong with the list, a line each, and exits with 1 if
anything is. A finding that is meant to be so goes into `known.toml`.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from spfwhite.config.loading import load
from spfwhite.dns.nameservers import parse_nameserver
from spfwhite.sources import fetch
from tests.live.findings import domains, findings, known


def main() -> int:
    """Ask, print, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.live")
    parser.add_argument("--nameserver", type=parse_nameserver, metavar="ADDR")
    server = parser.parse_args().nameserver
    config = load(system=Path("/nonexistent"))
    dns = config.dns._replace(nameservers=(server,)) if server else config.dns
    answers = asyncio.run(fetch.look_up(domains(config), dns, config.limits()))
    found = findings(config, answers, known())
    sys.stdout.writelines(f"{line}\n" for line in found)
    sys.stderr.write(f"{len(domains(config))} default domains asked, {len(found)} findings\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
