"""One configuration file, checked key by key.

Owns: which keys exist where, and the sentence for one that does not, with what was probably meant.
Refuses: unknown keys and values that do not fit; nothing is ignored.
"""

import datetime
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn

from spfwhite.config.config_file import parse_toml
from spfwhite.config.settings import SETTINGS, Provider, Table, rules_of
from spfwhite.config.values import (
    NAME,
    NAME_WORDS,
    Rule,
    list_of,
    optional_date,
    parse_name,
    shown,
    switch,
)
from spfwhite.errors import ConfigError
from spfwhite.wording import SHOWN, did_you_mean

PROVIDER_RULES: Final = rules_of(Provider)
TABLE_RULES: Final = rules_of(Table)
TABLES: Final[Mapping[str, Mapping[str, Rule]]] = {
    **{key: rules_of(table) for key, table in SETTINGS.items()},
    "provider_defaults": PROVIDER_RULES,
    "table_defaults": {key: rule for key, rule in TABLE_RULES.items() if key != "path"},
}
HEAD: Final = ("defaults", "list_date", "retired", "categories", "providers", *TABLES)


class Overlay(NamedTuple):
    """What one file says, by table and key; values are as `spfwhite.config.settings` has them."""

    file: str
    defaults: bool
    list_date: datetime.date | None
    retired: tuple[str, ...]
    tables: dict[str, dict[str, Any]]
    categories: dict[str, bool]
    providers: dict[str, dict[str, Any]]


def read_overlay(text: str, file: str, folder: Path) -> Overlay:
    """Return what a TOML text says; paths in it are relative to the folder. Raises ConfigError."""
    reader = _Reader(file, folder)
    document = parse_toml(text, file)
    for key, value in document.items():
        if key not in HEAD:
            reader.unknown("", key, value, HEAD)
    tables = {
        key: reader.keys(key, document[key], rules)
        for key, rules in TABLES.items()
        if key in document
    }
    if "tables" in tables.get("output", ()):
        tables["output"]["tables"] = [
            reader.keys("output.tables", entry, TABLE_RULES) for entry in tables["output"]["tables"]
        ]
    return Overlay(
        file=file,
        defaults=reader.value("defaults", document.get("defaults", True), switch),
        list_date=reader.value("list_date", document.get("list_date", ""), optional_date),
        retired=reader.value("retired", document.get("retired", []), list_of(parse_name)),
        tables=tables,
        categories={
            name: reader.value(f"categories.{name}", value, switch)
            for name, value in reader.named("categories", document)
        },
        providers={
            name: reader.keys(f"providers.{name}", value, PROVIDER_RULES)
            for name, value in reader.named("providers", document)
        },
    )


class _Reader(NamedTuple):
    file: str
    folder: Path

    def table(self, key: str, value: object) -> dict[str, Any]:
        if isinstance(value, dict):
            return value
        raise ConfigError(f"{self.file}: {key} must be a table, not {shown(value)}")

    def keys(self, table: str, value: object, rules: Mapping[str, Rule]) -> dict[str, Any]:
        """Return the values of a table whose keys are known."""
        result = {}
        for key, entry in self.table(table, value).items():
            if key not in rules:
                self.unknown(table, key, entry, rules)
            result[key] = self.value(f"{table}.{key}", entry, rules[key])
        return result

    def named(self, table: str, document: dict[str, Any]) -> Iterable[tuple[str, object]]:
        """Return the entries of a table whose keys are names that the operator gives."""
        entries = self.table(table, document.get(table, {}))
        for name in entries:
            if not NAME.fullmatch(name):
                raise ConfigError(
                    f"{self.file}: {table} has the name {shown(name)}; a name is of {NAME_WORDS}"
                )
        return entries.items()

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
    """Return what was probably meant: in TOML a bare key belongs to the [table] above it."""
    if key == "defaults":
        return "; it belongs at the head of the file, before any [table]"
    if not table and isinstance(value, dict) and value.keys() & PROVIDER_RULES.keys():
        return f"; did you mean [providers.{key}]?"
    if elsewhere := [name for name, keys in TABLES.items() if key in keys]:
        home = elsewhere[0].replace("provider_defaults", "providers.NAME")
        home = home.replace("table_defaults", "output.tables")
        return f"; did you mean {home}.{key}?"
    return did_you_mean(key, known, table)
