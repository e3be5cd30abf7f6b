"""Which questions a record leads to, and how far one domain may lead.

Owns: the terms that count, the step from a term to the names it needs (RFC 7208 sections 4.8 and
5), and the limits of one domain: depth, questions, MX hosts, octets. Refuses: to ask anything.
"""

# A run asks for all that its domains may need before it evaluates anything, so here no address is
# looked at: a term is followed whether or not an earlier one matches (RFC 7208 section 4.6.2). The
# caps are ours and not those of section 4.6.4, which many large senders do not keep: they bound
# what a stranger's record may cost, and a domain that meets one is named (`Reach.over`) and held.

from collections import deque
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from spfwhite.dns.answers import Answer, Answers, Found, Question, canonical, mx_hosts, name_fault
from spfwhite.spf import record as spf
from spfwhite.spf.result import Fault

MAX_MX_HOSTS: Final = 100


class Limits(NamedTuple):
    """The caps of one domain: questions, depth of includes, octets of all its answers, SPF or not.

    `values` is the cap of one answer.
    """

    lookups: int
    depth: int
    octets: int = 2**20
    values: int = 500


def target_name(spec: str | None, domain: str) -> str | Fault:
    """Return the <target-name> of a term in the record at `domain` (section 4.8)."""
    if spec is None:  # sections 5.3 and 5.4: `a` and `mx` without one mean the record's own domain
        return domain
    name = spf.expand(spec, domain)
    if name is None:
        return Fault("undecidable", "its macros depend on the client or the sender")
    name = canonical(name)
    fault = name_fault(name)
    return Fault("syntax", f"its domain {fault}") if fault else name


def reached_terms(record: spf.Record) -> Iterator[spf.Term]:
    """Yield the terms that an evaluation comes to: up to `all`, then the redirect, if any."""
    for term in record.terms:
        # section 4.6.3: modifiers match nothing; only the redirect acts, after all directives. One
        # that is ignored may have a hint, which somebody should read.
        match term.body:
            case spf.Ignored("") | spf.Redirect():
                continue
        yield term
        if isinstance(term.body, spf.All):  # sections 5.1 and 6.1: all else is ignored
            return
    yield from (term for term in record.terms if isinstance(term.body, spf.Redirect))


def term_questions(term: spf.Term, domain: str) -> list[Question]:
    """Return what has to be asked for one term of the record at `domain`."""
    match term.body:
        case spf.Include(spec) | spf.Redirect(spec):
            name = target_name(spec, domain)
            return [Question(name, "TXT")] if isinstance(name, str) else []
        case spf.Hosts(kind, host):
            name = target_name(host, domain)
            if not isinstance(name, str):
                return []
            return [Question(name, "MX")] if kind == "mx" else address_questions(name)
    return []


def address_questions(host: str) -> list[Question]:
    """Return the two questions for the addresses of a host."""
    return [Question(host, "A"), Question(host, "AAAA")]


def exchanges(answer: Found) -> list[str]:
    """Return the MX hosts that can be asked for, best preference first, at most 100."""
    return [host for host in mx_hosts(answer) if name_fault(host) is None][:MAX_MX_HOSTS]


@lru_cache(maxsize=32768)
def follow_up(question: Question, answer: Answer) -> tuple[Question, ...]:
    """Return the questions that an answer leads to, in the order of its terms."""
    if not isinstance(answer, Found):
        return ()
    if question.rrtype == "MX":
        return tuple(asked for host in exchanges(answer) for asked in address_questions(host))
    texts = spf.spf_texts(answer.values) if question.rrtype == "TXT" else []
    if len(texts) != 1:  # section 4.5: of several records none counts
        return ()
    terms = reached_terms(spf.parse(texts[0]))
    return tuple(asked for term in terms for asked in term_questions(term, question.name))


class Reach:
    """The questions that one domain needs, as far as the answers so far tell.

    Each has its smallest depth, counted in includes and redirects; a shorter path to a name that
    was reached before is followed again, so the order in which answers come does not matter.
    """

    __slots__ = ("_answers", "_limits", "_octets", "_read", "depth", "over")

    def __init__(self, answers: Answers, limits: Limits) -> None:
        self._answers = answers
        self._limits = limits
        self.depth: dict[Question, int] = {}
        self._read: set[Question] = set()
        self._octets = 0
        self.over = ""  # which limit was met, as a phrase; "" for none

    def start(self, domain: str) -> list[Question]:
        """Begin at a domain; return the questions that have no answer yet."""
        return self._advance(deque([(Question(domain, "TXT"), 0)]))

    def answered(self, question: Question) -> list[Question]:
        """Go on from a question that has its answer now; return the new ones without."""
        return self._advance(deque(self._below(question, self._answers[question])))

    @property
    def is_too_long(self) -> bool:
        """Whether the answers are longer than what is worth reading at all."""
        return self._octets > self._limits.octets

    def _below(self, question: Question, answer: Answer) -> Iterator[tuple[Question, int]]:
        if isinstance(answer, Found) and question not in self._read:
            self._read.add(question)
            self._octets += answer.octets
        if self.is_too_long:  # so that the record is not even parsed, which takes memory
            most = self._limits.octets
            self.over = f"its answers have more than {most:,} octets (spf.max_octets)"
            return
        depth = self.depth[question]
        for asked in follow_up(question, answer):
            # only includes and redirects ask for TXT, and only they may lead on without end
            yield asked, depth + 1 if asked.rrtype == "TXT" else depth

    def _advance(self, queue: deque[tuple[Question, int]]) -> list[Question]:
        unanswered = []
        while queue:
            question, depth = queue.popleft()
            known = self.depth.get(question)
            if known is not None and known <= depth:
                continue
            if depth > self._limits.depth:
                self.over = f"its includes go deeper than {self._limits.depth} (spf.max_depth)"
                continue
            if known is None and len(self.depth) >= self._limits.lookups:
                self.over = f"it needs more than {self._limits.lookups} questions (spf.max_lookups)"
                continue
            self.depth[question] = depth
            answer = self._answers.get(question)
            if answer is not None:
                queue.extend(self._below(question, answer))
            elif known is None:
                unanswered.append(question)
        return unanswered
