"""The last run seen again from the state: no network, nothing written.

Owns: what the last run heard, told from when each answer was seen. Refuses: to ask and to write.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, NamedTuple

from spfwhite.config.settings import Config
from spfwhite.dns.answers import Failed
from spfwhite.plan import plan
from spfwhite.plan.decided import decide_run, is_dark, young_hosts
from spfwhite.plan.state import State
from spfwhite.sources.memory import Heard, is_failure

FAILED: Final = Failed("was not answered in the last run")


class LastRun(NamedTuple):
    """The state and the plan that follows from it."""

    config: Config  # with the providers switched off that have expired by now
    state: State
    plan: plan.Plan
    now: float  # in seconds since the epoch
    dark: bool = False  # DNS gave nothing at all when all providers were last asked for


def last_run(config: Config, state: State, now: float) -> LastRun:
    """Decide once more on what the state remembers, as of the time of the last run."""
    config = config.in_force(datetime.fromtimestamp(now, UTC).date())
    heard = _heard(config, state)
    decided = decide_run(config, state, heard, state.written)
    needed = {q for made in decided.plan.decisions for q in made.candidate.questions}
    if unknown := needed - decided.answers.keys():
        heard = heard._replace(answers={**heard.answers, **dict.fromkeys(unknown, FAILED)})
        decided = decide_run(config, state, heard, state.written)
    return LastRun(config, state, decided.plan, now, was_dark(config, state))


def was_dark(config: Config, state: State) -> bool:
    """Whether the last run that asked for all providers got nothing at all from the DNS."""
    return is_dark(config, _heard(config, state._replace(written=state.asked)))


def _heard(config: Config, state: State) -> Heard:
    """Return what came in the last run: what was seen then, and no answer to what is older."""
    # A run with `--only` or `--offline` asked nobody for what is older.
    answers = {
        q: entry.answer
        for q, entry in state.known.items()
        if entry.seen >= state.written or is_failure(entry)
    }
    if state.asked < state.written:
        return Heard(answers=answers, whole=False)
    silent = state.known.keys() - answers.keys() - young_hosts(config, state.known, state.asked)
    return Heard(answers={**answers, **dict.fromkeys(silent, FAILED)}, whole=True)
