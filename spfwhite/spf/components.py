"""Strongly connected components of a graph that is known by its edges only (Tarjan's algorithm).

Owns: the order in which records can be folded, each after those it leads to, with the records that
lead back to each other together. Iterative, since a chain of includes may be longer than the stack.
"""

from collections.abc import Callable, Container, Iterator


def components(
    start: str, leads_to: Callable[[str], list[str]], known: Container[str]
) -> Iterator[list[str]]:
    """Yield the components that can be reached from `start`, each after those it leads to.

    Names in `known` are left out with all below them; it may grow with each component yielded.
    """
    if start in known:
        return
    place = {start: 0}  # on the stack, on which the names of a component follow each other
    low = {start: 0}
    done: set[str] = set()
    stack = [start]
    path = [(start, iter(leads_to(start)))]
    while path:
        name, children = path[-1]
        for child in children:
            if child in known or child in done:
                continue
            if child not in place:
                place[child] = low[child] = len(stack)
                stack.append(child)
                path.append((child, iter(leads_to(child))))
                break
            low[name] = min(low[name], place[child])
        else:
            path.pop()
            if path:
                parent = path[-1][0]
                low[parent] = min(low[parent], low[name])
            if low[name] == place[name]:  # it leads back to no name below it on the stack
                component = stack[place[name] :][::-1]
                del stack[place[name] :]
                done.update(component)
                yield component
