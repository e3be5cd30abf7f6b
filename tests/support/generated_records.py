"""Hypothesis strategies for the text of SPF records in a small world of few names.

Owns the pools of terms and the order that records put them in. Refuses to know what a zone
answers, and what a record means, except where `World` asks for worlds without some trouble.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from hypothesis import strategies as st

from tests.support.oracle_parse import expand

_MACROS = (
    *("%{d}", "%{D2}", "%{d1r}.test", "%{d1R}.b.test", "%{d1-}", "%{d3r}", "b.%{d}", "%{d/-}"),
    "x-%{d9}",
)
_IP4 = (
    *(f"192.0.2.{host}" for host in (0, 1, 5, 16, 17, 64, 128, 200, 255)),
    *(f"192.0.2.{host}/{length}" for host in (0, 5, 77, 128) for length in (24, 25, 28, 29, 31)),
    *("198.51.100.7", "198.51.100.7/31", "198.51.100.9/24", "198.51.100.0/32", "192.0.2.9/0"),
)
_IP6 = (
    *("2001:db8::", "2001:db8::1", "2001:DB8::/32", "2001:db8::1/64", "2001:db8::7/126"),
    *("2001:db8:0:1::/64", "2001:db8:0:1::9/60", "2001:db8:0:2::/63", "2001:db8::192.0.2.1/48"),
    *("2001:0db8:0000:0001:0000:0000:0000:0009/127", "::/0"),
    *("::ffff:192.0.2.0/120", "::fffe:0:0/95"),  # IPv4-mapped ones, which no ip6 term passes
)
_CIDRS = (
    *("", "", "", "", "", "/24", "/28", "/31", "/0", "/32//128"),
    *("//64", "//127", "/28//48", "/30//126", "//0"),
)
_MALFORMED = (
    *("ip4:192.0.2", "ip4:192.0.2.0/33", "ip4:192.0.2.01", "ip4:192.0.2.0/024", "ip4:2001:db8::1"),
    *("ip4", "ip4:", "ip4:192.0.2.0/", "ip4:192.0.2.0//24", "-ip4:192.0.2.256", "ip4:192.0.2.1,"),
    *("ip6:192.0.2.1", "ip6:2001:db8::/129", "ip6:2001:db8:::1", "ip6:fe80::1%eth0", "ip6:::/00"),
    *("include", "include:", "include:b.test/24", "-include:b", "include:b.1", "a:", "a/"),
    *("a:b.test/024", "a//129", "a/24/64", "mx/33", "mx:b.test//064", "a:%{x}.test", "a:%{d"),
    *("a:%{d0}.test", "a:%d.test", "+", "=x", "all:x", "-all/8", "ptr/24", "exists", "foo"),
    *("a.test", "?foo:bar", "++all", "-redirect=b.test", "1x=y", "foo=%", "a:b\xe9.test"),
    *("\t", "ip4:192.0.2.0\t"),
)
_UNDECIDABLE = (
    "ptr",
    "ptr:b.test",
    "exists:%{i}.b.test",
    "exists:a.test",
    "a:%{l}.test",
    "mx:%{h}",
)
_UNDECIDABLE_INCLUDES = ("include:%{s}.test", "include:%{i}.a.test")
_IGNORED = (
    *("foo=bar", "ra=postmaster", "x.y-z_=%{i}/%%", "all=b.test", "ip4=192.0.2.0/24", "m="),
    *("exp=explain.%{d}", "exp=%{i}.a.test"),
)
_ALL = ("-all", "~all", "?all", "+all", "all")
_LETTER_CASES: tuple[Callable[[str], str], ...] = (str, str, str, str.upper, str.title)


@dataclass(frozen=True)
class World:
    """The names of a zone, and the kinds of trouble that it may have."""

    names: tuple[str, ...]
    malformed: bool
    failures: bool
    loops: bool
    uniform: bool
    undecidable: bool

    def targets(self, owner: str) -> tuple[str, ...]:
        """The names that an include or a redirect of a name's record may lead to."""
        return self.names if self.loops else self.names[self.names.index(owner) + 1 :]


@st.composite
def records(draw: st.DrawFn, world: World, owner: str) -> str:
    """The text of one SPF record of a name."""
    terms = draw(_directives(world, owner))
    parted = world.uniform and any(term[0] in "-?~" for term in terms)
    strays = [] if parted else draw(_redirects(world, owner))
    strays += draw(st.lists(st.sampled_from(_IGNORED), max_size=1))
    if world.malformed and draw(st.integers(0, 3)) == 3:
        strays.append(draw(st.sampled_from(_MALFORMED)))
    for term in strays:
        terms.insert(draw(st.integers(0, len(terms))), term)
    if draw(st.booleans()):
        last = st.just(len(terms))
        place = draw(st.one_of(last, last, st.integers(0, len(terms))))
        terms.insert(place, draw(st.sampled_from(_ALL)))
    return draw(_spelled(terms))


@st.composite
def _spelled(draw: st.DrawFn, terms: list[str]) -> str:
    """A record of these terms, in some letter case and with some more spaces than needed."""
    version = draw(st.sampled_from(("v=spf1", "v=spf1", "V=sPf1")))
    cased = [draw(st.sampled_from(_LETTER_CASES))(term) for term in terms]
    spaces = draw(st.sampled_from((" ", " ", "  ")))
    return spaces.join([version, *cased]) + draw(st.sampled_from(("", "", " ", "  ")))


@st.composite
def _directives(draw: st.DrawFn, world: World, owner: str) -> list[str]:
    """Directives but for "all", qualified; in the order that uniform counters need, if asked."""
    networks = draw(st.lists(_networks(), max_size=3))
    lookups = draw(st.lists(_host_terms(world, owner), max_size=2))
    includes = draw(st.lists(_includes(world, owner), max_size=2))
    any_qualifier = st.sampled_from(("", "", "", "+", "-", "~", "?"))
    if not world.uniform:
        terms = draw(st.permutations(networks + lookups + includes))
        return [draw(any_qualifier) + term for term in terms]
    passing = draw(st.permutations(networks[:1] + lookups + includes))
    parting = draw(st.lists(_host_terms(world, owner), max_size=1))
    return [
        *(draw(st.sampled_from(("", "+"))) + term for term in passing),
        *(draw(st.sampled_from("-~?")) + term for term in parting),
        *(draw(any_qualifier) + term for term in networks[1:]),
    ]


def _networks() -> st.SearchStrategy[str]:
    ip4 = st.sampled_from(_IP4).map("ip4:{}".format)
    return st.one_of(ip4, ip4, st.sampled_from(_IP6).map("ip6:{}".format))


@st.composite
def _host_terms(draw: st.DrawFn, world: World, owner: str) -> str:
    if world.undecidable and draw(st.integers(0, 4)) == 4:
        return draw(st.sampled_from(_UNDECIDABLE))
    target = draw(st.sampled_from((owner, *world.names)))
    spec = draw(st.sampled_from(["", *_spellings(owner, target)]))
    name = draw(st.sampled_from(("a", "a", "mx")))
    return name + (spec and ":" + spec) + draw(st.sampled_from(_CIDRS))


@st.composite
def _includes(draw: st.DrawFn, world: World, owner: str) -> str:
    if world.undecidable and draw(st.integers(0, 4)) == 4:
        return draw(st.sampled_from(_UNDECIDABLE_INCLUDES))
    return "include:" + draw(_targets(world, owner))


@st.composite
def _redirects(draw: st.DrawFn, world: World, owner: str) -> list[str]:
    """No redirect, one, a malformed one or two: malformed beside well-formed is left open."""
    kind = draw(st.sampled_from(["none"] * 10 + ["one"] * 4 + ["two", "malformed"]))
    if kind == "none" or not (world.malformed or kind == "one"):
        return []
    if kind == "malformed":
        return ["redirect=b.1"]
    return ["redirect=" + draw(_targets(world, owner)) for _ in range(1 + (kind == "two"))]


def _targets(world: World, owner: str) -> st.SearchStrategy[str]:
    names = world.targets(owner) or ("gone.test",)
    return st.sampled_from(names).flatmap(lambda name: st.sampled_from(_spellings(owner, name)))


@lru_cache
def _spellings(owner: str, target: str) -> list[str]:
    """Domain-specs that lead from one name to another: as they are, and by %{d}."""
    macros = [spec for spec in _MACROS if expand(spec, owner) == target]
    return [target, target, target.upper(), target + ".", *macros, *macros]
