"""Providers that are added and taken off by command, and the runs that follow.

Owns: the order: to refuse, to ask, to write the file, to run. Refuses: the form of that file.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from spfwhite.config import adding
from spfwhite.config.adding import Addition
from spfwhite.config.settings import Config, Provider
from spfwhite.errors import StateError, UsageError
from spfwhite.networks import Networks, parse_operator
from spfwhite.plan.last_run import last_run
from spfwhite.plan.state import State, load
from spfwhite.report.report import Report
from spfwhite.run import Options, run
from spfwhite.sources import fetch
from spfwhite.spf.result import Evaluation
from spfwhite.tables import write

# Told a file as soon as it is written, since the run may fail, it returns the configuration.
Anew = Callable[[Path], Config]


def try_out(config: Config, addition: Addition) -> tuple[Addition, Evaluation]:
    """Ask what the domains of a provider pass; return it without those that pass nothing.

    Such a domain would be missing in every run. Raises UsageError, ConfigError, NoNameServerError.
    """
    adding.check(addition, config)
    write.require_folders(config, None)
    evaluation = fetch.passed_by(addition.domains, config)
    passing = [name for name in addition.domains if evaluation.root(name).passed]
    return addition._replace(domains=passing), evaluation


def not_listed(
    config: Config, addition: Addition, evaluation: Evaluation
) -> tuple[Networks, list[str]]:
    """Return what of an addition is not listed yet, and who lists the rest; raises FileError."""
    passed = (evaluation.root(name).passed for name in addition.domains)
    wanted = Networks.union([*passed, *map(parse_operator, addition.networks)])
    state = _readable(config)
    if state is None:
        return wanted, []
    plan = last_run(config, state, time.time()).plan
    shares = {
        made.provider.name: (made.networks & wanted).size(4)
        for made in plan.decisions
        if made.provider.action == "permit" and made.networks & wanted
    }
    return wanted - plan.permitted, sorted(shares, key=lambda name: shares[name], reverse=True)


def add(config: Config, name: str, write: Callable[[], Path], anew: Anew, wait: float) -> Report:
    """Have `write` add a provider to a file, or put it back, and make the tables with it.

    All others come from memory, if there is a state. `wait` is how many seconds to wait for the
    lock. Raises what `write` and `generate` raise.
    """
    remembers = _readable(config) is not None  # or raises, while nothing is written
    config = anew(write())
    return asyncio.run(run(config, Options(only=name if remembers else "", wait=wait)))


def remove(config: Config, provider: Provider, system: Path, anew: Anew, wait: float) -> Report:
    """Take a provider off by the file below `system`, and make the tables without it.

    The other arguments are those of `add`. Raises UsageError for one that is not on the list.
    """
    today = datetime.now(UTC).date()
    # one whose last day is over is told of until it is taken off
    has_expired = provider.enabled and provider.expires and provider.expires < today
    if (why := config.why_off(provider, today)) and not has_expired:
        raise UsageError(f"provider {provider.name} is off already: {why}")
    remembers = _readable(config) is not None
    write.require_folders(config, None)
    config = anew(adding.remove(provider.name, system))
    if any(each.name == provider.name for each in config.enabled()):
        config = anew(adding.remove(provider.name, system))  # another file has it, too
    return asyncio.run(run(config, Options(offline=remembers, wait=wait)))


def _readable(config: Config) -> State | None:
    try:
        return load(config.state)
    except StateError:
        return None  # the run keeps it aside and asks for all
