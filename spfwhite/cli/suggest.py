"""The command that reads mail logs: `suggest`.

Owns: its options, the opening of logs and the look-ups. Refuses: to write any file, and to keep a
log in memory.
"""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import BufferedIOBase
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from spfwhite.cli.common import (
    Common,
    config_of,
    errors,
    network_options,
    print_json,
    print_lines,
    text_or_json,
)
from spfwhite.errors import FileError
from spfwhite.wording import clipped, printable

if TYPE_CHECKING:
    from spfwhite.cli.suggest_text import Findings
    from spfwhite.config.settings import Config
    from spfwhite.inspect.maillog import Tally


@click.command()
@click.argument("logs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="LOG...")
@click.option(
    "--days",
    type=click.IntRange(1, 366),
    default=2,
    show_default=True,
    help="Propose only what came back on so many days.",
)
@text_or_json("Text for people, or JSON.")
@network_options
@click.pass_obj
def suggest(
    common: Common, /, *, logs: tuple[Path, ...], days: int, form: str, **network: Any
) -> None:
    """Propose senders in the mail log that the list does not cover.

    LOG is a file of syslog lines or of `journalctl -o export`, plain or gzipped; -
    is standard input. Name each line once: mail.log and mail.info share theirs.
    Nothing is added; whose mail is wanted is yours to decide.

    \b
    spfwhite suggest /var/log/mail.log /var/log/mail.log.1
    journalctl -o export -u 'postfix*' | spfwhite suggest -

    Exit codes: 0 done, 1 no line of Postfix was found, DNS gave no answer or another
    error, 2 usage.
    """
    from spfwhite.cli import suggest_text

    with errors():
        config = config_of(common, **network)
        tally = _tally(logs)
        if not tally.lines:
            _stop("no log line of Postfix's postscreen or smtpd was found")
        found = _findings(config, tally, days)
    if form == "json":
        print_json(suggest_text.as_json(found))
    else:
        print_lines(suggest_text.lines(found, verbose=common.verbose))


def _stop(message: str) -> NoReturn:
    print_lines([f"spfwhite: {message}"], err=True)
    sys.exit(1)


def _tally(logs: tuple[Path, ...]) -> Tally:
    """Return the counts of all logs; raises FileError."""
    from spfwhite.inspect.maillog import PIECE, Tally

    tally = Tally()
    for path in logs:
        try:
            with _opened(path) as stream:
                tally.read(iter(lambda: stream.readline(PIECE), b""))
        except (OSError, EOFError, zlib.error) as fault:
            reason = getattr(fault, "strerror", None) or str(fault)
            raise FileError(f"cannot read {printable(str(path))}: {reason}") from None
    return tally


@contextmanager
def _opened(path: Path) -> Iterator[BufferedIOBase]:
    """Yield a log as a stream, unpacked if it is gzipped; raises OSError."""
    if str(path) == "-" and sys.stdin is None:
        raise OSError("standard input is closed")
    with open(0 if str(path) == "-" else path, "rb", closefd=str(path) != "-") as stream:
        if stream.peek(2)[:2] == b"\x1f\x8b":
            with gzip.open(stream) as unpacked:
                yield unpacked
        else:
            yield stream


def _findings(config: Config, tally: Tally, days: int) -> Findings:
    """Look up the domains of unlisted clients; raises FileError and NoNameServerError."""
    import asyncio

    from spfwhite import files
    from spfwhite.cli.suggest_text import Findings
    from spfwhite.dns.answers import Failed
    from spfwhite.inspect import suggest as decide
    from spfwhite.sources.fetch import look_up
    from spfwhite.spf.evaluation import evaluate
    from spfwhite.tables import content as tables

    table = config.output.allow
    named = decide.by_name(tally.clients, tables.networks_in(files.read_if_there(table) or b""))
    domains = decide.questions(decide.promising(tally.clients, named, days))
    limits = config.limits()
    answers = asyncio.run(look_up(domains, config.dns, limits)) if domains else {}
    reasons = [each.reason for each in answers.values() if isinstance(each, Failed)]
    if reasons and len(reasons) == len(answers):
        # not a word on the log: it would read as if there were nothing to propose
        _stop(f"DNS gave no answer at all: {clipped('; '.join(sorted(set(reasons))[:3]))}")
    strict, widest = config.spf.strict, config.widest("permit")
    today = datetime.now(UTC).date()
    off = {each.name: why for each in config.providers if (why := config.why_off(each, today))}
    groups = decide.groups(
        tally.clients,
        named,
        evaluate(domains, answers, strict=strict, widest=widest),
        days=days,
        providers={
            domain: provider.name
            # one that is on speaks for a domain before one that is off
            for provider in sorted(config.providers, key=lambda each: each.name not in off)
            for domain in provider.domains
        },
    )
    return Findings(tally, groups, days, str(table), off)
