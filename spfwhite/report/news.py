"""Which troubles a run says: those that begin or change, and what lasts again after some days.

Owns: since when a trouble lasts, and whether it is known. Refuses: to know what is a trouble
(`spfwhite.report.report`, `spfwhite.report.notices`).
"""

import hashlib
from collections.abc import Iterable, Mapping

from spfwhite.plan.state import Told
from spfwhite.wording import DAY


class News:
    """The troubles of one run: `told` is what the next run will know, `known` what is no news.

    `before` is what the run before knew, `now` in seconds since the epoch. A trouble that lasts is
    said again after `remind_days` (0: by every run).
    """

    def __init__(self, before: Mapping[str, Told], now: float, remind_days: int) -> None:
        self.now = now
        self.told: dict[str, Told] = {}
        self.known: list[str] = []
        self._before = before
        # half a day less: a timer may start a run some minutes earlier than it did a week ago
        self._silence = (remind_days - 0.5) * DAY

    def tell(
        self, subject: str, kind: str, about: Iterable[str] = (), *, dark: bool = False
    ) -> tuple[float, bool]:
        """Note a trouble, and return since when it lasts and whether it is news.

        `subject` is a provider, a table, or "" for all of the DNS; `about` what the trouble comes
        from: if that is other than before, it is news. What is empty is so for ever. `dark`: DNS
        gave nothing at all, which is nobody's own trouble, and leaves a known one as it was.
        """
        digest = hashlib.sha256("\n".join(sorted(about)).encode()).hexdigest()[:16]
        since = said = self.now
        old = self._before.get(subject)
        if dark and old and old.kind not in (kind, "dark"):
            self.told[subject] = old
            return since, False
        if dark and not (old and old.kind == kind):
            kind = "dark"
        if old and old.kind == kind:
            since = min(old.since, since)
            digest = old.about if dark else digest
            if old.about == digest and (kind == "empty" or 0 <= said - old.said < self._silence):
                said = old.said
        self.told[subject] = Told(kind, digest, since, said)
        return since, said == self.now

    def lasting(self, subject: str, sentence: str) -> str:
        """Return a sentence that is true of every run for long, which is noted as a trouble."""
        if not self.tell(subject, "lasting")[1]:
            self.known.append(sentence)
        return sentence
