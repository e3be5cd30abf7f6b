"""One configuration file, checked key by key.

Owns: which keys exist where, and the sentence for one that does not, with what was probably meant.
Refuses: unknown keys and values that do not fit; nothing is ignored.
"""

import datetime
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn

from spfwhite.config import values
from spfwhite.config.config_file import parse_toml
from spfwhite.config.settings import SETTINGS, ProviderKeys, Table, rules_of
from spfwhite.config.values import NAME, Rule, shown
from spfwhite.errors import ConfigError
from spfwhite.wording import SHOWN, did_you_mean

NAMES: Final = values.list_of(values.parse_name)
PROVIDER_RULES: Final = rules_of(ProviderKeys)
TABLE_RULES: Final = rules_of(Table)
TABLES: Final[Mapping[str, Mapping[str, Rule]]] = {
    **{key: rules_of(table) for key, table in SETTINGS.items()},
    "provider_defaults": PROVIDER_RULES,
    "table_defaults": {key: rule for key, rule in TABLE_RULES.items() if key != "path"},
}
HEAD_KEYS: Final = ("defaults", "list_date", "retired")
HEAD: Final = (*HEAD_KEYS, "categories", "providers", *TABLES)

Keys = dict[str, Any]


class Overlay(NamedTuple):
    """What one file says, by table and key; values are as `spfwhite.config.settings` has them."""

    file: str
    defaults: bool
    list_date: datetime.date | None
    retired: tuple[str, ...]
    tables: dict[str, Keys]  # "categories" always among them
    providers: dict[str, Keys]


def read_overlay(text: str, file: str, folder: Path) -> Overlay:
    """Return what a TOML text says; paths in it are relative to the folder. Raises ConfigError."""
    reader = _Reader(file, folder)
    document = parse_toml(text, file)
    for key, value in document.items():
        if key not in HEAD:
            reader.unknown("", key, value, HEAD)
    given = [key for key in TABLES if key in document]
    tables = {key: reader.keys(key, document[key], TABLES[key]) for key in given}
    if more := tables.get("output", {}).get("tables"):
        tables["output"]["tables"] = [reader.keys("output.tables", it, TABLE_RULES) for it in more]
    switch = partial(reader.value, rule=values.switch)
    provider = partial(reader.keys, rules=PROVIDER_RULES)
    return Overlay(
        file=file,
        defaults=reader.value("defaults", document.get("defaults", True), values.switch),
        list_date=reader.value("list_date", document.get("list_date", ""), values.optional_date),
        retired=reader.value("retired", document.get("retired", []), NAMES),
        tables=tables | {"categories": reader.named("categories", document, switch)},
        providers=reader.named("providers", document, provider),
    )


class _Reader(NamedTuple):
    file: str
    folder: Path

    def table(self, key: str, value: object) -> Keys:
        if isinstance(value, dict):
            return value
        # [providers] alone, with the keys of one
        is_own = key.removeprefix("providers.") in PROVIDER_RULES
        meant = "; did you mean [providers.NAME]?" if is_own else ""
        raise ConfigError(f"{self.file}: {key} must be a table, not {shown(value)}{meant}")

    def keys(self, table: str, value: object, rules: Mapping[str, Rule]) -> Keys:
        """Return the values of a table whose keys are known."""
        result = {}
        for key, entry in self.table(table, value).items():
            if key not in rules:
                self.unknown(table, key, entry, rules)
            result[key] = self.value(f"{table}.{key}", entry, rules[key])
        return result

    def named(self, table: str, document: Keys, read: Callable[..., Any]) -> Keys:
        """Return a table whose keys are names that the operator gives, its entries as read."""
        entries = self.table(table, document.get(table, {}))
        self.value(table, [*entries], NAMES)
        return {name: read(f"{table}.{name}", value) for name, value in entries.items()}

    def value(self, key: str, value: object, rule: Rule) -> Any:
        try:
            result = rule(value)
        except ValueError as fault:
            raise ConfigError(f"{self.file}: {key} {fault}") from None
        return self.folder / result if isinstance(result, Path) else result

    def unknown(self, table: str, key: str, value: object, known: Iterable[str]) -> NoReturn:
        bare = re.fullmatch(r"[A-Za-z0-9_-]+", key) and len(key) <= SHOWN
        path = f"{table}{'.' * bool(table)}{key if bare else shown(key)}"
        raise ConfigError(f"{self.file}: {path} is unknown{_suggestion(table, key, value, known)}")


def _suggestion(table: str, key: str, value: object, known: Iterable[str]) -> str:
    """Return what was probably meant, or else what there is."""
    if table and key in HEAD_KEYS:  # in TOML a bare key belongs to the [table] above it
        return "; it belongs at the head of the file, before any [table]"
    if not table and isinstance(value, dict):
        meant = _table_meant(key, value)
    elif elsewhere := [name for name, keys in TABLES.items() if key in keys]:
        home = elsewhere[0].replace("provider_defaults", "providers.NAME")
        meant = f"; did you mean {home.replace('table_defaults', 'output.tables')}.{key}?"
    else:
        meant = _dotted(f"{table}-{key}", value) or did_you_mean(key, known, table)
    what = "keys" if table else "tables and keys"
    return meant or f"; the {what} here are {', '.join(known)}"


def _table_meant(name: str, value: dict[str, Any]) -> str:
    """Return which table an unknown one was probably meant to be, by its name and its keys."""
    fits = [table for table, keys in TABLES.items() if value and value.keys() <= keys.keys()]
    if near := did_you_mean(name, fits):
        return near
    for inner, keys in [*value.items(), (name, value)]:  # [provider.NAME], or [NAME] alone
        is_provider = isinstance(keys, dict) and keys.keys() & PROVIDER_RULES.keys()
        if is_provider and NAME.fullmatch(inner):
            return f"; did you mean [providers.{inner}]?"
    return did_you_mean(name, HEAD) or "".join(f"; did you mean {table}?" for table in fits[:1])


def _dotted(name: str, value: object) -> str:
    """Return the name that was meant by a domain as a provider's: in TOML a dot makes a table."""
    while isinstance(value, dict) and not value.keys() & PROVIDER_RULES.keys():
        if len(value) != 1:
            return ""
        ((part, value),) = value.items()
        name += f"-{part}"
    is_name = isinstance(value, dict) and NAME.fullmatch(name.removeprefix("providers."))
    return f"; write [{name}]" if is_name and len(name) <= SHOWN else ""
