"""Host names: thousands of A and AAAA questions, most of them about names that do not exist.

Owns: their pace, which is a deadline of their own and no question for what was answered a short
while ago, and what their addresses list. Refuses: to judge; a name that does not exist is normal.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache, partial
from typing import Final

from spfwhite.config.patterns import expand
from spfwhite.config.settings import Provider
from spfwhite.dns.answers import NOT_ASKED, Answer, Answers, Failed, Found, Question, Void
from spfwhite.networks import Networks
from spfwhite.sources.crawl import Crawl
from spfwhite.sources.interface import Asking, Listed, Reading
from spfwhite.sources.memory import Recall
from spfwhite.spf.reach import address_questions
from spfwhite.spf.result import Contribution, Problem

TERM: Final = "hosts"  # in place of a term, and none of RFC 7208's

_names = lru_cache(maxsize=16)(expand)


def host_names(providers: Iterable[Provider]) -> list[str]:
    """Return the names that the patterns of providers stand for, each once."""
    patterns = (pattern for provider in providers for pattern in provider.hosts)
    return list(dict.fromkeys(name for pattern in patterns for name in _names(pattern)))


async def ask(providers: list[Provider], asking: Asking) -> Answers:
    """Ask for the addresses of all names but those known for less than hosts_max_age_hours."""
    names, recall, dns = host_names(providers), asking.recall, asking.config.dns
    if not names:
        return {}
    crawl = Crawl(
        asking.connect(),
        max_values=asking.config.safety.max_values,
        read_as=recall.use,
        progress=asking.progress,
        depth_first=True,
    )
    # name by name, those first that were not answered for longest: a deadline must starve none
    for name in sorted(names, key=lambda name: _last_seen(recall, name)):
        for question in address_questions(name):
            if recent := recall.answer_younger_than(question, dns.hosts_max_age_hours * 3600.0):
                crawl.followed[question] = recent
        wanted = partial(_wanted, crawl.followed, name)
        crawl.follow(wanted, wanted())
    left = (asking.left(), ", what --deadline left")
    limits = [(dns.hosts_deadline, " (dns.hosts_deadline)"), left]
    return await crawl.run(dns.concurrency, *min(limits))


def _last_seen(recall: Recall, name: str) -> float:
    known = recall.entry(address_questions(name)[0])
    return known.seen if known else 0.0


def _wanted(answers: Answers, name: str, _answered: Question | None = None) -> list[Question]:
    """Return the next question for a name: AAAA only where A did not say that it does not exist."""
    a, aaaa = address_questions(name)
    if a not in answers:
        return [a]
    return [] if aaaa in answers or _is_no_name(answers[a]) else [aaaa]


def _is_no_name(answer: Answer) -> bool:
    return isinstance(answer, Void) and answer.reason == "NXDOMAIN"


def listed(provider: Provider, reading: Reading) -> Iterator[Listed]:
    """Yield the addresses of the names of a provider, pattern by pattern."""
    return (_pattern(pattern, reading.answers) for pattern in provider.hosts)


def _pattern(pattern: str, answers: Answers) -> Listed:
    asked: list[Question] = []
    texts: list[str] = []
    failures: list[str] = []
    for name in _names(pattern):
        for question in address_questions(name):
            answer = answers.get(question, NOT_ASKED)
            asked.append(question)
            if isinstance(answer, Found):
                texts.extend(answer.values)
            if isinstance(answer, Failed):
                failures.append(answer.reason)
            if _is_no_name(answer):
                break  # so there is nothing else to ask
    networks = Networks.parse(texts)
    problems = []
    if failures:
        most = Counter(failures).most_common(1)[0][0]
        detail = f"{len(failures)} of {len(asked)} questions failed, most often: {most}"
        problems.append(Problem("temporary", pattern, TERM, detail))
    elif not networks:
        problems.append(Problem("missing", pattern, TERM, "none of the names has an address"))
    return Listed(
        questions=asked,
        origins=(Contribution(pattern, TERM, networks),),
        passed=networks,
        problems=tuple(problems),
    )
