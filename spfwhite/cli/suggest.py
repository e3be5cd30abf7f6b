"""The command that reads mail logs: `suggest`.

Owns: its options, the opening of logs, the look-ups, and the wording; commands to copy are lines of
their own. Refuses: to decide what is proposed, to write any file, and to keep a log in memory.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple

import click

from spfwhite.cli.common import Common, config_of
from spfwhite.cli.options import FILE, format_option, network_options
from spfwhite.cli.printing import print_json, print_lines
from spfwhite.errors import FileError, SpfwhiteError
from spfwhite.inspect.maillog import LINE_BYTES, Tally
from spfwhite.inspect.suggest import MAX_NAMES, Group, Spf, by_name, groups, promising, questions
from spfwhite.wording import clipped, cut, few, many, printable

if TYPE_CHECKING:
    from spfwhite.config.settings import Config

# Groups without a proposal that are shown; `-v` shows all.
MAX_NOT_PROPOSED: Final = 20

# Networks of a group that are named.
MAX_PLACES: Final = 3

CAVEAT: Final = "whether you want their mail is yours to decide"

# What a `Tally` counts of the connections.
SUMS: Final = {
    "listed": "let through by its access list",
    "passed_new": "passed its tests, new",
    "passed_old": "let through since they had passed before",
    "deferred": "deferred with 450 4.3.2 (after-220 tests)",
    "failed": "tests failed",
}

FORMS: Final = (
    "a log may be as syslog, journalctl (also -o export and -o json), Docker or Kubernetes write "
    "it, with a date and a name such as postfix/postscreen[1] in each line, plain or packed by "
    "gzip, bzip2 or xz"
)
# What unpacks a log, by the octets that it begins with.
PACKINGS: Final[dict[bytes, Any]] = {b"\x1f\x8b": gzip, b"BZh": bz2, b"\xfd7zXZ": lzma}

WHY_NOT: Final[dict[Spf, str]] = {
    "passes none": "its SPF passes none of them",
    "too wide": "its SPF passes more than the limits of [safety] allow",
    "missing": "there is no SPF record at that name or its parents",
    "failed": "its SPF could not be looked up",
    "not asked": f"not looked up: only {MAX_NAMES} names are, those that came back first",
    "no name": "no verified name, so nothing tells whose they are",
}


class Findings(NamedTuple):
    """What logs and DNS say.

    `days` is how many a client must have come on. `unread` says of each log without a line of
    Postfix what it has, `off` of each provider that is switched off what switches it on. `table` is
    the path of the list, and `program` how a command to copy begins.
    """

    tally: Tally
    unread: Sequence[str]
    groups: Sequence[Group]
    days: int
    off: Mapping[str, str]
    table: str
    program: str

    @property
    def proof(self) -> str:
        """What a client has done that is no spammer's."""
        return f"came back on {many(self.days, 'day')} or more and had mail accepted"


@click.command()
@click.argument("logs", nargs=-1, required=True, type=FILE, metavar="LOG...")
@click.option(
    "--days",
    type=click.IntRange(1, 366),
    default=2,
    show_default=True,
    help="Propose only what came back on so many days.",
)
@format_option("Text for people, or JSON.", "text", "json")
@network_options
@click.pass_obj
def suggest(common: Common, /, *, logs: tuple[Path, ...], days: int, form: str) -> None:
    """Propose senders in the mail log that the list lacks.

    LOG is a file as syslog, journalctl, Docker or Kubernetes write it, or packed; - is
    standard input. Name each line once: mail.log and mail.info share theirs. Nothing
    is added; whose mail is wanted is yours to decide.

    \b
    spfwhite suggest /var/log/mail.log /var/log/mail.log.1
    journalctl -o export -u 'postfix*' | spfwhite suggest -

    Exit codes: 0 done, 1 no line of Postfix was found, DNS gave no answer or another
    error, 2 usage.
    """
    config = config_of(common)
    tally, unread = _tally(logs)
    if not tally.lines:
        raise SpfwhiteError("; ".join([*unread, FORMS]))
    groups, off = _groups(config, tally, days)
    table = str(config.output.allow)
    findings = Findings(tally, unread, groups, days, off, table, common.program)
    if form == "json":
        print_json(as_json(findings))
    else:
        print_lines(lines(findings, verbose=common.verbose))


def _tally(logs: tuple[Path, ...]) -> tuple[Tally, list[str]]:
    # the counts of all logs, and what is said of those that are not read
    tally, unread = Tally(), []
    for path in logs:
        try:
            with _opened(path) as stream:
                before = tally.lines
                first = tally.read(iter(lambda: stream.readline(LINE_BYTES), b""))
        except (OSError, EOFError, zlib.error, lzma.LZMAError) as fault:
            reason = getattr(fault, "strerror", None) or str(fault)
            raise FileError(f"cannot read {printable(str(path))}: {reason}") from None
        if tally.lines == before:
            line = clipped(first.decode("utf-8", "surrogateescape").rstrip())
            what = f'no line of Postfix\'s postscreen or smtpd; its first is "{line}"'
            unread.append(f"{printable(str(path))}: {what if first else 'is empty'}")
    return tally, unread


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    if str(path) == "-" and sys.stdin is None:
        raise OSError("standard input is closed")
    with open(0 if str(path) == "-" else path, "rb", closefd=str(path) != "-") as stream:
        start = stream.peek(6)[:6]
        if start.startswith(b"\x28\xb5\x2f\xfd"):
            raise OSError("it is packed by zstd; `zstdcat LOG | spfwhite suggest -` reads it")
        packing = next((each for head, each in PACKINGS.items() if start.startswith(head)), None)
        yield packing.open(stream) if packing else stream


def _groups(config: Config, tally: Tally, days: int) -> tuple[list[Group], dict[str, str]]:
    # the clients that are not listed, and why providers are off
    import asyncio

    from spfwhite import files
    from spfwhite.dns.answers import Failed
    from spfwhite.sources.fetch import look_up
    from spfwhite.spf.evaluation import evaluate
    from spfwhite.tables.content import networks_in

    named = by_name(tally.clients, networks_in(files.read_if_there(config.output.allow) or b""))
    domains = questions(promising(tally.clients, named, days))
    answers = asyncio.run(look_up(domains, config.dns, config.limits())) if domains else {}
    reasons = [answer.reason for answer in answers.values() if isinstance(answer, Failed)]
    if reasons and len(reasons) == len(answers):
        # not a word on the log: it would read as if there were nothing to propose
        told = clipped("; ".join(sorted(set(reasons))[:3]))
        raise SpfwhiteError(f"DNS gave no answer at all: {told}")
    strict, widest = config.spf.strict, config.widest("permit")
    evaluation = evaluate(domains, answers, strict=strict, widest=widest)
    today = datetime.now(UTC).date()
    off = {p.name: why for p in config.providers if (why := config.why_off(p, today))}
    # one that is on speaks for a domain before one that is off
    speakers = sorted(config.providers, key=lambda provider: provider.name not in off)
    providers = {domain: each.name for each in speakers for domain in each.domains}
    return groups(tally.clients, named, evaluation, days=days, providers=providers), off


def lines(findings: Findings, *, verbose: bool) -> Iterator[str]:
    """Yield what people read: the summary, the proposals, the rest."""
    tally, program = findings.tally, findings.program
    days = many(tally.days.bit_count(), "day")
    yield f"{many(tally.connections, 'connection')} to postscreen on {days}"
    yield from (f"{getattr(tally, name):>12,}  {text}" for name, text in SUMS.items())
    unlisted = sum(group.clients for group in findings.groups)
    yield f"{many(unlisted, 'client')} tested and not in {clipped(findings.table)}"
    yield from notices(findings)
    proposed = [group for group in findings.groups if group.is_proposed]
    waiting = [group for group in findings.groups if group.is_waiting and not group.is_proposed]
    others = [group for group in findings.groups if group not in (*proposed, *waiting)]
    if waiting:
        yield ""
        yield f"Waiting: their SPF passes them, so they are not forged; {CAVEAT}."
    for group in waiting:
        passed = "all" if group.passed == group.clients else f"{group.passed:,}"
        came = f"{group.deferred:,} deferred from {many(group.clients, 'address', 'es')}"
        fate = f"its SPF passes {passed} of them, none got in"
        yield f"  {group.domain}: {came}, {fate}; `{program} add {group.domain}` lists it"
    yield ""
    if proposed:
        since = "since a spammer's own SPF covers him too. Nothing was added."
        yield f"Proposed: these come from where their SPF says; {CAVEAT}, {since}"
    else:
        needs = "a client that is not listed, that its SPF passes, and that"
        yield f"No proposal: one needs {needs} {findings.proof}."
    for group in proposed:
        yield ""
        yield f"  {_title(group)}"
        yield f"    its SPF passes {group.passed:,} of them; {group.proven:,} {findings.proof}"
        yield f"    from {_places(group)}"
        yield f"    {program} add {group.domain}"
    if others:
        yield ""
        yield "Not proposed:"
    told = [f"  {_title(group)}: {_why_not(findings, group)}" for group in others]
    yield from cut(told, len(told) if verbose else MAX_NOT_PROPOSED)


def notices(findings: Findings) -> Iterator[str]:
    """Yield what keeps the numbers from being the whole truth."""
    tally = findings.tally
    yield from (f"note: {said}" for said in findings.unread)
    if findings.unread:
        yield f"note: {FORMS}"
    if tally.undated:
        tests = many(tally.undated, "test")
        yield f"note: the date of {tests} cannot be read, so that no day of theirs counts"
    if tally.uncounted:
        unseen = "whether mail was accepted cannot be seen"
        yield f"note: smtpd's lines at disconnect have no counters, as before Postfix 3.0: {unseen}"
    if not (tally.connections or tally.listed or tally.clients):
        yield "note: no connection to postscreen in these logs; is it in use, and logs here?"
    if tally.left_out:
        rest = f"{tally.left_out:,} tests of later ones are only in the sums"
        yield f"note: capped: {len(tally.clients):,} clients are kept apart; {rest}"


def _title(group: Group) -> str:
    # who it is, and how much came from it
    deferred = f", {group.deferred:,} deferred" if group.deferred else ""
    extent = f"{many(group.clients, 'client')}, {many(group.connections, 'connection')}"
    return f"{clipped(group.domain) or _places(group)}: {extent}{deferred}"


def _why_not(findings: Findings, group: Group) -> str:
    if why := findings.off.get(group.provider):
        return f"provider {group.provider} has it but is off: {why}"
    if group.provider:
        see = f"{findings.program} providers {group.provider}"
        return f"already a domain of provider {group.provider}; see `{see}`"
    if group.spf == "passes":
        return f"its SPF passes {group.passed:,}, of which none {findings.proof}"
    return WHY_NOT[group.spf]


def _places(group: Group) -> str:
    texts = [f"{network} ({count:,})" for network, count in group.networks]
    return few(texts, MAX_PLACES, total=len(texts) + group.more_networks)


def as_json(findings: Findings) -> dict[str, Any]:
    """Return the findings as a JSON object."""
    tally = findings.tally
    return {
        "days": tally.days.bit_count(),
        "minimum_days": findings.days,
        "connections": tally.connections,
        **{name: getattr(tally, name) for name in SUMS},
        "unlisted_clients": sum(group.clients for group in findings.groups),
        "capped": bool(tally.left_out),
        "notices": list(notices(findings)),
        "caveat": CAVEAT,
        "groups": [_group(findings, group) for group in findings.groups],
    }


def _group(findings: Findings, group: Group) -> dict[str, Any]:
    return group._asdict() | {
        "networks": dict(group.networks),
        "proposed": group.is_proposed,
        "waiting": group.is_waiting,
        "command": f"{findings.program} add {group.domain}" if group.is_proposed else "",
        "why_not": "" if group.is_proposed else _why_not(findings, group),
    }
