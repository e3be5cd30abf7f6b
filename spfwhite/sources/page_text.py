"""The visible text of a document: what a browser would show of its bytes.

Owns: character sets, and the text of HTML, JSON, CSV and plain text: rows that end with a newline,
in which CELL stands between two cells. Refuses: to know what an address is
(`spfwhite.sources.page_addresses`).

Takes linear time on any input. The standard library's HTML parser does not: up to Python 3.13 it
looks for the end of each unfinished tag anew, and 2 MiB of `</` take it hours.
"""

import html
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from spfwhite.config.values import Selection
from spfwhite.sources.page_doubts import CELL

# Text on both sides of these is one word. Of all other elements, unknown ones included, nobody can
# tell without the style sheet: to tear an address apart is safer than to make one up.
_GLUING: Final = frozenset(
    (
        *("a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "data", "dfn", "em"),
        *("font", "i", "ins", "kbd", "mark", "nobr", "q", "samp", "small", "span"),
        *("strong", "time", "tt", "u", "var", "wbr"),
    )
)
_PREFORMATTED: Final = ("pre", "textarea", "listing")
_UNREAD: Final = ("template", "del", "s", "strike")
_NO_DISPLAY: Final = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_EMPTY: Final = ("area", "br", "col", "embed", "hr", "img", "input", "link", "meta", "wbr")

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
_VERSION_KEY: Final = re.compile(r"version|release|revision|build", re.IGNORECASE)
_ADDRESS_KEY: Final = re.compile(r"[0-9A-Fa-f.:]{3,39}(?:/[0-9]{1,3})?")
_CONTROL: Final = re.compile(r"[\0-\x08\x0e-\x1f]")
_COMMENT_LINE: Final = re.compile(r"^[ \t]*#.*", re.MULTILINE)


def media_type(content_type: str) -> str:
    """Return the type and subtype of a Content-Type header, in lower case (RFC 9110, 8.3.1)."""
    return content_type.partition(";")[0].strip().lower()


def visible_text(content: bytes, content_type: str, select: Selection = ()) -> str:
    """Return what a document shows; `content_type` is its header, of one of `MEDIA_TYPES`.

    `select` is what the objects of JSON have that count, with all that is in them. Raises
    ValueError with a phrase about the document for JSON that is none.
    """
    # Addresses are ASCII and the dashes between them either UTF-8 or the 0x96 of every Windows code
    # page, so no character set has to be told; some of Python's codecs take quadratic time.
    try:
        source = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        source = content.decode("cp1252", "replace")
    return _json(source, select) if select else MEDIA_TYPES[media_type(content_type)](source)


class _Screen:
    """Takes the text and the tags of an HTML document in turn, and keeps what is shown."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self._open: Counter[str] = Counter()
        self._unread, self._depth = "", 0
        self._in_row = False

    def text(self, source: str) -> None:
        if self._unread:
            return
        shown = _REFERENCE.sub(lambda reference: html.unescape(reference[0]), source)
        self.parts.append(shown if any(self._open.values()) else _SPACES.sub(" ", shown))

    def tag(self, name: str, *, closing: bool, hides: bool) -> None:
        if name == self._unread:
            self._depth += -1 if closing else 1
            self._unread = name if self._depth else ""
        elif not (self._unread or closing or name in _EMPTY) and (hides or name in _UNREAD):
            self._unread, self._depth = name, 1
        if name in _PREFORMATTED:
            self._open[name] = max(0, self._open[name] + (-1 if closing else 1))
        if name in ("tr", "table"):
            self._in_row = name == "tr" and not closing
            self.parts.append("\n")
        elif name in ("td", "th"):
            self._in_row = True
            self.parts.append(CELL)
        elif name not in _GLUING:
            self.parts.append("\v" if self._in_row else "\n")


def _html(source: str) -> str:
    screen = _Screen()
    position = 0
    while markup := _MARKUP.search(source, position):
        screen.text(source[position : markup.start()])
        position = markup.end()
        if markup["name"]:
            name, closing = markup["name"].lower(), bool(markup["closing"])
            position, hides = _end_of_tag(source, position)
            if not closing and name in _END_OF_UNSEEN:
                end = _END_OF_UNSEEN[name].search(source, position)
                position = end.end() if end else len(source)
            screen.tag(name, closing=closing, hides=hides)
    screen.text(source[position:])
    return "".join(screen.parts)


def _end_of_tag(source: str, position: int) -> tuple[int, bool]:
    """Return where the tag ends whose name ends at a position, and whether it hides its element."""
    hides, names = False, [""]
    # A `>` in quotes is no end. One by one: a repeated group would keep hundreds of octets for each
    # attribute that it matched.
    while attribute := _ATTRIBUTE.match(source, position):
        position = attribute.end()
        if attribute[0].startswith("="):
            hides = hides or (names[-1] == "style" and bool(_NO_DISPLAY.search(attribute[0])))
        else:
            names = attribute[0].lower().split() or names
            hides = hides or "hidden" in names
    return position + source.startswith(">", position), hides


def _xhtml(source: str) -> str:
    """In XML, unlike in HTML, `<script/>` is a whole element."""
    return _html(_SELF_CLOSED.sub("\n", source))


def _json(source: str, select: Selection = ()) -> str:
    """Return a row for each text of a list, and for each object its own texts and numbers."""
    try:
        document = json.loads(source, object_pairs_hook=tuple)  # what is no list is an object
    except (ValueError, RecursionError):
        raise ValueError("is not JSON") from None
    return "\n".join(_rows(document, select))


def _rows(document: object, select: Selection) -> Iterator[str]:
    """Yield the rows of what is selected, in order; all is if nothing is."""
    waiting = [(document, not select)]
    while waiting:
        value, counts = waiting.pop()
        inner: Iterable[object] = value if isinstance(value, list) else ()
        if isinstance(value, tuple):
            counts = counts or all(_has(value, key, wanted) for key, wanted in select)
            # `1.2.3.4` may be a version in form and in fact
            plain = [(key, each) for key, each in value if not _VERSION_KEY.search(key)]
            keys = (key for key, _ in value if _ADDRESS_KEY.fullmatch(key))
            inner = (each for _, each in value if isinstance(each, list | tuple))
            if counts:
                yield CELL.join([*keys, *(_cell(each) for _, each in plain)])
        elif counts and isinstance(value, str):
            yield _cell(value)
        waiting.extend((each, counts) for each in reversed([*inner]))


def _has(pairs: tuple[tuple[str, object], ...], key: str, wanted: str) -> bool:
    """Tell whether an object has a value, or has it in a list, behind a key."""
    held = [each for name, each in pairs if name == key]
    return any(wanted in (each if isinstance(each, list) else [str(each)]) for each in held)


def _cell(value: object) -> str:
    """Return a text or a whole number; a text may be HTML."""
    if isinstance(value, str):
        return _html(value) if "<" in value or "&" in value else value
    return str(value) if type(value) is int and abs(value) < 1000 else ""


def _plain(source: str) -> str:
    return re.sub(r"[\t|]", CELL, _COMMENT_LINE.sub("", source))


def _csv(source: str) -> str:
    return re.sub(r"[,;\t]", CELL, _COMMENT_LINE.sub("", source))


def _octets(source: str) -> str:
    """Return the text of a file whose server does not know what it is."""
    if _CONTROL.search(source):
        raise ValueError("is not a text")
    return _json(source) if source.lstrip()[:1] in ("{", "[") else _plain(source)


# The media types that are read, each with what shows the text of a document
MEDIA_TYPES: Final[dict[str, Callable[[str], str]]] = {
    "text/html": _html,
    "application/xhtml+xml": _xhtml,
    "application/json": _json,
    "text/csv": _csv,
    "text/plain": _plain,
    **dict.fromkeys(("application/octet-stream", "binary/octet-stream"), _octets),
}
