"""From what came to what is decided: one function for a run, for the last run, and for tests.

Owns: which answers count. Refuses: to ask, to know the clock, and to judge (`spfwhite.plan.plan`).
"""

# What was asked and answered in this run counts as it came; what failed comes from memory up to
# `state.max_stale_days`; what was not asked at all, with `--offline` and `--only`, comes from
# memory whatever its age. Both of the latter are stale, so nothing that a run did not ask can prove
# a loss.
#
# Host names are the exception: they are not asked for while their answers are younger than
# `dns.hosts_max_age_hours`, in any run, and are not stale until then.

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from spfwhite.config.settings import Config, roots
from spfwhite.dns.answers import Answer, Failed, Found, Question
from spfwhite.networks import EMPTY, Networks
from spfwhite.plan import plan
from spfwhite.plan.candidates import candidates
from spfwhite.plan.losses import with_losses
from spfwhite.plan.state import State, Told
from spfwhite.sources.hosts import host_names
from spfwhite.sources.memory import Heard, Known, Recall, is_failure
from spfwhite.spf.reach import address_questions

MANY: Final = 3  # names that are not all gone at once by their owners' will


class Decided(NamedTuple):
    """One run decided; the first four are what it was decided from."""

    config: Config
    before: State
    heard: Heard
    now: float  # in seconds since the epoch
    answers: Mapping[Question, Answer]  # those that count
    recall: Recall  # what will be remembered
    plan: plan.Plan
    told: Mapping[str, Told] = {}  # what the report has said, or left unsaid as known

    @property
    def asked(self) -> float:
        """When all providers were last asked for, in seconds since the epoch."""
        return self.now if self.heard.whole else self.before.asked


def is_dark(config: Config, heard: Heard) -> bool:
    """Whether a run that asked for all providers got nothing at all from the DNS."""
    # records of SPF count, if any were asked for: some name servers know addresses and no texts
    records = {Question(domain, "TXT") for domain in roots(config.enabled())}
    came = [heard.answers[question] for question in records & heard.answers.keys()]
    came = came or [answer for q, answer in heard.answers.items() if q.rrtype != "PAGE"]
    has_failed = any(isinstance(answer, Failed) for answer in came)
    is_void = not any(isinstance(answer, Found) for answer in came)
    return heard.whole and is_void and (has_failed or len(came) >= MANY)


def decide_run(
    config: Config,
    state: State,
    heard: Heard,
    now: float,
    *,
    accept: Collection[str] = (),
    force: bool = False,
    table: Networks = EMPTY,
) -> Decided:
    """Decide on all enabled providers, `now` in seconds since the epoch.

    `config` has the providers switched off that have expired. `accept` names those whose hold the
    operator lifts ("all": every one), but where the DNS gave nothing at all; `force` lifts the
    limits of the list as a whole; `table` is what our own list holds where there is no state to
    tell it.
    """
    recall = Recall(state.known, config, now)
    answers = _counting(config, state, heard, recall, now)
    everybody = {provider.name for provider in config.providers}
    dark = is_dark(config, heard)
    lifted = set() if dark else everybody if "all" in accept else set(accept)
    for each in candidates(config, answers, recall.stale) if lifted else ():
        if each.provider.name in lifted:
            failed = ((question, answers.get(question)) for question in each.questions)
            recall.give_up({q: answer for q, answer in failed if isinstance(answer, Failed)})
    found = candidates(config, answers, recall.stale, recall.given_up())
    judge = plan.Judge(config, state, now, lifted, force, accepts_losses=not dark)
    decided = plan.decide(judge, found, table)
    held = {name for name, entry in state.accepted.items() if entry.held is not None}
    decided = with_losses(config, decided, held, answers, recall)
    return Decided(config, state, heard, now, answers, recall, decided)


def _counting(
    config: Config, state: State, heard: Heard, recall: Recall, now: float
) -> dict[Question, Answer]:
    """Return the answers that count; `recall` learns which of them are new, and which stale."""
    used = {
        question: recall.use(question, answer, heard.validators.get(question, ("", "")))
        for question, answer in heard.answers.items()
    }
    remembered = recall.offline()
    young = young_hosts(config, state.known, now)
    if heard.whole:
        return {**{question: remembered[question] for question in young}, **used}
    # of host names, the last run that asked for all providers took what was young at that time
    before = young_hosts(config, state.known, state.asked)
    for question in state.known.keys() - used.keys() - young:
        recall.not_asked(question, 0.0 if question in before else state.asked)
    return {**remembered, **used}


def young_hosts(config: Config, known: Known, now: float) -> set[Question]:
    """Return the questions of host names whose remembered answers are too young to ask again."""
    oldest = now - config.dns.hosts_max_age_hours * 3600.0
    return {
        question
        for name in host_names(config.enabled())
        for question in address_questions(name)
        if (entry := known.get(question)) and entry.seen >= oldest and not is_failure(entry)
    }
