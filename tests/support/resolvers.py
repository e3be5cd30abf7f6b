"""The name servers that people have, each in the configuration that Debian's package gives it.

What differs is whom it asks, where it listens, and that DNSSEC has no anchor: the internet here is
one of `tests.support.authorities`. Those that walk from the root do so from the hints of it; those
that forward ask its provider's resolver. Owns: how each is started by hand. Refuses: to touch any
other server of the machine; port 53 is that of a `tests.support.network`.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from tests.support.authorities import HINTS, PROVIDER, Authorities
from tests.support.network import REFUSED, Network
from tests.support.postfix_instance import PATH

STUB = "127.0.0.53"
"""Where systemd-resolved listens."""

UNBOUND = """\
server:
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: ""
  use-syslog: no
  root-hints: "{folder}/hints"
{more}
remote-control:
  control-enable: no
"""
BIND = """\
options {{
  directory "{folder}"; listen-on-v6 {{ any; }}; dnssec-validation no;
  pid-file none; session-keyfile "{folder}/session.key"; {more}
}};
controls {{ }};
zone "." {{ type hint; file "{folder}/hints"; }};
"""
KNOT = """\
net.listen('127.0.0.1', 53, {{ kind = 'dns' }})
net.listen('::1', 53, {{ kind = 'dns', freebind = true }})
modules = {{ 'hints > iterate', 'stats', 'predict' }}
cache.size = 100 * MB
trust_anchors.remove('.')
hints.root_file('{folder}/hints')
{more}
"""
RESOLVED = f"""
mkdir -p /run/dbus /run/systemd/resolve /run/systemd/resolved.conf.d
chown systemd-resolve: /run/systemd/resolve
printf '[Resolve]\\nDNS={PROVIDER}\\nDomains=~.\\n' >/run/systemd/resolved.conf.d/test.conf
exec /lib/systemd/systemd-resolved
"""
DNSDIST = "setSecurityPollSuffix('')\nsetLocal('{address}:53')\nnewServer('{upstream}')\n{more}\n"

Command = tuple[str | Path, ...]


@dataclass(frozen=True, slots=True)
class Start:
    """What a server is started with: its empty folder, more of its configuration, its address."""

    authorities: Authorities
    folder: Path
    more: str
    address: str

    def write(self, name: str, text: str) -> Path:
        """Write a file of its folder, the hints of the root beside it; return the path."""
        (self.folder / "hints").write_text(HINTS)
        path = self.folder / name
        path.write_text(
            text.format(folder=self.folder, more=self.more, address=self.address, upstream=PROVIDER)
        )
        return path


def _unbound(start: Start) -> Command:
    return "unbound", "-d", "-p", "-c", start.write("unbound.conf", UNBOUND)


def _bind(start: Start) -> Command:
    return "named", "-g", "-c", start.write("named.conf", BIND)


def _dnsmasq(start: Start) -> Command:
    own = "--no-resolv", f"--server={PROVIDER}", "--pid-file=", "--user=root", "--no-hosts"
    listen = f"--listen-address={start.address}", "--bind-interfaces", "--local-service"
    return (
        "dnsmasq",
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        *own,
        *listen,
        *start.more.split(),
    )


def _knot(start: Start) -> Command:
    return "kresd", "-n", "-c", start.write("kresd.conf", KNOT), start.folder


def _pdns(start: Start) -> Command:
    hints = start.write("named.root", HINTS)
    return (
        *("pdns_recursor", "--config-dir=/etc/powerdns", "--daemon=no", "--disable-syslog=yes"),
        *("--setuid=", "--setgid=", f"--socket-dir={start.folder}", "--dnssec=off"),
        *("--dont-query=", f"--hint-file={hints}", *start.more.split()),
    )


def _resolved(_: Start) -> Command:
    return "sh", "-euc", RESOLVED


def _dnsdist(start: Start) -> Command:
    path = start.write("dnsdist.conf", DNSDIST)
    return "dnsdist", "--supervised", "--disable-syslog", "-C", path


def _nsd(start: Start) -> Command:
    return "nsd", "-d", "-c", start.authorities.whole_zone(start.address)


@dataclass(frozen=True, slots=True)
class Resolver:
    """A kind of server: the program to look for, how it is started, where it listens by default."""

    program: str
    command: Callable[[Start], Command]
    address: str = "127.0.0.1"


RESOLVERS: Mapping[str, Resolver] = {
    "unbound": Resolver("unbound", _unbound),
    "bind9": Resolver("named", _bind),
    "dnsmasq": Resolver("dnsmasq", _dnsmasq),
    "knot-resolver": Resolver("kresd", _knot),
    "pdns-recursor": Resolver("pdns_recursor", _pdns),
    "systemd-resolved": Resolver("/lib/systemd/systemd-resolved", _resolved, STUB),
    "dnsdist": Resolver("dnsdist", _dnsdist),
    "nsd": Resolver("nsd", _nsd),
}
BELOW = "nsd", "unbound", "dnsdist"
"""What the internet of the tests is made of."""


def missing(*names: str) -> str:
    """Return why servers of these kinds cannot be started here, "" if they can."""
    wanted = [name for name in (*names, *BELOW) if not _installed(name)]
    return f"{', '.join(dict.fromkeys(wanted))} is not installed" if wanted else REFUSED


def _installed(name: str) -> bool:
    return shutil.which(RESOLVERS[name].program, path=PATH) is not None


@contextmanager
def running(
    network: Network, authorities: Authorities, name: str, *, more: str = "", address: str = ""
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server with an empty cache until the end of the block; yields when it answers.

    `more` is added to its configuration or, for those without a file, to its arguments.
    """
    at = address or RESOLVERS[name].address
    folder = Path(mkdtemp(prefix=f"{name}-", dir=network.folder))
    command = RESOLVERS[name].command(Start(authorities, folder, more, at))
    with network.daemon(name, *command, ready_at=[at]) as process:
        yield process
