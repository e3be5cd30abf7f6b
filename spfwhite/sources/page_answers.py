"""What asking for a web page gives: its addresses, "unchanged", or a failure.

Owns: the outcomes of one fetch and the header texts that may be kept for the next one. Refuses: to
fetch (`spfwhite.sources.pages`), to read (`spfwhite.sources.page_text`,
`spfwhite.sources.page_addresses`), to remember.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from spfwhite.dns.answers import Failed


class Page(NamedTuple):
    """The networks that a page lists, and the validators of RFC 9110 section 8.8 it came with.

    `networks` are CIDRs as text without host bits, in the order of the page, each once and not
    joined, so that a width can be judged entry by entry; at least one. `etag` and `last_modified`
    are header values as the server sent them, "" for none.
    """

    networks: tuple[str, ...]
    etag: str = ""
    last_modified: str = ""


class Unchanged(NamedTuple):
    """The page is what it was when it gave the validators that were sent (304)."""


PageAnswer = Page | Unchanged | Failed


def is_validator(text: str) -> bool:
    """Tell whether a header value can be kept and sent back; what is not is no harm to lose."""
    return re.fullmatch(r"[!-~](?:[ -~]{0,498}[!-~])?", text) is not None
