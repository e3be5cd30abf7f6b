"""What a run found and did, as values: the one source of what people and machines read.

Owns: the types of a report, the status of a provider and the exit code. Refuses: to format
(`spfwhite.text`, `spfwhite.report_json`) and to decide (`spfwhite.plan`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from pathlib import Path
from typing import Literal

from spfwhite.networks import EMPTY, Networks
from spfwhite.plan import Candidate
from spfwhite.trail import Problem


class Exit(IntEnum):
    """The exit codes of the command line."""

    OK = 0
    ERROR = 1
    USAGE = 2
    DEGRADED = 3
    REFUSED = 4
    NOT_RELOADED = 5
    LOCKED = 6


Status = Literal["ok", "incomplete", "missing", "undecidable"]

Outcome = Literal["written", "current", "planned", "refused"]


@dataclass(frozen=True, slots=True)
class ProviderReport:
    """One provider in one run."""

    name: str
    status: Status
    networks: Networks
    problems: tuple[Problem, ...]

    @property
    def degraded(self) -> bool:
        """Whether the run is degraded for this provider's sake."""
        return self.status in ("incomplete", "missing")


@dataclass(frozen=True, slots=True)
class Report:
    """One run of `generate`.

    `path` is where the allow table goes (None: standard output), `networks` what it holds,
    `before` what it held. `refusals` are sentences, each with the number, the limit, the
    configuration key and the flag that lets it pass.
    """

    started: datetime
    path: Path | None
    outcome: Outcome
    providers: tuple[ProviderReport, ...]
    networks: Networks
    before: Networks
    questions: int
    failed: int
    refusals: tuple[str, ...] = ()

    @property
    def added(self) -> Networks:
        """What the table gains."""
        return self.networks - self.before if not self.refusals else EMPTY

    @property
    def removed(self) -> Networks:
        """What the table loses."""
        return self.before - self.networks if not self.refusals else EMPTY

    @property
    def exit_code(self) -> Exit:
        """Return the code of section "Exit codes" of the README, the worst that applies."""
        if self.refusals:
            return Exit.REFUSED
        if any(provider.degraded for provider in self.providers):
            return Exit.DEGRADED
        return Exit.OK


def provider_report(candidate: Candidate) -> ProviderReport:
    """Return the report of a provider from its candidate."""
    return ProviderReport(
        candidate.provider.name, _status(candidate), candidate.networks, candidate.problems
    )


def _status(candidate: Candidate) -> Status:
    if candidate.incomplete:
        return "incomplete"
    if candidate.networks:
        missing = any(p.kind in ("missing", "multiple") and not p.term for p in candidate.problems)
        return "missing" if missing else "ok"
    undecidable = any(problem.kind == "undecidable" for problem in candidate.problems)
    return "undecidable" if undecidable else "missing"
