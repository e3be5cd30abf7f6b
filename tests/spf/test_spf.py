"""The grammar of RFC 7208 section 12, as tables of what it takes and what it refuses."""

from __future__ import annotations

from itertools import product

import pytest

from spfwhite.networks import Networks
from spfwhite.spf import record as spf
from spfwhite.spf.record import (
    All,
    Body,
    ByClient,
    Hosts,
    Ignored,
    Include,
    Ip,
    Malformed,
    Redirect,
)


def term(text: str) -> spf.Term:
    (one,) = spf.parse(f"v=spf1 {text}").terms
    return one


def body(text: str) -> Body:
    return term(text).body


@pytest.mark.parametrize(
    ("text", "qualifier"),
    [("all", "+"), ("+all", "+"), ("-all", "-"), ("~all", "~"), ("?all", "?"), ("x=y", "+")],
)
def test_a_term_without_a_qualifier_has_plus(text: str, qualifier: str) -> None:
    assert term(text).qualifier == qualifier


BY_CLIENT = ByClient("is decided by the client")
GOOD: list[tuple[str, Body]] = [
    ("all", All()),
    ("ALL", All()),
    ("include:example.org", Include("example.org")),
    ("INCLUDE:Example.ORG.", Include("Example.ORG.")),
    ("include:_spf.%{d2}", Include("_spf.%{d2}")),
    ("include:a=b.example.org", Include("a=b.example.org")),
    ("a", Hosts("a", None, 32, 128)),
    ("A", Hosts("a", None, 32, 128)),
    ("a/24", Hosts("a", None, 24, 128)),
    ("a/0", Hosts("a", None, 0, 128)),
    ("a//64", Hosts("a", None, 32, 64)),
    ("a//0", Hosts("a", None, 32, 0)),
    ("a/24//64", Hosts("a", None, 24, 64)),
    ("a/32//128", Hosts("a", None, 32, 128)),
    ("a:example.org", Hosts("a", "example.org", 32, 128)),
    ("a:example.org./24", Hosts("a", "example.org.", 24, 128)),
    ("a:example.org/24//64", Hosts("a", "example.org", 24, 64)),
    ("a:x/y.example.org/24", Hosts("a", "x/y.example.org", 24, 128)),
    ("a:x:8080/24.example.org", Hosts("a", "x:8080/24.example.org", 32, 128)),
    ("a:%{d}", Hosts("a", "%{d}", 32, 128)),
    ("a:%{d}/24", Hosts("a", "%{d}", 24, 128)),
    ("a:example.xn--zckzah", Hosts("a", "example.xn--zckzah", 32, 128)),
    ("a:example.1-2", Hosts("a", "example.1-2", 32, 128)),
    ("a:example.1a", Hosts("a", "example.1a", 32, 128)),
    ("a:example.a1", Hosts("a", "example.a1", 32, 128)),
    ("a:example..org", Hosts("a", "example..org", 32, 128)),
    ("a:.org", Hosts("a", ".org", 32, 128)),
    ("a:!#$&'()*,;<>?@[]^`{|}~.org", Hosts("a", "!#$&'()*,;<>?@[]^`{|}~.org", 32, 128)),
    ("mx", Hosts("mx", None, 32, 128)),
    ("Mx:example.org//48", Hosts("mx", "example.org", 32, 48)),
    ("ptr", BY_CLIENT),
    ("PTR:example.org", BY_CLIENT),
    ("exists:%{ir}.sbl.example.org", BY_CLIENT),
    ("EXISTS:%{l1r-}.%{d}", BY_CLIENT),
    ("redirect=example.org", Redirect("example.org")),
    ("REDIRECT=%{d}", Redirect("%{d}")),
    ("exp=explain.%{d}", Ignored()),
    ("x=", Ignored()),
    ("moo.cow-Far_out=man:dog/cat", Ignored()),
    ("x=%{s}%%%_%-%{IR}", Ignored()),
    ("x==", Ignored()),
]


@pytest.mark.parametrize(("text", "expected"), GOOD)
def test_the_grammar_takes(text: str, expected: Body) -> None:
    assert (type(body(text)), body(text)) == (type(expected), expected)


@pytest.mark.parametrize(
    ("text", "cidr", "prefix"),
    [
        ("ip4:192.0.2.1", "192.0.2.1/32", 32),
        ("IP4:192.0.2.1/32", "192.0.2.1/32", 32),
        ("ip4:255.255.255.255/9", "255.128.0.0/9", 9),
        ("ip4:192.0.2.77/24", "192.0.2.0/24", 24),
        ("ip4:1.2.3.4/0", "0.0.0.0/0", 0),
        ("ip6:::1", "::1/128", 128),
        ("ip6:2001:db8::1", "2001:db8::1/128", 128),
        ("IP6:2001:DB8::/32", "2001:db8::/32", 32),
        ("ip6:2a01:111:f400:7c00::/48", "2a01:111:f400::/48", 48),
        ("ip6:1:2:3:4:5:6:7:8/127", "1:2:3:4:5:6:7:8/127", 127),
        ("ip6:64:ff9b::192.0.2.1", "64:ff9b::c000:201/128", 128),
    ],
)
def test_an_address_or_network_is_taken_and_its_host_bits_masked(
    text: str, cidr: str, prefix: int
) -> None:
    assert body(text) == Ip(Networks.parse([cidr]), 6 if ":" in cidr else 4, prefix)


@pytest.mark.parametrize("text", ["ip6:::ffff:192.0.2.1", "ip6:::ffff:c000:201/120"])
def test_an_ip6_term_names_no_mapped_client(text: str) -> None:
    found = body(text)
    assert isinstance(found, Ip)
    assert not found.networks


BAD_IP4 = """
    ip4 ip4: ip4/24 ip4:1.2.3 ip4:1.2.3.4.5 ip4:1..3.4 ip4:1.2.3.256 ip4:1.2.3.04 ip4:01.2.3.4
    ip4:1.2.3.4/33 ip4:1.2.3.4/ ip4:1.2.3.4/032 ip4:1.2.3.4/00 ip4:1.2.3.4//32 ip4:1.2.3.4/8/8
    ip4:1.2.3.4/255.255.255.0 ip4:1.2.3.4:25 ip4:1.2.3.4,1.2.3.5 ip4:1.2.3.4-1.2.3.9 ip4:+1.2.3.4
    ip4:0x1.2.3.4 ip4:16909060 ip4:::1 ip4:example.org ip4:%{i} 1.2.3.4 ip:1.2.3.4 ipv4:1.2.3.4
"""

BAD_IP6 = """
    ip6 ip6: ip6/64 ip6::1 ip6:1.2.3.4 ip6:1::2::3 ip6:::12345 ip6:::g ip6:1:2:3:4:5:6:7 ip6:[::1]
    ip6:1:2:3:4:5:6:7:8:9 ip6:::1.2.3.256 ip6:::1.2.3 ip6:fe80::1%eth0 ip6:::1/ ip6:::1/129
    ip6:::1/064 ip6:::1//64 ip6:::1/64/64 ip6:::1/-1 2001:db8::1 ipv6:::1
"""

BAD_SHAPES = """
    all: all:example.org all/8 all. all- all% alle include include: include/24 include:x.org/24
    a: a:/24 a/24:x.org a24 aa a.x.org mx: mxx ptr: ptr/24 ptr:x.org/24 exists exists:
    exists:x.org/24 redirect:x.org -redirect=x.org -x=y 1x=y _x=y =x = : :x.org + - -- --all +-all
    !all all; all,
    example.org ip5:1.2.3.4
"""

BAD_CHARACTERS = [
    "ip4:1.2.3.\u0664",
    "ip4:1.2.3.4/\u0661",
    "ip4:1.2.3.4\n",
    "ip4:1.2.3.4/24\n",
    "ip6:::\uff11",
    "ip6:::1\n",
    "ip6:::1/\u0664",
    "all\t",
    "\tall",
    "\t",
    "a\tmx",
    "a\xa0mx",
    "all\n",
    "all\x00",
    "\u0430ll",
    "\uff41ll",
    "\u2212all",
    "\u212a=x",
    "a/2\u0664",
]


@pytest.mark.parametrize(
    "text", [*BAD_IP4.split(), *BAD_IP6.split(), *BAD_SHAPES.split(), *BAD_CHARACTERS]
)
def test_the_grammar_refuses(text: str) -> None:
    assert isinstance(body(text), Malformed)


BAD_LENGTHS = "/ // /24/ /24// /24/64 ///64 //64/24 /24//64/ /33 //129 /024 /00 //064 /-1 /+1 /x"


@pytest.mark.parametrize("start", ["a", "mx", "a:example.org", "mx:%{d}"])
def test_the_grammar_refuses_a_dual_cidr_length(start: str) -> None:
    for length in [*BAD_LENGTHS.split(), "/" + "9" * 5000]:
        assert isinstance(body(start + length), Malformed), start + length


BAD_DOMAINS = """
    foo foo. foo.1 foo.123 foo.-a foo.a- foo.a_b foo.org.. . % %x.org x%.org %{ %{} %{d %{d}x %%{d}
    %{d0} %{d00r} %{d0}.x.org x.%{d0}.org %{x} %{1} %{d-r} %{dr2} %{drr} %{2d} %{dd} %{d:} %{d2}%
    %{c} %{r} %{t} %{C}.x.org %{R}.x.org %{T}.x.org
"""

DOMAINS_OF_BAD_CHARACTERS = [
    "x\xe9.org",
    "x.o\u0433g",
    "x.\uff11a",
    "x\x7f.org",
    "x\x01.org",
    "x\t.org",
    "x.org\t",
    "x.org\n",
    "%{d\u0662}.x.org",
    "%{d}\n",
]


@pytest.mark.parametrize("start", ["include:", "a:", "mx:", "ptr:", "exists:", "redirect=", "exp="])
def test_the_grammar_refuses_a_domain(start: str) -> None:
    for domain in [*BAD_DOMAINS.split(), *DOMAINS_OF_BAD_CHARACTERS]:
        assert isinstance(body(start + domain), Malformed), start + domain


BAD_MACRO_STRINGS = ["%", "%x", "%{", "%{}", "%{d", "%{c}", "%{d}%", "\xe9", "\x7f", "a\tb", "a\n"]


@pytest.mark.parametrize("value", BAD_MACRO_STRINGS)
def test_the_grammar_refuses_a_value_of_an_unknown_modifier(value: str) -> None:
    assert isinstance(body(f"x={value}"), Malformed)


@pytest.mark.parametrize("qualifier", "+-~?")
def test_a_malformed_directive_keeps_its_qualifier(qualifier: str) -> None:
    for text in ("ip4:1.2.3", "nothing", "!"):
        found = term(qualifier + text)
        assert isinstance(found.body, Malformed)
        assert found.qualifier == qualifier


@pytest.mark.parametrize("letter", "slodiphvSLODIPHV")
def test_every_macro_of_section_7_is_taken(letter: str) -> None:
    transformers, delimiters = ["", "1", "2r", "r", "R", "128", "01"], ["", ".", "-.+,/_="]
    for transformer, delimiter in product(transformers, delimiters):
        macro = f"%{{{letter}{transformer}{delimiter}}}"
        assert isinstance(body(f"exists:{macro}"), ByClient)
        assert body(f"include:{macro}.example.org") == Include(f"{macro}.example.org")
