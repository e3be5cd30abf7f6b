"""What the README has to paste: lines that Postfix can take, and the formats that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from spfwhite.config.settings import FORMAT_NAMES

ROOT = Path(__file__).parents[1]


def main_cf_lines() -> list[str]:
    """Return the lines for main.cf: the blocks of the README that set a parameter, and our file."""
    blocks: list[str] = re.findall(r"(?ms)^```\n(.*?)^```$", (ROOT / "README.md").read_text())
    texts = [each for each in blocks if re.search(r"(?m)^postscreen_\w+ = ", each)]
    texts.append((ROOT / "contrib" / "postfix" / "main.cf").read_text())
    return [line for text in texts for line in text.splitlines()]


def test_no_line_for_main_cf_has_a_comment_behind_its_value() -> None:
    # main.cf has none: Postfix takes it for a part of the value, and postscreen ends at that
    settings = [line for line in main_cf_lines() if not line.startswith("#")]
    assert sum(line.startswith("postscreen_") for line in settings) == 5
    assert [line for line in settings if "#" in line] == []


MAN = "contrib/man"
LISTS = ["README.md", "providers.toml", f"{MAN}/spfwhite.1", f"{MAN}/spfwhite-providers.toml.5"]


@pytest.mark.parametrize("path", LISTS)
def test_all_formats_are_named_wherever_there_is_a_list_of_them(path: str) -> None:
    words = set(re.findall(r"[a-z]+", (ROOT / path).read_text()))
    assert set(FORMAT_NAMES) <= words
