"""The name servers that people have, each beside other programs on the same server.

Each in Debian's default configuration (`tests.support.resolvers`), in a network of the benchmark's
own, above authorities that take `delay` ms for an answer; and our own server, which delays by
itself and has no cache. Owns: what is measured, and in which order. Refuses: the runs
(`tests.bench.cells`), to compare (`tests.bench.goals`) and to write (`tests.bench.servers_table`).
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.bench import prepare
from tests.bench.cells import COLD, DNSPERF, NO_CACHE, WARM, Cell, Contestants, Row, address
from tests.bench.prepare import SPFWHITE, TEN_THOUSAND, WHOLE, World
from tests.bench.rivals import SMTPCTL, Rival
from tests.bench.runs import AGAIN, BARE, FRESH
from tests.support.authorities import Authorities
from tests.support.cli import overlay
from tests.support.internet import BIG, Internet, big, internet
from tests.support.network import Network
from tests.support.postfix_instance import PATH
from tests.support.resolvers import RESOLVERS, missing, running

OWN = "our own server"
SLOW = "dnsdist, {} ms an answer"
SLOWNESS = (800, 1500)
TRUNCATED = f"{BIG} truncated answers"
LARGE_ON = ("unbound", "dnsmasq")


class Bench:
    """All measurements; `rounds` times each, but once what takes long."""

    def __init__(self, folder: Path, smtpctl: Rival | None, rounds: int) -> None:
        self.by = Contestants(folder, smtpctl)
        self._folder = folder
        self._rounds = rounds

    def ten_thousand(self, delays: Sequence[int]) -> None:
        """Measure 10,000 domains on two servers, once each.

        Without smtpctl: it sends all at once, and waits minutes for what that has cost.
        """
        world = self._prepared(TEN_THOUSAND)
        questions = world.folder / prepare.QUESTIONS
        with _internet_of(world) as net:
            for delay in delays:
                with net.authorities.delayed(delay):
                    for name in _installed(LARGE_ON):
                        self._round(net, world, name, delay, walks=False)
                        with running(*net, name):
                            for cache in (COLD, WARM):
                                cell = Cell(world.name, name, delay, cache, BARE)
                                self.by.bare(net.network, questions, cell)

    def truncated(self) -> None:
        """Ask every server, with a cold cache, for answers that do not fit into UDP."""
        folder = self._folder / "truncated"
        folder.mkdir()
        names = folder / prepare.DOMAINS
        names.write_text("".join(f"{domain}\n" for (domain,) in big().values()))
        self.by.questions[TRUNCATED] = BIG
        with internet(self._folder / "truncated-net") as net, net.authorities.delayed(20):
            for name in _installed(RESOLVERS):
                cell = Cell(TRUNCATED, name, 20, COLD, FRESH)
                server = f"{address(cell)}:53"
                path = overlay(folder, big(), server=server, more="[postfix]\nverify = false")
                command = [*SPFWHITE, "-c", str(path), "generate"]
                with running(*net, name):
                    self.by.generate(net.network, cell, command, folder)
                (folder / "state.json").unlink(missing_ok=True)
                (folder / prepare.TABLE).unlink(missing_ok=True)
                with running(*net, name):
                    self.by.walk(net.network, names, cell._replace(name=SMTPCTL))

    def whole_world(self, delays: Sequence[int]) -> None:
        """Measure the whole world on every server: cold and warm, without and with a state."""
        world = self._prepared(WHOLE)
        with _internet_of(world) as net:
            for delay in delays:
                self._own(net, world, delay)
                with net.authorities.delayed(delay):
                    for name in _installed(RESOLVERS):
                        for _ in range(self._rounds):
                            self._round(net, world, name, delay)
            for milliseconds in SLOWNESS:
                self._slow(net, world, milliseconds)

    def _round(
        self, net: Internet, world: World, name: str, delay: int, *, walks: bool = True
    ) -> None:
        cell = Cell(world.name, name, delay, COLD, FRESH)
        names, questions = world.folder / prepare.DOMAINS, world.folder / prepare.QUESTIONS
        with running(*net, name):
            self.by.ours(net.network, world, cell)
            self.by.ours(net.network, world, cell._replace(cache=WARM))
            self.by.ours(net.network, world, cell._replace(cache=WARM, name=AGAIN))
        with running(*net, name):
            self.by.ours(net.network, world, cell._replace(name=AGAIN))
        walking = [(self.by.walk, names, SMTPCTL)] if walks else []
        for run, asked, what in (*walking, (self.by.perf, questions, DNSPERF)):
            with running(*net, name):
                run(net.network, asked, cell._replace(name=what))
                run(net.network, asked, cell._replace(name=what, cache=WARM))

    def _own(self, net: Internet, world: World, delay: int) -> None:
        cell = Cell(world.name, OWN, delay, NO_CACHE, FRESH)
        zone = str(world.folder / prepare.ZONE)
        command = [sys.executable, "-m", "tests.support.dnsserver", zone, "--port", "53"]
        command += ["--delay-ms", str(delay)]
        with net.network.daemon("own", *command, ready_at=["127.0.0.1"]):
            for _ in range(self._rounds):
                self._once(net, world, cell)
                questions = world.folder / prepare.QUESTIONS
                self.by.perf(net.network, questions, cell._replace(name=DNSPERF))

    def _slow(self, net: Internet, world: World, milliseconds: int) -> None:
        cell = Cell(world.name, SLOW.format(milliseconds), 0, NO_CACHE, FRESH)
        more = f"addAction(AllRule(), DelayAction({milliseconds}))"
        with net.authorities.delayed(0), running(*net, "dnsdist", more=more):
            self._once(net, world, cell)

    def _once(self, net: Internet, world: World, cell: Cell) -> None:
        self.by.ours(net.network, world, cell)
        self.by.ours(net.network, world, cell._replace(name=AGAIN))
        names = world.folder / prepare.DOMAINS
        self.by.walk(net.network, names, cell._replace(name=SMTPCTL))

    def _prepared(self, name: str) -> World:
        sys.stderr.write(f"\n{name}, real name servers ")
        world = prepare.prepare(name, self._folder / f"world-{len(self.by.questions)}")
        self.by.questions[name] = world.questions
        return world


def measured(
    folder: Path, rivals: Sequence[Rival], delays: Sequence[int], rounds: int
) -> list[Row]:
    """Return all rows; what is not installed is left out."""
    if missing():
        return []
    smtpctl = next((each for each in rivals if each.name == SMTPCTL), None)
    bench = Bench(folder, smtpctl, rounds)
    bench.ten_thousand([delay for delay in delays if delay])
    bench.truncated()
    bench.whole_world(delays)
    return bench.by.rows()


def left_out() -> list[str]:
    """Return, as sentences, what cannot be measured here."""
    gaps = [f"Left out: {name}, since {why}." for name in RESOLVERS if (why := missing(name))]
    if not shutil.which(DNSPERF, path=PATH):
        gaps.append(f"Not installed: {DNSPERF}.")
    return gaps


def _installed(names: Iterable[str]) -> list[str]:
    return [name for name in names if not missing(name)]


@contextmanager
def _internet_of(world: World) -> Iterator[Internet]:
    zone = (world.folder / prepare.ZONE).read_text(encoding="utf-8")
    with Network(world.folder / "net") as network:
        authorities = Authorities(network, zone.splitlines())
        with authorities.serving():
            yield Internet(network, authorities)
