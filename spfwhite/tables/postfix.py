"""Postfix's own programs: does it load the table, is it running, tell it to reload.

Owns: what they are asked and what their answers mean. Refuses: to take a skipped check for a passed
one: a main.cf without programs is an error.
"""

import math
import os
import shlex
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from spfwhite.errors import ProgramError
from spfwhite.programs import Done, found, require_success, run, said, search_path
from spfwhite.wording import printable

DEFAULT_FOLDER: Final = Path("/etc/postfix")

RELOADED: Final = "Postfix has the tables now"
NOT_RUNNING: Final = "Postfix does not run; it reads the tables when it starts"


class Started(NamedTuple):
    """When parts of Postfix started, in seconds since the epoch; inf: it does not run."""

    master: float  # or read master.cf anew
    postscreen: float  # the newest


class Postfix(NamedTuple):
    """One Postfix instance, by the folder of its main.cf (None: the default one)."""

    folder: Path | None = None

    def is_here(self) -> bool:
        """Whether this machine has a main.cf that one may look at."""
        return os.path.exists((self.folder or DEFAULT_FOLDER) / "main.cf")  # noqa: PTH110

    def verify(self, table: Path, expected: Mapping[str, str | None]) -> None:
        """Load a table as Postfix does and compare its answers; raises ProgramError.

        `expected` maps addresses to the action that the table must answer, None for no match.
        """
        asked = "".join(f"{address}\n" for address in expected)
        done = self._run("postmap", "-q", "-", f"cidr:{table.resolve()}", text=asked)
        for line in done.stderr.splitlines():  # other warnings are not about the table
            if str(table.resolve()) in line or "fatal:" in line:
                raise ProgramError(f"postmap does not accept the new table: {line.strip()}")
        if done.returncode not in (0, 1):  # 1: found nothing
            raise ProgramError(f"postmap exited with {done.returncode}{said(done)}")
        answers = dict(line.partition("\t")[::2] for line in done.stdout.splitlines())
        for address, action in expected.items():
            if answers.get(address) != action:
                got, wanted = answers.get(address) or "nothing", action or "nothing"
                raise ProgramError(f"postmap answers {got} for {address} instead of {wanted}")

    def is_running(self) -> bool:
        """Whether the master process of this instance runs; needs root. Raises ProgramError."""
        if self._run("postfix", "status").returncode == 0:
            return True
        # a faulty main.cf fails as silently: ask a program that says so
        asked = self._run("postmap", "-q", "x", "static:x")
        if self.is_here() and asked.returncode != 0:
            raise ProgramError(f"cannot ask whether Postfix runs{said(asked)}")
        return False

    def reload(self) -> str:
        """Make Postfix read its tables anew, if it runs; return what came or raise ProgramError."""
        if os.geteuid() != 0:
            raise ProgramError("`postfix reload` needs root; see postfix.reload_command")
        if not self.is_running():
            return NOT_RUNNING
        require_success(self._run("postfix", "reload"), "`postfix reload`")
        return RELOADED

    def started(self) -> Started | None:
        """Return since when it runs; None: only root, on Linux, can tell. Raises ProgramError."""
        folders = self.parameters("queue_directory", "process_id_directory")
        file = Path(folders["queue_directory"], folders["process_id_directory"], "master.pid")
        try:
            master = file.read_text().strip()
            booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
        except FileNotFoundError:
            return Started(math.inf, math.inf)
        except (OSError, AttributeError):
            return None
        times = _times(master)
        postscreen = times.get("postscreen", math.inf)
        if "master" not in times:  # the file outlives it
            return Started(math.inf, postscreen)
        # a reload replaces qmgr, which else lives as long as master
        read = max(times["master"], times.get("qmgr") or times.get("postscreen", 0))
        return Started(booted + read, booted + postscreen)

    def parameters(self, *names: str, expanded: bool = True) -> dict[str, str]:
        """Return main.cf parameters, all if none is named; unknown ones are left out.

        `expanded`: with the values of what they name. Raises ProgramError.
        """
        return dict(_pair(line) for line in self._postconf(*(["-x"] if expanded else []), *names))

    def overrides(self, *, expanded: bool = True) -> dict[str, dict[str, str]]:
        """Return what `-o` in master.cf sets, by service (`smtp/inet`); raises ProgramError."""
        found: dict[str, dict[str, str]] = {}
        for line in self._postconf("-Px" if expanded else "-P"):
            key, value = _pair(line)
            service, _, name = key.rpartition("/")
            found.setdefault(service, {})[name] = value
        return found

    def services(self) -> list[list[str]]:
        """Return the lines of master.cf, each as its fields; raises ProgramError."""
        return [line.split(None, 7) for line in self._postconf("-M")]

    def table_types(self) -> list[str]:
        """Return the types of tables that it can open; raises ProgramError."""
        return self._postconf("-m")

    def command(self, *arguments: str) -> str:
        """Return the line to type: postconf and a reload; "" if a shell would get another one."""
        folder = ["-c", str(self.folder)] if self.folder else []
        lines = ["postconf", *folder, *arguments], ["postfix", *folder, "reload"]
        line = " && ".join(map(shlex.join, lines))
        return line if printable(line) == line else ""

    def _postconf(self, *arguments: str) -> list[str]:
        done = self._run("postconf", *arguments)
        require_success(done, "postconf")
        return done.stdout.splitlines()

    def _run(self, program: str, *arguments: str, text: str = "") -> Done:
        path = found(program)
        if path is None:
            raise ProgramError(f"there is a main.cf, but no program {program} in {search_path()}")
        folder = ["-c", str(self.folder.resolve())] if self.folder else []
        return run([path, *folder, *arguments], text)


def reload_by(command: Sequence[str]) -> str:
    """Run the operator's own reload command; return what came of it, or raise ProgramError."""
    require_success(run(command), command[0])
    return RELOADED


def _times(process: str) -> dict[str, float]:
    """Return when a process and its newest children started, by name, in seconds since the boot."""
    times: dict[str, float] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has just ended
            head, _, tail = path.read_text(errors="replace").rpartition(")")
            number, _, name = head.partition(" (")
            fields = tail.split()  # state, parent, ..., start in ticks
            if process in (number, fields[1]):
                start = int(fields[19]) / os.sysconf("SC_CLK_TCK")
                times[name] = max(start, times.get(name, 0))
    return times


def _pair(line: str) -> tuple[str, str]:
    name, _, value = line.partition("=")
    return name.strip(), value.strip()
