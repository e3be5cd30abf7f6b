"""The shape of the package: who imports whom, who owns which library, what is pure."""

from __future__ import annotations

import ast
import sys
from functools import cache
from pathlib import Path

from spfwhite.cli import COMMANDS

PACKAGE = Path(__file__).parent.parent / "spfwhite"
MODULES = sorted(path.stem for path in PACKAGE.glob("*.py"))

LAYERS = {
    "pure: every decision is a function of its arguments": """
        _version answers assignments budget candidates circles components errors evaluate extract
        finding first_match formats listing maillog memory names networks page_answers page_text
        plan rails records rules settings sources special spf strict tables targets trail width
        wording
    """,
    "input and output": """
        added config config_file crawl fetch files hosts leftovers messages nameservers nftables
        overlay pages postfix postwhite programs resolver state window wiring
    """,
    "the run, and what people and programs see of it": """
        __init__ __main__ app check cli cli_check cli_common cli_import cli_look cli_reload
        cli_run cli_state cli_streams cli_suggest decided explain explain_text health library
        metrics notices remembered report report_json show suggest suggest_text text write
    """,
}
"""From the lowest: a module imports only those of its own layer and of the ones before it."""
PURE, *_ = LAYERS

OWNERS = {  # a module, or those that begin with its name and an underscore
    "dns": "messages",
    "netaddr": "networks",
    "httpx": "pages",
    "click": "cli",
    "subprocess": "programs",
}
IMPURE = {"asyncio", "os", "random", "shutil", "signal", "socket", "subprocess", "tempfile", "time"}
IMPURE_CALLS = {"open", "input", "print", "now", "utcnow", "read_text", "write_text"}


@cache
def tree(module: str) -> ast.Module:
    return ast.parse((PACKAGE / f"{module}.py").read_bytes())


@cache
def imported(module: str) -> set[tuple[str, str]]:
    """Return (package, module of it or "") of each import, those inside functions included."""
    names = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module} imports relatively"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {(parts[0], parts[1]) for parts in (f"{name}.".split(".") for name in names)}


def own_imports(*modules: str) -> set[str]:
    """Return the modules of this package that some import; a name of the package is none."""
    found = {name for module in modules for name in imported(module)}
    return {name for package, name in found if package == "spfwhite"} & set(MODULES)


def reached_from(*modules: str) -> set[str]:
    """Return all that the modules import, directly or not."""
    reached, found = set[str](), own_imports(*modules)
    while found - reached:
        reached |= found
        found = own_imports(*reached)
    return reached


def test_every_module_has_one_layer() -> None:
    assert sorted(" ".join(LAYERS.values()).split()) == MODULES


def test_imports_go_downwards() -> None:
    allowed = set[str]()
    for names in LAYERS.values():
        allowed |= set(names.split())
        for module in names.split():
            assert own_imports(module) - allowed == set(), module


def test_no_module_imports_itself_through_others() -> None:
    assert [module for module in MODULES if module in reached_from(module)] == []


def test_every_module_is_reached_from_the_command_line_or_the_library() -> None:
    # modules of commands are loaded by name when their command is called
    ways_in = {"__main__", "__init__", *(place.partition(".")[0] for place in COMMANDS.values())}
    assert set(MODULES) - ways_in - reached_from(*ways_in) == set()


def test_a_library_has_one_owner() -> None:
    for module in MODULES:
        packages = {package for package, _ in imported(module)}
        assert packages - sys.stdlib_module_names - {"spfwhite"} <= OWNERS.keys(), module
        owners = {module, module.partition("_")[0]}
        assert {name for name in packages if OWNERS.get(name, module) not in owners} == set()


def test_the_pure_modules_do_no_input_or_output() -> None:
    for module in LAYERS[PURE].split():
        assert {package for package, _ in imported(module)} & IMPURE == set(), module
        called = [node.func for node in ast.walk(tree(module)) if isinstance(node, ast.Call)]
        names = {node.id for node in called if isinstance(node, ast.Name)}
        names |= {node.attr for node in called if isinstance(node, ast.Attribute)}
        assert names & IMPURE_CALLS == set(), module
