"""The last run seen again from the state: no network, nothing written.

Owns: deciding once more on the remembered answers, which gives the status of each provider, and
which contribute what. Refuses: to ask and to write.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from spfwhite import candidates, plan
from spfwhite.memory import DAY, Policy, Recall, Stale
from spfwhite.settings import Config
from spfwhite.sources import with_fallbacks
from spfwhite.state import State


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
    config = candidates.in_force(config, datetime.fromtimestamp(now, UTC).date())
    sticky = 0.0 if config.spf.strict else config.state.sticky_days * DAY
    recall = Recall(state.known, Policy(config.state.max_stale_days * DAY, sticky), now)
    stale = {
        question: Stale(known.seen, "its query failed in the last run")
        for question, known in state.known.items()
        if known.seen < state.asked
    }
    answers = with_fallbacks(candidates.enabled(config), recall.offline())
    found = candidates.candidates(config, answers, stale)
    decided = plan.decide(config, found, state.accepted, force=True, now=state.written)
    return LastRun(config, state, decided, now)
