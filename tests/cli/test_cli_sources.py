"""Pages through the whole program: real processes, a real web server, a real DNS server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import spfwhite
from tests.support.pagesite import (
    DAY,
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
from tests.support.site import site
from tests.support.webserver import Reply, WebServer

pytestmark = pytest.mark.slow

LOGIN = b"<html><title>Sign in</title><form>Name <input> Version 1.2.3.4.5</form></html>"
TEN_MIB = b"192.0.2.1 " * (1 << 20)
BAD = {
    "error": (Reply(b"198.51.100.0/24", 500), "status 500"),
    "gone": (Reply(b"198.51.100.0/24", 404), "status 404"),
    "empty": (Reply(b""), "lists no address"),
    "login": (Reply(LOGIN), "lists no address"),
    "unclear": (Reply(b"<p>198.51.100.1 to 198.51.100.9</p>"), "198.51.100.1 to 198.51.100.9"),
    "huge": (Reply(TEN_MIB), "is longer than 8,388,608 bytes"),
    "type": (Reply(b"198.51.100.0/24", headers={"Content-Type": "image/png"}), "image/png"),
    "elsewhere": (Reply(b"", 302, {"Location": "http://localhost/"}), "another host, localhost"),
}


@pytest.fixture
def new(tmp_path: Path) -> Iterator[PageSite]:
    """Return a site that has not run yet."""
    with page_site(tmp_path) as made:
        yield made


@pytest.fixture
def ran(new: PageSite) -> PageSite:
    """Return a site after its first run, which found the page."""
    done = new.site.generate()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert new.site.rules() == RULES
    assert new.requests() == [None]
    return new


def test_an_unchanged_page_costs_one_304_and_is_renewed(ran: PageSite) -> None:
    ran.age(days=3)
    before = ran.remembered()
    done = ran.site.generate()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert ran.requests() == ['"one"']
    after = ran.remembered()
    assert after.pop("seen") > before.pop("seen") + 2 * DAY
    assert after == before
    assert ran.site.rules() == RULES


def test_a_page_that_changed_replaces_what_was_remembered(ran: PageSite) -> None:
    ran.web.replies[PATH] = page([*NETWORKS[1:], "203.0.113.7", "2001:db8:7::/48"], etag="two")
    assert ran.site.generate().returncode == 0
    assert ran.site.rules() == [*PLAIN, *RULES[2:-1], "203.0.113.7/32\tpermit", RULES[-1]]
    ran.site.generate()
    assert ran.requests() == ['"one"', '"two"']


@pytest.mark.parametrize("name", BAD)
def test_a_bad_page_leaves_the_remembered_one_and_is_reported_with_its_cause(
    name: str, ran: PageSite
) -> None:
    ran.web.replies[PATH], cause = BAD[name]
    before = ran.remembered()
    code, listed = ran.reported()
    assert (code, listed["status"], listed["degraded"]) == (0, "stale", False)
    assert cause in listed["stale"]["reason"]
    assert ran.site.rules() == RULES
    assert ran.remembered() == before
    ran.web.replies[PATH] = GOOD
    assert ran.reported()[1]["status"] == "ok"
    assert ran.requests()[-1] == '"one"', "what was remembered still counts"


@pytest.mark.parametrize("name", BAD)
def test_a_bad_page_on_the_first_run_leaves_its_provider_incomplete_and_the_others_whole(
    name: str, new: PageSite
) -> None:
    new.web.replies[PATH], cause = BAD[name]
    done = new.site.generate()
    assert (done.returncode, done.stdout) == (3, "")
    assert "listed: incomplete: nothing listed" in done.stderr
    assert f"temporary: {new.url}: page: the page " in done.stderr
    assert cause in done.stderr
    assert new.site.rules() == PLAIN
    assert new.remembered().keys() == {"failed", "seen"}, "since when it fails, and nothing else"


def test_a_server_that_is_gone_leaves_the_remembered_page(tmp_path: Path) -> None:
    web = WebServer({PATH: GOOD})
    more = f'[providers.listed]\npages = ["{url_of(web)}"]\npages_http = true'
    with site(tmp_path, RECORDS, PROVIDERS, more=more) as made:
        with web:
            assert made.generate().returncode == 0
        code, listed = PageSite(made, web, url_of(web)).reported()
        assert (code, listed["status"], made.rules()) == (0, "stale", RULES)
    assert listed["stale"]["reason"].startswith("cannot be fetched: ")


def test_a_page_that_fails_for_over_48_hours_degrades_the_run(ran: PageSite) -> None:
    ran.age(days=3)
    ran.web.replies[PATH] = Reply(b"", 500)
    done = ran.site.generate()
    assert done.returncode == 3
    assert (
        f"stale: PAGE {ran.url}: was answered with status 500: the answer of 3 days ago"
        in done.stderr
    )
    assert ran.site.rules() == RULES


def test_a_page_that_loses_most_of_its_addresses_holds_its_provider(ran: PageSite) -> None:
    ran.web.replies[PATH] = page([*NETWORKS[:1], "2001:db8:7::/48"])
    done = ran.site.generate()
    assert done.returncode == 3
    assert "  loses 90 % of its IPv4 addresses" in done.stderr
    assert "--accept listed" in done.stderr
    assert ran.site.rules() == RULES
    assert ran.site.generate("--accept", "listed").returncode == 0
    assert ran.site.rules() == [*PLAIN, RULES[1], RULES[-1]]


def test_a_block_page_that_names_its_visitor_holds_a_small_provider(new: PageSite) -> None:
    new.web.replies[PATH] = page(["198.51.100.1", "198.51.100.9"])
    assert new.site.generate().returncode == 0
    new.web.replies[PATH] = Reply(b"<h1>Blocked</h1><p>Your address is 203.0.113.9</p>")
    code, listed = new.reported()
    assert (code, listed["status"]) == (3, "held")
    assert new.site.rules() == [*PLAIN, "198.51.100.1/32\tpermit", "198.51.100.9/32\tpermit"]


def test_what_is_too_wide_on_a_page_is_dropped_and_named(new: PageSite) -> None:
    new.web.replies[PATH] = page(["64.0.0.0/11", "198.51.100.0/24"])
    code, listed = new.reported()
    assert (code, listed["status"]) == (0, "ok")
    assert new.site.rules() == [*PLAIN, "198.51.100.0/24\tpermit"]
    (problem,) = listed["problems"]
    assert (problem["kind"], problem["domain"], problem["term"]) == ("too-wide", new.url, "page")
    assert "64.0.0.0/11" in problem["detail"]


def test_neighbours_on_a_page_that_are_too_wide_together_are_remembered(new: PageSite) -> None:
    new.web.replies[PATH] = page(["64.0.0.0/14", "64.4.0.0/14"])
    assert new.site.generate().returncode == 0
    new.web.replies[PATH] = Reply(b"", 500)
    assert new.site.generate().returncode == 0
    assert new.site.rules() == ["64.0.0.0/13\tpermit", *PLAIN]
    new.web.replies[PATH] = page(["65.0.0.0/14"])
    code, listed = new.reported()
    assert (code, listed["status"]) == (3, "held")


def test_special_use_addresses_of_a_page_are_dropped(tmp_path: Path) -> None:
    keys = 'pages_http = true\nspecial_use = "drop"'
    with page_site(tmp_path, page(["10.0.0.1", "52.0.0.0/24"]), keys=keys) as made:
        code, listed = made.reported()
        assert code == 0
        assert made.site.rules() == ["52.0.0.0/24\tpermit", *PLAIN]
        assert [each["kind"] for each in listed["problems"]] == ["special-use"]


def test_explain_and_providers_name_the_page(ran: PageSite) -> None:
    done = spfwhite("-c", ran.site.config, "explain", "198.51.100.7")
    assert done.returncode == 0
    assert f"listed: page in {ran.url}\n" in done.stdout
    ran.web.replies[PATH] = Reply(b"", 500)
    ran.site.generate()
    done = spfwhite("-c", ran.site.config, "explain", "198.51.100.7")
    assert "from memory: last answered" in done.stdout
    done = spfwhite("-c", ran.site.config, "providers")
    assert "stale       listed" in done.stdout


def test_providers_names_a_page_that_never_came(new: PageSite) -> None:
    new.web.replies[PATH] = Reply(b"", 500)
    new.site.generate()
    done = spfwhite("-c", new.site.config, "providers")
    assert "incomplete  listed" in done.stdout
    assert f"temporary: {new.url}: page: " in done.stdout


def test_a_page_of_more_networks_than_rules_are_allowed_is_cut_and_held(new: PageSite) -> None:
    text = new.site.config.read_text()
    new.site.config.write_text(text.replace("[safety]\n", "[safety]\nprovider_max_rules = 4\n"))
    code, listed = new.reported()
    assert (code, listed["status"], new.site.rules()) == (3, "held", PLAIN)
    detail = "the page has more than 4 values (safety.provider_max_rules)"
    assert any(detail in hold for hold in listed["holds"])
    assert new.remembered()["found"] == NETWORKS[:5]


SERVICES = Reply(
    b'[{"ip": "198.51.100.0/24", "service": "a"}, {"ip": "203.0.113.0/24", "service": "b"}]',
    200,
    {"Content-Type": "application/json", "ETag": '"one"'},
)


def test_a_page_lists_what_is_selected_and_is_asked_anew_for_something_else(tmp_path: Path) -> None:
    keys = 'pages_http = true\npages_select = { service = "a" }'
    with page_site(tmp_path, SERVICES, keys=keys) as made:
        assert made.site.generate().returncode == 0
        assert made.site.rules() == [*PLAIN, "198.51.100.0/24\tpermit"]
        own = made.site.config.read_text()
        made.site.config.write_text(own.replace('service = "a"', 'service = "b"'))
        assert made.site.generate().returncode == 0, "what the operator edits is held by no limit"
        assert made.site.rules() == [*PLAIN, "203.0.113.0/24\tpermit"]
        assert made.requests() == [None, None]


def test_pages_select_is_a_table_of_texts(tmp_path: Path) -> None:
    with page_site(tmp_path, SERVICES, keys='pages_select = { service = ["a"] }') as made:
        done = made.site.generate()
    assert done.returncode == 2
    assert 'providers.listed.pages_select must be a table of texts such as { service = "EC2" }' in (
        done.stderr
    )


def test_the_size_of_a_page_is_limited_as_the_configuration_says(tmp_path: Path) -> None:
    body = NETWORKS[0].encode() + b"\n" * (1 << 20)
    with page_site(tmp_path, Reply(body, 200, {"Content-Type": "text/plain"})) as made:
        assert made.reported()[1]["status"] == "ok"
        own = made.site.config.read_text()
        made.site.config.write_text(own.replace("[safety]", "[safety]\npages_max_mib = 1"))
        assert "is longer than 1,048,576 bytes" in made.reported()[1]["stale"]["reason"]
