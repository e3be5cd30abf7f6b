"""The mutants of a module: its source with one expression or statement changed.

Refuses: to change what no behaviour hangs on: docstrings, annotations, decorators, the fixed text
of f-strings.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import Any

OTHERS: dict[type[ast.AST], list[Any]] = {
    ast.Lt: [ast.LtE(), ast.GtE()],
    ast.LtE: [ast.Lt(), ast.Gt()],
    ast.Gt: [ast.GtE(), ast.LtE()],
    ast.GtE: [ast.Gt(), ast.Lt()],
    ast.Eq: [ast.NotEq()],
    ast.NotEq: [ast.Eq()],
    ast.In: [ast.NotIn()],
    ast.NotIn: [ast.In()],
    ast.Is: [ast.IsNot()],
    ast.IsNot: [ast.Is()],
    ast.And: [ast.Or()],
    ast.Or: [ast.And()],
    ast.Add: [ast.Sub()],
    ast.Sub: [ast.Add()],
    ast.Mult: [ast.FloorDiv()],
    ast.Div: [ast.Mult()],
    ast.FloorDiv: [ast.Mult()],
    ast.Mod: [ast.Mult()],
    ast.BitAnd: [ast.BitOr()],
    ast.BitOr: [ast.BitAnd()],
    ast.LShift: [ast.RShift()],
    ast.RShift: [ast.LShift()],
}
"""What an operator is mistaken for."""

CALLED = {"min": "max", "max": "min", "any": "all", "all": "any"}
UNREAD = {"annotation", "returns", "decorator_list", "format_spec"}
NOTHING = ast.Starred(ast.Tuple([], ast.Load()), ast.Load())
"""In place of an item of a table: the table without it."""
CONDITIONS = {"test": (True, False), "ifs": (True,), "guard": (True,)}


def names(source: str) -> list[str]:
    """Return the mutants of a module: the function, what stands there, and what takes its place."""
    seen: Counter[str] = Counter()
    found = []
    for name in _changes(ast.parse(source)):
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return found


def mutant(source: str, number: int) -> str:
    """Return the source of a module's mutant, `number` being its place in `names`."""
    tree = ast.parse(source)
    for at, _ in enumerate(_changes(tree)):
        if at == number:
            return ast.unparse(tree)
    raise IndexError(number)


def _changes(node: ast.AST, where: str = "") -> Iterator[str]:
    """Change the tree, one place at a time, and yield what is changed until the next one."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        where = f"{where}.{node.name}".lstrip(".")
    for field, value in ast.iter_fields(node):
        if field in UNREAD or _is_unread(node):
            continue
        children = value if isinstance(value, list) else [value]
        for at, child in enumerate(children):
            if not isinstance(child, ast.AST) or _is_text(node, child):
                continue
            for other in _others(node, field, child, where):
                if (text := _text(other)) == _text(child):
                    continue
                _put(node, field, at, other)
                yield f"{where or 'module'}: {_text(child)} -> {text}"
                _put(node, field, at, child)
            yield from _changes(child, where)


def _others(parent: ast.AST, field: str, child: ast.AST, where: str) -> Iterator[ast.AST]:
    is_table = not where and isinstance(parent, ast.Set | ast.Tuple) and field == "elts"
    if is_table and isinstance(child, ast.Constant) and child.value is not ...:
        return iter([NOTHING])
    return chain(_conditions(parent, field), _variants(child))


def _put(node: ast.AST, field: str, at: int, value: ast.AST) -> None:
    held = getattr(node, field)
    if isinstance(held, list):
        held[at] = value
    else:
        setattr(node, field, value)


def _is_unread(node: ast.AST) -> bool:
    is_check = isinstance(node, ast.keyword) and node.arg == "strict"  # of zip's lengths
    is_type = isinstance(node, ast.Subscript) and ast.unparse(node.value) in ("Literal", "Callable")
    return is_check or is_type or isinstance(node, ast.Assert)


def _is_text(parent: ast.AST, child: ast.AST) -> bool:
    return isinstance(parent, ast.Expr | ast.JoinedStr) and isinstance(child, ast.Constant)


def _is_empty(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and not value.value


def _text(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())


def _conditions(parent: ast.AST, field: str) -> Iterator[ast.AST]:
    for value in CONDITIONS.get(field, ()):
        if not (value and isinstance(parent, ast.While)):  # which would never end
            yield ast.Constant(value)


def _variants(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Compare() | ast.BoolOp() | ast.BinOp() | ast.UnaryOp():
            yield from _operations(node)
        case ast.Constant(value):
            yield from map(ast.Constant, _values(value))
        case ast.Call(ast.Name(name), arguments, keywords) if name in CALLED:
            yield ast.Call(ast.Name(CALLED[name]), arguments, keywords)
        case ast.stmt():
            yield from _statements(node)


def _operations(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.Compare(left, ops, values):
            for at, op in enumerate(ops):
                for other in OTHERS[type(op)]:
                    yield ast.Compare(left, [*ops[:at], other, *ops[at + 1 :]], values)
        case ast.BoolOp(op, values):
            yield from (ast.BoolOp(other, values) for other in OTHERS[type(op)])
            for rest in _shorter(values):
                yield ast.BoolOp(op, rest) if len(rest) > 1 else rest[0]
        case ast.BinOp(left, op, right):
            yield from (ast.BinOp(left, other, right) for other in OTHERS.get(type(op), ()))
        case ast.UnaryOp(ast.Not() | ast.USub(), operand):
            yield operand


def _shorter(values: list[Any]) -> Iterator[list[Any]]:
    """Yield a list with one of its values left out."""
    if len(values) > 1:
        yield from (values[:at] + values[at + 1 :] for at in range(len(values)))


def _values(value: object) -> Iterator[bool | int | str | bytes]:
    match value:
        case bool():
            yield not value
        case int():
            yield value + 1
        case str():
            yield "" if value else "x"
        case bytes():
            yield b"" if value else b"x"


def _statements(node: ast.stmt) -> Iterator[ast.stmt]:
    match node:
        case ast.Return(ast.expr() as value) if not _is_empty(value):
            yield ast.Return(ast.Constant(None))
        case ast.Expr(ast.Constant()):
            return
        case ast.Expr() | ast.AugAssign() | ast.Continue() | ast.Break() | ast.Raise():
            yield ast.Pass()
