"""The assignments of a shell file, read without a shell.

Owns: `NAME=value` and `NAME+=value`, one a line: bare, in '' or in "" (in which a line may end),
with comments, and variables that the file itself has set before. Refuses: to run or expand anything
else. Such a line is a remark; behind one that could decide about the rest, as an `if` does, nothing
is read.
"""

import re
from typing import Final, NamedTuple

from spfwhite.config.values import shown
from spfwhite.wording import clipped

# Characters that variables may add to a file's values: made of each other, they grow as 2^n.
MAX_GROWTH: Final = 2**20

# Each place of a text can be read by one alternative only, so that a long text which fits nothing
# takes no longer than one that fits.
_NAME: Final = "[A-Za-z_][A-Za-z0-9_]*"
_VARIABLE: Final = rf"\$(?:{_NAME}(?![A-Za-z0-9_])|\{{{_NAME}\}})"
_QUOTED: Final = rf'[^"\\`$]*(?:(?:\\.|{_VARIABLE})[^"\\`$]*)*'  # x \" $NAME ${NAME}
_PLAIN: Final = r"""[^ \t\n'"\\`$;&|<>(){}\[\]*?~!]*"""
_BARE: Final = rf"{_PLAIN}(?:{_VARIABLE}{_PLAIN})*"
_STATEMENT: Final = re.compile(
    rf"""[ \t]*(?:(?P<name>{_NAME})(?P<adds>\+?)="""
    rf"""(?:'(?P<literal>[^']*)'|"(?P<quoted>{_QUOTED})"|(?P<bare>{_BARE}))[ \t]*)?"""
    r"""(?:(?<![^ \t\n])#[^\n]*)?(?:\n|\Z)"""
    r"""|(?P<other>[^\n]*)\n?""",
    re.DOTALL,
)
_EXPANDED: Final = re.compile(rf'\\(?:\n|(?P<escaped>["\\`$]))|\$\{{?(?P<variable>{_NAME})\}}?')

_CLOSED: Final = re.compile(r"""\\.|'[^']*'|"[^"\\]*(?:\\.[^"\\]*)*"|(?<![^ \t])#.*""")
_REACHES_ON: Final = re.compile(
    r"<<|[&|][ \t]*(?:#.*)?\Z"
    r"|\b(?:if|then|elif|else|for|while|until|do|case|select|function|exit|return|exec|break)\b"
)


class Remark(NamedTuple):
    """Something in a file that is not carried over as it stands; `line` counts from 1."""

    line: int
    text: str


class Assigned(NamedTuple):
    """A name, its last value, and the line of that assignment."""

    name: str
    value: str
    line: int


class Assignments:
    """The assignments of a shell text: `values` by name, and `remarks` on what is none."""

    def __init__(self, text: str) -> None:
        self.values: dict[str, Assigned] = {}
        self.remarks: list[Remark] = []
        self._room = MAX_GROWTH
        line = 1
        for statement in _STATEMENT.finditer(text):
            if other := statement["other"]:
                rest = ", nor is anything after it" if _reaches_on(other) else ""
                what = f"{shown(other.strip())} is more than a plain assignment"
                self._lose(line, other, f"{what}; it is not carried over{rest}")
                if rest:
                    break
            elif name := statement["name"]:
                try:
                    self.values[name] = Assigned(name, self._value(statement), line)
                except ValueError as fault:
                    self._lose(line, name, f"{clipped(name)} {fault}; it is not carried over")
            line += statement[0].count("\n")

    def _value(self, statement: re.Match[str]) -> str:
        name = statement["name"]
        before = self._variable(name) if statement["adds"] and name in self.values else ""
        if statement["literal"] is not None:
            return before + statement["literal"]
        return before + _EXPANDED.sub(
            lambda m: self._variable(m["variable"]) if m["variable"] else m["escaped"] or "",
            statement["quoted"] or statement["bare"] or "",
        )

    def _variable(self, name: str) -> str:
        if name not in self.values:
            raise ValueError(f"needs ${clipped(name)}, which the file does not set before")
        value = self.values[name].value
        self._room -= len(value)
        if self._room < 0:
            raise ValueError("is made of variables that grow too long")
        return value

    def _lose(self, line: int, statement: str, remark: str) -> None:
        self.remarks.append(Remark(line, remark))
        # in a shell the name would now have another value than it had before
        if name := re.match(rf"[ \t]*({_NAME})", statement):
            self.values.pop(name[1], None)


def _reaches_on(line: str) -> bool:
    """Whether a line leaves a quote or bracket open, or makes conditional what follows."""
    return bool(
        re.search(r"""['"\\]""", _CLOSED.sub("", line))
        or _REACHES_ON.search(line)
        or line.count("`") % 2
        or any(line.count(opening) != line.count(closing) for opening, closing in ("()", "{}"))
    )
