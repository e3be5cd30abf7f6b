"""A site that reloads: its `[postfix]` section, and what a run leaves of the reload.

Owns: nothing but the words in which the tests of the reload ask. Refuses: a Postfix; that is
`tests.support.postfix_instance`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.cli import Finished, overlay
from tests.support.site import PROVIDERS, RULES, Site, site

SECTION = "[postfix]\nverify = false\n"


@contextmanager
def unwired(folder: Path) -> Iterator[Site]:
    """Yield a site that does not ask Postfix; nothing has been written yet."""
    with site(folder, more=SECTION) as made:
        yield made


def configure(made: Site, *lines: str, more: str = "") -> None:
    """Write the overlay anew, with these lines of `[postfix]`."""
    section = SECTION + "\n".join(lines)
    overlay(made.folder, PROVIDERS, server=made.server, more=f"{section}\n{more}")


def by_command(made: Site, *command: str | Path) -> None:
    """Have the site reload by a command of its own."""
    texts = json.dumps([str(each) for each in command])
    configure(made, "reload = true", f"reload_command = {texts}")


def publish(made: Site, width: int) -> None:
    """Change the width of one network in the DNS."""
    made.server.zone.set("plain.test", "TXT", [f"v=spf1 ip4:198.51.100.0/{width} -all"])


def is_loaded(made: Site) -> bool:
    """Whether the state says that Postfix has loaded what was written last."""
    tables = json.loads(made.state.read_bytes())["tables"].values()
    return all(table["loaded"] == table["written"] for table in tables)


def assert_not_reloaded(made: Site, done: Finished, *words: str) -> None:
    """Exit 5 with the reason; the table is written, and the reload still due."""
    assert done.returncode == 5, done.stderr
    assert made.rules() == RULES
    assert not is_loaded(made)
    for word in ("Postfix did not reload", *words):
        assert word in done.stderr
