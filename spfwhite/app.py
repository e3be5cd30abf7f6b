"""The run: fetch, then decide, then write.

Owns: the order of the steps, the clock and the paths. Refuses: to decide (`spfwhite.plan`), to
print (`spfwhite.cli`) and to exit.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from spfwhite import __version__, files, plan, tables
from spfwhite.answers import (
    Answer,
    Answers,
    Failed,
    Question,
    SnapshotError,
    snapshot_from_json,
    snapshot_to_json,
)
from spfwhite.crawl import crawl
from spfwhite.nameservers import system_nameservers
from spfwhite.networks import EMPTY, Networks
from spfwhite.report import Report, provider_report
from spfwhite.settings import Config, Dns
from spfwhite.targets import Limits

STDOUT = Path("-")


@dataclass(frozen=True, slots=True)
class Options:
    """What one run was asked to do beyond its configuration.

    `output` is the one table to write, with STDOUT for standard output; None means the
    configured tables.
    """

    output: Path | None = None
    dry_run: bool = False
    force: bool = False
    record: Path | None = None
    replay: Path | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """A report, and the table as it stands in the file or on standard output."""

    report: Report
    table: bytes


def generate(config: Config, options: Options) -> Run:
    """Make the table; raises FileError, SnapshotError and NoNameServerError."""
    started = datetime.now(UTC)
    answers = _answers(config, options)
    if options.record:
        files.replace(options.record, snapshot_bytes(answers))
    evaluation = plan.judged(config, answers)
    candidates = plan.candidates(config, answers, evaluation)
    networks = Networks.union(candidate.networks for candidate in candidates)
    path = None if options.output == STDOUT else options.output or config.output.allow
    old = files.read_if_there(path) if path else None
    report = Report(
        started=started,
        path=path,
        outcome="planned",
        providers=tuple(provider_report(candidate) for candidate in candidates),
        networks=networks,
        before=tables.networks_in(old) if old else EMPTY,
        questions=len(answers),
        failed=sum(isinstance(answer, Failed) for answer in answers.values()),
        refusals=_refusals(candidates, path, old, force=options.force),
    )
    table = _table(config, report)
    return Run(_carried_out(report, options, old, table), table)


def _answers(config: Config, options: Options) -> dict[Question, Answer]:
    if options.replay:
        return load_snapshot(options.replay)
    domains = plan.roots(plan.enabled(config))
    return asyncio.run(look_up(domains, config.dns, plan.limits(config)))


async def look_up(domains: Iterable[str], dns: Dns, limits: Limits) -> dict[Question, Answer]:
    """Return the answers to all that the domains lead to; raises NoNameServerError."""
    from spfwhite import resolver  # dnspython takes 0.1 s to import

    servers = dns.nameservers or system_nameservers()
    asker = resolver.Resolver(
        servers, attempts=dns.attempts, concurrency=dns.concurrency, max_qps=dns.max_qps
    )
    return await crawl(domains, asker.ask, limits=limits, deadline=dns.deadline)


def load_snapshot(path: Path) -> dict[Question, Answer]:
    """Return a recorded snapshot; raises FileError and SnapshotError, with the path."""
    content = files.read_if_there(path)
    if content is None:
        raise files.FileError(f"cannot read {path}: there is no such file")
    try:
        return snapshot_from_json(json.loads(content))
    except (ValueError, RecursionError):
        raise SnapshotError(f"{path} is not JSON") from None
    except SnapshotError as error:
        raise SnapshotError(f"{path} {error}") from None


def snapshot_bytes(answers: Answers) -> bytes:
    """Return a snapshot as it is recorded: JSON, one answer a line."""
    return json.dumps(snapshot_to_json(answers), indent=1).encode() + b"\n"


def _table(config: Config, report: Report) -> bytes:
    name = (report.path or config.output.allow).name
    v4, v6 = (sum(1 for _ in report.networks.cidrs(version)) for version in (4, 6))
    listed = sum(1 for provider in report.providers if provider.networks)
    summary = f"{v4} IPv4 and {v6} IPv6 networks of {listed} providers"
    rules = tables.rules(report.networks, "permit")
    return tables.render(name, __version__, rules, report.started, summary)


def _refusals(
    candidates: list[plan.Candidate], path: Path | None, old: bytes | None, *, force: bool
) -> tuple[str, ...]:
    refusals = []
    if candidates and not any(candidate.networks for candidate in candidates):
        refusals.append(
            f"the list would be empty: none of {len(candidates)} providers passes an address; "
            "no flag lifts this, see the problems above"
        )
    if old is not None and tables.origin(old) == "foreign" and not force:
        refusals.append(
            f"{path} was not written by spfwhite; --force replaces it and keeps it as {path}.orig"
        )
    return tuple(refusals)


def _carried_out(report: Report, options: Options, old: bytes | None, table: bytes) -> Report:
    path = report.path
    if report.refusals:
        if path and old is None and not options.dry_run:
            _create_header_only(path, report)
        return replace(report, outcome="refused")
    if options.dry_run or not path:
        return report
    origin = tables.origin(old) if old is not None else "empty"
    if old is not None and origin == "ours" and tables.rules_in(old) == tables.rules_in(table):
        return replace(report, outcome="current")
    if old is not None and origin in ("foreign", "postwhite"):
        files.replace(path.with_name(path.name + ".orig"), old)
    files.replace(path, table)
    return replace(report, outcome="written")


def _create_header_only(path: Path, report: Report) -> None:
    """Make a table without rules: a missing one hides the lists after it from postscreen."""
    files.replace(path, tables.render(path.name, __version__, [], report.started, "no rules yet"))
