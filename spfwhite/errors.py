"""What stops a run, and the exit codes of the command line.

Owns: every exception that leaves the package. Refuses: what a module raises for itself alone.
"""

from enum import IntEnum
from typing import ClassVar


class Exit(IntEnum):
    """The exit codes of the command line."""

    OK = 0
    ERROR = 1
    USAGE = 2
    DEGRADED = 3
    REFUSED = 4
    NOT_RELOADED = 5
    LOCKED = 6


class SpfwhiteError(Exception):
    """What stops a run: a sentence for people, and how the command line ends then."""

    exit_code: ClassVar[Exit] = Exit.ERROR


class ConfigError(SpfwhiteError):
    """A fault of the configuration; the text names file and key."""

    exit_code = Exit.USAGE


class UsageError(SpfwhiteError, ValueError):
    """Arguments or options that cannot be, or not with this configuration and state."""

    exit_code = Exit.USAGE


class LockedError(SpfwhiteError):
    """Another run holds the lock."""

    exit_code = Exit.LOCKED


class FileError(SpfwhiteError):
    """A file that cannot be read or written; the text has its path."""


class StateError(SpfwhiteError):
    """A state that cannot be used; the text continues "the state ..."."""


class SnapshotError(SpfwhiteError):
    """A snapshot that cannot be used."""


class NoNameServerError(SpfwhiteError):
    """Neither the configuration nor the system names a name server."""


class ProgramError(SpfwhiteError):
    """A program does not do what it was asked."""


class ReloadError(ProgramError):
    """The table is written, and Postfix did not reload."""

    exit_code = Exit.NOT_RELOADED
