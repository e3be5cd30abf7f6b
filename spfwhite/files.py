"""Files that are whole at every moment: the old content or the new, never a part.

Owns: atomic replacement. Refuses: to know what a file holds.
"""

from __future__ import annotations

import fcntl
import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

from spfwhite.errors import FileError, LockedError

LEFTOVER_AGE: Final = 3600.0
"""Seconds after which a temporary file must be that of a killed run."""

MAX_LINKS: Final = 40

_SUFFIX: Final = ".spfwhite-new"


def read_if_there(path: Path) -> bytes | None:
    """Return the content of a file, or None if there is none; raises FileError."""
    try:
        _require_regular(path)
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FileError(f"cannot read {path}: {_reason(error)}") from None


@contextmanager
def replacing(path: Path, content: bytes) -> Iterator[Path]:
    """Put `content` at `path` when the block ends well; yield the finished temporary file.

    The temporary file is in the same folder, and gone if the block raises. Mode and owner of the
    old file are kept; a new one is readable by all and owned as its folder is. Raises FileError.
    """
    try:
        with suppress(FileNotFoundError):
            _require_regular(path)
        _sweep(path)
        temporary = _written(path, content)
        try:
            yield temporary
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except OSError as error:
        raise FileError(f"cannot write {path}: {_reason(error)}") from None


def destination(path: Path) -> Path:
    """Return where a write to `path` goes: a symlink is followed once, if that is safe.

    Raises FileError for a dangling link, and where a folder on the way is writable by others than
    root and the caller: they could lead the write to any file.
    """
    try:
        return _followed(path)
    except OSError as error:
        raise FileError(f"cannot look at {path}: {_reason(error)}") from None


def _followed(path: Path) -> Path:
    if not path.is_symlink():
        return path
    hops = _hops(path)
    if hops[-1].is_symlink():
        raise FileError(f"{path} is a symlink that leads in a circle")
    for hop in hops:
        for folder in (hop.parent.resolve(), *hop.parent.resolve().parents):
            if _writable_by_others(folder):
                raise FileError(
                    f"{path} is a symlink, and {folder} on its way is writable by others; "
                    "name the file itself"
                )
    target = path.resolve()
    if not target.exists():
        raise FileError(f"{path} is a symlink to {target}, which does not exist")
    return target


def _hops(path: Path) -> list[Path]:
    """Return each link on the way and the end of it."""
    hops = [path]
    while hops[-1].is_symlink() and len(hops) < MAX_LINKS:
        hops.append(hops[-1].parent / hops[-1].readlink())
    return hops


def _writable_by_others(folder: Path) -> bool:
    status = folder.stat()
    if status.st_uid not in (0, os.geteuid()):
        return True
    group = status.st_mode & stat.S_IWGRP and status.st_gid != 0
    return bool(group or status.st_mode & stat.S_IWOTH)


def _require_regular(path: Path) -> None:
    """Raise FileError for a device or a pipe: to read one hangs, to replace one harms."""
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):  # a folder is an error by itself
        raise FileError(f"{path} is not a regular file, and is neither read nor replaced")


def require_writable(path: Path) -> None:
    """Raise FileError if a file at `path` could not be written: said before the work is done."""
    with suppress(FileNotFoundError):
        _require_regular(path)
    if path.is_dir():
        raise FileError(f"cannot write {path}: Is a directory")
    require_folder(path)
    if not os.access(path.parent, os.W_OK):
        raise FileError(f"cannot write {path}: the folder {path.parent} is not writable")


def require_folder(path: Path) -> None:
    """Raise FileError if there is no folder for a file at `path`."""
    try:
        is_there = path.parent.is_dir()
    except OSError as error:
        raise FileError(f"cannot look at {path.parent}: {_reason(error)}") from None
    if not is_there:
        raise FileError(f"cannot write {path}: there is no folder {path.parent}")


def make_folder(folder: Path) -> None:
    """Make a folder whose parent exists; raises FileError."""
    try:
        folder.mkdir(mode=0o755, exist_ok=True)
    except OSError as error:
        raise FileError(f"cannot make the folder {folder}: {_reason(error)}") from None


def move(path: Path, to: Path) -> None:
    """Rename a file; raises FileError."""
    try:
        path.replace(to)
    except OSError as error:
        raise FileError(f"cannot move {path} to {to}: {_reason(error)}") from None


@contextmanager
def lock(path: Path, wait: float) -> Iterator[None]:
    """Hold an exclusive lock, which the kernel releases if the process dies.

    Waits `wait` seconds at most; raises LockedError and FileError. The file is never removed: who
    waits for it would hold another one.
    """
    try:
        # read access is enough for flock, so a lock that root made serves a service user too
        descriptor = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise FileError(f"cannot open the lock {path}: {_reason(error)}") from None
    try:
        _take(descriptor, path, wait)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, path: Path, wait: float) -> None:
    until = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= until:
                raise LockedError(f"another run of spfwhite holds {path}") from None
            time.sleep(0.1)


def replace(path: Path, content: bytes) -> None:
    """Put `content` at `path` atomically; raises FileError."""
    with replacing(path, content):
        pass


def _written(path: Path, content: bytes) -> Path:
    with NamedTemporaryFile(
        dir=path.parent, prefix=f".{path.name}.", suffix=_SUFFIX, delete=False
    ) as file:
        try:
            file.write(content)
            file.flush()
            _adopt(file.fileno(), path)
            os.fsync(file.fileno())
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
    return Path(file.name)


def _adopt(descriptor: int, path: Path) -> None:
    """Give a new file the mode and owner of the one it replaces, or the owner of the folder."""
    try:
        old = path.stat()
        mode = old.st_mode & 0o777  # root must not make a set-uid file where others can write
    except FileNotFoundError:
        old = path.parent.stat()
        mode = 0o644
    mine = os.fstat(descriptor)
    if (old.st_uid, old.st_gid) != (mine.st_uid, mine.st_gid):
        with suppress(PermissionError):  # only root can give files away
            os.fchown(descriptor, old.st_uid, old.st_gid)
    os.fchmod(descriptor, mode)


def _sweep(path: Path) -> None:
    """Remove what killed runs left behind."""
    oldest = time.time() - LEFTOVER_AGE
    made = re.compile(rf"\.{re.escape(path.name)}\.[a-z0-9_]{{8}}{re.escape(_SUFFIX)}")
    for leftover in path.parent.iterdir():
        if made.fullmatch(leftover.name):
            with suppress(FileNotFoundError):
                if leftover.lstat().st_mtime < oldest:
                    leftover.unlink()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
