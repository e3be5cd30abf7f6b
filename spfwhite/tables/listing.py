"""Which networks a table has, and who passes each of them.

Owns: what a table chooses, and the sources of a network. Refuses: to decide, and how a line looks.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from operator import itemgetter

from spfwhite.config.settings import Table
from spfwhite.networks import BITS, Networks, masked
from spfwhite.plan.plan import Decision, Plan
from spfwhite.spf.result import nearness
from spfwhite.tables.formats import FORMATS, Row, Rows, Source

VERSIONS = {"ipv4": (4,), "ipv6": (6,), "both": (4, 6)}


def chosen(plan: Plan, table: Table) -> list[Decision]:
    """Return the decisions whose networks a table lists: all of its action unless it names some."""
    found = [each for each in plan.decisions if each.provider.action == table.action]
    if not table.providers and not table.categories:
        return found
    names = {each.provider.name for each in found if each.provider.category in table.categories}
    names |= set(table.providers)
    return [each for each in found if each.provider.name in names]


def networks_of(plan: Plan, table: Table) -> Networks:
    """Return the networks of a table, which are never more than those of the run."""
    whole = plan.permitted if table.action == "permit" else plan.rejected
    if table.providers or table.categories:
        whole &= Networks.union(each.networks for each in chosen(plan, table))
    return whole if table.family == "both" else whole.family(VERSIONS[table.family][0])


def rows_of(plan: Plan, table: Table, networks: Networks, name: str) -> Rows:
    """Return the rows of a table of these networks; `name` is what a format calls it."""
    needs_sources = FORMATS[table.format].needs_sources
    rows = _with_sources(chosen(plan, table), networks) if needs_sources else bare_rows(networks)
    return Rows(name=name, action=table.action, versions=VERSIONS[table.family], rows=rows)


def bare_rows(networks: Networks) -> list[Row]:
    """Return the networks of a set without their sources."""
    return [Row(text, version) for version in BITS for text in networks.family(version).texts()]


def _with_sources(decisions: list[Decision], networks: Networks) -> list[Row]:
    rows = []
    for version in BITS:
        cidrs = list(networks.cidrs(version))
        sources: list[set[Source]] = [set() for _ in cidrs]
        for source, passed in terms(decisions):
            for low, high in (passed & networks).ranges(version):
                for index in _overlapping(cidrs, low, high, BITS[version]):
                    sources[index].add(source)
        for text, passing in zip(networks.family(version).texts(), sources, strict=True):
            nearest = sorted(passing, key=lambda each: (nearness(each.chain), each))
            rows.append(Row(text, version, tuple(nearest)))
    return rows


def _overlapping(cidrs: list[tuple[int, int]], low: int, high: int, bits: int) -> range:
    """Return the indices of the networks (address, prefix length) that meet a range."""
    start = bisect_left(cidrs, low, key=lambda cidr: masked(cidr[0], cidr[1], bits)[1])
    return range(start, bisect_right(cidrs, high, key=itemgetter(0)))


def terms(decisions: Iterable[Decision]) -> Iterator[tuple[Source, Networks]]:
    """Yield each term with the part of its networks that counts, provider by provider."""
    for decision in decisions:
        provider = decision.provider
        if decision.candidate.static:
            yield Source(provider.name, (), "networks"), decision.candidate.static
        chains = decision.candidate.evaluation.chains(provider.domains)
        for origin in decision.entry.origins if decision.entry else ():
            chain = chains.get(origin.domain, (origin.domain,))  # a held one may lead elsewhere now
            part = origin.networks & decision.passed
            yield Source(provider.name, chain, origin.term), part
