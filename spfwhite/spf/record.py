"""The text of an SPF record to typed terms: the grammar of RFC 7208 section 12, and nothing else.

Owns: which TXT is an SPF record, or nearly one, what its terms are, what is malformed about one,
and the expansion of macros (section 7). Refuses: any look-up and any evaluation.
"""

# A term is a directive (a mechanism with its qualifier, sections 4.6.1 and 5) or a modifier
# (section 6). A malformed term is a value and no exception: to strict mode it voids the record
# (section 4.6), list mode goes on without it. The text is a stranger's, so the patterns take
# linear time, no name or network is guessed at, and netaddr, which guesses, never sees it.

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final, Literal, NamedTuple

from spfwhite.networks import BITS, IPV4_MAPPED, Networks, masked

Qualifier = Literal["+", "-", "~", "?"]

# RFC 7208 section 7.1:
#   macro-expand     = ( "%{" macro-letter transformers *delimiter "}" ) / "%%" / "%_" / "%-"
#   macro-literal    = %x21-24 / %x26-7E
#   transformers     = *DIGIT [ "r" ]
#   delimiter        = "." / "-" / "+" / "," / "/" / "_" / "="
# Section 7.2 keeps the letters c, r and t for the text of exp=.
_PIECE: Final = re.compile(
    r"%\{([slodiphvSLODIPHV])([0-9]*)([rR]?)([-.+,/_=]*)\}|%([%_-])|([!-$&-~]+)"
)

# Section 7.1:
#   domain-spec      = macro-string domain-end
#   domain-end       = ( "." toplabel [ "." ] ) / macro-expand
#   toplabel         = ( *alphanum ALPHA *alphanum ) /
#                      ( 1*alphanum "-" *( alphanum / "-" ) alphanum )
# which is not all digits, and has no hyphen at either end
_TOPLABEL: Final = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z-]*[0-9A-Za-z])?")

# Section 5.6 and section 12:
#   ip4-cidr-length  = "/" ("0" / %x31-39 0*1DIGIT)      ; value range 0-32
#   ip6-cidr-length  = "/" ("0" / %x31-39 0*2DIGIT)      ; value range 0-128
#   dual-cidr-length = [ ip4-cidr-length ] [ "/" ip6-cidr-length ]
#   qnum             = DIGIT / %x31-39 DIGIT / "1" 2DIGIT / "2" %x30-34 DIGIT / "25" %x30-35
# Section 4.6.1:
#   directive        = [ qualifier ] mechanism
#   modifier         = redirect / explanation / unknown-modifier
#   unknown-modifier = name "=" macro-string
#   name             = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." )
_MODIFIER: Final = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)=(.*)", re.DOTALL)
_DIRECTIVE: Final = re.compile(r"([-+~?]?)([A-Za-z][A-Za-z0-9]*)(.*)", re.DOTALL)

# Few and simple patterns: compiling the grammar as it stands above would take 17 ms a start.
# ipaddress reads the addresses: it takes no leading zeros and, of these characters, nothing else.
_IP: Final = re.compile(r":([0-9A-Fa-f:.]{2,45})(?:/([0-9]{1,3}))?")
_HOSTS: Final = re.compile(r"(?::(.*?))?(?:/([0-9]{1,2}))?(?://([0-9]{1,3}))?", re.DOTALL)


class All(NamedTuple):
    """`all` (section 5.1)."""


class Include(NamedTuple):
    """`include:domain` (section 5.2)."""

    domain: str


class Hosts(NamedTuple):
    """`a` (section 5.3) or `mx` (section 5.4); without a domain, the record's own."""

    kind: Literal["a", "mx"]
    domain: str | None
    prefix4: int
    prefix6: int


class Ip(NamedTuple):
    """`ip4` or `ip6` (section 5.6), host bits masked."""

    networks: Networks
    version: Literal[4, 6]
    prefix: int


class ByClient(NamedTuple):
    """`ptr` (section 5.5) or `exists` (section 5.7): it names no address, which `reason` says."""

    reason: str


class Redirect(NamedTuple):
    """`redirect=domain` (section 6.1)."""

    domain: str


class Ignored(NamedTuple):
    """`exp=` (section 6.2), an unknown modifier (section 6); `hint` says what was meant."""

    hint: str = ""


class Malformed(NamedTuple):
    """A term outside the grammar; `reason` is a phrase for people."""

    reason: str


Body = All | Include | Hosts | Ip | ByClient | Redirect | Ignored | Malformed


class Term(NamedTuple):
    """One term as it was written; modifiers have the qualifier "+"."""

    text: str
    qualifier: Qualifier
    body: Body


class Record(NamedTuple):
    """One SPF record and its terms, in order."""

    text: str
    terms: tuple[Term, ...]


def spf_texts(values: Iterable[str]) -> list[str]:
    """Return the TXT texts that are SPF records (section 4.5): `v=spf1` alone or before a space."""
    return [value for value in values if value[:7].lower() in ("v=spf1", "v=spf1 ")]


def is_nearly_spf(text: str) -> bool:
    """Whether a TXT is an SPF record, was probably meant as one, or begins with a term of one."""
    # what stands around it, or in it, by mistake: quotation marks of all kinds, blanks, hyphens
    start = re.sub(r"[^a-z0-9=:]", "", text[:16].lower())
    return start.startswith(("v=spf", "v=pf1", "spf1", *_BEGINNINGS))


def loose_part(values: Iterable[str]) -> Term | None:
    """Return the beginning of a TXT that is a part of an SPF record, cut off, as a term."""
    loose = next((value for value in values if value.lower().startswith(_BEGINNINGS)), "")
    hint = "begins a TXT of its own, so it is no part of the SPF record"
    return Term(loose.split(" ")[0], "+", Ignored(hint)) if loose else None


_BEGINNINGS: Final = ("ip4:", "ip6:", "include:")


@lru_cache(maxsize=16384)
def parse(text: str) -> Record:
    """Return the terms of a record that `spf_texts` chose; raises nothing."""
    seen: set[str] = set()
    terms = []
    for word in filter(None, text[6:].split(" ")):
        modifier = _MODIFIER.fullmatch(word) if "=" in word else None
        if not modifier:
            terms.append(_directive(word))
            continue
        name = modifier[1].lower()
        body = _modifier(name, modifier[2])
        if name in seen:  # section 6: redirect and exp MUST NOT appear more than once each
            body = Malformed(f"is a second {name}=")
        if name in ("redirect", "exp"):
            seen.add(name)
        terms.append(Term(word, "+", body))
    return Record(text, tuple(terms))


def _directive(word: str) -> Term:
    match = _DIRECTIVE.fullmatch(word)
    if not match:
        qualifier = _QUALIFIERS.get(word[0], "+")
        reason = f"is neither a directive nor a modifier{_address_needs(word)}"
        return Term(word, qualifier, Malformed(reason))
    return Term(word, _QUALIFIERS[match[1] or "+"], _mechanism(match[2].lower(), match[3]))


_QUALIFIERS: Final[dict[str, Qualifier]] = {"+": "+", "-": "-", "~": "~", "?": "?"}


def _modifier(name: str, value: str) -> Body:
    if name in ("redirect", "exp"):  # sections 6.1 and 6.2
        if not _is_domain_spec(value):
            return Malformed("does not name a domain")
        return Redirect(value) if name == "redirect" else Ignored()
    # section 6: an unknown modifier MUST be ignored, wherever it stands, if it is well-formed
    if _PIECE.sub("", value):
        return Malformed("has a value outside the macro grammar")
    if name not in MECHANISMS:
        return Ignored()
    return Ignored(f"is a modifier, which passes nothing; {name}: was probably meant")


MECHANISMS: Final = ("all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists")


def _mechanism(name: str, rest: str) -> Body:
    match name:
        case "ip4" | "ip6":  # section 5.6
            return _ip(4 if name == "ip4" else 6, rest)
        case "all":  # section 5.1
            return All() if not rest else Malformed("takes no argument")
        case "a" | "mx":  # sections 5.3 and 5.4
            return _hosts("a" if name == "a" else "mx", rest)
    domain = rest[1:] if rest[:1] == ":" and _is_domain_spec(rest[1:]) else ""
    match name:
        case "include" if domain:  # section 5.2
            return Include(domain)
        case "exists" if domain and expand(domain, "a.test"):  # section 5.7
            return ByClient("holds for every client or for none, so it names no address")
        case "exists" | "ptr" if domain or (name == "ptr" and not rest):  # section 5.5
            return ByClient("is decided by the client")
    fault = "does not name a domain" if name in MECHANISMS else "is no mechanism of RFC 7208"
    return Malformed(f"{fault}{_address_needs(rest[1:])}")  # section 4.6: an error


def _address_needs(text: str) -> str:
    """Return the hint for an address, or a network, where it cannot stand; "" for another text."""
    try:
        version = ip_address(text.partition("/")[0]).version
    except ValueError:
        return ""
    return f"; an address needs ip{version}:"


def _is_domain_spec(text: str) -> bool:
    """Whether a text is a domain-spec; the digits of its macros MUST NOT be 0 (section 7.1)."""
    pieces = _PIECE.findall(text)
    if not pieces or _PIECE.sub("", text):
        return False
    if any(digits and not digits.strip("0") for _, digits, *_ in pieces):
        return False
    *_, end = pieces[-1]  # "" for a macro
    _, dot, label = end.removesuffix(".").rpartition(".")
    return not end or bool(dot and _TOPLABEL.fullmatch(label) and not label.isdigit())


def _prefix(text: str | None, bits: int) -> int | None:
    """Return a prefix length, `bits` where there is none; None over that or with leading zeros."""
    if text is None:
        return bits
    prefix = int(text)
    return prefix if prefix <= bits and str(prefix) == text else None


def _hosts(kind: Literal["a", "mx"], rest: str) -> Hosts | Malformed:
    match = _HOSTS.fullmatch(rest)
    if not match or not (match[1] is None or _is_domain_spec(match[1])):
        return Malformed(f"has a bad domain or prefix length{_address_needs(rest[1:])}")
    prefix4, prefix6 = _prefix(match[2], 32), _prefix(match[3], 128)
    if prefix4 is None or prefix6 is None:
        return Malformed("has a bad prefix length")
    return Hosts(kind=kind, domain=match[1], prefix4=prefix4, prefix6=prefix6)


def _ip(version: Literal[4, 6], rest: str) -> Ip | Malformed:
    match, bits = _IP.fullmatch(rest), BITS[version]
    address, length = match.groups() if match else ("", None)
    try:
        value = int((IPv4Address if version == 4 else IPv6Address)(address))
    except ValueError:
        return Malformed(f"is not an IPv{version} address or network")
    prefix = _prefix(length, bits)
    if prefix is None:
        return Malformed("has a bad prefix length")
    networks = Networks.of(version, *masked(value, prefix, bits))
    # section 5: a client at ::ffff:0:0/96 is an IPv4 client, so that no ip6 matches it
    return Ip(networks if version == 4 else networks - IPV4_MAPPED, version, prefix)


def expand(spec: str, domain: str) -> str | None:
    """Return the domain-spec with its macros expanded for a record at `domain` (section 7).

    None when it depends on the client or the sender: every letter but `d`.
    """
    parts = []
    for letter, digits, reverse, delimiters, literal, text in _PIECE.findall(spec):
        if letter:
            if letter not in "dD":  # section 7.2: the others are the sender, the client, its name
                return None
            parts.append(_transformed(domain, digits, reverse, delimiters or ".", letter))
        else:
            parts.append({"%": "%", "_": " ", "-": "%20"}[literal] if literal else text)
    name = "".join(parts)
    while len(name.removesuffix(".")) > 253 and "." in name:  # section 7.3: labels go from the left
        name = name.partition(".")[2]
    return name


def _transformed(domain: str, digits: str, reverse: str, delimiters: str, letter: str) -> str:
    # section 7.3: split, reverse, keep so many of the right-hand parts, join with dots
    parts = re.split(f"[{re.escape(delimiters)}]", domain)
    if reverse:
        parts.reverse()
    if digits:
        parts = parts[-int(digits.lstrip("0")[:4]) :]  # a name has 127 labels at most
    value = ".".join(parts)
    if letter == "d":
        return value
    from urllib.parse import quote  # section 7.3: an upper-case letter asks for URL escaping

    return quote(value, safe="-._~")
