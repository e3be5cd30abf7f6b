"""The oracle's own reading of SPF text: records, terms and macros of RFC 7208, scanned by hand.

Owns the grammar of section 12 and the macro expansion of section 7, as far as the client's
connection is not needed for it. Refuses to look anything up, to know about networks of more than
one term, and to import anything of the product: it exists to disagree with it.
"""

from __future__ import annotations

import string
from dataclasses import dataclass, replace
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import quote

Address = IPv4Address | IPv6Address

_LETTERS_OR_DIGITS = frozenset(string.ascii_letters + string.digits)
_NAME = _LETTERS_OR_DIGITS | frozenset("-_.")
_LITERALS = {"%": "%", "_": " ", "-": "%20"}  # section 7.1: %% %_ %-
_DELIMITERS = ".-+,/_="


class MalformedError(ValueError):
    """A term that the grammar of RFC 7208 section 12 does not derive."""


class Undecidable(Exception):  # noqa: N818 - the word of the problem kind it stands for
    """A term whose result hangs on more than the address and the zone: ptr, exists, %{s}..."""


@dataclass(frozen=True)
class Term:
    """A directive or a redirect; `spec` is a domain-spec as written, empty where left out."""

    kind: str
    qualifier: str = "+"
    spec: str = ""
    address: Address | None = None
    prefix4: int = 32
    prefix6: int = 128


@dataclass(frozen=True)
class Record:
    """What of a record decides; `faulty` says that some term, maybe a dropped one, is an error."""

    directives: tuple[Term, ...]
    redirect: Term | None
    faulty: bool


@dataclass(frozen=True)
class _Macro:
    letter: str
    parts: int = 0  # 0: all of them
    reverse: bool = False
    delimiters: str = "."
    escaped: bool = False


@lru_cache(maxsize=4096)
def parse_record(text: str) -> Record:
    """Read a record whose version section has been recognised (section 4.6)."""
    terms: list[Term] = []
    faulty = False
    for word in text[len("v=spf1") :].split(" "):  # 1*SP parts terms; a TAB does not
        try:
            terms += [parse_term(word)] if word else []
        except MalformedError:
            faulty = True
    redirects = [term for term in terms if term.kind == "redirect"]
    explanations = [term for term in terms if term.kind == "exp"]
    directives = tuple(term for term in terms if term.kind not in ("redirect", "exp", "unknown"))
    has_all = any(term.kind == "all" for term in directives)
    return Record(
        directives,
        # 5.1: ignored beside "all", whatever their order.
        redirects[0] if redirects and not has_all else None,
        # 6: neither may appear more than once.
        faulty or len(redirects) > 1 or len(explanations) > 1,
    )


def parse_term(text: str) -> Term:
    """Read one term; raises MalformedError."""
    qualifier = text[:1] if text[:1] in ("+", "-", "?", "~") else ""
    body = text[len(qualifier) :]
    end = 0
    while end < len(body) and body[end] in _NAME:
        end += 1
    name, rest = body[:end].lower(), body[end:]
    if rest.startswith("="):
        if qualifier or not name or name[0] not in string.ascii_lowercase:
            raise MalformedError(text)
        return _modifier(name, rest[1:])
    return _mechanism(name, qualifier or "+", rest)


def _modifier(name: str, value: str) -> Term:
    if name in ("redirect", "exp"):
        return Term(name, spec=_domain_spec(value))
    _pieces(value)  # 6: unknown ones are ignored, but their macro-string must be one
    return Term("unknown")


def _mechanism(name: str, qualifier: str, rest: str) -> Term:
    match name:
        case "all" if not rest:
            return Term("all", qualifier)
        case "include" | "exists":
            return Term(name, qualifier, _optional_spec(rest or ":"))
        case "ptr":
            return Term(name, qualifier, _optional_spec(rest))
        case "a" | "mx":
            rest, prefix4, prefix6 = _split_dual_cidr(rest)
            return Term(name, qualifier, _optional_spec(rest), None, prefix4, prefix6)
        case "ip4" | "ip6" if rest.startswith(":"):
            return replace(_network(name, rest[1:]), qualifier=qualifier)
    raise MalformedError(name + rest)


def _optional_spec(rest: str) -> str:
    if not rest:
        return ""
    if rest[0] != ":":
        raise MalformedError(rest)
    return _domain_spec(rest[1:])


def _split_dual_cidr(rest: str) -> tuple[str, int, int]:
    """Take `/n`, `//m` or `/n//m` off the end; what is no prefix length stays, and fails there."""
    prefix4, prefix6 = 32, 128
    head, digits = _split_digits(rest)
    if digits and head.endswith("//"):
        prefix6 = _number(digits, 128)
        rest = head[:-2]
        head, digits = _split_digits(rest)
    if digits and head.endswith("/"):
        prefix4 = _number(digits, 32)
        rest = head[:-1]
    return rest, prefix4, prefix6


def _split_digits(text: str) -> tuple[str, str]:
    head = text.rstrip(string.digits)
    return head, text[len(head) :]


def _number(digits: str, largest: int) -> int:
    """A decimal number without leading zeros (section 12: ip4-cidr-length, qnum)."""
    plain = 0 < len(digits) <= 3 and not digits.strip(string.digits)
    if not plain or (digits[0] == "0" and digits != "0") or int(digits) > largest:
        raise MalformedError(digits)
    return int(digits)


def _network(name: str, value: str) -> Term:
    text, slash, digits = value.partition("/")
    if name == "ip4":
        return Term(name, address=_ip4(text), prefix4=_number(digits, 32) if slash else 32)
    return Term(name, address=_ip6(text), prefix6=_number(digits, 128) if slash else 128)


def _ip4(text: str) -> IPv4Address:
    octets = text.split(".")
    if len(octets) != 4:  # 5.6: parts may not be left out
        raise MalformedError(text)
    return IPv4Address(bytes(_number(octet, 255) for octet in octets))


def _ip6(text: str) -> IPv6Address:
    try:
        if "%" in text:  # Python knows scopes; RFC 4291 section 2.2 does not
            raise MalformedError(text)
        return IPv6Address(text)
    except AddressValueError as error:
        raise MalformedError(text) from error


def _domain_spec(text: str) -> str:
    """Check a domain-spec: a macro-string that ends in a macro-expand or in "." toplabel ["."]."""
    pieces = _pieces(text)
    if not pieces or any(isinstance(p, _Macro) and p.letter in "crt" for p in pieces):
        raise MalformedError(text)  # 7.2: c, r and t only in the text of an explanation
    last = pieces[-1]
    if isinstance(last, str):
        _, dot, label = last.removesuffix(".").rpartition(".")
        if not dot or not _is_toplabel(label):
            raise MalformedError(text)
    return text


def _is_toplabel(label: str) -> bool:
    if not label or label.strip(string.ascii_letters + string.digits + "-"):
        return False
    return label[0] != "-" and label[-1] != "-" and bool(label.strip(string.digits))


@lru_cache(maxsize=4096)
def _pieces(text: str) -> tuple[str | _Macro, ...]:
    """Cut a macro-string into literal runs and macro-expands."""
    pieces: list[str | _Macro] = []
    at = 0
    while at < len(text):
        end = text.find("%", at)
        end = len(text) if end < 0 else end
        if end > at:
            pieces.append(_literal(text[at:end]))
            at = end
        else:
            macro, at = _macro(text, at)
            pieces.append(macro)
    return tuple(pieces)


def _literal(text: str) -> str:
    if not all("!" <= character <= "~" for character in text):
        raise MalformedError(text)
    return text


def _macro(text: str, at: int) -> tuple[_Macro, int]:
    follower = text[at + 1 : at + 2]
    if follower and follower in _LITERALS:
        return _Macro(follower), at + 2
    close = text.find("}", at)
    if follower != "{" or close < 0:
        raise MalformedError(text)
    return _braced(text[at + 2 : close]), close + 1


def _braced(body: str) -> _Macro:
    letter, rest = body[:1], body[1:]
    tail = rest.lstrip(string.digits)
    digits = rest[: len(rest) - len(tail)]
    reverse = tail[:1] in ("r", "R")
    delimiters = tail[1:] if reverse else tail
    if not letter or letter.lower() not in "slodiphcrtv" or delimiters.strip(_DELIMITERS):
        raise MalformedError(body)
    if digits and not digits.strip("0"):  # 7.3: the number must not be zero
        raise MalformedError(body)
    # Four digits are more than any name has labels, and int() refuses some thousands of them.
    parts = int(digits.lstrip("0")[:4]) if digits else 0
    return _Macro(letter.lower(), parts, reverse, delimiters or ".", letter.isupper())


def expand(spec: str, domain: str) -> str:
    """The target-name of a domain-spec (4.8, 7.3); lower-case, without trailing dot.

    Raises Undecidable for macros that need more than the domain.
    """
    pieces = _pieces(spec or "%{d}")
    name = "".join(p if isinstance(p, str) else _value(p, domain) for p in pieces)
    name = normal_name(name)
    while len(name) > 253 and "." in name:  # 7.3: labels go from the left until it fits
        name = name.partition(".")[2]
    return name


def _value(macro: _Macro, domain: str) -> str:
    if macro.letter in _LITERALS:
        return _LITERALS[macro.letter]
    if macro.letter != "d":
        raise Undecidable(macro.letter)
    for delimiter in macro.delimiters[1:]:
        domain = domain.replace(delimiter, macro.delimiters[0])
    parts = domain.split(macro.delimiters[0])
    parts = parts[::-1] if macro.reverse else parts
    value = ".".join(parts[-macro.parts :])
    return quote(value, safe="") if macro.escaped else value


def normal_name(name: str) -> str:
    """A name as zones are keyed: lower-case, without the dot of the root."""
    return name.lower().removesuffix(".")


def is_name(name: str) -> bool:
    """Whether a name can be asked for at all: 1 to 63 octets a label, 253 in all."""
    return len(name) <= 253 and all(0 < len(label) <= 63 for label in name.split("."))
