"""The assignments of a shell file, read without a shell.

Owns: `name=value` with quotes, escapes, arrays, comments and variables that the file itself has set
before. Refuses: to run, source or expand anything else; what is more than a plain assignment is a
remark, and behind what could decide about the rest, as an `if` does, nothing is read.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from typing import Final

from spfwhite.config.values import shown
from spfwhite.wording import clipped

MAX_GROWTH: Final = 2**20
"""Characters that variables may add to a file's values: made of each other, they grow as 2^n."""

_NAME: Final = "[A-Za-z_][A-Za-z0-9_]*"
_VARIABLE: Final = rf"\$(?P<variable>{_NAME}|\{{{_NAME}\}})"
_ASSIGNED: Final = re.compile(rf"({_NAME})(\+?)=")
_BETWEEN: Final = re.compile(r"[ \t\n]+|\\\n|#[^\n]*")
_END: Final = re.compile(r"[ \t]*(?:(?<=[ \t])#[^\n]*)?(?:[\n;]|\Z)")
_BARE: Final = re.compile(
    rf"""(?P<plain>[^ \t\n'"\\`$;&|<>(){{}}\[\]*?~!]+)|'(?P<single>[^']*)'|(?P<quote>")"""
    rf"""|\\(?P<escaped>.)|{_VARIABLE}""",
    re.DOTALL,
)
_QUOTED: Final = re.compile(
    rf"""(?P<plain>[^"\\`$]+|\\(?![$`"\\\n]))|(?P<quote>")|\\(?P<escaped>.)|{_VARIABLE}""",
    re.DOTALL,
)

# The pieces of a line that cannot reach into the next: it leaves no quote or bracket open, has no
# here-document and no operator at its end, and no word that makes conditional what follows.
_NESTED: Final = r"""\([^()'"`\\]*\)|\{[^{}()'"`\\]*\}|`[^'"`\\]*`"""
_PLAIN: Final = r"""[^"`\\(){}]*"""
_CLOSED: Final = re.compile(
    rf"""(?<![^ \t])#.*|[^'"`\\(){{}}#]+|#|'[^']*'|"{_PLAIN}(?:(?:{_NESTED}){_PLAIN})*"|{_NESTED}"""
)
_REACHES_ON: Final = re.compile(
    r"<<|[&|][ \t]*(?:#.*)?\Z"
    r"|\b(?:if|then|elif|else|for|while|until|do|case|select|function|exit|return|exec|break)\b"
)


class _NotPlainError(Exception):
    """Shell that is more than `name=value`."""


@dataclass(frozen=True, slots=True, order=True)
class Remark:
    """Something in a file that is not carried over as it stands; `line` counts from 1."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Assigned:
    """The last value of a name, and the line of that assignment."""

    value: str
    line: int


class Assignments:
    """The assignments of a shell text: `values` by name, and `remarks` on what is none."""

    def __init__(self, text: str) -> None:
        self.values: dict[str, Assigned] = {}
        self.remarks: list[Remark] = []
        self._text = text
        self._at = 0
        self._newlines = [match.start() for match in re.finditer("\n", text)]
        self._room = MAX_GROWTH
        self._missing = ""
        while self._next() < len(text):
            self._statement(self._at, bisect_left(self._newlines, self._at) + 1)

    def _next(self) -> int:
        self._at = _end(_BETWEEN, self._text, self._at)
        return self._at

    def _matched(self, pattern: re.Pattern[str]) -> re.Match[str]:
        if match := pattern.match(self._text, self._at):
            return match
        raise _NotPlainError

    def _statement(self, start: int, line: int) -> None:
        name, self._missing = "", ""
        try:
            assigned = self._matched(_ASSIGNED)
            name = assigned[1]
            self._at = assigned.end()
            value = self._assigned(name if assigned[2] else "")
            self._at = self._matched(_END).end()
        except _NotPlainError:
            self._skip(start, line, name)
        else:
            if self._missing:
                self._lose(line, name, f"{clipped(name)} {self._missing}; it is not carried over")
            else:
                self.values[name] = Assigned(value, line)

    def _assigned(self, added_to: str) -> str:
        before = self._variable(added_to) if added_to in self.values else ""
        if self._text.startswith("(", self._at):
            return f"{before} {self._array()}"
        return before + self._word()

    def _array(self) -> str:
        self._at += 1
        words = []
        while not self._text.startswith(")", self._next()):
            before = self._at
            words.append(self._word())
            if self._at == before:
                raise _NotPlainError
        self._at += 1
        return " ".join(words)

    def _word(self) -> str:
        parts = []
        pattern = _BARE
        while piece := pattern.match(self._text, self._at):
            self._at = piece.end()
            if piece["quote"]:
                pattern = _BARE if pattern is _QUOTED else _QUOTED
            elif piece["variable"]:
                parts.append(self._variable(piece["variable"].strip("{}")))
            elif piece["escaped"] != "\n":
                parts.append(piece[str(piece.lastgroup)])
        if pattern is _QUOTED:
            raise _NotPlainError
        return "".join(parts)

    def _variable(self, name: str) -> str:
        known = self.values.get(name)
        if known is None:
            self._missing = f"needs ${clipped(name)}, which the file does not set before"
            return ""
        self._room -= len(known.value)
        if self._room < 0:
            self._missing = "is made of variables that grow too long"
            return ""
        return known.value

    def _skip(self, start: int, line: int, name: str) -> None:
        """Leave out a line, or all of the rest if the line could reach there."""
        end = self._text.find("\n", start)
        shell = self._text[start : end if end >= 0 else None]
        closed = _end(_CLOSED, shell, 0) == len(shell) and not _REACHES_ON.search(shell)
        self._at = start + len(shell) if closed else len(self._text)
        rest = "" if closed else ", nor is anything after it"
        what = f"{shown(shell.rstrip())} is more than a plain assignment"
        self._lose(line, name, f"{what}; it is not carried over{rest}")

    def _lose(self, line: int, name: str, remark: str) -> None:
        self.remarks.append(Remark(line, remark))
        # in a shell it would now have another value than it had before
        self.values.pop(name, None)


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    """Return where the matches of a pattern end that follow each other from a place on."""
    # one by one: a repeated group would keep hundreds of octets for each of them
    while match := pattern.match(text, at):
        at = match.end()
    return at
