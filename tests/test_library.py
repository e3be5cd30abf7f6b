"""`import spfwhite`: results, problems, errors, and what a library must not do."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import spfwhite
import spfwhite.config
from spfwhite.spf.result import Problem
from tests.support.cli import TABLE, overlay
from tests.support.dnsserver import DnsServer, Fault, Zone

A_NETWORKS = ("192.0.2.0/27", "198.51.100.7/32", "2001:db8::7/128")


@pytest.fixture
def server() -> Iterator[DnsServer]:
    """Return a server of a small world; down.test fails there."""
    zone = Zone(
        {
            ("a.test", "TXT"): [
                "v=spf1 a:mail.test ip4:192.0.2.16/28 ip4:192.0.2.0/28 include:gone.test -all"
            ],
            ("mail.test", "A"): ["198.51.100.7"],
            ("mail.test", "AAAA"): ["2001:db8::7"],
            ("b.test", "TXT"): ["v=spf1 ip4:192.0.2.32/27 -all"],
            ("wide.test", "TXT"): ["v=spf1 ip4:10.0.0.0/8 -all"],
        }
    )
    with DnsServer(zone) as server:
        server.faults["down.test"] = Fault("servfail")
        yield server


def resolve(server: DnsServer, *domains: str, strict: bool = False) -> spfwhite.Results:
    return spfwhite.resolve(domains, nameservers=[server.address], attempts=1, strict=strict)


def texts(networks: tuple[object, ...]) -> tuple[str, ...]:
    return tuple(map(str, networks))


def test_networks_are_those_of_the_standard_library_collapsed_and_sorted(server: DnsServer) -> None:
    networks = resolve(server, "a.test")["a.test"].networks
    assert texts(networks) == A_NETWORKS
    assert [type(network) for network in networks] == [
        ipaddress.IPv4Network,
        ipaddress.IPv4Network,
        ipaddress.IPv6Network,
    ]


def test_a_problem_has_kind_domain_term_and_detail(server: DnsServer) -> None:
    (problem,) = resolve(server, "a.test")["a.test"].problems
    assert (problem.kind, problem.domain, problem.term) == (
        "missing",
        "a.test",
        "include:gone.test",
    )
    assert "gone.test does not exist" in problem.detail
    assert isinstance(problem, Problem)


def test_lookups_are_counted_as_the_rfc_does(server: DnsServer) -> None:
    assert resolve(server, "a.test")["a.test"].lookups == 2
    assert resolve(server, "b.test")["b.test"].lookups == 0


def test_the_mapping_has_the_union_of_all_domains(server: DnsServer) -> None:
    results = resolve(server, "b.test", "a.test")
    assert isinstance(results, Mapping)
    assert list(results) == ["b.test", "a.test"]
    assert texts(results.networks) == (
        "192.0.2.0/26",
        "198.51.100.7/32",
        "2001:db8::7/128",
    )


def test_keys_are_as_the_domains_were_given(server: DnsServer) -> None:
    results = resolve(server, "B.Test.", "b.test")
    assert set(results) == {"B.Test.", "b.test"}
    assert results["B.Test."].networks == results["b.test"].networks
    assert server.count()["b.test", "TXT"] == 1


def test_strict_lists_what_check_host_passes(server: DnsServer) -> None:
    result = resolve(server, "a.test", strict=True)["a.test"]
    assert texts(result.networks) == A_NETWORKS  # the include comes after all that matched


def test_what_dns_does_wrong_is_a_problem_and_no_exception(server: DnsServer) -> None:
    result = resolve(server, "down.test")["down.test"]
    assert result.networks == ()
    assert [problem.kind for problem in result.problems] == ["temporary"]
    assert server.address in result.problems[0].detail


def test_no_server_at_all_is_a_problem_of_every_domain() -> None:
    results = spfwhite.resolve(["a.test", "b.test"], nameservers=["127.0.0.1:1"], attempts=1)
    assert results.networks == ()
    for result in results.values():
        assert [problem.kind for problem in result.problems] == ["temporary"]
        assert "127.0.0.1:1" in result.problems[0].detail


def test_the_rails_of_a_run_are_not_applied(server: DnsServer) -> None:
    assert texts(resolve(server, "wide.test").networks) == ("10.0.0.0/8",)


def test_no_domains_give_an_empty_mapping_without_a_question(server: DnsServer) -> None:
    results = resolve(server)
    assert dict(results) == {}
    assert results.networks == ()
    assert not server.queries


@pytest.mark.parametrize(
    "domain",
    ["", ".", "localhost", "a..test", "192.0.2.1", "b\u00fccher.example", "a b.test", "a/b"],
)
def test_what_is_no_domain_is_a_value_error_that_shows_it(domain: str, server: DnsServer) -> None:
    with pytest.raises(ValueError, match=r"domain|IDN") as caught:
        resolve(server, "a.test", domain)
    assert ascii(domain) in str(caught.value)
    assert not server.queries


@pytest.mark.parametrize("address", ["", "ns.example.org", "192.0.2.1:0", "[::1]:99999", "1.2.3"])
def test_what_is_no_name_server_is_a_value_error(address: str) -> None:
    with pytest.raises(ValueError, match=r"name server|port"):
        spfwhite.resolve(["a.test"], nameservers=[address])


def test_one_text_in_place_of_a_list_is_not_taken_for_its_letters() -> None:
    with pytest.raises(ValueError, match="domain"):
        spfwhite.resolve("a.test", nameservers=["127.0.0.1:1"])


def test_resolve_async_works_in_a_running_loop(server: DnsServer) -> None:
    async def both() -> list[spfwhite.Results]:
        ask = [
            spfwhite.resolve_async([domain], nameservers=[server.address])
            for domain in ("a.test", "b.test")
        ]
        return list(await asyncio.gather(*ask))

    one, other = asyncio.run(both())
    assert texts(one.networks) == A_NETWORKS
    assert texts(other.networks) == ("192.0.2.32/27",)


def test_two_threads_resolve_at_once(server: DnsServer) -> None:
    found: dict[int, tuple[str, ...]] = {}
    together = threading.Barrier(4)

    def work(number: int) -> None:
        together.wait()
        found[number] = texts(resolve(server, "a.test").networks)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == dict.fromkeys(range(4), A_NETWORKS)


def test_no_logging_is_set_up(server: DnsServer) -> None:
    before = list(logging.getLogger().handlers), logging.getLogger().level
    resolve(server, "a.test", "down.test")
    assert (list(logging.getLogger().handlers), logging.getLogger().level) == before
    assert not logging.getLogger("spfwhite").handlers


def test_type_checkers_are_told_that_the_package_is_typed() -> None:
    assert Path(spfwhite.__file__).with_name("py.typed").exists()


def test_nothing_is_printed(server: DnsServer, capfd: pytest.CaptureFixture[str]) -> None:
    resolve(server, "a.test", "down.test")
    assert capfd.readouterr() == ("", "")


def imported_by(code: str) -> set[str]:
    code = f"{code}\nimport sys\nsys.stdout.write(' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    return {name.partition(".")[0] for name in done.stdout.split()}


def test_the_import_alone_loads_neither_dnspython_nor_httpx_nor_click() -> None:
    assert not imported_by("import spfwhite") & {"dns", "httpx", "click", "netaddr", "asyncio"}


def test_the_library_never_loads_click_or_httpx() -> None:
    names = imported_by("import spfwhite\nspfwhite.resolve")
    assert "asyncio" in names
    assert not names & {"click", "httpx"}


def test_all_names_of_the_package_are_there_and_others_are_not() -> None:
    for name in spfwhite.__all__:
        assert getattr(spfwhite, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'resolv'"):
        _ = spfwhite.resolv


def test_a_run_of_the_library_writes_what_the_configuration_names(
    server: DnsServer, tmp_path: Path
) -> None:
    config = overlay(tmp_path, {"a": ["a.test"]}, server=server)
    run = spfwhite.generate(spfwhite.config.load(config))
    assert run.report.outcome == "written"
    assert (tmp_path / TABLE).read_bytes() == run.table
    assert spfwhite.generate(spfwhite.config.load(config)).report.outcome == "current"
