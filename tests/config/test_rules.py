"""Single values: what operators write as domains, name servers and URLs."""

import pytest

from spfwhite.config.values import parse_domain, parse_url
from spfwhite.dns.nameservers import NameServer, parse_nameserver
from spfwhite.wording import printable

LONGEST = ".".join(["a" * 63] * 3 + ["b" * 61])


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("_spf.Google.COM.", "_spf.google.com"),
        ("xn--bcher-kva.test", "xn--bcher-kva.test"),
        ("1and1.a-b.test", "1and1.a-b.test"),
        (LONGEST, LONGEST),
    ],
)
def test_a_domain_is_taken_in_small_letters_without_its_last_dot(text: str, domain: str) -> None:
    assert parse_domain(text) == domain


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "test",
        "test.",
        "a..test",
        ".a.test",
        "a.test..",
        "a.test\n",
        "-a.test",
        "a-.test",
        "a" * 64 + ".test",
        LONGEST + "b",
        "*.test",
        "a\\.test",
        "a/b.test",
        "a.1",
        "b\u00fccher.test",
        "a.te\u017ft",
    ],
)
def test_what_is_no_domain_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(is|has) "):
        parse_domain(text)


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("192.0.2.1", NameServer("192.0.2.1", 53)),
        ("192.0.2.1:5353", NameServer("192.0.2.1", 5353)),
        ("2001:DB8:0::1", NameServer("2001:db8::1", 53)),
        ("[2001:db8::1]", NameServer("2001:db8::1", 53)),
        ("[2001:db8::1]:65535", NameServer("2001:db8::1", 65535)),
        ("::1", NameServer("::1", 53)),
        ("FE80::1%eth0", NameServer("fe80::1%eth0", 53)),
        ("[fe80::1%br-lan.2]:5353", NameServer("fe80::1%br-lan.2", 5353)),
    ],
)
def test_a_name_server_is_an_address_with_or_without_a_port(text: str, server: NameServer) -> None:
    assert parse_nameserver(text) == server


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ns.test",
        "192.0.2",
        "192.0.2.256",
        "192.0.2.1:",
        "192.0.2.1:0",
        "192.0.2.1:65536",
        "192.0.2.1:-1",
        "192.0.2.1:\u0665",
        "[2001:db8::1",
        "2001:db8::1]:53",
        "[2001:db8::1]53",
        "192.0.2.1\n",
        "fe80::1%",
        "fe80::1%et h0",
        "192.0.2.1%eth0",
    ],
)
def test_what_is_no_name_server_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(is|has) "):
        parse_nameserver(text)


@pytest.mark.parametrize("text", ["http://a.test/b?c=d", "https://[2001:db8::1]:8443/"])
def test_a_url_is_taken_as_it_is(text: str) -> None:
    assert parse_url(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.test",
        "ftp://a.test/",
        "https://",
        "https:///path",
        "https://a.test/\n",
        "https://b\u00fccher.test/",
        "https://me:secret@a.test/",
        "https://[bad",
        "https://[bad]/",
        "https://a.test:0/",
        "https://a.test:65536/",
        "https://a.test:http/",
    ],
)
def test_what_is_no_url_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"^is not a URL such as https://example\.org/addresses$"):
        parse_url(text)


def test_bytes_that_are_not_printable_ascii_are_shown_as_decimals() -> None:
    assert printable("a \x00\x1b\x7f\u00e9\udcff~") == "a \\000\\027\\127\\195\\169\\255~"
