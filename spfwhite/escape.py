"""Text from elsewhere (DNS, files, logs, the web) as it may be shown.

Owns: the escaping of all but printable ASCII, so that nothing reaches a terminal that steers it.
Refuses: to know any format; JSON and TOML have their own.
"""

from __future__ import annotations

from typing import Final

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
