"""What the configuration holds, one field a key.

Owns: the tables and keys of `providers.toml` as classes; the annotation of a field is its
type and the rule that reads it, so a new key is one line here and one in `providers.toml`.
Refuses: defaults, which stand in `providers.toml` only.
"""

import datetime
import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, get_args

from spfwhite.config import values
from spfwhite.config.patterns import parse_pattern
from spfwhite.dns.nameservers import NameServer, parse_nameserver
from spfwhite.networks import Networks
from spfwhite.spf.reach import Limits
from spfwhite.spf.width import Widest

Action = Literal["permit", "reject"]
FormatName = Literal["postscreen", "plain", "json", "rbldnsd", "nft", "access"]
FORMAT_NAMES: Final[tuple[FormatName, ...]] = get_args(FormatName)
SpecialUse = Literal["drop", "keep"]
Family = Literal["ipv4", "ipv6", "both"]

DAYS: Final = values.whole(0, 3650)
PERCENT: Final = values.whole(0, 100)
GROWTH: Final = values.whole(0, 1_000_000)
COUNT: Final = values.whole(1, 10_000_000)

# A sender's record may name anybody's networks, so less of it is rejected than permitted.
WIDEST_REJECT: Final = Widest(16, 32)


class Table(NamedTuple):
    """`[[output.tables]]`: one table of a run, which the configured ones of postscreen are too.

    It lists the networks of all providers with its action or, if it names any, of those in
    `providers` and of those whose category is in `categories`.
    """

    path: Annotated[Path, values.path]
    format: Annotated[FormatName, values.choice(*FORMAT_NAMES)]
    action: Annotated[Action, values.choice("permit", "reject")]
    providers: Annotated[tuple[str, ...], values.list_of(values.parse_name)]
    categories: Annotated[tuple[str, ...], values.list_of(values.parse_name)]
    family: Annotated[Family, values.choice("ipv4", "ipv6", "both")]


class Output(NamedTuple):
    """`[output]`: where the tables go; `tables` are those beside the two of postscreen."""

    allow: Annotated[Path, values.path]
    reject: Annotated[Path, values.path]
    tables: Annotated[tuple[Table, ...], values.entries]


class State(NamedTuple):
    """`[state]`: what is remembered between runs, and for how many days."""

    path: Annotated[Path, values.path]
    max_stale_days: Annotated[int, DAYS]
    sticky_days: Annotated[int, DAYS]
    held_days: Annotated[int, DAYS]
    settle_days: Annotated[int, values.whole(0, 30)]
    remind_days: Annotated[int, DAYS]
    max_mib: Annotated[int, values.whole(1, 10_000)]


class Dns(NamedTuple):
    """`[dns]`: whom to ask, and how hard; deadlines in seconds, `max_qps` 0 for no limit."""

    nameservers: Annotated[tuple[NameServer, ...], values.list_of(parse_nameserver)]
    attempts: Annotated[int, values.whole(1, 20)]
    concurrency: Annotated[int, values.whole(1, 10_000)]
    max_qps: Annotated[int, values.whole(0, 1_000_000)]
    deadline: Annotated[float, values.number(0.1, 86_400)]
    hosts_deadline: Annotated[float, values.number(0.1, 86_400)]
    hosts_max_age_hours: Annotated[int, values.whole(0, 8760)]
    # no key, but what the option --deadline gives a run for all that it asks, pages and hosts too
    run_deadline: float = math.inf


class Spf(NamedTuple):
    """`[spf]`: how records are read, and what one domain may need."""

    strict: Annotated[bool, values.switch]
    max_lookups: Annotated[int, values.whole(1, 100_000)]
    max_depth: Annotated[int, values.whole(1, 100)]
    max_octets: Annotated[int, values.whole(1, 2**30)]


class Safety(NamedTuple):
    """`[safety]`: the rails; `widest_` in bits of prefix, `_loss` and `_growth` in percent."""

    widest_ipv4: Annotated[int, values.whole(0, 32)]
    widest_ipv6: Annotated[int, values.whole(0, 128)]
    special_use: Annotated[SpecialUse, values.choice("drop", "keep")]
    exclude: Annotated[values.Exclusions, values.exclusions]
    max_values: Annotated[int, COUNT]
    pages_max_mib: Annotated[int, values.whole(1, 1000)]
    provider_max_rules: Annotated[int, COUNT]
    total_rules_notice: Annotated[int, COUNT]
    provider_max_loss: Annotated[int, PERCENT]
    provider_max_growth: Annotated[int, GROWTH]
    total_max_loss: Annotated[int, PERCENT]
    total_max_growth: Annotated[int, GROWTH]


class Postfix(NamedTuple):
    """`[postfix]`: how a new table is verified and made known; no folder means Postfix's own."""

    verify: Annotated[bool, values.switch]
    reload: Annotated[bool, values.switch]
    reload_command: Annotated[tuple[str, ...], values.list_of(values.parse_argument)]
    config_directory: Annotated[Path | None, values.optional_path]


class ProviderKeys(NamedTuple):
    """What `Provider` holds."""

    name: str
    defined_in: str  # the last file that said something about it
    category: Annotated[str, values.name]
    enabled: Annotated[bool, values.switch]  # its own switch and its category's
    domains: Annotated[tuple[str, ...], values.list_of(values.parse_domain)]
    networks: Annotated[Networks, values.networks]
    pages: Annotated[tuple[str, ...], values.list_of(values.parse_url)]
    pages_enabled: Annotated[bool, values.switch]
    pages_http: Annotated[bool, values.switch]
    pages_select: Annotated[values.Selection, values.selection]
    hosts: Annotated[tuple[str, ...], values.list_of(parse_pattern)]
    mx: Annotated[bool, values.switch]
    domains_file: Annotated[Path | None, values.optional_path]
    networks_file: Annotated[Path | None, values.optional_path]
    action: Annotated[Action, values.choice("permit", "reject")]
    special_use: Annotated[SpecialUse, values.choice("drop", "keep", "inherit")]
    expires: Annotated[datetime.date | None, values.optional_date]


class Provider(ProviderKeys):  # a NamedTuple by itself has no room for what is made once
    """`[providers.NAME]`: a sender, with everything decided that other tables decide for it.

    `domains` and `networks` hold the lines of the files too, without the domains of
    `safety.exclude`; `special_use` is `[safety]`'s if the provider says "inherit".
    """

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what decides the provider's addresses, in hexadecimal."""
        # Values that are empty are left out: a key that a later release adds must not make every
        # provider look edited.
        values = {key: plain_value(value) for key, value in self._asdict().items()}
        content = {k: v for k, v in values.items() if v and k not in NO_ADDRESSES}
        if not self.pages_enabled:
            content.pop("pages", None)
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


# The keys of which a provider needs one.
SOURCES: Final = ("domains", "networks", "domains_file", "networks_file", "pages", "hosts")

# Fields of a provider that do not decide its addresses; what the files hold is in the others.
NO_ADDRESSES: Final = frozenset(
    {"name", "defined_in", "category", "enabled", "expires"}
    | {"pages_enabled", "domains_file", "networks_file"}
)


def plain_value(value: Any) -> Any:
    """Return a value for JSON, the same for the same set in another order."""
    if isinstance(value, Networks):
        return value.texts()
    if isinstance(value, tuple):
        return sorted(value)
    return str(value) if isinstance(value, Path) else value


class Config(NamedTuple):
    """The whole configuration; `providers` sorted by name, switched off ones included."""

    output: Output
    state: State
    dns: Dns
    spf: Spf
    safety: Safety
    postfix: Postfix
    categories: Mapping[str, bool]
    providers: tuple[Provider, ...]
    list_date: datetime.date | None  # of the default providers, None without them

    def enabled(self) -> list[Provider]:
        """Return the providers that are switched on."""
        return [provider for provider in self.providers if provider.enabled]

    def in_force(self, today: datetime.date) -> "Config":
        """Return the configuration with the providers switched off that have expired."""
        over = {each.name for each in self.providers if each.expires and each.expires < today}
        providers = (p._replace(enabled=False) if p.name in over else p for p in self.providers)
        return self._replace(providers=tuple(providers))

    def limits(self) -> Limits:
        """Return the caps of one domain and of one answer."""
        spf = self.spf
        return Limits(spf.max_lookups, spf.max_depth, spf.max_octets, self.safety.max_values)

    def widest(self, action: Action) -> Widest:
        """Return the limits on what terms pass; a reject table needs narrower ones."""
        safety, least = self.safety, Widest() if action == "permit" else WIDEST_REJECT
        ipv4, ipv6 = max(safety.widest_ipv4, least.ipv4), max(safety.widest_ipv6, least.ipv6)
        return Widest(ipv4, ipv6, safety.exclude.domains)

    def why_off(self, provider: Provider, today: datetime.date) -> str:
        """Return what to do about a provider that lists nothing today; "" for one that is on."""
        if not self.categories.get(provider.category, True):
            alone = f'`category = "added"` in [providers.{provider.name}] this one alone'
            return f"{self.switch(provider.category)} with all of its category, {alone}"
        if not any(getattr(provider, source) for source in SOURCES):
            return "`exclude` in [safety] has all its domains"
        if not provider.enabled:
            switch = f"`enabled = true` in [providers.{provider.name}] switches it on"
            return f"{switch}, in {provider.defined_in} or a later file"
        if provider.expires and provider.expires < today:
            key = f"`expires` in [providers.{provider.name}] of {provider.defined_in}"
            return f"its last day was {provider.expires}, {key}"
        return ""

    def switch(self, category: str) -> str:
        """Return how a category is switched on."""
        return f"`{category} = true` in [categories] switches it on"


def roots(providers: Iterable[Provider]) -> list[str]:
    """Return the domains of providers, each once, sorted."""
    return sorted({domain for provider in providers for domain in provider.domains})


def rules_of(table: type[Any]) -> dict[str, values.Rule]:
    """Return the rule of each key of a table."""
    hints = table.__annotations__.items()
    return {key: hint.__metadata__[0] for key, hint in hints if hasattr(hint, "__metadata__")}


# The tables of settings by name.
SETTINGS: Final[Mapping[str, type[Any]]] = {
    key: table for key, table in Config.__annotations__.items() if hasattr(table, "_fields")
}


def set_name(name: str) -> str:
    """Return what nft takes for the name of a set; two files may come to the same."""
    made = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return made if made[:1].isalpha() else f"_{made}"
