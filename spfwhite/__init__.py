"""spfwhite: the SPF records of well-known senders as an allowlist for Postfix's postscreen.

`resolve` gives what domains pass; `generate` makes a run as the command line does, with what
`load_config` read; both have a twin for event loops. What stops them is a `SpfwhiteError` (see
`spfwhite.errors`). They are loaded when first used: who asks for the version pays nothing.
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

# Names that `spfwhite.run` has; the others are in `spfwhite.library`, which is loaded sooner.
_RUN: Final = {"Report", "generate", "generate_async"}


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'spfwhite' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module("spfwhite.run" if name in _RUN else "spfwhite.library"), name)
