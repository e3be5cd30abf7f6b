"""The run: fetch, then decide, then write.

Owns: the order of the steps, the clock and the lock. Refuses: to decide (`spfwhite.plan`), to
print (`spfwhite.cli`) and to exit.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from spfwhite import candidates, fetch, files, notices, plan, write
from spfwhite.answers import Answer, Failed, Question
from spfwhite.crawl import Progress, no_progress
from spfwhite.formats import FormatName
from spfwhite.memory import DAY, Policy, Recall
from spfwhite.postfix import ReloadError
from spfwhite.report import Report, TableReport, provider_report
from spfwhite.settings import Config
from spfwhite.state import State, StateError, load


class UsageError(Exception):
    """Options that cannot be carried out; the text is a sentence."""


@dataclass(frozen=True, slots=True)
class Options:
    """What one run was asked to do beyond its configuration.

    `output` is the one table to write, "-" for standard output, in the format `form`; None means
    the configured tables. `accept` names providers whose hold is lifted ("all": every one), `only`
    the one provider to ask the network for. `wait` is how many seconds to wait for the lock.
    `progress` is called with the numbers of answered and of asked questions.
    """

    output: Path | None = None
    dry_run: bool = False
    force: bool = False
    record: Path | None = None
    replay: Path | None = None
    offline: bool = False
    only: str = ""
    accept: tuple[str, ...] = ()
    form: FormatName = "postscreen"
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


class Run(NamedTuple):
    """A report, and the allow table as it stands in the file or on standard output."""

    report: Report
    table: bytes


@dataclass(slots=True)
class _Memory:
    """The state as it was found; `notices` are what has to be said about it."""

    state: State | None = None
    notices: list[str] = field(default_factory=list)


PLAIN: Final = Options()


def generate(config: Config, options: Options = PLAIN) -> Run:
    """Make the tables and return the report; `config` comes from `spfwhite.config.load`.

    Raises UsageError, FileError, LockedError, SnapshotError, NoNameServerError and ProgramError;
    the tables are as they were then.
    """
    now = time.time()
    whole, config = config, config.in_force(datetime.fromtimestamp(now, UTC).date())
    _check(config, options)
    with _lock(config, options):
        memory = _remembered(config, options)
        if options.only and memory.state is None:
            config = _narrowed(config, options)
        state = memory.state or State()
        days = config.state
        sticky = 0.0 if config.spf.strict else days.sticky_days * DAY
        recall = Recall(state.known, Policy(days.max_stale_days * DAY, sticky), now)
        answers = _answers(config, options, recall)
        if options.record:
            fetch.save_snapshot(options.record, answers)
        decided = plan.decide(
            config,
            candidates.candidates(config, answers, recall.stale),
            state.accepted,
            lifted=_lifted(config, options),
            force=options.force,
            now=now,
        )
        ready = write.prepared(
            config, decided, options.output, now, form=options.form, force=options.force
        )
        allow = ready[0]
        report = Report(
            started=now,
            path=allow.path,
            outcome="planned",
            providers=(
                *(provider_report(decision) for decision in decided.decisions),
                *notices.expired(whole, config, state),
            ),
            networks=decided.permitted,
            rejected=decided.rejected,
            before=allow.before,
            questions=len(answers),
            failed=sum(isinstance(answer, Failed) for answer in answers.values()),
            verified=write.is_verified(config),
            last_success=state.written,
            refusals=(*decided.refusals, *(table.refusal for table in ready if table.refusal)),
            notices=(
                *memory.notices,
                *notices.darkness(answers, recall.stale),
                *notices.needless(config, options.accept, decided, state, now, force=options.force),
                *(_changes(whole, config, ready, memory) if options.compares else ()),
            ),
            tables=tuple(
                TableReport(each.table.path, each.table.format, each.networks, not each.is_current)
                for each in ready
                if each.table in config.output.tables and not options.output
            ),
        )
        following = write.next_state(ready, decided, recall, state, now)
        if options.only or options.offline:
            following = replace(following, asked=state.asked)
        report = _carried_out(config, options, report, ready, following)
        return Run(replace(report, duration=time.time() - now), allow.content)


def reload(config: Config, wait: float = 0.0) -> bool:
    """Make Postfix load the tables of earlier runs; return False if it has them already.

    `wait` is how many seconds to wait for the lock. Raises UsageError without a state, ReloadError,
    FileError and LockedError.
    """
    _required(config)  # before a folder is made for the lock
    with _lock(config, Options(wait=wait)):
        return write.reload_if_needed(config, _required(config))


def _required(config: Config) -> State:
    """Return the state of an earlier run; raises UsageError and FileError."""
    path = config.state.path
    try:
        state = load(path)
    except StateError as error:
        raise UsageError(f"{path} {error}: run `spfwhite generate`") from None
    if state is None:
        raise UsageError(f"there is no {path}: no run with this configuration has written a table")
    return state


def _changes(
    whole: Config, config: Config, ready: list[write.Ready], memory: _Memory
) -> Iterator[str]:
    """Yield what is another than in the run before, beside the networks."""
    if memory.state is None:
        if not memory.notices:
            yield from notices.forgotten(config.state.path, ready[0])
        return
    yield from notices.unconfigured(whole, memory.state)
    yield from write.left_behind(config, ready, memory.state)


def _carried_out(
    config: Config, options: Options, report: Report, ready: list[write.Ready], following: State
) -> Report:
    """Write what the plan says, unless it is refused or a dry run; return the report of it."""
    if report.refusals:
        if not options.dry_run:
            write.create_header_only(ready, report.started)
        return replace(report, outcome="refused")
    if options.dry_run or ready[0].path is None:
        return report
    new_state = following if options.writes_state else None
    written = write.write_tables(config, ready, new_state)
    main = [each for each in written if each.table not in config.output.tables]
    news = (*report.notices, *write.replaced(written))
    report = replace(report, outcome="written" if main else "current", notices=news)
    if new_state is None:
        return report
    if not config.postfix.reload:
        return replace(report, unread=write.is_unread(config, written))
    try:
        write.reload_if_needed(config, new_state)
    except ReloadError as error:
        return replace(report, not_reloaded=str(error))
    return report


def _check(config: Config, options: Options) -> None:
    """Raise UsageError or FileError for what needs no answer to be known to fail."""
    names = {provider.name for provider in config.enabled()}
    wanted = {name for name in options.accept if name != "all"} | {options.only} - {""}
    for name in sorted(wanted - names):
        raise UsageError(f"{name!a} is not an enabled provider; see `spfwhite providers`")
    write.require_folders(config, options.output)


def _lock(config: Config, options: Options) -> AbstractContextManager[None]:
    if not options.writes_state:
        return nullcontext()
    files.make_folder(config.state.path.parent)
    return files.lock(config.state.path.with_name(config.state.path.name + ".lock"), options.wait)


def _remembered(config: Config, options: Options) -> _Memory:
    if options.replay:
        return _Memory()
    path = config.state.path
    try:
        memory = _Memory(load(path))
    except StateError as error:
        _refuse_without_state(options, f"{path} {error}")
        aside = path.with_name(path.name + ".bad")
        if options.writes_state:
            files.move(path, aside)
        kept = f"it is kept as {aside}" if options.writes_state else "it is left in place"
        return _Memory(
            notices=[f"{path} {error}: going on without it, the rails compare with nothing; {kept}"]
        )
    if memory.state is None:
        _refuse_without_state(options, f"there is no {path}")
    return memory


def _refuse_without_state(options: Options, why: str) -> None:
    """Raise UsageError for what cannot be done without the state of an earlier run."""
    if options.offline or (options.only and not options.output):
        option = "--offline" if options.offline else "--only"
        raise UsageError(f"{option} needs the state of an earlier run, and {why}")


def _narrowed(config: Config, options: Options) -> Config:
    """Without a state, `--only NAME -o FILE` makes a table of that provider alone."""
    chosen = tuple(each for each in config.providers if each.name == options.only)
    return replace(config, providers=chosen)


def _answers(config: Config, options: Options, recall: Recall) -> dict[Question, Answer]:
    if options.replay:
        return fetch.load_snapshot(options.replay)
    if options.offline:
        return recall.offline()
    return fetch.fetch(config, recall, only=options.only, progress=options.progress)


def _lifted(config: Config, options: Options) -> set[str]:
    if "all" in options.accept:
        return {provider.name for provider in config.providers}
    return set(options.accept)
