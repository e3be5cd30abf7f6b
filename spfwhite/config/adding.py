"""A provider that is added by hand: its block of TOML, and the file of its own.

Owns: which provider may be added, and `90-added.toml`, to which blocks are appended and nothing
else is done. Refuses: to write what `spfwhite.config.load` would not load.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from spfwhite import files
from spfwhite.config import config_file
from spfwhite.config.overlay import read_overlay
from spfwhite.config.settings import Config
from spfwhite.config.writing import table
from spfwhite.errors import UsageError
from spfwhite.wording import printable

FILE: Final = Path("providers.d") / "90-added.toml"

HEAD: Final = "# Providers added by `spfwhite add`; edit or remove them here.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """A provider to be added; `networks` are texts as an operator writes them."""

    name: str
    domains: Sequence[str]
    networks: Sequence[str]
    category: str
    expires: date | None

    def block(self) -> str:
        """Return the TOML of the provider."""
        sources = {"domains": self.domains, "networks": self.networks, "expires": self.expires}
        given = {key: value for key, value in sources.items() if value}
        return table(f"providers.{self.name}", {"category": self.category, **given})


def check(addition: Addition, configured: Config, today: date) -> None:
    """Raise ConfigError if a provider would not load, and UsageError if there is no use in it.

    One that would be off from the first day would leave the mail that waits where it is.
    """
    read_overlay(addition.block(), "what would be added", Path("/"))
    off = {provider.name: configured.why_off(provider, today) for provider in configured.providers}
    for holder in sorted(configured.providers, key=lambda provider: bool(off[provider.name])):
        for domain in (domain for domain in addition.domains if domain in holder.domains):
            if why := off[holder.name]:
                raise UsageError(f"provider {holder.name} has {domain} but is off: {why}")
            raise UsageError(f"{holder.name} in {holder.defined_in} has that domain already")
    if addition.expires and addition.expires < today:
        raise UsageError(f"nothing was added: --expires {addition.expires} is over")
    if not configured.categories.get(addition.category, True):
        switch = configured.switch(addition.category)
        raise UsageError(f"nothing was added: category {addition.category} is off: {switch}")


def append(addition: Addition, system: Path) -> Path:
    """Add the block to the file of its own below `system` and return its path.

    Raises FileError, and ConfigError if the file would not load; then it is as it was.
    """
    path = system / FILE
    for folder in (system, path.parent):
        files.make_folder(folder)
    with files.lock(path.with_name(f".{path.name}.lock"), 10):
        old = files.read_if_there(path) or HEAD.encode()
        with files.replacement(path, old + b"\n" + addition.block().encode()) as new:
            # looked at before it takes its place, since with a file that does not load every run
            # would end at once: the folder may be one that root trusts no file in, or another
            # `add` may have taken the name
            read_overlay(config_file.text(new.path), printable(str(path)), path.parent)
            new.put()
            new.sync()
    return path
