"""What a predecessor was told: a `postwhite.conf`, or a list of hosts, as an overlay.

Owns: which kind a file is, the names that forks and other versions have for a setting, the overlay
that says the same, and a remark for all that it leaves out. Refuses: files that are neither, and to
write any file.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple, get_args

from spfwhite.config.config_file import entries, lines, text
from spfwhite.config.settings import Action, Config
from spfwhite.config.shell import Assigned, Assignments, Remark
from spfwhite.config.values import Line, by_action, parse_domain, parse_line, shown
from spfwhite.config.values import path as parse_path
from spfwhite.config.writing import Value, table, unused_name
from spfwhite.errors import ConfigError
from spfwhite.special_use import barred
from spfwhite.wording import clipped

# Bytes of a file that is read at most; those of the predecessors have some 5,000.
MAX_BYTES: Final = 2**20

# The category of the providers that come from such a file.
CATEGORY: Final = "postwhite"

UNNEEDED: Final[Mapping[str, str]] = {
    "spftoolspath": "spfwhite reads SPF records itself",
    "postfixbinarypath": "Postfix's programs are looked for in PATH and the usual folders",
    "simplify": "a table is always collapsed to the fewest networks",
    "invalid_ip4": "host bits in a record are always masked",
}
# The senders of Postwhite 1.x, which were switched one by one.
TOGGLES: Final = ("google", "microsoft", "facebook", "twitter")

# The variables of Postwhite 1.0 to 3.4, but for lists of hosts to permit.
KNOWN: Final = UNNEEDED.keys() | (
    {*TOGGLES, "postfixpath", "whitelist", "blacklist", "reload_postfix", "enable_blacklist"}
    | {"blacklist_hosts", "include_yahoo", "yahoo_static_hosts"}
)

_RENAMED: Final = {"reloadpostfix": "reload_postfix", "output_dir": "postfixpath"} | dict.fromkeys(
    ("invalidip4", "invalid_cidr"), "invalid_ip4"
)
_LISTS: Final = re.compile(r"[a-z]+_hosts(?:_file)?")  # `_file` is the path of one, in postallow
_ASSIGNS: Final = re.compile(r"^[ \t]*(\w+)\+?=", re.ASCII | re.MULTILINE)
_LIKE_ADDRESS: Final = re.compile(r"(?i)(?:ip[46]:)?[0-9a-f.:/ \t-]+(?:permit|reject)?")

NOTHING: Final = "nothing"  # in the place of a provider: the host lists nothing any more


def own_hosts() -> dict[str, str]:
    """Return the hosts that Postwhite had by itself, each with the provider that covers it."""
    text = Path(__file__).with_name("postwhite_hosts.toml").read_text("utf-8")
    return {host: name for name, hosts in tomllib.loads(text).items() for host in hosts}


class NotPostwhiteError(Exception):
    """A file that cannot be imported; the text continues "the file ..."."""


class Imported(NamedTuple):
    """An overlay that `config.load` takes, what it leaves out, and who covers Postwhite's hosts."""

    overlay: str
    remarks: tuple[Remark, ...]
    built_in: tuple[str, ...]


def convert(data: bytes, defaults: Config) -> Imported:
    """Return a file's content as an overlay of the default configuration.

    A file that assigns to a variable of Postwhite is its configuration; another one with a domain
    or a network on a line is a list of hosts. Raises NotPostwhiteError.
    """
    if len(data) > MAX_BYTES:
        raise NotPostwhiteError(f"has more than {MAX_BYTES:,} bytes")
    if b"\0" in data:
        raise NotPostwhiteError("is not a text, it has a NUL byte")
    text = data.decode("utf-8", "surrogateescape").removeprefix("\ufeff").replace("\r\n", "\n")
    names = {_name(assigned[1]) for assigned in _ASSIGNS.finditer(text)}
    if names & KNOWN or any(map(_LISTS.fullmatch, names)):
        settings = _Settings(Assignments(text), defaults)
        settings.carry_over()
        return settings.imported(settings.built_in())
    overlay = _Overlay(defaults)
    overlay.hosts(lines(text), "permit")
    if not (overlay.domains or overlay.networks):
        first = next((f"; line {line}: {why}" for line, why in overlay.remarks), "")
        raise NotPostwhiteError(f"is neither a postwhite.conf nor a list of hosts{first}")
    return overlay.imported()


def _name(written: str) -> str:
    """Return Postwhite 3.4's name of a setting of a fork, of postallow or of an older version."""
    return _RENAMED.get(written) or re.sub("deny|block", "black", written.replace("allow", "white"))


class _Overlay:
    """The overlay as it grows: tables of keys, and remarks."""

    def __init__(self, defaults: Config) -> None:
        self.tables: dict[str, dict[str, Value]] = {}
        self.remarks: list[Remark] = []
        on = {each.name: each.domains for each in defaults.enabled() if each.action == "permit"}
        self._permitted = {host: name for host, name in own_hosts().items() if name in on}
        self._permitted |= {domain: name for name, domains in on.items() for domain in domains}
        off = (provider for provider in defaults.providers if not provider.enabled)
        self._off = {domain: provider for provider in off for domain in provider.domains}
        self._names = {provider.name for provider in defaults.providers}
        self._defaults = defaults
        self.domains: set[tuple[str, Action]] = set()
        self.networks: list[Line] = []

    def remark(self, line: int, text: str) -> None:
        self.remarks.append(Remark(line, text))

    def hosts(self, entries: Iterable[tuple[int, str]], action: Action) -> None:
        """Add domains and networks, given with their lines."""
        for line, entry in entries:
            try:
                read = _read(entry)
            except ValueError as fault:
                self.remark(line, f"{shown(entry)} {fault}; it is not carried over")
                continue
            if isinstance(read, Line):
                if read.networks & barred(self._defaults.safety.special_use):
                    kept = 'special_use = "keep" in its provider lists it'
                    self.remark(line, f"{shown(entry)} is for special use and not listed; {kept}")
                self.networks.append(Line(read.networks, read.action or action))
            elif (read, action) not in self.domains:
                self.domains.add((read, action))
                self._add_domain(line, read, action)

    def _add_domain(self, line: int, domain: str, action: Action) -> None:
        default = self._permitted.get(domain)
        if default and action == "permit":
            self.remark(line, f"{domain} is listed already, through the provider {default}")
            return
        if action == "permit" and (off := self._off.get(domain)):
            why = f"which has it, is off: {self._defaults.why_off(off, date.min)}"
            own = f"{domain} becomes a provider of its own, since the default provider"
            self.remark(line, f"{own} {off.name}, {why}")
        if action == "reject" and (default or (domain, "permit") in self.domains):
            by = f" by the default provider {default}" if default else ""
            self.remark(line, f"{domain} is permitted{by}, too, which wins over its rejection")
        self._add_provider(domain, action)["domains"] = [domain]

    def _add_provider(self, name: str, action: Action) -> dict[str, Value]:
        name = unused_name(name, self._names)
        self._names.add(name)
        provider: dict[str, Value] = {"category": CATEGORY}
        if action == "reject":
            provider["action"] = action
        self.tables[f"providers.{name}"] = provider
        return provider

    def switch_off(self, default: str) -> None:
        """Leave out a default provider; what it alone permitted is not permitted any more."""
        self.tables[f"providers.{default}"] = {"enabled": False}
        self._permitted = {d: name for d, name in self._permitted.items() if name != default}

    def imported(self, built_in: tuple[str, ...] = ()) -> Imported:
        """Return the overlay as TOML, in which networks come last, and what is said of it."""
        networks = by_action(self.networks, "permit")
        for action in get_args(Action):
            if networks[action]:
                provider = self._add_provider("postwhite-networks", action)
                provider["networks"] = networks[action].texts()
        head = "# Made by spfwhite import; it holds only what differs from the defaults.\n"
        overlay = "\n".join([head, *(table(name, keys) for name, keys in self.tables.items())])
        return Imported(overlay, tuple(sorted(set(self.remarks))), built_in)


def _read(entry: str) -> str | Line:
    try:
        return parse_domain(entry)
    except ValueError:
        if not _LIKE_ADDRESS.fullmatch(entry):
            raise
        return parse_line(entry)


class _Settings(_Overlay):
    """The overlay that has the settings of a postwhite.conf; an empty setting says nothing."""

    def __init__(self, assignments: Assignments, defaults: Config) -> None:
        super().__init__(defaults)
        self.remarks += assignments.remarks
        stated = {name: it for name, it in assignments.values.items() if it.value.strip()}
        self._values = {_name(name): it for name, it in stated.items()}
        self._is_postallow = not stated.keys().isdisjoint(("output_dir", "allowlist_hosts"))
        self._lists = [n for n in self._values if n not in KNOWN and _LISTS.fullmatch(n)]

    def carry_over(self) -> None:
        for name in self._values.keys() - KNOWN - {*self._lists}:
            self._remark(name, "is no setting of Postwhite; it is not carried over")
        for name, reason in UNNEEDED.items():
            self._remark(name, f"is not needed: {reason}")
        self._outputs()
        if (reload := self._switch("reload_postfix")) is not None:
            self.tables["postfix"] = {"reload": reload}
        for name in TOGGLES:
            if self._switch(name) is False:
                self.switch_off(own_hosts()[f"{name}.com"])
        self._yahoo()
        for name in self._lists:
            self.hosts(self._listed(name), "permit")
        if self._switch("enable_blacklist"):
            self.hosts(self._listed("blacklist_hosts"), "reject")
        else:
            switch = self._value("enable_blacklist").name
            self._remark("blacklist_hosts", f"is not carried over: {switch} is not yes")

    def _value(self, name: str) -> Assigned:
        return self._values.get(name, Assigned(name, "", 0))

    def built_in(self) -> tuple[str, ...]:
        """Say who covers the hosts that Postwhite had by itself, and how to add the others."""
        # a script whose file names its hosts, or switches them, had none by itself
        if not {*self._lists, *(self._values.keys() & {*TOGGLES})} <= {"custom_hosts"}:
            return ()
        own, covers = own_hosts().items(), self._permitted
        covered = [f"{host} ({covers[host]})" for host, _ in own if host in covers]
        # one that the file itself names, be it to reject it, is a provider of its own
        has = {*covers, *(host for host, _ in self.domains)}
        others = [host for host, name in own if name != NOTHING and host not in has]
        # one call each, or a hold of one would be a hold of all
        call = f"for host in {' '.join(others)}; do spfwhite add $host; done"
        return (
            f"default providers cover {len(covered)} of the {len(own)} hosts that Postwhite had "
            f"by itself: {', '.join(covered)}",
            *([f"they do not cover {', '.join(others)}; to add them: {call}"] if others else []),
            f"{', '.join(host for host, name in own if name == NOTHING)} list nothing any more",
        )

    def _remark(self, name: str, text: str) -> None:
        """Say something about a setting, if the file has it."""
        if assigned := self._values.get(name):
            self.remark(assigned.line, f"{clipped(assigned.name)} {text}")

    def _listed(self, name: str) -> list[tuple[int, str]]:
        assigned = self._value(name)
        if assigned.value.startswith("/"):
            self._remark(name, f"is a file of its own: import {shown(assigned.value)} as well")
            return []
        return [(assigned.line, entry) for entry in assigned.value.split()]

    def _switch(self, name: str) -> bool | None:
        """Return what a setting says; None if it is not there or neither yes nor no."""
        value = self._value(name).value
        if value in ("yes", "no"):
            return value == "yes"
        self._remark(name, f"must be yes or no, not {shown(value)}; it is not carried over")
        return None

    def _outputs(self) -> None:
        output = self._defaults.output
        allow = self._output("whitelist", output.allow)
        reject = self._output("blacklist", output.reject)
        if len({allow or output.allow, reject or output.reject, self._defaults.state.path}) < 3:
            for name in ("postfixpath", "whitelist", "blacklist"):
                self._remark(name, "is not carried over: two files would have the same path")
            return
        paths = {"allow": allow, "reject": reject}
        if outputs := {key: str(path) for key, path in paths.items() if path}:
            self.tables["output"] = {**outputs}

    def _output(self, name: str, default: Path) -> Path | None:
        """Return the path of a table, if the file says something about it that can be used."""
        folder, file = self._values.get("postfixpath"), self._values.get(name)
        if not (folder or file):
            return None
        parent = folder.value if folder else str(default.parent)
        if self._is_postallow:
            default = Path(str(default).replace("white", "allow").replace("black", "block"))
        # the script put a slash between the two, whatever they were
        path = f"{parent.rstrip('/')}/{(file.value if file else default.name).lstrip('/')}"
        try:
            if not path.startswith("/"):
                raise ValueError(f"must be an absolute path, not {shown(parent)}")
            return parse_path(path)
        except ValueError as fault:
            self._remark(name if file else "postfixpath", f"{fault}; it is not carried over")
            return None

    def _yahoo(self) -> None:
        wanted = self._switch("include_yahoo")
        if wanted:
            self.tables["providers.yahoo"] = self._addresses_of_yahoo()
            return
        self._remark("yahoo_static_hosts", "is not carried over: include_yahoo is not yes")
        if wanted is False and not self._is_postallow:  # which has Yahoo's domains all the same
            self.switch_off("yahoo")

    def _addresses_of_yahoo(self) -> dict[str, Value]:
        """Return the key that gives Yahoo the addresses beside its records that it had before."""
        if file := self._value("yahoo_static_hosts").value:
            try:
                entries(text(parse_path(file)), Path(file), parse_line)
            except (ConfigError, ValueError) as fault:
                self._remark("yahoo_static_hosts", f"is not carried over: {fault}")
            else:
                self._remark("yahoo_static_hosts", "is read by the provider yahoo; keep the file")
                return {"networks_file": str(Path(file).absolute())}
        self._remark("include_yahoo", "switches on the page on which Yahoo lists its addresses")
        return {"pages_enabled": True}
