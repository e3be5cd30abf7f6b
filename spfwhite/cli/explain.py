"""The command that says why addresses are on the table, or why not: `explain`.

Owns: its options, the lines of an explanation and its JSON form. Refuses: to search
(`spfwhite.inspect.explain`), and to write any file.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from spfwhite.cli.common import Common, errors, last_run_of, print_json, print_lines, text_or_json
from spfwhite.config.settings import Config
from spfwhite.inspect.explain import MANY, Denial, Explanation, Neighbour, Passing
from spfwhite.report.as_json import time_text
from spfwhite.wording import clipped, few, span

if TYPE_CHECKING:
    from spfwhite.networks import Networks


@click.command()
@click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS...")
@text_or_json("Text for people, or a JSON object a line.")
@click.pass_obj
def explain(common: Common, /, *, addresses: tuple[str, ...], form: str) -> None:
    """Say why addresses are on the table, or why not. Asks nobody.

    Takes IPv4 and IPv6 addresses and networks. Exits with 0 if all are covered, 1 if not.

    \b
    spfwhite explain 209.85.128.1
    spfwhite explain 2a00:1450:4000::/36 192.0.2.7
    """
    from spfwhite.inspect import explain as why
    from spfwhite.networks import parse_operator

    with errors():
        asked = {}
        for text in addresses:
            try:
                asked[text] = parse_operator(text)
            except ValueError as fault:
                raise click.UsageError(f"{text!a} {fault}") from None
        config, run = last_run_of(common)
        table = _table(config.output.allow, run.plan.permitted)
        rejects = _table(config.output.reject, run.plan.rejected, only_ours=True)
        found = {text: why.explain(run, table, part, rejects) for text, part in asked.items()}
        for text, explanation in found.items():
            if form == "json":
                print_json(as_json(text, explanation), indent=None)
            else:
                print_lines(lines(text, explanation, config, run.now))
    sys.exit(0 if all(each.is_covered for each in found.values()) else 1)


def _table(path: Path, planned: Networks, *, only_ours: bool = False) -> Networks:
    """Return what a table holds: the file is the truth, the state if there is none.

    `only_ours`: what somebody else wrote there counts for nothing.
    """
    from spfwhite import files
    from spfwhite.networks import EMPTY
    from spfwhite.tables import content as tables

    content = files.read_if_there(path)
    if content is None:
        return planned
    if only_ours and tables.origin(content) != "ours":
        return EMPTY
    return tables.networks_in(content)


def lines(asked: str, found: Explanation, config: Config, now: float) -> Iterator[str]:
    """Yield the explanation of one address: the verdict, what passes it, what keeps it out."""
    yield f"{asked}: {'' if found.is_covered else 'partly ' if found.covered else 'not '}covered"
    for rule in found.rules[:MANY]:
        yield f"  rule {rule} of {config.output.allow}"
    if len(found.rules) > MANY:
        yield f"  and {len(found.rules) - MANY} more rules"
    for passing in found.passing:
        yield from _passing(passing, now)
    yield from _rejecting(found, config, now)
    if found.covered and not found.passing:
        yield "  no provider passes it: it goes at the next run"
    if found.pending:
        yield "  it belongs on the table: `spfwhite generate` adds it"
    yield from _grouped(each for each in found.denials if each.certain)
    for change in found.until:
        yield f"  {change.provider} covered it until {time_text(change.when)}"
    for near in found.neighbours:
        yield f"  nearest: {near.network}, {_distance(near)} away, of {few(near.providers, MANY)}"
    doubts = list(_grouped(each for each in found.denials if not each.certain))
    yield from doubts[:MANY]
    if len(doubts) > MANY:
        yield f"  and {len(doubts) - MANY} more terms that might; --format json has them"


def _rejecting(found: Explanation, config: Config, now: float) -> Iterator[str]:
    for rule in found.reject_rules[:MANY]:
        yield f"  rule {rule} of {config.output.reject}"
    for rejecting in found.rejecting:
        yield from _passing(rejecting, now, "rejected by ")
    if found.reject_rules and not found.rejecting:
        yield "  no provider rejects it: it goes at the next run"
    if found.rejecting and not found.reject_rules:
        yield f"  it belongs on {config.output.reject}: `spfwhite generate` adds it"


def _grouped(denials: Iterable[Denial]) -> Iterator[str]:
    """Say once what several providers share through one record."""
    grouped: dict[str, list[str]] = {}
    for denial in denials:
        grouped.setdefault(denial.sentence, []).append(denial.provider)
    for sentence, who in grouped.items():
        yield f"  {clipped(sentence)}" + (f" ({few(who, MANY)})" if any(who) else "")


def _distance(near: Neighbour) -> str:
    """Return a distance as the family is counted elsewhere: IPv4 addresses, IPv6 /64s."""
    if ":" not in near.network:
        return f"{near.distance:,} addresses"
    return f"{near.distance >> 64:,} /64s"


def _passing(passing: Passing, now: float, lead: str = "") -> Iterator[str]:
    where = clipped(passing.domain)
    yield f"  {lead}{passing.provider}: {clipped(passing.term)} in {where}"
    if len(passing.chain) > 1:
        yield f"    through {' > '.join(clipped(name) for name in passing.chain)}"
    if passing.former:
        yield "    the configuration no longer says so: it goes at the next run"
    if passing.held is not None:
        yield f"    held for {span(now - passing.held)}: see `spfwhite providers`"
    if passing.stale is not None:
        yield f"    from memory: last answered {span(now - passing.stale)} ago"


def as_json(asked: str, found: Explanation) -> dict[str, Any]:
    """Return the explanation as a JSON object."""
    return {
        "address": asked,
        "covered": found.is_covered,
        "covered_networks": found.covered.texts(),
        "rules": list(found.rules),
        "passing": [_passing_json(each) for each in found.passing],
        "reject_rules": list(found.reject_rules),
        "rejecting": [_passing_json(each) for each in found.rejecting],
        "pending": found.pending.texts(),
        "denials": [
            {"provider": d.provider, "sentence": d.sentence, "certain": d.certain}
            for d in found.denials
        ],
        "nearest": [
            {"network": n.network, "distance": n.distance, "providers": list(n.providers)}
            for n in found.neighbours
        ],
        "covered_until": [
            {"provider": change.provider, "when": time_text(change.when)} for change in found.until
        ],
    }


def _passing_json(passing: Passing) -> dict[str, Any]:
    return {
        "provider": passing.provider,
        "term": passing.term,
        "domain": passing.domain,
        "chain": list(passing.chain),
        "held_since": None if passing.held is None else time_text(passing.held),
        "stale_since": None if passing.stale is None else time_text(passing.stale),
        "former": passing.former,
    }
