"""What the commands share: the options that every one has, those of the network, printing.

Owns: what people paste in place of a domain or an address. Refuses: to do a command's work.
"""

from __future__ import annotations

import json
import math
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import click

from spfwhite.errors import FileError, SpfwhiteError, StateError, UsageError
from spfwhite.wording import did_you_mean

if TYPE_CHECKING:
    from spfwhite.config.settings import Config, Provider
    from spfwhite.dns.nameservers import NameServer
    from spfwhite.plan.last_run import LastRun

# Seconds of work after which a bar appears.
BAR_DELAY: Final = 1.0

# Columns.
BAR_WIDTH: Final = 20

# Seconds that a command of an administrator waits for a run that is under way.
LOCK_WAIT: Final = 60.0

FILE: Final = click.Path(path_type=Path)

F = TypeVar("F", bound=Callable[..., Any])


class Common(NamedTuple):
    """The options that every command has, before it or behind it."""

    config: Path | None = None
    verbose: bool = False
    quiet: bool = False

    @property
    def program(self) -> str:
        """How a command to copy begins, from any folder, the configuration included."""
        return f"spfwhite -c {quote(str(self.config.absolute()))}" if self.config else "spfwhite"


def common_options(command: click.Command, *, hidden: bool = False) -> click.Command:
    """Add the options of `Common` to a command, before those that it has."""

    def given(context: click.Context, option: click.Parameter, value: Any) -> None:
        if value:
            context.obj = (context.obj or Common())._replace(**{str(option.name): value})
            if context.obj.verbose and context.obj.quiet:
                raise click.UsageError("-v and -q exclude each other")

    def option(*names: str, **keys: Any) -> click.Option:
        return click.Option(names, callback=given, expose_value=False, hidden=hidden, **keys)

    if not any(parameter.name == "verbose" for parameter in command.params):
        command.params[:0] = [
            option(
                "-c",
                "--config",
                type=FILE,
                # the command's own option counts only if it is given
                envvar=None if hidden else "SPFWHITE_CONFIG",
                metavar="FILE",
                help="Your own file, instead of those in /etc/spfwhite (or SPFWHITE_CONFIG).",
            ),
            option("-v", "--verbose", is_flag=True, help="Say all there is to say."),
            option("-q", "--quiet", is_flag=True, help="Say only what needs action."),
        ]
    return command


def _nameservers(_context: click.Context, _option: Any, texts: tuple[str, ...]) -> Any:
    from spfwhite.dns.nameservers import parse_nameserver

    try:
        return tuple(parse_nameserver(text) for text in texts)
    except ValueError as fault:
        raise click.BadParameter(f"it {fault}") from None


def _deadline(_context: click.Context, _option: Any, seconds: float | None) -> float | None:
    if seconds is not None and math.isnan(seconds):
        raise click.BadParameter("it is not a number")
    return seconds


def network_options(command: F) -> F:
    """Add the options of commands that ask the network."""
    nameserver = click.option(
        "--nameserver",
        "nameservers",
        multiple=True,
        callback=_nameservers,
        metavar="ADDR",
        help="Ask this name server (192.0.2.1, 192.0.2.1:5353, [2001:db8::1]:53); repeatable.",
    )
    deadline = click.option(
        "--deadline",
        type=click.FloatRange(0.1, 86_400),
        callback=_deadline,
        metavar="SECONDS",
        help="Time for all that a run asks for, pages and hosts included.",
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


def output_option(explained: str) -> Callable[[F], F]:
    """Add the option of commands that write one file, if it is named."""
    return click.option("-o", "--output", type=FILE, metavar="PATH", help=explained)


strict_option = click.option(
    "--strict", is_flag=True, help="List only what RFC 7208 certainly passes."
)


def config_of(
    common: Common,
    *,
    nameservers: tuple[NameServer, ...] = (),
    deadline: float | None = None,
    strict: bool = False,
) -> Config:
    """Return the configuration with what the command line says; raises ConfigError."""
    from spfwhite.config.loading import load

    config = load(common.config)
    dns = config.dns
    if nameservers:
        dns = dns._replace(nameservers=nameservers)
    if deadline:
        dns = dns._replace(deadline=deadline, run_deadline=deadline)
    spf = config.spf._replace(strict=True) if strict else config.spf
    return config._replace(dns=dns, spf=spf)


def read_anew(common: Common, written: Path, **network: Any) -> Config:
    """Say which file is written, and return the configuration with it; raises ConfigError."""
    print_lines([f"# written to {written}"])
    return config_of(common, **network)


def last_run_of(common: Common) -> tuple[Config, LastRun]:
    """Return the configuration and the last run; raises ConfigError, UsageError, FileError."""
    from spfwhite.plan.last_run import last_run
    from spfwhite.plan.state import load

    config = config_of(common)
    try:
        state = load(config.state)
    except StateError as error:
        raise FileError(f"the state {config.state.path} {error}") from None
    if state is None:
        raise UsageError(f"there is no state in {config.state.path}; run `spfwhite generate` first")
    return config, last_run(config, state, time.time())


def provider_names(context: click.Context, _parameter: Any, incomplete: str) -> list[str]:
    """Return the names of providers that the shell offers to complete."""
    try:
        config = config_of(context.obj or Common())
    except SpfwhiteError:
        return []  # the command will say it
    return [each.name for each in config.providers if each.name.startswith(incomplete)]


def provider_meant(config: Config, text: str) -> Provider:
    """Return the provider of this name, or the only one of this domain; raises UsageError.

    One that is on speaks for a domain before those that are off. What `add` made goes by the domain
    or the network that it was named after, too.
    """
    from spfwhite.config.writing import unused_name
    from spfwhite.dns.answers import canonical

    named = {each.name: each for each in config.providers}
    if text in named:
        return named[text]
    domain = canonical(pasted(text))
    names = domain, unused_name(domain, ())
    holders = [it for it in config.providers if domain in it.domains or it.name in names]
    holders = [each for each in holders if each.enabled] or holders
    if not holders:
        known = (*named, *(domain for each in config.providers for domain in each.domains))
        meant = did_you_mean(text, known) or "; `spfwhite providers` lists them"
        raise UsageError(f"there is no provider {text!a}{meant}")
    if len(holders) > 1:
        several = ", ".join(each.name for each in holders)
        raise UsageError(f"{domain} is of several providers, {several}: name one")
    return holders[0]


def pasted(text: str) -> str:
    """Return the domain or address in what was copied from a mail, a browser or a log."""
    text = text.strip().strip("<>\"'")
    text = re.sub(r"^[a-z]+://([^/?#]*).*", r"\1", text, flags=re.IGNORECASE)
    text = text.rpartition("@")[2]
    if port := re.fullmatch(r"\[(.*)\](?::[0-9]+)?|([^:]+):[0-9]+", text):
        return port[1] or port[2]
    return text


def domain_names(texts: Iterable[str]) -> list[str]:
    """Return domains as they are compared, each once; ends the program with 2 for a bad one."""
    from spfwhite.config.values import parse_domain
    from spfwhite.dns.answers import canonical

    names = list(dict.fromkeys(canonical(pasted(text)) for text in texts))
    for name in names:
        if ":" in name or re.fullmatch(r"[0-9./]+", name):
            hint = f"`spfwhite explain {name}` says who lists it, `add --networks {name}` lists it"
            raise click.UsageError(f"{name!a} is no domain: if it is an address, {hint}")
        try:
            parse_domain(name)
        except ValueError as fault:
            provider = "" if "." in name else f"; for a provider: spfwhite providers {name}"
            raise click.UsageError(f"{name!a} {fault}{provider}") from None
    return names


def print_lines(lines: Iterable[str], *, err: bool = False) -> None:
    """Print lines for people to standard output, or to standard error."""
    for line in lines:
        click.echo(line, err=err, color=False if os.environ.get("NO_COLOR") else None)


def print_json(value: object, *, indent: int | None = 1) -> None:
    """Print a JSON value to standard output; a terminal changes nothing about it."""
    print_bytes(json.dumps(value, indent=indent).encode() + b"\n")


def print_bytes(content: bytes) -> None:
    """Write data (JSON, TOML, tables) to standard output as they are."""
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def on_terminal() -> bool:
    """Whether standard output is a terminal."""
    return sys.stdout.isatty()


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on standard error if that is a terminal and the work takes over a second."""
    if not sys.stderr.isatty():
        yield lambda _done, _all: None
        return
    began = time.monotonic()
    with ExitStack() as stack:
        bars: list[Any] = []

        def progress(done: int, total: int) -> None:
            if not bars and time.monotonic() - began > BAR_DELAY:
                # of a fixed width, which no terminal breaks; what is left to ask, nobody knows yet
                bar = click.progressbar(
                    length=total, label=label, show_eta=False, width=BAR_WIDTH, file=sys.stderr
                )
                bars.append(stack.enter_context(bar))
            for bar in bars:
                bar.length = total
                bar.update(done - bar.pos)

        yield progress
