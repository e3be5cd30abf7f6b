"""The regular expressions of the package: none that Python before 3.11.5 matches wrongly."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from types import ModuleType

import pytest

import spfwhite
from spfwhite import files

PARSER = importlib.import_module("re._parser")
WRONG = {"POSSESSIVE_REPEAT", "ATOMIC_GROUP"}
MODULES = [each.name for each in pkgutil.walk_packages(spfwhite.__path__, "spfwhite.")]


def patterns(module: ModuleType) -> Iterator[str | bytes]:
    """Yield the pattern of each call of a function of `re`, made at import or at run time."""
    for call in ast.walk(ast.parse(inspect.getsource(module))):
        match call:
            case ast.Call(ast.Attribute(ast.Name("re"), name), [given, *_]) if name != "escape":
                yield evaluated(given, module)


def evaluated(pattern: ast.expr, module: ModuleType) -> str | bytes:
    """Return the value of an expression; `x` stands for what only a function could tell."""
    if isinstance(pattern, ast.JoinedStr):
        return "".join(str(evaluated(part, module)) for part in pattern.values)
    if isinstance(pattern, ast.FormattedValue):
        return evaluated(pattern.value, module)
    try:
        value = eval(ast.unparse(pattern), dict(vars(module)))
    except NameError:
        return "x"
    assert isinstance(value, str | bytes)
    return value


def operations(parsed: object) -> Iterator[str]:
    """Yield the names of all operations in what the parser of `re` returns, however deep."""
    if isinstance(parsed, list | tuple | PARSER.SubPattern):
        for each in parsed:
            yield from operations(each)
    else:
        yield str(parsed)


def is_wrong(pattern: str | bytes) -> bool:
    return not WRONG.isdisjoint(operations(PARSER.parse(pattern)))


@pytest.mark.parametrize("name", [name for name in MODULES if name != "spfwhite.__main__"])
def test_no_pattern_is_possessive_or_atomic(name: str) -> None:
    module = importlib.import_module(name)
    assert [pattern for pattern in patterns(module) if is_wrong(pattern)] == []


@pytest.mark.parametrize(
    "pattern", ["a*+", "(?:a|[b+])?+", "a|(b(?>c))", "(?=a{1,2}+)", "(a)(?(1)b++)"]
)
def test_what_is_forbidden_is_seen(pattern: str) -> None:
    assert is_wrong(pattern)
    assert is_wrong(pattern.encode())


def test_patterns_are_seen_that_are_made_at_run_time() -> None:
    assert rf"\.x\.[a-z0-9_]{{8}}{re.escape(files._SUFFIX)}" in patterns(files)
