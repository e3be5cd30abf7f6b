"""The command line: options, exit codes, and what goes to which stream.

Owns: click. Refuses: to decide anything; it calls `spfwhite.app` and prints what that returns.
Modules that are slow to import are imported in the commands that need them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from spfwhite import __version__

if TYPE_CHECKING:
    from spfwhite.app import Options, Run
    from spfwhite.rules import NameServer
    from spfwhite.settings import Config

TERMINAL_LINES: Final = 12
"""Lines of a difference that a terminal is shown without -v."""


@dataclass(frozen=True, slots=True)
class Common:
    """The options that stand before the command."""

    config: Path | None
    verbose: bool
    quiet: bool


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80})
@click.option(
    "-c",
    "--config",
    type=click.Path(path_type=Path),
    envvar="SPFWHITE_CONFIG",
    metavar="FILE",
    help="Overlay to use instead of those in /etc/spfwhite (or SPFWHITE_CONFIG).",
)
@click.option("-v", "--verbose", is_flag=True, help="Say all there is to say.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
@click.version_option(__version__, prog_name="spfwhite")
@click.pass_context
def main(context: click.Context, config: Path | None, verbose: bool, quiet: bool) -> None:  # noqa: FBT001
    """Turn the SPF records of well-known senders into an allowlist for postscreen.

    \b
    spfwhite generate --dry-run    what a run would do
    spfwhite generate              write the table
    spfwhite show _spf.google.com  what a domain passes, term by term

    Exit codes: 0 table current or written, 1 error, 2 usage or configuration, 3 written but
    degraded, 4 refused.
    """
    if verbose and quiet:
        raise click.UsageError("-v and -q exclude each other")
    context.obj = Common(config, verbose, quiet)


def _nameservers(_context: click.Context, _option: Any, texts: tuple[str, ...]) -> Any:
    from spfwhite.rules import parse_nameserver

    try:
        return tuple(parse_nameserver(text) for text in texts)
    except ValueError as fault:
        raise click.BadParameter(f"it {fault}") from None


def network_options(command: Any) -> Any:
    """Add the options of commands that ask the network."""
    for option in (
        click.option(
            "--deadline",
            type=click.FloatRange(0.1, 86_400),
            metavar="SECONDS",
            help="Time for all look-ups together.",
        ),
        click.option(
            "--nameserver",
            "nameservers",
            multiple=True,
            callback=_nameservers,
            metavar="ADDR",
            help="Ask this name server (192.0.2.1, 192.0.2.1:5353, [2001:db8::1]:53); repeatable.",
        ),
        click.option("--strict", is_flag=True, help="List only what RFC 7208 certainly passes."),
    ):
        command = option(command)
    return command


@main.command()
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Write the table to this file only; - is standard output.",
)
@click.option("--dry-run", is_flag=True, help="Show the plan and the difference; write nothing.")
@click.option("--force", is_flag=True, help="Replace a file that spfwhite did not write.")
@click.option(
    "--record", type=click.Path(path_type=Path), metavar="FILE", help="Save what DNS answered."
)
@click.option(
    "--replay",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Use a saved file instead of the network; needs -o or --dry-run.",
)
@network_options
@click.pass_obj
def generate(
    common: Common,
    /,
    *,
    output: Path | None,
    dry_run: bool,
    force: bool,
    record: Path | None,
    replay: Path | None,
    **network: Any,
) -> None:
    """Resolve all providers and write the table.

    \b
    spfwhite generate --dry-run
    spfwhite generate -o ./postscreen_spf_whitelist.cidr
    """
    if replay and not (output or dry_run):
        raise click.UsageError("--replay needs -o or --dry-run")
    from spfwhite import app

    options = app.Options(output, dry_run, force, record, replay)
    with _errors():
        run = app.generate(_config(common, **network), options)
    _print_run(common, run, options)
    sys.exit(run.report.exit_code)


def _print_run(common: Common, run: Run, options: Options) -> None:
    """Print results to stdout and news to stderr; nothing where there is neither."""
    from spfwhite import text

    report = run.report
    if options.dry_run:
        _lines(_cut(common, list(text.difference(report))))
    elif report.path is None and not report.refusals:
        sys.stdout.buffer.write(run.table)
    if report.exit_code:
        _lines(text.summary(report, verbose=common.verbose), err=True)
    elif not common.quiet and (options.dry_run or common.verbose or sys.stdout.isatty()):
        _lines(text.summary(report, verbose=common.verbose), err=report.path is None)


def _cut(common: Common, lines: list[str]) -> list[str]:
    """Keep a long difference from running off a terminal."""
    if common.verbose or not sys.stdout.isatty() or len(lines) <= TERMINAL_LINES:
        return lines
    return [*lines[:TERMINAL_LINES], f"... and {len(lines) - TERMINAL_LINES} more; -v lists them"]


@main.command()
@click.argument("domains", nargs=-1, required=True, metavar="DOMAIN...")
@click.option(
    "--format",
    "form",
    type=click.Choice(["tree", "cidr", "json"]),
    default="tree",
    show_default=True,
    help="A tree of terms, one CIDR a line, or JSON.",
)
@network_options
@click.pass_obj
def show(common: Common, /, *, domains: tuple[str, ...], form: str, **network: Any) -> None:
    """Show what domains pass, with every term. Touches no file.

    \b
    spfwhite show _spf.google.com
    spfwhite show --format cidr github.com | wc -l
    """
    import asyncio

    from spfwhite import app, plan
    from spfwhite import show as forms
    from spfwhite.answers import canonical
    from spfwhite.evaluate import evaluate
    from spfwhite.rules import parse_domain
    from spfwhite.strict import evaluate_strict

    names = list(dict.fromkeys(canonical(domain) for domain in domains))
    for name in names:
        try:
            parse_domain(name)
        except ValueError as fault:
            raise click.UsageError(f"{name!a} {fault}") from None
    with _errors():
        config = _config(common, **network)
        answers = asyncio.run(app.look_up(names, config.dns, plan.limits(config)))
    evaluation = (evaluate_strict if config.spf.strict else evaluate)(names, answers)
    if form == "json":
        _lines(json.dumps(forms.as_json(evaluation, name)) for name in names)
    elif form == "cidr":
        _lines(forms.cidrs(evaluation))
    else:
        for name in names:
            _lines(forms.tree(evaluation, name))
    sys.exit(0 if all(evaluation.root(name).passed for name in names) else 1)


def _config(
    common: Common,
    *,
    nameservers: tuple[NameServer, ...],
    deadline: float | None,
    strict: bool,
) -> Config:
    from spfwhite.config import load

    config = load(common.config)
    dns = config.dns
    if nameservers:
        dns = replace(dns, nameservers=nameservers)
    if deadline:
        dns = replace(dns, deadline=deadline)
    spf = replace(config.spf, strict=True) if strict else config.spf
    return replace(config, dns=dns, spf=spf)


def _lines(lines: Iterable[str], *, err: bool = False) -> None:
    for line in lines:
        click.echo(line, err=err)


@contextmanager
def _errors() -> Iterator[None]:
    """Turn what stops a run into one line and an exit code."""
    from spfwhite.answers import SnapshotError
    from spfwhite.config import ConfigError
    from spfwhite.files import FileError
    from spfwhite.nameservers import NoNameServerError
    from spfwhite.report import Exit

    try:
        yield
    except ConfigError as error:
        _fail(error, Exit.USAGE)
    except (SnapshotError, FileError, NoNameServerError) as error:
        _fail(error, Exit.ERROR)


def _fail(error: Exception, code: int) -> NoReturn:
    click.echo(f"spfwhite: {error}", err=True)
    sys.exit(code)
