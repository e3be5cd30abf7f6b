"""Questions to the DNS, their answers, and the snapshot: all that a run learned from the network.

Owns: the three outcomes of a question and the JSON form of a snapshot, re-validated on load.
Refuses: any decision about what an answer means (`spfwhite.spf.list_mode`) and any input or output.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, Literal, NamedTuple, get_args

from spfwhite.errors import SnapshotError

# Types of DNS records, and PAGE: a web page, whose name is its URL and whose values are CIDRs.
RRType = Literal["TXT", "MX", "A", "AAAA", "PAGE"]

RRTYPES: Final[tuple[RRType, ...]] = get_args(RRType)

# Types of which servers that share their load give other values each time.
ROTATING: Final = frozenset(("MX", "A", "AAAA"))

SNAPSHOT_FORMAT: Final = "spfwhite-snapshot"
SNAPSHOT_VERSION: Final = 1


class Question(NamedTuple):
    """What is asked: a name in lower case without its final dot, and a type."""

    name: str
    rrtype: RRType


class Found(NamedTuple):
    """At least one record: TXT as joined text (one character an octet), MX as `10 host`.

    `left_out` counts the octets of the values that came with them and were not kept.
    """

    values: tuple[str, ...]
    left_out: int = 0

    @property
    def octets(self) -> int:
        """All octets that came, as text."""
        return self.left_out + sum(map(len, self.values))


class Void(NamedTuple):
    """An authoritative "there is none": a void lookup of RFC 7208 section 4.6.4."""

    reason: Literal["NXDOMAIN", "NODATA"]


class Failed(NamedTuple):
    """No answer to be had: a time-out, SERVFAIL, ...; `reason` is a phrase for people."""

    reason: str


Answer = Found | Void | Failed
Answers = Mapping[Question, Answer]

NOT_ASKED: Final = Failed("was not asked")


_LABEL = re.compile(r"[!-\[\]-~]{1,63}")


def name_fault(name: str) -> str | None:
    """Return why `name` cannot be asked for, or None (RFC 7208 section 4.3, RFC 1035).

    Only printable ASCII without the backslash is taken: everything else would have two spellings.
    """
    if len(name) > 253:
        return "is longer than 253 characters"
    for label in name.split("."):
        if not _LABEL.fullmatch(label):
            if not label:
                return "has an empty label"
            return "has a label over 63 characters" if len(label) > 63 else "has a bad character"
    return None


def canonical(name: str) -> str:
    """Return the spelling in which names are compared: lower case, no final dot."""
    return name.lower().removesuffix(".")


def mx_hosts(answer: Found) -> list[str]:
    """Return the exchange hosts, best preference first; a null MX (RFC 7505) gives none."""
    pairs = (value.partition(" ") for value in answer.values)
    return [host for _, host in sorted((int(number), host) for number, _, host in pairs) if host]


def snapshot_to_json(answers: Answers) -> dict[str, Any]:
    """Return the snapshot as a JSON object, in a stable order."""
    return {
        "format": SNAPSHOT_FORMAT,
        "version": SNAPSHOT_VERSION,
        "answers": {
            f"{question.name} {question.rrtype}": answer_to_json(answer)
            for question, answer in sorted(answers.items())
        },
    }


def answer_to_json(answer: Answer) -> dict[str, Any]:
    """Return one answer as a JSON object of found (and perhaps left_out), void or failed."""
    match answer:
        case Found(values, left_out):
            return {"found": list(values)} | ({"left_out": left_out} if left_out else {})
        case Void(reason):
            return {"void": reason}
        case Failed(reason):
            return {"failed": reason}


def snapshot_from_json(data: object) -> dict[Question, Answer]:
    """Return the answers of a snapshot; raises SnapshotError on anything but our own form."""
    fields = data if isinstance(data, dict) else {}
    form, version, answers = (fields.get(key) for key in ("format", "version", "answers"))
    if form != SNAPSHOT_FORMAT or not isinstance(version, int) or not isinstance(answers, dict):
        raise SnapshotError("is not a snapshot of spfwhite")
    if version != SNAPSHOT_VERSION:
        raise SnapshotError(f"is a snapshot of version {version}; this spfwhite reads version 1")
    return {question_from_text(key): answer_from_json(key, value) for key, value in answers.items()}


def question_from_text(text: str) -> Question:
    """Return the question of a key like `example.org TXT`; raises SnapshotError."""
    name, _, kind = text.partition(" ")
    if kind == "PAGE":
        is_asked = re.fullmatch(r"https?://[!-~]{3,2000}", name) is not None
    else:
        is_asked = name == canonical(name) and name_fault(name) is None
    for rrtype in RRTYPES:
        if kind == rrtype and is_asked:
            return Question(name, rrtype)
    raise SnapshotError(f"has an answer to {text[:80]!a}, which is no question of ours")


def answer_from_json(key: str, data: object) -> Answer:
    """Return one answer, its values checked for the type in `key`; raises SnapshotError."""
    match data:
        case {"found": [_, *_] as values, **more} if all(
            isinstance(value, str) and VALID[key.rpartition(" ")[2]](value) for value in values
        ):
            left_out = more.get("left_out", 0)
            if type(left_out) is int and left_out >= 0:
                return Found(tuple(values), left_out)
        case {"void": ("NXDOMAIN" | "NODATA") as reason}:
            return Void(reason)
        case {"failed": str(reason)}:
            return Failed(reason)
    raise SnapshotError(f"has a bad answer for {key[:80]!a}")


def _reads(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True


# For each type whether a text is a value of it: nothing else is read from a file.
VALID: Final[Mapping[str, Callable[[str], bool]]] = {
    "TXT": lambda text: max(text, default="") < "\u0100",
    "MX": lambda text: re.fullmatch(r"[0-9]{1,5} [!-~]*", text) is not None,
    "A": partial(_reads, ipaddress.IPv4Address),
    "AAAA": partial(_reads, ipaddress.IPv6Address),
    "PAGE": partial(_reads, ipaddress.ip_network),
}
