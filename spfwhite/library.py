"""The library: what domains pass, without configuration, state or rails.

Owns: `resolve` and its result types, how arguments are checked, and how what is awaited is called
without an event loop. Refuses: to print, to log, to exit and to keep anything.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from functools import wraps
from typing import Any, NamedTuple, ParamSpec, TypeVar

from spfwhite.config.loading import load, packaged
from spfwhite.config.overlay import TABLES
from spfwhite.config.settings import SETTINGS, Dns, Spf
from spfwhite.config.settings import Config as Config
from spfwhite.config.values import Rule, list_of, parse_domain
from spfwhite.errors import UsageError
from spfwhite.networks import Network, Networks
from spfwhite.sources.fetch import look_up
from spfwhite.spf.evaluation import evaluate
from spfwhite.spf.reach import Limits
from spfwhite.spf.result import Problem

P = ParamSpec("P")
T = TypeVar("T")

load_config = load


class Result(NamedTuple):
    """What one domain passes, as a set; `lookups` are counted as RFC 7208 section 4.6.4 does."""

    problems: tuple[Problem, ...]
    lookups: int
    passed: Networks

    @property
    def networks(self) -> tuple[Network, ...]:
        """The networks, collapsed and sorted, IPv4 first."""
        return self.passed.networks  # made when asked for: many are only counted or united


class Results(dict[str, Result]):
    """A result for each domain; `networks` is their union."""

    networks: tuple[Network, ...] = ()


def blocking(asynchronous: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    """Return the function for use where no event loop runs: without `_async` in its name."""

    @wraps(asynchronous)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        with suppress(RuntimeError):
            asyncio.get_running_loop()
            raise UsageError(f"an event loop runs here: await {asynchronous.__name__} instead")
        # given its factory, a runner leaves alone what asyncio.run unsets: the host's event loop
        with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
            return runner.run(asynchronous(*args, **kwargs))

    call.__name__ = call.__qualname__ = asynchronous.__name__.removesuffix("_async")
    return call


async def resolve_async(
    domains: str | Iterable[str],
    *,
    nameservers: str | Iterable[str] = (),
    strict: bool | None = None,
    deadline: float | None = None,
    attempts: int | None = None,
    concurrency: int | None = None,
    max_qps: int | None = None,
    max_lookups: int | None = None,
    max_depth: int | None = None,
) -> Results:
    """Return what each domain passes by RFC 7208; keys are as the domains were given.

    One text is one domain, or one name server. `nameservers` are texts like "192.0.2.1",
    "192.0.2.1:5353" or "[2001:db8::1]:53"; without any, those of resolv.conf. What else is None is
    as the providers.toml of the package has it, `[dns]` and `[spf]`; `deadline` is in seconds for
    all look-ups. What DNS does wrong is a problem of the domain, never an exception. Raises
    UsageError, which is a ValueError too, for an argument that cannot be, and NoNameServerError
    where the system has none. `resolve` blocks, `resolve_async` is for use in an event loop.
    """
    given = texts(domains)
    names = dict(zip(given, checked("domains", list_of(parse_domain), given), strict=True))
    dns: Dns = _settings(
        "dns",
        nameservers=texts(nameservers),
        deadline=deadline,
        attempts=attempts,
        concurrency=concurrency,
        max_qps=max_qps,
    )
    spf: Spf = _settings("spf", strict=strict, max_lookups=max_lookups, max_depth=max_depth)
    values = _settings("safety").max_values
    limits = Limits(spf.max_lookups, spf.max_depth, spf.max_octets, values)
    answers = await look_up(names.values(), dns, limits)
    evaluation = evaluate(set(names.values()), answers, strict=spf.strict)
    results = Results()
    for domain, name in names.items():
        root = evaluation.root(name)
        results[domain] = Result(evaluation.problems(name), root.lookups, root.passed)
    results.networks = Networks.union(each.passed for each in results.values()).networks
    return results


resolve = blocking(resolve_async)


def checked(argument: str, rule: Rule, value: object) -> Any:
    """Return what a rule of the configuration makes of an argument; raises UsageError."""
    try:
        return rule(value)
    except ValueError as fault:
        raise UsageError(f"{argument} {fault}") from None


def texts(value: str | Iterable[str]) -> list[str]:
    """Return an argument of texts; a single one is no list of letters."""
    return [value] if isinstance(value, str) else list(value)


def _settings(table: str, **arguments: object) -> Any:
    """Return a table of the packaged defaults, with the arguments that are not None."""
    given = {name: value for name, value in arguments.items() if value is not None}
    made = {name: checked(name, TABLES[table][name], value) for name, value in given.items()}
    return SETTINGS[table](**packaged().tables[table] | made)
