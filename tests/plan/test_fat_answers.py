"""Answers as large as TCP lets them be: memory, state and table stay small."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.dnszone import Records
from tests.support.launcher import Launcher
from tests.support.site import PROVIDERS, RECORDS, REPORT, RULES, provider, site

pytestmark = pytest.mark.slow

MEMORY = 200 * 1024  # KiB
STATE = 8 * 2**20  # octets
EVIL = {"evil": ["evil.test"]}
HOSTS = 245


def many_addresses() -> Records:
    """Hosts with 4,000 addresses each, no two of them side by side."""
    names = [f"h{host}.evil.test" for host in range(HOSTS)]
    terms = " ".join(f"a:{name}" for name in names)
    records: dict[tuple[str, str], list[str]] = {}
    records["evil.test", "TXT"] = [f"v=spf1 {terms} -all"]
    for host, name in enumerate(names):
        first = (20 << 24) + 2 * host * 4_000
        numbers = range(first, first + 8_000, 2)
        records[name, "A"] = [
            f"{n >> 24}.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}" for n in numbers
        ]
    return records


def beside_other_texts() -> Records:
    """Includes of a record each, beside 59 KB of other text."""
    names = [f"i{number}.evil.test" for number in range(480)]
    terms = " ".join(f"include:{name}" for name in names)
    texts = ["v=spf1 ip4:203.0.113.9 -all", "\xff" * 59_000]
    return {("evil.test", "TXT"): [f"v=spf1 {terms} -all"], **{(n, "TXT"): texts for n in names}}


@pytest.mark.parametrize("make", [many_addresses, beside_other_texts])
def test_fat_answers_hold_their_provider_and_leave_a_state_that_is_read_at_once(
    make: Callable[[], Records], launcher: Launcher, tmp_path: Path
) -> None:
    with site(tmp_path, {**RECORDS, **make()}, PROVIDERS | EVIL) as made:
        ended = launcher.run("-c", made.config, "generate", "--report", made.folder / REPORT)
        assert (ended.returncode, made.rules()) == (3, RULES)
        assert ended.peak < MEMORY
        assert made.state.stat().st_size < STATE
        entry = provider(made.report(), "evil")
        assert entry["status"] == "held"
        assert any("1,048,576 octets (spf.max_octets)" in hold for hold in entry["holds"])
        assert len(entry["holds"]) < 4
        assert launcher.run("-c", made.config, "explain", "203.0.113.1").peak < MEMORY
