"""The shape of the package: the rooms, who may import what, and what must stay pure."""

from __future__ import annotations

import ast
import pkgutil
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import spfwhite
from spfwhite.cli.main import COMMANDS, module_name

ROOMS = [
    "base",
    "dns",
    "spf",
    "config",
    "sources",
    "plan",
    "tables",
    "report",
    "inspect",
    "run",
    "cli",
]
"""A room imports only rooms before it; inside a room anything but a circle."""

# a file at the top level is in the base, but for those that make a run, and the ways in
TOP = {"run": "run", "by_command": "run", "library": "run", "__main__": "cli"}
ANYWHERE = {"__init__"}
"""The package itself, which hands on what it exports when it is first used."""

OWNERS = {
    "dns": {"spfwhite.dns.message"},
    "netaddr": {"spfwhite.networks"},
    "httpx": {"spfwhite.sources.page_fetch"},
    "subprocess": {"spfwhite.programs"},
}
"""The modules that may import a library; click is for the room `cli`."""

PURE = [
    "spfwhite.networks",
    "spfwhite.special_use",
    "spfwhite.wording",
    "spfwhite.dns.answers",
    "spfwhite.spf",
    "spfwhite.plan.candidates",
    "spfwhite.plan.past",
    "spfwhite.plan.clock",
    "spfwhite.plan.rails",
    "spfwhite.plan.total",
    "spfwhite.plan.plan",
    "spfwhite.plan.losses",
    "spfwhite.plan.through_others",
    "spfwhite.plan.decided",
    "spfwhite.sources.memory",
    "spfwhite.sources.page_text",
    "spfwhite.sources.page_addresses",
    "spfwhite.tables.formats",
    "spfwhite.tables.listing",
    "spfwhite.tables.content",
]
"""Modules and rooms in which every result follows from the arguments."""

IMPURE = {"asyncio", "os", "random", "shutil", "signal", "socket", "subprocess", "tempfile", "time"}
IMPURE_CALLS = {"open", "input", "print", "now", "utcnow", "read_text", "write_text"}

MODULES = ["spfwhite", *(m.name for m in pkgutil.walk_packages(spfwhite.__path__, "spfwhite."))]


@cache
def tree(module: str) -> ast.Module:
    spec = find_spec(module)
    assert spec and spec.origin
    return ast.parse(Path(spec.origin).read_text())


@cache
def imported(module: str) -> frozenset[str]:
    """Return all modules that one imports, wherever in it; parents of a package do not count."""
    return frozenset(_imported(module))


def _imported(module: str) -> Iterator[str]:
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            base = node.module or ""
            names = {f"{base}.{alias.name}" for alias in node.names}
            modules = names & set(MODULES)
            yield from modules
            if names - modules:
                yield base


def room(module: str) -> str:
    _, *parts = module.split(".")
    if not parts:
        return "cli"  # the package hands on the library
    if parts[0] in ROOMS:
        return parts[0]
    return TOP.get(parts[0], "base")


def own_imports(module: str) -> set[str]:
    return {name for name in imported(module) if name in MODULES} - {"spfwhite"}


def reached_from(*starts: str) -> set[str]:
    queue = [name for start in starts for name in own_imports(start)]
    reached: set[str] = set()
    for module in queue:  # grows while it is walked
        if module not in reached:
            reached.add(module)
            queue += own_imports(module)
    return reached


def test_a_room_imports_only_rooms_before_it() -> None:
    upward = {
        f"{module} imports {name}"
        for module in MODULES
        for name in own_imports(module)
        if ROOMS.index(room(name)) > ROOMS.index(room(module))
    }
    assert not upward


def test_no_module_imports_itself_through_others() -> None:
    assert [module for module in MODULES if module in reached_from(module)] == []


def test_every_module_is_reached_from_the_command_line_or_the_library() -> None:
    # modules of commands are loaded by name when their command is called
    commands = {f"spfwhite.cli.{module_name(command)}" for command in COMMANDS}
    ways_in = {"spfwhite", "spfwhite.__main__", *commands}
    packages = {name for name in MODULES if name.removeprefix("spfwhite.") in ROOMS}
    assert ways_in | packages | reached_from(*ways_in) == set(MODULES)


def test_each_library_has_one_owner() -> None:
    importers = {
        library: {m for m in MODULES if any(n.split(".")[0] == library for n in imported(m))}
        for library in (*OWNERS, "click")
    }
    assert {room(module) for module in importers.pop("click")} == {"cli"}
    assert importers == OWNERS


def test_the_pure_modules_do_no_input_or_output() -> None:
    pure = [m for m in MODULES if any(m == name or m.startswith(f"{name}.") for name in PURE)]
    assert len(pure) > len(PURE)
    for module in pure:
        assert {name.partition(".")[0] for name in imported(module)} & IMPURE == set(), module
        called = [node.func for node in ast.walk(tree(module)) if isinstance(node, ast.Call)]
        names = {getattr(func, "attr", None) or getattr(func, "id", "") for func in called}
        assert names & IMPURE_CALLS == set(), module
