"""News of a run that change no exit code: sentences, and the reports of providers that expired.

Owns: when there is such news. Most of it is said once, since the state that it is told from is
another one on the next run; what lasts goes through `News`. Refuses: to decide anything.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from spfwhite.config.settings import Config
from spfwhite.dns.answers import Failed
from spfwhite.networks import EMPTY, Networks
from spfwhite.plan.decided import Decided, is_dark
from spfwhite.plan.plan import Plan
from spfwhite.plan.rails import amounts
from spfwhite.plan.state import State
from spfwhite.report.news import News
from spfwhite.report.report import ProviderReport, expired_report
from spfwhite.report.text import MAX_NAMES, day
from spfwhite.tables.content import owner_of
from spfwhite.tables.write import Ready
from spfwhite.wording import DAY, few

WEEK: Final = 7
"""Days before the last day of a provider."""


def darkness(decided: Decided) -> str:
    """Say why the DNS gave nothing at all, and what to type; "" if it gave something."""
    heard, config = decided.heard, decided.config
    if not is_dark(config, heard):
        return ""
    asked = {q: answer for q, answer in heard.answers.items() if q.rrtype != "PAGE"}
    reasons = sorted({answer.reason for answer in asked.values() if isinstance(answer, Failed)})
    seen = [old.seen for question, old in decided.recall.stale.items() if question in asked]
    stays = "what is listed stays"
    if decided.plan.refusals:
        stays = "no rules were written"
    elif seen:
        last = day(min(seen) + config.state.max_stale_days * DAY)
        stays = f"remembered answers stand in until {last} (state.max_stale_days)"
    where = "dns.nameservers" if config.dns.nameservers else "/etc/resolv.conf"
    why = "DNS says that no name has a TXT record, so the name server does not resolve"
    if reasons:
        why = f"DNS gave no answer at all: {'; '.join(reasons[:3])}"
    return f"{why}; {stays}; look at {where}, then: `spfwhite generate --reload`"


def long_tables(ready: Iterable[Ready], many: int, news: News) -> Iterator[str]:
    """Say which tables of Postfix have more than `many` rules, and what that costs it."""
    for table in ready:
        count = sum(table.networks.rules()) if table.form.words else 0
        if count > many:
            # Postfix reads a cidr: table from its beginning; measured was 1 ms with 200,000 rules
            limit = f"the {many:,} of safety.total_rules_notice"
            cost = f"each connection costs Postfix about {count / 200_000:.1f} ms"
            said = f"{table.path or 'the table'} has {count:,} rules, over {limit}: {cost}"
            yield news.lasting(str(table.path), said)


def forgotten(path: Path, allow: Ready) -> list[str]:
    """Say that there is no state at `path`, though a run before this one made the table."""
    if not allow.before or owner_of(allow.old or b"") != "ours":
        return []
    had = "what each provider had is not known, and only the limits on the list as a whole apply"
    return [f"there is no {path}, though spfwhite wrote {allow.path}: {had}"]


def unconfigured(configured: Config, state: State, plan: Plan) -> Iterator[str]:
    """Say which providers go since the configuration has them no more, or switches them off."""
    enabled = {provider.name for provider in configured.providers if provider.enabled}
    if gone := sorted(state.accepted.keys() - enabled):
        yield f"no longer configured, or switched off: {few(gone, MAX_NAMES)}"
        entries = map(state.accepted.__getitem__, gone)
        yield from staying(plan, Networks.union(it.networks | it.static for it in entries))


def expired(configured: Config, in_force: Config, state: State) -> Iterator[ProviderReport]:
    """Report the providers that are off because their last day is over, with what goes now."""
    for before, after in zip(configured.providers, in_force.providers, strict=False):
        if before.enabled and not after.enabled:
            entry = state.accepted.get(before.name)
            yield expired_report(before, entry.networks | entry.static if entry else EMPTY)


def expiring(config: Config, news: News) -> Iterator[str]:
    """Say in the week before it of which provider the last day comes."""
    today = datetime.fromtimestamp(news.now, UTC).date()
    for each in config.enabled():
        if each.expires and (each.expires - today).days < WEEK:
            said = f"{each.name} expires on {each.expires} (its last day; {each.defined_in})"
            yield news.lasting(f"expires: {each.name}", said)


def needless(decided: Decided, names: Collection[str]) -> list[str]:
    """Say which names of `--accept` lifted nothing: perhaps another one was meant.

    Of a provider that is new or changed nothing is said: but for the flag it might be held.
    """
    if names and is_dark(decided.config, decided.heard):
        return ["--accept has no effect while DNS gives no answer"]
    accepted = decided.before.accepted
    idle = {
        decision.provider.name
        for decision in decided.plan.decisions
        if decision.passed == decision.before
        and (entry := accepted.get(decision.provider.name))
        and entry.held is None
        and not decision.candidate.gaps
    }
    return [f"--accept {name} had no effect: {name} is not held" for name in names if name in idle]


def let_go(plan: Plan) -> Networks:
    """Return what providers lose in a run."""
    allowed = (made for made in plan.decisions if made.provider.action == "permit")
    return Networks.union(made.before - made.passed for made in allowed)


def staying(plan: Plan, gone: Networks) -> Iterator[str]:
    """Say what stays on the list of that which the operator let go, and through whom."""
    if stays := gone & plan.permitted:
        others = [
            made.provider.name
            for made in plan.decisions
            if made.provider.action == "permit" and made.networks & stays
        ]
        yield f"{amounts(stays)} stay on the list through others: {few(others, MAX_NAMES)}"


def movers(plan: Plan) -> Iterator[str]:
    """Say how much the list would lose and gain by each provider if a run were not refused."""
    for name, lost, gained in plan.causes[:MAX_NAMES]:
        parts = [f"lose {amounts(lost)}"] * bool(lost) + [f"gain {amounts(gained)}"] * bool(gained)
        yield f"{name} would {' and '.join(parts)}"
