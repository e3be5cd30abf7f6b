"""A world as the internet has it: a root, top level domains and domains, on name servers of NSD.

Owns: cutting a master file into zones and serving them at 10.9.0.2 (the root), 10.9.0.3 (top level
domains) and 10.9.0.4 (domains), and all of them behind a recursive resolver with a warm cache, as
an internet provider has one, at 10.9.0.5. In front of all four stands dnsdist, which delays each
answer over UDP. Refuses: to be what is tested (`tests.support.resolvers`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.support.network import Network

ROOT, TOPS, DOMAINS, PROVIDER = ADDRESSES = "10.9.0.2", "10.9.0.3", "10.9.0.4", "10.9.0.5"
PORTS = dict(zip(ADDRESSES, (5302, 5303, 5304, 5305), strict=True))
WHOLE_PORT = 5310

SOA = "IN SOA ns-lab. hostmaster. 1 3600 600 86400 60"
HINTS = f". 3600000 IN NS ns-lab.\nns-lab. 3600000 IN A {ROOT}\n"
"""The root hints of this internet."""

NSD = """\
server:
  ip-address: {address}
  username: ""
  pidfile: ""
  zonesdir: ""
  database: ""
  logfile: "{folder}/nsd-{name}.log"
  xfrdfile: "{folder}/{name}.xfrd"
  zonelistfile: "{folder}/{name}.list"
{more}
remote-control:
  control-enable: no
"""
ZONE = 'zone:\n  name: "{name}"\n  zonefile: "{path}"\n'
PLENTY = "  tcp-count: 1500\n  rrl-ratelimit: 0\n"
"""For the servers of the internet; the one that is tested has the default configuration."""

UNBOUND = """\
server:
  interface: 127.0.0.1@{port}
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: ""
  use-syslog: no
  do-not-query-localhost: no
  module-config: "iterator"
  qname-minimisation: no
  incoming-num-tcp: 2000
  outgoing-num-tcp: 500
  outgoing-range: 8192
  num-queries-per-thread: 4096
  local-zone: "test." nodefault
  local-zone: "invalid." nodefault
stub-zone:
  name: "."
  stub-addr: 127.0.0.1@{whole}
remote-control:
  control-enable: no
"""


class Authorities:
    """The zones of a world on disk, and the servers of them."""

    def __init__(self, network: Network, lines: Iterable[str]) -> None:
        """`lines` are records of a master file, each with its absolute owner."""
        self._network = network
        self._folder = network.folder / "zones"
        self._folder.mkdir()
        records = [line for line in lines if line and line[0] not in ";$. "]
        self._write("whole", {".": [_apex(".", "ns-lab.", ROOT), *records]}, WHOLE_PORT)
        by_apex: defaultdict[str, list[str]] = defaultdict(list)
        for line in records:
            by_apex[_apex_of(line.partition(" ")[0])].append(line)
        domains = {apex: [_apex(apex, f"ns.{apex}", DOMAINS), *of] for apex, of in by_apex.items()}
        tops: defaultdict[str, list[str]] = defaultdict(list)
        roots = [_apex(".", "ns-lab.", ROOT)]
        for apex in domains:
            parent = apex.partition(".")[2]
            if not parent:
                roots += _delegation(apex, DOMAINS)
                continue
            if parent not in tops:
                tops[parent].append(_apex(parent, f"ns.{parent}", TOPS))
                roots += _delegation(parent, TOPS)
            tops[parent] += _delegation(apex, DOMAINS)
        self._write("root", {".": roots}, PORTS[ROOT])
        self._write("tops", tops, PORTS[TOPS])
        self._write("domains", domains, PORTS[DOMAINS])

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Serve the zones to `delayed` until the end of the block."""
        with ExitStack() as servers:
            for name in ("whole", "root", "tops", "domains"):
                configuration = self._folder / f"{name}.conf"
                nsd = self._network.daemon(f"nsd-{name}", "nsd", "-d", "-c", configuration)
                servers.enter_context(nsd)
            text = UNBOUND.format(port=PORTS[PROVIDER], folder=self._folder, whole=WHOLE_PORT)
            path = self._folder / "provider.conf"
            path.write_text(text)
            unbound = self._network.daemon("provider", "unbound", "-d", "-p", "-c", path)
            servers.enter_context(unbound)
            yield

    @contextmanager
    def delayed(self, milliseconds: int) -> Iterator[None]:
        """Let clients at the servers; each answer of theirs over UDP takes so long."""
        lines = ["setSecurityPollSuffix('')", "setLocal('127.0.0.9:53')"]
        if milliseconds:
            lines.append(f"addAction(AllRule(), DelayAction({milliseconds}))")
        for address, port in PORTS.items():
            lines += [
                f"addLocal('{address}:53')",
                f"newServer({{address='127.0.0.1:{port}', pool='{address}'}}):setUp()",
                f"masks = newNMG() masks:addMask('{address}/32')",
                f"addAction(NetmaskGroupRule(masks, false), PoolAction('{address}'))",
            ]
        path = self._folder / "delay.conf"
        path.write_text("\n".join(lines))
        command = "dnsdist", "--supervised", "--disable-syslog", "-C", path
        with self._network.daemon("delay", *command, ready_at=ADDRESSES):
            yield

    def whole_zone(self, address: str) -> Path:
        """Return NSD's default configuration, with all zones as one at port 53 of `address`."""
        return self._configuration("tested", address, "", {".": self._folder / "whole.zone"})

    def _write(self, server: str, zones: dict[str, list[str]], port: int) -> None:
        paths = {}
        for number, (name, lines) in enumerate(zones.items()):
            paths[name] = self._folder / f"{server}{number or ''}.zone"
            paths[name].write_text("$TTL 300\n" + "\n".join(lines) + "\n", encoding="utf-8")
        self._configuration(server, f"127.0.0.1@{port}", PLENTY, paths)

    def _configuration(self, name: str, address: str, more: str, zones: dict[str, Path]) -> Path:
        text = NSD.format(name=name, address=address, folder=self._folder, more=more)
        text += "".join(ZONE.format(name=zone, path=zones[zone]) for zone in zones)
        path = self._folder / f"{name}.conf"
        path.write_text(text)
        return path


def _apex_of(owner: str) -> str:
    """Return the zone that a name is in: the last two labels, but all of `example` is one."""
    labels = owner.rstrip(".").split(".")
    return ".".join(labels[-1:] if labels[-1] == "example" else labels[-2:]) + "."


def _apex(name: str, server: str, address: str) -> str:
    return f"{name} {SOA}\n{name} IN NS {server}\n{server} IN A {address}"


def _delegation(name: str, address: str) -> Sequence[str]:
    return f"{name} IN NS ns.{name}", f"ns.{name} IN A {address}"
