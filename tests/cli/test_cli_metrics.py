"""`generate --metrics` as a process: the file is whole, and remembers the last success."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.report.test_metrics import parsed
from tests.support.site import Site, site


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Site]:
    """Return a site whose program has not run yet."""
    with site(tmp_path) as made:
        yield made


def metric(path: Path, name: str) -> float:
    (value,) = parsed(path.read_bytes())[f"spfwhite_{name}"].samples.values()
    return value


def test_metrics_are_written_readable_by_all_and_leave_no_temporary_file(made: Site) -> None:
    path = made.folder / "spfwhite.prom"
    assert made.generate("--metrics", path).returncode == 0
    assert metric(path, "exit_code") == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert made.temporary_files() == []


def test_metrics_are_replaced_and_never_written_in_place(made: Site) -> None:
    path = made.folder / "spfwhite.prom"
    made.generate("--metrics", path)
    with path.open("rb") as reader:
        made.generate("--metrics", path)
        assert parsed(reader.read())  # who reads has the old file, whole
    assert parsed(path.read_bytes())


def test_the_last_success_survives_a_refused_run(made: Site) -> None:
    path = made.folder / "spfwhite.prom"
    made.generate("--metrics", path)
    success = metric(path, "last_success_timestamp_seconds")
    assert success > 1_600_000_000
    made.table.write_text("192.0.2.0/24 permit\n")  # a file of somebody else
    assert made.generate("--metrics", path).returncode == 4
    assert metric(path, "exit_code") == 4
    # to the second, and by the state: of the run before that one or of that one
    assert 0 <= metric(path, "last_success_timestamp_seconds") - success <= 1


def test_a_site_where_no_run_ever_succeeded_has_no_success(tmp_path: Path) -> None:
    records = {("big.test", "TXT"): ["v=spf1 -all"]}
    with site(tmp_path, records, {"big": ["big.test"]}) as made:
        assert made.generate("--metrics", made.folder / "m.prom").returncode == 4
    assert metric(tmp_path / "m.prom", "last_success_timestamp_seconds") == 0
