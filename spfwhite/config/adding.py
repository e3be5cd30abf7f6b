"""A provider that is added or taken off by command: its block of TOML, in a file of its own.

Owns: which provider may be added, and `90-added.toml`: blocks are appended to it, and those that
were appended are taken out again. Refuses: to write what `spfwhite.config.load` would not load.
"""

import re
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from spfwhite import files
from spfwhite.config import config_file
from spfwhite.config.loading import ADDED, load_with
from spfwhite.config.overlay import read_overlay
from spfwhite.config.settings import Config
from spfwhite.config.writing import table
from spfwhite.errors import UsageError
from spfwhite.networks import EMPTY
from spfwhite.special_use import barred
from spfwhite.wording import few, printable

CATEGORY: Final = "added"  # of a provider that is put on alone

HEAD: Final = "# Written by `spfwhite add` and `spfwhite remove`; you may edit it.\n"


class Addition(NamedTuple):
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


def had(names: Collection[str], configured: Config, today: date) -> dict[str, str]:
    """Return which of some domains and provider names are configured already, each with where."""
    off = {provider.name: configured.why_off(provider, today) for provider in configured.providers}
    found: dict[str, str] = {}
    for holder in sorted(configured.providers, key=lambda provider: bool(off[provider.name])):
        provider, why = f"provider {holder.name}", off[holder.name]
        table = "" if holder.action == "permit" else ", on the reject table"
        see = f"`spfwhite providers {holder.name}` shows what is listed of it"
        for name in names:
            if name == holder.name:
                found[name] = f"{provider} is {f'off: {why}' if why else f'there already; {see}'}"
            elif name in holder.domains:
                on = f"{provider} has {name} already{table}; {see}"
                then = f"{provider} has {name} but is off: {why}; then `spfwhite generate --reload`"
                found.setdefault(name, then if why else on)
    return found


def check(addition: Addition, configured: Config) -> None:
    """Raise ConfigError if a provider would not load, and UsageError if there is no use in it."""
    # one that would be off from the first day would leave the mail that waits where it is
    read = read_overlay(addition.block(), "what would be added", Path("/"))
    networks = read.providers[addition.name].get("networks", EMPTY)
    if special := networks & barred(configured.safety.special_use):
        named = few(special.texts(), 3)
        way = 'a provider in a file of your own, with `special_use = "keep"`, may list it'
        raise UsageError(f"nothing was added: {named} is for special use; {way}")
    if not configured.categories.get(addition.category, True):
        switch = configured.switch(addition.category)
        raise UsageError(f"nothing was added: category {addition.category} is off: {switch}")


def append(addition: Addition, system: Path) -> Path:
    """Add the block to the file of its own below `system` and return its path.

    Raises FileError, ConfigError if it would not load, and UsageError if the provider would be off
    all the same; then the file is as it was.
    """
    # what `remove` wrote of a provider of this name that is gone would make the file invalid
    name, block = addition.name, addition.block()
    return _edited(system, lambda old: f"{_without(_off(name), old)}\n{block}", name)


def remove(name: str, system: Path) -> Path:
    """Take out what `add` wrote of a provider, or else switch it off; as `append`."""

    def edit(old: str) -> str:
        head = f"[providers.{name}]\n"
        is_here = any(block.startswith(head) for block in _blocks(old))
        return _without(head, old) if is_here else f"{old}\n{_off(name)}"

    return _edited(system, edit)


class Switch(NamedTuple):
    """How a provider that is off is put on; `write` returns the file's path, as `append`."""

    provider: str
    said: str
    write: Callable[[], Path]


def switch_on(
    names: Collection[str], configured: Config, system: Path, expires: date | None
) -> Switch | None:
    """Return how a provider, so named or with all these domains, is put on, if a block can do it.

    One that only its category keeps off gets another category, and one that `remove` took off is
    put back. Raises FileError and ConfigError.
    """
    path, wanted = system / ADDED, {*names}
    blocks = _blocks(config_file.text(path) if path.exists() else "")
    meant = [it for it in configured.providers if wanted == {it.name} or wanted <= {*it.domains}]
    if not names or any(provider.enabled for provider in meant):
        return None
    for provider in meant:
        name, off = provider.name, _off(provider.name)
        keys: dict[str, Any] = {"expires": expires} if expires else {}
        written = {block.strip() for block in blocks if block.startswith(f"[providers.{name}]\n")}
        is_category_off = not configured.categories.get(provider.category, True)
        if is_category_off and provider.action == "permit" and written <= {off.strip()}:
            said = "is off with its category, and is put on alone"
            keys["category"] = CATEGORY
        elif not is_category_off and written == {off.strip()}:
            said = "was taken off by `spfwhite remove`, and is put back"
        else:
            continue
        block = table(f"providers.{name}", keys) if keys else ""
        write = partial(_edited, system, partial(_put_on, off, block), name)
        return Switch(name, f"provider {name} {said}", write)
    return None


def _put_on(off: str, block: str, old: str) -> str:
    return f"{_without(off, old)}\n{block}" if block else _without(off, old)


def _blocks(text: str) -> list[str]:
    return re.split(r"(?m)^(?=\[)", text)


def _without(head: str, text: str) -> str:
    return "".join(b for b in _blocks(text) if not b.startswith(head)).rstrip() + "\n"


def _off(name: str) -> str:
    return table(f"providers.{name}", {"enabled": False})


def _edited(system: Path, edit: Callable[[str], str], puts_on: str = "") -> Path:
    path = system / ADDED
    for folder in (system, path.parent):
        files.make_folder(folder)
    with files.lock(path.with_name(f".{path.name}.lock"), 10):
        old = config_file.text(path) if path.exists() else HEAD
        with files.replacement(path, edit(old).encode()) as new:
            # looked at before it takes its place, since with a file that does not load every run
            # would end at once: the folder may be one that root trusts no file in, another `add`
            # may have taken the name, or it was the last provider of a category that is named
            added = read_overlay(config_file.text(new.path), printable(str(path)), path.parent)
            config, today = load_with(added, system), datetime.now(UTC).date()
            for provider in config.providers:
                if provider.name == puts_on and (why := config.why_off(provider, today)):
                    raise UsageError(f"provider {puts_on} is still off: {why}")
            new.put()
            new.sync()
    return path
