"""Where the answers of a run come from: the network, or a recorded snapshot.

Owns: what is asked, and in which order. Refuses: to judge answers, and to say which of them count
(`spfwhite.plan.decided`).
"""

import asyncio
import json
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from time import monotonic

from spfwhite import files
from spfwhite.config.settings import Config, Dns
from spfwhite.dns.answers import Answer, Answers, Question, snapshot_from_json, snapshot_to_json
from spfwhite.dns.nameservers import system_nameservers
from spfwhite.errors import FileError, SnapshotError
from spfwhite.sources.crawl import Ask, Progress, crawl, no_progress
from spfwhite.sources.interface import Asking
from spfwhite.sources.kinds import KINDS
from spfwhite.sources.memory import Heard, Recall
from spfwhite.spf.evaluation import evaluate
from spfwhite.spf.reach import Limits
from spfwhite.spf.result import Evaluation


async def fetch(
    config: Config, recall: Recall, *, only: str = "", progress: Progress = no_progress
) -> Heard:
    """Ask for all enabled providers, or for the one named `only`; raises NoNameServerError."""
    providers = [provider for provider in config.enabled() if not only or provider.name == only]
    connect = cache(lambda: asker(config.dns))  # all kinds share its pace and what it remembers
    end = monotonic() + config.dns.run_deadline
    asking = Asking(config, recall, connect, progress, end, validators={})
    answers: dict[Question, Answer] = {}
    for kind in KINDS:  # records first, since the others may take longer
        answers |= await kind.ask(providers, asking)
    return Heard(answers, whole=not only, validators=asking.validators)


def asker(dns: Dns) -> Ask:
    """Return what asks one question of the configured name servers; raises NoNameServerError."""
    from spfwhite.dns import resolver  # dnspython takes 0.1 s to import

    servers = dns.nameservers or system_nameservers()
    return resolver.Resolver(
        servers, attempts=dns.attempts, concurrency=dns.concurrency, max_qps=dns.max_qps
    ).ask


async def look_up(domains: Iterable[str], dns: Dns, limits: Limits) -> dict[Question, Answer]:
    """Return the answers to all that the domains lead to; raises NoNameServerError."""
    return await crawl(
        domains, asker(dns), limits=limits, deadline=dns.deadline, concurrency=dns.concurrency
    )


def passed_by(domains: Sequence[str], config: Config) -> Evaluation:
    """Ask what domains pass, within the limits of the allow table; raises NoNameServerError."""
    answers = asyncio.run(look_up(domains, config.dns, config.limits()))
    return evaluate(domains, answers, strict=config.spf.strict, widest=config.widest("permit"))


def load_snapshot(path: Path) -> dict[Question, Answer]:
    """Return a recorded snapshot; raises FileError and SnapshotError, with the path."""
    content = files.read_if_there(path)
    if content is None:
        raise FileError(f"cannot read {path}: there is no such file")
    try:
        return snapshot_from_json(json.loads(content))
    except (ValueError, RecursionError):
        raise SnapshotError(f"{path} is not JSON") from None
    except SnapshotError as error:
        raise SnapshotError(f"{path} {error}") from None


def save_snapshot(path: Path, answers: Answers) -> None:
    """Record a snapshot as JSON, one answer a line; raises FileError."""
    files.replace(path, json.dumps(snapshot_to_json(answers), indent=1).encode() + b"\n")
