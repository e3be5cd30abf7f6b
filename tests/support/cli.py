"""The program as a process of its own, and the overlay that it reads.

Refuses: to call the program's functions; tests that do import them themselves.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.dnsserver import DnsServer
from tests.support.launcher import LAUNCHER, PLAIN, Change

Finished = subprocess.CompletedProcess[str]

WORLD = Path(__file__).parents[1] / "world"

TABLE = "table.cidr"
"""The allow table of an overlay, in the overlay's folder."""


AT_START = ("PYTHON", "LANG", "LC_", "TZ")
"""How variables begin that only the interpreter's start reads."""


def spfwhite(
    *arguments: str | Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: bytes = b"",
    timeout: float = 300,
    change: Change = PLAIN,
) -> Finished:
    """Run the program; `env` is added to the environment, `timeout` is in seconds.

    The process is forked from one that has the program loaded, unless `env` needs a true start.
    Output is text of one character an octet, so that what is not ASCII shows.
    """
    if any(name.startswith(AT_START) for name in env or {}):
        return started(*arguments, env=env, cwd=cwd, stdin=stdin, timeout=timeout)
    whole = _environment(env)
    ended = LAUNCHER.run(
        *arguments, env=whole, cwd=cwd, stdin=stdin, timeout=timeout, change=change
    )
    if ended.returncode == -signal.SIGALRM:
        raise subprocess.TimeoutExpired(arguments, timeout, ended.stdout, ended.stderr)
    return Finished(arguments, ended.returncode, ended.stdout, ended.stderr)


def started(
    *arguments: str | Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: bytes = b"",
    timeout: float = 60,
) -> Finished:
    """Run the program as a user starts it, interpreter and all; it takes ten times as long."""
    done = subprocess.run(
        [sys.executable, "-m", "spfwhite", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        env=_environment(env),
        cwd=cwd,
        timeout=timeout,
        check=False,
    )
    streams = done.stdout.decode("latin-1"), done.stderr.decode("latin-1")
    return Finished(done.args, done.returncode, *streams)


def _environment(more: Mapping[str, str] | None) -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("SPFWHITE_")}
    inherited.pop("COLUMNS", None)
    return inherited | dict(more or {})


def overlay(
    folder: Path,
    providers: Mapping[str, Sequence[str]],
    *,
    server: DnsServer | str = "127.0.0.1:1",
    attempts: int = 4,
    spf: str = "",
    more: str = "",
) -> Path:
    """Write an overlay of these providers (name to domains) alone; all its paths are in `folder`.

    `spf` is put under `[spf]`, `more` at the end. Special-use networks are kept, so that tests can
    use those of the documentation.
    """
    address = server if isinstance(server, str) else server.address
    lines = [
        "defaults = false",
        f'[output]\nallow = "{TABLE}"\nreject = "reject.cidr"',
        '[state]\npath = "state.json"',
        f'[dns]\nnameservers = ["{address}"]\nattempts = {attempts}',
        '[safety]\nspecial_use = "keep"',
        f"[spf]\n{spf}",
    ]
    for name, domains in providers.items():
        texts = ", ".join(f'"{domain}"' for domain in domains)
        lines.append(f"[providers.{name}]\ndomains = [{texts}]")
    path = folder / "overlay.toml"
    path.write_text("\n".join([*lines, more, ""]))
    return path


def rules(table: str | bytes) -> list[str]:
    """Return the lines of a table that are not comments."""
    text = table.decode("ascii") if isinstance(table, bytes) else table
    return [line for line in text.splitlines() if not line.startswith("#")]


def listing(folder: Path) -> dict[str, tuple[int, int, int, bytes]]:
    """Return what there is below a folder: inode, mode, time of change and content of each file."""
    return {
        str(path.relative_to(folder)): (
            path.stat().st_ino,
            path.stat().st_mode,
            path.stat().st_mtime_ns,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(folder.rglob("*"))
    }


def snapshot(folder: Path, answers: Mapping[str, object]) -> Path:
    """Write a snapshot by hand; keys like `a.test TXT`, values like `{"found": [...]}`."""
    path = folder / "snapshot.json"
    content = {"format": "spfwhite-snapshot", "version": 1, "answers": answers}
    path.write_text(json.dumps(content))
    return path


def world_providers() -> dict[str, list[str]]:
    """Return a provider for each domain of the frozen world, of all groups."""
    groups = json.loads((WORLD / "providers.json").read_bytes())
    domains = sorted({domain for group in groups.values() for domain in group})
    return {f"p{number}": [domain] for number, domain in enumerate(domains)}
