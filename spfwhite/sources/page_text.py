"""The visible text of a document: what a browser would show of its bytes.

Owns: character sets, and the text of HTML, JSON, CSV and plain text, with a newline wherever two
pieces do not belong together. Refuses: to know what an address is
(`spfwhite.sources.page_addresses`).

Takes linear time on any input. The standard library's HTML parser does not: up to Python 3.13 it
looks for the end of each unfinished tag anew, and 2 MiB of `</` take it hours.
"""

from __future__ import annotations

import codecs
import html
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

# Text on both sides of these is one word. Of all other elements, unknown ones included, nobody can
# tell without the style sheet: to tear an address apart is safer than to make one up.
_GLUING: Final = frozenset(
    (
        *("a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em"),
        *("font", "i", "ins", "kbd", "mark", "nobr", "q", "s", "samp", "small", "span"),
        *("strike", "strong", "time", "tt", "u", "var", "wbr"),
    )
)
_PREFORMATTED: Final = ("pre", "textarea", "listing")

# Each alternative ends at the end of the document at the latest, so that nothing is tried twice.
_MARKUP: Final = re.compile(
    r"""<(?:
        !--(?:-?>|.*?(?:--!?>|\Z))
      | [!?][^>]*>?
      | /[^A-Za-z>][^>]*>?
      | />
      | (?P<closing>/?)(?P<name>[A-Za-z][^\s/>]*)
    )""",
    re.DOTALL | re.VERBOSE,
)
_ATTRIBUTE: Final = re.compile(r"""[^=>]+|=\s*(?:"[^"]*"?|'[^']*'?|[^\s>]*)""")
_END_OF_UNSEEN: Final = {
    name: re.compile(rf"</{name}(?=[\s/>])[^>]*>?", re.IGNORECASE)
    for name in ("iframe", "noembed", "noframes", "noscript", "script", "style", "title")
}
# Shorter than what `html.unescape` takes: it raises on a number of more than 4,300 digits.
_REFERENCE: Final = re.compile(r"&#?[0-9A-Za-z]{1,32};?")
_SPACES: Final = re.compile(r"\s+")
_SELF_CLOSED: Final = re.compile(r"<[^<>]*/>")
_COMMENT_LINE: Final = re.compile(r"^[ \t]*#.*", re.MULTILINE)
_BYTE_ORDER_MARKS: Final = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_UTF16: Final = re.compile(r'charset\s*=\s*"?utf-?16(le|be)?\b', re.IGNORECASE)


def media_type(content_type: str) -> str:
    """Return the type and subtype of a Content-Type header, in lower case (RFC 9110, 8.3.1)."""
    return content_type.partition(";")[0].strip().lower()


def visible_text(content: bytes, content_type: str) -> str:
    """Return what a document shows; `content_type` is its header, of one of `MEDIA_TYPES`.

    Raises ValueError with a phrase about the document for JSON that is none.
    """
    return MEDIA_TYPES[media_type(content_type)](_decoded(content, content_type))


def _decoded(content: bytes, content_type: str) -> str:
    """Return the characters of a document.

    Addresses are ASCII and the dashes between them either UTF-8 or the 0x96 of every Windows code
    page, so only UTF-16 has to be told; some of Python's codecs take quadratic time.
    """
    codec = _BYTE_ORDER_MARKS.get(content[:2])
    declared = _UTF16.search(content_type)
    if codec is None and declared:
        codec = f"utf-16-{(declared[1] or 'le').lower()}"
    if codec is not None:
        return content.decode(codec, "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


class _Screen:
    """Takes the text and the tags of an HTML document in turn, and keeps what is shown."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self._open: Counter[str] = Counter()

    def text(self, source: str) -> None:
        if self._open["template"]:
            return
        shown = _REFERENCE.sub(lambda reference: html.unescape(reference[0]), source)
        self.parts.append(shown if self._preformatted() else _SPACES.sub(" ", shown))

    def tag(self, name: str, *, closing: bool) -> None:
        if name == "template" or name in _PREFORMATTED:
            self._open[name] = max(0, self._open[name] + (-1 if closing else 1))
        if name not in _GLUING:
            self.parts.append("\n")

    def _preformatted(self) -> bool:
        return any(self._open[name] for name in _PREFORMATTED)


def _html(source: str) -> str:
    screen = _Screen()
    position = 0
    while markup := _MARKUP.search(source, position):
        screen.text(source[position : markup.start()])
        position = markup.end()
        if markup["name"]:
            name, closing = markup["name"].lower(), bool(markup["closing"])
            position = _end_of_tag(source, position)
            if not closing and name in _END_OF_UNSEEN:
                end = _END_OF_UNSEEN[name].search(source, position)
                position = end.end() if end else len(source)
            screen.tag(name, closing=closing)
    screen.text(source[position:])
    return "".join(screen.parts)


def _end_of_tag(source: str, position: int) -> int:
    """Return where the tag ends whose name ends at a position; a `>` in quotes is no end."""
    # one by one: a repeated group would keep hundreds of octets for each attribute that it matched
    while attribute := _ATTRIBUTE.match(source, position):
        position = attribute.end()
    return position + source.startswith(">", position)


def _xhtml(source: str) -> str:
    """In XML, unlike in HTML, `<script/>` is a whole element."""
    return _html(_SELF_CLOSED.sub("\n", source))


def _json(source: str) -> str:
    """Return the texts of all values, one a line; a list stands for an object while parsing."""
    try:
        document = json.loads(source, object_pairs_hook=_object_values)
    except (ValueError, RecursionError):
        raise ValueError("is not JSON") from None
    return "\n".join(_texts(document))


def _object_values(pairs: list[tuple[str, object]]) -> list[object]:
    """Return the values but for a version: `1.2.3.4` may be one in form and in fact."""
    return [value for key, value in pairs if key.lower() != "version" or isinstance(value, list)]


def _texts(document: object) -> Iterator[str]:
    """Yield the texts in nested lists, in order."""
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            waiting.extend(reversed(value))


def _plain(source: str) -> str:
    return _COMMENT_LINE.sub("", source)


MEDIA_TYPES: Final[dict[str, Callable[[str], str]]] = {
    "text/html": _html,
    "application/xhtml+xml": _xhtml,
    "application/json": _json,
    "text/csv": _plain,
    "text/plain": _plain,
}
"""The media types that are read, each with what shows the text of a document."""
