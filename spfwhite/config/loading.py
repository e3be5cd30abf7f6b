"""The configuration: `providers.toml` and its overlays, merged to one value.

Owns: which files are read, which of them wins, and what only the whole can tell: effective
switches, inherited values, providers that name nothing, two outputs at one path.
Refuses: to read the environment, and to guess; every fault is a ConfigError.
"""

import os
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType

from spfwhite.config.config_file import entries, listed, text
from spfwhite.config.overlay import Keys, Overlay, read_overlay
from spfwhite.config.settings import SETTINGS, SOURCES, Config, Provider, Table, set_name
from spfwhite.config.values import Exclusions, by_action, parse_domain, parse_line, shown
from spfwhite.errors import ConfigError
from spfwhite.networks import Networks
from spfwhite.wording import did_you_mean, printable

DEFAULTS = "providers.toml"
ADDED = Path("providers.d") / "90-added.toml"  # what `add` and `remove` write, below SYSTEM
SYSTEM = Path("/etc/spfwhite")

Merged = dict[str, Keys]  # tables of settings, or providers, by name


def load(path: str | Path | None = None, *, system: Path = SYSTEM) -> Config:
    """Return the packaged defaults, overlaid key by key.

    The overlays are `system/providers.toml` and `system/providers.d/*.toml` in name order, or,
    if given, the file at path alone. A later file wins; `safety.exclude` is the union of all.
    Raises ConfigError.
    """
    return _merged([packaged(), *own_overlays(path, system)])


def load_with(added: Overlay, system: Path) -> Config:
    """Return what `load` would if the file of `add` below `system` said this; as `load`."""
    path = system / ADDED
    files = sorted({*_files_below(system), path}, key=lambda it: (it.parent != system, it.name))
    return _merged([packaged(), *(added if it == path else _read(it) for it in files)])


def _merged(overlays: list[Overlay]) -> Config:
    tables = _merged_tables(overlays)
    listing = _listing(overlays)
    providers = _merged_providers(listing, tables["provider_defaults"])
    _refuse_unused_categories(overlays, providers)
    tables["output"]["tables"] = _output_tables(overlays, tables, providers)
    _refuse_shared_paths(overlays, tables)
    _refuse_missing_main_cf(overlays, tables["postfix"]["config_directory"])
    return Config(
        **{name: table(**tables[name]) for name, table in SETTINGS.items()},
        categories=MappingProxyType(tables["categories"]),
        providers=tuple(_provider(name, providers, tables, overlays) for name in sorted(providers)),
        list_date=max((each.list_date for each in listing if each.list_date), default=None),
    )


def _listing(overlays: list[Overlay]) -> list[Overlay]:
    # without the packaged providers, and their date, if a file says so
    return overlays if all(overlay.defaults for overlay in overlays) else overlays[1:]


def said_of(name: str, path: Path | None, system: Path) -> list[tuple[str, Keys]]:
    """Return what each file that says something about a provider says, as `load` reads them."""
    overlays = _listing([packaged(), *own_overlays(path, system)])
    return [(it.file, it.providers[name]) for it in overlays if name in it.providers]


def own_overlays(path: str | Path | None, system: Path) -> list[Overlay]:
    """Return what the operator's own files say, in their order; as `load`."""
    return [_read(it) for it in ([Path(path)] if path is not None else _files_below(system))]


def _read(file: Path) -> Overlay:
    return read_overlay(text(file), printable(str(file)), file.absolute().parent)


@cache
def packaged() -> Overlay:
    """Return the packaged defaults: every setting, and the default providers."""
    # importlib.resources would cost 10 ms to import, for packages in archives, which this is not
    file = Path(__file__).parents[1] / DEFAULTS
    return read_overlay(file.read_text("utf-8"), printable(str(file)), file.parent)


def _files_below(system: Path) -> list[Path]:
    # listed before opened: a file that is there but unreadable must not pass for a missing one
    main = [system / name for name in listed(system) if name == DEFAULTS]
    folder = system / "providers.d"
    own = [name for name in listed(folder) if name.endswith(".toml") and name[0] != "."]
    return main + [folder / name for name in own]


def _last_word(overlays: Sequence[Overlay], *names: str) -> str:
    """Return the last file that has one of these keys, each named as `table.key`."""
    keys = [name.split(".")[:2] for name in names]
    files = [it.file for it in overlays for table, key in keys if key in it.tables.get(table, ())]
    return files[-1]


def _merged_tables(overlays: list[Overlay]) -> Merged:
    merged: Merged = {}
    for overlay in overlays:
        for table, keys in overlay.tables.items():
            merged.setdefault(table, {}).update(keys)
    exclude = [each.tables.get("safety", {}).get("exclude", Exclusions()) for each in overlays]
    # to lose an exclusion by adding another would widen the list
    networks, domains = zip(*exclude, strict=True)
    merged["safety"]["exclude"] = Exclusions(Networks.union(networks), frozenset().union(*domains))
    return merged


def _merged_providers(overlays: list[Overlay], defaults: Keys) -> Merged:
    merged: Merged = {}
    for overlay in overlays:
        for name, keys in overlay.providers.items():
            merged.setdefault(name, {**defaults}).update(keys, defined_in=overlay.file)
    for name in [name for name, keys in merged.items() if not any(keys[it] for it in SOURCES)]:
        keys = merged.pop(name)
        meant = did_you_mean(name, merged, "providers")
        # to have switched one off must not end every run once nobody defines it, after an upgrade
        # or since its block was deleted; but a name may be misspelt, unless `remove` wrote it
        is_off = not keys["enabled"] and (not meant or Path(keys["defined_in"]).name == ADDED.name)
        if not is_off and name not in _retired(overlays):
            fault = f"providers.{name} has none of {', '.join(SOURCES)}"
            raise ConfigError(f"{keys['defined_in']}: {fault}{meant}")
    return merged


def _retired(overlays: Iterable[Overlay]) -> set[str]:
    return {name for overlay in overlays for name in overlay.retired}


def _provider(name: str, providers: Merged, tables: Merged, overlays: list[Overlay]) -> Provider:
    keys, safety = providers[name], tables["safety"]
    domains, networks = keys["domains"], keys["networks"]
    if file := keys["domains_file"]:
        domains += entries(_list(name, "domains_file", file, overlays), file, parse_domain)
    if file := keys["networks_file"]:
        read = entries(_list(name, "networks_file", file, overlays), file, parse_line)
        lines = by_action(read, keys["action"])
        networks |= lines.pop(keys["action"])
        _refuse_half_a_list(name, providers, [action for action, left in lines.items() if left])
    _refuse_plain_http(name, keys)
    inherited = keys["special_use"] == "inherit"
    followed = tuple(d for d in dict.fromkeys(domains) if d not in safety["exclude"].domains)
    # one that is left without a source is off: to miss its domains every night would be no news
    is_off = domains and not (followed or networks or keys["pages"] or keys["hosts"])
    is_on = keys["enabled"] and tables["categories"].get(keys["category"], True)
    decided = {
        "enabled": is_on and not is_off,
        "domains": followed,
        "networks": networks,
        "special_use": safety["special_use"] if inherited else keys["special_use"],
    }
    return Provider(name=name, **(keys | decided))


def _list(name: str, key: str, path: Path, overlays: Sequence[Overlay]) -> str:
    """Return what the list of a provider holds; raises ConfigError, which names who names it."""
    try:
        return text(path)
    except ConfigError as fault:
        by = [each.file for each in overlays if key in each.providers.get(name, ())]
        table = f"providers.{name}" if by else "provider_defaults"
        file = by[-1] if by else _last_word(overlays, f"{table}.{key}")
        where = f"{file}: {table}.{key}"
        way_out = f"restore or correct the list, or take {key} out"
        raise ConfigError(f"{where}: {fault}; {way_out}") from None


def _output_tables(overlays: list[Overlay], tables: Merged, providers: Merged) -> tuple[Table, ...]:
    """Return the further tables; a name that is nobody's would leave one empty in silence."""
    file = _last_word(overlays, "output.tables")
    known = {"providers": set(providers), "categories": _categories(providers)}
    made = []
    for entry in tables["output"]["tables"]:
        if "path" not in entry:
            raise ConfigError(f"{file}: output.tables has a table without a path")
        keys = tables["table_defaults"] | entry
        for kind, names in known.items():
            for name in sorted({*keys[kind]} - _retired(overlays) - names):
                fault = f"output.tables.{kind} has {name}, which is not among the {kind}"
                raise ConfigError(f"{file}: {fault}{did_you_mean(name, names)}")
        for name in known["providers"].intersection(keys["providers"]):
            if providers[name]["action"] != keys["action"]:
                fault = f'{name}, whose action is not "{keys["action"]}"'
                raise ConfigError(f"{file}: output.tables.providers has {fault}")
        made.append(Table(**keys))
    _refuse_shared_sets(made, file)
    return tuple(made)


def _refuse_plain_http(name: str, keys: Keys) -> None:
    for url in keys["pages"]:
        if keys["pages_enabled"] and not keys["pages_http"] and url.startswith("http:"):
            fault = f"{keys['defined_in']}: providers.{name}.pages has {printable(url)}"
            why = "which anybody on the way can change; use https, or set pages_http = true"
            raise ConfigError(f"{fault}, {why}")


def _refuse_half_a_list(name: str, providers: Merged, left: Iterable[str]) -> None:
    # lines of the other action, which no provider would list
    keys = providers[name]
    for action in left:
        wanted = {"networks_file": keys["networks_file"], "action": action}
        if not any(wanted.items() <= other.items() for other in providers.values()):
            fault = f"{keys['defined_in']}: providers.{name}.networks_file has lines that {action}"
            way_out = f'with the same networks_file and action = "{action}" lists them'
            raise ConfigError(f"{fault}; a second provider {way_out}")


def _categories(providers: Merged) -> set[str]:
    return {keys["category"] for keys in providers.values()}


def _refuse_unused_categories(overlays: list[Overlay], providers: Merged) -> None:
    # a misspelt switch would switch nothing, in silence
    known = overlays[0].tables["categories"].keys() | _categories(providers) | _retired(overlays)
    for overlay in overlays:
        for name in sorted(overlay.tables["categories"].keys() - known):
            fault = f"categories.{name} is the category of no provider"
            there_are = f"; there are {', '.join(sorted(_categories(providers)))}"
            meant = did_you_mean(name, known, "categories") or there_are
            raise ConfigError(f"{overlay.file}: {fault}{meant}")


def _refuse_shared_paths(overlays: list[Overlay], tables: Merged) -> None:
    # all that a run may write, by words that end with the key
    output, state = tables["output"], tables["state"]["path"]
    places = [(f"output.{key}", output[key]) for key in ("allow", "reject")]
    places += [("output.tables.path", table.path) for table in output["tables"]]
    places += [(f"the old {key}", path.with_name(f"{path.name}.orig")) for key, path in places]
    beside = [state.with_name(state.name + suffix) for suffix in (".lock", ".bad")]
    places += [("state.path", state), *(("a file beside state.path", path) for path in beside)]
    seen: dict[str, str] = {}
    for what, path in places:
        real = os.path.realpath(path)
        if real in seen:
            file = _last_word(overlays, what.split()[-1], seen[real].split()[-1])
            same = f"{what} is the same file as {seen[real]}, {shown(str(path))}"
            raise ConfigError(f"{file}: {same}")
        seen[real] = what


def _refuse_shared_sets(tables: Iterable[Table], file: str) -> None:
    # in nft they would overwrite each other
    sets: dict[str, Path] = {}
    for table in tables:
        name = set_name(table.path.stem)
        if table.format == "nft" and sets.setdefault(name, table.path) != table.path:
            twins = f"{shown(str(table.path))} and {shown(str(sets[name]))}"
            fault = f"output.tables has {twins}, whose sets in nft have the same names"
            raise ConfigError(f"{file}: {fault}")


def _refuse_missing_main_cf(overlays: list[Overlay], folder: Path | None) -> None:
    # without it all that asks Postfix would be skipped
    try:
        if folder is None or (folder / "main.cf").stat():
            return
    except (FileNotFoundError, NotADirectoryError):
        key = "postfix.config_directory"
        raise ConfigError(
            f"{_last_word(overlays, key)}: {key} is {shown(str(folder))}, where there "
            "is no main.cf; correct it, or leave it out for the default of Postfix"
        ) from None
    except OSError:
        return  # who may not look there asks nothing of Postfix
