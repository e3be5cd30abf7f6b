"""The oracle's grammar and macros against cases worked by hand from RFC 7208, sections 7 and 12."""

from __future__ import annotations

import pytest

from tests.support.oracle_parse import MalformedError, Undecidable, expand, is_name, parse_term

_LABEL = "l" * 49

MALFORMED = {
    "no mechanism of that name": "a.test",
    "no name at all": "-",
    "a modifier begins with a letter": "1x=y",
    "a modifier needs a name": "=x",
    "a modifier takes no qualifier": "-redirect=b.test",
    "ip4 needs an address": "ip4:",
    "ip4 has four parts": "ip4:192.0.2",
    "ip4 has no fifth part": "ip4:192.0.2.1.1",
    "an octet has no leading zero": "ip4:192.0.2.01",
    "an octet ends at 255": "ip4:192.0.2.256",
    "a length has no leading zero": "ip4:192.0.2.0/024",
    "length zero is one digit": "ip4:192.0.2.0/00",
    "an IPv4 length ends at 32": "ip4:192.0.2.0/33",
    "a length is a number": "ip4:192.0.2.0/+4",
    "a slash wants a length": "ip4:192.0.2.0/",
    "ip4 is no IPv6": "ip4:2001:db8::1",
    "ip6 is no IPv4": "ip6:192.0.2.1",
    "ip6 has no scope": "ip6:fe80::1%eth0",
    "an IPv6 length ends at 128": "ip6:::/129",
    "ip6 leaves out once": "ip6:1::2::3",
    "a domain has two labels": "a:test",
    "a toplabel is not all digits": "a:b.123",
    "a toplabel begins with no hyphen": "a:b.-c",
    "a toplabel ends with no hyphen": "a:b.c-",
    "a toplabel has no underscore": "a:b.c_d",
    "only one dot may follow": "a:b.test..",
    "no dot may follow a macro": "a:%{d}.",
    "a lone percent": "a:%.test",
    "an unknown macro letter": "a:%{x}.test",
    "a macro without letter": "a:%{}.test",
    "an open macro": "a:%{d.test",
    "zero parts": "a:%{d0}.test",
    "the transformer before the number": "a:%{dr2}.test",
    "an unknown delimiter": "a:%{d;}.test",
    "c is for explanations only": "a:%{c}.test",
    "a length with zeros behind a domain": "a:b.test/024",
    "an IPv6 length with zeros": "mx//064",
    "three slashes": "a///64",
    "ptr takes no length": "ptr/24",
    "exists needs a domain": "exists",
}
WELL_FORMED = {
    "a toplabel of digits and a hyphen": "a:b.1-2",
    "underscores below": "include:_spf.b.test",
    "a macro may end a domain": "a:b.%{d}",
    "an escape may end a domain": "a:b%%",
    "a macro with all it can have": "a:%{D127R.-+,/_=}.test",
    "a length behind a macro": "a:%{d/}/24//64",
    "an equals sign in a domain": "include:x=y.test",
    "embedded IPv4": "ip6:2001:db8::192.0.2.1/96",
    "the widest": "ip6:::/0",
    "the names of mechanisms as modifiers": "ip4=192.0.2",
    "a number beyond int()": "a:%{d" + "9" * 5000 + "}",
}
EXPANSIONS = {
    "%{d}": "strong.mail-host.a.test",
    "%{d4}": "strong.mail-host.a.test",
    "%{d9}": "strong.mail-host.a.test",
    "%{d2}": "a.test",
    "%{d1}.x": "test.x",
    "%{dr}": "test.a.mail-host.strong",
    "%{d2r}": "mail-host.strong",
    "%{D1R}.X.": "strong.x",
    "%{d-}": "strong.mail.host.a.test",
    "%{d1-}": "host.a.test",
    "%{dr-}": "host.a.test.strong.mail",
    "%{d2.-}": "a.test",
    "%{d3.-}": "host.a.test",
    "%{d1,}": "strong.mail-host.a.test",
    "x.%{d1}%%%_%-.test": "x.test% %20.test",
    "": "strong.mail-host.a.test",
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED.keys())
def test_the_grammar_does_not_derive(text: str) -> None:
    with pytest.raises(MalformedError):
        parse_term(text)


@pytest.mark.parametrize("text", WELL_FORMED.values(), ids=WELL_FORMED.keys())
def test_the_grammar_derives(text: str) -> None:
    assert parse_term(text).qualifier == "+"


@pytest.mark.parametrize(("spec", "name"), EXPANSIONS.items())
def test_a_domain_spec_expands_as_section_7_says(spec: str, name: str) -> None:
    assert expand(spec, "strong.mail-host.a.test") == name


@pytest.mark.parametrize("letter", "slopihvSLOPIHV")
def test_a_macro_of_the_connection_is_undecidable(letter: str) -> None:
    with pytest.raises(Undecidable):
        expand(f"%{{{letter}}}.test", "a.test")


def test_an_upper_case_macro_is_url_escaped() -> None:
    assert expand("%{D}", "x+y_z.test") == "x%2by_z.test"


def test_a_name_over_253_octets_loses_labels_from_the_left() -> None:
    name = ".".join([_LABEL] * 5) + ".ab"
    assert expand("y.x.%{d}", name) == expand("x.%{d}", name) == name


def test_a_name_of_253_octets_is_kept_whole() -> None:
    name = ".".join([_LABEL] * 5) + ".abc"
    assert (len(name), expand(name, "a.test")) == (253, name)


@pytest.mark.parametrize("name", ["", "a..test", ".test", "l" * 64 + ".test"])
def test_a_name_with_an_empty_or_long_label_is_none(name: str) -> None:
    assert not is_name(name)
