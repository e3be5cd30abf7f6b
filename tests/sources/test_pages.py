"""One page fetched: everything that a web server may do, with respx in its place."""

from __future__ import annotations

import asyncio
import gzip
import math
from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import repeat

import httpx
import pytest
import respx

from spfwhite import __version__
from spfwhite.dns.answers import Failed, Found
from spfwhite.sources import page_fetch
from spfwhite.sources.page_fetch import MAX_REDIRECTS, UNKNOWN, Page, fetch_page
from tests.support.nights import configured

pytestmark = pytest.mark.slow

MAX_BYTES = 2 << 20
CONFIG = configured({"x": ()}, safety={"provider_max_rules": 1000, "pages_max_mib": 2})
URL = "https://senders.example.org/outbound/"
HTML = {"Content-Type": "text/html; charset=utf-8"}
PLAIN = {"Content-Type": "text/plain"}
LIST = "<ul><li>192.0.2.0/24</li><li>2001:db8::/32</li></ul>"
LISTED = ("192.0.2.0/24", "2001:db8::/32")
KEPT = Page(Found(("198.51.100.0/24",)), ('"one"', "Tue, 01 Jul 2025 10:00:00 GMT"))


class Body(httpx.AsyncByteStream):
    """A body of chunks that counts what was taken of it; a pause between chunks in seconds."""

    def __init__(self, chunks: Iterable[bytes], pause: float = 0) -> None:
        self._chunks = chunks
        self._pause = pause
        self.taken = 0
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            await asyncio.sleep(self._pause)
            self.taken += len(chunk)
            yield chunk

    async def aclose(self) -> None:
        self.closed = True


@pytest.fixture
def web() -> Iterator[respx.MockRouter]:
    """Every page of the web, none of which answers but those that a test adds."""
    with respx.mock(assert_all_called=False) as router:
        yield router


async def fetching(
    url: str = URL, known: Page = UNKNOWN, *, http: bool = False, seconds: float = math.inf
) -> Page:
    provider = CONFIG.providers[0]._replace(pages_http=http)
    return await fetch_page(url, known, provider, CONFIG.safety, seconds)


def fetched(url: str = URL, known: Page = UNKNOWN, *, http: bool = False) -> Page:
    return asyncio.run(fetching(url, known, http=http))


def listing(networks: tuple[str, ...], etag: str = "", last_modified: str = "") -> Page:
    return Page(Found(networks), (etag, last_modified))


def reason(page: Page) -> str:
    assert isinstance(page.answer, Failed)
    return page.answer.reason


def networks(page: Page) -> tuple[str, ...]:
    assert isinstance(page.answer, Found), page
    return page.answer.values


def page(body: str | bytes = LIST, **headers: str) -> httpx.Response:
    content = body.encode() if isinstance(body, str) else body
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(200, headers={**HTML, **named}, content=content)


def moved(to: str, status: int = 302) -> httpx.Response:
    return httpx.Response(status, headers={"Location": to})


# what a good page gives


def test_a_page_gives_its_networks_in_their_order(web: respx.MockRouter) -> None:
    web.get(URL).mock(page())
    assert fetched() == listing(LISTED)


def test_each_network_is_given_once(web: respx.MockRouter) -> None:
    web.get(URL).mock(page(LIST * 2))
    assert fetched() == listing(LISTED)


def test_neighbours_are_not_joined_so_that_each_width_can_be_judged(web: respx.MockRouter) -> None:
    web.get(URL).mock(page("192.0.2.0/25 192.0.2.128/25 0.0.0.0/0"))
    assert networks(fetched()) == ("192.0.2.0/25", "192.0.2.128/25", "0.0.0.0/0")


def test_a_range_is_given_as_cidrs(web: respx.MockRouter) -> None:
    web.get(URL).mock(page("192.0.2.1 - 192.0.2.4"))
    assert networks(fetched()) == ("192.0.2.1/32", "192.0.2.2/31", "192.0.2.4/32")


def test_validators_are_kept(web: respx.MockRouter) -> None:
    web.get(URL).mock(page(ETag='W/"x y"', Last_Modified="Tue, 01 Jul 2025 10:00:00 GMT"))
    assert fetched() == listing(LISTED, 'W/"x y"', "Tue, 01 Jul 2025 10:00:00 GMT")


@pytest.mark.parametrize("etag", [b'"\xe9"', b'"' + b"x" * 600 + b'"', b'"\x07"'])
def test_a_validator_that_cannot_be_sent_back_is_not_kept(
    web: respx.MockRouter, etag: bytes
) -> None:
    headers = [(b"Content-Type", b"text/html"), (b"ETag", etag)]
    web.get(URL).mock(httpx.Response(200, headers=headers, content=LIST.encode()))
    assert fetched() == listing(LISTED)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/html", LIST),
        ("TEXT/HTML;charset=x", LIST),
        ("application/xhtml+xml", f"<script src='x'/>{LIST}"),
        ("text/plain; charset=us-ascii", "192.0.2.0/24\n2001:db8::/32\n"),
        ("text/csv", '"192.0.2.0/24","mx1"\n2001:db8::/32,mx2\n'),
        ("application/json", '{"v4": ["192.0.2.0/24"], "v6": {"all": "2001:db8::/32"}}'),
    ],
)
def test_each_media_type_is_read_as_what_it_is(web: respx.MockRouter, kind: str, body: str) -> None:
    web.get(URL).mock(page(body, Content_Type=kind))
    assert networks(fetched()) == LISTED


@pytest.mark.parametrize(
    ("declared", "codec"),
    [
        ("text/plain", "ascii"),
        ("text/plain; charset=utf-8", "utf-8"),
        ("text/plain; charset=UTF-8", "utf-8-sig"),
        ("text/plain", "utf-8"),
        ("text/plain; charset=iso-8859-1", "cp1252"),
        ('text/plain; charset="windows-1251"', "cp1251"),
        ("text/plain", "cp1252"),
        ("text/plain; charset=punycode", "utf-8"),
        ("text/plain; charset=zip", "utf-8"),
        ("text/plain; charset=", "utf-8"),
        ("text/plain; charset=no-such", "utf-8"),
    ],
)
def test_a_range_is_read_in_every_character_set(
    web: respx.MockRouter, declared: str, codec: str
) -> None:
    dash = "-" if codec == "ascii" else "\u2013"
    body = f"192.0.2.0 {dash} 192.0.2.255".encode(codec)
    web.get(URL).mock(page(body, Content_Type=declared))
    assert networks(fetched()) == ("192.0.2.0/24",)


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_page_in_utf_16_lists_no_address(web: respx.MockRouter, codec: str) -> None:
    body = "192.0.2.0/24\n192.0.2.1 - 192.0.2.9\n198.51.100.7".encode(codec)
    web.get(URL).mock(page(body, Content_Type="text/plain; charset=utf-16"))
    assert reason(fetched()) == "lists no address"


def test_a_body_of_exactly_the_limit_is_taken(web: respx.MockRouter) -> None:
    web.get(URL).mock(page(b"192.0.2.1 ".ljust(MAX_BYTES)))
    assert networks(fetched()) == ("192.0.2.1/32",)


def test_of_too_many_networks_one_more_than_allowed_is_kept_and_no_validator(
    web: respx.MockRouter,
) -> None:
    ranges = b"\n".join(b"2a00:%x::1 - 2a00:%x:ffff::fffe" % (n, n) for n in range(100))
    web.get(URL).mock(page(ranges, ETag='"one"'))
    came = fetched()
    assert (len(networks(came)), came.validators) == (1001, ("", ""))


# what is sent


def test_the_request_says_who_asks_and_nothing_about_an_earlier_page(
    web: respx.MockRouter,
) -> None:
    route = web.get(URL).mock(page())
    fetched()
    sent = route.calls.last.request.headers
    assert sent["User-Agent"] == f"spfwhite/{__version__}"
    assert sent["Accept-Encoding"] == "identity"
    assert not {"if-none-match", "if-modified-since"} & sent.keys()


def test_the_validators_of_the_page_before_are_sent_back(web: respx.MockRouter) -> None:
    route = web.get(URL).mock(httpx.Response(304))
    assert fetched(known=KEPT) == KEPT
    sent = route.calls.last.request.headers
    assert (sent["If-None-Match"], sent["If-Modified-Since"]) == KEPT.validators


def test_a_damaged_validator_is_not_sent(web: respx.MockRouter) -> None:
    route = web.get(URL).mock(page())
    assert fetched(known=listing(("192.0.2.1/32",), "é", "a\nX-Evil: b")) == listing(LISTED)
    assert not {"if-none-match", "if-modified-since"} & route.calls.last.request.headers.keys()


def test_a_changed_page_is_a_new_page(web: respx.MockRouter) -> None:
    web.get(URL).mock(page(ETag='"two"'))
    assert fetched(known=KEPT) == listing(LISTED, '"two"')


@pytest.mark.parametrize("known", [UNKNOWN, Page(Found(("192.0.2.1/32",)))])
def test_unchanged_means_nothing_if_nothing_was_asked(web: respx.MockRouter, known: Page) -> None:
    web.get(URL).mock(httpx.Response(304))
    assert reason(fetched(known=known)) == "was answered with status 304"


def test_proxies_and_passwords_of_the_environment_are_not_used(
    web: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "not a proxy")  # httpx raises on it as soon as it looks
    web.get(URL).mock(page())
    assert networks(fetched()) == LISTED


# redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "to", ["new", "/new", "//senders.example.org/new", "https://SENDERS.example.org/new"]
)
def test_a_redirect_on_the_same_host_is_followed(
    web: respx.MockRouter, status: int, to: str
) -> None:
    web.get(URL).mock(moved(to, status))
    web.get(url__regex=r"https://senders\.example\.org/(outbound/)?new").mock(page())
    assert networks(fetched()) == LISTED


def test_the_validators_travel_with_a_redirect(web: respx.MockRouter) -> None:
    web.get(URL).mock(moved("new"))
    web.get(URL + "new", headers={"If-None-Match": KEPT.validators[0]}).mock(httpx.Response(304))
    assert fetched(known=KEPT) == KEPT


@pytest.mark.parametrize(
    "to",
    [
        "https://example.org/outbound/",
        "https://senders.example.org.example.net/",
        "https://senders.example.org@example.net/",
        "//example.net/",
        "https:\\\\example.net/",
    ],
)
def test_a_redirect_to_another_host_is_not_followed(web: respx.MockRouter, to: str) -> None:
    web.get(URL).mock(moved(to))
    web.get().mock(httpx.Response(404))
    assert isinstance(fetched().answer, Failed)
    assert {call.request.url.host for call in web.calls} == {"senders.example.org"}


def test_a_redirect_to_another_host_says_which(web: respx.MockRouter) -> None:
    web.get(URL).mock(moved("https://login.example.net/"))
    assert reason(fetched()) == "redirects to another host, login.example.net"


def test_https_stays_https_even_where_http_is_allowed(web: respx.MockRouter) -> None:
    web.get(URL).mock(moved("http://senders.example.org/"))
    plain = web.get("http://senders.example.org/").mock(page())
    assert reason(fetched(http=True)) == "redirects away from https"
    assert not plain.called


def test_http_may_become_https(web: respx.MockRouter) -> None:
    web.get("http://senders.example.org/").mock(moved(URL))
    web.get(URL).mock(page())
    assert networks(fetched("http://senders.example.org/", http=True)) == LISTED


def test_a_redirect_loop_ends(web: respx.MockRouter) -> None:
    route = web.get(URL).mock(moved(URL))
    assert reason(fetched()) == "redirects more than 5 times"
    assert route.call_count == MAX_REDIRECTS + 1


def test_as_many_redirects_as_allowed_are_followed(web: respx.MockRouter) -> None:
    web.get(URL).mock(side_effect=[moved(URL)] * MAX_REDIRECTS + [page()])
    assert networks(fetched()) == LISTED


@pytest.mark.parametrize("to", ["https://[", "https://\xe9\x00/", "ftp://senders.example.org/", ""])
def test_a_redirect_to_nowhere_is_a_failure(web: respx.MockRouter, to: str) -> None:
    headers = [(b"Location", to.encode())]
    web.get(URL).mock(httpx.Response(302, headers=headers))
    web.get("https://senders.example.org/").mock(httpx.Response(404))  # what httpx 0.23 reads
    assert isinstance(fetched().answer, Failed)


def test_a_redirect_without_a_target_is_a_failure(web: respx.MockRouter) -> None:
    web.get(URL).mock(httpx.Response(302))
    assert reason(fetched()) == "was answered with status 302"


# refusals


@pytest.mark.parametrize("status", [201, 204, 206, 300, 401, 403, 404, 410, 429, 500, 503])
def test_any_other_status_is_a_failure_whatever_the_page_lists(
    web: respx.MockRouter, status: int
) -> None:
    web.get(URL).mock(httpx.Response(status, headers=HTML, text=LIST))
    assert reason(fetched(known=KEPT)) == f"was answered with status {status}"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html></html>",
        "<form action='https://198.51.100.7/login'><input value='192.0.2.1'>Please log in</form>",
        "<p>Something went wrong. Reference 18.3a2f, build 1.2.3.4.5; it is 12:30:15</p>",
    ],
)
def test_a_page_with_status_200_and_no_address_is_a_failure(
    web: respx.MockRouter, body: str
) -> None:
    web.get(URL).mock(page(body))
    assert reason(fetched()) == "lists no address"


STYLE_SHEET = """<!DOCTYPE html><html><head><title>1.2.3.4</title>
<link href="/lib/1.2.3.4/x.css"><style>/* v 1.2.3.4 */ .a{margin:1.2.3.4} @import "9.9.9.9"</style>
<script src="jquery-1.2.3.4.js">var v = "1.2.3.4", all = ["8.8.8.8", "2001:db8::1"];</script>
<script type="application/json">{"build": "10.11.12.13"}</script></head>
<body data-version="1.2.3.4"><!-- 1.2.3.4 --><noscript>1.2.3.4</noscript>
<pre>
/*! normalize v1.2.3.4 | bootstrap-1.2.3.4 | lib/1.2.3.4/min | version 1.2.3.4 | 1.2.3.4.5 */
a::before { content: "::" } a:hover::after { margin: 0 1.2.3 .4; color: #1.2.3.4; top: 1.2.3.4px }
@media (min-width: 1.2.3.4em) { b { transition: all 300.1.2.3 1.2.3.400 } }
</pre></body></html>"""


def test_versions_in_a_style_sheet_are_no_addresses(web: respx.MockRouter) -> None:
    web.get(URL).mock(page(STYLE_SHEET))
    assert reason(fetched()) == "lists no address"


def test_what_a_page_lists_is_found_among_style_sheets(web: respx.MockRouter) -> None:
    web.get(URL).mock(page(STYLE_SHEET.replace("</body>", f"{LIST}</body>")))
    assert networks(fetched()) == LISTED


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("application/pdf", "is of type application/pdf"),
        ("text/css", "is of type text/css"),
        ("image/png; charset=text/html", "is of type image/png"),
        ("", "is without a type"),
    ],
)
def test_other_media_types_are_not_read(web: respx.MockRouter, kind: str, says: str) -> None:
    body = Body([LIST.encode()])
    web.get(URL).mock(httpx.Response(200, headers={"Content-Type": kind}, stream=body))
    assert reason(fetched()).startswith(says)
    assert body.taken == 0
    assert body.closed


def test_no_media_type_is_a_failure(web: respx.MockRouter) -> None:
    web.get(URL).mock(httpx.Response(200, content=LIST.encode()))
    assert reason(fetched()).startswith("is without a type")


def test_json_that_is_none_is_a_failure(web: respx.MockRouter) -> None:
    web.get(URL).mock(page('["192.0.2.1"', Content_Type="application/json"))
    assert reason(fetched()) == "is not JSON"


def test_a_long_body_is_left_where_the_limit_is(web: respx.MockRouter) -> None:
    chunk = LIST.encode().ljust(64 * 1024)
    body = Body(repeat(chunk, 160))
    web.get(URL).mock(httpx.Response(200, headers=HTML, stream=body))
    assert reason(fetched()) == "is longer than 2,097,152 bytes (safety.pages_max_mib)"
    assert body.taken <= MAX_BYTES + len(chunk)
    assert body.closed


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "gzip, gzip", "zstd"])
def test_a_packed_page_is_a_failure_before_its_body_is_read(
    web: respx.MockRouter, encoding: str
) -> None:
    body = Body([gzip.compress(LIST.encode())])
    headers = {**HTML, "Content-Encoding": encoding}
    web.get(URL).mock(httpx.Response(200, headers=headers, stream=body))
    assert reason(fetched()) == f"is packed with {encoding}, which was not asked for"
    assert (body.taken, body.closed) == (0, True)


def test_a_page_that_says_that_it_is_not_packed_is_read(web: respx.MockRouter) -> None:
    web.get(URL).mock(page(Content_Encoding="Identity"))
    assert networks(fetched()) == LISTED


@pytest.mark.parametrize(
    "url", ["http://senders.example.org/", "ftp://senders.example.org/", "senders.example.org", ""]
)
def test_only_https_is_asked(web: respx.MockRouter, url: str) -> None:
    route = web.get().mock(page())
    assert reason(fetched(url)) == "is not an https address"
    assert not route.called


def test_http_is_asked_if_told_so(web: respx.MockRouter) -> None:
    web.get("http://senders.example.org/").mock(page())
    assert networks(fetched("http://senders.example.org/", http=True)) == LISTED


@pytest.mark.parametrize("url", ["https://", "https://[", "https://a\0b/", "https://x:99999/"])
def test_an_address_that_is_none_is_a_failure(url: str) -> None:
    assert isinstance(fetched(url).answer, Failed)


# connections that fail


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("Name or service not known"),
        httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate"),
        httpx.RemoteProtocolError("peer closed connection without sending complete message body"),
        httpx.ReadError(""),
    ],
)
def test_a_connection_that_fails_is_a_failure_that_says_why(
    web: respx.MockRouter, error: httpx.TransportError
) -> None:
    web.get(URL).mock(side_effect=error)
    assert reason(fetched()) == f"cannot be fetched: {error or 'ReadError'}"


class Clock(asyncio.SelectorEventLoop):
    """A loop whose time passes as a test says, however long the machine takes."""

    now = 0.0

    def time(self) -> float:
        return self.now


def fetched_by(clock: Clock) -> Page:
    with asyncio.Runner(loop_factory=lambda: clock) as runner:
        return runner.run(fetching())


def test_a_server_that_says_nothing_is_given_up(
    web: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_fetch, "SECONDS", 0.2)

    async def silence(_request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    web.get(URL).mock(side_effect=silence)
    assert reason(fetched()) == "took longer than 0.2 s"


def test_a_run_that_has_less_time_left_gives_a_page_less(web: respx.MockRouter) -> None:
    async def silence(_request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    web.get(URL).mock(side_effect=silence)
    for seconds in (0.0, 0.2):
        page = asyncio.run(fetching(seconds=seconds))
        assert reason(page) == f"took longer than {seconds:g} s"


def test_a_body_that_comes_drop_by_drop_is_given_up(web: respx.MockRouter) -> None:
    clock = Clock()

    def drops() -> Iterator[bytes]:
        while True:
            clock.now += 1
            yield b" 192.0.2.1"

    body = Body(drops())
    web.get(URL).mock(httpx.Response(200, headers=HTML, stream=body))
    assert reason(fetched_by(clock)) == "took longer than 10 s"
    assert body.taken < MAX_BYTES
    assert body.closed


def test_the_time_is_for_all_redirects_together(web: respx.MockRouter) -> None:
    clock = Clock()

    async def slowly(_request: httpx.Request) -> httpx.Response:
        clock.now += 6
        await asyncio.sleep(0)
        return moved(URL)

    route = web.get(URL).mock(side_effect=slowly)
    assert reason(fetched_by(clock)) == "took longer than 10 s"
    assert route.call_count < MAX_REDIRECTS


def test_cancellation_is_not_taken_for_a_failure(web: respx.MockRouter) -> None:
    async def cancelled() -> None:
        body = Body(repeat(b" "), pause=0.01)
        web.get(URL).mock(httpx.Response(200, headers=HTML, stream=body))
        task = asyncio.create_task(fetching())
        while not body.taken:
            await asyncio.sleep(0.01)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())


def test_a_page_of_too_many_networks_is_marked_as_cut(web: respx.MockRouter) -> None:
    body = "\n".join(f"20.{n >> 8}.{n & 255}.0/30" for n in range(1100))
    web.get(URL).respond(text=body, headers={"Content-Type": "text/plain"})
    answer = fetched().answer
    assert isinstance(answer, Found)
    assert (len(answer.values), answer.left_out) == (1001, 1)
