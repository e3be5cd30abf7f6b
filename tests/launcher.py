"""The program as a process that is there at once: forked from one that has it loaded.

A fork takes a hundredth of a start, so hundreds of runs can be killed, it measures the memory of
the run alone, and it needs no right to read the installation. Owns: the process that forks, what
a run is changed to before it begins, and the trap that hits it at a chosen line of its code.
Refuses: to judge a run. `tests.cli` starts the program as a user does.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from pkgutil import iter_modules
from types import FrameType
from typing import Any, NamedTuple, Self

import spfwhite

PACKAGED = Path(spfwhite.__file__).with_name("providers.toml")
PRELOADED = (
    *(f"spfwhite.{module.name}" for module in iter_modules(spfwhite.__path__)),
    *("asyncio", "difflib", "dns.rdtypes.ANY.CNAME", "dns.rdtypes.ANY.OPT"),
    *("dns.rdtypes.ANY.SOA", "dns.rdtypes.IN.A", "dns.rdtypes.IN.AAAA", "encodings.utf_8_sig"),
)


@dataclass(frozen=True, slots=True)
class Change:
    """How a run differs from one that the tests' own user starts.

    `user` is the number of user and group; `file_size` RLIMIT_FSIZE in octets. `hit` is the signal
    that the run sends itself at the line number `at`, counted from 1 as they are executed, of the
    files in `lines`.
    """

    user: int | None = None
    file_size: int | None = None
    hit: int = 0
    at: int = 0
    lines: tuple[str, ...] = ()


PLAIN = Change()
PATIENCE = 120
"""Seconds after which SIGALRM ends a run that hangs."""


class Ended(NamedTuple):
    """How a run ended: its exit code (minus a signal's number), and its peak memory in KiB."""

    returncode: int
    stdout: str
    stderr: str
    peak: int


class Launcher:
    """Starts one run at a time while the `with` block lasts."""

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp())
        self._folder.chmod(0o755)
        shutil.copy(PACKAGED, self._folder)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.launcher", self._folder],
            cwd=Path(__file__).parents[1],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._read()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()
        shutil.rmtree(self._folder)

    def start(self, *arguments: str | Path, change: Change = PLAIN) -> int:
        """Start a run and return its process id, which stays its own until `wait`."""
        change_json = {name: getattr(change, name) for name in Change.__slots__}
        self._write({"arguments": [str(argument) for argument in arguments], **change_json})
        return int(self._read())

    def wait(self) -> Ended:
        """Return how the run ended."""
        self._write({})
        code, peak = self._read()
        stdout, stderr = (
            (self._folder / name).read_text("latin-1") for name in ("stdout", "stderr")
        )
        return Ended(code, stdout, stderr, peak)

    def run(self, *arguments: str | Path, change: Change = PLAIN) -> Ended:
        """Start a run and wait for its end."""
        self.start(*arguments, change=change)
        return self.wait()

    def _write(self, message: dict[str, Any]) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()

    def _read(self) -> Any:
        assert self._process.stdout
        return json.loads(self._process.stdout.readline())


def main() -> None:
    """Fork a run for each line of standard input; return in the run, and at the input's end."""
    folder = Path(sys.argv[1])
    for module in PRELOADED:
        if module != "spfwhite.__main__":
            __import__(module)
    for number in (signal.SIGINT, signal.SIGTERM):
        # in place of the interpreter's start, which no program can make end well
        signal.signal(number, lambda number, _: os._exit(128 + number))
    gc.freeze()
    _say("ready")
    for line in sys.stdin:
        child = os.fork()
        if not child:
            return _run(folder, **json.loads(line))
        _say(child)
        sys.stdin.readline()
        _, status, usage = os.wait4(child, 0)
        _say([os.waitstatus_to_exitcode(status), usage.ru_maxrss])
    return None


def _say(message: object) -> None:
    os.write(1, json.dumps(message).encode() + b"\n")


def _run(folder: Path, *, arguments: Sequence[str], **change: Any) -> None:
    for descriptor, name in enumerate((Path("/dev/null"), folder / "stdout", folder / "stderr")):
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC if descriptor else os.O_RDONLY
        os.dup2(os.open(name, flags, 0o644), descriptor)
    signal.alarm(PATIENCE)
    sys.argv = ["spfwhite", *arguments]
    from spfwhite import cli

    _become(Change(**change), folder)
    cli.main()


def _become(change: Change, folder: Path) -> None:
    if change.file_size is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (change.file_size, change.file_size))
    if change.user is not None:
        from spfwhite import config

        config.__file__ = str(folder / "config.py")  # beside a copy of the packaged providers
        os.setgroups([])
        os.setgid(change.user)
        os.setuid(change.user)
    if change.hit:
        sys.settrace(_trap(change))


def _trap(change: Change) -> Callable[[FrameType, str, Any], Any]:
    passed = 0
    files = tuple(change.lines)

    def in_file(_frame: FrameType, event: str, _: Any) -> Any:
        nonlocal passed
        passed += event == "line"
        if passed == change.at:
            passed += 1  # the handler's own lines do not count
            os.kill(os.getpid(), change.hit)
        return in_file

    def in_any(frame: FrameType, _event: str, _: Any) -> Any:
        return in_file if frame.f_code.co_filename.endswith(files) else None

    return in_any


if __name__ == "__main__":
    main()
