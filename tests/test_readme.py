"""What is there to paste for Postfix, and the lists of the formats that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from spfwhite.config.settings import FORMAT_NAMES

ROOT = Path(__file__).parents[1]


def test_no_line_for_main_cf_has_a_comment_behind_its_value() -> None:
    # main.cf has none: Postfix takes it for a part of the value, and postscreen ends at that
    lines = (ROOT / "contrib" / "postfix" / "main.cf").read_text().splitlines()
    settings = [line for line in lines if not line.startswith("#")]
    assert sum(line.startswith("postscreen_") for line in settings) == 3
    assert [line for line in settings if "#" in line] == []


MAN = "contrib/man"
LISTS = ["README.md", "providers.toml", f"{MAN}/spfwhite.1", f"{MAN}/spfwhite-providers.toml.5"]


@pytest.mark.parametrize("path", LISTS)
def test_all_formats_are_named_wherever_there_is_a_list_of_them(path: str) -> None:
    words = set(re.findall(r"[a-z]+", (ROOT / path).read_text()))
    assert set(FORMAT_NAMES) <= words
