"""The figures that the README quotes are those of the benchmark's results."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_ratios_of_the_readme_stand_in_the_results() -> None:
    section = (ROOT / "README.md").read_text().partition("## Speed")[2].partition("\n## ")[0]
    quoted = set(re.findall(r"\b[0-9]+\.[0-9]+\b", section))
    results = (ROOT / "tests" / "bench" / "RESULTS.md").read_text()
    assert len(quoted) >= 5
    assert quoted <= set(re.findall(r"\b[0-9]+\.[0-9]+\b", results))
