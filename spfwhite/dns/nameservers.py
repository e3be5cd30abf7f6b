"""The name servers: how one is written, and those of the system.

Owns: resolv.conf(5), read by its own few lines: dnspython's reader costs 7 ms and a search list.
"""

import ipaddress
import re
import socket
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from spfwhite.errors import NoNameServerError

RESOLV_CONF: Final = Path("/etc/resolv.conf")

DNS_PORT: Final = 53
SERVER_EXAMPLES: Final = '"192.0.2.1", "192.0.2.1:5353", "[2001:db8::1]:53" or "fe80::1%eth0"'


class NameServer(NamedTuple):
    """Where questions go: an IPv4 or IPv6 address in its canonical form, and a port.

    A link-local address ends with its interface, as in `fe80::1%eth0` (RFC 4007 section 11).
    `over_tcp`: no question goes over UDP.
    """

    address: str
    port: int
    over_tcp: bool = False

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"

    def socket_address(self) -> tuple[str, int] | tuple[str, int, int, int]:
        """Return what a socket connects to; raises OSError if there is no such interface."""
        host, _, scope = self.address.partition("%")
        if not scope:
            return host, self.port
        return host, self.port, 0, int(scope) if scope.isdigit() else socket.if_nametoindex(scope)


def parse_nameserver(text: str) -> NameServer:
    """Return the name server of `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1`, `[2001:db8::1]:53`.

    Raises ValueError with a text that continues "it ...".
    """
    match = re.fullmatch(r"(?:\[(.+)\]|([0-9.]+))(?::([0-9]{1,5}))?", text)
    bracketed, dotted, port = match.groups("") if match else (text, "", "")
    try:
        address = str(ipaddress.ip_address(bracketed or dotted))
        if not re.fullmatch(r"[\w.-]{0,15}", address.partition("%")[2], re.ASCII):
            raise ValueError
    except ValueError:
        raise ValueError(f"is not a name server such as {SERVER_EXAMPLES}") from None
    number = int(port or DNS_PORT)
    if not 1 <= number <= 65535:
        raise ValueError(f"has the port {number}; a port is from 1 to 65535")
    return NameServer(address, number)


def system_nameservers(path: Path = RESOLV_CONF) -> list[NameServer]:
    """Return the name servers of resolv.conf(5), in its order; raises NoNameServerError.

    As the C library reads it: the local machine where it names none, or is not there.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        text = ""
    except OSError as error:
        advice = "give --nameserver ADDR or set dns.nameservers"
        raise NoNameServerError(f"{path} cannot be read: {error.strerror}; {advice}") from None
    lines = [line.split() for line in text.splitlines()]
    over_tcp = any(words[:1] == ["options"] and "use-vc" in words for words in lines)
    servers, local = [], NameServer("127.0.0.1", DNS_PORT)
    for words in lines:
        if words[:1] == ["nameserver"] and words[1:]:
            with suppress(ValueError):  # a typing error
                servers.append(parse_nameserver(words[1]))
    return [server._replace(over_tcp=over_tcp) for server in servers or [local]]
