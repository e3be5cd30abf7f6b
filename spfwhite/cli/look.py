"""The command that looks at DNS and writes nothing: `show`.

Owns: its options and output. Refuses: to touch any file.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

import click

from spfwhite.cli.common import (
    Common,
    config_of,
    domain_names,
    errors,
    network_options,
    print_bytes,
    print_json,
    print_lines,
    strict_option,
)

if TYPE_CHECKING:
    from spfwhite.cli.show import Line

COLOURS: Final[dict[str, dict[str, Any]]] = {
    "domain": {"bold": True},
    "passes": {"fg": "green"},
    "term": {},
    "problem": {"fg": "red"},
    "note": {"dim": True},
}
"""How a terminal shows the lines of a tree; click leaves the colours out of a pipe."""


@click.command()
@click.argument("domains", nargs=-1, required=True, metavar="DOMAIN...")
@click.option(
    "--format",
    "form",
    type=click.Choice(["tree", "cidr", "json"]),
    default="tree",
    show_default=True,
    help="A tree of terms, one CIDR a line, or JSON.",
)
@strict_option
@network_options
@click.pass_obj
def show(common: Common, /, *, domains: tuple[str, ...], form: str, **network: Any) -> None:
    """Show what domains pass, with every term. Touches no file.

    \b
    spfwhite show _spf.google.com
    spfwhite show --format cidr github.com | wc -l
    """
    import asyncio

    from spfwhite.cli import show as forms
    from spfwhite.sources.fetch import look_up
    from spfwhite.spf.evaluation import evaluate

    names = domain_names(domains)
    with errors():
        config = config_of(common, **network)
        answers = asyncio.run(look_up(names, config.dns, config.limits()))
    evaluation = evaluate(names, answers, strict=config.spf.strict)
    if form == "json":
        for name in names:
            print_json(forms.as_json(evaluation, name), indent=None)
    elif form == "cidr":
        print_bytes("".join(f"{text}\n" for text in forms.cidrs(evaluation)).encode())
    else:
        for name in names:
            print_lines(_coloured(forms.tree(evaluation, name)))
    sys.exit(0 if all(evaluation.root(name).passed for name in names) else 1)


def _coloured(lines: Iterable[Line]) -> Iterator[str]:
    return (click.style(line.text, **COLOURS[line.kind]) for line in lines)
