"""What the commands read first: the configuration, the last run, and what people name.

Owns: what people paste in place of a domain or an address. Refuses: to do a command's work.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Collection, Iterable
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from spfwhite.cli.printing import print_lines
from spfwhite.errors import FileError, StateError, UsageError
from spfwhite.wording import clipped, counts, did_you_mean, few

if TYPE_CHECKING:
    from spfwhite.config.settings import Config, Provider
    from spfwhite.dns.nameservers import NameServer
    from spfwhite.plan.last_run import LastRun
    from spfwhite.spf.result import Evaluation

# Seconds that a command of an administrator waits for a run that is under way.
LOCK_WAIT: Final = 60.0


class Common(NamedTuple):
    """The options that every command has, before it or behind it, and those of the network."""

    config: Path | None = None
    verbose: bool = False
    quiet: bool = False
    nameservers: tuple[NameServer, ...] = ()
    deadline: float | None = None  # in seconds
    strict: bool = False
    reload: bool | None = None  # whether Postfix is to reload, whatever the configuration says

    @property
    def program(self) -> str:
        """How a command to copy begins, from any folder, the configuration included."""
        if self.config is None:
            return "spfwhite"
        path = str(self.config.absolute())
        if path.isascii() and path.isprintable():
            return f"spfwhite -c {quote(path)}"
        octets = "".join(f"\\{octet:03o}" for octet in os.fsencode(path))
        return f"spfwhite -c $'{octets}'"  # for bash and zsh, and any terminal shows it


def config_of(common: Common) -> Config:
    """Return the configuration with what the command line says; raises ConfigError."""
    from spfwhite.config.loading import load

    config = load(common.config)
    dns = config.dns
    if common.nameservers:
        dns = dns._replace(nameservers=common.nameservers)
    if common.deadline:
        dns = dns._replace(deadline=common.deadline, run_deadline=common.deadline)
    spf = config.spf._replace(strict=common.strict or config.spf.strict)
    reload = config.postfix.reload if common.reload is None else common.reload
    return config._replace(dns=dns, spf=spf, postfix=config.postfix._replace(reload=reload))


def read_anew(common: Common, written: Path) -> Config:
    """Say which file is written, and return the configuration with it; raises ConfigError."""
    print_lines([f"# written to {written}"])
    return config_of(common)


def last_run_of(common: Common) -> LastRun:
    """Return what the state has of the last run; raises ConfigError, UsageError, FileError."""
    from spfwhite.plan.last_run import last_run
    from spfwhite.plan.state import load

    config = config_of(common)
    try:
        state = load(config.state)
    except StateError as error:
        raise FileError(f"the state {config.state.path} {error}") from None
    if state is None:
        first = f"run `{common.program} generate` first"
        raise UsageError(f"there is no state in {config.state.path}; {first}")
    return last_run(config, state, time.time())


def provider_meant(common: Common, config: Config, text: str) -> Provider:
    """Return the provider of this name, or the only one of this domain; raises UsageError.

    One that is on speaks for a domain before those that are off. What `add` made goes by the domain
    or the network that it was named after, too.
    """
    from spfwhite.config.writing import unused_name
    from spfwhite.dns.answers import canonical

    named = {each.name: each for each in config.providers}
    if text in named:
        return named[text]
    domain = canonical(pasted(text))
    names = domain, unused_name(domain, ())
    holders = [it for it in config.providers if domain in it.domains or it.name in names]
    holders = [each for each in holders if each.enabled] or holders
    if not holders:
        if "." in domain:  # the one that is most like it may be anybody's
            asks = "explain" if _is_like_address(domain) else "add --dry-run"
            meant = f"`spfwhite {asks} {clipped(domain)}` says who lists it"
            raise UsageError(f"no provider is called {text!a} or has it among its domains; {meant}")
        meant = did_you_mean(domain, named) or f"; `{common.program} providers` lists them"
        raise UsageError(f"there is no provider {text!a}{meant}")
    if len(holders) > 1:
        several = ", ".join(each.name for each in holders)
        raise UsageError(f"{domain} is of several providers, {several}: name one")
    return holders[0]


def pasted(text: str) -> str:
    """Return the domain or address in what was copied from a mail, a browser or a log."""
    text = text.strip().strip("<>\"',;")
    text = re.sub(r"^[a-z]+://([^/?#]*).*", r"\1", text, flags=re.IGNORECASE)
    text = text.rpartition("@")[2]
    # Postfix logs a client as mail.test[192.0.2.1], or behind it :25
    if port := re.fullmatch(r"[^\[]*\[(?:IPv6:)?(.*)\](?::[0-9]+)?|([^:]+):[0-9]+", text):
        return port[1] or port[2]
    return text


def _is_like_address(name: str) -> bool:
    return ":" in name or re.fullmatch(r"[0-9./]+", name) is not None


def domain_names(texts: Iterable[str], providers: Collection[str] = ()) -> list[str]:
    """Return domains, or names of `providers`, each once; ends the program with 2 for a bad one."""
    from spfwhite.config.values import parse_domain
    from spfwhite.dns.answers import canonical

    names = list(dict.fromkeys(canonical(pasted(text)) for text in texts))
    for name in (name for name in names if name not in providers):
        if _is_like_address(name):
            hint = f"`spfwhite explain {name}` says who lists it, `add --networks {name}` lists it"
            raise click.UsageError(f"{name!a} is no domain: if it is an address, {hint}")
        try:
            parse_domain(name)
        except ValueError as fault:
            provider = "" if "." in name else f"; for a provider: spfwhite providers {name}"
            raise click.UsageError(f"{name!a} {fault}{provider}") from None
    return names


def what_passes(evaluation: Evaluation, domain: str) -> str:
    """Return what a domain passes, in words that continue its name; no answer is not nothing."""
    if passed := evaluation.root(domain).passed:
        return f"passes {counts(passed)}"
    failed = [each.detail for each in evaluation.problems(domain) if each.kind == "temporary"]
    if failed:
        return f"cannot be looked up, DNS did not answer: {clipped(failed[0])}"
    named = [clipped(node.domain) for node in evaluation.walk(domain) if node.excluded]
    return f"passes no address{f', since safety.exclude names {few(named, 3)}' if named else ''}"
