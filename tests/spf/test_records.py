"""The SPF record of a name and the addresses of `a` and `mx`, as a snapshot has them."""

from __future__ import annotations

import pytest

from spfwhite.dns.answers import Answer, Failed, Found, Question, RRType, Void
from spfwhite.networks import Networks
from spfwhite.spf.addresses import Addresses, addresses, record_at
from spfwhite.spf.record import Hosts
from spfwhite.spf.result import Fault

NXDOMAIN, NODATA = Void("NXDOMAIN"), Void("NODATA")


def at(answer: Answer) -> str | Fault:
    found = record_at({Question("a.test", "TXT"): answer}, "a.test")
    return found if isinstance(found, Fault) else found.text


def test_the_record_is_the_one_text_that_is_spf() -> None:
    assert at(Found(("x", "V=SPF1 -all", "v=spf10 all"))) == "V=SPF1 -all"


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (NXDOMAIN, Fault("missing", "a.test does not exist")),
        (NODATA, Fault("missing", "a.test has no TXT record")),
        (Found(("x",)), Fault("missing", "a.test has no SPF record")),
        (
            Found(("v=spf1 a", "v=spf1 mx")),
            Fault("multiple", "a.test has 2 SPF records, so none counts"),
        ),
        (Failed("SERVFAIL"), Fault("temporary", "TXT a.test failed: SERVFAIL")),
    ],
)
def test_without_one_record_there_is_a_fault(answer: Answer, fault: Fault) -> None:
    assert at(answer) == fault


def test_a_question_that_was_not_asked_was_over_a_limit() -> None:
    assert record_at({}, "a.test") == Fault("limit", "TXT a.test was not asked")


def test_a_name_of_one_label_has_no_record_whatever_is_there() -> None:
    """RFC 7208 section 4.3."""
    found = record_at({Question("test", "TXT"): Found(("v=spf1 a",))}, "test")
    assert found == Fault("missing", "test is not a domain of several labels")


def snapshot(values: dict[tuple[str, RRType], Answer | str]) -> dict[Question, Answer]:
    return {
        Question(*key): Found(tuple(answer.split(", "))) if isinstance(answer, str) else answer
        for key, answer in values.items()
    }


def a_of(
    values: dict[tuple[str, RRType], Answer | str], prefix4: int = 32, prefix6: int = 128
) -> Addresses:
    return addresses(snapshot(values), Hosts("a", None, prefix4, prefix6), "h.test")


def mx_of(values: dict[tuple[str, RRType], Answer | str]) -> Addresses:
    return addresses(snapshot(values), Hosts("mx", None, 32, 128), "a.test")


def test_an_a_term_matches_the_addresses_of_both_families() -> None:
    found = a_of({("h.test", "A"): "192.0.2.1, 192.0.2.9", ("h.test", "AAAA"): "2001:db8::1"})
    assert found.networks.texts() == ["192.0.2.1/32", "192.0.2.9/32", "2001:db8::1/128"]
    assert (found.voids, found.faults) == ((0, 0), (None, None))


def test_each_family_is_widened_by_its_own_prefix_length() -> None:
    found = a_of({("h.test", "A"): "192.0.2.77", ("h.test", "AAAA"): "2001:db8::77"}, 24, 64)
    assert found.networks.texts() == ["192.0.2.0/24", "2001:db8::/64"]


def test_voids_are_counted_for_each_family() -> None:
    assert a_of({("h.test", "A"): "192.0.2.1", ("h.test", "AAAA"): NODATA}).voids == (0, 1)
    assert a_of({("h.test", "A"): NXDOMAIN, ("h.test", "AAAA"): NXDOMAIN}).voids == (1, 1)


def test_a_family_that_failed_has_the_fault_and_the_other_its_addresses() -> None:
    found = a_of({("h.test", "A"): Failed("REFUSED"), ("h.test", "AAAA"): "2001:db8::1"})
    assert found.networks.texts() == ["2001:db8::1/128"]
    assert found.faults == (Fault("temporary", "A h.test failed: REFUSED"), None)


def test_mapped_addresses_name_no_ipv4_client() -> None:
    found = a_of({("h.test", "A"): NODATA, ("h.test", "AAAA"): "::ffff:192.0.2.1, ::1"})
    assert found.networks.texts() == ["::1/128"]


HOST: dict[tuple[str, RRType], Answer | str] = {
    ("h.test", "A"): "192.0.2.1",
    ("h.test", "AAAA"): NODATA,
}
OTHER: dict[tuple[str, RRType], Answer | str] = {
    ("g.test", "A"): "192.0.2.2",
    ("g.test", "AAAA"): "2001:db8::2",
}


def test_an_mx_term_matches_the_addresses_of_all_hosts() -> None:
    found = mx_of({("a.test", "MX"): "10 h.test, 20 g.test", **HOST, **OTHER})
    assert found.networks == Networks.parse(["192.0.2.1", "192.0.2.2", "2001:db8::2"])
    assert (found.voids, found.faults) == ((0, 1), (None, None))


def test_an_mx_term_matches_no_addresses_of_the_name_itself() -> None:
    """RFC 7208 section 5.4: no implicit MX."""
    own: dict[tuple[str, RRType], Answer | str] = {("a.test", "A"): "192.0.2.9"}
    found = mx_of({("a.test", "MX"): NODATA, **own})
    assert found == Addresses(Networks(), (1, 1), (None, None), 0)


def test_a_null_mx_matches_nothing_and_is_no_void() -> None:
    assert mx_of({("a.test", "MX"): "0 "}) == Addresses(Networks(), (0, 0), (None, None), 1)


def test_a_failed_mx_question_is_a_fault_of_both_families() -> None:
    fault = Fault("temporary", "MX a.test failed: timed out")
    found = mx_of({("a.test", "MX"): Failed("timed out")})
    assert found == Addresses(Networks(), (0, 0), (fault, fault), 0)


def test_one_failed_host_takes_nothing_from_the_others() -> None:
    found = mx_of({("a.test", "MX"): "1 g.test, 2 x.test", **OTHER, ("x.test", "AAAA"): NODATA})
    assert found.networks.texts() == ["192.0.2.2/32", "2001:db8::2/128"]
    assert found.faults == (Fault("limit", "A x.test was not asked"), None)


def test_more_than_a_hundred_mx_hosts_are_a_fault_and_the_best_hundred_match() -> None:
    values: dict[tuple[str, RRType], Answer | str] = {
        ("a.test", "MX"): ", ".join(f"{n} h{n}.test" for n in range(101))
    }
    for n in range(101):
        values |= {(f"h{n}.test", "A"): f"192.0.2.{n}", (f"h{n}.test", "AAAA"): f"2001:db8::{n:x}"}
    found = mx_of(values)
    fault = Fault("limit", "a.test has more than 100 MX hosts")
    assert found.faults == (fault, fault)
    assert (found.networks.size(4), found.networks.size(6)) == (100, 100)
    del values["a.test", "MX"]
    values["a.test", "MX"] = ", ".join(f"{n} h{n}.test" for n in range(100))
    assert mx_of(values).faults == (None, None)
