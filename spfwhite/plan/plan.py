"""What a run decides: which candidates are accepted, which providers are held, what is refused.

Owns: these decisions, a pure function of candidates, accepted entries and the time. Refuses: to
look up and to write anything, and to measure (`spfwhite.plan.rails`).
"""

# Beyond a limit a provider is held: what was accepted of it stays on the list, and all others go
# on. So one sender that vanishes, or is taken over, costs the others nothing, and whoever is new
# and over a limit is left out. Only what many providers lose or gain together refuses the run as a
# whole.
#
# Two ways lead out of a hold. The operator lifts it (`--accept`). Or a loss, and nothing but a
# loss, has been the same for `state.held_days` by answers that came: then the sender means it. A
# growth is never accepted so, since waiting proves nothing about it.
#
# What the operator does himself counts in no limit on change: a provider that is new, or whose
# definition has another digest, is taken as it is, unless it is over a limit by itself.

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Literal

from spfwhite.config.settings import Config, Provider
from spfwhite.dns.answers import Question
from spfwhite.networks import EMPTY, Networks
from spfwhite.plan.candidates import Candidate, origins
from spfwhite.plan.losses import lost_by_faults
from spfwhite.plan.rails import Hold, Rail, too_many, too_many_rules
from spfwhite.sources.memory import Stale
from spfwhite.spf.result import Contribution
from spfwhite.wording import DAY

Status = Literal["ok", "stale", "held", "incomplete", "missing", "dead", "undecidable", "expired"]
"""What is told of a provider; "dead" and "expired" come from `spfwhite.report.report`."""

STALE_DEGRADES: Final = 2 * DAY
"""Seconds. Stale answers that are younger do not degrade a run. A question that failed is reported
at any age, one that this run did not ask only beyond it."""


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """What was accepted of a provider, since when, and for which definition of it.

    `held` is since when its present loss has been held, `lost` the digest of that loss: a loss
    that stays the same for `state.held_days` is accepted in the end. Times are in seconds.
    `partial`: it has been incomplete since it was first accepted, because a query failed; when that
    gap closes, what comes with it is no growth.
    """

    digest: str
    since: float
    origins: tuple[Contribution, ...]
    held: float | None = None
    lost: str = ""
    partial: bool

    @cached_property
    def networks(self) -> Networks:
        """All that was accepted."""
        return Networks.union(origin.networks for origin in self.origins)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One provider in one run.

    `entry` is what will be remembered as accepted (None: nothing), `passed` what of it counts
    now, `before` what counted of this definition until now, `earlier` what was accepted of any.
    `stale` are the answers from memory that are worth a word, `holds` the reasons why the
    candidate is not taken.
    """

    candidate: Candidate
    entry: Accepted | None
    before: Networks
    earlier: Networks
    passed: Networks
    status: Status
    degraded: bool
    stale: Mapping[Question, Stale]
    holds: tuple[Hold, ...]
    notice: str

    @property
    def provider(self) -> Provider:
        """The provider that is decided on."""
        return self.candidate.provider

    @property
    def networks(self) -> Networks:
        """All that the provider contributes, its static networks included."""
        return self.passed | self.candidate.static


@dataclass(frozen=True)
class Plan:
    """What a run would do: a decision for each provider, and why it must not be done."""

    decisions: tuple[Decision, ...]
    refusals: tuple[str, ...]

    @cached_property
    def permitted(self) -> Networks:
        """The addresses of the allow table; what the operator himself rejects is not on it."""
        allowed = (made.networks for made in self.decisions if made.provider.action == "permit")
        return Networks.union(allowed) - self._rejected_by_hand

    @cached_property
    def rejected(self) -> Networks:
        """The addresses of the reject table: what SPF says never outweighs the allow table."""
        by_spf = (made.passed for made in self.decisions if made.provider.action == "reject")
        return (Networks.union(by_spf) - self.permitted) | self._rejected_by_hand

    @cached_property
    def _rejected_by_hand(self) -> Networks:
        return Networks.union(
            made.candidate.static for made in self.decisions if made.provider.action == "reject"
        )


def decide(
    config: Config,
    candidates: list[Candidate],
    accepted: Mapping[str, Accepted],
    *,
    lifted: Collection[str],
    force: bool,
    now: float,
) -> Plan:
    """Decide on all providers; `lifted` names those whose hold the operator lifts."""

    def planned(held_days: float) -> Plan:
        judge = _Judge(config=config, lifted=lifted, now=now, held_days=held_days)
        decisions = tuple(judge.judge(c, accepted.get(c.provider.name)) for c in candidates)
        refusals = [] if force else _total(config, decisions, accepted, lifted)
        return Plan(decisions, tuple(refusals))

    plan = planned(config.state.held_days)
    if plan.refusals:
        # Accepting long-held losses would be refused every night. Decide again without accepting
        # any, so that the other providers are not stopped.
        plan = planned(math.inf)
    allow = [made for made in plan.decisions if made.provider.action == "permit"]
    # networks that the configuration names are no list where DNS gave nothing to all others
    asked = [made for made in allow if made.candidate.questions]
    silent = asked and all(made.candidate.gaps and not made.passed for made in asked)
    if not allow or (plan.permitted and not silent):
        return plan
    empty = (
        f"the list would be empty: none of {len(allow)} providers passes an address; "
        "no flag lifts this"
    )
    return replace(plan, refusals=(*plan.refusals, empty))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One provider to decide on: what it passes now, and what was accepted of it.

    `entry` is what was accepted of this definition of it (None: nothing), `before` what of that
    the limits on single terms still let pass, `earlier` what was accepted of any definition.
    """

    candidate: Candidate
    entry: Accepted | None
    before: Networks
    earlier: Networks

    @property
    def is_complete(self) -> bool:
        """Whether all that the provider leads to was answered, perhaps in an earlier run."""
        return not self.candidate.gaps


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judge:
    """The limits of one provider: it is taken as it is now, or kept as it was accepted."""

    config: Config
    lifted: Collection[str]
    now: float
    held_days: float

    def judge(self, candidate: Candidate, entry: Accepted | None) -> Decision:
        """Decide on one provider; `entry` is what was accepted of it."""
        earlier = entry.networks if entry else EMPTY
        if entry and entry.digest != candidate.provider.digest:
            entry = None  # edited: the operator's will, to which the old networks do not apply
        before = self._admitted(candidate, entry) if entry else EMPTY
        case = _Case(candidate=candidate, entry=entry, before=before, earlier=earlier)
        if candidate.provider.name in self.lifted:
            return self._take(case)
        holds = self._why_hold(case)
        if not holds and entry and candidate.is_unanswered:
            # Nothing was answered, so nothing was learned, however old the answers are by now.
            return self._keep(case, entry)
        if not holds:
            return self._take(case)
        if entry is None:
            return self._keep(case, None, holds)
        since, lost = self._loss(case, entry)
        if self._is_proven(case, holds) and self.now - since >= self.held_days * DAY:
            days = self.held_days
            notice = f"its loss has not changed for {days} days (state.held_days) and is accepted"
            return self._take(case, notice)
        return self._keep(case, replace(entry, held=since, lost=lost), holds)

    def _admitted(self, candidate: Candidate, entry: Accepted) -> Networks:
        """Return what of an accepted entry still passes the limits on width and is not excluded."""
        widest = self.config.widest(candidate.provider.action)
        networks = entry.networks
        if not widest.admits(networks):
            narrow = (widest.admitted(origin.term, origin.networks) for origin in entry.origins)
            networks = Networks.union(narrow)
        return networks - candidate.excluded

    def _why_hold(self, case: _Case) -> list[Hold]:
        """Return the reasons not to take a provider as it is now."""
        candidate, entry, before = case.candidate, case.entry, case.before
        gaps = dict.fromkeys(f"has a gap: {p.domain}: {p.detail}" for p in candidate.blocking)
        holds = [Hold("limit", phrase) for phrase in gaps]
        safety = self.config.safety
        holds += too_many(before, candidate.passed)
        holds += too_many_rules(before, candidate.passed, safety.provider_max_rules)
        rail = Rail("provider", safety.provider_max_loss, safety.provider_max_growth)
        changes = rail.violations(before, candidate.passed)
        if entry and entry.partial and case.is_complete:
            # Its first run was incomplete, and this one filled the gap: that is no growth.
            changes = [hold for hold in changes if hold.kind != "growth"]
        return holds + changes

    def _loss(self, case: _Case, entry: Accepted) -> tuple[float, str]:
        """Return since when a loss has been what it is, and its digest."""
        lost = _digest(case.before - case.candidate.passed)
        # Only what was answered can prove that it is gone: a gap starts the days anew.
        if entry.held is None or entry.lost != lost or not case.is_complete:
            return self.now, lost
        return entry.held, lost

    def _is_proven(self, case: _Case, holds: list[Hold]) -> bool:
        """Whether there is a loss and no more, and this run asked, and was answered, all of it."""
        is_known = case.is_complete and not case.candidate.stale
        return is_known and all(hold.kind == "loss" for hold in holds)

    def _take(self, case: _Case, notice: str = "") -> Decision:
        """Accept a provider as it is now."""
        candidate, entry = case.candidate, case.entry
        passed = candidate.passed
        if entry and case.is_complete and not notice:
            notice = lost_by_faults(candidate, entry.origins, case.before)
        return self._decision(case, self._accepted(case), passed, notice=notice)

    def _accepted(self, case: _Case) -> Accepted | None:
        """Return what will be remembered of a provider that is accepted as it is now."""
        candidate, entry = case.candidate, case.entry
        if not candidate.passed:
            return None
        return Accepted(
            digest=candidate.provider.digest,
            # The same addresses as before (maybe from other records) keep their date.
            since=entry.since if entry and entry.networks == candidate.passed else self.now,
            origins=tuple(origins(candidate, candidate.passed)),
            partial=not case.is_complete and (entry is None or entry.partial),
        )

    def _keep(self, case: _Case, entry: Accepted | None, holds: Sequence[Hold] = ()) -> Decision:
        """Leave a provider as it was accepted: held, or without a reason to, merely unanswered."""
        return self._decision(case, entry, case.before, holds=tuple(holds))

    def _decision(
        self,
        case: _Case,
        entry: Accepted | None,
        passed: Networks,
        *,
        holds: tuple[Hold, ...] = (),
        notice: str = "",
    ) -> Decision:
        stale = {
            question: answer
            for question, answer in case.candidate.stale.items()
            if answer.kind != "unasked" or self.now - answer.seen > STALE_DEGRADES
        }
        status = "held" if holds else _status(case.candidate, stale)
        oldest = min((answer.seen for answer in stale.values()), default=self.now)
        is_old = self.now - oldest > STALE_DEGRADES
        return Decision(
            candidate=case.candidate,
            entry=entry,
            before=case.before,
            earlier=case.earlier,
            passed=passed,
            status=status,
            degraded=status in ("held", "incomplete", "missing") or is_old,
            stale=stale,
            holds=holds,
            notice=notice,
        )


def _status(candidate: Candidate, stale: Mapping[Question, Stale]) -> Status:
    if candidate.gaps:
        return "incomplete"
    if candidate.empty_domains:
        return "missing"
    if stale:
        return "stale"
    if candidate.passed or candidate.static:
        return "ok"
    undecidable = any(problem.kind == "undecidable" for problem in candidate.problems)
    return "undecidable" if undecidable else "missing"


def _digest(networks: Networks) -> str:
    return hashlib.sha256("\n".join(networks.texts()).encode()).hexdigest()[:16]


def _total(
    config: Config,
    decisions: tuple[Decision, ...],
    accepted: Mapping[str, Accepted],
    lifted: Collection[str],
) -> list[str]:
    """Return the limits that the list as a whole exceeds, over providers not touched by hand."""
    same = [
        decision
        for decision in decisions
        if decision.provider.name not in lifted
        and (entry := accepted.get(decision.provider.name))
        and entry.digest == decision.provider.digest
        and not entry.partial
    ]
    if all(decision.before == decision.passed for decision in same):
        return []  # as on most nights
    old = Networks.union(decision.before for decision in same)
    new = Networks.union(decision.passed for decision in same)
    safety = config.safety
    rail = Rail("total", safety.total_max_loss, safety.total_max_growth)
    return [
        f"the list {violation.phrase}; --force lets it pass"
        for violation in rail.violations(old, new)
    ]
