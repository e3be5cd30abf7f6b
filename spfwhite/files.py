"""Files that are whole at every moment: the old content or the new, never a part.

Owns: reading, atomic replacement, the lock. Refuses: to judge where a file lies (`spfwhite.trust`).
"""

import fcntl
import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from spfwhite.errors import FileError, LockedError
from spfwhite.trust import READ, Place, place

LEFTOVER_AGE: Final = 3600.0  # seconds after which a temporary file must be that of a killed run

AS_ROOT: Final = "; run it as root, or as the owner of that folder"

_SUFFIX: Final = ".spfwhite-new"


@contextmanager
def _saying(what: str, advice: str = "") -> Iterator[None]:
    """Turn an OSError into a FileError; `advice` is for who is not root, where that is why."""
    try:
        yield
    except OSError as error:
        hint = advice if isinstance(error, PermissionError) and os.geteuid() else ""
        raise FileError(f"{what}: {error.strerror or error}{hint}") from None


def read(path: Path, *, data: bool) -> bytes:
    """Return what a file holds; raises OSError, and FileError for what root does not trust.

    `data`: it may have a keeper. What the caller has opened, as standard input, is read as it is.
    """
    is_open = str(path.parent) in ("/dev/fd", "/proc/self/fd") and path.name.isdecimal()
    if is_open or str(path) == "/dev/stdin":
        return path.read_bytes()
    with place(path, data=data) as there, os.fdopen(there.open(READ), "rb") as file:
        return file.read()


def read_if_there(path: Path) -> bytes | None:
    """Return the content of a data file, or None if there is none; raises FileError."""
    with _saying(f"cannot read {path}"), suppress(FileNotFoundError):
        return read(path, data=True)
    return None


def names_in(folder: Path) -> list[str]:
    """Return the sorted names in a folder of configuration; raises OSError and FileError."""
    with place(folder / "*.toml", data=False) as there:
        return sorted(os.listdir(there.path.parent))  # noqa: PTH208


class Replacement:
    """A file that is finished, and on the disk, beside the one whose place it is to take."""

    def __init__(self, path: Path, there: Place) -> None:
        self.path, self._there = path, there

    def put(self) -> None:
        """Take the place of the old file; raises FileError."""
        with _saying(f"cannot write {self._there.path}"):
            folder = self._there.folder
            os.rename(self.path.name, self._there.name, src_dir_fd=folder, dst_dir_fd=folder)

    def sync(self) -> None:
        """Have the name on the disk too; raises FileError."""
        with _saying(f"{self._there.path} is in place, but may not outlast a power cut"):
            descriptor = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


@contextmanager
def replacement(path: Path, content: bytes) -> Iterator[Replacement]:
    """Yield the finished temporary file, which is gone after the block unless it was put in place.

    Mode and owner stay; a new file is readable by all and owned as its folder. Raises FileError.
    """
    with ExitStack() as stack:
        with _saying(f"cannot write {path}"):
            there = stack.enter_context(place(path))
            if there.status:
                there.require_file(there.status)
            _sweep(there)
            temporary = f".{there.name}.{os.urandom(4).hex()}{_SUFFIX}"
            stack.callback(_remove, temporary, there)
            _write(temporary, content, there)
        yield Replacement(there.path.with_name(temporary), there)


def replace(path: Path, content: bytes) -> None:
    """Put `content` at `path` atomically; raises FileError."""
    with replacement(path, content) as new:
        new.put()
        new.sync()


def _remove(temporary: str, there: Place) -> None:
    with suppress(OSError):  # which is gone, or swept by a later run
        os.unlink(temporary, dir_fd=there.folder)


def _write(temporary: str, content: bytes, there: Place) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with os.fdopen(os.open(temporary, flags, 0o600, dir_fd=there.folder), "wb") as file:
        file.write(content)
        file.flush()
        _give(file.fileno(), there.status or there.owner)
        # root must not make a set-uid file where others can write
        os.fchmod(file.fileno(), there.status.st_mode & 0o777 if there.status else 0o644)
        os.fsync(file.fileno())


def _give(descriptor: int, owner: os.stat_result) -> None:
    mine = os.fstat(descriptor)
    if (owner.st_uid, owner.st_gid) != (mine.st_uid, mine.st_gid):
        with suppress(PermissionError):  # only root can give files away
            os.fchown(descriptor, owner.st_uid, owner.st_gid)


def _sweep(there: Place) -> None:
    """Remove what killed runs left behind."""
    oldest = time.time() - LEFTOVER_AGE
    made = re.compile(rf"\.{re.escape(there.name)}\.[a-z0-9_]{{8}}{re.escape(_SUFFIX)}")
    for name in filter(made.fullmatch, os.listdir(there.path.parent)):  # noqa: PTH208
        status = there.look(name)
        if status and status.st_mtime < oldest:
            _remove(name, there)


def destination(path: Path) -> Path:
    """Return where a write to `path` goes, without symlinks; raises FileError, also if nowhere."""
    with _saying(f"cannot write {path}"), place(path) as there:
        return there.path


def require_writable(path: Path) -> None:
    """Raise FileError if a file at `path` could not be written: said before the work is done."""
    with _saying(f"cannot write {path}"), place(path) as there:
        if there.status:
            there.require_file(there.status)
        if not os.access(".", os.W_OK, dir_fd=there.folder):
            raise FileError(f"cannot write {path}: the folder {path.parent} is not writable")


def make_folder(folder: Path) -> None:
    """Make a folder whose parent exists; raises FileError."""
    with _saying(f"cannot make the folder {folder}", AS_ROOT), place(folder) as there:
        if not (there.status and stat.S_ISDIR(there.status.st_mode)):
            os.mkdir(there.name, 0o755, dir_fd=there.folder)


def move(path: Path, to: Path) -> None:
    """Rename a file; raises FileError."""
    with _saying(f"cannot move {path} to {to}"), place(path) as old, place(to) as new:
        os.rename(old.name, new.name, src_dir_fd=old.folder, dst_dir_fd=new.folder)


@contextmanager
def lock(path: Path, wait: float) -> Iterator[None]:
    """Hold an exclusive lock, waiting `wait` seconds at most; raises LockedError and FileError."""
    # The kernel releases it if the process dies. The file is never removed: who waits for it would
    # hold another one.
    with ExitStack() as stack:
        with _saying(f"cannot open the lock {path}", AS_ROOT), place(path) as there:
            # read access is enough for flock
            descriptor = there.open(READ | os.O_CREAT)
            stack.callback(_let_go, descriptor)
            _shut(descriptor, there)
        _take(descriptor, path, wait)
        yield


def _let_go(lock: int) -> None:
    with suppress(OSError):  # there is nothing to lose, and a table may be in place
        os.close(lock)


def _shut(descriptor: int, there: Place) -> None:
    """Let none but root and the owner of the folder open a lock: who can, can hold it for ever."""
    # one that an earlier version made can be read by all; one that holds anything is no lock
    status = os.fstat(descriptor)
    if os.geteuid() in (0, status.st_uid) and not status.st_size:
        _give(descriptor, there.owner)
        os.fchmod(descriptor, 0o600)


def _take(descriptor: int, path: Path, wait: float) -> None:
    until = time.monotonic() + wait
    with _saying(f"cannot lock {path}"):
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() >= until:
                    raise LockedError(
                        f"another run of spfwhite is under way (it holds {path}): try again"
                    ) from None
                time.sleep(0.1)
