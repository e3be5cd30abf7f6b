"""The formats of tables: what the lines below the head look like to each consumer.

Owns: one small pure function a format. Refuses: text from outside; numbers and the names of
providers are all that reaches a line, except in JSON, which escapes what it quotes.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from spfwhite.config.settings import Action, FormatName, set_name
from spfwhite.wording import printable


class Source(NamedTuple):
    """Who passes a network: the term as written, and the records that lead to it."""

    provider: str
    chain: tuple[str, ...]
    term: str


class Row(NamedTuple):
    """A network of a table; `sources` is empty where the format does not need them."""

    network: str
    version: int
    sources: tuple[Source, ...] = ()


class Rows(NamedTuple):
    """The rows of a table; `name` stands for it inside, `versions` are its families."""

    name: str
    action: Action
    versions: tuple[int, ...]
    rows: Sequence[Row]

    def family(self, version: int) -> list[Row]:
        """Return the networks of one family, 4 or 6."""
        return [row for row in self.rows if row.version == version]


def _comments(comments: Sequence[str]) -> Iterator[str]:
    return (f"# {comment}" for comment in comments)


class Format(NamedTuple):
    """One format: its lines, the head above them, and what it needs."""

    lines: Callable[[Rows], Iterable[str]]
    head: Callable[[Sequence[str]], Iterable[str]] = _comments
    needs_sources: bool = False
    words: Mapping[Action, str] = {}  # what a table of Postfix answers, for others empty


POSTSCREEN: Final[Mapping[Action, str]] = {"permit": "permit", "reject": "reject"}
# never OK: before reject_unauth_destination it would relay for all customers of a sender
ACCESS: Final[Mapping[Action, str]] = {"permit": "permit_auth_destination", "reject": "REJECT"}


def _cidr(words: Mapping[Action, str]) -> Callable[[Rows], Iterator[str]]:
    """Return the lines of a Postfix cidr: table (cidr_table(5))."""
    return lambda table: (f"{row.network}\t{words[table.action]}" for row in table.rows)


def _rbldnsd(table: Rows) -> Iterator[str]:
    """Yield a dataset of the type `combined`: both families in one file, replaced as one."""
    for version in table.versions:
        yield f"$DATASET ip{version}trie:ipv{version} @"
        for row in table.family(version):
            # rbldnsd puts the client's address in the place of `$`, which no name of a provider has
            yield f"{row.network} :127.0.0.2:{row.sources[0].provider}"


def _nft(table: Rows) -> Iterator[str]:
    """Yield commands that nft carries out in one transaction: sets exist, are emptied, filled."""
    yield "add table inet spfwhite"
    for version in table.versions:
        named = f"inet spfwhite {set_name(table.name)}_v{version}"
        yield f"add set {named} {{ type ipv{version}_addr; flags interval; }}"
        yield f"flush set {named}"
        rows = table.family(version)
        if rows:
            yield f"add element {named} {{"
            yield from (f"{row.network}," for row in rows)
            yield "}"


JSON_HEAD: Final = '{"written_by": "spfwhite", '


def _json_head(comments: Sequence[str]) -> Iterator[str]:
    yield f'{JSON_HEAD}"comments": {json.dumps(comments)}, "networks": ['


def _json(table: Rows) -> Iterator[str]:
    """Yield a network a line, with all who pass it."""
    last = len(table.rows) - 1
    for index, row in enumerate(table.rows):
        sources = [
            {"provider": name, "chain": list(chain), "term": printable(term)}
            for name, chain, term in row.sources
        ]
        entry = {"network": row.network, "action": table.action, "sources": sources}
        yield json.dumps(entry) + ("," if index < last else "")
    yield "]}"


FORMATS: Final[Mapping[FormatName, Format]] = {
    "postscreen": Format(_cidr(POSTSCREEN), words=POSTSCREEN),
    "plain": Format(lambda table: (row.network for row in table.rows)),
    "json": Format(_json, _json_head, needs_sources=True),
    "rbldnsd": Format(_rbldnsd, needs_sources=True),
    "nft": Format(_nft),
    "access": Format(_cidr(ACCESS), words=ACCESS),
}
