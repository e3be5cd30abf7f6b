"""What of the operator's own files has no effect, since another key has the last word.

Owns: these notes of `spfwhite check`. Refuses: which value counts (`spfwhite.config.loading`).
"""

from collections.abc import Iterable
from typing import Any

from spfwhite.config.overlay import Overlay
from spfwhite.config.settings import Config
from spfwhite.inspect.finding import Finding, Findings


def notes(overlays: Iterable[Overlay], config: Config) -> Findings:
    """Yield a note on each value that a later overlay replaces, and on switches without effect."""
    said: dict[str, tuple[str, Any]] = {}
    for overlay in overlays:
        providers = {f"providers.{name}": keys for name, keys in overlay.providers.items()}
        tables = (overlay.tables | providers).items()
        values = {f"{table}.{key}": value for table, keys in tables for key, value in keys.items()}
        for name, value in values.items():
            file, before = said.get(name, (overlay.file, value))
            if before != value and name != "safety.exclude":  # which is the union of all
                text = f"{name} of {file} is overridden by {overlay.file}"
                advice = "take out the one that is not to count"
                yield Finding("note", "configuration", text, advice)
            said[name] = overlay.file, value
    for provider in config.providers:
        file, is_on = said.get(f"providers.{provider.name}.enabled", ("", False))
        if is_on and not config.categories.get(provider.category, True):
            text = f"`enabled = true` in [providers.{provider.name}] of {file} has no effect"
            why = f"its category is off: {config.switch(provider.category)}"
            yield Finding("note", "configuration", text, why)
