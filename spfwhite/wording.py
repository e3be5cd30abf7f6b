"""Words for people: text from elsewhere as it may be shown, counts, and lengths of time.

Owns: the escaping of all but printable ASCII in what comes from DNS, files, logs and the web, so
that nothing reaches a terminal that steers it. Refuses: to know any format (JSON, TOML).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # whose `ipaddress` takes 5 ms to import: `--version` escapes errors too
    from spfwhite.networks import Networks

DAY = 86_400.0
"""Seconds."""

SHOWN: Final = 200
"""Characters of somebody's text that a message shows at most."""


def printable(text: str) -> str:
    r"""Return text with each byte (of its UTF-8) that is not printable ASCII as `\DDD`."""
    data = text.encode("utf-8", "surrogateescape")
    return "".join(chr(byte) if 32 <= byte < 127 else f"\\{byte:03d}" for byte in data)


def clipped(text: str) -> str:
    """Return text as `printable` does, cut at `SHOWN` characters."""
    text = printable(text)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def with_program(text: str, program: str) -> str:
    """Return a text with `program` in place of spfwhite where a command to copy begins."""
    return text.replace("`spfwhite ", f"`{program} ")


def many(number: int, what: str, plural: str = "s") -> str:
    """Return a number of things, with the ending of their plural unless it is one."""
    return f"{number:,} {what}{'' if number == 1 else plural}"


def counts(networks: Networks) -> str:
    """Return how many networks and addresses a set has, both families."""
    v4, v6 = networks.rules()
    addresses = many(networks.size(4), "address", "es")
    return f"{many(v4, 'IPv4 network')} ({addresses}), {v6:,} IPv6 ({networks.blocks64():,} /64s)"


def few(texts: Sequence[str], most: int, total: int = 0) -> str:
    """Return the first of many texts, and how many more there are of `total`, if not of these."""
    more = max(total, len(texts)) - most
    return ", ".join(texts[:most]) + (f" and {more:,} more" if more > 0 else "")


def cut(lines: Sequence[str], most: int, rest: str = "; -v lists them") -> Iterator[str]:
    """Yield the first of many lines, and below them how many more there are, with the `rest`."""
    yield from lines[:most]
    if len(lines) > most:
        yield f"  and {len(lines) - most:,} more{rest}"


def did_you_mean(word: str, known: Iterable[str], table: str = "") -> str:
    """Return the end of a sentence that proposes the known word that is most like this one.

    `table` is the table of the configuration in which these words are keys.
    """
    from difflib import get_close_matches  # 5 ms to import, and most runs have no fault

    near = get_close_matches(word.lower(), known, 1)
    return f"; did you mean {table}{'.' * bool(table)}{near[0]}?" if near else ""


def span(seconds: float) -> str:
    """Return a length of time in the largest unit that fits."""
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length:.0f} {unit}"
    return "1 second" if round(seconds) == 1 else f"{max(0.0, seconds):.0f} seconds"
