"""The shape of the package: who imports whom, who owns which package, how long things are."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Literal

import pytest

from spfwhite.cli import COMMANDS

Layer = Literal["core", "edge", "top"]

PACKAGE = Path(__file__).parent.parent / "spfwhite"

LAYERS: dict[str, Layer] = {
    # pure: every decision is a function of its arguments
    "answers": "core",
    "assignments": "core",
    "candidates": "core",
    "components": "core",
    "escape": "core",
    "evaluate": "core",
    "extract": "core",
    "finding": "core",
    "formats": "core",
    "listing": "core",
    "memory": "core",
    "names": "core",
    "page_answers": "core",
    "page_text": "core",
    "networks": "core",
    "picture": "core",
    "plan": "core",
    "rails": "core",
    "records": "core",
    "rules": "core",
    "settings": "core",
    "sources": "core",
    "special": "core",
    "spf": "core",
    "strict": "core",
    "tables": "core",
    "targets": "core",
    "trail": "core",
    "width": "core",
    # input and output
    "added": "edge",
    "config": "edge",
    "config_file": "edge",
    "crawl": "edge",
    "fetch": "edge",
    "files": "edge",
    "hosts": "edge",
    "interrupts": "edge",
    "leftovers": "edge",
    "maillog": "core",
    "messages": "edge",
    "nameservers": "edge",
    "nftables": "edge",
    "overlay": "edge",
    "pages": "edge",
    "postfix": "edge",
    "postwhite": "edge",
    "programs": "edge",
    "resolver": "edge",
    "state": "edge",
    "window": "edge",
    "wiring": "edge",
    # the run, and what people and programs see of it
    "__init__": "top",
    "__main__": "top",
    "app": "top",
    "check": "top",
    "cli": "top",
    "cli_check": "top",
    "cli_common": "top",
    "cli_import": "top",
    "cli_look": "top",
    "cli_run": "top",
    "cli_state": "top",
    "cli_streams": "top",
    "cli_suggest": "top",
    "explain": "top",
    "explain_text": "top",
    "health": "top",
    "library": "top",
    "metrics": "top",
    "notices": "top",
    "remembered": "top",
    "report": "top",
    "report_json": "top",
    "show": "top",
    "suggest": "top",
    "suggest_text": "top",
    "text": "top",
    "write": "top",
}
MAY_IMPORT: dict[Layer, set[Layer]] = {
    "core": {"core"},
    "edge": {"core", "edge"},
    "top": {"core", "edge", "top"},
}
OWNERS = {  # a module, or those that begin with its name and an underscore
    "dns": "messages",
    "netaddr": "networks",
    "httpx": "pages",
    "click": "cli",
    "subprocess": "programs",
}
IMPURE = {"asyncio", "os", "random", "shutil", "signal", "socket", "subprocess", "tempfile", "time"}

LONGEST_FILE = 320
LONGEST_FUNCTION = 60
MEDIAN_FUNCTION = 8
CORE_AND_EDGES = 4300  # that `generate` and `show` need, as `code_lines` counts them
EVERYTHING = 7800

MODULES = sorted(path.stem for path in PACKAGE.glob("*.py"))

each_module = pytest.mark.parametrize("module", MODULES)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def lines(module: str) -> list[str]:
    return (PACKAGE / f"{module}.py").read_text(encoding="utf-8").splitlines()


def tree(module: str) -> ast.Module:
    return ast.parse("\n".join(lines(module)))


def imported(module: str) -> Iterator[tuple[str, str]]:
    """Yield (package, module of it or "") of each import, those inside functions included."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module} imports relatively"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            package, _, rest = name.partition(".")
            yield package, rest.partition(".")[0]


def own_imports(module: str) -> set[str]:
    """Return the modules of this package that a module imports; a name of the package is none."""
    return {name for package, name in imported(module) if package == "spfwhite"} & set(MODULES)


def is_cli(module: str) -> bool:
    return module.partition("_")[0] == "cli"


def functions() -> list[tuple[str, int]]:
    """Return the name and the length of the body, docstring aside, of each function."""
    return [
        (f"{module}.{node.name}", _length(node))
        for module in MODULES
        for node in ast.walk(tree(module))
        if isinstance(node, Function)
    ]


def _length(function: Function) -> int:
    body = function.body
    is_doc = isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
    end = body[-1].end_lineno or 0
    start = body[0].end_lineno or 0 if is_doc else body[0].lineno - 1
    return end - start


def test_every_module_has_a_layer_and_every_layer_its_modules() -> None:
    assert sorted(LAYERS) == MODULES
    assert not [path for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"]


@each_module
def test_imports_go_downwards(module: str) -> None:
    allowed = MAY_IMPORT[LAYERS[module]]
    assert {name for name in own_imports(module) if LAYERS[name] not in allowed} == set()


def test_no_module_imports_itself_through_others() -> None:
    above: dict[str, set[str]] = {module: own_imports(module) for module in MODULES}
    for _ in MODULES:
        for names in above.values():
            names.update(*(above[name] for name in list(names)))
    assert [module for module, names in above.items() if module in names] == []


def reached_from(*modules: str) -> set[str]:
    """Return the modules with all that they import, directly or not."""
    reached, found = set[str](), set(modules)
    while found - reached:
        reached |= found
        found = {name for module in reached for name in own_imports(module)}
    return reached


def test_every_module_is_reached_from_the_command_line_or_the_library() -> None:
    # modules of commands are loaded by name when their command is called
    commands = {place.partition(".")[0] for place in COMMANDS.values()}
    assert reached_from("__main__", "__init__", *commands) == set(MODULES)


@each_module
def test_a_package_of_others_has_one_owner(module: str) -> None:
    packages = {package for package, _ in imported(module)}
    foreign = packages - sys.stdlib_module_names - {"spfwhite"}
    assert foreign <= OWNERS.keys()
    owners = {module, module.partition("_")[0]}
    assert {name for name in packages if name in OWNERS and OWNERS[name] not in owners} == set()


@pytest.mark.parametrize("module", [name for name in MODULES if LAYERS.get(name) == "core"])
def test_the_core_does_no_input_or_output(module: str) -> None:
    assert {package for package, _ in imported(module)} & IMPURE == set()
    called = {node.func for node in ast.walk(tree(module)) if isinstance(node, ast.Call)}
    names = {node.id for node in called if isinstance(node, ast.Name)}
    names |= {node.attr for node in called if isinstance(node, ast.Attribute)}
    assert names & {"open", "input", "now", "utcnow", "read_text", "write_text"} == set()


@each_module
def test_no_file_is_longer_than_it_should_be(module: str) -> None:
    assert len(lines(module)) <= LONGEST_FILE


def test_no_function_is_longer_than_a_screen() -> None:
    assert [name for name, length in functions() if length > LONGEST_FUNCTION] == []


def test_functions_are_short() -> None:
    assert median(length for _, length in functions()) < MEDIAN_FUNCTION


def code_lines(module: str) -> int:
    """Return how many lines are left without the empty ones, comments and docstrings."""
    docs = {
        number
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        for number in range(node.lineno, (node.end_lineno or 0) + 1)
    }
    numbered = ((number, line.strip()) for number, line in enumerate(lines(module), 1))
    return sum(1 for at, line in numbered if line and line[0] != "#" and at not in docs)


def test_the_package_stays_small() -> None:
    sizes = {module: code_lines(module) for module in MODULES}
    needed = reached_from("cli_run", "cli_look", "library")
    assert sum(sizes[name] for name in needed if LAYERS[name] != "top") < CORE_AND_EDGES
    assert sum(sizes.values()) < EVERYTHING


@each_module
def test_a_module_says_by_its_name_what_it_owns(module: str) -> None:
    assert not set(module.split("_")) & {"util", "utils", "helper", "helpers", "manager"}


@each_module
def test_a_module_opens_with_a_docstring(module: str) -> None:
    assert ast.get_docstring(tree(module))


@each_module
def test_only_the_command_line_prints(module: str) -> None:
    calls = [node.func for node in ast.walk(tree(module)) if isinstance(node, ast.Call)]
    prints = [call for call in calls if isinstance(call, ast.Name) and call.id == "print"]
    assert is_cli(module) or not prints
    used = [node for node in ast.walk(tree(module)) if isinstance(node, ast.Attribute)]
    streams = [ast.unparse(node) for node in used if node.attr in ("stdout", "stderr")]
    assert is_cli(module) or not {"sys.stdout", "sys.stderr"} & set(streams)


def test_the_package_tells_type_checkers_that_it_is_typed() -> None:
    assert (PACKAGE / "py.typed").exists()
