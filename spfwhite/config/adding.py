"""A provider that is added by hand: its block of TOML, and the file of its own.

Owns: `90-added.toml`, to which blocks are appended and nothing else is done. Refuses: to write what
`spfwhite.config.load` would not load.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from spfwhite import files
from spfwhite.config import loading as config
from spfwhite.config.settings import Config
from spfwhite.errors import ConfigError

FILE: Final = Path("providers.d") / "90-added.toml"

HEAD: Final = "# Providers added by `spfwhite add`; edit or remove them here.\n"


@dataclass(frozen=True, slots=True)
class Addition:
    """A provider to be added; `networks` are texts as an operator writes them."""

    name: str
    domains: Sequence[str]
    networks: Sequence[str]
    category: str
    expires: date | None

    def block(self) -> str:
        """Return the TOML of the provider."""
        lines = [f"[providers.{self.name}]", f"category = {json.dumps(self.category)}"]
        if self.domains:
            lines.append(f"domains = {json.dumps(list(self.domains))}")
        if self.networks:
            lines.append(f"networks = {json.dumps(list(self.networks))}")
        if self.expires:
            lines.append(f"expires = {self.expires.isoformat()}")
        return "\n".join(lines) + "\n"


def unused_name(wanted: str, taken: Collection[str]) -> str:
    """Return a provider name made from a domain or network, with a number if it is taken."""
    base = re.sub(r"[^a-z0-9]+", "-", wanted.lower()).strip("-") or "added"
    names = [base, *(f"{base}-{number}" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)


def obstacle(configured: Config, addition: Addition, today: date) -> str:
    """Return why a provider must not be added, as a sentence; "" if it may.

    One that would be off from the first day would leave the mail that waits where it is.
    """
    off = {each.name: configured.why_off(each, today) for each in configured.providers}
    for holder in sorted(configured.providers, key=lambda each: bool(off[each.name])):
        for domain in (each for each in addition.domains if each in holder.domains):
            if why := off[holder.name]:
                return f"provider {holder.name} has {domain} but is off: {why}"
            return f"{holder.name} in {holder.defined_in} has that domain already"
    if addition.expires and addition.expires < today:
        return f"nothing was added: --expires {addition.expires} is over"
    if not configured.categories.get(addition.category, True):
        switch = configured.switch(addition.category)
        return f"nothing was added: category {addition.category} is off: {switch}"
    return ""


def append(addition: Addition, system: Path) -> Path:
    """Add the block to the file of its own below `system` and return its path.

    Raises FileError, and ConfigError if the configuration would not load with it; the file is as it
    was then.
    """
    path = system / FILE
    for folder in (system, path.parent):
        files.make_folder(folder)
    with files.lock(path.with_name(f".{path.name}.lock"), 10):
        old = files.read_if_there(path)
        files.replace(path, (old or HEAD.encode()) + b"\n" + addition.block().encode())
        try:
            config.load(system=system)
        except ConfigError:
            _restore(path, old)
            raise
    return path


def _restore(path: Path, old: bytes | None) -> None:
    if old is None:
        path.unlink()
    else:
        files.replace(path, old)
