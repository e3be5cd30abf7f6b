"""Where the answers of a run come from: the network, a recorded snapshot, or memory.

Owns: the choice among them. Refuses: to judge answers.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from pathlib import Path

from spfwhite import files
from spfwhite.answers import (
    Answer,
    Answers,
    Failed,
    Found,
    Question,
    SnapshotError,
    snapshot_from_json,
    snapshot_to_json,
)
from spfwhite.crawl import Ask, Progress, crawl, no_progress
from spfwhite.hosts import ask_hosts
from spfwhite.memory import Recall
from spfwhite.nameservers import system_nameservers
from spfwhite.page_answers import Page, PageAnswer, Unchanged
from spfwhite.settings import Config, Dns, Provider, roots
from spfwhite.sources import host_names, mx_domains, page_questions, with_mx
from spfwhite.targets import Limits


def fetch(
    config: Config, recall: Recall, *, only: str = "", progress: Progress = no_progress
) -> dict[Question, Answer]:
    """Ask the network for all enabled providers, or for one, the others from memory.

    Raises NoNameServerError.
    """
    providers = [each for each in config.enabled() if not only or each.name == only]
    known = recall.offline()
    answers = asyncio.run(_ask_all(config, providers, recall, known, progress))
    return {**known, **answers} if only else answers


async def _ask_all(
    config: Config,
    providers: list[Provider],
    recall: Recall,
    known: Answers,
    progress: Progress,
) -> dict[Question, Answer]:
    """Ask for records, then for pages and hosts, which may take longer."""
    domains, hosts = roots(providers), host_names(providers)
    if not domains and not hosts:  # networks and pages need none of the name servers
        return await _pages(providers, recall)
    dns = config.dns
    ask = asker(dns)
    fallback = mx_domains(providers)
    came: dict[Question, Answer] = {}

    def use(question: Question, answer: Answer) -> Answer:
        """Let a missing record lead on to its MX hosts; what came stays what it was."""
        came[question] = recall.use(question, answer)
        return with_mx(fallback, question, came[question])

    answers = await crawl(
        domains,
        ask,
        limits=config.limits(),
        deadline=dns.deadline,
        concurrency=dns.concurrency,
        known=known,
        use=use,
        progress=progress,
    )
    answers |= came
    answers |= await ask_hosts(
        hosts,
        ask,
        recall,
        workers=dns.concurrency,
        deadline=dns.hosts_deadline,
        max_age=dns.hosts_max_age_hours * 3600.0,
        progress=progress,
    )
    return answers | await _pages(providers, recall)


async def _pages(providers: list[Provider], recall: Recall) -> dict[Question, Answer]:
    wanted = {question: each.pages_http for each in providers for question in page_questions(each)}
    if not wanted:
        return {}
    from spfwhite.pages import fetch_page  # httpx takes 0.1 s to import

    came = await asyncio.gather(
        *(fetch_page(q.name, previous=_previous(recall, q), allow_http=wanted[q]) for q in wanted)
    )
    pairs = zip(wanted, came, strict=True)
    return {question: _used(recall, question, page) for question, page in pairs}


def _previous(recall: Recall, question: Question) -> Page | None:
    page = recall.known(question)
    if page is None or not isinstance(page.answer, Found):
        return None
    return Page(page.answer.values, *page.validators)


def _used(recall: Recall, question: Question, came: PageAnswer) -> Answer:
    previous = _previous(recall, question)
    page = previous if isinstance(came, Unchanged) else came
    if isinstance(page, Page):
        return recall.use(question, Found(page.networks), (page.etag, page.last_modified))
    return recall.use(question, page or Failed("answered 304 to nobody's question"))


def asker(dns: Dns) -> Ask:
    """Return what asks one question of the configured name servers; raises NoNameServerError."""
    from spfwhite import resolver  # dnspython takes 0.1 s to import

    servers = dns.nameservers or system_nameservers()
    return resolver.Resolver(
        servers, attempts=dns.attempts, concurrency=dns.concurrency, max_qps=dns.max_qps
    ).ask


async def look_up(domains: Iterable[str], dns: Dns, limits: Limits) -> dict[Question, Answer]:
    """Return the answers to all that the domains lead to; raises NoNameServerError."""
    return await crawl(
        domains,
        asker(dns),
        limits=limits,
        deadline=dns.deadline,
        concurrency=dns.concurrency,
    )


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


def save_snapshot(path: Path, answers: Answers) -> None:
    """Record a snapshot as JSON, one answer a line; raises FileError."""
    files.replace(path, json.dumps(snapshot_to_json(answers), indent=1).encode() + b"\n")
