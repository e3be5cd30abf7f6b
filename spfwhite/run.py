"""The run: fetch, then decide, then write.

Owns: the order of the steps, the clock and the lock. Refuses: to decide, to print and to exit.
"""

import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

from spfwhite import files
from spfwhite.config.settings import FORMAT_NAMES, Config, FormatName
from spfwhite.config.values import choice
from spfwhite.dns.answers import Failed, canonical
from spfwhite.errors import FileError, ReloadError, StateError, UsageError
from spfwhite.library import blocking, checked, texts
from spfwhite.networks import EMPTY, Networks
from spfwhite.plan.clock import fitted
from spfwhite.plan.decided import Decided, decide_run
from spfwhite.plan.plan import Plan
from spfwhite.plan.state import State, load
from spfwhite.plan.through_others import through_others
from spfwhite.report import notices
from spfwhite.report.causes import gone
from spfwhite.report.news import News
from spfwhite.report.report import Report, TableReport, provider_report
from spfwhite.sources import fetch
from spfwhite.sources.crawl import Progress, no_progress
from spfwhite.sources.memory import Heard, Recall
from spfwhite.spf.evaluation import evaluate
from spfwhite.tables import write
from spfwhite.tables.content import owner_of
from spfwhite.wording import did_you_mean


class Options(NamedTuple):
    """What one run was asked to do, as `generate_async` has it; `wait` seconds for the lock."""

    output: Path | None = None
    dry_run: bool = False
    force: bool = False
    record: Path | None = None
    replay: Path | None = None
    offline: bool = False
    only: str = ""
    accept: tuple[str, ...] = ()
    format: FormatName = "postscreen"
    wait: float = 0.0
    progress: Progress = no_progress

    @property
    def writes_state(self) -> bool:
        """Only a run that writes the configured tables writes the state."""
        return self.output is None and not self.dry_run

    @property
    def compares(self) -> bool:
        """Whether the configured tables are compared with those of the run before."""
        return self.output is None and self.replay is None


async def generate_async(
    config: Config,
    *,
    output: str | Path | None = None,
    format: FormatName = "postscreen",
    dry_run: bool = False,
    force: bool = False,
    record: str | Path | None = None,
    replay: str | Path | None = None,
    offline: bool = False,
    only: str = "",
    accept: str | Iterable[str] = (),
    progress: Progress = no_progress,
) -> Report:
    """Make the tables and return the report; `config` comes from `load_config`.

    `output` is the one table to write, in that format ("-": the report's `table` alone); None means
    the configured tables. `accept` names providers whose hold is lifted ("all": every one), `only`
    the one provider to ask the network for. `progress` is called with the numbers of answered and
    of asked questions. Raises UsageError, FileError, LockedError, SnapshotError, NoNameServerError
    and ProgramError; sentences name the command's options. `generate` blocks; `generate_async`,
    for use in an event loop, lets others go on while it asks, and not while it writes.
    """
    options = Options(
        output=None if output is None else Path(output),
        format=checked("--format", choice(*FORMAT_NAMES), format),
        dry_run=dry_run,
        force=force,
        record=None if record is None else Path(record),
        replay=None if replay is None else Path(replay),
        offline=offline,
        only=only,
        accept=tuple(texts(accept)),
        progress=progress,
    )
    return await run(config, options)


generate = blocking(generate_async)


async def run(config: Config, options: Options) -> Report:
    """Do what `generate_async` does."""
    now = time.time()
    in_force = config.in_force(datetime.fromtimestamp(now, UTC).date())
    _check(in_force, options)
    with _lock(in_force, options):
        state, lost = (None, []) if options.replay else _remembered(in_force, options)
        if options.only and state is None:
            # without a state, `--only NAME -o FILE` makes a table of that provider alone
            chosen = tuple(each for each in in_force.providers if each.name == options.only)
            in_force = in_force._replace(providers=chosen)
        before = fitted(state or State(), now)
        heard = await _heard(in_force, before, now, options)
        table = EMPTY
        if state is None and options.compares:
            from spfwhite.inspect.explain import networks_in_force  # 3 ms, on the first night

            table = networks_in_force(in_force.output.allow, EMPTY, only_ours=True)
        decide = partial(decide_run, in_force, before, heard, now, force=options.force, table=table)
        decided = decide(accept=options.accept)
        lifted = _lifted(decided.plan, options.accept)
        if len(lifted) > len(options.accept):
            decided = decide(accept=lifted)
        if options.record:
            fetch.save_snapshot(options.record, decided.answers)
        force, form = options.force, options.format
        ready = write.prepared(in_force, decided.plan, options.output, form, now, force=force)
        news = News(before.told, now, in_force.state.remind_days)
        report = _report(config, decided, ready, options, news)
        said = [*_news(config, decided, ready, options, news, lost, report.dark)]
        said += await _of_postwhite(decided, ready[0], options)
        report = report._replace(notices=tuple(said), known=tuple(news.known))
        report = _carry_out(report, decided._replace(told=news.told), ready, options)
    return report._replace(duration=time.time() - now)


def reload(config: Config, wait: float = 0.0) -> str:
    """Make Postfix load the tables of earlier runs; return what came of it, "" if it has them.

    Waits `wait` seconds for the lock; raises UsageError, ReloadError, FileError and LockedError.
    """
    _required(config)  # before a folder is made for the lock
    with _lock(config, Options(wait=wait)):
        try:
            return write.reload_if_needed(config, _required(config))
        except ReloadError as error:
            raise ReloadError(f"Postfix did not reload: {error}") from None


def _required(config: Config) -> State:
    path = config.state.path
    try:
        state = load(config.state)
    except StateError as error:
        raise UsageError(f"{path} {error}: run `spfwhite generate`") from None
    if state is None:
        raise UsageError(f"there is no {path}: no run with this configuration has written a table")
    return state


async def _heard(config: Config, before: State, now: float, options: Options) -> Heard:
    if options.replay:
        return Heard(answers=fetch.load_snapshot(options.replay), whole=True)
    if options.offline:
        return Heard(answers={}, whole=False)
    recall = Recall(before.known, config, now)
    return await fetch.fetch(config, recall, only=options.only, progress=options.progress)


def _report(
    configured: Config, decided: Decided, ready: list[write.Ready], options: Options, news: News
) -> Report:
    """Return the report of a run of which nothing has been written yet."""
    plan, allow, dark = decided.plan, ready[0], notices.darkness(decided)
    # of a list that the DNS gave nothing for, sizes and shares mean nothing
    nothing = dark if plan.refusals else ""
    configured_tables = configured.output.tables if not options.output else ()
    foreign = tuple(table.refusal for table in ready if table.refusal)
    providers = (
        *(provider_report(decision, plan, news, dark=bool(dark)) for decision in plan.decisions),
        *notices.expired(configured, decided.config, decided.before),
    )
    return Report(
        started=decided.now,
        path=allow.path,
        outcome="planned",
        providers={provider.name: provider for provider in providers},
        networks=allow.before if nothing else plan.permitted,
        rejected=plan.rejected,
        before=allow.before,
        table=allow.content,
        questions=len(decided.heard.answers),
        failed=sum(isinstance(decided.answers[q], Failed) for q in decided.heard.answers),
        last_success=decided.before.written,
        asked=decided.asked,
        dark=dark,
        refusals=((nothing,) if nothing else plan.refusals) + foreign,
        movers=() if nothing else tuple(notices.movers(plan)),
        tables=tuple(
            TableReport(each.table.path, each.table.format, each.networks, not each.is_current)
            for each in ready
            if each.table in configured_tables
        ),
    )


def _news(
    configured: Config,
    decided: Decided,
    ready: list[write.Ready],
    options: Options,
    news: News,
    lost: list[str],
    dark: str,
) -> Iterator[str]:
    """Yield what has to be said of this run, and of what was configured since the last one.

    `lost` says why there is no state, if there should be one, `dark` why DNS gave nothing at all.
    """
    config, before = decided.config, decided.before
    if dark and not decided.plan.refusals:
        yield news.lasting("", dark)
    if "" in before.told and not dark:
        came = decided.heard.answers.values()
        if decided.heard.whole and 2 * sum(isinstance(it, Failed) for it in came) < len(came):
            yield "DNS answers again"
        else:
            news.told[""] = before.told[""]
    yield from lost
    yield from notices.needless(decided, options.accept)
    if options.accept:
        yield from notices.staying(decided.plan, notices.let_go(decided.plan))
    yield from notices.long_tables(ready, config.safety.total_rules_notice, news)
    yield from notices.expiring(config, news)
    if not options.compares:
        return
    if before.written:
        yield from notices.unconfigured(configured, before, decided.plan)
        others = through_others(config, decided.plan)
        yield from (sentence for name, sentence in others if name in before.accepted)
        yield from write.left_behind(config, ready, before)
    elif not (lost or dark):
        yield from notices.forgotten(config.state.path, ready[0])


async def _of_postwhite(decided: Decided, allow: write.Ready, options: Options) -> list[str]:
    """Say whose addresses a table of Postwhite has that the new one has not, while it is there."""
    is_theirs = owner_of(allow.old or b"") == "postwhite"
    # the hosts of Postwhite have to be asked for, and --offline asks nobody
    if not (is_theirs and options.compares) or options.offline or decided.plan.refusals:
        return []
    config, lost = decided.config, allow.before - allow.networks
    if not lost.v4:
        return []
    from spfwhite.config.postwhite import own_hosts  # 4 ms to import, on one night

    hosts = own_hosts()  # asked for this once, and listed only if a provider has them
    evaluation = evaluate(hosts, await fetch.look_up(hosts, config.dns, config.limits()))
    passed = {host: lost & evaluation.root(host).passed for host in hosts}
    shares = [(networks.size(4), host) for host, networks in passed.items()]
    shares.append(((lost - Networks.union(passed.values())).size(4), "nobody known"))
    # all of them, unlike in other news: this is said once, and what is not named is lost
    named = ", ".join(f"{size:,} of {who}" for size, who in sorted(shares, reverse=True) if size)
    shows = ", and -v lists the networks" if options.dry_run else ""
    missing = f"{lost.size(4):,} IPv4 addresses that the new table has not: {named}"
    adds = f"`spfwhite add DOMAIN` adds a sender{shows}"
    return [f"{allow.path}, by Postwhite, has {missing}; {adds}"]


def _carry_out(
    report: Report, decided: Decided, ready: list[write.Ready], options: Options
) -> Report:
    config = decided.config
    if report.refusals:
        if not options.dry_run:
            write.create_header_only(ready, report.started)
        return report._replace(outcome="refused")
    if options.dry_run or report.path is None:
        return report
    state_from = decided if options.writes_state else None
    placed, state, faults = write.write_tables(config, ready, state_from)
    paths = {each.table.path for each in placed}
    main = paths - {table.path for table in config.output.tables}
    report = report._replace(
        outcome="written" if main else "current",
        verified=write.is_verified(config),
        notices=(*report.notices, *write.replaced(placed)),
        unfinished=tuple(faults),
        tables=tuple(table._replace(changed=table.path in paths) for table in report.tables),
    )
    if state is None:
        return report
    if not config.postfix.reload:
        return report._replace(unread=write.is_unread(config, placed))
    try:
        return report._replace(reloaded=write.reload_if_needed(config, state))
    except ReloadError as error:
        return report._replace(not_reloaded=str(error))
    except FileError as error:  # Postfix has reloaded, and the state does not know
        return report._replace(unfinished=(*report.unfinished, str(error)))


def _check(config: Config, options: Options) -> None:
    if options.format != "postscreen" and not options.output:
        raise UsageError("--format needs -o; for every run there is [[output.tables]]")
    if options.replay and not (options.output or options.dry_run):
        raise UsageError("--replay needs -o or --dry-run")
    if sum(map(bool, (options.replay, options.offline, options.only))) > 1:
        raise UsageError("--replay, --offline and --only exclude each other")
    names = {provider.name for provider in config.enabled()}
    # a name with a dot is that of a record, for which the plan is looked at
    accept = [name for name in options.accept if name not in {*names, "all"} and "." not in name]
    named = [("--accept", name) for name in accept]
    named += [("--only", options.only)] if options.only not in {*names, ""} else []
    for option, name in named:
        meant = did_you_mean(name, names) or "; see `spfwhite providers`"
        raise UsageError(f"{option} {name!a} is not an enabled provider{meant}")
    write.require_folders(config, options.output)


def _lifted(plan: Plan, accept: Collection[str]) -> set[str]:
    """Return what `--accept` names, and whom its records hold; raises UsageError if nobody."""
    lifted = set(accept)
    for record in (name for name in accept if "." in name):
        held = {m.provider.name for m in plan.decisions if canonical(record) in gone(m)}
        if not held:
            raise UsageError(f"--accept {record!a}: no provider is held since that record is gone")
        lifted |= held
    return lifted


def _lock(config: Config, options: Options) -> AbstractContextManager[None]:
    if not options.writes_state:
        return nullcontext()
    files.make_folder(config.state.path.parent)
    return files.lock(config.state.path.with_name(config.state.path.name + ".lock"), options.wait)


def _remembered(config: Config, options: Options) -> tuple[State | None, list[str]]:
    """Return the state, and what has to be said about it; raises UsageError and FileError."""
    path, fault = config.state.path, ""
    try:
        state = load(config.state)
    except StateError as error:
        state, fault = None, f"{path} {error}"
    if state is None and (options.offline or (options.only and not options.output)):
        option, why = "--offline" if options.offline else "--only", fault or f"there is no {path}"
        raise UsageError(f"{option} needs the state of an earlier run, and {why}")
    if not fault:
        return state, []
    kept = "it is left in place"
    if options.writes_state:
        aside = path.with_name(path.name + ".bad")
        files.move(path, aside)
        kept = f"it is kept as {aside}"
    return None, [f"{fault}: what each provider had is not known; {kept}"]
