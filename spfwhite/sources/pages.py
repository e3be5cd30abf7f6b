"""Web pages that list addresses.

Owns: which pages are asked for, and what of their entries is listed. Refuses: HTTP, which
`spfwhite.sources.page_fetch` speaks.
"""

from collections.abc import Iterator
from typing import Final

from spfwhite.config.settings import SOURCES, Provider
from spfwhite.dns.answers import NOT_ASKED, Answer, Answers, Failed, Found, Question
from spfwhite.networks import Networks
from spfwhite.sources.interface import Asking, Listed, Reading
from spfwhite.spf.result import Contribution, Problem
from spfwhite.spf.width import Widest

TERM: Final = "page"  # in place of a term, and none of RFC 7208's


def questions(provider: Provider) -> list[Question]:
    """Return the questions for a provider's pages, unless they are switched off."""
    # what is selected is part of the question, since the answer to another one is remembered
    part = "".join(f"#{key}={value}" for key, value in provider.pages_select)
    return [Question(url + part, "PAGE") for url in provider.pages if provider.pages_enabled]


async def ask(providers: list[Provider], asking: Asking) -> Answers:
    """Fetch all pages; one that has not changed is what is remembered of it."""
    wanted = {q: provider for provider in providers for q in questions(provider)}
    if not wanted:
        return {}
    import asyncio

    from spfwhite.sources.page_fetch import UNKNOWN, Page, fetch_page  # httpx takes 0.1 s to import

    known = {q: Page(e.answer, e.validators) for q in wanted if (e := asking.recall.entry(q))}
    safety, seconds = asking.config.safety, asking.left()
    fetches = (
        fetch_page(q.name, known.get(q, UNKNOWN), provider, safety, seconds=seconds)
        for q, provider in wanted.items()
    )
    pages = dict(zip(wanted, await asyncio.gather(*fetches), strict=True))
    asking.validators.update({question: page.validators for question, page in pages.items()})
    return {question: page.answer for question, page in pages.items()}


def listed(provider: Provider, reading: Reading) -> Iterator[Listed]:
    """Yield what each page of a provider lists, less what is too wide."""
    widest = reading.config.widest(provider.action)
    for question in questions(provider):
        yield _page(question, reading.answers.get(question, NOT_ASKED), widest)
    others = (key for key in SOURCES if key != "pages")
    is_off = provider.pages and not provider.pages_enabled
    if is_off and not any(getattr(provider, key) for key in others):
        detail = "its pages are switched off (pages_enabled), and it has no other source"
        yield Listed(problems=(Problem("missing", provider.name, "", detail),))


def _page(question: Question, answer: Answer, widest: Widest) -> Listed:
    # Judge entries before joining them: two adjacent /12 would become a /11, and both be dropped.
    texts = answer.values if isinstance(answer, Found) else ()
    entries = [Networks.parse([text]) for text in texts]
    narrow = Networks.union(networks for networks in entries if widest.admits(networks))
    problems = []
    if isinstance(answer, Failed):
        problems.append(Problem("temporary", question.name, TERM, f"the page {answer.reason}"))
    if wide := [networks for networks in entries if not widest.admits(networks)]:
        detail = f"{wide[0].texts()[0]} is wider than safety.widest_ipv4 or widest_ipv6 allows"
        problems.append(Problem("too-wide", question.name, TERM, detail))
    return Listed(
        questions=(question,),
        origins=(Contribution(question.name, TERM, narrow),),
        passed=narrow,
        problems=tuple(problems),
    )
