"""spfwhite: the SPF records of well-known senders as an allowlist for Postfix's postscreen.

`resolve` gives what domains pass; `generate` makes a run as the command line does, with what
`load_config` read; both have a twin for event loops. What stops them is a `SpfwhiteError`, all
kinds of which are in `spfwhite.errors`. They are loaded when they are first used: a program that
asks for the version pays nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from spfwhite._version import __version__
from spfwhite.errors import SpfwhiteError

if TYPE_CHECKING:
    from spfwhite.config.settings import Config
    from spfwhite.library import Result, Results, load_config, resolve, resolve_async
    from spfwhite.networks import Networks
    from spfwhite.report.report import Report
    from spfwhite.run import generate, generate_async
    from spfwhite.spf.result import Problem

__all__ = [
    "Config",
    "Networks",
    "Problem",
    "Report",
    "Result",
    "Results",
    "SpfwhiteError",
    "__version__",
    "generate",
    "generate_async",
    "load_config",
    "resolve",
    "resolve_async",
]

_RUN: Final = {"Report", "generate", "generate_async"}
"""Names that `spfwhite.run` has; the others are in `spfwhite.library`, which is loaded sooner."""


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'spfwhite' has no attribute {name!r}")
    if name in _RUN:
        from spfwhite import run

        return getattr(run, name)
    from spfwhite import library

    return getattr(library, name)
