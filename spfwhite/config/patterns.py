"""Patterns of host names: `{1..99}.mo{1..300}.mail-out.ovh.net` as the names that it stands for.

Owns: the pattern language, and how many names one pattern may stand for. Refuses: to ask for any.
"""

import itertools
import math
import re
from collections.abc import Sequence
from typing import Final

from spfwhite.config.values import parse_domain
from spfwhite.wording import clipped

MAX_NAMES: Final = 100_000


def expand(pattern: str, cap: int = MAX_NAMES) -> list[str]:
    """Return the host names of a pattern in its order, in lower case without a trailing dot.

    `{1..20}` counts, `{01..20}` with leading zeros, `{a,b}` lists; braces do not nest. Raises
    ValueError with a text that continues "it ...": for a pattern that is malformed, that stands
    for more than `cap` names (counted before any is made), or for one that is no host name.
    """
    pieces = re.split(r"\{([^{}]*)\}", pattern)
    if any(brace in text for text in pieces[::2] for brace in "{}"):
        raise ValueError("has a brace without its partner, or braces in braces")
    # re.split gives plain text and the inside of braces by turns
    choices = [_choices(text) if at % 2 else ([text], 0) for at, text in enumerate(pieces)]
    if math.prod(len(each) for each, _ in choices) > cap:
        raise ValueError(f"stands for more than {cap:,} names")
    texts = itertools.product(*([str(one).zfill(width) for one in each] for each, width in choices))
    return [_host("".join(parts)) for parts in texts]


def parse_pattern(text: str) -> str:
    """Return a pattern as it is; raises ValueError as `expand` does."""
    expand(text)
    return text


def _choices(inside: str) -> tuple[Sequence[object], int]:
    """Return what braces stand for, and to how many digits it is filled with zeros."""
    if "," in inside:
        return inside.split(","), 0
    match = re.fullmatch(r"([0-9]{1,9})\.\.([0-9]{1,9})", inside)
    if match is None:
        raise ValueError(f"has {{{clipped(inside)}}}, which is neither {{1..20}} nor {{a,b}}")
    first, last = match.groups()
    if int(first) > int(last):
        raise ValueError(f"has {{{inside}}}, which ends before it begins")
    padded = any(len(end) > 1 and end.startswith("0") for end in (first, last))
    return range(int(first), int(last) + 1), max(len(first), len(last)) if padded else 0


def _host(name: str) -> str:
    try:
        return parse_domain(name)
    except ValueError as fault:
        raise ValueError(f"stands for {clipped(name)}, which {fault}") from None
