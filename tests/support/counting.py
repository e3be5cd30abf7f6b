"""A DNS server that knows a question that is sent again from one that is asked anew.

Refuses: to judge how often a question may be asked.
"""

from __future__ import annotations

from typing import Any

from tests.support.dnsserver import DnsServer
from tests.support.dnszone import Zone


class Counting(DnsServer):
    """Notes the ids of each question: one that is sent again keeps its id, a new one has another.

    A busy machine stops for longer than an answer may take, and then questions are sent again.
    """

    def __init__(self, zone: Zone) -> None:
        super().__init__(zone)
        self._ids: dict[bytes, set[bytes]] = {}

    def take_udp(self, wire: bytes, sender: Any) -> None:
        self._ids.setdefault(wire[2:], set()).add(wire[:2])
        super().take_udp(wire, sender)

    def reset(self) -> None:
        super().reset()
        self._ids.clear()

    @property
    def times(self) -> list[int]:
        """How often each question was asked over UDP, in no order."""
        return [len(ids) for ids in self._ids.values()]
