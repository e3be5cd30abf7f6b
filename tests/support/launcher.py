"""The program as a process that is there at once: forked from one that has it loaded.

A fork takes a tenth of a start, so most tests run the program so; it measures the memory of the run
alone, hundreds of runs can be killed, and it needs no right to read the installation. Owns: the
process that forks, what a run is changed to before it begins, and the trap that hits it at a chosen
line of its code. Refuses: to judge a run.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from pkgutil import walk_packages
from types import FrameType
from typing import IO, Any, NamedTuple, Self

import spfwhite

PACKAGED = Path(spfwhite.__file__).with_name("providers.toml")
PRELOADED = (
    *(module.name for module in walk_packages(spfwhite.__path__, "spfwhite.")),
    *("asyncio", "difflib", "dns.rdtypes.ANY.CNAME", "dns.rdtypes.ANY.OPT"),
    *("dns.rdtypes.ANY.SOA", "dns.rdtypes.IN.A", "dns.rdtypes.IN.AAAA", "encodings.utf_8_sig"),
)


@dataclass(frozen=True, slots=True)
class Change:
    """How a run differs from one that the tests' own user starts.

    `user` is the number of user and group; `file_size` RLIMIT_FSIZE in octets. `hit` is the signal
    that the run sends itself at the line number `at`, counted from 1 as they are executed, of the
    files in `lines`. `fault` names a call that fails with the errno `number`, the time `at` that
    `spfwhite.files` makes it. `system` takes the place of /etc/spfwhite, a constant of the program.
    """

    user: int | None = None
    file_size: int | None = None
    hit: int = 0
    at: int = 0
    lines: tuple[str, ...] = ()
    fault: str = ""
    number: int = 0
    system: str | None = None


PLAIN = Change()
PATIENCE = 120
"""Seconds after which SIGALRM ends a run that hangs."""
REQUEST = 1 << 20
"""Octets of a request, at the most."""


class Ended(NamedTuple):
    """How a run ended: its exit code (minus a signal's number), and its peak memory in KiB."""

    returncode: int
    stdout: str
    stderr: str
    peak: int


class Run:
    """A run under way; its process id stays its own until `wait`."""

    def __init__(self, line: socket.socket, stdout: IO[bytes], stderr: IO[bytes]) -> None:
        self._line, self._stdout, self._stderr = line, stdout, stderr
        self.pid = int(line.recv(100))

    def wait(self) -> Ended:
        """Return how the run ended; its streams have one character an octet."""
        with self._line, self._stdout, self._stderr:
            self._line.send(b"may be reaped")
            code, peak = json.loads(self._line.recv(100))
            return Ended(code, _content(self._stdout), _content(self._stderr), peak)


def _content(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode("latin-1")


class Launcher:
    """Starts runs, until the end of its `with` block; the first one loads the program."""

    _control: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._control:
            self._control.close()
            self._control = None
            self._process.wait()
            shutil.rmtree(self._folder)

    def start(
        self,
        *arguments: str | Path,
        change: Change = PLAIN,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stdin: bytes = b"",
        timeout: float = PATIENCE,
    ) -> Run:
        """Start a run; `env` is its whole environment, `timeout` is in seconds."""
        request = {
            "arguments": [str(argument) for argument in arguments],
            "change": {name: getattr(change, name) for name in Change.__slots__},
            "env": dict(os.environ if env is None else env),
            "cwd": str(cwd or Path.cwd()),
            "timeout": timeout,
        }
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, tempfile.TemporaryFile() as given:
            given.write(stdin)
            given.seek(0)
            streams = [tempfile.TemporaryFile() for _ in range(2)]  # noqa: SIM115 - Run does it
            passed = [theirs.fileno(), *(each.fileno() for each in (given, *streams))]
            socket.send_fds(self._server(), [json.dumps(request).encode()], passed)
        return Run(ours, *streams)

    def run(self, *arguments: str | Path, **more: Any) -> Ended:
        """Start a run and wait for its end."""
        return self.start(*arguments, **more).wait()

    def _server(self) -> socket.socket:
        if not self._control:
            self._folder = Path(tempfile.mkdtemp())
            self._folder.chmod(0o755)
            shutil.copy(PACKAGED, self._folder)
            self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "tests.support.launcher", str(self._folder)],
                    cwd=Path(__file__).parents[2],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                )
        return self._control


LAUNCHER = Launcher()
"""The one of all tests, which `conftest.py` ends."""


def main() -> None:
    """Fork a run for each request on descriptor 0; return in the run, and when no more can come."""
    folder = Path(sys.argv[1])
    for module in PRELOADED:
        if module != "spfwhite.__main__":
            __import__(module)
    for number in (signal.SIGINT, signal.SIGTERM):
        # in place of the interpreter's start, which no program can make end well
        signal.signal(number, lambda number, _: os._exit(128 + number))
    gc.freeze()
    control = socket.socket(fileno=os.dup(0))
    while True:
        request, descriptors, _, _ = socket.recv_fds(control, REQUEST, 4)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass  # a watcher whose run has ended
        if not request:
            return None
        if not os.fork():
            control.close()
            return _watch(folder, json.loads(request), *descriptors)
        for each in descriptors:
            os.close(each)


def _watch(folder: Path, request: Mapping[str, Any], line: int, *streams: int) -> None:
    """Fork the run and tell its process id; when asked, tell how it ended."""
    child = os.fork()
    if not child:
        os.close(line)
        for descriptor, stream in enumerate(streams):
            os.dup2(stream, descriptor)
            os.close(stream)
        return _run(folder, **request)
    os.write(line, b"%d" % child)
    os.read(line, 100)
    _, status, usage = os.wait4(child, 0)
    os.write(line, json.dumps([os.waitstatus_to_exitcode(status), usage.ru_maxrss]).encode())
    os._exit(0)


def _run(
    folder: Path,
    *,
    arguments: Sequence[str],
    change: Mapping[str, Any],
    env: Mapping[str, str],
    cwd: str,
    timeout: float,
) -> None:
    signal.setitimer(signal.ITIMER_REAL, timeout)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    sys.argv = ["spfwhite", *arguments]
    from spfwhite.cli import main as cli

    _become(Change(**change), folder)
    try:
        cli.main(prog_name="python -m spfwhite")
    except SystemExit as end:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        os._exit(int(end.code or 0))  # to take the interpreter down takes longer than most runs


def _become(change: Change, folder: Path) -> None:
    from spfwhite.config import loading as config

    if change.file_size is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (change.file_size, change.file_size))
    if change.user is not None:
        config.__file__ = str(
            folder / "config" / "loading.py"
        )  # below a copy of the packaged providers
        os.setgroups([])
        os.setgid(change.user)
        os.setuid(change.user)
    if change.system is not None:
        config.SYSTEM = Path(change.system)
        (config.load.__kwdefaults__ or {})["system"] = config.SYSTEM
    if change.fault:
        module, _, name = change.fault.partition(".")
        call = getattr(sys.modules[module], name)
        setattr(sys.modules[module], name, _failing(call, change))
    if change.hit:
        sys.settrace(_trap(change))


def _failing(call: Callable[..., Any], change: Change) -> Callable[..., Any]:
    made = 0

    def called(*arguments: Any, **more: Any) -> Any:
        nonlocal made
        made += sys._getframe(1).f_globals["__name__"] == "spfwhite.files"
        if made == change.at:
            made += 1  # once
            raise OSError(change.number, os.strerror(change.number))
        return call(*arguments, **more)

    return called


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
