"""Strongly connected components of a graph that is known by its edges only (Tarjan's algorithm).

Owns: the order in which records can be folded, each after those it leads to, with the records that
lead back to each other together. Iterative, since a chain of includes may be longer than the stack.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator


def components(
    start: str, leads_to: Callable[[str], list[str]], known: Container[str]
) -> Iterator[list[str]]:
    """Yield the components that can be reached from `start`, each after those it leads to.

    Names in `known` are left out with all below them; it may grow with each component yielded.
    """
    if start in known:
        return
    order: dict[str, int] = {start: 0}
    low: dict[str, int] = {start: 0}
    open_names: list[str] = [start]
    is_open = {start}
    path = [(start, iter(leads_to(start)))]
    while path:
        name, children = path[-1]
        for child in children:
            if child in known:
                continue
            if child not in order:
                order[child] = low[child] = len(order)
                open_names.append(child)
                is_open.add(child)
                path.append((child, iter(leads_to(child))))
                break
            if child in is_open:
                low[name] = min(low[name], order[child])
        else:
            path.pop()
            if path:
                parent = path[-1][0]
                low[parent] = min(low[parent], low[name])
            if low[name] == order[name]:
                component = _popped(open_names, name)
                is_open.difference_update(component)
                yield component


def _popped(names: list[str], root: str) -> list[str]:
    """Take the names above `root` off the stack, with it, deepest first."""
    component = []
    while True:
        component.append(names.pop())
        if component[-1] == root:
            return component
