"""The oracle's check_host() against cases worked by hand from RFC 7208, section by section."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from tests.support.oracle import TEMPFAIL, Undecidable, Zone, check_host

_LONG = ".".join(["l" * 49] * 5)  # 249 octets
Answers = dict[tuple[str, str], tuple[str, ...] | str]

NET = "192.0.2.0/24"  # holds the client, 192.0.2.1
HOST: Answers = {("h.test", "A"): ("192.0.2.1",)}
NEAR: Answers = {("h.test", "A"): ("192.0.2.200",)}
MAIL: Answers = {("m.test", "MX"): ("10 H.test.",)}


def _spf(**texts: str) -> Answers:
    """Records of further domains: `b` stands for b.test."""
    return {(f"{name}.test", "TXT"): (text,) for name, text in texts.items()}


def _many(size: int) -> Answers:
    hosts: Answers = {(f"m{i}.test", "A"): ("198.51.100.1",) for i in range(size - 1)}
    hosts[f"m{size - 1}.test", "A"] = ("192.0.2.1",)
    return hosts | {("m.test", "MX"): tuple(f"{i} m{i}.test" for i in range(size))}


Case = tuple[str, str, Answers, str]  # the fact, the record of a.test, what else is, the result

SELECTION: list[tuple[str, Answers | None, str]] = [
    ("4.3: NXDOMAIN is none", {}, "none"),
    ("4.5: no TXT data is none", {("a.test", "TXT"): ()}, "none"),
    ("4.4: a failing query is temperror", {("a.test", "TXT"): TEMPFAIL}, "temperror"),
    ("4.5: v=spf10 is another version", {("a.test", "TXT"): ("v=spf10 +all",)}, "none"),
    ("4.5: a tab ends no version", {("a.test", "TXT"): ("v=spf1\t+all",)}, "none"),
    ("4.5: the version comes first", {("a.test", "TXT"): (" v=spf1 +all",)}, "none"),
    ("4.5: the version has no case", {("a.test", "TXT"): ("V=SPF1 +all",)}, "pass"),
    ("4.5: the version may end the record", {("a.test", "TXT"): ("v=spf1",)}, "neutral"),
    ("4.5: other TXT is discarded", {("a.test", "TXT"): ("x=y", "v=spf1 -all")}, "fail"),
    ("4.5: two records", {("a.test", "TXT"): ("v=spf1 +all", "v=spf1 +all")}, "permerror"),
]
TERMS: list[Case] = [
    ("4.6: spaces between and after terms", f"v=spf1   ip4:{NET}  -all  ", {}, "pass"),
    ("4.6: an error behind the match", f"v=spf1 ip4:{NET} foo", {}, "permerror"),
    ("4.6: an error behind all", "v=spf1 +all ip4:192.0.2", {}, "permerror"),
    ("4.6: a tab parts no terms", f"v=spf1 ip4:{NET}\t-all", {}, "permerror"),
    ("4.6.1: no octets beyond ASCII", "v=spf1 a:h\xe9.test +all", HOST, "permerror"),
    ("4.6.1: mechanism names have no case", f"v=spf1 IP4:{NET} -ALL", {}, "pass"),
    ("4.6.1: a modifier takes no qualifier", "v=spf1 +x=y +all", {}, "permerror"),
    ("4.6.1: two qualifiers", "v=spf1 +-all", {}, "permerror"),
    ("4.6.2: the first match decides", f"v=spf1 -ip4:{NET} +all", {}, "fail"),
    ("4.6.2: ? is neutral", f"v=spf1 ?ip4:{NET} +all", {}, "neutral"),
    ("4.6.2: ~ is softfail", "v=spf1 ~all", {}, "softfail"),
    ("4.6.2: + is the default", "v=spf1 all", {}, "pass"),
    ("4.7: no match is neutral", "v=spf1 ip4:198.51.100.0/24", {}, "neutral"),
    ("4.8: an empty label (left open)", "v=spf1 a:b..test +all", {}, "permerror"),
    ("5.1: nothing behind all is tested", "v=spf1 -all include:gone.test", {}, "fail"),
    ("5.1: redirect is ignored before all", "v=spf1 redirect=gone.test ?all", {}, "neutral"),
    ("5.1: all takes no argument", "v=spf1 all:b.test", {}, "permerror"),
    ("5.2: an included pass matches", "v=spf1 -include:b.test", _spf(b="v=spf1 +all"), "fail"),
    ("5.2: an included fail does not", "v=spf1 include:b.test", _spf(b="v=spf1 -all"), "neutral"),
    ("5.2: nor a softfail", "v=spf1 include:b.test ~all", _spf(b="v=spf1 ~all"), "softfail"),
    ("5.2: nor a neutral", "v=spf1 include:b.test -all", _spf(b="v=spf1 ?all"), "fail"),
    ("5.2: an included permerror", "v=spf1 include:b.test +all", _spf(b="v=spf1 x"), "permerror"),
    ("5.2: an included none", "v=spf1 include:b.test +all", {}, "permerror"),
    ("5.2: a temperror", "v=spf1 include:b.test", {("b.test", "TXT"): TEMPFAIL}, "temperror"),
    ("5.2: include needs a domain", "v=spf1 include +all", {}, "permerror"),
    ("5.2: include takes no length", "v=spf1 include:b.test/24", {}, "permerror"),
    ("5.2: a colon needs a domain", "v=spf1 a: +all", {}, "permerror"),
    ("5.2: a name has no case", "v=spf1 include:B.Test.", _spf(b="v=spf1 +all"), "pass"),
    ("5.3: a matches its own domain", "v=spf1 a", {("a.test", "A"): ("192.0.2.1",)}, "pass"),
    ("5.3: a compares whole addresses", "v=spf1 a:h.test -all", NEAR, "fail"),
    ("5.3: a takes a length", "v=spf1 a:h.test/24 -all", NEAR, "pass"),
    ("5.3: the second length is for IPv6", "v=spf1 a:h.test//24 -all", NEAR, "fail"),
    ("5.3: both lengths", "v=spf1 a:h.test/24//64 -all", NEAR, "pass"),
    (
        "5.3: the bare name takes lengths",
        "v=spf1 a/0 -all",
        {("a.test", "A"): ("8.8.8.8",)},
        "pass",
    ),
    ("5.3: one slash twice", "v=spf1 a/24/64", {}, "permerror"),
    ("5.3: a length of nothing", "v=spf1 a/", {}, "permerror"),
    ("5.3: a slash may stand in a name", "v=spf1 a:x/8.test -all", {}, "fail"),
    ("5.3: a length beyond 32", "v=spf1 a/33 +all", {}, "permerror"),
    ("5.3: a length beyond 128", "v=spf1 a//129 +all", {}, "permerror"),
    ("5.3: a temperror", "v=spf1 a:h.test +all", {("h.test", "A"): TEMPFAIL}, "temperror"),
    ("5.3: the other family", "v=spf1 a:h.test -all", {("h.test", "AAAA"): TEMPFAIL}, "fail"),
    ("5.4: mx asks its hosts", "v=spf1 mx:m.test -all", HOST | MAIL, "pass"),
    ("5.4: mx takes a length", "v=spf1 mx:m.test/24 -all", NEAR | MAIL, "pass"),
    ("5.4: no MX means no address", "v=spf1 mx:h.test -all", HOST, "fail"),
    ("5.4: ten hosts", "v=spf1 mx:m.test -all", _many(10), "pass"),
    ("5.4: eleven hosts", "v=spf1 mx:m.test -all", _many(11), "permerror"),
    ("5.4: a host fails", "v=spf1 mx:m.test", MAIL | {("h.test", "A"): TEMPFAIL}, "temperror"),
    ("5.6: host bits are ignored", "v=spf1 ip4:192.0.2.77/24 -all", {}, "pass"),
    ("5.6: no length is 32", "v=spf1 ip4:192.0.2.0 -all", {}, "fail"),
    ("5.6: length 0", "v=spf1 ip4:8.8.8.8/0 -all", {}, "pass"),
    ("5.6: ip6 never names IPv4 clients", "v=spf1 ip6:::ffff:192.0.2.1 -all", {}, "fail"),
    ("6: an unknown modifier is ignored", f"v=spf1 x=1 ip4:{NET} x=1 all=9 -all", {}, "pass"),
    ("6: its value is a macro-string", "v=spf1 x=% +all", {}, "permerror"),
    ("6: its value may be empty", "v=spf1 x= +all", {}, "pass"),
    ("6: redirect twice", "v=spf1 redirect=b.test redirect=b.test +all", {}, "permerror"),
    ("6: exp twice", "v=spf1 exp=b.test exp=b.test +all", {}, "permerror"),
    ("6.1: redirect takes the result", "v=spf1 redirect=b.test", _spf(b="v=spf1 ~all"), "softfail"),
    ("6.1: redirect stands anywhere", f"v=spf1 redirect=b.test ip4:{NET}", {}, "pass"),
    ("6.1: redirect to none", "v=spf1 redirect=b.test", {}, "permerror"),
    ("6.1: redirect to nothing", "v=spf1 redirect= +all", {}, "permerror"),
    ("6.2: exp alone decides nothing", "v=spf1 exp=%{i}.b.test", {}, "neutral"),
    ("6.2: exp needs a domain-spec", "v=spf1 exp= +all", {}, "permerror"),
]
LIMITS: list[Case] = [
    ("ten terms", "v=spf1" + " a:h.test" * 10 + " +all", NEAR, "pass"),
    ("eleven terms", "v=spf1" + " a:h.test" * 11 + " +all", NEAR, "permerror"),
    ("a match before the limit", "v=spf1" + " a:h.test" * 11, HOST, "pass"),
    ("ip4, ip6, all are free", f"v=spf1{' ip4:8.8.8.8 ip6:::1' * 11} +all", {}, "pass"),
    (
        "redirect counts",
        "v=spf1" + " a:h.test" * 10 + " redirect=b.test",
        NEAR | _spf(b="v=spf1 +all"),
        "permerror",
    ),
    (
        "included terms count",
        "v=spf1 include:b.test a:h.test +all",
        NEAR | _spf(b="v=spf1" + " a:h.test" * 9),
        "permerror",
    ),
    ("mx counts once", "v=spf1" + " mx:m.test" * 10 + " +all", NEAR | MAIL, "pass"),
    ("a loop ends", "v=spf1 include:a.test", {}, "permerror"),
    ("two voids", "v=spf1 a:x.test a:y.test +all", {}, "pass"),
    ("three voids", "v=spf1 a:x.test a:y.test mx:z.test +all", {}, "permerror"),
    ("no data is void", "v=spf1 a a:x.test a:y.test +all", {("a.test", "A"): ()}, "permerror"),
    (
        "void hosts of an MX count each",
        "v=spf1 mx:m.test +all",
        {("m.test", "MX"): ("1 x.test", "2 y.test", "3 z.test")},
        "permerror",
    ),
    (
        "a null MX is not looked up",
        "v=spf1 a:x.test mx:m.test a:y.test +all",
        {("m.test", "MX"): ("0 .",)},
        "pass",
    ),
    (
        "voids of an include count",
        "v=spf1 a:x.test include:b.test a:z.test +all",
        _spf(b="v=spf1 a:y.test"),
        "permerror",
    ),
]


def _identity(cases: list[Case]) -> list[str]:
    return [case[0] for case in cases]


@pytest.mark.parametrize(
    ("zone", "result"), [c[1:] for c in SELECTION], ids=[c[0] for c in SELECTION]
)
def test_a_record_is_selected_as_section_4_says(zone: Zone, result: str) -> None:
    assert check_host(zone, "a.test", ip_address("192.0.2.1")) == result


@pytest.mark.parametrize(
    ("record", "others", "result"), [c[1:] for c in TERMS], ids=_identity(TERMS)
)
def test_terms_decide_as_sections_4_to_6_say(record: str, others: Answers, result: str) -> None:
    zone = {("a.test", "TXT"): (record,), **others}
    assert check_host(zone, "a.test", ip_address("192.0.2.1")) == result


@pytest.mark.parametrize(
    ("record", "others", "result"), [c[1:] for c in LIMITS], ids=_identity(LIMITS)
)
def test_look_ups_are_limited_as_section_4_6_4_says(
    record: str, others: Answers, result: str
) -> None:
    zone = {("a.test", "TXT"): (record,), **others}
    assert check_host(zone, "a.test", ip_address("192.0.2.1")) == result


@pytest.mark.parametrize(
    "domain", ["test", "", "a..test", ".a.test", "l" * 64 + ".test", f"{_LONG}.{_LONG}"]
)
def test_a_malformed_domain_is_none(domain: str) -> None:
    assert check_host({(domain, "TXT"): ("v=spf1 +all",)}, domain, ip_address("::1")) == "none"


def test_the_domain_has_no_case_and_may_end_in_a_dot() -> None:
    assert check_host(_spf(a="v=spf1 +all"), "A.Test.", ip_address("::1")) == "pass"


@pytest.mark.parametrize(
    ("record", "result"),
    [
        ("v=spf1 ip6:2001:db8::7/64 -all", "pass"),
        ("v=spf1 ip6:2001:db8:: -all", "fail"),
        ("v=spf1 ip4:0.0.0.0/0 -all", "fail"),
        ("v=spf1 a:h.test/0 -all", "fail"),
        ("v=spf1 a:h.test//64 -all", "pass"),
    ],
)
def test_an_ipv6_client_is_matched_by_aaaa_and_ip6(record: str, result: str) -> None:
    zone = {("h.test", "A"): ("192.0.2.1",), ("h.test", "AAAA"): ("2001:db8::9",)}
    assert check_host(zone | _spf(a=record), "a.test", ip_address("2001:db8::1")) == result


def test_a_mapped_client_is_an_ipv4_client() -> None:
    zone = _spf(a="v=spf1 -ip6:::/0 ip4:192.0.2.1")
    assert check_host(zone, "a.test", ip_address("::ffff:192.0.2.1")) == "pass"


@pytest.mark.parametrize("term", ["ptr", "exists:b.test", "a:%{i}.test", "include:%{S}.test"])
def test_what_hangs_on_the_client_is_undecidable(term: str) -> None:
    with pytest.raises(Undecidable):
        check_host(_spf(a=f"v=spf1 {term}"), "a.test", ip_address("::1"))


def test_what_is_not_reached_need_not_be_decidable() -> None:
    assert check_host(_spf(a="v=spf1 +all ptr"), "a.test", ip_address("::1")) == "pass"
