"""spfwhite: the SPF records of well-known senders as an allowlist for Postfix's postscreen.

`resolve` and `resolve_async` give what domains pass; `generate` makes a run as the command line
does; what stops them is a `SpfwhiteError`. They are loaded when they are first used: a program
that asks for the version pays nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spfwhite._version import __version__
from spfwhite.errors import SpfwhiteError

if TYPE_CHECKING:
    from spfwhite.library import Result as Result
    from spfwhite.library import Results as Results
    from spfwhite.library import resolve as resolve
    from spfwhite.library import resolve_async as resolve_async
    from spfwhite.run import generate as generate

__all__ = [
    "Result",
    "Results",
    "SpfwhiteError",
    "__version__",
    "generate",
    "resolve",
    "resolve_async",
]


def __getattr__(name: str) -> Any:
    if name == "generate":
        from spfwhite.run import generate

        return generate
    if name in __all__:
        from spfwhite import library

        return getattr(library, name)
    raise AttributeError(f"module 'spfwhite' has no attribute {name!r}")
