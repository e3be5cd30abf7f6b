"""One value of the configuration: from what TOML gave to what the program uses.

Owns: the kinds of value (numbers, choices, paths, domains, URLs, networks) and the sentence for one
that does not fit; its rules annotate the fields in `spfwhite.config.settings`. A rule takes a TOML
value and raises ValueError with a text that continues "the key ...". Refuses: to know files, keys
or defaults.
"""

import datetime
import re
from collections.abc import Callable, Iterable
from itertools import groupby
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import urlsplit

from spfwhite.networks import EMPTY, Networks, parse_operator
from spfwhite.wording import SHOWN, clipped

Rule = Callable[[object], object]
T = TypeVar("T")

NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]*")
NAME_WORDS: Final = "small letters, digits, _ and -, a letter or digit first"

# Letters, digits and hyphens (RFC 1034 section 3.5), and the underscore of names such as _spf.
LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
DOMAIN_LENGTH: Final = 253

_LINE: Final = r"(?is)(?:ip[46]:)?(.*?)(?:[ \t]+(permit|reject))?"


def shown(value: object) -> str:
    """Return a value from a file as a message shows it: printable ASCII, cut at `SHOWN`."""
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and abs(value) >= 10**SHOWN:
        return "a number of more than 200 digits"  # Python refuses to print some of them
    return f'"{clipped(value)}"' if isinstance(value, str) else str(value)


def whole(low: int, high: int) -> Rule:
    """Return the rule for a whole number from low to high."""
    return number(low, high, int, "whole number")


def number(low: float, high: float, kind: Any = int | float, what: str = "number") -> Rule:
    """Return the rule for a number of that kind, in a message called `what`, from low to high."""

    def read(value: object) -> object:
        if isinstance(value, kind) and not isinstance(value, bool) and low <= value <= high:
            return value
        raise ValueError(f"must be a {what} from {low} to {high}, not {shown(value)}")

    return read


def switch(value: object) -> bool:
    """Return true or false; the rule of a switch."""
    if isinstance(value, bool):
        return value
    raise ValueError(f"must be true or false, not {shown(value)}")


def choice(*texts: str) -> Rule:
    """Return the rule for one of a few texts."""
    words = " or ".join(f'"{text}"' for text in texts)

    def read(value: object) -> str:
        if isinstance(value, str) and value in texts:
            return value
        raise ValueError(f"must be {words}, not {shown(value)}")

    return read


def name(value: object) -> str:
    """Return the name of a provider or a category."""
    if isinstance(value, str) and NAME.fullmatch(value):
        return value
    raise ValueError(f"must be a name of {NAME_WORDS}, not {shown(value)}")


def parse_name(text: str) -> str:
    """Return the name of a provider or a category. Raises ValueError for what is none."""
    if not NAME.fullmatch(text):
        raise ValueError(f"is not a name of {NAME_WORDS}")
    return text


def entries(value: object) -> list[object]:
    """Return the entries of an array of tables, each to be read by the rules of its keys."""
    if isinstance(value, list):
        return value
    raise ValueError(f"must be an array of tables, in [[ ]], not {shown(value)}")


def path(value: object) -> Path:
    """Return the path of a file; who knows the file that names it puts its folder in front."""
    file = optional_path(value)
    if file and file.name:
        return file
    raise ValueError(f"must be a path, not {shown(value)}")


def optional_path(value: object) -> Path | None:
    """Return a path of a file or a folder, or None for the empty text."""
    if isinstance(value, str) and value.isprintable():
        return Path(value) if value else None
    raise ValueError(f"must be a path, not {shown(value)}")


def optional_date(value: object) -> datetime.date | None:
    """Return a date, or None for the empty text."""
    if value == "":
        return None
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return value
    raise ValueError(f"must be a date such as 2027-01-31 without quotes, not {shown(value)}")


def list_of(parse: Callable[[str], T]) -> Callable[[object], tuple[T, ...]]:
    """Return the rule for a list of texts that a function parses; its value is a tuple."""

    def read(value: object) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise ValueError(f"must be a list of texts, not {shown(value)}")
        return tuple(_entry(entry, parse) for entry in value)

    return read


def _entry(value: object, parse: Callable[[str], T]) -> T:
    if not isinstance(value, str):
        raise ValueError(f"must be a list of texts, but has {shown(value)}")
    try:
        return parse(value)
    except ValueError as fault:
        raise ValueError(f"has {shown(value)}, which {fault}") from None


def networks(value: object) -> Networks:
    """Return the union of a list of addresses, networks and ranges."""
    return Networks.union(list_of(parse_operator)(value))


class Line(NamedTuple):
    """A line of a list of networks; `action` is "permit", "reject", or "" if it says neither."""

    networks: Networks
    action: str


def parse_line(text: str) -> Line:
    """Return a line of a list: a network, as in SPF behind `ip4:`, or as in a table of postscreen.

    Raises ValueError with a text that continues "it ...".
    """
    network, action = re.fullmatch(_LINE, text.strip()).groups("")  # type: ignore[union-attr]
    return Line(parse_operator(network), action.lower())


def by_action(lines: Iterable[Line], otherwise: str) -> dict[str, Networks]:
    """Return what lines permit and what they reject; the first that has an address decides.

    So cidr_table(5) reads them. `otherwise` is the action of a line without one.
    """
    found = {"permit": EMPTY, "reject": EMPTY}
    for action, group in groupby(lines, lambda line: line.action or otherwise):
        decided = found["permit"] | found["reject"]
        found[action] |= Networks.union(line.networks for line in group) - decided
    return found


Selection = tuple[tuple[str, str], ...]  # keys and values


def selection(value: object) -> Selection:
    """Return a table of texts as its pairs; the rule of what selects objects of JSON."""
    if isinstance(value, dict) and all(isinstance(each, str) for each in value.values()):
        return tuple(value.items())
    raise ValueError(f'must be a table of texts such as {{ service = "EC2" }}, not {shown(value)}')


class Exclusions(NamedTuple):
    """Networks that are never listed, and domains whose records are followed for nobody."""

    networks: Networks = EMPTY
    domains: frozenset[str] = frozenset()


def exclusions(value: object) -> Exclusions:
    """Return what a list of addresses, networks, ranges and domains excludes."""
    read = list_of(_exclusion)(value)
    return Exclusions(Networks.union(n for n, _ in read), frozenset(d for _, d in read if d))


def _exclusion(text: str) -> tuple[Networks, str]:
    # the letters of an address come with a colon, and no domain has one, or is without a letter
    is_domain = re.search("[A-Za-z]", text) and not re.search("[:/]", text)
    return (EMPTY, parse_domain(text)) if is_domain else (parse_operator(text), "")


def parse_url(text: str) -> str:
    """Return the URL of a page. Raises ValueError for what is none."""
    try:
        parts = urlsplit(text)
        usable = parts.hostname and not parts.username and parts.port != 0
    except ValueError:  # with a text of its own: for a bracket without its partner, a bad port
        usable = False
    if not usable or not re.fullmatch(r"https?://[!-~]{3,2000}", text):
        raise ValueError("is not a URL such as https://example.org/addresses")
    return text


def parse_argument(text: str) -> str:
    """Return an argument of a command. Raises ValueError for what none can hold."""
    if not text.isprintable():
        raise ValueError("has a control character")
    return text


def parse_domain(text: str) -> str:
    """Return a domain in lower case without a trailing dot.

    Takes labels of letters, digits, hyphens and underscores, two or more, 253 characters in all.
    Raises ValueError with a text that continues "it ...".
    """
    if not text.isascii():
        raise ValueError("has a character outside ASCII; write an IDN in its xn-- form")
    domain = text.lower().removesuffix(".")
    labels = domain.split(".")
    if labels[-1].isdigit():
        raise ValueError("is not a domain; addresses belong under networks")
    if len(labels) < 2 or not all(LABEL.fullmatch(label) for label in labels):
        raise ValueError(
            "is not a domain: two or more labels of 1 to 63 letters, digits, _ and inner hyphens"
        )
    if len(domain) > DOMAIN_LENGTH:
        raise ValueError(f"has {len(domain)} characters; a domain has at most {DOMAIN_LENGTH}")
    return domain
