"""One fetch of a web page that lists addresses: capped, over TLS, and from the host that was named.

Owns: HTTP. What a server does is never an exception but a `Failed` with a reason for people. The
only importer of httpx, which takes 0.1 s to load: whoever has no page must not import this module.
Refuses: to read what it fetched (`spfwhite.sources.page_text`, `spfwhite.sources.page_addresses`),
to remember it, and to believe the environment about proxies and passwords.
"""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

import httpx

from spfwhite._version import __version__
from spfwhite.config.settings import Provider, Safety
from spfwhite.dns.answers import NOT_ASKED, Answer, Failed, Found
from spfwhite.sources.memory import Validators
from spfwhite.sources.page_addresses import networks_in
from spfwhite.sources.page_text import MEDIA_TYPES, media_type, visible_text

# For everything: name look-up, redirects, and a body that comes drop by drop
SECONDS: Final = 10.0

MAX_REDIRECTS: Final = 5

_VALIDATORS: Final = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}


class Page(NamedTuple):
    """What came for a page, and the validators of RFC 9110 section 8.8 it came with, "" for none.

    Found values are CIDRs in the order of the page, each once and not joined: each has its width.
    """

    answer: Answer
    validators: Validators = ("", "")


UNKNOWN: Final = Page(NOT_ASKED)


class _UnusableError(Exception):
    """A response that is no page; the text is a phrase for people."""


async def fetch_page(
    url: str, known: Page, provider: Provider, safety: Safety, seconds: float
) -> Page:
    """Return what a page lists now, `known` if it has not changed since, or why neither.

    Of a page with too many networks one more is kept, by which one can tell, and reading ends.
    `seconds` may leave it less time than `SECONDS`. Never raises but if cancelled.
    """
    seconds = min(SECONDS, seconds)
    # RFC 9110 section 13.1
    pairs = zip(_VALIDATORS.values(), known.validators, strict=True)
    conditions = {name: value for name, value in pairs if _is_validator(value)}
    try:
        # As a task of its own: with anyio 3.6, which Debian 12 has, an `asyncio.timeout` around a
        # TLS handshake does not learn that it was the one who cancelled it.
        fetch = _fetch(url, conditions, provider, safety)
        fetched = await asyncio.wait_for(fetch, seconds)
        # a thread of its own: the time of other pages runs while 8 MiB of markup are read
        return await asyncio.to_thread(_page, *fetched, provider, safety) if fetched else known
    except TimeoutError:
        return Page(Failed(f"took longer than {seconds:.2g} s"))
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:  # httpx 0.23 lets TLS errors out
        return Page(Failed(f"cannot be fetched: {error or type(error).__name__}"))
    except (_UnusableError, ValueError) as fault:
        return Page(Failed(str(fault)))


def _is_validator(text: str) -> bool:
    """Tell whether a header value can be kept and sent back; what is not is no harm to lose."""
    return re.fullmatch(r"[!-~](?:[ -~]{0,498}[!-~])?", text) is not None


def _page(headers: httpx.Headers, body: bytes, provider: Provider, safety: Safety) -> Page:
    """Return what was fetched as a page; raises _UnusableError and ValueError."""
    text = visible_text(body, headers["content-type"], provider.pages_select)
    cidrs: dict[str, None] = {}
    for networks in networks_in(text):  # one range may be two hundred CIDRs
        cidrs.update(dict.fromkeys(networks.texts()))
        if len(cidrs) > safety.provider_max_rules:
            # Without validators, so that it is read again once more are allowed; and marked as cut,
            # so that what is remembered of it never passes for the whole page.
            return Page(Found(tuple(cidrs)[: safety.provider_max_rules + 1], left_out=1))
    if not cidrs:
        raise _UnusableError("lists no address")
    etag, modified = (headers.get(name, "") for name in _VALIDATORS)
    validators = etag if _is_validator(etag) else "", modified if _is_validator(modified) else ""
    return Page(Found(tuple(cidrs)), validators)


async def _fetch(
    url: str, conditions: dict[str, str], provider: Provider, safety: Safety
) -> tuple[httpx.Headers, bytes] | None:
    """Return headers and body, None for 304; raises _UnusableError and httpx's errors."""
    headers = {"User-Agent": f"spfwhite/{__version__}", "Accept-Encoding": "identity", **conditions}
    async with httpx.AsyncClient(
        verify=_trust(), trust_env=False, timeout=None, headers=headers
    ) as client:
        request = client.build_request("GET", url)
        if request.url.scheme not in ("https", "http" if provider.pages_http else "https"):
            raise _UnusableError("is not an https address")
        async with _followed(client, request) as response:
            if response.status_code == httpx.codes.NOT_MODIFIED and conditions:
                return None
            _refuse_by_head(response)
            return response.headers, await _body(response, safety.pages_max_mib << 20)


def _trust() -> ssl.SSLContext:
    """Trust what httpx brings and what the system trusts: one may be missing, the other be old."""
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context


@asynccontextmanager
async def _followed(
    client: httpx.AsyncClient, request: httpx.Request
) -> AsyncIterator[httpx.Response]:
    """Send a request and give the response that its redirects end in, body unread."""
    for _ in range(MAX_REDIRECTS + 1):
        response = await client.send(request, stream=True)
        try:
            if response.next_request is None:
                yield response
                return
        finally:
            await response.aclose()
        _refuse_elsewhere(request.url, response.next_request.url)
        request = response.next_request
    raise _UnusableError(f"redirects more than {MAX_REDIRECTS} times")


def _refuse_elsewhere(here: httpx.URL, there: httpx.URL) -> None:
    there = httpx.URL(str(there))  # to httpx 0.23, the rest of `https:\\host/` is a path of here
    if there.host != here.host:
        raise _UnusableError(f"redirects to another host, {there.host}")
    if here.scheme == "https" != there.scheme:
        raise _UnusableError("redirects away from https")


def _refuse_by_head(response: httpx.Response) -> None:
    if response.status_code != httpx.codes.OK:
        raise _UnusableError(f"was answered with status {response.status_code}")
    declared = response.headers.get("content-type", "")
    if media_type(declared) not in MEDIA_TYPES:
        kind = f"of type {media_type(declared)}" if declared else "without a type"
        raise _UnusableError(f"is {kind}; {', '.join(MEDIA_TYPES)} are read")
    packing = response.headers.get("content-encoding", "identity")
    if packing.lower() != "identity":  # to unpack it would let a small body become a large one
        raise _UnusableError(f"is packed with {packing}, which was not asked for")


async def _body(response: httpx.Response, max_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > max_bytes:
            raise _UnusableError(f"is longer than {max_bytes:,} bytes (safety.pages_max_mib)")
    return bytes(body)
