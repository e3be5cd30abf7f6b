"""A network that belongs to a test alone: a loopback with addresses of its own, and its own files.

Port 53 of every address is free there, whatever else the machine runs. Owns: the namespaces, held
by a process that ends with the `with` block or with the tests; programs inside, each ended by its
own process; the kernel's counts of what crossed the loopback. `/run` is empty there and
`/etc/resolv.conf` a file of the network's own, so that nothing inside reaches the machine's name
service. Refuses: to know what a program is for (`tests.support.resolvers`).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Self

from tests.support.postfix_instance import PATH

ROOT = Path(__file__).parents[2]
PROGRAMS = "unshare", "nsenter", "ip", "nft"

HOLD = """
ip link set lo up
for last in 2 3 4 5; do ip address add 10.9.0.$last/32 dev lo; done
ip address add fe80::1/64 dev lo nodad
ip link add outside type veth peer name beyond
ip link set beyond up
ip link set outside up
ip address add 10.8.0.1/24 dev outside
mount -t tmpfs tmpfs /run
resolv=$(readlink -m /etc/resolv.conf)
case $resolv in
/run/*) mkdir -p "$(dirname "$resolv")" && : >"$resolv" ;;
esac
mount --bind "$1" "$resolv"
nft -f "$2"
echo ready
cat
exec 2>/dev/null
here=$(readlink /proc/self/ns/net)
for process in /proc/[0-9]*; do
    [ "$process" = /proc/$$ ] || [ "$(readlink "$process/ns/net")" != "$here" ] ||
        kill -KILL "${process#/proc/}" || :
done
"""
"""systemd-resolved asks nobody while loopback is all there is, so something else is.

`cat` ends when whoever started it does, however that was, and what still runs inside then is ended.
"""

CLIENTS = "{ 127.0.0.0/8 }"
COUNTING = f"""
table inet counted {{
    counter asked {{}}
    counter second {{}}
    counter connections {{}}
    counter truncated {{}}
    counter servfail {{}}
    counter refused {{}}
    chain out {{
        type filter hook output priority 0
        ip daddr {CLIENTS} udp dport 53 counter name asked
        ip daddr 127.0.0.2 udp dport 53 counter name second
        ip daddr {CLIENTS} tcp dport 53 tcp flags & (syn | ack) == syn counter name connections
        ip saddr {CLIENTS} udp sport 53 @th,86,1 1 counter name truncated
        ip saddr {CLIENTS} udp sport 53 @th,92,4 2 counter name servfail
        ip saddr {CLIENTS} udp sport 53 @th,92,4 5 counter name refused
    }}
}}
"""
"""Behind UDP's 8 octets: the TC bit and the rcode of a DNS message (RFC 1035 section 4.1.1)."""

SERVER = "7F:0035"
"""How the address of a socket of 127.0.0.0/8 at port 53 ends in proc_pid_net(5)."""

READY = """
import socket, sys, time
query = bytes.fromhex("1d2e01000001000000000000") + b"\\7version\\4bind\\0\\0\\20\\0\\3"
end = time.monotonic() + 30
while time.monotonic() < end:
    family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as asking:
        asking.settimeout(3)
        try:
            asking.connect((sys.argv[1], 53))
            asking.send(query)
            sys.exit(not asking.recv(4096))
        except OSError:
            time.sleep(0.02)
sys.exit(1)
"""
"""Asks for a name that no server has to ask anybody else for, until there is an answer."""


class Counted(NamedTuple):
    """What crossed the loopback between clients and the servers of 127.0.0.0/8.

    `asked` are queries over UDP, `second` those of them to 127.0.0.2; `dropped` are those that the
    receive buffers of servers that still run had no room for; the rest are responses over UDP.
    """

    asked: int
    second: int
    connections: int
    truncated: int
    servfail: int
    refused: int
    dropped: int

    def __sub__(self, before: Counted) -> Counted:
        return Counted(*(now - then for now, then in zip(self, before, strict=True)))


class Network:
    """The network, while the `with` block lasts; `folder` is for its files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.resolv_conf = folder / "resolv.conf"

    def __enter__(self) -> Self:
        self.folder.mkdir(exist_ok=True)
        self.use("nameserver 127.0.0.1\n")
        counting = self.folder / "counting.nft"
        counting.write_text(COUNTING)
        self._holder = subprocess.Popen(
            ["unshare", "--mount", "--net", "sh", "-euc", HOLD, "-", self.resolv_conf, counting],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._holder.stdout
        assert self._holder.stdout.readline() == b"ready\n", "no network of its own"
        return self

    def __exit__(self, *_: object) -> None:
        self._holder.communicate()

    def use(self, resolv_conf: str) -> None:
        """Write the network's `/etc/resolv.conf`."""
        self.resolv_conf.write_text(resolv_conf)

    def inside(self, *command: str | Path) -> list[str]:
        """Return the command that runs this one inside."""
        enter = ["nsenter", f"--target={self._holder.pid}", "--mount", "--net", "--root", "--wd"]
        return [*enter, *map(str, command)]

    def run(
        self, *command: str | Path, env: Mapping[str, str] | None = None, timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run a command inside to its end; `timeout` is in seconds."""
        return subprocess.run(
            self.inside(*command),
            env=environment(**(env or {})),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    @contextmanager
    def daemon(
        self, name: str, *command: str | Path, ready_at: Sequence[str] = ()
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Run a program until the end of the block; yields when it answers at these addresses."""
        with (self.folder / f"{name}.log").open("w+b") as log:
            process = subprocess.Popen(
                self.inside(*command),
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
            try:
                for address in ready_at:
                    probed = self.run(sys.executable, "-I", "-S", "-c", READY, address)
                    if probed.returncode:
                        log.seek(0)
                        said = log.read()[-2000:].decode(errors="replace")
                        raise AssertionError(f"{name} does not answer at {address}: {said}")
                yield process
            finally:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def counted(self) -> Counted:
        """Return the counts so far; the difference of two is what happened between them."""
        listed = json.loads(self.run("nft", "-j", "list", "counters").stdout)["nftables"]
        packets = {e["counter"]["name"]: e["counter"]["packets"] for e in listed if "counter" in e}
        return Counted(**packets, dropped=sum(int(row[-1]) for row in self._sockets()))

    def queued(self) -> int:
        """Return how many octets of memory hold packets that the servers have not taken yet."""
        return sum(int(row[4].partition(":")[2], 16) for row in self._sockets())

    def _sockets(self) -> list[list[str]]:
        """Return the rows of the servers' sockets in proc_pid_net(5)."""
        lines = Path(f"/proc/{self._holder.pid}/net/udp").read_text().splitlines()[1:]
        return [row for row in map(str.split, lines) if row[1].endswith(SERVER)]


def environment(**more: str) -> dict[str, str]:
    """Return ours plus `more`, without what configures the program; the checkout is importable."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("SPFWHITE_")}
    path = os.pathsep.join(filter(None, (str(ROOT), kept.get("PYTHONPATH"))))
    return kept | {"PATH": PATH, "PYTHONPATH": path} | more


def _refused() -> str:
    missing = [name for name in PROGRAMS if not shutil.which(name, path=PATH)]
    if missing:
        return f"{', '.join(missing)} is not installed"
    if os.geteuid():
        return "not root"
    tries = ["unshare", "--mount", "--net", "nft", "list", "tables"]
    tried = subprocess.run(tries, env=environment(), capture_output=True, check=False)
    return "no network namespaces with nftables here" if tried.returncode else ""


REFUSED = _refused()
"""Why there can be no network of a test's own here; "" if there can be one."""
