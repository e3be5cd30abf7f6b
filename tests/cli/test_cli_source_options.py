"""Pages and hosts with the options and keys that say who is asked, and one page over HTTPS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.sources.test_pages_https import certified
from tests.support.cli import rules, spfwhite
from tests.support.dnszone import Records
from tests.support.pagesite import (
    GOOD,
    NETWORKS,
    PATH,
    PLAIN,
    PROVIDERS,
    RECORDS,
    RULES,
    PageSite,
    page,
    page_site,
    url_of,
)
from tests.support.site import Site, site
from tests.support.webserver import WebServer

HOSTS: Records = {("h1.hosts.test", "A"): ["203.0.113.1"], ("h2.hosts.test", "A"): ["203.0.113.3"]}
PATTERN = "h{1..3}.hosts.test"
ALL = [*RULES[:-1], "203.0.113.1/32\tpermit", "203.0.113.3/32\tpermit", RULES[-1]]


@pytest.fixture
def ran(tmp_path: Path) -> Iterator[PageSite]:
    """Return a site with a page and hosts, after its first run."""
    keys = f'pages_http = true\n[providers.hosts]\nhosts = ["{PATTERN}"]'
    with page_site(tmp_path, keys=keys) as made:
        for (name, rrtype), values in HOSTS.items():
            made.site.server.zone.set(name, rrtype, values)
        done = made.site.generate()
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert made.site.rules() == ALL
        made.requests()
        made.site.server.reset()
        yield made


def names(made: Site) -> set[str]:
    """Return the names that the name server was asked for, and forget them."""
    asked = {name for name, _ in made.server.count()}
    made.server.reset()
    return asked


def forget(made: Site, part: str) -> None:
    """Take answers out of the state."""
    state = json.loads(made.state.read_bytes())
    state["known"] = {key: value for key, value in state["known"].items() if part not in key}
    made.state.write_text(json.dumps(state))


def test_offline_asks_nobody_and_lists_the_same(ran: PageSite) -> None:
    done = ran.site.generate("--offline", "-o", "-")
    assert (done.returncode, rules(done.stdout)) == (0, ALL)
    assert (ran.requests(), names(ran.site)) == ([], set())


def test_only_asks_for_the_page_of_that_provider_alone(ran: PageSite) -> None:
    ran.web.replies[PATH] = page([*NETWORKS[1:], "2001:db8:7::/48"])
    assert ran.site.generate("--only", "listed").returncode == 0
    assert (ran.requests(), names(ran.site)) == (['"one"'], set())
    assert ran.site.rules() == [ALL[0], *ALL[2:]]


def test_only_another_provider_leaves_the_page_and_the_hosts_alone(ran: PageSite) -> None:
    ran.age(days=1)
    assert ran.site.generate("--only", "plain").returncode == 0
    assert (ran.requests(), names(ran.site)) == ([], {"plain.test"})
    assert ran.site.rules() == ALL


def test_only_asks_for_the_hosts_of_that_provider_alone(ran: PageSite) -> None:
    forget(ran.site, "hosts.test")
    assert ran.site.generate("--only", "hosts").returncode == 0
    assert ran.requests() == []
    assert names(ran.site) == {f"h{number}.hosts.test" for number in (1, 2, 3)}
    assert ran.site.rules() == ALL


def test_a_recorded_run_replays_with_pages_and_hosts(ran: PageSite, tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    assert ran.site.generate("--record", record).returncode == 0
    answers = json.loads(record.read_bytes())["answers"]
    assert answers[f"{ran.url} PAGE"] == {"found": [*NETWORKS, "2001:db8:7::/48"]}
    assert answers["h1.hosts.test A"] == {"found": ["203.0.113.1"]}
    assert answers["h3.hosts.test A"] == {"void": "NXDOMAIN"}
    ran.site.state.unlink()
    names(ran.site)
    ran.requests()
    done = ran.site.generate("--replay", record, "-o", "-")
    assert (done.returncode, rules(done.stdout)) == (0, ALL)
    assert (ran.requests(), names(ran.site)) == ([], set())


def test_explain_and_providers_name_the_pattern(ran: PageSite) -> None:
    done = spfwhite("-c", ran.site.config, "explain", "203.0.113.3")
    assert done.returncode == 0
    assert f"hosts: hosts in {PATTERN}\n" in done.stdout
    done = spfwhite("-c", ran.site.config, "providers")
    assert [line.split()[:3] for line in done.stdout.splitlines()[1:]] == [
        ["ok", "hosts", "2"],
        ["ok", "listed", "11"],
        ["ok", "plain", "1"],
    ]


def test_a_page_that_is_switched_off_is_not_asked_for(tmp_path: Path) -> None:
    keys = 'pages_http = true\npages_enabled = false\nnetworks = ["203.0.113.0/24"]'
    with page_site(tmp_path, keys=keys) as made:
        done = made.site.generate()
        assert (done.returncode, done.stderr) == (0, "")
        assert made.requests() == []
        assert made.site.rules() == [*PLAIN, "203.0.113.0/24\tpermit"]


def test_switching_a_page_off_is_an_edit_and_takes_what_it_listed_off_the_table(
    ran: PageSite,
) -> None:
    text = ran.site.config.read_text()
    keys = 'pages_enabled = false\nnetworks = ["203.0.113.7"]'
    ran.site.config.write_text(text.replace("pages_http = true", keys))
    assert ran.site.generate().returncode == 0
    hosts = [f"203.0.113.{number}/32\tpermit" for number in (1, 3, 7)]
    assert ran.site.rules() == [*PLAIN, *hosts]
    assert ran.requests() == []
    assert ran.remembered() is None


def test_a_page_without_tls_is_not_asked_for_unless_it_is_allowed(tmp_path: Path) -> None:
    with page_site(tmp_path, keys="") as made:
        done = made.site.generate()
        assert made.requests() == []
    assert done.returncode != 0
    assert "https" in done.stderr
    assert made.url in done.stderr


def test_a_page_that_fails_leaves_the_domains_of_its_provider(tmp_path: Path) -> None:
    keys = 'pages_http = true\ndomains = ["more.test"]'
    with page_site(tmp_path, page([]), keys=keys) as made:
        made.site.server.zone.set("more.test", "TXT", ["v=spf1 ip4:203.0.113.0/24 -all"])
        code, listed = made.reported()
        assert (code, listed["status"]) == (3, "incomplete")
        assert made.site.rules() == [*PLAIN, "203.0.113.0/24\tpermit"]


def test_a_page_of_two_providers_is_fetched_once(tmp_path: Path) -> None:
    with page_site(tmp_path) as made:
        text = made.site.config.read_text()
        other = text[text.index("[providers.listed]") :].replace("listed", "other")
        made.site.config.write_text(text + other)
        assert made.site.generate().returncode == 0
        assert made.requests() == [None]
        done = spfwhite("-c", made.site.config, "explain", "198.51.100.7")
        assert f"listed: page in {made.url}" in done.stdout
        assert f"other: page in {made.url}" in done.stdout


@pytest.mark.parametrize("known", [True, False])
def test_a_page_over_https_needs_a_certificate_of_an_authority_that_the_system_trusts(
    known: bool,  # noqa: FBT001
    tmp_path: Path,
) -> None:
    authority = trustme.CA()
    (authority if known else trustme.CA()).cert_pem.write_to_path(tmp_path / "authority.pem")
    env = {"SSL_CERT_FILE": str(tmp_path / "authority.pem")}
    with WebServer({PATH: GOOD}, certified(authority, "127.0.0.1")) as web:
        more = f'[providers.listed]\npages = ["{url_of(web, "https")}"]'
        with site(tmp_path, RECORDS, PROVIDERS, more=more) as made:
            first, second = (made.generate(env=env) for _ in range(2))
    if known:
        assert [(done.returncode, done.stderr) for done in (first, second)] == [(0, "")] * 2
        assert [asked.headers.get("if-none-match") for asked in web.asked] == [None, '"one"']
        assert made.rules() == RULES
    else:
        assert (first.returncode, made.rules(), web.asked) == (3, PLAIN, [])
        assert "certificate verify failed" in first.stderr
