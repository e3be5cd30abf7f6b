"""Standard output and standard error, which may be full or closed, or have lost their reader.

Owns: that the work goes on then, what is said about it, and the exit code. Refuses: to print.
"""

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from spfwhite.errors import Exit


class InPlace(SystemExit):
    """Ends a run whose table is in place, so that no exit code may say that it was not touched."""


class _Stream(io.FileIO):
    """A standard stream that keeps its first fault; from then on it takes all and drops it."""

    fault: OSError | None = None

    def write(self, content: Any) -> int:
        if self.fault is None:
            try:
                return os.write(self.fileno(), content)
            except OSError as fault:
                self.fault = fault
        return len(content)


@contextmanager
def unfailing() -> Iterator[None]:
    """Have the block write to streams that never fail; its exit code tells what was lost.

    Without this the interpreter, which flushes at its very end, complains and exits with 120.
    """
    if sys.stdout is not sys.__stdout__:
        yield  # somebody has put a stream of his own in its place
        return
    _fill_closed()
    before = sys.stdout, sys.stderr
    output, error = _Stream(1, "w", closefd=False), _Stream(2, "w", closefd=False)
    sys.stdout, sys.stderr = _text(output, sys.stdout), _text(error, sys.stderr)
    try:
        yield
    except SystemExit as end:
        sys.stdout.flush()
        if output.fault is None:
            raise
        if output.fault.errno != errno.EPIPE:  # whose reader has seen enough
            is_closed = output.fault.errno == errno.EBADF
            why = "it is closed" if is_closed else output.fault.strerror
            sys.stderr.write(f"spfwhite: cannot write to standard output: {why}\n")
        raise SystemExit(_code(end, output.fault)) from None
    finally:
        sys.stdout, sys.stderr = before


def _fill_closed() -> None:
    # or the next file that is opened gets the place of a closed stream; reading from what takes it,
    # or writing to it, fails as before
    for number, mode in enumerate((os.O_WRONLY, os.O_RDONLY, os.O_RDONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)


def _text(stream: _Stream, before: TextIO | None) -> TextIO:
    encoding, errors = (before.encoding, before.errors) if before else (None, None)
    return io.TextIOWrapper(io.BufferedWriter(stream), encoding, errors, line_buffering=True)


def _code(end: SystemExit, fault: OSError) -> Any:
    if not isinstance(end, InPlace):
        return Exit.ERROR
    return end.code or (Exit.OK if fault.errno == errno.EPIPE else Exit.DEGRADED)
