"""The name servers: how one is written, and those of the system.

Owns: resolv.conf(5), read by its own few lines: dnspython's reader costs 7 ms and a search list.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from spfwhite.errors import NoNameServerError

RESOLV_CONF: Final = Path("/etc/resolv.conf")

DNS_PORT: Final = 53
SERVER: Final = re.compile(
    r"(?:\[(?P<bracketed>[0-9A-Fa-f:.]+)\]|(?P<dotted>[0-9.]+))(?::(?P<port>[0-9]{1,5}))?"
    r"|(?P<bare>[0-9A-Fa-f:.]+)"
)
SERVER_EXAMPLES: Final = '"192.0.2.1", "192.0.2.1:5353", "2001:db8::1" or "[2001:db8::1]:53"'


@dataclass(frozen=True, slots=True)
class NameServer:
    """Where questions go: an IPv4 or IPv6 address in its canonical form, and a port."""

    address: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"


def parse_nameserver(text: str) -> NameServer:
    """Return the name server of `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1`, `[2001:db8::1]:53`.

    Raises ValueError with a text that continues "it ...".
    """
    match = SERVER.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        address = str(ipaddress.ip_address(match["bracketed"] or match["dotted"] or match["bare"]))
    except ValueError:
        raise ValueError(f"is not a name server such as {SERVER_EXAMPLES}") from None
    port = int(match["port"] or DNS_PORT)
    if not 1 <= port <= 65535:
        raise ValueError(f"has the port {port}; a port is from 1 to 65535")
    return NameServer(address, port)


def system_nameservers(path: Path = RESOLV_CONF) -> list[NameServer]:
    """Return the name servers of resolv.conf(5), in its order; raises NoNameServerError."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise NoNameServerError(_advice(f"cannot be read: {error.strerror}", path)) from None
    servers = []
    for line in lines:
        match line.split():
            case ["nameserver", text, *_]:
                try:
                    servers.append(parse_nameserver(text))
                except ValueError:
                    continue  # a zone index of a link-local address, or a typing error
    if not servers:
        raise NoNameServerError(_advice("names no name server", path))
    return servers


def _advice(fault: str, path: Path) -> str:
    return f"{path} {fault}; give --nameserver ADDR or set dns.nameservers"
