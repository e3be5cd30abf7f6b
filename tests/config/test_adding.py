"""The file that `add` appends to: nothing gets there with which a run would not load."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

import pytest

from spfwhite.config.adding import HEAD, Addition, append, remove
from spfwhite.config.loading import ADDED, load
from spfwhite.errors import ConfigError, SpfwhiteError


def addition(name: str, *networks: str) -> Addition:
    return Addition(name=name, domains=(), networks=networks, category="added", expires=None)


def test_blocks_are_appended_to_a_file_that_loads(tmp_path: Path) -> None:
    assert append(addition("a", "192.0.2.1"), tmp_path / "etc") == tmp_path / "etc" / ADDED
    path = append(addition("b", "192.0.2.2", "::1"), tmp_path / "etc")
    assert path.read_text().startswith(HEAD)
    assert list(tomllib.loads(path.read_text())["providers"]) == ["a", "b"]
    assert {"a", "b"} < {provider.name for provider in load(system=tmp_path / "etc").providers}


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (addition("a", "192.0.2.2"), "is not TOML"),
        (addition("b", "nonsense"), 'providers.b.networks has "nonsense"'),
    ],
)
def test_what_would_not_load_never_takes_the_place_of_the_file(
    bad: Addition, sentence: str, tmp_path: Path
) -> None:
    path = append(addition("a", "192.0.2.1"), tmp_path)
    before = (path.stat().st_ino, path.read_text())
    with pytest.raises(ConfigError) as caught:
        append(bad, tmp_path)
    assert str(caught.value).startswith(f"{path}: ")
    assert sentence in str(caught.value)
    assert (path.stat().st_ino, path.read_text()) == before
    assert [file.name for file in path.parent.iterdir() if not file.name.endswith(".lock")] == [
        path.name
    ]


def test_a_provider_is_switched_off_at_once_whatever_blank_lines_the_file_ends_with(
    tmp_path: Path,
) -> None:
    path = append(addition("a", "192.0.2.1"), tmp_path)
    path.write_text(path.read_text() + "\n\n")
    remove("google", tmp_path)
    off = {provider.name for provider in load(system=tmp_path).providers if not provider.enabled}
    assert "google" in off and "a" not in off


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone asks who can write a file")
def test_nothing_is_written_to_a_folder_from_which_root_reads_nothing(tmp_path: Path) -> None:
    folder = (tmp_path / ADDED).parent
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(SpfwhiteError, match=re.escape(str(folder))):
        append(addition("a", "192.0.2.1"), tmp_path)
    assert not (tmp_path / ADDED).exists()
    folder.chmod(0o755)
    assert load(system=tmp_path)
