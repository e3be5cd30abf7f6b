"""A site of which one provider has a page on a web server, beside another one in the DNS.

Owns: the page, the overlay that names it, and the ways to see what was asked and what the state
knows. Refuses: to assert anything.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.dnszone import Records
from tests.support.site import Site, provider, site
from tests.support.webserver import Reply, WebServer

RECORDS: Records = {("plain.test", "TXT"): ["v=spf1 ip4:192.0.2.0/24 -all"]}
PROVIDERS = {"plain": ["plain.test"]}
PLAIN = ["192.0.2.0/24\tpermit"]
PATH = "/outbound"
NETWORKS = [f"198.51.{number}.0/24" for number in range(100, 120, 2)]
RULES = [*PLAIN, *(f"{text}\tpermit" for text in NETWORKS), "2001:db8:7::/48\tpermit"]
DAY = 86_400


def page(networks: list[str], *, etag: str = "") -> Reply:
    """Return a page with a table of networks."""
    cells = "".join(f"<tr><td>{network}</td></tr>" for network in networks)
    headers = {"Content-Type": "text/html"} | ({"ETag": f'"{etag}"'} if etag else {})
    return Reply(f"<html><h1>Our senders</h1><table>{cells}</table></html>".encode(), 200, headers)


GOOD = page([*NETWORKS, "2001:db8:7::/48"], etag="one")


def url_of(web: WebServer, scheme: str = "http") -> str:
    """Return the address of the page on a server."""
    return f"{scheme}://127.0.0.1:{web.port}{PATH}"


@dataclass(frozen=True, slots=True)
class PageSite:
    """A site whose provider `listed` has a page on the web server."""

    site: Site
    web: WebServer
    url: str

    def requests(self) -> list[str | None]:
        """Return the If-None-Match of each request until now, and forget them."""
        asked = [asked.headers.get("if-none-match") for asked in self.web.asked]
        self.web.asked.clear()
        return asked

    def reported(self, *options: str | Path) -> tuple[int, Any]:
        """Run the program; return how it ended and what the report says of `listed`."""
        done, report = self.site.reported(*options)
        return done.returncode, provider(report, "listed")

    def remembered(self) -> Any:
        """Return what the state knows of the page."""
        return json.loads(self.site.state.read_bytes())["known"].get(f"{self.url} PAGE")

    def age(self, *, days: float) -> None:
        """Make the answers in the state older."""
        state = json.loads(self.site.state.read_bytes())
        for entry in state["known"].values():
            entry["seen"] -= days * DAY
        self.site.state.write_text(json.dumps(state))


@contextmanager
def page_site(
    folder: Path, reply: Reply = GOOD, *, keys: str = "pages_http = true"
) -> Iterator[PageSite]:
    """Yield a site with a page, before its first run; `keys` are the provider's other ones."""
    with WebServer({PATH: reply}) as web:
        more = f'[providers.listed]\npages = ["{url_of(web)}"]\n{keys}'
        with site(folder, RECORDS, PROVIDERS, more=more) as made:
            yield PageSite(made, web, url_of(web))
