"""Hostile DNS data through the whole program: problems, never a traceback, never in the table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.cli import TABLE, Finished, overlay, rules, snapshot, spfwhite
from tests.support.dnsserver import DnsServer, Fault, Zone
from tests.support.dnszone import Value

pytestmark = pytest.mark.slow

Records = Mapping[tuple[str, str], Sequence[Value]]

RULE = re.compile(r"[0-9a-f.:]+/[0-9]{1,3}\tpermit")
GOOD_RULE = "192.0.2.0/24\tpermit"
GOOD: Records = {("good.test", "TXT"): ["v=spf1 ip4:192.0.2.0/24 -all"]}
LINKS = 1000
DOUBLED = 40
NINE = range(9)


def spf(text: str | bytes, domain: str = "evil.test") -> Records:
    return {(domain, "TXT"): [text]}


def chain(length: int, record: str, last: str = "v=spf1 ip4:203.0.113.9 -all") -> Records:
    """Return `evil.test`, `l1.test` and so on, each made of `record` with the next one's name."""
    names = ["evil.test", *(f"l{i}.test" for i in range(1, length + 1))]
    links = {(name, "TXT"): [record.replace("NEXT", below)] for name, below in pairwise(names)}
    return {**links, (names[-1], "TXT"): [last]}


def mutual() -> Records:
    """Return nine records, each of which includes all of them three times over."""
    names = ["evil.test", *(f"n{i}.test" for i in NINE[1:])]
    includes = " ".join(f"include:{name}" for name in names)
    return {
        (name, "TXT"): [f"v=spf1 {includes} ip4:203.0.113.{i} {includes} {includes} -all"]
        for i, name in enumerate(names)
    }


INNER = [
    b"\0",
    b"\n",
    b"\r",
    b"\x1b[31m",
    b"\x7f",
    b"\xff",
    b"\\",
    b'"',
    b"\xe2\x80\xae",
    b"%",
    b"#",
]
TERMS = [b"a:%s.test", b"include:%s.test", b"mx:x%s", b"exists:%s", b"redirect=%s.test", b"ip4:%s"]

HOSTILE: dict[str, Records] = {
    "nul in the record": spf(b"v=spf1 ip4:203.0.113.1\0 \0 -all"),
    "newline in the record": spf("v=spf1 ip4:203.0.113.1\n0.0.0.0/0 permit\n -all"),
    "newline before a rule": spf("v=spf1 a\n0.0.0.0/0\tpermit\n"),
    "every control byte": spf(b"v=spf1 " + bytes(range(32)) + bytes(range(127, 256)) + b" -all"),
    "escapes": spf("v=spf1 \x1b[2J\x1b]0;title\x07 x=\x1b[31m include:\x1b[31m.test -all"),
    "bytes that are no text": spf(bytes(range(256)) * 4),
    "a record that begins well": spf(b"v=spf1 " + bytes(range(255, 32, -1)) * 4),
    "names in terms": spf(b"v=spf1 " + b" ".join(t % i for t in TERMS for i in INNER) + b" -all"),
    "a label of dots": spf("v=spf1 include:. include:.. a:... mx:.test include:test. -all"),
    "long names": spf(f"v=spf1 a:{'x' * 64}.test include:{'a.' * 127}test redirect={'y' * 999}"),
    "numbers of many digits": spf(f"v=spf1 ip4:{'9' * 9999} a/{'9' * 9999} ip6:{'f' * 9999}::/1"),
    "two records": {("evil.test", "TXT"): ["v=spf1 +all", "v=spf1 ip4:203.0.113.1 -all"]},
    "the same record twice": {("evil.test", "TXT"): ["v=spf1 +all", "v=spf1 +all "]},
    "everybody": spf("v=spf1 +all"),
    "half of everybody": spf("v=spf1 ip4:0.0.0.0/1 ip4:128.0.0.0/1 ip6:::/0 -all"),
    "many records": {("evil.test", "TXT"): [f"v=spf1 ip4:203.0.113.{i}" for i in range(250)]},
    "many strings of one byte": {("evil.test", "TXT"): [[b"v", *[b"="] * 20_000]]},
    "a text of 60,000 bytes": spf(b"v=spf1 " + b"a:\xff" * 20_000),
    "terms without end": spf("v=spf1 " + "ip4:203.0.113.1 " * 4_000 + "-all"),
    "look-ups without end": spf("v=spf1 " + " ".join(f"a:h{i}.test" for i in range(3_000))),
    "a chain of 1,000": chain(LINKS, "v=spf1 include:NEXT -all"),
    "a redirect of 1,000": chain(LINKS, "v=spf1 redirect=NEXT"),
    "a record that includes itself": spf("v=spf1 include:evil.test a include:evil.test -all"),
    "a record that redirects to itself": spf("v=spf1 redirect=evil.test"),
    "a name that grows": spf("v=spf1 include:x.%{d} redirect=%{d}.%{d}"),
    "doubled includes": chain(DOUBLED, "v=spf1 include:NEXT include:NEXT -all"),
    "nine records in a ring": mutual(),
    "an alias of itself": {("evil.test", "CNAME"): ["evil.test"]},
    "aliases in a ring": {("evil.test", "CNAME"): ["l.test"], ("l.test", "CNAME"): ["evil.test"]},
    "an alias with bytes": {("evil.test", "CNAME"): ["\x1b[31m\0\xff.test"]},
    "exchanges with bytes": {
        **spf("v=spf1 mx -all"),
        ("evil.test", "MX"): ["1 \x1b[31m.test", "2 a\0b\nc.test", "3 \xff.test", "4 "],
    },
    "exchanges without end": {
        **spf("v=spf1 mx mx:evil.test -all"),
        ("evil.test", "MX"): [f"{i} m{i}.test" for i in range(2_000)],
    },
}

FAULTS: dict[str, Fault] = {
    "garbage": Fault("garbage"),
    "a lame server": Fault("lame"),
    "64 KiB": Fault("huge"),
    "answers to something else": Fault("wrong-question"),
    "wrong ids": Fault("wrong-id"),
    "truncated for ever": Fault("truncated", tcp="close"),
    "a length and no more": Fault("truncated", tcp="length-only"),
    "queries for answers": Fault("unset-qr"),
    "NXDOMAIN by a stranger first": Fault("spoof-first"),
    "not implemented": Fault("notimp"),
}


def run(folder: Path, records: Records, fault: Fault | None, *arguments: str) -> Finished:
    """Run for `evil` and `good`; the server also has the records of `good`."""
    with DnsServer(Zone({**GOOD, **records})) as server:
        if fault:
            server.faults["evil.test"] = fault
        providers = {"evil": ["evil.test"], "good": ["good.test"]}
        config = overlay(folder, providers, server=server, attempts=1, spf="max_depth = 100")
        return spfwhite("-c", config, *arguments)


def header(table: str) -> str:
    """Return the comments of a table with all numbers alike."""
    comments = [line for line in table.splitlines() if line.startswith("#")]
    return re.sub(r"[0-9]+", "0", "\n".join(comments))


@pytest.fixture(scope="module")
def harmless(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the header of a table made from harmless data."""
    folder = tmp_path_factory.mktemp("harmless")
    run(folder, spf("v=spf1 ip4:203.0.113.1 -all"), None, "generate")
    return header((folder / TABLE).read_bytes().decode("ascii"))


CASES = [
    *(pytest.param(records, None, id=name) for name, records in HOSTILE.items()),
    *(pytest.param({}, fault, id=name) for name, fault in FAULTS.items()),
]


@pytest.mark.parametrize(("records", "fault"), CASES)
def test_a_run_ends_well_with_the_other_provider_and_none_of_the_bytes(
    records: Records, fault: Fault | None, harmless: str, tmp_path: Path
) -> None:
    done = run(tmp_path, records, fault, "-v", "generate", "--deadline", "5")
    assert done.returncode in (0, 3), done.stderr
    assert_plain(done.stdout + done.stderr)
    table = (tmp_path / TABLE).read_bytes().decode("ascii")
    assert header(table) == harmless
    assert all(RULE.fullmatch(rule) for rule in rules(table))
    assert GOOD_RULE in rules(table)
    assert not any(rule.startswith(("0.", "128.", "::/")) for rule in rules(table))


SHOWN = [
    *((name, "tree") for name in HOSTILE),
    *((name, "json") for name in ("names in terms", "a chain of 1,000", "nine records in a ring")),
]


@pytest.mark.parametrize(("name", "form"), SHOWN)
def test_show_ends_well_in_plain_text(name: str, form: str, tmp_path: Path) -> None:
    arguments = ["--format", form, "--deadline", "5", "evil.test"]
    done = run(tmp_path, HOSTILE[name], None, "show", *arguments)
    assert done.returncode in (0, 1), done.stderr
    assert_plain(done.stdout + done.stderr)


def assert_plain(said: str) -> None:
    """Check that a terminal would be shown printable ASCII alone, and no traceback."""
    assert "Traceback" not in said
    assert all(line.isascii() and line.isprintable() for line in said.split("\n"))


@pytest.mark.parametrize(
    "name", ["two records", "garbage", "a chain of 1,000", "nine records in a ring"]
)
def test_the_problem_is_named_with_its_domain(name: str, tmp_path: Path) -> None:
    kinds = {"two records": "multiple", "garbage": "temporary", "a chain of 1,000": "limit"}
    options = ["-v", "generate", "-o", "-", "--deadline", "5"]
    done = run(tmp_path, HOSTILE.get(name, {}), FAULTS.get(name), *options)
    assert re.search(rf"{kinds.get(name, 'loop')}: evil\.test:? ", done.stderr)


def test_two_spf_records_pass_nothing(tmp_path: Path) -> None:
    done = run(tmp_path, HOSTILE["two records"], None, "generate", "-o", "-")
    assert (done.returncode, rules(done.stdout)) == (0, [GOOD_RULE])


def test_records_that_include_each_other_pass_what_each_of_them_passes(tmp_path: Path) -> None:
    done = run(tmp_path, mutual(), None, "generate", "-o", "-")
    nine = ["203.0.113.0/29\tpermit", "203.0.113.8/32\tpermit"]
    assert (done.returncode, rules(done.stdout)) == (0, [GOOD_RULE, *nine])


def test_doubled_includes_are_asked_for_once_each_and_held_for_their_look_ups(
    tmp_path: Path,
) -> None:
    records = chain(DOUBLED, "v=spf1 include:NEXT include:NEXT -all")
    with DnsServer(Zone({**GOOD, **records})) as server:
        providers = {"evil": ["evil.test"], "good": ["good.test"]}
        config = overlay(tmp_path, providers, server=server, spf="max_depth = 100")
        done = spfwhite("-c", config, "generate", "-o", "-")
        asked = server.count()
        shown = spfwhite("-c", config, "show", "--format", "cidr", "evil.test")
    assert (done.returncode, rules(done.stdout)) == (3, [GOOD_RULE])
    assert "limit: evil.test: " in done.stderr
    assert sorted(asked) == sorted({**GOOD, **records})
    assert set(asked.values()) == {1}
    assert (shown.returncode, shown.stdout) == (0, "203.0.113.9/32\n")


def test_a_chain_is_followed_no_further_than_the_limit(tmp_path: Path) -> None:
    with DnsServer(Zone(chain(LINKS, "v=spf1 include:NEXT -all"))) as server:
        config = overlay(tmp_path, {"e": ["evil.test"]}, server=server)
        spfwhite("-c", config, "generate", "-o", "-")
        assert len(server.count()) == 21  # the domain and 20 below it


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """Return an overlay and a snapshot by hand, with a chain longer than any stack."""
    length = 20_000
    answers = {
        f"l{i}.test TXT": {"found": [f"v=spf1 include:l{i + 1}.test -all"]} for i in range(length)
    }
    answers[f"l{length}.test TXT"] = {"found": ["v=spf1 ip4:203.0.113.9 -all"]}
    answers["good.test TXT"] = {"found": ["v=spf1 ip4:192.0.2.0/24 -all"]}
    providers = {"deep": ["l0.test"], "good": ["good.test"]}
    yield overlay(tmp_path, providers), snapshot(tmp_path, answers)


@pytest.mark.parametrize("mode", [[], ["--strict"]])
def test_a_snapshot_with_a_chain_longer_than_the_stack_replays(
    mode: list[str], deep: tuple[Path, Path]
) -> None:
    config, recorded = deep
    done = spfwhite("-c", config, "-v", "generate", *mode, "--replay", recorded, "-o", "-")
    assert done.returncode == 3
    assert GOOD_RULE in rules(done.stdout)
    assert_plain(done.stdout.replace("\t", " ") + done.stderr)
