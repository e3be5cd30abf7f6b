"""What a run decides: which candidates are accepted, which providers are held, what is refused.

Owns: these decisions. Refuses: to look up, to write, and to measure (`spfwhite.plan.rails`).
"""

# Beyond a limit a provider is held: what was accepted of it stays on the list, and all others go
# on. So one sender that vanishes, or is taken over, costs the others nothing, and whoever is new
# and over a limit is left out. Where many together would change the list too much, those who do it
# most are held, so that the others go on; only if they are more than half is the run refused.
#
# Two ways lead out of a hold. The operator lifts it (`--accept`). Or a loss, and nothing but a
# loss, has been the same for `state.held_days` by answers that came: then the sender means it. A
# growth is never accepted so, since waiting proves nothing about it.
#
# What the operator does himself counts in no limit on change: a provider that is new, or whose
# definition has another digest, is taken as it is, unless it is over a limit by itself. But while
# a changed definition is not known in full, what was accepted of the one before stays.

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import Final, Literal, NamedTuple

from spfwhite.config.settings import Config, Provider
from spfwhite.dns.answers import Question
from spfwhite.networks import EMPTY, Networks
from spfwhite.plan.candidates import Candidate, parts
from spfwhite.plan.past import Accepted, as_of
from spfwhite.plan.rails import Hold, Rail, foreign, news, too_many, too_many_rules
from spfwhite.plan.state import State
from spfwhite.plan.total import Cause, Share, causes, exceeded, to_hold
from spfwhite.sources.memory import Stale, is_failure
from spfwhite.wording import DAY, few

# What is told of a provider; "expired" comes from `spfwhite.report.report`.
Status = Literal["ok", "stale", "held", "incomplete", "missing", "empty", "undecidable", "expired"]

# Seconds. Stale answers that are younger do not degrade a run. A question that failed is reported
# at any age, one that this run did not ask only beyond it.
STALE_DEGRADES: Final = 2 * DAY


class Decision(NamedTuple):
    """One provider in one run."""

    candidate: Candidate
    entry: Accepted | None  # what will be remembered as accepted (None: nothing)
    before: Networks  # what counted of this definition until now
    earlier: Networks  # what was accepted of any definition
    passed: Networks  # what of `entry` counts now
    status: Status
    degraded: bool
    stale: Mapping[Question, Stale]  # the answers from memory that are worth a word
    holds: tuple[Hold, ...]  # why the candidate is not taken
    notice: str

    @property
    def provider(self) -> Provider:
        """The provider that is decided on."""
        return self.candidate.provider

    @property
    def networks(self) -> Networks:
        """All that the provider contributes, its static networks included."""
        return self.passed | self.candidate.static


class _Plan(NamedTuple):
    decisions: tuple[Decision, ...]
    refusals: tuple[str, ...] = ()
    causes: tuple[Cause, ...] = ()  # whose loss and gain a refusal is, the largest first


class Plan(_Plan):  # a NamedTuple by itself has no room for what is made once
    """What a run would do: a decision for each provider, and why it must not be done."""

    @cached_property
    def permitted(self) -> Networks:
        """The addresses of the allow table; what the operator himself rejects is not on it."""
        allowed = (made.networks for made in self.decisions if made.provider.action == "permit")
        return Networks.union(allowed) - self._rejected_by_hand

    @cached_property
    def rejected(self) -> Networks:
        """The addresses of the reject table: what SPF says never outweighs the allow table.

        Nor what an allowed provider names that is held: it is new, and others may include it.
        """
        by_spf = (made.passed for made in self.decisions if made.provider.action == "reject")
        named = (
            made.candidate.passed for made in self.decisions if made.provider.action == "permit"
        )
        allowed = self.permitted | Networks.union(named)
        return (Networks.union(by_spf) - allowed) | self._rejected_by_hand

    @cached_property
    def _rejected_by_hand(self) -> Networks:
        return Networks.union(
            made.candidate.static for made in self.decisions if made.provider.action == "reject"
        )


def decide(judge: Judge, candidates: list[Candidate], table: Networks) -> Plan:
    """Decide on all providers; `table` is what our own list holds where no state tells it."""
    cases = judge.cases(candidates)
    plan = _within_limits(judge._replace(lifted=()), cases, table)
    if judge.lifted:
        plan = _within_limits(judge._replace(lifted=_released(plan, judge)), cases, table)
    allow = [made for made in plan.decisions if made.provider.action == "permit"]
    # networks that the configuration names are no list where DNS gave nothing to all others
    asked = [made for made in allow if made.candidate.questions]
    silent = asked and all(made.candidate.gaps and not made.passed for made in asked)
    if not allow or (plan.permitted and not silent):
        return plan
    none = f"none of {len(allow)} providers has an address; no flag lifts this"
    return plan._replace(refusals=(*plan.refusals, f"the list would be empty: {none}"))


def _released(plan: Plan, judge: Judge) -> Collection[str]:
    """Return those who are lifted and have a hold, as `plan` or the run before has it."""
    # Of another one the change still counts: left out, it would release who is held for the list.
    # All of them where all are named, or where the list is refused, so that nobody is held.
    names = {made.provider.name for made in plan.decisions}
    if plan.refusals or names <= set(judge.lifted):
        return judge.lifted
    held = {name for name, entry in judge.state.accepted.items() if entry.held is not None}
    held |= {made.provider.name for made in plan.decisions if made.holds or made.candidate.gaps}
    return held & set(judge.lifted)


def _within_limits(judge: Judge, cases: list[_Case], table: Networks) -> Plan:
    plan = Plan(tuple(map(judge.judge, cases)))
    if judge.force:
        return plan
    safety, days = judge.config.safety, judge.config.state.settle_days
    rail = Rail("total", safety.total_max_loss, safety.total_max_growth, days)
    if table:
        over = rail.violations(table, plan.permitted, table)
        shares = {d.provider.name: Share(d.passed & table, EMPTY, d.passed) for d in plan.decisions}
        return _refused(plan, over, shares)
    if not exceeded(rail, judge.shares(cases, plan).values()):
        return plan
    # Accepting long-held losses would be too much every night. Decide again without accepting any.
    judge = judge._replace(accepts_losses=False)
    plan = Plan(tuple(map(judge.judge, cases)))
    shares = judge.shares(cases, plan)
    holds = to_hold(rail, shares)
    if holds is None:
        return _refused(plan, exceeded(rail, shares.values()), shares)
    names = [case.candidate.provider.name for case in cases]
    made = zip(names, cases, plan.decisions, strict=True)
    return Plan(tuple(judge.hold(case, holds[n]) if n in holds else d for n, case, d in made))


def _refused(plan: Plan, over: list[Hold], shares: Mapping[str, Share]) -> Plan:
    refusals = tuple(f"the list {hold.phrase}; --force writes it all the same" for hold in over)
    return plan._replace(refusals=refusals, causes=tuple(causes(shares, over)))


class _Case(NamedTuple):
    """One provider to decide on: what it passes now, and what was accepted of it."""

    candidate: Candidate
    # while it `is_unproven`, what follows is of the definition before
    entry: Accepted | None  # what was accepted of this definition of it (None: nothing)
    before: Networks  # what of that the limits on single terms still let pass
    then: Networks  # the same a week ago
    earlier: Networks  # what was accepted of any definition

    @property
    def is_unproven(self) -> bool:
        """Whether the provider has another definition now that is not known in full."""
        return self.entry is not None and self.entry.digest != self.candidate.provider.digest


class Judge(NamedTuple):
    """The limits of one provider: it is taken as it is now, or kept as it was accepted."""

    config: Config
    state: State
    now: float
    lifted: Collection[str]  # those whose hold, if any, the operator lifts
    force: bool  # lifts the limits of the list as a whole
    accepts_losses: bool  # those that were held for `state.held_days`

    @property
    def _rail(self) -> Rail:
        safety, days = self.config.safety, self.config.state.settle_days
        return Rail("provider", safety.provider_max_loss, safety.provider_max_growth, days)

    def cases(self, candidates: list[Candidate]) -> list[_Case]:
        """Return what there is to decide on."""
        week = self.now - self.config.state.settle_days * DAY
        then = as_of(week, self.state.accepted, self.state.journal, self.now)
        return [self._case(candidate, then) for candidate in candidates]

    def _case(self, candidate: Candidate, then: Mapping[str, Networks]) -> _Case:
        provider = candidate.provider
        entry = self.state.accepted.get(provider.name)
        earlier = entry.networks if entry else EMPTY
        before = self._admitted(candidate, entry) if entry else EMPTY
        if entry and entry.digest != provider.digest and not (before and candidate.gaps):
            entry, before = None, EMPTY  # the operator's will: the old networks do not apply
        was = before
        if entry and provider.name in then:
            was = then[provider.name] - candidate.excluded
        return _Case(candidate=candidate, entry=entry, before=before, then=was, earlier=earlier)

    def shares(self, cases: list[_Case], plan: Plan) -> dict[str, Share]:
        """Return what counts in the limits of the whole list: all but what is new, or by hand."""
        return {
            made.provider.name: Share(case.before, case.then, made.passed)
            for case, made in zip(cases, plan.decisions, strict=True)
            if made.provider.name not in self.lifted
            and case.entry
            and case.entry.networks
            and case.entry.since != self.now
            and not self._fills_gap(case)
        }

    def hold(self, case: _Case, holds: Sequence[Hold]) -> Decision:
        """Leave a provider as it was accepted, and note since when its loss is what it is."""
        entry = case.entry
        if entry:
            since, lost = self._loss(case, entry)
            entry = entry._replace(held=since, lost=lost)
        return self._decision(case, entry, case.before, holds=tuple(holds))

    def judge(self, case: _Case) -> Decision:
        """Decide on one provider by itself."""
        candidate, entry = case.candidate, case.entry
        if candidate.provider.name in self.lifted:
            return self._take(case)
        holds = self._why_hold(case)
        if not holds and entry and candidate.is_unanswered:
            # Nothing was answered, so nothing was learned, however old the answers are by now.
            return self._decision(case, entry, case.before)
        if not holds:
            return self._take(case)
        if entry and self._is_proven(case, entry, holds):
            days = f"for {self.config.state.held_days} days (state.held_days)"
            return self._take(case, f"its loss has not changed {days} and is accepted")
        return self.hold(case, holds)

    def _admitted(self, candidate: Candidate, entry: Accepted) -> Networks:
        """Return what of an accepted entry still passes the limits on width and is not excluded."""
        widest = self.config.widest(candidate.provider.action)
        networks = entry.networks
        if not widest.admits(networks):
            narrow = (widest.admitted(origin.term, origin.networks) for origin in entry.origins)
            networks = Networks.union(narrow)
        return networks - candidate.excluded

    def _why_hold(self, case: _Case) -> list[Hold]:
        candidate, entry, before = case.candidate, case.entry, case.before
        if case.is_unproven:
            gaps = few(sorted({f"{p.domain}: {p.detail}" for p in candidate.gaps}), 3)
            # what stays comes first: a sentence is cut at its end
            why = "its settings changed, and what was listed of it stays until all that they name"
            return [Hold("limit", f"{why} can be read: {gaps}")]
        blocking = dict.fromkeys(
            f"a part of it is not known: {p.domain}: {p.detail}" for p in candidate.blocking
        )
        holds = [Hold("limit", phrase) for phrase in blocking]
        safety = self.config.safety
        holds += too_many(before, candidate.passed)
        holds += too_many_rules(before, candidate.passed, safety.provider_max_rules)
        if entry is None:
            return holds
        passed = candidate.passed
        if self._fills_gap(case):
            passed -= self._filling(candidate) - before
        holds += self._rail.violations(before, passed, case.then | entry.lapsed)
        holds += foreign(entry.lapsed, passed) if entry.lapsed else []
        failed = any(stale.kind != "unasked" for stale in candidate.stale.values())
        if not holds and entry.held is not None and before - candidate.passed and failed:
            # the answer that is remembered may be the very one for which it was held
            phrase = "was held, still loses addresses, and not all of it was answered"
            holds.append(Hold("loss", phrase))
        return holds

    def _fills_gap(self, case: _Case) -> bool:
        """Whether this run is the first to know a provider in full, which is no growth of it."""
        entry = case.entry
        if entry is None or not entry.partial or case.candidate.gaps:
            return False
        return self.now - entry.since <= self.config.state.max_stale_days * DAY

    def _filling(self, candidate: Candidate) -> Networks:
        """Return what comes from records that were never answered before this run."""
        known = self.state.known
        missing = {q.name for q in candidate.questions if q not in known or is_failure(known[q])}
        return Networks.union(
            origin.networks
            for origin in candidate.origins
            if origin.domain in missing
            or origin.term.partition(":")[2].partition("/")[0].lower() in missing
        )

    def _loss(self, case: _Case, entry: Accepted) -> tuple[float, str]:
        lost = _digest(case.before - case.candidate.passed)
        # Only what was answered can prove that it is gone: a gap starts the days anew.
        if entry.held is None or entry.lost != lost or case.candidate.gaps:
            return self.now, lost
        return entry.held, lost

    def _is_proven(self, case: _Case, entry: Accepted, holds: list[Hold]) -> bool:
        """Whether there is a loss and no more, of `held_days`, and this run was answered it all."""
        is_known = not (case.candidate.gaps or case.candidate.stale)
        is_old = self.now - self._loss(case, entry)[0] >= self.config.state.held_days * DAY
        is_loss = all(hold.kind == "loss" for hold in holds)
        return self.accepts_losses and is_known and is_old and is_loss

    def _take(self, case: _Case, confirmed: str = "") -> Decision:
        """Accept a provider as it is now; `confirmed` says so of a loss that was held until now."""
        candidate, entry = case.candidate, case.entry
        told = [confirmed] if confirmed else []
        # of the first list, and of what he changes or accepts, the operator need not be told
        by_hand = candidate.provider.name in self.lifted or (case.earlier and not entry)
        said = self.state.told.get(candidate.provider.name)
        if said and said.kind == "held" and not (told or by_hand):
            told.append("no longer held, since within the limits again")
        if self.state.written and not by_hand:
            days = self.config.state.settle_days
            told += news(case.before, candidate.passed, case.then, days)
            # the limits let it go, but he need not know since when it was there
            why = f"not held, since what came within {days} days may go (state.settle_days)"
            losses = self._rail.violations(case.before, candidate.passed, case.before)
            told += [f"{it.phrase}; {why}" for it in losses if it.kind == "loss" and not confirmed]
        accepted = self._accepted(case, begins=bool(confirmed or by_hand or self.force))
        return self._decision(case, accepted, candidate.passed, notice="; ".join(told))

    def _accepted(self, case: _Case, *, begins: bool) -> Accepted:
        blank = Accepted(digest="", since=self.now, origins=(), partial=True)
        old = blank if case.is_unproven else case.entry or blank
        passed, partial = case.candidate.passed, bool(old.partial and case.candidate.gaps)
        begins |= old.partial != partial or bool(passed and not old.networks)
        return Accepted(
            digest=case.candidate.provider.digest,
            since=self.now if begins else old.since,
            origins=tuple(parts(case.candidate.origins, passed)),
            partial=partial,
            lapsed=EMPTY if passed else old.networks or old.lapsed,
        )

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
        if status == "missing" and not self._was_listed(case, entry, passed):
            status = "empty"
        oldest = min((answer.seen for answer in stale.values()), default=self.now)
        is_old = self.now - oldest > STALE_DEGRADES
        static, old = case.candidate.static, self.state.accepted.get(case.candidate.provider.name)
        # the operator's will, but one digit makes a /28 a /2
        grown = news(old.static, static, old.static, 0) if old and old.static else ()
        said = [notice, *(f"in its own networks it {phrase}" for phrase in grown)]
        if entry and not case.entry:  # in the run that takes it
            said += [it.detail for it in case.candidate.problems if it.term == "networks"]
        if entry and entry.static != static:
            entry = entry._replace(static=static)
        return Decision(
            candidate=case.candidate,
            entry=entry,
            before=case.before,
            earlier=case.earlier,
            passed=passed,
            status=status,
            degraded=status in ("held", "incomplete", "missing") or (is_old and status != "empty"),
            stale=stale,
            holds=holds,
            notice="; ".join(filter(None, said)),
        )

    def _was_listed(self, case: _Case, entry: Accepted | None, passed: Networks) -> bool:
        listed = case.earlier or passed or case.candidate.static or (entry and entry.lapsed)
        told = self.state.told.get(case.candidate.provider.name)
        return bool(listed or (told and told.kind == "missing"))


def _status(candidate: Candidate, stale: Mapping[Question, Stale]) -> Status:
    if candidate.is_waiting:
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
