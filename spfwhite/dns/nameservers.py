"""The name servers of the system.

Owns: resolv.conf(5), read by its own few lines: dnspython's reader costs 7 ms and a search list.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from spfwhite.config.values import NameServer, parse_nameserver
from spfwhite.errors import NoNameServerError

RESOLV_CONF: Final = Path("/etc/resolv.conf")


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
