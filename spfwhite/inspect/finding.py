"""One finding of `spfwhite check`.

Owns: its form as text and as JSON, with nothing in it that steers a terminal. Refuses: to find.
"""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from spfwhite.wording import printable

Level = Literal["ok", "note", "warning", "error"]


class Finding(NamedTuple):
    """What was looked at, what is the matter with it, and what to do (empty: nothing)."""

    level: Level
    subject: str
    text: str
    advice: str = ""
    command: str = ""  # that does it, where postconf(1) can

    @property
    def counts(self) -> bool:
        """Whether somebody has to act."""
        return self.level in ("warning", "error")

    def lines(self) -> list[str]:
        """Return it as a line of printable ASCII, with the command, if any, below it to copy."""
        *said, command = self.as_json().values()
        return [": ".join(filter(None, said)), *([f"    {command}"] * bool(command))]

    def as_json(self) -> dict[str, str]:
        """Return it for JSON, which leaves DEL and the like as they are unless escaped before."""
        return {key: printable(value) for key, value in self._asdict().items()}


Findings = Iterator[Finding]
