"""A name server, and what a run has learned of it.

Owns: how long to wait for it before its question is sent again, by the timer of RFC 6298. Refuses:
to decide what to send (`spfwhite.dns.resolver`).
"""

from typing import Final

from spfwhite.dns.nameservers import NameServer
from spfwhite.dns.tcp import Connections

# Before anything is measured, and at least: a near resolver may have to ask far away, and with
# 0.25 or 0.5 s 13 to 120 of 359 questions went out twice.
SHORTEST_SECONDS: Final = 0.7

# At most, for the first packet; the slowest lines, by satellite, take 1.5 s.
LONGEST_SECONDS: Final = 3.0

# That any packet is waited for: three doublings of the shortest. Together 10.5 s, within which
# resolvers give a dead domain up.
LONGEST_WAIT_SECONDS: Final = 5.6


class Server:
    """One name server; `knows_edns` is None until it has answered a question."""

    def __init__(self, at: NameServer) -> None:
        self.at = at
        self.connections = Connections(at)
        self.knows_edns: bool | None = None
        self._mean = self._deviation = 0.0

    def measured(self, seconds: float) -> None:
        """Take a time from a packet to its own answer (RFC 6298 section 2): each has its id."""
        if not self._mean:
            self._mean, self._deviation = seconds, seconds / 2
            return
        self._deviation += (abs(self._mean - seconds) - self._deviation) / 4
        self._mean += (seconds - self._mean) / 8

    def wait(self, timeouts: int) -> float:
        """Return how long to wait, in seconds, after so many time-outs of the same question."""
        first = min(max(SHORTEST_SECONDS, self._mean + 4 * self._deviation), LONGEST_SECONDS)
        return min(first * 2.0**timeouts, LONGEST_WAIT_SECONDS)
