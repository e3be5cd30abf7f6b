"""The configuration: `providers.toml` and its overlays, merged to frozen dataclasses.

Owns: which files are read, which of them wins, and what only the whole can tell: effective
switches, inherited values, providers that name nothing.
Refuses: to read the environment, and to guess; every fault is a ConfigError.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from spfwhite.config.config_file import Files, listed
from spfwhite.config.overlay import Overlay, did_you_mean, read_overlay
from spfwhite.config.settings import SETTINGS, Config, Provider, Table, set_name
from spfwhite.config.values import parse_domain, shown
from spfwhite.errors import ConfigError
from spfwhite.networks import Networks, parse_operator
from spfwhite.wording import printable

DEFAULTS = "providers.toml"
SYSTEM = Path("/etc/spfwhite")
OUTPUTS = ("allow", "reject")
"""The keys of `[output]` that name postscreen's tables."""

Keys = dict[str, Any]


def load(path: Path | None = None, *, system: Path = SYSTEM) -> Config:
    """Return the packaged defaults, overlaid key by key.

    The overlays are `system/providers.toml` and `system/providers.d/*.toml` in name order, or,
    if given, the file at path alone. A later file wins; `safety.exclude` is the union of all.
    Raises ConfigError.
    """
    files = Files(root_owned=path is None)
    paths = system_files(system) if path is None else [path]
    overlays = [
        read_overlay(files.text(file), printable(str(file)), file.absolute().parent)
        for file in paths
    ]
    overlays.insert(0, _packaged())
    tables = _merged_tables(overlays)
    keys = _merged_providers(overlays)
    _refuse_unused_categories(overlays, keys, tables["provider_defaults"])
    tables["output"]["tables"] = _output_tables(overlays, tables, keys)
    _refuse_shared_paths(overlays, tables)
    _refuse_missing_main_cf(overlays, tables["postfix"]["config_directory"])
    categories = {name: on for overlay in overlays for name, on in overlay.categories.items()}
    return Config(
        **{name: table(**tables[name]) for name, table in SETTINGS.items()},
        categories=MappingProxyType(categories),
        providers=tuple(_provider(name, keys, tables, categories, files) for name in sorted(keys)),
    )


def _packaged() -> Overlay:
    # importlib.resources would cost 10 ms to import, for packages in archives, which this is not
    file = Path(__file__).parents[1] / DEFAULTS
    return read_overlay(file.read_text("utf-8"), printable(str(file)), file.parent)


def system_files(system: Path) -> list[Path]:
    # listed before opened: a file that is there but unreadable must not pass for a missing one
    main = [system / name for name in listed(system) if name == DEFAULTS]
    folder = system / "providers.d"
    return main + [
        folder / name
        for name in listed(folder)
        if name.endswith(".toml") and not name.startswith(".")
    ]


def _setter(overlays: Sequence[Overlay], table: str, key: str) -> int:
    """Return the index of the overlay whose value of a key counts: the last one that has it."""
    return max(at for at, overlay in enumerate(overlays) if key in overlay.tables.get(table, ()))


def _merged_tables(overlays: Iterable[Overlay]) -> dict[str, Keys]:
    merged: dict[str, Keys] = {}
    exclude = []
    for overlay in overlays:
        for table, keys in overlay.tables.items():
            merged.setdefault(table, {}).update(keys)
        exclude.append(overlay.tables.get("safety", {}).get("exclude", Networks()))
    # to lose an exclusion by adding another would widen the list
    merged["safety"]["exclude"] = Networks.union(exclude)
    return merged


def _merged_providers(overlays: list[Overlay]) -> dict[str, Keys]:
    """Return each provider's keys, without the packaged ones if a file says so."""
    if not all(overlay.defaults for overlay in overlays):
        overlays = overlays[1:]
    merged: dict[str, Keys] = {}
    for overlay in overlays:
        for name, keys in overlay.providers.items():
            merged.setdefault(name, {}).update(keys, defined_in=overlay.file)
    return merged


def _provider(
    name: str,
    providers: Mapping[str, Keys],
    tables: Mapping[str, Keys],
    categories: Mapping[str, bool],
    files: Files,
) -> Provider:
    keys = tables["provider_defaults"] | providers[name]
    _refuse_nameless(name, keys, providers)
    domains, networks = keys["domains"], keys["networks"]
    if file := keys["domains_file"]:
        domains += files.entries(file, parse_domain)
    if file := keys["networks_file"]:
        networks = Networks.union([networks, *files.entries(file, parse_operator)])
    _refuse_plain_http(name, keys)
    inherited = keys["special_use"] == "inherit"
    keys |= {
        "name": name,
        "enabled": keys["enabled"] and categories.get(keys["category"], True),
        "domains": tuple(dict.fromkeys(domains)),
        "networks": networks,
        "special_use": tables["safety"]["special_use"] if inherited else keys["special_use"],
    }
    return Provider(**keys)


def _output_tables(
    overlays: list[Overlay], tables: Mapping[str, Keys], providers: Mapping[str, Keys]
) -> tuple[Table, ...]:
    """Return the further tables; a name that is nobody's would leave one empty in silence."""
    file = overlays[_setter(overlays, "output", "tables")].file
    everybody = {name: tables["provider_defaults"] | keys for name, keys in providers.items()}
    known = {"providers": set(providers)}
    known["categories"] = {keys["category"] for keys in everybody.values()}
    made = []
    for entry in tables["output"]["tables"]:
        if "path" not in entry:
            raise ConfigError(f"{file}: output.tables has a table without a path")
        keys = tables["table_defaults"] | entry
        for kind, names in known.items():
            for name in keys[kind]:
                if name not in names:
                    hint = did_you_mean("", name, names)
                    raise ConfigError(
                        f"{file}: output.tables.{kind} has {name}, none of ours{hint}"
                    )
        for name in keys["providers"]:
            if everybody[name]["action"] != keys["action"]:
                raise ConfigError(
                    f"{file}: output.tables.providers has {name}, whose action is not "
                    f'"{keys["action"]}"'
                )
        made.append(Table(**keys))
    _refuse_shared_sets(made, file)
    return tuple(made)


def _refuse_plain_http(name: str, keys: Keys) -> None:
    for url in keys["pages"]:
        if keys["pages_enabled"] and not keys["pages_http"] and url.startswith("http:"):
            raise ConfigError(
                f"{keys['defined_in']}: providers.{name}.pages has {printable(url)}, which anybody "
                "on the way can change; use https, or set pages_http = true"
            )


SOURCES = ("domains", "networks", "domains_file", "networks_file", "pages", "hosts")
"""The keys of which a provider needs one."""


def _refuse_nameless(name: str, keys: Keys, providers: Mapping[str, Keys]) -> None:
    if not any(keys[source] for source in SOURCES):
        others = [other for other in providers if other != name]
        raise ConfigError(
            f"{keys['defined_in']}: providers.{name} has none of {', '.join(SOURCES)}"
            + did_you_mean("providers", name, others)
        )


def _refuse_unused_categories(
    overlays: list[Overlay], providers: Mapping[str, Keys], defaults: Keys
) -> None:
    """Raise ConfigError for a switch that switches nothing: a misspelt one would be silent."""
    known: set[str] = set(overlays[0].categories)
    known.update({**defaults, **keys}["category"] for keys in providers.values())
    for overlay in overlays:
        for name in sorted(overlay.categories.keys() - known):
            raise ConfigError(
                f"{overlay.file}: categories.{name} is the category of no provider"
                + did_you_mean("categories", name, known)
            )


def _refuse_shared_paths(overlays: list[Overlay], tables: Mapping[str, Keys]) -> None:
    """Raise ConfigError if a run would write two things to one file."""
    seen: dict[str, tuple[str, int]] = {}
    for what, path, setter in _written_files(overlays, tables):
        real = os.path.realpath(path)
        if real in seen:
            other, other_setter = seen[real]
            file = overlays[max(setter, other_setter)].file
            raise ConfigError(f"{file}: {what} is the same file as {other}, {shown(str(path))}")
        seen[real] = (what, setter)


def _written_files(
    overlays: list[Overlay], tables: Mapping[str, Keys]
) -> Iterator[tuple[str, Path, int]]:
    """Yield what a run may write: the key or a description, the path, which overlay set it."""
    outputs, state = tables["output"], tables["state"]["path"]
    places = [(f"output.{key}", outputs[key], _setter(overlays, "output", key)) for key in OUTPUTS]
    further = _setter(overlays, "output", "tables")
    places += [("output.tables.path", table.path, further) for table in outputs["tables"]]
    yield from places
    for key, path, setter in places:
        yield f"the old {key}", path.with_name(f"{path.name}.orig"), setter
    setter = _setter(overlays, "state", "path")
    yield "state.path", state, setter
    for suffix in (".lock", ".bad"):
        yield "a file beside state.path", state.with_name(state.name + suffix), setter


def _refuse_shared_sets(tables: Iterable[Table], file: str) -> None:
    """Raise ConfigError if the sets of one table would overwrite those of another in nft."""
    sets: dict[str, Path] = {}
    for table in tables:
        name = set_name(table.path.stem)
        if table.format == "nft" and sets.setdefault(name, table.path) != table.path:
            raise ConfigError(
                f"{file}: output.tables has {shown(str(table.path))} and "
                f"{shown(str(sets[name]))}, whose sets in nft have the same names"
            )


def _refuse_missing_main_cf(overlays: list[Overlay], folder: Path | None) -> None:
    """Raise ConfigError for a folder without main.cf: all that asks Postfix would be skipped."""
    try:
        if folder is None or (folder / "main.cf").stat():
            return
    except (FileNotFoundError, NotADirectoryError):
        file = overlays[_setter(overlays, "postfix", "config_directory")].file
        raise ConfigError(
            f"{file}: postfix.config_directory is {shown(str(folder))}, where there is no main.cf; "
            "correct it, or leave it out for the default of Postfix"
        ) from None
    except OSError:
        return  # who may not look there asks nothing of Postfix
