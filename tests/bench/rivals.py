"""Other programs that turn domains into networks, where they are there to be measured.

Owns: where they are looked for and how they are called. All ask whom /etc/resolv.conf names, on
port 53, which `tests.bench.isolation` arranges. Refuses: to install anything; README.md says how.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

SMTPCTL, DESPF, SPF2IP = "smtpctl spf walk", "despf.sh", "SPF2IP"
NAMES = (SMTPCTL, DESPF, SPF2IP)

WALK = """
import sys, SPF2IP
for domain in sys.stdin.read().split():
    walk = SPF2IP.SPF2IP(domain)
    print(*walk.IPArray("4"), *walk.IPArray("6"))
"""


@dataclass(frozen=True, slots=True)
class Rival:
    """A program that is there. It reads domains from its input, or else gets them as arguments.

    A slow one takes minutes and is run once, for the default list alone.
    """

    name: str
    command: tuple[str, ...]
    reads_input: bool
    is_slow: bool
    environment: dict[str, str] = field(default_factory=dict)


def installed(tools: Path) -> list[Rival]:
    """Return the rivals that are on the PATH, importable, or below the folder `tools`."""
    return [rival for rival in (_smtpctl(tools), _despf(tools), _spf2ip(tools)) if rival]


def _smtpctl(tools: Path) -> Rival | None:
    path = _program("smtpctl", tools / "usr/sbin")
    if path is None:
        return None
    libraries = ":".join(str(folder) for folder in tools.glob("usr/lib/*-linux-gnu*"))
    more = {"LD_LIBRARY_PATH": libraries} if libraries else {}
    return Rival(SMTPCTL, (path, "spf", "walk"), reads_input=True, is_slow=False, environment=more)


def _despf(tools: Path) -> Rival | None:
    path = _program("despf.sh", tools / "spf-tools")
    return Rival(DESPF, (path,), reads_input=False, is_slow=True) if path else None


def _spf2ip(tools: Path) -> Rival | None:
    folder = tools / "python"
    if not importlib.util.find_spec("SPF2IP") and not any(folder.glob("SPF2IP*")):
        return None
    more = {"PYTHONPATH": str(folder)}
    return Rival(
        SPF2IP, (sys.executable, "-c", WALK), reads_input=True, is_slow=True, environment=more
    )


def _program(name: str, unpacked: Path) -> str | None:
    places = (os.environ.get("PATH", os.defpath), "/usr/sbin", str(unpacked.absolute()))
    return shutil.which(name, path=os.pathsep.join(places))
