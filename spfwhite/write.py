"""What a run leaves on disk: the state, then the tables, whole or not at all.

Owns: what may be replaced, whether anything has to be, and the order: all tables are written to
temporary files and verified, then the state is saved, then the tables take their places, then
Postfix reloads and the state notes it. A kill between any two costs one more write or reload.
Refuses: to decide on networks.
"""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from spfwhite import __version__, files, tables
from spfwhite.memory import Recall
from spfwhite.networks import BITS, EMPTY, Networks, address
from spfwhite.plan import Plan
from spfwhite.postfix import Postfix, reload_by
from spfwhite.settings import Action, Config
from spfwhite.state import Change, State, TableState, recent, save


@dataclass(frozen=True, slots=True)
class Table:
    """A table that is ready to be written; `path` None is standard output.

    `old` is what the file holds now (None: there is none), `before` its networks, `refusal` why
    it must not be replaced ("": it may).
    """

    path: Path | None
    action: Action
    networks: Networks
    rules: list[str]
    content: bytes
    old: bytes | None
    refusal: str

    @property
    def before(self) -> Networks:
        """The networks that the file holds now."""
        return tables.networks_in(self.old) if self.old else EMPTY

    @property
    def is_current(self) -> bool:
        """Whether the file holds these rules already."""
        if self.old is None or tables.origin(self.old) != "ours":
            return False
        return tables.rules_in(self.old) == self.rules


def prepared(
    config: Config, decided: Plan, output: Path | None, now: float, *, force: bool
) -> list[Table]:
    """Return the allow table, and the reject table where there is one; raises FileError.

    With `output` there is the allow table alone. A reject table without reject providers is
    emptied, not left behind.
    """
    named = output or config.output.allow
    allow = _table(named, config.output.allow.name, "permit", decided, now, force=force)
    if output is not None:
        return [allow]
    reject = _table(
        config.output.reject, config.output.reject.name, "reject", decided, now, force=force
    )
    used = any(decision.provider.action == "reject" for decision in decided.decisions)
    ours = reject.old is not None and tables.origin(reject.old) == "ours"
    return [allow, reject] if used or ours else [allow]


def _table(
    named: Path, name: str, action: Action, decided: Plan, now: float, *, force: bool
) -> Table:
    path = None if str(named) == "-" else files.destination(named)
    networks = decided.permitted if action == "permit" else decided.rejected
    listed = sum(1 for d in decided.decisions if d.networks and d.provider.action == action)
    rules = tables.rules(networks, action)
    v6 = sum(1 for _ in networks.cidrs(6))
    content = tables.render(
        named.name if path else name,
        __version__,
        rules,
        datetime.fromtimestamp(now, UTC),
        f"{len(rules) - v6} IPv4 and {v6} IPv6 networks of {listed} providers",
    )
    old = files.read_if_there(path) if path else None
    refusal = ""
    if old is not None and not force and tables.origin(old) == "foreign":
        refusal = (
            f"{named} was not written by spfwhite; --force replaces it, keeping it as {named}.orig"
        )
    return Table(path, action, networks, rules, content, old, refusal)


def write_tables(config: Config, ready: list[Table], state: State | None) -> bool:
    """Write the tables that changed, and the state if there is one, in the order that is safe.

    Returns whether a table was written. Raises FileError and PostfixError, and then the old tables
    are in place.
    """
    changed = [table for table in ready if table.path and not table.is_current]
    with ExitStack() as stack:
        for table in changed:
            assert table.path is not None
            temporary = stack.enter_context(files.replacing(table.path, table.content))
            if is_verified(config):
                Postfix(config.postfix.config_directory).verify(temporary, expected(table))
        for table in changed:
            _keep_original(table)
        if state:
            save(config.state.path, state)
    return bool(changed)


def is_verified(config: Config) -> bool:
    """Whether tables are loaded by postmap before they are put in place."""
    return config.postfix.verify and Postfix(config.postfix.config_directory).is_here()


def _keep_original(table: Table) -> None:
    theirs = table.old is not None and tables.origin(table.old) in ("foreign", "postwhite")
    if table.path and table.old is not None and theirs:
        files.replace(table.path.with_name(table.path.name + ".orig"), table.old)


def reload_if_needed(config: Config, state: State) -> State:
    """Make Postfix load the rules that were written, unless it has; raises ReloadError."""
    if all(table.loaded == table.written for table in state.tables.values()):
        return state
    if config.postfix.reload_command:
        reload_by(config.postfix.reload_command)
    else:
        Postfix(config.postfix.config_directory).reload()
    loaded = {path: replace(each, loaded=each.written) for path, each in state.tables.items()}
    state = replace(state, tables=loaded)
    save(config.state.path, state)
    return state


def create_header_only(ready: list[Table], now: float) -> None:
    """Make tables without rules where there are none: a missing one hides the lists after it."""
    when = datetime.fromtimestamp(now, UTC)
    for table in ready:
        if table.path and table.old is None:
            content = tables.render(table.path.name, __version__, [], when, "no rules yet")
            files.replace(table.path, content)


def expected(table: Table) -> dict[str, str | None]:
    """Return addresses inside and outside of a table, with what it must answer for them."""
    edges = {address(version, 0) for version in (4, 6)}  # postmap opens no table unasked
    for version in (4, 6):
        ranges = table.networks.ranges(version)
        for low, high in {*ranges[:1], *ranges[len(ranges) // 2 :][:1], *ranges[-1:]}:
            around = (low - 1, low, high, high + 1)
            edges |= {address(version, n) for n in around if 0 <= n < 2 ** BITS[version]}
    return {str(each): table.action if each in table.networks else None for each in edges}


def next_state(
    ready: list[Table], decided: Plan, recall: Recall, state: State, now: float
) -> State:
    """Return what the next run will know, if this one asked the network for everything."""
    questions = {q for decision in decided.decisions for q in decision.candidate.questions}
    entries = {d.provider.name: d.entry for d in decided.decisions}
    return State(
        now,
        now,
        recall.remembered(questions),
        {name: entry for name, entry in entries.items() if entry},
        {str(table.path): _table_state(table, state) for table in ready},
        recent((*state.journal, *_changes(decided, state, now)), now),
    )


def _table_state(table: Table, state: State) -> TableState:
    before = state.tables.get(str(table.path), TableState(""))
    return TableState(digest(table.rules), before.loaded if table.is_current else "")


def digest(rules: list[str]) -> str:
    """Return what identifies the rules of a table."""
    return hashlib.sha256("\n".join(rules).encode()).hexdigest()


def _changes(decided: Plan, state: State, now: float) -> list[Change]:
    if not state.written:
        return []  # the first run: everything is new
    before = {name: entry.networks for name, entry in state.accepted.items()}
    after = {decision.provider.name: decision.passed for decision in decided.decisions}
    changes = [
        Change(now, name, after.get(name, EMPTY) - old, old - after.get(name, EMPTY))
        for name, old in sorted({**dict.fromkeys(after, EMPTY), **before}.items())
    ]
    return [change for change in changes if change.added or change.removed]
