"""What a run leaves on disk: the state, then the tables, whole or not at all.

Owns: what may be replaced, what has to be, and the order. Refuses: to decide on networks.
"""

# The order, and what a kill or a full disk costs between one step and the next:
#
# 1. All tables that changed are written to temporary files beside their places and verified by
#    what will read them (postmap, nft). A fault up to here leaves every old table as it is.
# 2. A file of somebody else that is about to be replaced is kept under another name.
# 3. The state is saved, as if the tables were in place and not yet loaded. If it cannot be, no
#    table was touched: none ever lists what the state does not have as accepted. After a kill here
#    the next run finds tables that are not what it would write, writes them and has them loaded.
# 4. The tables take their places by rename(2), the allow table first. If the first cannot, nothing
#    else is touched; after it, what fails stops nothing of the rest, and the state is saved again
#    with the old tables at the places that were missed.
# 5. Postfix reloads, and the state notes that it did (`loaded`): until then every run tries again.

import os
from collections.abc import Collection
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path
from typing import NamedTuple

from spfwhite import files
from spfwhite._version import __version__
from spfwhite.config.settings import Action, Config, FormatName, Table
from spfwhite.errors import FileError, ProgramError, ReloadError
from spfwhite.networks import BITS, EMPTY, Networks, address
from spfwhite.plan.decided import Decided
from spfwhite.plan.past import Change
from spfwhite.plan.plan import Plan
from spfwhite.plan.state import State, TableState, recent, save
from spfwhite.tables.content import digest, listed_in, owner_of, render, rules_in
from spfwhite.tables.formats import FORMATS, Format
from spfwhite.tables.listing import chosen, networks_of, rows_of
from spfwhite.tables.postfix import Postfix, reload_by


class Ready(NamedTuple):
    """A table that is ready to be written."""

    table: Table
    form: Format
    path: Path | None  # None: standard output
    networks: Networks
    content: bytes
    old: bytes | None  # what the file holds now (None: there is none)
    kept: Path | None  # where that is kept (None: it is ours)
    refusal: str  # why it must not be replaced ("": it may)

    @property
    def before(self) -> Networks:
        """The networks that the file holds now."""
        return listed_in(self.old or b"")

    @property
    def is_current(self) -> bool:
        """Whether the file holds these rules already."""
        old = self.old or b""
        return owner_of(old) == "ours" and rules_in(old) == rules_in(self.content)


def _whole(path: Path, action: Action, form: FormatName = "postscreen") -> Table:
    """Return the table of all networks of an action."""
    return Table(path, form, action, (), (), "both")


def require_folders(config: Config, output: Path | None) -> None:
    """Raise FileError for a table that has no folder: said before anybody is asked."""
    out = config.output
    rejects = any(provider.action == "reject" for provider in config.enabled())
    paths = [("output.allow", out.allow), *([("output.reject", out.reject)] if rejects else [])]
    paths += [("its path in output.tables", each.path) for each in out.tables]
    for key, path in paths if output is None else [("", output)]:
        try:
            if str(path) != "-":
                files.destination(path)
        except FileError as fault:
            if not key or path.parent.is_dir():
                raise
            raise FileError(f"{fault}; set {key}, or use `generate -o FILE`") from None


def prepared(
    config: Config, plan: Plan, output: Path | None, form: FormatName, now: float, *, force: bool
) -> list[Ready]:
    """Return the tables, the allow table first; raises FileError.

    With `output` there is that one alone, in the format `form`. A reject table without reject
    providers is emptied, not left behind.
    """
    if output is not None:
        return [_ready(_whole(output, "permit", form), config, plan, now, force=force)]
    reject = _whole(config.output.reject, "reject")
    used = any(decision.provider.action == "reject" for decision in plan.decisions)
    used = used or owner_of(files.read_if_there(reject.path) or b"") == "ours"
    tables = [_whole(config.output.allow, "permit"), *config.output.tables]
    if used:
        tables.insert(1, reject)
    return [_ready(table, config, plan, now, force=force) for table in tables]


def _ready(table: Table, config: Config, plan: Plan, now: float, *, force: bool) -> Ready:
    """Return one table; that of standard output has the name of the allow table."""
    path = None if str(table.path) == "-" else files.destination(table.path)
    name = table.path if path else config.output.allow
    form = FORMATS[table.format]
    networks = networks_of(plan, table)
    lines = list(form.lines(rows_of(plan, table, networks, name.stem)))
    listed = sum(1 for decision in chosen(plan, table) if decision.networks)
    v4, v6 = networks.rules()
    of_list = f", default list of {config.list_date}" if config.list_date else ""
    summary = f"{v4} IPv4 and {v6} IPv6 networks of {listed} providers{of_list}"
    when = datetime.fromtimestamp(now, UTC)
    content = render(form, name.name, __version__, lines, when, summary)
    old = files.read_if_there(path) if path else None
    kept = _kept_as(path, old) if path and old is not None else None
    refusal = ""
    if old is not None and not force and owner_of(old) == "foreign":
        what = f"{table.path} was not written by spfwhite"
        refusal = f"{what}; --force replaces it, keeping it as {kept}"
    return Ready(table, form, path, networks, content, old, kept, refusal)


def _kept_as(path: Path, old: bytes) -> Path | None:
    """Return where a file of somebody else is kept; None for one of ours."""
    # A copy that is there already may be the only one of what an operator wrote: the next number is
    # taken then, unless it is the same.
    if owner_of(old) not in ("foreign", "postwhite"):
        return None
    ends = chain([""], (f".{number}" for number in count(1)))
    places = (path.with_name(f"{path.name}.orig{end}") for end in ends)
    return next(place for place in places if not os.path.lexists(place) or _holds(place, old))


def _holds(path: Path, content: bytes) -> bool:
    with suppress(FileError):  # a folder, a pipe, or what only others may read
        return files.read_if_there(path) == content
    return False


def write_tables(
    config: Config, ready: list[Ready], decided: Decided | None
) -> tuple[list[Ready], State | None, list[str]]:
    """Write the tables that changed, and the state that `decided` makes, in the order that is safe.

    Return the tables that took their places, the state, and sentences on what failed after that.
    Raises FileError and ProgramError, and then every old table is in place.
    """
    changed = [each for each in ready if each.path and not each.is_current]
    with ExitStack() as stack:
        new = []
        for each in changed:
            assert each.path is not None
            new.append(stack.enter_context(files.replacement(each.path, each.content)))
            _verify(config, each, new[-1].path)
        for each in changed:
            if each.kept and each.old is not None and not os.path.lexists(each.kept):
                files.replace(each.kept, each.old)
        state = next_state(ready, decided) if decided else None
        if state:
            save(config.state, state)
        placed, faults = _put(changed, new)
    if state and decided and len(placed) < len(changed):
        # it was saved as if all of them were in place
        missed = {each.path for each in changed} - {each.path for each in placed}
        state = next_state(ready, decided, missed)
        try:
            save(config.state, state)
        except FileError as fault:
            faults.append(str(fault))
    if faults and not placed:
        raise FileError(faults[0])
    return placed, state, faults


def _put(changed: list[Ready], new: list[files.Replacement]) -> tuple[list[Ready], list[str]]:
    """Put tables in place, the allow table first; return those that are, and what failed."""
    # Without the first of them nothing is put in place: the run can say that no table was touched.
    placed: list[Ready] = []
    faults = []
    for each, replacement in zip(changed, new, strict=True):
        try:
            replacement.put()
            placed.append(each)
            replacement.sync()
        except FileError as fault:
            faults.append(str(fault))
            if not placed:
                break
    return placed, faults


def _verify(config: Config, ready: Ready, temporary: Path) -> None:
    """Have the consumer of a table read it; raises ProgramError."""
    if ready.form.words and is_verified(config):
        Postfix(config.postfix.config_directory).verify(temporary, expected(ready))
    elif ready.table.format == "nft" and config.postfix.verify:
        from spfwhite.tables import nft  # few have such a table

        nft.verify(temporary)


def left_behind(config: Config, ready: list[Ready], state: State) -> list[str]:
    """Say which tables of the run before are no longer written, once: somebody may read them."""
    kept = {os.path.realpath(each.path or "") for each in ready}
    kept.add(os.path.realpath(config.output.reject))
    return [
        f"{path} is no longer written, since the configuration has no table there: it stays as it "
        "is and gets old; take it out of main.cf, or of what else reads it, then delete it"
        for path in sorted(state.tables)
        # unlike Path.exists, lexists takes what lies where we may not look
        if os.path.realpath(path) not in kept and os.path.lexists(path)
    ]


def is_verified(config: Config) -> bool:
    """Whether tables are loaded by postmap before they are put in place."""
    return config.postfix.verify and Postfix(config.postfix.config_directory).is_here()


def replaced(written: list[Ready]) -> list[str]:
    """Say which files of somebody else were replaced, and where they are now."""
    return [
        f"{each.table.path} was not written by spfwhite: it was replaced and is kept as {each.kept}"
        for each in written
        if each.kept
    ]


def reload_if_needed(config: Config, state: State) -> str:
    """Reload if Postfix lacks rules; return what came of it, or raise ReloadError, FileError."""
    if all(table.loaded == table.written for table in state.tables.values()):
        return ""
    command, postfix = config.postfix.reload_command, Postfix(config.postfix.config_directory)
    try:
        came = reload_by(command) if command else postfix.reload()
    except ProgramError as error:
        raise ReloadError(str(error)) from None
    loaded = {path: each._replace(loaded=each.written) for path, each in state.tables.items()}
    save(config.state, state._replace(tables=loaded))
    return came


def is_unread(config: Config, written: list[Ready]) -> bool:
    """Whether postscreen's access list names a table that was just replaced."""
    replaced = {Path(os.path.realpath(str(each.path))) for each in written if each.old is not None}
    postfix = Postfix(config.postfix.config_directory)
    if not replaced or not postfix.is_here():
        return False
    from spfwhite.tables import access_list  # only a run that is not to reload looks at it

    with suppress(ProgramError, OSError):  # what is wrong there is for `spfwhite check` to say
        value = postfix.parameters(access_list.LIST).get(access_list.LIST, "")
        return any(access_list.entry(word).path in replaced for word in access_list.words(value))
    return False


def create_header_only(ready: list[Ready], now: float) -> None:
    """Make postscreen's tables without rules where there are none: it ignores what comes after."""
    when = datetime.fromtimestamp(now, UTC)
    for each in ready:
        if each.path and each.old is None and each.table.format == "postscreen":
            content = render(each.form, each.path.name, __version__, [], when, "no rules yet")
            files.replace(each.path, content)


def expected(ready: Ready) -> dict[str, str | None]:
    """Return addresses inside and outside of a table, with what it must answer for them."""
    # `postmap -q -` reads the table only when it is asked something: always ask two addresses
    edges = {address(version, 0) for version in (4, 6)}
    for version in (4, 6):
        ranges = ready.networks.ranges(version)
        for low, high in {*ranges[:1], *ranges[len(ranges) // 2 :][:1], *ranges[-1:]}:
            around = (low - 1, low, high, high + 1)
            edges |= {address(version, n) for n in around if 0 <= n < 2 ** BITS[version]}
    word = ready.form.words[ready.table.action]
    return {str(each): word if each in ready.networks else None for each in edges}


def next_state(ready: list[Ready], decided: Decided, missed: Collection[Path | None] = ()) -> State:
    """Return what the next run will know; at the paths `missed` are the old tables still."""
    state, now, plan = decided.before, decided.now, decided.plan
    questions = {q for decision in plan.decisions for q in decision.candidate.questions}
    entries = {decision.provider.name: decision.entry for decision in plan.decisions}
    held = [each for each in plan.decisions if each.status == "held" and each.entry]
    old = {path: each for path, each in state.tables.items() if Path(path) in missed}
    led_to = [domain for each in held for domain in each.provider.domains]
    led_to += [origin.domain for each in held if each.entry for origin in each.entry.origins]
    return State(
        written=now,
        asked=decided.asked,
        # the answers that a held provider was accepted for stay: on the night on which it has
        # recovered, one of them may time out
        known=decided.recall.below(led_to) | decided.recall.for_next_run(questions),
        accepted={name: entry for name, entry in entries.items() if entry},
        tables={str(r.path): _table_state(r, state) for r in ready if r.path not in missed} | old,
        journal=recent((*state.journal, *_changes(plan, state, now)), now),
        told=decided.told,
    )


def _table_state(ready: Ready, state: State) -> TableState:
    written = digest(rules_in(ready.content))
    if not ready.form.words:
        return TableState(written, written)  # which Postfix has no part in
    before = state.tables.get(str(ready.path), TableState(""))
    return TableState(written, before.loaded if ready.is_current else "")


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
