"""Pages from a real HTTPS server on loopback, with certificates of a real authority."""

from __future__ import annotations

import asyncio
import math
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from spfwhite.dns.answers import Failed, Found
from spfwhite.sources import page_fetch
from spfwhite.sources.page_fetch import UNKNOWN, Page, fetch_page
from tests.support.nights import configured
from tests.support.webserver import Reply, WebServer

CONFIG = configured({"x": ()}, safety={"provider_max_rules": 1000, "pages_max_mib": 1})

REPLIES = {
    "/": Reply(b"192.0.2.0/24", headers={"Content-Type": "text/plain", "ETag": '"one"'}),
    "/old": Reply(b"", 301, {"Location": "/"}),
    "/elsewhere": Reply(b"", 302, {"Location": "https://localhost/"}),
    "/cut": Reply(b"192.0.2.1", headers={"Content-Type": "text/plain", "Content-Length": "99"}),
    "/cut-chunks": Reply(
        b"9\r\n192.0.2.1\r\n",
        headers={"Content-Type": "text/plain", "Transfer-Encoding": "chunked"},
    ),
}
LISTED = ("192.0.2.0/24",)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the authority one that the system trusts."""
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))


@pytest.fixture
def server(authority: trustme.CA) -> Iterator[WebServer]:
    with WebServer(REPLIES, certified(authority, "127.0.0.1")) as running:
        yield running


def certified(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def fetched(server: WebServer, path: str = "/", known: Page = UNKNOWN) -> Page:
    url = f"https://127.0.0.1:{server.port}{path}"
    return asyncio.run(fetching(url, known))


async def fetching(url: str, known: Page = UNKNOWN) -> Page:
    (provider,) = CONFIG.providers
    return await fetch_page(url, known, provider, CONFIG.safety, math.inf)


def reason(page: Page) -> str:
    assert isinstance(page.answer, Failed)
    return page.answer.reason


@pytest.mark.usefixtures("trusted")
def test_a_page_is_fetched_and_then_found_unchanged(server: WebServer) -> None:
    first = fetched(server)
    assert first == Page(Found(LISTED), ('"one"', ""))
    assert fetched(server, known=first) == first
    assert [asked.headers.get("if-none-match") for asked in server.asked] == [None, '"one"']


@pytest.mark.usefixtures("trusted")
def test_a_redirect_is_followed_on_the_same_server(server: WebServer) -> None:
    assert fetched(server, "/old") == Page(Found(LISTED), ('"one"', ""))
    assert [asked.path for asked in server.asked] == ["/old", "/"]


@pytest.mark.usefixtures("trusted")
def test_another_name_of_the_same_server_is_another_host(server: WebServer) -> None:
    assert reason(fetched(server, "/elsewhere")) == "redirects to another host, localhost"


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("path", ["/cut", "/cut-chunks"])
def test_a_page_of_which_the_end_is_missing_is_a_failure(server: WebServer, path: str) -> None:
    assert "peer closed connection" in reason(fetched(server, path))


def test_a_certificate_of_an_unknown_authority_is_a_failure(server: WebServer) -> None:
    assert "certificate verify failed" in reason(fetched(server))
    assert not server.asked


@pytest.mark.usefixtures("trusted")
def test_a_certificate_for_another_name_is_a_failure(authority: trustme.CA) -> None:
    with WebServer(REPLIES, certified(authority, "senders.example.org")) as server:
        assert "certificate verify failed" in reason(fetched(server))
    assert not server.asked


def test_a_server_without_tls_is_a_failure() -> None:
    with WebServer(REPLIES) as server:
        assert reason(fetched(server)).startswith("cannot be fetched: [SSL")
    assert not server.asked


def test_a_closed_port_is_a_failure() -> None:
    with WebServer(REPLIES) as server:
        pass
    assert reason(fetched(server)).startswith("cannot be fetched: ")


def test_a_server_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_fetch, "SECONDS", 0.2)

    async def against_silence() -> Page:
        async def accept(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await given_up.wait()
            writer.close()
            closed.set()

        given_up, closed = asyncio.Event(), asyncio.Event()
        silent = await asyncio.start_server(accept, "127.0.0.1", 0)
        port = silent.sockets[0].getsockname()[1]
        answer = await fetching(f"https://127.0.0.1:{port}/")
        given_up.set()
        await closed.wait()
        silent.close()
        return answer

    assert reason(asyncio.run(against_silence())) == "took longer than 0.2 s"
