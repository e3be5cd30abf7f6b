"""A name server, and what a run has learned of it. Owns: nothing else. Refuses: conclusions."""

from __future__ import annotations

from spfwhite.dns.nameservers import NameServer
from spfwhite.dns.tcp import Connections
from spfwhite.dns.timer import Timer


class Server:
    """One name server; `knows_edns` is None until it has answered a question."""

    def __init__(self, at: NameServer) -> None:
        self.at = at
        self.timer = Timer()
        self.connections = Connections(at)
        self.knows_edns: bool | None = None
