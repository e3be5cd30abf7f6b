"""What a kind of source is: SPF domains, pages, host names, networks, each in one file."""

# How to add a kind:
#
# 1. Write its file in this room, with the two functions of `Source`; the module is the source.
# 2. `ask` asks for what providers name, the DNS by `asking.connect()`, and returns what came as it
#    came: a failure is an answer (`Failed`), in whose place memory is put later, for every kind.
# 3. `listed` says what the answers list of one provider, and asks nobody. All questions that it
#    leads to are in `questions`: the state forgets the others. What is not among the answers is
#    `NOT_ASKED`, and a "temporary" problem keeps the provider from being taken for known.
# 4. Put the module into `KINDS` in `spfwhite.sources.kinds`.
# 5. Its key is a field of `Provider` and a word of `SOURCES` in `spfwhite.config.settings`, and has
#    its default in `providers.toml` and its place in the man page of the configuration.
#
# Memory, limits, tables, `explain` and reports need not know it. A kind whose questions are neither
# for the DNS nor for a page needs a type of its own in `spfwhite.dns.answers`: in `RRType`, in
# `VALID` (else no state with such an answer can be read), its names in `question_from_text`. A file
# of this machine needs no question: it is read with the configuration, as `networks_file` is.

from collections.abc import Callable, Collection, Iterator, Mapping
from time import monotonic
from typing import NamedTuple, Protocol

from spfwhite.config.settings import Config, Provider
from spfwhite.dns.answers import Answers, Question
from spfwhite.networks import EMPTY, Networks
from spfwhite.sources.crawl import Ask, Progress
from spfwhite.sources.memory import Recall, Validators
from spfwhite.spf.reach import Reach
from spfwhite.spf.result import Contribution, Evaluation, Problem


class Asking(NamedTuple):
    """What kinds ask with; those of pages leave their `validators` here.

    `connect` returns what asks name servers, for who has something to ask: it raises
    NoNameServerError. `end` is when the run has no time left, by the monotonic clock.
    """

    config: Config
    recall: Recall
    connect: Callable[[], Ask]
    progress: Progress
    end: float
    validators: dict[Question, Validators]

    def left(self) -> float:
        """Return the seconds that the run has left."""
        return max(0.0, round(self.end - monotonic(), 1))


class Reading(NamedTuple):
    """The answers of a run as some providers of one action read them, with their SPF domains."""

    config: Config
    answers: Answers
    evaluation: Evaluation
    reaches: Mapping[str, Reach]


class Listed(NamedTuple):
    """What one entry of a kind lists, `passed` within limits and `static` whatever they say.

    `origins` name what passes it, and may overlap and be wider. `empty` are domains that pass
    nothing though they could, `excluded` is what records would pass that nobody follows,
    `left_out` what terms would that are too wide.
    """

    questions: Collection[Question] = ()
    origins: tuple[Contribution, ...] = ()
    passed: Networks = EMPTY
    static: Networks = EMPTY
    excluded: Networks = EMPTY
    left_out: Networks = EMPTY
    problems: tuple[Problem, ...] = ()
    empty: tuple[str, ...] = ()


class Source(Protocol):
    """A kind of source."""

    async def ask(self, providers: list[Provider], asking: Asking) -> Answers:
        """Return what came for all that the providers name of this kind."""

    def listed(self, provider: Provider, reading: Reading) -> Iterator[Listed]:
        """Yield what the answers list of this kind for one provider, in its order."""
