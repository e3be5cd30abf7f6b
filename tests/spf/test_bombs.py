"""Records made to exhaust a run: the caps hold, memory too, and the other providers stay."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.dnszone import Records, Zone
from tests.support.hostile import denied_after_includes, denied_by_includes, mesh
from tests.support.launcher import Ended, Launcher
from tests.support.site import PROVIDERS, RECORDS, REPORT, RULES, Site, provider, site

pytestmark = pytest.mark.slow

MEMORY = 200 * 1024  # KiB
QUESTIONS = 500
DEPTH = 20
MX_HOSTS = 100
WIDE = 10_000
DEEP = 1_000
PACK = 100

Changed = dict[tuple[str, str], list[str]]


def includes(names: list[str]) -> list[str]:
    return [" ".join(["v=spf1", *(f"include:{name}" for name in names), "-all"])]


def wide() -> Changed:
    """Return 10,000 includes, a hundred to a record, since no message holds more of them."""
    packs = [f"p{i}.evil.test" for i in range(WIDE // PACK)]
    records = {("evil.test", "TXT"): includes(packs)}
    for i, pack in enumerate(packs):
        names = [f"i{i}-{j}.evil.test" for j in range(PACK)]
        records[pack, "TXT"] = includes(names)
        records |= {(name, "TXT"): ["v=spf1 ip4:203.0.113.9 -all"] for name in names}
    return records


def one_message() -> Changed:
    """Return one record as wide as a message can be."""
    names = [f"i{i}.test" for i in range(3_400)]
    leaves = {(name, "TXT"): ["v=spf1 ip4:203.0.113.9 -all"] for name in names}
    return {("evil.test", "TXT"): includes(names), **leaves}


def deep() -> Changed:
    names = ["evil.test", *(f"d{i}.evil.test" for i in range(DEEP))]
    pairs = pairwise(names)
    chain = {(name, "TXT"): includes([below]) for name, below in pairs}
    return {**chain, (names[-1], "TXT"): ["v=spf1 ip4:203.0.113.9 -all"]}


def diamonds() -> Changed:
    """Return 19 layers of two records that both include both of the next: half a million paths."""
    layers = [["evil.test"], *([f"a{i}.evil.test", f"b{i}.evil.test"] for i in range(DEPTH - 1))]
    pairs = pairwise(layers)
    records = {(name, "TXT"): includes(below) for layer, below in pairs for name in layer}
    return records | {(name, "TXT"): ["v=spf1 ip4:203.0.113.9 -all"] for name in layers[-1]}


def endless_names() -> Changed:
    """Return a record that leads to its own name below another label, again and again."""
    names = [f"{'x.' * i}evil.test" for i in range(100)]
    return {(name, "TXT"): ["v=spf1 include:x.%{d} ip4:203.0.113.9 -all"] for name in names}


def exchanges() -> Changed:
    hosts = [f"mx{i}.evil.test" for i in range(MX_HOSTS + 50)]
    return {
        ("evil.test", "TXT"): ["v=spf1 mx ip4:203.0.113.9 -all"],
        ("evil.test", "MX"): [f"{i} {host}" for i, host in enumerate(hosts)],
        **{(host, "A"): ["203.0.113.10"] for host in hosts},
    }


def many_exchanges() -> Changed:
    """Return ten `mx` terms of a hundred hosts each, which is within the limit of each term."""
    terms = " ".join(f"mx:m{i}.evil.test" for i in range(10))
    records = {("evil.test", "TXT"): [f"v=spf1 {terms} -all"]}
    for i in range(10):
        hosts = [f"h{j}.m{i}.evil.test" for j in range(MX_HOSTS)]
        records[f"m{i}.evil.test", "MX"] = [f"10 {host}" for host in hosts]
        records |= {(host, "A"): ["203.0.113.10"] for host in hosts}
    return records


BOMBS = {
    "10,000 includes": (wide, "spf.max_lookups"),
    "a message of includes": (one_message, "spf.max_lookups"),
    "1,000 deep": (deep, "spf.max_depth"),
    "diamonds": (diamonds, "spf.max_lookups"),
    "endless names": (endless_names, "spf.max_depth"),
    "more than 100 exchanges": (exchanges, "100 MX hosts"),
    "exchanges in many terms": (many_exchanges, "spf.max_lookups"),
}

ALIAS: Records = {
    ("evil.test", "TXT"): ["v=spf1 ip4:203.0.113.9 include:alias.evil.test -all"],
    ("alias.evil.test", "CNAME"): ["evil.test"],
}
EVIL = {"evil": ["evil.test"]}


def run(made: Site, launcher: Launcher, *options: str) -> Ended:
    made.server.reset()
    report = made.folder / REPORT
    ended = launcher.run("-c", made.config, "-v", "generate", *options, "--report", report)
    assert "Traceback" not in ended.stderr
    assert ended.peak < MEMORY
    return ended


def asked_for_evil(made: Site) -> int:
    return sum("evil.test" in name or name.startswith("i") for name, _ in made.server.count())


@pytest.mark.parametrize("kind", BOMBS)
def test_a_new_provider_over_a_limit_is_left_out_with_the_limit_and_the_others_are_listed(
    kind: str, launcher: Launcher, tmp_path: Path
) -> None:
    make, limit = BOMBS[kind]
    with site(tmp_path, {**RECORDS, **make()}, PROVIDERS | EVIL) as made:
        ended = run(made, launcher)
        assert (ended.returncode, made.rules()) == (3, RULES)
        assert asked_for_evil(made) <= QUESTIONS
        entry = provider(made.report(), "evil")
        assert entry["status"] == "held"
        assert any(limit in problem["detail"] for problem in entry["problems"])
        assert limit in ended.stderr


@pytest.mark.parametrize("kind", BOMBS)
def test_a_provider_that_goes_over_a_limit_keeps_its_networks(
    kind: str, launcher: Launcher, tmp_path: Path
) -> None:
    make, limit = BOMBS[kind]
    kept = {("evil.test", "TXT"): ["v=spf1 ip4:203.0.113.128/25 -all"]}
    with site(tmp_path, {**RECORDS, **kept}, PROVIDERS | EVIL) as made:
        assert launcher.run(*made.arguments).returncode == 0
        before = made.rules()
        made.server.zone = Zone({**RECORDS, **make()})
        ended = run(made, launcher)
        assert (ended.returncode, made.rules()) == (3, before)
        entry = provider(made.report(), "evil")
        assert entry["status"] == "held"
        assert any(limit in hold for hold in entry["holds"])
        assert asked_for_evil(made) <= QUESTIONS


@pytest.mark.parametrize("kind", BOMBS)
def test_in_strict_mode_too_the_caps_hold_and_the_others_are_listed(
    kind: str, launcher: Launcher, tmp_path: Path
) -> None:
    make, _ = BOMBS[kind]
    with site(tmp_path, {**RECORDS, **make()}, PROVIDERS | EVIL) as made:
        assert run(made, launcher, "--strict").returncode in (0, 3)
        assert set(RULES) <= set(made.rules())
        assert asked_for_evil(made) <= QUESTIONS


def test_a_record_that_includes_itself_by_an_alias_is_read_once(
    launcher: Launcher, tmp_path: Path
) -> None:
    with site(tmp_path, {**RECORDS, **ALIAS}, PROVIDERS | EVIL) as made:
        ended = run(made, launcher)
        assert (ended.returncode, set(made.rules()) - set(RULES)) == (0, {"203.0.113.9/32\tpermit"})
        assert asked_for_evil(made) == 2


def test_the_deepest_chain_within_the_limit_is_followed_to_its_end(
    launcher: Launcher, tmp_path: Path
) -> None:
    names = ["evil.test", *(f"d{i}.evil.test" for i in range(DEPTH))]
    chain = {(a, "TXT"): includes([b]) for a, b in pairwise(names)}
    last = {(names[-1], "TXT"): ["v=spf1 ip4:203.0.113.9 -all"]}
    with site(tmp_path, {**RECORDS, **chain, **last}, PROVIDERS | EVIL) as made:
        assert run(made, launcher).returncode == 0
        assert "203.0.113.9/32\tpermit" in made.rules()
        assert asked_for_evil(made) == DEPTH + 1


def test_many_bombs_at_once_stay_within_the_memory(launcher: Launcher, tmp_path: Path) -> None:
    records, providers = dict(RECORDS), dict(PROVIDERS)
    for number in range(10):
        names = [f"i{j}.e{number}.test" for j in range(2 * QUESTIONS)]
        records[f"e{number}.test", "TXT"] = includes(names)
        records |= {(name, "TXT"): ["v=spf1 ip4:203.0.113.9 -all"] for name in names}
        providers[f"e{number}"] = [f"e{number}.test"]
    with site(tmp_path, records, providers) as made:
        ended = run(made, launcher)
        assert (ended.returncode, made.rules()) == (3, RULES)
        assert len(made.server.count()) <= 10 * QUESTIONS + len(RECORDS) + 10


def test_a_hundred_records_that_fill_a_message_each_stay_within_the_memory(
    launcher: Launcher, tmp_path: Path
) -> None:
    names = [f"i{i}.evil.test" for i in range(100)]
    records = {("evil.test", "TXT"): includes(names)}
    for i, name in enumerate(names):
        terms = " ".join(f"ip4:100.{64 + i % 64}.{n >> 7}.{n << 1 & 255}" for n in range(3_200))
        records[name, "TXT"] = [f"v=spf1 {terms} -all"]
    with site(tmp_path, {**RECORDS, **records}, PROVIDERS | EVIL) as made:
        run(made, launcher)
        assert set(RULES) <= set(made.rules())


@pytest.mark.parametrize("mode", ["list", "strict"])
@pytest.mark.parametrize("made", [mesh, denied_by_includes, denied_after_includes])
def test_records_that_are_dear_to_evaluate_hold_their_provider_and_no_other(
    made: Callable[[], dict[str, str]], mode: str, launcher: Launcher, tmp_path: Path
) -> None:
    records = {(name, "TXT"): [text] for name, text in made().items()}
    with site(tmp_path, {**RECORDS, **records}, PROVIDERS | EVIL) as made_site:
        run(made_site, launcher, *(["--strict"] if mode == "strict" else []))
        assert set(RULES) <= set(made_site.rules())
        entry = provider(made_site.report(), "evil")
        if mode == "list":
            assert entry["status"] == "held"
            assert any("more than 500,000 steps" in hold for hold in entry["holds"])
