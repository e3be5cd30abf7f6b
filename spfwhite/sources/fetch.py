"""Where the answers of a run come from: the network, or a recorded snapshot.

Owns: what is asked, and in which order. Refuses: to judge answers, and to say which of them count
(`spfwhite.plan.decided`).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from pathlib import Path

from spfwhite import files
from spfwhite.config.settings import Config, Dns, Provider, roots
from spfwhite.dns.answers import (
    Answer,
    Answers,
    Failed,
    Found,
    Question,
    snapshot_from_json,
    snapshot_to_json,
)
from spfwhite.dns.nameservers import system_nameservers
from spfwhite.errors import FileError, SnapshotError
from spfwhite.sources.crawl import Ask, Progress, ReadAs, crawl, no_progress
from spfwhite.sources.hosts import ask_hosts
from spfwhite.sources.listed import host_names, mx_domains, page_questions, with_mx
from spfwhite.sources.memory import Heard, Recall
from spfwhite.sources.page_answers import Page, PageAnswer, Unchanged
from spfwhite.spf.reach import Limits


async def fetch(
    config: Config, recall: Recall, *, only: str = "", progress: Progress = no_progress
) -> Heard:
    """Ask the network for all enabled providers, or for the one named `only`.

    `recall` says where a question that fails leads on to. Raises NoNameServerError.
    """
    providers = [each for each in config.enabled() if not only or each.name == only]
    return await _ask_all(config, providers, recall, progress, whole=not only)


async def _ask_all(
    config: Config, providers: list[Provider], recall: Recall, progress: Progress, *, whole: bool
) -> Heard:
    """Ask for records, then for pages and hosts, which may take longer."""
    answers: dict[Question, Answer] = {}
    domains, hosts = roots(providers), host_names(providers)
    if domains or hosts:  # networks and pages need none of the name servers
        ask = asker(config.dns)
        answers |= await crawl(
            domains,
            ask,
            limits=config.limits(),
            deadline=config.dns.deadline,
            concurrency=config.dns.concurrency,
            known=recall.offline(),
            read_as=_followed(recall, providers),
            progress=progress,
        )
        answers |= await ask_hosts(
            hosts,
            ask,
            recall,
            workers=config.dns.concurrency,
            deadline=config.dns.hosts_deadline,
            max_age=config.dns.hosts_max_age_hours * 3600.0,
            progress=progress,
        )
    pages = await _ask_pages(providers, recall)
    found = {question: page for question, page in pages.items() if isinstance(page, Page)}
    answers |= {question: page for question, page in pages.items() if isinstance(page, Failed)}
    answers |= {question: Found(page.networks) for question, page in found.items()}
    validators = {question: (page.etag, page.last_modified) for question, page in found.items()}
    return Heard(answers=answers, validators=validators, whole=whole)


def _followed(recall: Recall, providers: list[Provider]) -> ReadAs:
    """Return what is read in place of an answer: memory for a failure, MX for a missing record.

    That is how all that a run may need gets asked; which answers count is decided afterwards.
    """
    fallback = mx_domains(providers)
    return lambda question, answer: with_mx(fallback, question, recall.use(question, answer))


async def _ask_pages(providers: list[Provider], recall: Recall) -> dict[Question, Page | Failed]:
    wanted = {question: each.pages_http for each in providers for question in page_questions(each)}
    if not wanted:
        return {}
    from spfwhite.sources.pages import fetch_page  # httpx takes 0.1 s to import

    came = await asyncio.gather(
        *(fetch_page(q.name, previous=_previous(recall, q), allow_http=wanted[q]) for q in wanted)
    )
    pairs = zip(wanted, came, strict=True)
    return {question: _page(recall, question, page) for question, page in pairs}


def _previous(recall: Recall, question: Question) -> Page | None:
    page = recall.known(question)
    if page is None or not isinstance(page.answer, Found):
        return None
    return Page(page.answer.values, *page.validators)


def _page(recall: Recall, question: Question, came: PageAnswer) -> Page | Failed:
    """Return the page that came, which is the remembered one if it has not changed."""
    if not isinstance(came, Unchanged):
        return came
    return _previous(recall, question) or Failed("answered 304 to nobody's question")


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
