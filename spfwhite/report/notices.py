"""News of a run that change no exit code: sentences, and the reports of providers that expired.

Owns: when there is such news. Most of it is said once, since the state that it is told from is
another one on the next run. Refuses: to decide anything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from spfwhite.config.settings import Config
from spfwhite.dns.answers import DNS_TYPES, Answers, Failed, Found, Question
from spfwhite.networks import EMPTY
from spfwhite.plan.decided import Decided
from spfwhite.plan.rails import rules
from spfwhite.plan.state import State
from spfwhite.report.report import ProviderReport, expired_report
from spfwhite.report.text import MAX_NAMES
from spfwhite.sources.memory import Stale
from spfwhite.tables.content import owner_of
from spfwhite.tables.write import Ready
from spfwhite.wording import few


def darkness(answers: Answers, stale: Mapping[Question, Stale]) -> list[str]:
    """Say once that DNS gave nothing at all, instead of once a provider."""
    failures = {q: memory.reason for q, memory in stale.items() if memory.kind == "failed"}
    asked = {q: answer for q, answer in answers.items() if q.rrtype in DNS_TYPES}
    if not asked or any(isinstance(a, Found) and q not in failures for q, a in asked.items()):
        return []
    reasons = {answer.reason for answer in asked.values() if isinstance(answer, Failed)}
    reasons |= {reason for question, reason in failures.items() if question in asked}
    if not reasons:
        reasons = {"every name came back as not existing, so the name server does not resolve"}
    return [f"DNS gave no answer at all: {'; '.join(sorted(reasons)[:3])}"]


def long_tables(ready: Iterable[Ready], many: int) -> Iterator[str]:
    """Say which tables of Postfix have more than `many` rules, and what that costs it."""
    for table in ready:
        count = rules(table.networks) if table.form.checker == "postmap" else 0
        if count > many:
            # Postfix reads a cidr: table from its beginning; measured was 1 ms with 200,000 rules
            yield (
                f"{table.path or 'the table'} has {count:,} rules, over the {many:,} of safety."
                f"total_rules_notice: each connection costs Postfix about {count / 200_000:.1f} ms"
            )


def forgotten(path: Path, allow: Ready) -> list[str]:
    """Say that there is no state at `path`, though a run before this one made the table."""
    if not allow.before or owner_of(allow.old or b"") != "ours":
        return []
    return [f"there is no {path}, though {allow.path} is ours: only the limits of the list apply"]


def unconfigured(configured: Config, state: State) -> list[str]:
    """Say which providers go since the configuration has them no more, or switches them off."""
    enabled = {provider.name for provider in configured.providers if provider.enabled}
    gone = sorted(state.accepted.keys() - enabled)
    return [f"no longer configured, or switched off: {few(gone, MAX_NAMES)}"] if gone else []


def expired(configured: Config, in_force: Config, state: State) -> Iterator[ProviderReport]:
    """Report the providers that are off because their last day is over, with what goes now."""
    last_run = datetime.fromtimestamp(state.written, UTC).date()
    for before, after in zip(configured.providers, in_force.providers, strict=False):
        if before.enabled and not after.enabled:
            entry = state.accepted.get(before.name)
            removed = entry.networks if entry else EMPTY
            if before.expires and state.written and last_run <= before.expires:
                removed |= before.networks  # which are accepted by nobody and so not remembered
            yield expired_report(before, removed)


def needless(decided: Decided, names: Collection[str]) -> list[str]:
    """Say which names of `--accept` lifted nothing: perhaps another one was meant.

    Of a provider that is new or changed nothing is said: but for the flag it might be held.
    """
    accepted = decided.before.accepted
    idle = {
        decision.provider.name
        for decision in decided.plan.decisions
        if decision.passed == decision.before
        and (entry := accepted.get(decision.provider.name))
        and entry.held is None
    }
    return [f"--accept {name} had no effect: {name} is not held" for name in names if name in idle]
