"""What a run decides: which candidates are accepted, which providers are held, what is refused.

Owns: the rails of a provider and of the total, compared with what was accepted before. A pure
function of candidates, accepted entries and the time. Refuses: to look up and to write anything.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Literal

from spfwhite.candidates import Candidate, gone, origins
from spfwhite.memory import DAY
from spfwhite.networks import EMPTY, Networks
from spfwhite.rails import UNITS, Hold, Rail, amount, too_many
from spfwhite.settings import Config, Provider
from spfwhite.trail import Origin

Status = Literal["ok", "stale", "held", "incomplete", "missing", "undecidable", "expired"]

STALE_DEGRADES: Final = 2 * DAY
"""Seconds for which stale answers are reported and do not yet degrade a run."""


@dataclass(frozen=True)
class Accepted:
    """What was accepted of a provider, since when, and for which definition of it.

    `held` is since when its present loss has been held, `lost` the digest of that loss: a loss
    that stays the same for `state.held_days` is accepted in the end. Times are in seconds.
    `partial`: a query failed when it was first accepted, and it has not been complete since, so
    what comes now is no growth.
    """

    digest: str
    since: float
    origins: tuple[Origin, ...]
    held: float | None = None
    lost: str = ""
    partial: bool = False

    @cached_property
    def networks(self) -> Networks:
        """All that was accepted."""
        return Networks.union(origin.networks for origin in self.origins)


@dataclass(frozen=True, slots=True)
class Decision:
    """One provider in one run.

    `entry` is what will be remembered as accepted (None: nothing), `passed` what of it counts
    now, `before` what counted of this definition until now, `earlier` what was accepted of any.
    `holds` are the reasons why the candidate is not taken.
    """

    candidate: Candidate
    entry: Accepted | None
    before: Networks
    passed: Networks
    status: Status
    degraded: bool = False
    holds: tuple[Hold, ...] = ()
    notice: str = ""
    earlier: Networks = EMPTY

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
        allowed = (each.networks for each in self.decisions if each.provider.action == "permit")
        return Networks.union(allowed) - self._rejected_by_hand

    @cached_property
    def rejected(self) -> Networks:
        """The addresses of the reject table: what SPF says never outweighs the allow table."""
        by_spf = (each.passed for each in self.decisions if each.provider.action == "reject")
        return (Networks.union(by_spf) - self.permitted) | self._rejected_by_hand

    @cached_property
    def _rejected_by_hand(self) -> Networks:
        return Networks.union(
            each.candidate.static for each in self.decisions if each.provider.action == "reject"
        )


def decide(
    config: Config,
    candidates: list[Candidate],
    accepted: Mapping[str, Accepted],
    *,
    lifted: Collection[str] = (),
    force: bool = False,
    now: float,
) -> Plan:
    """Decide on all providers; `lifted` names those whose hold the operator lifts."""

    def decided(held_days: float) -> Plan:
        judge = _Judge(config, lifted, now, held_days)
        decisions = tuple(judge.decision(c, accepted.get(c.provider.name)) for c in candidates)
        refusals = [] if force else _total(config, decisions, accepted, lifted)
        return Plan(decisions, tuple(refusals))

    plan = decided(config.state.held_days)
    if plan.refusals:
        # a provider that would be let go now must not stop the others for good: it stays held
        plan = decided(math.inf)
    allow = [each for each in plan.decisions if each.provider.action == "permit"]
    if not allow or plan.permitted:
        return plan
    empty = (
        f"the list would be empty: none of {len(allow)} providers passes an address; "
        "no flag lifts this"
    )
    return replace(plan, refusals=(*plan.refusals, empty))


class _Judge:
    def __init__(
        self, config: Config, lifted: Collection[str], now: float, held_days: float
    ) -> None:
        self._config = config
        self._held_days = held_days
        self._lifted = lifted
        self._now = now
        safety = config.safety
        self._rail = Rail("provider", safety.provider_max_loss, safety.provider_max_growth)

    def decision(self, candidate: Candidate, entry: Accepted | None) -> Decision:
        """Decide on one provider."""
        decided = self._decided(candidate, entry)
        return replace(decided, earlier=entry.networks if entry else EMPTY)

    def _decided(self, candidate: Candidate, entry: Accepted | None) -> Decision:
        if entry and entry.digest != candidate.provider.digest:
            entry = None  # edited: the operator's will, to which the old networks do not apply
        before = self.admitted(candidate.provider, entry) if entry else EMPTY
        if candidate.provider.name in self._lifted:
            return self._accept(candidate, entry, before)
        gaps = dict.fromkeys(f"has a gap: {p.domain}: {p.detail}" for p in candidate.unbounded)
        holds = [Hold("limit", phrase) for phrase in gaps]
        holds += too_many(before, candidate.passed)
        if entry and before:
            found = self._rail.violations(before, candidate.passed)
            is_closed = entry.partial and not candidate.incomplete  # its gap, in this run
            holds += [hold for hold in found if not (is_closed and hold.kind == "growth")]
        if not holds and entry and not candidate.fresh:
            # nothing was answered, so nothing was learned, however old the answers are by now
            return self._taken(candidate, entry, before, before)
        if not holds:
            return self._accept(candidate, entry, before)
        if entry is None:
            return _held(candidate, None, EMPTY, holds)
        return self._hold(candidate, entry, before, holds)

    def admitted(self, provider: Provider, entry: Accepted) -> Networks:
        """Return what of an accepted entry still passes the rails on width and special use."""
        rail = self._config.widest(provider.action)
        networks = entry.networks
        if not rail.admits(networks):
            narrow = (rail.admitted(origin.term, origin.networks) for origin in entry.origins)
            networks = Networks.union(narrow)
        return networks - gone(self._config, provider)

    def _accept(
        self, candidate: Candidate, entry: Accepted | None, before: Networks, notice: str = ""
    ) -> Decision:
        passed = candidate.passed
        made = None
        partial = bool(candidate.incomplete) and (entry is None or entry.partial)
        if passed:
            terms = tuple(origins(candidate, passed))
            made = Accepted(candidate.provider.digest, self._now, terms, partial=partial)
        if entry and made and entry.held is None and entry.networks == passed:
            made = replace(made, since=entry.since)  # perhaps by other records
        if entry and not candidate.incomplete and not notice:
            notice = _lost_by_faults(candidate, entry, before)
        return self._taken(candidate, made, before, passed, notice)

    def _taken(
        self,
        candidate: Candidate,
        entry: Accepted | None,
        before: Networks,
        passed: Networks,
        notice: str = "",
    ) -> Decision:
        status = _status(candidate)
        oldest = min((stale.seen for stale in candidate.stale.values()), default=self._now)
        degraded = status in ("incomplete", "missing") or self._now - oldest > STALE_DEGRADES
        return Decision(candidate, entry, before, passed, status, degraded=degraded, notice=notice)

    def _hold(
        self, candidate: Candidate, entry: Accepted, before: Networks, holds: list[Hold]
    ) -> Decision:
        lost = _digest(before - candidate.passed)
        since = entry.held if entry.held is not None and entry.lost == lost else self._now
        if candidate.incomplete:
            since = self._now  # only what was answered can prove that it is gone
        days = self._held_days
        known = not candidate.stale and not candidate.incomplete
        loss_alone = known and all(hold.kind == "loss" for hold in holds)
        if loss_alone and self._now - since >= days * DAY:
            notice = f"its loss has not changed for {days} days (state.held_days) and is accepted"
            return self._accept(candidate, entry, before, notice)
        return _held(candidate, replace(entry, held=since, lost=lost), before, holds)


def _lost_by_faults(candidate: Candidate, entry: Accepted, before: Networks) -> str:
    """Say which faults took accepted networks away, "" for none: an edited record is no fault.

    News of one night, since what is lost is no longer accepted on the next one.
    """
    lost = before - candidate.passed
    if not lost:
        return ""
    nodes = (n for domain in candidate.provider.domains for n in candidate.evaluation.walk(domain))
    records = {node.domain: node.fault.detail for node in nodes if node.fault}
    terms = {(found.domain, found.term): found.detail for found in candidate.problems}
    passing = {(each.domain, each.term) for each in origins(candidate, candidate.passed)}
    details = {
        records.get(origin.domain) or terms.get((origin.domain, origin.term)) or ""
        for origin in entry.origins
        if origin.networks & lost and (origin.domain, origin.term) not in passing
    } - {""}
    if not details:
        return ""
    amounts = [f"{amount(v, lost):,} of its {UNITS[v]}" for v in (4, 6) if lost.ranges(v)]
    more = f" and {len(details) - 3} more" if len(details) > 3 else ""
    return f"loses {' and '.join(amounts)}: {'; '.join(sorted(details)[:3])}{more}"


def _held(
    candidate: Candidate, entry: Accepted | None, before: Networks, holds: list[Hold]
) -> Decision:
    return Decision(candidate, entry, before, before, "held", degraded=True, holds=tuple(holds))


def _status(candidate: Candidate) -> Status:
    if candidate.incomplete:
        return "incomplete"
    if candidate.empty:
        return "missing"
    if candidate.stale:
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
