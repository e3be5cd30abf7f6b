"""Files that are whole at every moment: the old content or the new, never a part.

Owns: atomic replacement. Refuses: to know what a file holds.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

LEFTOVER_AGE: Final = 3600.0
"""Seconds after which a temporary file must be that of a killed run."""

_SUFFIX: Final = ".spfwhite-new"


class FileError(Exception):
    """A file that cannot be read or written; the text is a sentence with its path."""


def read_if_there(path: Path) -> bytes | None:
    """Return the content of a file, or None if there is none; raises FileError."""
    try:
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
    temporary: Path | None = None
    try:
        _sweep(path)
        temporary = _written(path, content)
        yield temporary
        temporary.replace(path)
        temporary = None
        _sync_folder(path.parent)
    except OSError as error:
        raise FileError(f"cannot write {path}: {_reason(error)}") from None
    finally:
        if temporary:
            temporary.unlink(missing_ok=True)


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
        mode = stat.S_IMODE(old.st_mode)
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
    for leftover in path.parent.glob(f".{path.name}.*{_SUFFIX}"):
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
