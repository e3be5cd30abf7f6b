"""The sample of `contrib/sample`: a newcomer without DNS runs the main job and sees exit 0."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from spfwhite.config.loading import load
from spfwhite.dns.answers import Found, Question, snapshot_from_json
from tests.support.cli import WORLD, listing, rules, spfwhite

SAMPLE = Path(__file__).parents[2] / "contrib" / "sample"
OVERLAY = SAMPLE / "providers.toml"
SNAPSHOT = SAMPLE / "snapshot.json"
GENERATE: list[str | Path] = ["-c", OVERLAY, "generate", "--replay", SNAPSHOT]


def test_the_main_job_ends_in_silence_with_exit_0(tmp_path: Path) -> None:
    before = listing(SAMPLE)
    done = spfwhite(*GENERATE, "-o", "./postscreen_spf_whitelist.cidr", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert len(rules((tmp_path / "postscreen_spf_whitelist.cidr").read_bytes())) > 500
    assert listing(SAMPLE) == before


def test_strict_mode_ends_with_a_table_too() -> None:
    done = spfwhite(*GENERATE, "--strict", "-o", "-")
    assert done.returncode in (0, 3)
    assert rules(done.stdout)


def test_the_overlay_names_only_domains_that_the_snapshot_answers() -> None:
    answers = snapshot_from_json(json.loads(SNAPSHOT.read_bytes()))
    providers = load(OVERLAY).providers
    assert len(providers) > 40
    for provider in providers:
        assert provider.enabled
        for domain in provider.domains:
            assert isinstance(answers.get(Question(domain, "TXT")), Found), domain


def test_the_overlay_has_the_default_hosts_of_postwhite_that_still_exist() -> None:
    groups = json.loads((WORLD / "providers.json").read_bytes())
    hosts = {host for name in groups if name.startswith("postwhite_") for host in groups[name]}
    domains = {domain for provider in load(OVERLAY).providers for domain in provider.domains}
    answers = snapshot_from_json(json.loads(SNAPSHOT.read_bytes()))
    answered = {host for host in hosts if isinstance(answers.get(Question(host, "TXT")), Found)}
    assert len(answered) > 30
    assert answered <= domains


def test_the_snapshot_is_as_the_program_records_it(tmp_path: Path) -> None:
    spfwhite(*GENERATE, "--record", tmp_path / "again.json", "-o", "-")
    assert (tmp_path / "again.json").read_bytes() == SNAPSHOT.read_bytes()


@pytest.mark.parametrize("path", [OVERLAY, SNAPSHOT])
def test_the_sample_is_ascii_with_a_newline_at_its_end(path: Path) -> None:
    content = path.read_bytes()
    assert content.isascii()
    assert content.endswith(b"\n")
