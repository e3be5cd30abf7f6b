"""The last run seen again from the state: no network, nothing written.

Owns: deciding once more on the remembered answers, which gives the status of each provider, and
which contribute what. Refuses: to ask and to write.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from spfwhite import candidates, plan
from spfwhite.answers import Answer, Failed, Question
from spfwhite.memory import DAY, Policy, Recall
from spfwhite.settings import Config
from spfwhite.sources import host_names
from spfwhite.state import State
from spfwhite.targets import address_questions

FAILED: Final = Failed("was not answered in the last run")


@dataclass(frozen=True, slots=True)
class LastRun:
    """The state and the plan that follows from it; `now` in seconds since the epoch.

    `config` has the providers switched off that have expired by now.
    """

    config: Config
    state: State
    plan: plan.Plan
    now: float


def last_run(config: Config, state: State, now: float) -> LastRun:
    """Decide once more on what the state remembers."""
    config = config.in_force(datetime.fromtimestamp(now, UTC).date())
    sticky = 0.0 if config.spf.strict else config.state.sticky_days * DAY
    policy = Policy(config.state.max_stale_days * DAY, sticky)
    recall = Recall(state.known, policy, state.asked)
    answers = _used(config, state, recall)
    found = candidates.candidates(config, answers, recall.stale)
    if unknown := {q for each in found for q in each.questions} - answers.keys():
        answers |= dict.fromkeys(unknown, FAILED)
        found = candidates.candidates(config, answers, recall.stale)
    decided = plan.decide(config, found, state.accepted, now=state.written)
    return LastRun(config, state, decided, now)


def _used(config: Config, state: State, recall: Recall) -> dict[Question, Answer]:
    """Return the answers as the last run used them: those that it did not get are stale, or fail.

    Host names are asked less often, and so are stale later.
    """
    answers = recall.offline()
    names = host_names(config.enabled())
    seldom = {question for name in names for question in address_questions(name)}
    for question, known in state.known.items():
        age = config.dns.hosts_max_age_hours * 3600.0 if question in seldom else 0.0
        if known.seen < state.asked - age:
            answers[question] = recall.use(question, FAILED)
    return answers
