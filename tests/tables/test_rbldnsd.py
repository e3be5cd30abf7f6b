"""The list as rbldnsd serves it: who is on it, by real questions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dns.rcode
import pytest

from tests.support.postfix_instance import until
from tests.support.rbldnsd import DATASET, LISTED, Rbldnsd, needs_rbldnsd, serving, write_dataset

pytestmark = [pytest.mark.slow, needs_rbldnsd]

NETWORKS = {
    "google": ["192.0.2.0/25", "198.51.100.0/22", "2001:db8:1::/48"],
    "our-partner": ["203.0.113.7/32", "192.0.2.128/26", "2001:db8:2::7/128", "2001:db8:4000::/36"],
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rbldnsd]:
    folder = tmp_path_factory.mktemp("zone")
    write_dataset(folder / DATASET, NETWORKS)
    with serving(folder) as running:
        yield running


@pytest.mark.parametrize(
    ("provider", "address"),
    [
        ("google", "192.0.2.0"),
        ("google", "192.0.2.127"),
        ("google", "198.51.100.0"),
        ("google", "198.51.103.255"),
        ("google", "2001:db8:1::"),
        ("google", "2001:db8:1:ffff:ffff:ffff:ffff:ffff"),
        ("google", "::ffff:192.0.2.1"),
        ("our-partner", "192.0.2.128"),
        ("our-partner", "192.0.2.191"),
        ("our-partner", "203.0.113.7"),
        ("our-partner", "2001:db8:2::7"),
        ("our-partner", "2001:db8:4000::"),
        ("our-partner", "2001:db8:4fff:ffff:ffff:ffff:ffff:ffff"),
    ],
)
def test_an_address_of_a_network_is_listed_with_its_provider(
    server: Rbldnsd, provider: str, address: str
) -> None:
    assert server.lookup(address) == ([LISTED], [provider])


@pytest.mark.parametrize(
    "address",
    [
        "192.0.1.255",
        "192.0.2.192",
        "198.51.99.255",
        "198.51.104.0",
        "203.0.113.6",
        "203.0.113.8",
        "127.0.0.2",
        "2001:db8:0:ffff:ffff:ffff:ffff:ffff",
        "2001:db8:2::",
        "2001:db8:2::6",
        "2001:db8:2::8",
        "2001:db8:3fff:ffff:ffff:ffff:ffff:ffff",
        "2001:db8:5000::",
    ],
)
def test_an_address_beside_it_is_not_listed(server: Rbldnsd, address: str) -> None:
    assert server.ask(address).rcode() == dns.rcode.NXDOMAIN
    assert server.lookup(address) == ([], [])


def test_it_says_how_long_an_answer_holds_and_not_how_long_a_missing_one_does(
    server: Rbldnsd,
) -> None:
    (found,) = server.ask("192.0.2.1").answer
    assert found.ttl == 35 * 60
    assert server.ask("192.0.2.192").authority == []


@pytest.mark.parametrize("check", [1, 0], ids=["by itself", "told to"])
def test_a_dataset_that_was_replaced_is_served(tmp_path: Path, check: int) -> None:
    dataset = tmp_path / DATASET
    write_dataset(dataset, {"google": ["192.0.2.0/24", "2001:db8::/32"]})
    with serving(tmp_path, check=check) as server:
        assert server.lists("192.0.2.1") and server.lists("2001:db8::1")
        write_dataset(dataset, {"our-partner": ["198.51.100.0/24", "2001:db9::/32"]})
        if not check:
            server.look_again()
        until(lambda: server.lists("198.51.100.1"), "the new list is served")
        assert server.lookup("2001:db9::1") == ([LISTED], ["our-partner"])
        assert not server.lists("192.0.2.1") and not server.lists("2001:db8::1")


def test_a_dataset_without_networks_lists_nobody(tmp_path: Path) -> None:
    write_dataset(tmp_path / DATASET, {})
    with serving(tmp_path) as server:
        assert not server.lists("192.0.2.1") and not server.lists("2001:db8::1")


@pytest.mark.parametrize("damage", ["gone", "unreadable"])
def test_a_dataset_that_cannot_be_read_takes_the_zone_out_of_service(
    tmp_path: Path, damage: str
) -> None:
    dataset = tmp_path / DATASET
    write_dataset(dataset, {"google": ["192.0.2.0/24"]})
    with serving(tmp_path) as server:
        if damage == "gone":
            dataset.unlink()
        else:
            write_dataset(tmp_path / "other", {"google": ["192.0.2.0/24", "192.0.3.0/24"]})
            (tmp_path / "other").chmod(0)
            (tmp_path / "other").replace(dataset)
        until(lambda: server.ask("192.0.2.1").rcode() == dns.rcode.SERVFAIL, "the zone fails")
        assert server.ask("198.51.100.1").rcode() == dns.rcode.SERVFAIL
        if damage == "unreadable":
            dataset.chmod(0o644)  # a run keeps the mode that a file has
        write_dataset(dataset, {"google": ["192.0.2.0/24", "198.51.100.0/24", "2001:db8::/32"]})
        until(lambda: server.ask("192.0.2.1").rcode() == dns.rcode.NOERROR, "it is back")


def test_a_zone_without_a_dataset_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="ended"), serving(tmp_path):
        pass
