"""The health of each provider, from the state alone.

Owns: one row a provider: status, size, age of its answers, what is wrong, what only it adds and
through whom the rest is listed too. Refuses: the network.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, NamedTuple

from spfwhite.config.settings import Provider
from spfwhite.networks import BITS, EMPTY, Networks
from spfwhite.plan.last_run import LastRun
from spfwhite.plan.past import Change
from spfwhite.plan.plan import Decision
from spfwhite.plan.state import recent
from spfwhite.report.news import News
from spfwhite.report.report import ProviderReport, expired_report, provider_report
from spfwhite.spf.result import nearness
from spfwhite.tables.listing import terms

# Trouble first, and last who lists nothing.
ORDER: Final = ("held", "missing", "incomplete", "stale", "expired", "ok", "undecidable", "empty")

# Providers that are named for what is listed through others too.
MAX_ALSO: Final = 4


class Row(NamedTuple):
    """One provider; `newest` and `oldest` are when its answers were seen, None without any."""

    report: ProviderReport
    provider: Provider
    newest: float | None = None
    oldest: float | None = None
    alone: Networks = EMPTY  # what no other provider of its action adds
    also: tuple[str, ...] = ()  # through whom the rest is listed too, owners of records first
    changes: tuple[Change, ...] = ()  # of the last 30 days
    records: tuple[str, ...] = ()  # that are gone, by which others are held too


def rows(run: LastRun) -> list[Row]:
    """Return a row for each enabled or expired provider, trouble first."""
    decisions = run.plan.decisions
    news = News(run.state.told, run.state.written, run.config.state.remind_days)
    known, journal = run.state.known, recent(run.state.journal, run.now)
    shares: dict[str, tuple[Networks, tuple[str, ...]]] = {}
    for action in ("permit", "reject"):
        shares |= _shares(made for made in decisions if made.provider.action == action)
    reports = [provider_report(made, run.plan, news, dark=run.dark) for made in decisions]
    held = (report for report in reports if report.holds and not report.dark)
    times = Counter(record for report in held for record in report.causes)
    table = []
    for made, report in zip(decisions, reports, strict=True):
        name = made.provider.name
        seen = [known[q].seen for q in made.candidate.questions if q in known]
        ages = max(seen, default=None), min(seen, default=None)
        alone, also = shares.get(name, (EMPTY, ()))
        changes = tuple(change for change in journal if change.provider == name)
        records = tuple(record for record in report.causes if times[record] > 1)
        alone &= report.networks  # of one that rejects, some are on the allow table
        table.append(Row(report, made.provider, *ages, alone, also, changes, records))
    today = datetime.fromtimestamp(run.now, UTC).date()
    table += [
        Row(report=expired_report(provider, EMPTY), provider=provider)
        for provider in run.config.providers
        if provider.expires and provider.expires < today
    ]
    return sorted(table, key=lambda row: (ORDER.index(row.report.status), row.report.name))


def _shares(decisions: Iterable[Decision]) -> dict[str, tuple[Networks, tuple[str, ...]]]:
    """Return what each provider alone adds, and through whom the rest is listed too."""
    # A sweep over the ends of all ranges of all terms. Of those who pass a range the nearest to its
    # record come first: its owner, for all others.
    alone: dict[str, list[Networks]] = defaultdict(list)
    also: dict[str, Counter[str]] = defaultdict(Counter)
    holders = [((nearness(each.chain), each.provider), part) for each, part in terms(decisions)]
    for version in BITS:
        ends = (
            end
            for holder, part in holders
            for low, high in part.ranges(version)
            for end in ((low, 1, holder), (high + 1, -1, holder))
        )
        active: Counter[tuple[tuple[int, int], str]] = Counter()
        before = 0
        for at, change, holder in sorted(ends):
            if at > before:
                names = list(dict.fromkeys(name for _, name in sorted(active)))
                if len(names) == 1:
                    alone[names[0]].append(Networks.of(version, before, at - 1))
                for name in names:
                    others = [other for other in names[: MAX_ALSO + 1] if other != name]
                    also[name].update({other: int(other == others[0]) for other in others})
            active[holder] += change
            if not active[holder]:
                del active[holder]
            before = at
    everybody = {name for (_, name), _ in holders}
    most = {name: [other for other, _ in also[name].most_common(MAX_ALSO)] for name in everybody}
    return {name: (Networks.union(alone[name]), tuple(most[name])) for name in everybody}


def included(run: LastRun, name: str) -> tuple[list[str], list[str]]:
    """Return the records that those of a provider include, and the providers that include its."""
    chains = {
        made.provider.name: made.candidate.evaluation.chains(made.provider.domains)
        for made in run.plan.decisions
    }
    own = chains.pop(name, {})
    records = sorted((len(chain), record) for record, chain in own.items() if len(chain) > 1)
    return [record for _, record in records], [
        other
        for other, theirs in chains.items()
        if any(nearness(own[it]) < nearness(theirs[it]) for it in own.keys() & theirs.keys())
    ]
