"""The family of errors: one base, and an exit code for each."""

from __future__ import annotations

from pathlib import Path

import pytest

import spfwhite
from spfwhite import errors
from spfwhite.config import loading as config
from spfwhite.errors import Exit, SpfwhiteError

CODES = {
    "ConfigError": Exit.USAGE,
    "FileError": Exit.ERROR,
    "LockedError": Exit.LOCKED,
    "NoNameServerError": Exit.ERROR,
    "ProgramError": Exit.ERROR,
    "ReloadError": Exit.NOT_RELOADED,
    "SnapshotError": Exit.ERROR,
    "StateError": Exit.ERROR,
    "UsageError": Exit.USAGE,
}


def test_each_error_has_its_exit_code() -> None:
    made = [each for each in vars(errors).values() if isinstance(each, type)]
    family = [each for each in made if issubclass(each, SpfwhiteError) and each != SpfwhiteError]
    assert {each.__name__: each.exit_code for each in family} == CODES


def test_a_program_that_uses_the_library_catches_one_class(tmp_path: Path) -> None:
    with pytest.raises(spfwhite.SpfwhiteError, match=r"missing\.toml"):
        config.load(tmp_path / "missing.toml")
    with pytest.raises(spfwhite.SpfwhiteError, match="'nobody' is not an enabled provider"):
        spfwhite.generate(config.load(system=tmp_path), accept="nobody", dry_run=True)
