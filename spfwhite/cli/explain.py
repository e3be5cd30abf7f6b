"""The command that says why addresses are on the table, or why not: `explain`.

Owns: its options, the lines of an explanation and its JSON form. Refuses: to search
(`spfwhite.inspect.explain`), and to write any file.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import click

from spfwhite.cli.common import Common, last_run_of, pasted
from spfwhite.cli.options import format_option
from spfwhite.cli.printing import print_json, print_lines
from spfwhite.config.values import parse_line
from spfwhite.inspect import explain as search
from spfwhite.inspect.explain import MAX_NAMED, Denial, Explanation, Neighbour, Passing
from spfwhite.networks import IPV4_MAPPED, Networks
from spfwhite.plan.last_run import LastRun
from spfwhite.report.as_json import time_text
from spfwhite.spf.result import nearness
from spfwhite.wording import clipped, cut, few, span


@click.command()
@click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS...")
@format_option("Text for people, or a JSON object a line.", "text", "json")
@click.pass_obj
def explain(common: Common, /, *, addresses: tuple[str, ...], form: str) -> None:
    """Say why addresses are on the table, or why not. Asks nobody.

    Takes IPv4 and IPv6 addresses and networks. Exits with 0 if all are covered, 1 if not.
    With -v also names the terms that only the client of a mail decides.

    \b
    spfwhite explain 209.85.128.1
    spfwhite explain 2a00:1450:4000::/36 192.0.2.7
    """
    asked = {text: _networks(text) for text in addresses}
    run = last_run_of(common)
    tables = run.config.output
    allowed = search.networks_in_force(tables.allow, run.plan.permitted)
    rejects = search.networks_in_force(tables.reject, run.plan.rejected, only_ours=True)
    found = {text: search.explain(run, allowed, asked[text], rejects) for text in asked}
    for text, explanation in found.items():
        if form == "json":
            print_json(as_json(text, explanation), indent=None)
        else:
            print_lines(lines(text, explanation, run, common))
    sys.exit(0 if all(explanation.is_covered for explanation in found.values()) else 1)


def _networks(text: str) -> Networks:
    """Return an address or a network of the command line; raises click.UsageError."""
    address = pasted(text)
    try:
        networks = parse_line(address).networks
    except ValueError as fault:
        is_word = ":" not in address and re.search("[A-Za-z]", address)
        other = "domain: spfwhite show" if "." in address else "provider: spfwhite providers"
        hint = f"; for a {other} {address}" if is_word else ""
        raise click.UsageError(f"{text!a} {fault}{hint}") from None
    if networks - IPV4_MAPPED:
        return networks
    ((first, last),) = networks.ranges(6)
    return Networks.of(4, first & 0xFFFFFFFF, last & 0xFFFFFFFF)


def lines(asked: str, explanation: Explanation, run: LastRun, common: Common) -> Iterator[str]:
    """Yield the explanation of one address: the verdict, what passes it, what keeps it out."""
    config, program = run.config, common.program
    part = "" if explanation.is_covered else "partly " if explanation.covered else "not "
    if explanation.rejected and not explanation.covered:
        part = "" if explanation.rejected == explanation.asked else "partly "
        yield f"{asked}: {part}rejected"
    else:
        yield f"{asked}: {part}covered"
    rules = [f"  rule {rule} of {config.output.allow}" for rule in explanation.rules]
    yield from cut(rules, MAX_NAMED, " rules")
    yield from _direct_first(explanation.passing, run.now)
    names = {each.provider for each in explanation.passing}
    ending = [each for each in config.providers if each.name in names and each.expires]
    yield from (f"  {provider.name} counts until {provider.expires}" for provider in ending)
    yield from _rejecting(explanation, run, program)
    if explanation.covered and not explanation.passing:
        yield "  no provider passes it: it goes at the next run"
    if explanation.pending:
        yield f"  it belongs on the table: `{program} generate` adds it"
    yield from _grouped(denial for denial in explanation.denials if denial.certain)
    rejecting = {each.name for each in config.providers if each.action == "reject"}
    for change in {each.provider: each for each in explanation.until}.values():  # the last of each
        did = "rejected" if change.provider in rejecting else "covered"
        yield f"  {change.provider} {did} it until {time_text(change.when)}"
    for near in explanation.neighbours:
        owners = few(near.providers, MAX_NAMED)
        yield f"  nearest: {near.network}, {_distance(near)} away, of {owners}"
    # what might pass every stranger says nothing about this one
    doubts = (each for each in explanation.denials if not each.certain)
    said = list(_grouped(each for each in doubts if common.verbose or not each.by_client))
    most = len(said) if common.verbose else MAX_NAMED
    yield from cut(said, most, " terms that might; -v names them")
    ends_here = explanation.is_covered or explanation.pending or explanation.rejecting
    if not ends_here and not any(denial.certain for denial in explanation.denials):
        yield f"  if it should be on the list: {program} suggest MAILLOG, or {program} add DOMAIN"


def _rejecting(explanation: Explanation, run: LastRun, program: str) -> Iterator[str]:
    table = run.config.output.reject
    yield from (f"  rule {rule} of {table}" for rule in explanation.reject_rules[:MAX_NAMED])
    for rejecting in explanation.rejecting:
        yield from _passing(rejecting, run.now, "rejected by ")
    if explanation.reject_rules and not explanation.rejecting:
        yield "  no provider rejects it: it goes at the next run"
    if explanation.rejecting and not explanation.reject_rules:
        yield f"  it belongs on {table}: `{program} generate` adds it"


def _grouped(denials: Iterable[Denial]) -> Iterator[str]:
    """Say once what several providers share through one record."""
    grouped: dict[str, list[str]] = {}
    for denial in denials:
        grouped.setdefault(denial.sentence, []).append(denial.provider)
    for sentence, providers in grouped.items():
        names = f" ({few(providers, MAX_NAMED)})" if any(providers) else ""  # or it is nobody's
        yield f"  {clipped(sentence)}{names}"


def _direct_first(passing: Iterable[Passing], now: float) -> Iterator[str]:
    """Say whose networks these are; who only includes their record is named behind them."""
    grouped: dict[tuple[str, str], list[Passing]] = {}
    for each in passing:
        grouped.setdefault((each.domain, each.term), []).append(each)
    for sharing in grouped.values():
        near = min(nearness(each.chain) for each in sharing)
        others = [each.provider for each in sharing if nearness(each.chain) > near]
        for each in sharing:
            if nearness(each.chain) == near:
                yield from _passing(each, now)
        if others:
            include = "includes" if len(others) == 1 else "include"
            yield f"    and {len(others)} that {include} it: {few(others, MAX_NAMED)}"


def _distance(near: Neighbour) -> str:
    """Return a distance as the family is counted elsewhere: IPv4 addresses, IPv6 /64s."""
    if ":" not in near.network:
        return f"{near.distance:,} addresses"
    return f"{near.distance >> 64:,} /64s"


def _passing(passing: Passing, now: float, lead: str = "") -> Iterator[str]:
    yield f"  {lead}{passing.provider}: {clipped(passing.term)} in {clipped(passing.domain)}"
    if len(passing.chain) > 1:
        yield f"    through {' > '.join(clipped(name) for name in passing.chain)}"
    if passing.former:
        yield "    the configuration no longer says so: it goes at the next run"
    if passing.held_since is not None:
        yield f"    held for {span(now - passing.held_since)}: see `spfwhite providers`"
    if passing.stale_since is not None:
        yield f"    from memory: last answered {span(now - passing.stale_since)} ago"


def as_json(asked: str, explanation: Explanation) -> dict[str, Any]:
    """Return the explanation as a JSON object."""
    until = [{"provider": it.provider, "when": time_text(it.when)} for it in explanation.until]
    return {
        "address": asked,
        "covered": explanation.is_covered,
        "covered_networks": explanation.covered.texts(),
        "rules": list(explanation.rules),
        "passing": [_passing_json(passing) for passing in explanation.passing],
        "reject_rules": list(explanation.reject_rules),
        "rejecting": [_passing_json(passing) for passing in explanation.rejecting],
        "pending": explanation.pending.texts(),
        "denials": [denial._asdict() for denial in explanation.denials],
        "nearest": [near._asdict() for near in explanation.neighbours],
        "covered_until": until,
    }


def _passing_json(passing: Passing) -> dict[str, Any]:
    times = {"held_since": passing.held_since, "stale_since": passing.stale_since}
    texts = {key: None if at is None else time_text(at) for key, at in times.items()}
    return passing._asdict() | texts
