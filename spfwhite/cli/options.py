"""The options that several commands have.

Owns: their names, their help, and how their values are read. Refuses: to act on them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from spfwhite.cli.common import Common, config_of
from spfwhite.errors import SpfwhiteError

if TYPE_CHECKING:
    from spfwhite.dns.nameservers import NameServer

FILE: Final = click.Path(path_type=Path)

F = TypeVar("F", bound=Callable[..., Any])


def _given(context: click.Context, option: click.Parameter, value: Any) -> None:
    if value:
        context.obj = (context.obj or Common())._replace(**{str(option.name): value})
        if context.obj.verbose and context.obj.quiet:
            raise click.UsageError("-v and -q exclude each other")


_kept: Final[dict[str, Any]] = {"callback": _given, "expose_value": False}


def common_options(command: click.Command, *, hidden: bool = False) -> click.Command:
    """Add the options that every command has, before those of its own."""
    option = partial(click.Option, hidden=hidden, callback=_given, expose_value=False)
    # the command's own option counts only if it is given
    variable = None if hidden else "SPFWHITE_CONFIG"
    explained = "Your own file, instead of those in /etc/spfwhite (or SPFWHITE_CONFIG)."
    if not any(parameter.name == "verbose" for parameter in command.params):
        command.params[:0] = [
            option(["-c", "--config"], type=FILE, envvar=variable, metavar="FILE", help=explained),
            option(["-v", "--verbose"], is_flag=True, help="Say all there is to say."),
            option(["-q", "--quiet"], is_flag=True, help="Say only what needs action."),
        ]
    return command


def _nameserver(text: str) -> NameServer:
    from spfwhite.dns.nameservers import parse_nameserver

    try:
        return parse_nameserver(text)
    except ValueError as fault:
        raise click.BadParameter(f"it {fault}") from None


def _deadline(context: click.Context, option: click.Parameter, seconds: float | None) -> None:
    if seconds is not None and math.isnan(seconds):
        raise click.BadParameter("it is not a number")
    _given(context, option, seconds)


def network_options(command: F) -> F:
    """Add the options of commands that ask the network."""
    nameserver = click.option(
        "--nameserver",
        "nameservers",
        multiple=True,
        type=_nameserver,
        metavar="ADDR",
        help="Ask this name server (192.0.2.1, 192.0.2.1:5353, [2001:db8::1]:53); repeatable.",
        **_kept,
    )
    deadline = click.option(
        "--deadline",
        type=click.FloatRange(0.1, 86_400),
        metavar="SECONDS",
        help="Time for DNS, pages and hosts together; without it DNS has dns.deadline, 60.",
        callback=_deadline,
        expose_value=False,
    )
    return nameserver(deadline(command))


def format_option(explained: str, *forms: str) -> Callable[[F], F]:
    """Add the option of commands whose output people or programs read; the first is default."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(forms),
        default=forms[0],
        show_default=True,
        help=explained,
    )


def _reload(context: click.Context, _option: click.Parameter, value: Any) -> None:
    if value is not None:  # no is an answer, too
        context.obj = (context.obj or Common())._replace(reload=value)


reload_option: Final = click.option(
    "--reload/--no-reload",
    default=None,
    callback=_reload,
    expose_value=False,
    help="Reload Postfix after a change, whatever the configuration says.",
)

strict_option: Final = click.option(
    "--strict", is_flag=True, help="List only what RFC 7208 certainly passes.", **_kept
)


def provider_names(context: click.Context, _parameter: Any, incomplete: str) -> list[str]:
    """Return the names of providers that the shell offers to complete."""
    try:
        config = config_of(context.obj or Common())
    except SpfwhiteError:
        return []  # the command will say it
    return [each.name for each in config.providers if each.name.startswith(incomplete)]


file_option: Final = partial(click.option, type=FILE, metavar="FILE")
name_option: Final = partial(click.option, metavar="NAME", shell_complete=provider_names)
output_option: Final = partial(click.option, "-o", "--output", type=FILE, metavar="PATH")
