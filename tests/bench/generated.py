"""Worlds of any size in which many domains share few senders, as real mail domains do.

Owns: the shape. A twentieth as many senders as domains, used by Zipf's law, each with up to three
levels of records; most domains include one to four of them; some name their MX or web host, mostly
a sender's. One domain in a hundred has no record, one in fifty a record that needs TCP. The same
size always makes the same world. Refuses: to look like anybody in particular.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from random import Random

SENDERS_PER_DOMAIN = 1 / 20
FIRST_OCTETS = (23, 34, 40, 52, 54, 62, 77, 80, 81, 85, 91, 94, 104, 136, 149, 158, 167, 194, 208)
LARGE = 80
"""Terms of a record that does not fit into 1232 octets."""


class Generated:
    """A world of `count` domains, as their names and as the lines of a master file."""

    def __init__(self, count: int) -> None:
        self._random = Random(count)
        self._senders = max(20, int(count * SENDERS_PER_DOMAIN))
        self._weights = list(accumulate(1 / rank for rank in range(1, self._senders + 1)))
        self.domains = [f"d{number}.example" for number in range(count)]

    def lines(self) -> Iterator[str]:
        """Yield the records."""
        for number in range(self._senders):
            yield from self._sender(f"s{number}.example")
        for number, domain in enumerate(self.domains):
            if number % 100 != 99:
                yield from self._domain(domain, large=number % 50 == 0)

    def _sender(self, sender: str) -> Iterator[str]:
        blocks = self._random.choice((0, 0, 1, 2, 3))
        names = [f"_n{number}.{sender}" for number in range(blocks)]
        own = [] if names else self._networks(self._random.randint(2, 12))
        yield _txt(f"_spf.{sender}", [*(f"include:{name}" for name in names), *own])
        for name in names:
            deeper = f"_deep{name}"
            is_deep = self._random.random() < 0.1
            terms = self._networks(self._random.randint(4, 18))
            yield _txt(name, [*terms, f"include:{deeper}"] if is_deep else terms)
            if is_deep:
                yield _txt(deeper, self._networks(5))
        for number in (1, 2):
            yield from self._host(f"mx{number}.{sender}")

    def _domain(self, domain: str, *, large: bool) -> Iterator[str]:
        terms = self._networks(LARGE if large else self._random.randint(0, 3))
        if self._random.random() < 0.25:
            terms.append("mx")
            yield from self._mail_hosts(domain)
        if self._random.random() < 0.15:
            terms.append("a")
            yield from self._host(domain)
        used = self._popular(self._random.choice((0, 1, 1, 2, 2, 3, 4)))
        terms += [f"include:_spf.s{number}.example" for number in sorted(used)]
        yield _txt(domain, terms)

    def _mail_hosts(self, domain: str) -> Iterator[str]:
        if self._random.random() < 0.7:
            (sender,) = self._popular(1)
            hosts = [f"mx{number}.s{sender}.example" for number in (1, 2)]
        else:
            hosts = [f"mail.{domain}"]
            yield from self._host(hosts[0])
        for host in hosts:
            yield f"{domain}. IN MX 10 {host}."

    def _host(self, name: str) -> Iterator[str]:
        yield f"{name}. IN A {self._ipv4()}"
        if self._random.random() < 0.5:
            yield f"{name}. IN AAAA {self._ipv6()}::1"

    def _popular(self, count: int) -> set[int]:
        return set(self._random.choices(range(self._senders), cum_weights=self._weights, k=count))

    def _networks(self, count: int) -> list[str]:
        return [self._network() for _ in range(count)]

    def _network(self) -> str:
        if self._random.random() < 0.1:
            return f"ip6:{self._ipv6()}::/{self._random.choice((40, 48, 56, 64))}"
        prefix = self._random.choice((20, 22, 24, 24, 24, 26, 28, 32, 32))
        return f"ip4:{self._ipv4()}" + (f"/{prefix}" if prefix < 32 else "")

    def _ipv4(self) -> str:
        octets = [self._random.choice(FIRST_OCTETS), *self._random.choices(range(1, 255), k=3)]
        return ".".join(map(str, octets))

    def _ipv6(self) -> str:
        first, second, third = (self._random.randrange(0x100) for _ in range(3))
        return f"2a{first % 16:02x}:{second:x}:{third:x}"


def _txt(name: str, terms: list[str]) -> str:
    text = " ".join(("v=spf1", *terms, "~all"))
    strings = (text[at : at + 255] for at in range(0, len(text), 255))
    return f"{name}. IN TXT " + " ".join(f'"{string}"' for string in strings)
