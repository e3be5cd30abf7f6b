"""The parameters of one postscreen: their types, and the command that gives one another value.

Owns: the table of types (postconf(5)), and what is said of a value that is not of its type.
Refuses: to judge values that are (`spfwhite.inspect.wiring`).
"""

import re
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Final, NamedTuple

from spfwhite.inspect.finding import Finding, Findings
from spfwhite.tables.access_list import ANYTHING, LIST, Entry, Openable, entry, words
from spfwhite.tables.postfix import Postfix
from spfwhite.wording import clipped

DNSBL_SITES: Final = "postscreen_dnsbl_sites"
REPLY_MAP: Final = "postscreen_dnsbl_reply_map"

ENDS: Final = "at which postscreen ends, so no mail comes in"

_UNIT: Final = "[smhdw]?"
_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_OCTET: Final = "(?:0*(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9]))"
_OCTETS: Final = rf"(?:{_OCTET}|\[{_OCTET}(?:\.\.{_OCTET})?(?:;{_OCTET}(?:\.\.{_OCTET})?)*\])"
_LABEL: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_SITE: Final = re.compile(
    rf"(?=[^=*]*[A-Za-z_]){_LABEL}(?:\.{_LABEL})*(?:={_OCTETS}(?:\.{_OCTETS}){{3}})?"
    r"(?:\*[-+]?[0-9]+)?"
)


class Type(NamedTuple):
    """What a value, or each word of a list, may be; `wrong` says what is wrong (empty: nothing)."""

    wrong: Callable[[str, Openable], str]
    wanted: str
    is_list: bool = False


def _number(least: int | None = None, units: str = "") -> Type:
    form = re.compile(f"([-+]?[0-9]+)({units})")

    def wrong(text: str, _: Openable) -> str:
        match = form.fullmatch(text)
        right = match and (least is None or int(match[1]) * _SECONDS[match[2]] >= least)
        return "" if right else text or "empty"

    more = "" if least is None else f" of {least} or more"
    wanted = f"a time in seconds{more}, or as in 5m, 2h, 7d" if units else f"a number{more}"
    return Type(wrong, wanted)


def _one_of(*allowed: str) -> Type:
    said = ", ".join(filter(None, allowed[:-1])) + f" or {allowed[-1] or 'nothing'}"
    return Type(lambda text, _: "" if text.lower() in allowed else text or "empty", said)


def _site(text: str, _: Openable) -> str:
    ranges = re.findall(r"([0-9]+)\.\.([0-9]+)", text)
    right = _SITE.fullmatch(text) and all(int(low) <= int(high) for low, high in ranges)
    return "" if right else text


def _table(text: str, openable: Openable, *, is_needed: bool = True) -> str:
    made = entry(text, openable)
    fault = made.fault if made.kind or made.fault else "is no TYPE:NAME"
    counts = is_needed or made.ends or not made.kind
    return f"{text} (which {fault})" if text and fault and counts else ""


_TABLE: Final = Type(_table, "a table that is there, as TYPE:NAME")

# The first row that matches counts. A row is what names end in rather than each name, so that
# parameters of Postfix versions to come have their types; those that match no row are free text, or
# lists that postscreen reads with a warning. All of it was tried on postscreen, as the test does.
TYPES: Final = tuple(
    (re.compile(f"postscreen_(?:{names})"), type_)
    for names, type_ in (
        (".*_action", _one_of("ignore", "enforce", "drop")),
        (".*_enable|(?:use|enforce)_tls|helo_required|disable_vrfy_command", _one_of("yes", "no")),
        ("cache_cleanup_interval", _number(0, _UNIT)),
        ("watchdog_timeout", _number(10, _UNIT)),
        (".*_(?:ttl|wait|timeout|interval|time|time_limit)", _number(1, _UNIT)),
        ("dnsbl_(?:allow|white)list_threshold|client_connection_count_limit", _number()),
        ("pre_queue_limit", _number(10)),
        ("post_queue_limit", _number(5)),
        (".*_(?:threshold|limit)", _number(1)),
        (
            "tls_security_level",
            _one_of("may", "encrypt", "none", "fingerprint", "verify", "secure", ""),
        ),
        ("upstream_proxy_protocol", _one_of("haproxy", "")),
        ("expansion_filter", Type(lambda text, _: "" if text else "empty", "some characters")),
        ("dnsbl_sites", Type(_site, "DOMAIN=A.B.C.D*WEIGHT, the last two optional", is_list=True)),
        ("dnsbl_reply_map|command_filter", _TABLE),
        ("discard_ehlo_keyword_address_maps", _TABLE._replace(is_list=True)),
        # without one of them replies have no footer
        ("reject_footer_maps", Type(partial(_table, is_needed=False), _TABLE.wanted, is_list=True)),
    )
)


class Postscreen(NamedTuple):
    """One postscreen of master.cf, by the name that postconf(1) gives it: smtp/inet."""

    service: str
    values: Mapping[str, str]  # its parameters as it reads them
    written: Mapping[str, str] = {}  # as they are written in main.cf and master.cf
    own: Collection[str] = ()  # those that its `-o` set
    postfix: Postfix = Postfix()
    openable: Openable = ANYTHING

    def subject(self, name: str) -> str:
        """Return the name under which postconf knows the value."""
        return f"{self.service}/{name}" if name in self.own else name

    def texts(self, name: str) -> list[str]:
        """Return the words of a list as they are written, unless one of them is itself a list."""
        expanded = words(self.values.get(name, ""))
        texts = words(self.written.get(name, ""))
        return texts if len(texts) == len(expanded) else expanded

    def entries(self) -> list[Entry]:
        """Return what the access list names; raises OSError."""
        return [entry(word, self.openable) for word in words(self.values.get(LIST, ""))]

    def set(self, name: str, *texts: str) -> str:
        """Return the command that gives a parameter some words; empty if there is none."""
        if name not in self.own:
            return self.postfix.command("-e", f"{name} = {', '.join(texts)}".rstrip())
        value = ",".join(texts)  # in which postconf takes no blanks there
        command = self.postfix.command("-P", f"{self.subject(name)}={value}")
        return "" if any(map(str.isspace, value)) else command

    def unset(self, name: str) -> str:
        """Return the command that gives a parameter its default."""
        return self.postfix.command("-PX" if name in self.own else "-X", self.subject(name))

    def either(self, name: str) -> str:
        """Return a name as the installed Postfix knows it, or as main.cf has it."""
        old = _older(name)
        return old if self.values.get(old) and old in self.written.get(name, old) else name

    def value(self, name: str) -> str:
        """Return a value by whichever name it has; empty if there is none."""
        return self.values.get(self.either(name), "")


def _older(name: str) -> str:
    """Return what a name was before Postfix 3.6; later versions still read it."""
    return name.replace("_denylist", "_blacklist").replace("_allowlist", "_whitelist")


def value_findings(postscreen: Postscreen) -> Findings:
    """Yield the values at which postscreen ends; raises OSError."""
    superseded = {_older(name) for name in postscreen.values if _older(name) != name}
    for name in sorted(postscreen.values.keys() - superseded):
        type_ = next((type_ for pattern, type_ in TYPES if pattern.fullmatch(name)), None)
        # without sites the map for their replies is opened, and not read
        is_read = name != REPLY_MAP or postscreen.values.get(DNSBL_SITES)
        if type_ and (is_read or ":" not in postscreen.values[name]):
            yield from _not_of_its_type(postscreen, name, type_)


def _not_of_its_type(postscreen: Postscreen, name: str, type_: Type) -> Findings:
    def wrong(text: str) -> str:
        return type_.wrong(text, postscreen.openable)

    value, name = postscreen.values[name], postscreen.either(name)
    found = list(filter(None, map(wrong, words(value) if type_.is_list else [value])))
    if not found:
        return
    if type_.is_list:
        # an asterisk is what web pages eat of such a site most often
        texts = (re.sub(r"\](?=-?[0-9]+\Z)", "]*", text) for text in postscreen.texts(name))
        command = postscreen.set(name, *(text for text in texts if not wrong(text)))
    else:
        first = value.partition(" ")[0]
        command = postscreen.unset(name) if wrong(first) else postscreen.set(name, first)
    text = f"{'has' if type_.is_list else 'is'} {clipped(', '.join(found))}, {ENDS}"
    advice = f"set it to {type_.wanted}, and nothing behind it: a comment needs a line of its own"
    yield Finding("error", postscreen.subject(name), text, advice, command)
