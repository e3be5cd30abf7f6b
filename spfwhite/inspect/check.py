"""`spfwhite check`: is everything in place, from the configuration to postscreen.

Owns: what is looked at, in which order, and what the state and the tables should be like. Refuses:
the network, to write or repair anything, and to know postscreen's parameters
(`spfwhite.inspect.wiring`).
"""

import math
import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final, NamedTuple

from spfwhite import files
from spfwhite.config import loading as configuration
from spfwhite.config.overlay import Overlay
from spfwhite.config.settings import Config, roots
from spfwhite.dns.answers import Question
from spfwhite.errors import ConfigError, FileError, ProgramError, StateError
from spfwhite.inspect import leftovers, parameters, services, wiring, without_effect
from spfwhite.inspect.finding import Finding, Findings
from spfwhite.plan.last_run import was_dark
from spfwhite.plan.state import State, load
from spfwhite.report.report import DEGRADED
from spfwhite.report.text import day
from spfwhite.sources.memory import is_failure
from spfwhite.tables import access_list
from spfwhite.tables.content import digest, listed_in, owner_of, rules_in
from spfwhite.tables.postfix import DEFAULT_FOLDER, Postfix, Started
from spfwhite.wording import DAY, clipped, few, span

# The order is that of a run: what the configuration says, what the state remembers, the tables on
# the disk, then whether Postfix would and does use them, and at last what Postwhite left. main.cf
# and master.cf are read through `postconf` (postconf(1)), so that Postfix's own rules for them
# count. Each finding stands on its own, so that one run of `check` names all that is wrong; only a
# configuration that cannot be read ends it, since it says where all the rest is.

# Seconds after which a run must be missing, since it is to come once a day.
MAX_RUN_AGE: Final = 48 * 3600.0

MAX_LIST_AGE: Final = 365  # days for which the default list of providers counts as current

SERVICE_FILE: Final = "10-systemd.toml"  # of contrib/systemd and the package

RUN: Final = "run `spfwhite generate`"

REST_IGNORED: Final = ", and postscreen ignores all that its access list names after it"

# Seconds by which a state may be ahead of the clock.
MAX_CLOCK_SKEW: Final = 3600.0


class Places(NamedTuple):
    """Where things are that no key of the configuration names."""

    system: Path = configuration.SYSTEM
    cron: tuple[Path, ...] = leftovers.CRON
    postwhite: tuple[Path, ...] = leftovers.CONFIGURATIONS


def check(overlay: Path | None, places: Places, now: float) -> Iterator[Finding]:
    """Yield what there is to say, `now` in seconds since the epoch.

    `overlay` takes the place of the system's configuration. Raises nothing but for defects.
    """
    try:
        config = configuration.load(overlay, system=places.system)
        own = configuration.own_overlays(overlay, places.system)
    except ConfigError as fault:
        advice = "the rest is checked once that is mended"
        yield Finding("error", "configuration", str(fault), advice)
        return
    today = datetime.fromtimestamp(now, UTC).date()
    config = config.in_force(today)
    yield from _of_configuration(config, own, today)
    yield from without_effect.notes(own, config)
    state, finding = _state(config, now)
    yield finding
    if state:
        # nobody's own trouble can be told from that of all
        yield from [*_darkness(config, state)] or [_troubles(state)]
    used, more = _used(config), [table.path for table in config.output.tables]
    allow, reject = config.output.allow, config.output.reject
    for path in (*used, *more):
        missing = REST_IGNORED if path in used else ""
        yield _table(path, state, now, missing)
    yield from _postfix(config, used, state)
    ours = [path.name for path in (allow, reject, *more)]
    if not overlay:
        has_unit = any(Path(it.file).name == SERVICE_FILE for it in own)
        yield _renewal(places.cron, has_unit=has_unit)
    yield from leftovers.leftovers(places.cron, places.postwhite, allow.parent, ours)


def _renewal(cron: Collection[Path], *, has_unit: bool) -> Finding:
    if leftovers.is_renewed(cron):
        return Finding("ok", "cron and timers", "one of them names spfwhite")
    text = "none names spfwhite, so perhaps nobody renews the tables"
    enable = "`systemctl enable --now spfwhite.timer`"
    advice = enable if has_unit else 'see "Every night" in the README'
    return Finding("note", "cron and timers", text, advice)


def _of_configuration(config: Config, own: Collection[Overlay], today: date) -> Findings:
    names = ", ".join(overlay.file for overlay in own) or "no file but the packaged one"
    providers = config.enabled()
    text = f"{len(providers)} provider{'s are' if len(providers) != 1 else ' is'} on; read {names}"
    advice = "" if providers else "switch a provider on, or add one"
    yield Finding("warning" if advice else "ok", "configuration", text, advice)
    # senders move, and an old list does not follow
    if config.list_date and (age := (today - config.list_date).days) > MAX_LIST_AGE:
        text = f"the default list of providers is of {config.list_date}, {age // 30} months ago"
        yield Finding("note", "configuration", text, "install a newer release of spfwhite")


def _state(config: Config, now: float) -> tuple[State | None, Finding]:
    path = config.state.path
    try:
        state = load(config.state)
    except StateError as fault:
        advice = "the next `spfwhite generate` keeps it as .bad and starts another"
        return None, Finding("error", str(path), f"the state {fault}", advice)
    except FileError as fault:
        return None, _unreadable(path, fault)
    if state:
        return state, age_finding(path, state, now)
    text, advice = "there is no state yet", RUN
    if _our_rules(config.output.allow):
        text = "the state is gone, but its table is there"
        advice = f"{RUN}, which starts a new one and compares its list with that table"
    return None, Finding("warning", str(path), text, advice)


def _our_rules(path: Path) -> list[str] | None:
    """Return the rules of a table of ours, which a refused first run leaves empty, or None."""
    with suppress(FileError):
        content = files.read_if_there(path) or b""
        return rules_in(content) if owner_of(content) == "ours" else None
    return None


def _unreadable(path: Path, fault: Exception) -> Finding:
    as_who = ", or run `spfwhite check` as root or as who runs `spfwhite generate`"
    advice = f"mend that{as_who * bool(os.geteuid())}"
    return Finding("error", str(path), str(fault).removeprefix(f"{path}: "), advice)


def age_finding(path: Path, state: State, now: float) -> Finding:
    """Return what there is to say of the age of a state."""
    age, unasked = now - state.written, now - state.asked
    text, advice = f"the last run was {span(age)} ago", ""
    if age > MAX_RUN_AGE:
        advice = "see whether cron or the timer runs spfwhite"
    elif age < -MAX_CLOCK_SKEW:
        text = f"the last run is {span(-age)} in the future"
        advice = f"set the clock, then {RUN}"
    elif unasked > MAX_RUN_AGE:
        text = f"DNS was last asked for all providers {span(unasked)} ago"
        advice = f"{RUN}; --offline and --only do not ask for all"
    return Finding("warning" if advice else "ok", str(path), text, advice)


def _darkness(config: Config, state: State) -> Findings:
    """Warn if the last run that asked for all providers got no answer about any record."""
    records = (state.known.get(Question(name, "TXT")) for name in roots(config.enabled()))
    seen = [entry.seen for entry in records if entry and not is_failure(entry)]
    if seen and was_dark(config, state):
        last = day(min(seen) + config.state.max_stale_days * DAY)
        stays = f"remembered answers stand in until {last} (state.max_stale_days)"
        stays = "what is listed stays" if min(seen) == state.asked else stays
        advice = f"make the name server answer, then {RUN}"
        yield Finding("warning", "DNS", f"gave no answer at all in the last run; {stays}", advice)


def _troubles(state: State) -> Finding:
    """Return the providers that the last run found in trouble, whether or not it said so."""
    found = [
        f"{name} is {told.kind} since {day(told.since)}"
        for name, told in state.told.items()
        if told.kind in DEGRADED
    ]
    if not found:
        return Finding("ok", "providers", "none is in trouble")
    return Finding("warning", "providers", few(found, 3), "`spfwhite providers` says what to do")


def _used(config: Config) -> list[Path]:
    """Return the tables that runs write: the reject table if it is needed, or was once."""
    allow, reject = config.output.allow, config.output.reject
    return [allow, reject] if _rejects(config) or _our_rules(reject) is not None else [allow]


def _rejects(config: Config) -> bool:
    return any(provider.action == "reject" for provider in config.enabled())


def _table(path: Path, state: State | None, now: float, missing: str) -> Finding:
    try:
        content = files.read_if_there(path)
        if content is None:
            is_nowhere = not path.parent.is_dir()
            folder = f"make the folder {path.parent} or set output.allow, then " * is_nowhere
            return Finding("error", str(path), f"the table is missing{missing}", f"{folder}{RUN}")
        age = now - path.stat().st_mtime
    except (FileError, OSError) as fault:
        return _unreadable(path, fault)
    entry = state.tables.get(os.path.realpath(path)) if state else None
    return table_finding(path, content, entry and entry.written, age)


def table_finding(path: Path, content: bytes, written: str | None, age: float) -> Finding:
    """Return what there is to say of a table whose file changed `age` seconds ago.

    `written` is the digest of its rules as the state has it.
    """
    owner = owner_of(content)
    if owner == "foreign":
        text = "was not written by spfwhite"
        advice = "`spfwhite generate --force` replaces it, and keeps it as .orig"
    elif owner != "ours":
        text = "was written by Postwhite" if owner == "postwhite" else "is empty"
        advice = f"{RUN}, which replaces it"
    elif written is not None and digest(rules_in(content)) != written:
        text = "is not as the last run wrote it"
        advice = f"{RUN}; edits belong in the configuration"
    elif not (count := len(listed_in(content).texts())) and written is None:
        text = "has no rules yet"
        advice = f"{RUN}; if that is refused, `spfwhite generate --dry-run` says why"
    else:
        text, advice = f"{count:,} rule{'s' * (count != 1)}, written {span(age)} ago", ""
    return Finding("warning" if advice else "ok", str(path), text, advice)


def _postfix(config: Config, used: Collection[Path], state: State | None) -> Findings:
    postfix = Postfix(config.postfix.config_directory)
    try:
        if postfix.is_here():
            yield from _instance(postfix, used, state, is_rejecting=_rejects(config))
        else:
            text = f"is not looked at: no main.cf can be seen in {postfix.folder or DEFAULT_FOLDER}"
            advice = "if Postfix is on this machine, set postfix.config_directory, or run as root"
            yield Finding("note", "Postfix", text, advice)
    except ProgramError as fault:
        advice = "correct that; what depends on Postfix is checked then"
        yield Finding("error", "Postfix", clipped(str(fault)), advice)
    except OSError as fault:
        text = f"{fault.filename} cannot be looked at: {fault.strerror}"
        yield Finding("error", "Postfix", text, "run `spfwhite check` as root")


def _instance(
    postfix: Postfix, used: Collection[Path], state: State | None, *, is_rejecting: bool
) -> Findings:
    """Yield what one Postfix makes of the tables; raises ProgramError and OSError.

    Unless it `is_rejecting`, a reject table that was emptied may be left out.
    """
    lines = postfix.services()
    names = services.postscreens(lines)
    running = list(_postscreens(postfix, names or [""]))
    found = dict.fromkeys(services.service_findings(lines, running))
    real = [Path(os.path.realpath(path)) for path in used]
    needed = [path for path in real if is_rejecting or path == real[0] or _our_rules(path) != []]
    for each in running:
        found |= dict.fromkeys(parameters.value_findings(each))
        found |= dict.fromkeys(wiring.wiring_findings(each, wiring.Tables(*needed)))
    yield from found  # what main.cf says of several postscreens is said once
    started = postfix.started()
    if started and started.master == math.inf:
        text = "does not run, and reads all this when it starts"
        yield Finding("note", "Postfix", text, "start it: `postfix start`, as root")
    unread = list(_unread(postfix.folder or DEFAULT_FOLDER, started))
    yield from unread
    named = {entry.path for each in running if names for entry in each.entries()}
    loaded = (_loaded(path, state, started) for path in real if path in named and path.exists())
    ends = unread or any(finding.level == "error" for finding in found)
    yield from (finding for finding in loaded if finding.counts or not ends)


def _unread(folder: Path, started: Started | None) -> Findings:
    """Warn of what Postfix has not read since it was changed: it goes on as before."""
    read = {"main.cf": started.postscreen, "master.cf": started.master} if started else {}
    for name, since in read.items():
        if (folder / name).stat().st_mtime > since:
            text = "was changed after Postfix read it, so what it said before is in force"
            yield Finding("warning", name, text, "run `postfix reload` as root")


def _postscreens(postfix: Postfix, names: Collection[str]) -> Iterator[parameters.Postscreen]:
    """Yield the postscreens of these services (no name: one without options)."""
    main, written = postfix.parameters(), postfix.parameters(expanded=False)
    options, options_written = postfix.overrides(), postfix.overrides(expanded=False)
    proxied, queue = main.get("proxy_read_maps", ""), main.get("queue_directory", "/")
    openable = access_list.Openable(postfix.table_types(), access_list.words(proxied), queue)
    for name in names:
        own, texts = options.get(name, {}), written | options_written.get(name, {})
        yield parameters.Postscreen(name, main | own, texts, own, postfix, openable)


def _loaded(path: Path, state: State | None, started: Started | None) -> Finding:
    """Return whether the postscreen that runs uses a table as it is in the file."""
    # An administrator may have reloaded by hand, so the age of postscreen counts more than the
    # state, which only tells what runs did.
    entry = state.tables.get(str(path)) if state else None
    reload_due = entry is not None and entry.loaded != entry.written
    status = path.stat()
    # a file moves into place after its last write; on the other hand chmod changes st_ctime too
    changed = status.st_ctime if reload_due else status.st_mtime
    if reload_due if started is None else started.postscreen < changed:
        text = "postscreen still uses the table as it was before"
        command = "spfwhite reload" if reload_due else "postfix reload"
        return Finding("warning", str(path), text, f"run `{command}` as root")
    return Finding("ok", str(path), "postscreen uses it, or will when it starts")
