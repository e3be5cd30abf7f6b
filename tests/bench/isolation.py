"""A loopback interface, a resolv.conf and two accounts that belong to the benchmark alone.

Other programs ask whom /etc/resolv.conf names, on port 53. In a network namespace that port is
free, whatever else the machine runs, and in a mount namespace the file can be another one without
anybody else seeing it. Owns: entering both (Linux; unprivileged where user namespaces are allowed).
Refuses: to start the servers.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

RESOLV_CONF = Path("/etc/resolv.conf")
PORT = 53
ACCOUNTS = {
    Path("/etc/passwd"): "opensmtpd:x:{user}:{group}::/nonexistent:/usr/sbin/nologin",
    Path("/etc/group"): "opensmtpq:x:{group}:",
}
"""What `smtpctl` will not start without; unpacked, it runs with the group of whoever calls it."""


def enter(arguments: Sequence[str]) -> None:
    """Replace this process by the same one inside the namespaces; return where that is impossible.

    `arguments` are those of the benchmark; the new process gets `--isolated` behind them.
    """
    unshare = ["unshare", "--mount", "--net"]
    if os.geteuid():
        unshare.append("--map-root-user")
    if not _works([*unshare, "true"]):
        return
    again = [sys.executable, "-m", "tests.bench", *arguments, "--isolated"]
    os.execvp(unshare[0], [*unshare, *again])


def furnish(folder: Path) -> bool:
    """Switch loopback on and put files of ours in place, kept in the folder.

    Return whether programs that read /etc/resolv.conf will ask port 53 of loopback.
    """
    if not _works(["ip", "link", "set", "lo", "up"]):
        raise SystemExit("the benchmark needs `ip` (iproute2) to switch its loopback on")
    for path, line in ACCOUNTS.items():
        text = path.read_text(encoding="utf-8")
        name = line.partition(":")[0]
        if f"\n{name}:" not in text:
            own = line.format(user=os.geteuid(), group=os.getegid())
            _replace(path, f"{text.rstrip()}\n{own}\n", folder)
    return _replace(RESOLV_CONF, "nameserver 127.0.0.1\n", folder)


def _replace(path: Path, text: str, folder: Path) -> bool:
    ours = folder / path.name
    ours.write_text(text, encoding="utf-8")
    return _works(["mount", "--bind", str(ours), str(path)])


def _works(command: Sequence[str]) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0
