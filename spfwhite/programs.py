"""Programs of others: where they are, and running one to its end.

Owns: the search beyond cron's PATH, the time limit. Refuses: to run anything through a shell.
"""

import os
import subprocess
from collections.abc import Sequence
from typing import IO, Final

from spfwhite.errors import ProgramError

TIMEOUT: Final = 60.0  # seconds that one program may take

# Where programs are looked for after PATH: cron's holds /usr/bin and /bin only.
FOLDERS: Final = ("/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin", "/bin", "/sbin")

Done = subprocess.CompletedProcess[str]


def search_path() -> str:
    """Return where programs are looked for, as PATH has it."""
    return os.pathsep.join([os.environ.get("PATH", ""), *FOLDERS])


def found(program: str) -> str | None:
    """Return the path of a program, None where there is none."""
    from shutil import which  # with compression, 3 ms to import: most runs start no program

    return which(program, path=search_path())


def run(command: Sequence[str], text: str = "") -> Done:
    """Run a program, `text` on its input; raises ProgramError if it does not start or end."""
    from tempfile import TemporaryFile

    # its output goes to files: a child that it leaves behind would hold a pipe
    try:
        with TemporaryFile() as out, TemporaryFile() as err:
            done = subprocess.run(
                command, input=text.encode(), stdout=out, stderr=err, timeout=TIMEOUT
            )
            texts = [_content(file) for file in (out, err)]
        return subprocess.CompletedProcess(command, done.returncode, *texts)
    except subprocess.TimeoutExpired:
        raise ProgramError(f"{command[0]} did not end within {TIMEOUT:g} s") from None
    except OSError as error:
        raise ProgramError(f"cannot run {command[0]}: {error.strerror}") from None


def _content(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def require_success(done: Done, name: str) -> None:
    """Raise ProgramError if a program has failed."""
    if done.returncode != 0:
        raise ProgramError(f"{name} exited with {done.returncode}{said(done)}")


def said(done: Done) -> str:
    """Return the last line that a program printed, for the end of a sentence."""
    lines = (done.stderr or done.stdout).strip().splitlines()
    return f": {lines[-1]}" if lines else ""
