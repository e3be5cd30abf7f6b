"""The zone of the tests' DNS server: look-ups, the forms it is built from, changes while in use."""

from __future__ import annotations

import dns.rcode
import dns.rdatatype
import pytest

from tests.support.dnszone import Lookup, Zone, labels_of, rdata_octets

A, TXT = int(dns.rdatatype.A), int(dns.rdatatype.TXT)


def look(zone: Zone, name: str, rrtype: int = TXT) -> Lookup:
    return zone.lookup(labels_of(name), rrtype)


def rdata(found: Lookup) -> list[tuple[bytes, ...]]:
    return [rrset.rdata for rrset in found.rrsets]


def test_text_is_cut_every_255_octets() -> None:
    assert rdata_octets("TXT", "a" * 256) == b"\xff" + b"a" * 255 + b"\x01a"


def test_character_strings_stay_as_they_are_given() -> None:
    assert rdata_octets("TXT", (b"v=spf1 ip4:192.0", b"", b".2.1")) == (
        b"\x10v=spf1 ip4:192.0\x00\x04.2.1"
    )


def test_empty_text_is_one_empty_character_string() -> None:
    assert rdata_octets("TXT", "") == b"\x00"


def test_an_mx_value_is_a_preference_and_a_host() -> None:
    assert rdata_octets("MX", "258 Mx.example") == b"\x01\x02\x02Mx\x07example\x00"


def test_a_null_mx_points_to_the_root() -> None:
    assert rdata_octets("MX", "0 .") == b"\x00\x00\x00"


def test_a_master_file_and_a_dict_make_the_same_zone() -> None:
    text = (
        'a.example. IN TXT "one" "two"\na.example. MX 10 Mx.example.\nb.example. CNAME a.example.\n'
    )
    read = Zone.from_text(text)
    made = Zone(
        {
            ("a.example", "TXT"): [(b"one", b"two")],
            ("A.Example", "MX"): ["10 Mx.example"],
            ("b.example.", "CNAME"): ["a.example"],
        }
    )
    for name in ("a.example", "b.example"):
        for rrtype in (TXT, int(dns.rdatatype.MX)):
            assert look(read, name, rrtype) == look(made, name, rrtype)
            assert rdata(look(read, name, rrtype))


def test_octets_of_a_master_file_that_are_not_ascii_survive() -> None:
    zone = Zone.from_text(r'a.example. TXT "\226\128\156\"\\"')
    assert rdata(look(zone, "a.example")) == [(b"\x05\xe2\x80\x9c\x22\x5c",)]


def test_a_name_of_the_dict_form_may_hold_any_octet() -> None:
    name = '\x00\\ "\xff@.example'
    assert rdata(look(Zone({(name, "TXT"): ["x"]}), name)) == [(b"\x01x",)]


@pytest.mark.parametrize("name", ["a..example", ".example", "a" * 64])
def test_a_label_has_1_to_63_octets(name: str) -> None:
    with pytest.raises(ValueError, match="not a domain name"):
        labels_of(name)


def test_an_absent_name_is_nxdomain() -> None:
    assert look(Zone(), "a.example") == Lookup(dns.rcode.NXDOMAIN, ())


def test_another_type_is_no_data() -> None:
    zone = Zone({("a.example", "TXT"): ["x"]})
    assert look(zone, "a.example", A) == Lookup(dns.rcode.NOERROR, ())


def test_an_empty_non_terminal_is_no_data() -> None:
    zone = Zone({("a.b.example", "TXT"): ["x"]})
    assert look(zone, "b.example") == Lookup(dns.rcode.NOERROR, ())


def test_a_cname_chain_is_followed_in_order() -> None:
    zone = Zone(
        {
            ("a.example", "CNAME"): ["B.example"],
            ("b.example", "CNAME"): ["c.example"],
            ("c.example", "TXT"): ["x"],
        }
    )
    found = look(zone, "a.example")
    assert [(r.owner[0], r.rrtype) for r in found.rrsets] == [(b"a", 5), (b"b", 5), (b"c", TXT)]


def test_a_cname_to_an_absent_name_is_nxdomain_with_the_cname() -> None:
    found = look(Zone({("a.example", "CNAME"): ["gone.example"]}), "a.example")
    assert (found.rcode, len(found.rrsets)) == (dns.rcode.NXDOMAIN, 1)


def test_a_cname_loop_is_its_cnames_only() -> None:
    zone = Zone({("a.example", "CNAME"): ["b.example"], ("b.example", "CNAME"): ["a.example"]})
    found = look(zone, "a.example")
    assert (found.rcode, [r.owner[0] for r in found.rrsets]) == (dns.rcode.NOERROR, [b"a", b"b"])


def test_a_question_for_the_cname_itself_is_not_followed() -> None:
    zone = Zone({("a.example", "CNAME"): ["b.example"], ("b.example", "CNAME"): ["a.example"]})
    found = look(zone, "a.example", int(dns.rdatatype.CNAME))
    assert [r.owner[0] for r in found.rrsets] == [b"a"]


def test_set_replaces_and_tells_by_the_version() -> None:
    zone = Zone({("a.example", "TXT"): ["x"]})
    before = zone.version
    zone.set("a.example", "TXT", ["y", "z"])
    assert rdata(look(zone, "a.example")) == [(b"\x01y", b"\x01z")]
    assert zone.version > before


def test_remove_takes_the_ancestors_along() -> None:
    zone = Zone({("a.b.example", "TXT"): ["x"], ("example", "TXT"): ["y"]})
    zone.remove("A.b.example", "TXT")
    assert look(zone, "b.example").rcode == dns.rcode.NXDOMAIN
    assert look(zone, "example").rcode == dns.rcode.NOERROR
