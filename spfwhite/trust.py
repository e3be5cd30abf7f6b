"""Where a path leads, and whether root may go there: nobody else may have put anything on its way.

Owns: the walk, and the rule. Refuses: to read and write.
"""

# The rule for root (any other user is only kept from following a third party's symlinks): the file
# and every folder above it belong to root, and neither their group nor others can write to them. A
# shared folder with the sticky bit, as /tmp, may be passed on the way to a folder of root's, for
# nobody can rename that; no file lies in it directly. Symlinks of root's are followed, each step
# under the same rule. Each folder is opened from the one above it and judged when it is open, so
# nothing changes between look and use.
#
# State, lock, tables and other data, but never configuration, may also lie below a folder that is
# wholly another account's, as /var/lib/spfwhite is the service's. That account is their keeper:
# files there may be its own, new ones become its own, and no symlink and no second name of root's
# file counts there.

import errno
import os
import pwd
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shlex import quote
from typing import Final

from spfwhite.errors import FileError

MAX_LINKS: Final = 40

# How a file is opened for reading: a pipe makes nobody wait.
READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

_PASS: Final = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Place:
    """Where a path leads: a folder, held open, and a name in it that is no symlink.

    `path` is the place without symlinks, `status` what is there, if anything is, and `owner` the
    status of the folder, whose owner new files get.
    """

    owner: os.stat_result

    def __init__(self, named: Path, *, data: bool) -> None:
        self._named, self._data, self._root = named, data, os.geteuid() == 0
        self._keeper: int | None = None
        self._shared = False
        self.folder: int | None = None
        self.path = Path("/")
        self.name = ""
        self.status: os.stat_result | None = None

    def go(self) -> None:
        """Walk to it; raises OSError, and FileError for what root does not trust."""
        names, links, last = [*reversed(self._named.absolute().parts)], 0, False
        while names:
            name = names.pop()
            status = self.look(name)
            if status and stat.S_ISLNK(status.st_mode):
                links, last = links + 1, last or not names
                if links > MAX_LINKS:
                    raise OSError(errno.ELOOP, "it is a symlink that leads in a circle")
                self._judge_link(status, self.path / name)
                names += reversed(Path(os.readlink(name, dir_fd=self.folder)).parts)
            elif names:
                self._enter(name)
            else:
                self._arrive(name, status)
        if last and not self.status:
            missing = f"it is a symlink to {self.path}, which does not exist"
            raise FileNotFoundError(errno.ENOENT, missing)

    def look(self, name: str) -> os.stat_result | None:
        """Return what a name in the folder is, if there is one."""
        with suppress(FileNotFoundError):
            return os.stat(name, dir_fd=self.folder, follow_symlinks=False)
        return None

    def _enter(self, name: str) -> None:
        try:
            folder = os.open(name, _PASS, dir_fd=self.folder)
        except FileNotFoundError:
            missing = f"there is no folder {self.path / name}"
            raise FileNotFoundError(errno.ENOENT, missing) from None
        self.close()
        self.folder = folder
        self.path = self.path.parent if name == ".." else self.path / name
        self.owner = status = os.fstat(folder)
        if self._data and self._keeper is None and not self._shared:
            self._keeper = status.st_uid or None
        self._judge(status)
        self._shared = _is_shared(status)

    def _arrive(self, name: str, status: os.stat_result | None) -> None:
        is_folder = status and stat.S_ISDIR(status.st_mode)
        if self._root and self._shared and not is_folder:
            why = f"everybody can put files into {self.path}, so root uses none there"
            raise self._refusal(f"{why}; name a folder that only root can write")
        self.name, self.path, self.status = name, self.path / name, status

    def _judge_link(self, status: os.stat_result, link: Path) -> None:
        if status.st_uid not in (0, os.geteuid()):
            why = f"{link} is a symlink of {_user(status.st_uid)}, which is not followed"
            raise self._refusal(f"{why}; chown -h {_user(os.geteuid())} {quote(str(link))}")
        if self._root and self._keeper:
            whose = _user(self._keeper)
            raise self._refusal(f"root follows no symlink in a folder of {whose}, as {link} is")

    def _judge(self, status: os.stat_result) -> None:
        """Raise FileError for what others than root and the keeper own or can write."""
        if not self._root:
            return
        is_folder, owner = stat.S_ISDIR(status.st_mode), _user(status.st_uid)
        path = quote(str(self.path))
        if status.st_uid not in (0, self._keeper):
            is_home = _is_home(self.path, status.st_uid)
            mend = "move it to /etc/spfwhite" if is_home else f"chown root {path}"
            raise self._refusal(f"root uses nothing that the user {owner} put there; {mend}")
        if _is_shared(status) and not (is_folder and status.st_mode & stat.S_ISVTX):
            what = "others can write the folder" if is_folder else "others can write it"
            raise self._refusal(f"{what}, so root does not use it; chmod go-w {path}")
        if not is_folder and self._keeper and not status.st_uid and status.st_nlink > 1:
            whose = _user(self._keeper)
            raise self._refusal(f"root's file in a folder of {whose} has another name too")

    def _refusal(self, why: str) -> FileError:
        return FileError(f"{self._named}: {why}")

    def require_file(self, status: os.stat_result) -> None:
        """Raise OSError for a folder, and FileError for what is no file, or not for root."""
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, "it is a folder")
        # to read a device or a pipe hangs, to replace it harms
        if not stat.S_ISREG(status.st_mode):
            what = "is not a regular file, and is neither read nor replaced"
            raise FileError(f"{self._named} {what}")
        self._judge(status)

    def open(self, flags: int) -> int:
        """Return a descriptor of the file, judged when it is open; raises OSError and FileError."""
        if self.status:
            self.require_file(self.status)  # to open a device may already do something
        descriptor = os.open(self.name, flags, 0o600, dir_fd=self.folder)
        try:
            self.require_file(os.fstat(descriptor))
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def close(self) -> None:
        """Let go of the folder."""
        if self.folder is not None:
            os.close(self.folder)


@contextmanager
def place(path: Path, *, data: bool = True) -> Iterator[Place]:
    """Yield where a path leads; `data` may have a keeper. Raises OSError and FileError."""
    walk = Place(path, data=data)
    try:
        walk.go()
        yield walk
    finally:
        walk.close()


def _is_shared(status: os.stat_result) -> bool:
    """Whether others than the owner can write; in the group of root there is but root."""
    group = status.st_mode & stat.S_IWGRP and status.st_gid
    return bool(group or status.st_mode & stat.S_IWOTH)


def _is_home(folder: Path, user: int) -> bool:
    """Whether a folder is its owner's home, to which he could not log in if it were root's."""
    with suppress(KeyError):
        return os.path.realpath(pwd.getpwuid(user).pw_dir) == str(folder)
    return False


def _user(number: int) -> str:
    with suppress(KeyError):
        return pwd.getpwuid(number).pw_name
    return str(number)
