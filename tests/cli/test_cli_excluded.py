"""A sender that is switched off, and what keeps out the records of others that include it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import spfwhite
from tests.support.dnszone import Records
from tests.support.site import Site, site

pytestmark = pytest.mark.slow

RECORDS: Records = {
    ("hub.test", "TXT"): ["v=spf1 ip4:192.0.2.0/24 include:mailer.test -all"],
    ("mailer.test", "TXT"): ["v=spf1 ip4:198.51.100.0/22 -all"],
}
SENTENCE = (
    "mailer is off, and 1,024 of its addresses are listed all the same, through hub.test; "
    '`exclude = ["mailer.test"]` in [safety] keeps them out\n'
)
OWN, ALL = ["192.0.2.0/24\tpermit"], ["192.0.2.0/24\tpermit", "198.51.100.0/22\tpermit"]


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Site]:
    """Return a site after a run with both providers, of which one is switched off now."""
    providers = {"hub": ["hub.test"], "mailer": ["mailer.test"]}
    with site(tmp_path, RECORDS, providers) as made:
        assert made.generate().returncode == 0
        configure(made, "[providers.mailer]\n", "[providers.mailer]\nenabled = false\n")
        yield made


def configure(made: Site, old: str, new: str) -> None:
    made.config.write_text(made.config.read_text().replace(old, new))


def test_a_sender_that_is_off_and_listed_is_named_once_by_a_run_and_always_by_providers(
    made: Site,
) -> None:
    done = made.generate()
    assert (done.returncode, made.rules()) == (0, ALL)
    assert SENTENCE in done.stderr
    assert made.generate().stderr == ""
    for _ in range(2):
        assert spfwhite("-c", made.config, "providers").stdout.endswith(SENTENCE)


@pytest.mark.parametrize("strict", ["", "--strict"])
def test_what_the_sentence_says_takes_it_off_at_once(strict: str, made: Site) -> None:
    options = [strict] if strict else []
    configure(made, "[safety]\n", '[safety]\nexclude = ["Mailer.Test", "203.0.113.0/24"]\n')
    done = made.generate(*options)
    assert (done.returncode, made.rules()) == (0, OWN)
    assert "listed all the same" not in done.stderr
    assert "listed all the same" not in spfwhite("-c", made.config, "providers").stdout
    explained = spfwhite("-c", made.config, "explain", "198.51.100.7")
    assert explained.returncode == 1
    assert "mailer.test passes it, and safety.exclude names that domain (hub)" in explained.stdout
