"""`import spfwhite`: results, problems, errors, and what a library must not do."""

from __future__ import annotations

import asyncio
import inspect
import ipaddress
import math
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, assert_type, get_type_hints

import pytest

import spfwhite
from spfwhite.config.loading import load
from spfwhite.wording import printable
from tests.support.cli import TABLE, listing, overlay, rules
from tests.support.dnsserver import DnsServer, Fault, Zone
from tests.support.dnszone import Records
from tests.support.pagesite import page_site

MANUAL = Path(__file__).parents[1] / "contrib" / "library.md"
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
    assert isinstance(problem, spfwhite.Problem)


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
    with pytest.raises(ValueError, match=r"^domains has .* which .*(domain|IDN)") as caught:
        resolve(server, "a.test", domain)
    assert f'"{printable(domain)}"' in str(caught.value)
    assert not server.queries


@pytest.mark.parametrize("address", ["", "ns.example.org", "192.0.2.1:0", "[::1]:99999", "1.2.3"])
def test_what_is_no_name_server_is_a_value_error(address: str) -> None:
    with pytest.raises(ValueError, match=r"^nameservers has .*(name server|port)") as caught:
        spfwhite.resolve(["a.test"], nameservers=[address])
    assert f'"{address}"' in str(caught.value)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("domains", [7]),
        ("nameservers", [53]),
        ("strict", "yes"),
        ("deadline", 0),
        ("deadline", -1.0),
        ("deadline", math.nan),
        ("deadline", math.inf),
        ("attempts", 0),
        ("attempts", 2.5),
        ("concurrency", 0),
        ("concurrency", True),
        ("max_qps", -1),
        ("max_lookups", 0),
        ("max_depth", 0),
    ],
)
def test_an_argument_that_cannot_be_is_named(
    argument: str, value: object, server: DnsServer
) -> None:
    arguments: dict[str, Any] = {"domains": "a.test", "nameservers": server.address}
    with pytest.raises(ValueError, match=f"^{argument} (must|has)") as caught:
        spfwhite.resolve(**arguments | {argument: value})
    assert isinstance(caught.value, spfwhite.SpfwhiteError), "so one `except` is enough"
    assert not server.queries


def test_one_text_is_one_domain_and_one_name_server(server: DnsServer) -> None:
    results = spfwhite.resolve("b.test", nameservers=server.address)
    assert list(results) == ["b.test"]
    assert texts(results["b.test"].networks) == texts(results.networks) == ("192.0.2.32/27",)


def test_what_is_not_said_is_as_the_packaged_file_has_it(server: DnsServer, tmp_path: Path) -> None:
    spfwhite.resolve("down.test", nameservers=server.address)
    packaged = load(system=tmp_path)
    assert server.count()["down.test", "TXT"] == packaged.dns.attempts
    options = list(inspect.signature(spfwhite.resolve).parameters.values())[2:]
    assert {each.default for each in options} == {None}, "so that no default stands twice"


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
        assert name in dir(spfwhite)
    with pytest.raises(AttributeError, match="no attribute 'resolv'"):
        _ = spfwhite.resolv


def test_a_run_of_the_library_writes_what_the_configuration_names(
    server: DnsServer, tmp_path: Path
) -> None:
    config = spfwhite.load_config(str(overlay(tmp_path, {"a": ["a.test"]}, server=server)))
    report = spfwhite.generate(config)
    assert (report.outcome, report.exit_code) == ("written", 0)
    assert texts(report.added.networks) == A_NETWORKS and not report.removed
    assert rules((tmp_path / TABLE).read_bytes()) == [f"{text}\tpermit" for text in A_NETWORKS]
    assert spfwhite.generate(config).outcome == "current"


def test_a_report_has_each_provider_by_its_name(server: DnsServer, tmp_path: Path) -> None:
    past = '[providers.past]\ndomains = ["b.test"]\nexpires = 2020-01-31'
    config = overlay(tmp_path, {"a": ["a.test"], "b": ["b.test"]}, server=server, more=past)
    server.zone.remove("b.test", "TXT")
    report = spfwhite.generate(spfwhite.load_config(config), dry_run=True)
    statuses = {name: provider.status for name, provider in report.providers.items()}
    assert statuses == {"a": "ok", "b": "empty", "past": "expired"}
    assert [provider.name for provider in report.providers.values()] == ["a", "b", "past"]


def test_a_run_in_a_loop_lets_others_go_on_and_is_the_only_one(
    server: DnsServer, tmp_path: Path
) -> None:
    config = spfwhite.load_config(overlay(tmp_path, {"a": ["a.test"]}, server=server))

    async def three() -> tuple[spfwhite.Report, spfwhite.Results]:
        first = asyncio.create_task(spfwhite.generate_async(config))
        await asyncio.sleep(0)  # the first holds the lock now
        with pytest.raises(spfwhite.errors.LockedError):
            await spfwhite.generate_async(config)
        results = await spfwhite.resolve_async("b.test", nameservers=server.address)
        return await first, results

    report, results = asyncio.run(three())
    assert (report.outcome, texts(results.networks)) == ("written", ("192.0.2.32/27",))


@pytest.mark.parametrize("name", ["resolve", "generate"])
def test_what_blocks_says_in_a_loop_what_to_await(name: str, tmp_path: Path) -> None:
    arguments = {
        "resolve": "a.test",
        "generate": spfwhite.load_config(overlay(tmp_path, {"a": ["a.test"]})),
    }

    async def call() -> None:
        getattr(spfwhite, name)(arguments[name])

    with pytest.raises(spfwhite.SpfwhiteError, match=f"await {name}_async instead"):
        asyncio.run(call())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"format": "yaml", "output": "x"}, '--format must be "postscreen" or .* not "yaml"'),
        ({"format": "plain"}, "--format needs -o"),
        ({"replay": "snapshot.json"}, "--replay needs -o or --dry-run"),
        ({"offline": True, "only": "a"}, "--replay, --offline and --only exclude each other"),
        ({"only": "nobody"}, "--only 'nobody' is not an enabled provider"),
        ({"accept": "nobody"}, "--accept 'nobody' is not an enabled provider"),
        ({"accept": ["a", ""]}, "--accept '' is not an enabled provider"),
    ],
)
def test_an_argument_of_a_run_that_cannot_be_is_named(
    options: dict[str, Any], words: str, server: DnsServer, tmp_path: Path
) -> None:
    config = spfwhite.load_config(overlay(tmp_path, {"a": ["a.test"]}, server=server))
    before = listing(tmp_path)
    with pytest.raises(ValueError, match=f"^{words}") as caught:
        spfwhite.generate(config, **options)
    assert isinstance(caught.value, spfwhite.SpfwhiteError)
    assert listing(tmp_path) == before and not server.queries


def test_output_is_the_one_file_that_is_written(server: DnsServer, tmp_path: Path) -> None:
    config = spfwhite.load_config(overlay(tmp_path, {"a": ["a.test"]}, server=server))
    report = spfwhite.generate(config, output=str(tmp_path / "other"), format="plain")
    assert (tmp_path / "other").read_bytes() == report.table
    assert rules(report.table) == list(A_NETWORKS)
    before = listing(tmp_path)
    shown = spfwhite.generate(config, output="-", format="plain")
    assert (shown.path, rules(shown.table)) == (None, list(A_NETWORKS))
    with pytest.raises(spfwhite.SpfwhiteError, match="it is a folder"):
        spfwhite.generate(config, output="")
    assert listing(tmp_path) == before


def test_type_checkers_know_what_comes_back(server: DnsServer, tmp_path: Path) -> None:
    config = spfwhite.load_config(overlay(tmp_path, {"a": ["a.test"]}, server=server))
    assert_type(config, spfwhite.Config)
    report = spfwhite.generate(config, dry_run=True, accept="a")
    assert_type(report, spfwhite.Report)
    assert_type(report.added, spfwhite.Networks)
    results = spfwhite.resolve(["a.test"], nameservers=[server.address], attempts=1)
    assert_type(results, spfwhite.Results)
    assert_type(results["a.test"], spfwhite.Result)
    assert_type(results["a.test"].problems, tuple[spfwhite.Problem, ...])
    for name in ("generate", "generate_async", "resolve", "resolve_async", "load_config"):
        assert get_type_hints(getattr(spfwhite, name))["return"] in (
            spfwhite.Config,
            spfwhite.Report,
            spfwhite.Results,
        )


HOST = """
import asyncio, gc, locale, logging, os, signal, sys, threading, warnings
import spfwhite
how, config, nameserver = sys.argv[1:]


def descriptors():
    return sorted(os.listdir("/proc/self/fd"))


def settings():
    os.umask(mask := os.umask(0))
    signal.set_wakeup_fd(wakeup := signal.set_wakeup_fd(-1))
    root = logging.getLogger()
    # threads of the loop's own executor end with the loop
    threads = [t for t in threading.enumerate() if how != "loop" or "asyncio_" not in t.name]
    return {
        "signals": [signal.getsignal(number) for number in sorted(signal.valid_signals())],
        "signals held back": signal.pthread_sigmask(signal.SIG_BLOCK, ()),
        "wakeup": wakeup,
        "garbage": (gc.isenabled(), gc.get_threshold(), gc.get_debug(), gc.get_freeze_count()),
        "logging": (list(root.handlers), root.level, root.filters[:], root.manager.disable),
        "own logging": logging.getLogger("spfwhite").handlers[:],
        "folder": (os.getcwd(), mask),
        "environment": dict(os.environ),
        "hooks": (sys.excepthook, threading.excepthook, sys.unraisablehook, sys.displayhook),
        "streams": (sys.stdin, sys.stdout, sys.stderr),
        "language": locale.setlocale(locale.LC_ALL),
        "warnings": list(warnings.filters),
        "recursion": (sys.getrecursionlimit(), sys.getswitchinterval()),
        "loop": asyncio.get_event_loop(),
        "threads": threads,
    }


def changes(before):
    after = settings()
    return {name: (before[name], after[name]) for name in after if before[name] != after[name]}


def host():
    asyncio.set_event_loop(asyncio.new_event_loop())
    before, opened = settings(), descriptors()
    loaded = spfwhite.load_config(config)
    results = spfwhite.resolve(["a.test", "down.test"], nameservers=nameserver, attempts=1)
    reports = [spfwhite.generate(loaded, **more) for more in ({}, {}, {"dry_run": True})]
    try:
        spfwhite.generate(loaded, only="nobody")
    except spfwhite.SpfwhiteError:
        pass
    return len(results), [report.outcome for report in reports], changes(before), (
        [] if descriptors() == opened else descriptors()
    )


async def host_with_a_loop():
    before, opened = settings(), []
    loaded = spfwhite.load_config(config)
    results = await spfwhite.resolve_async(["a.test", "down.test"], nameservers=nameserver)
    reports = [await spfwhite.generate_async(loaded, **more) for more in (
        {}, {}, {"dry_run": True}
    )]
    return len(results), [report.outcome for report in reports], changes(before), opened


if how == "own settings":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGPIPE, signal.SIGALRM):
        signal.signal(number, lambda *_: None)
    gc.disable()
    gc.set_threshold(123, 4, 5)
    os.umask(0o077)
    logging.basicConfig(level=logging.ERROR)
print(asyncio.run(host_with_a_loop()) if how == "loop" else host())
"""


@pytest.mark.parametrize("how", ["defaults", "own settings", "loop"])
def test_a_host_keeps_all_its_settings(how: str, tmp_path: Path) -> None:
    with page_site(tmp_path) as made:  # a page is read in a thread
        made.site.server.zone.set("a.test", "TXT", ["v=spf1 ip4:192.0.2.0/27 -all"])
        made.site.server.faults["down.test"] = Fault("servfail")
        command = [sys.executable, "-c", HOST, how, str(made.site.config), made.site.server.address]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    outcomes = ["written", "current", "planned"]
    assert (done.stdout, done.stderr) == (f"{(2, outcomes, {}, [])}\n", "")


def test_the_examples_of_the_manual_run(tmp_path: Path) -> None:
    manual = MANUAL.read_text()
    (script,) = re.findall(r"(?ms)^```python\n(.*?)^```$", manual)
    awaited = re.findall(r"`await (spfwhite[^`]*)`", manual)
    script += "\nimport asyncio\nasync def main():\n"
    script += "".join(f"    print(type(await {call}).__name__)\n" for call in awaited)
    records: Records = {
        ("_spf.google.com", "TXT"): ["v=spf1 ip4:192.0.2.0/28 include:gone.test -all"],
        ("github.com", "TXT"): ["v=spf1 ip4:192.0.2.16/28 ip6:2001:db8::/32 -all"],
    }
    with DnsServer(Zone(records)) as server:
        overlay(tmp_path, {"google": ["_spf.google.com"]}, server=server)
        script = script.replace("192.0.2.53", server.address)
        script = script.replace('("github.com")', f'("github.com", nameservers="{server.address}")')
        done = subprocess.run(
            [sys.executable, "-c", f"{script}asyncio.run(main())"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "192.0.2.16/28 2001:db8::/32",
        "missing _spf.google.com include:gone.test gone.test does not exist",
        "planned 0 ok",
        "192.0.2.0/28",
        "Results",
        "Report",
    ]
