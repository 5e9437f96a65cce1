"""The fetcher on real loopback sockets: conditions, caps, times, redirects and private addresses."""

from __future__ import annotations

import asyncio
import gzip
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.adapters.http import HttpFetcher, PublicResolver, is_public, without_query
from catalyst_ray.core.limits import Pacer, retry_after_s
from catalyst_ray.errors import RateLimited, TransportError
from catalyst_ray.models import FeedSpec, FeedState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio
BODY = b"<rss/>"


class Site:
    """A small web server that records what it was asked."""

    def __init__(self) -> None:
        self.requests: list[web.Request] = []
        self.cuts = 1
        self.sent = 0
        self.hung_up = asyncio.Event()
        self.app = web.Application()
        self.app.router.add_get("/{what}", self.answer)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer as the path says."""
        self.requests.append(request)
        what = request.match_info["what"]
        return await getattr(self, f"on_{what}")(request)

    async def on_feed(self, request: web.Request) -> web.Response:
        headers = {"ETag": '"v1"', "Last-Modified": "Mon, 23 Nov 2026 10:00:00 GMT"}
        if request.headers.get("If-None-Match") == '"v1"':
            return web.Response(status=304, headers=headers)
        return web.Response(body=BODY, headers=headers, content_type="application/rss+xml")

    async def on_slow(self, request: web.Request) -> web.Response:
        await asyncio.sleep(5)
        return web.Response(body=BODY)

    async def on_limited(self, request: web.Request) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": "17"})

    async def on_gone(self, request: web.Request) -> web.Response:
        return web.Response(status=404)

    async def on_moved(self, request: web.Request) -> web.Response:
        return web.Response(status=301, headers={"Location": "/feed"})

    async def on_elsewhere(self, request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "http://other.example/feed?key=s3cr3t"})

    async def on_otherport(self, request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "http://127.0.0.1:1/feed"})

    async def on_loop(self, request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "/loop"})

    async def on_bomb(self, request: web.Request) -> web.Response:
        body = gzip.compress(b"x" * 5_000_000)
        return web.Response(body=body, headers={"Content-Encoding": "gzip"})

    async def on_endless(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 1_000)
                self.sent += 1_000
        finally:
            self.hung_up.set()

    async def on_cut(self, request: web.Request) -> web.Response:
        if self.cuts:
            self.cuts -= 1
            assert request.transport is not None
            request.transport.close()
        return web.Response(body=BODY)


@asynccontextmanager
async def running(**options: object) -> AsyncIterator[tuple[Site, TestServer, HttpFetcher]]:
    """Serve the site and open a fetcher to it."""
    site = Site()
    defaults = {"timeout_s": 1.0, "max_bytes": 1_000_000, "version": "0", "allow_private": True}
    async with (
        TestServer(site.app) as server,
        HttpFetcher(clock=SystemClock(), **{**defaults, **options}) as fetcher,
    ):
        yield site, server, fetcher


def spec(server: TestServer, path: str, **changes: object) -> FeedSpec:
    """Return a feed of the site."""
    return FeedSpec(**{"name": "site", "url": str(server.make_url(path)), **changes})


async def failure(path: str, **options: object) -> TransportError:
    """Return the error that a fetch of ``path`` ends in."""
    async with running(**options) as (_, server, fetcher):
        with pytest.raises(TransportError) as caught:
            await fetcher.fetch(spec(server, path), FeedState(feed="site"))
    assert caught.value.key == "site"
    return caught.value


async def test_conditional_get() -> None:
    """The second fetch sends the validators of the first and gets an empty, unmodified answer."""
    async with running() as (_, server, fetcher):
        first = await fetcher.fetch(spec(server, "/feed"), FeedState(feed="site"))
        state = FeedState(feed="site", etag=first.etag, last_modified=first.last_modified)
        second = await fetcher.fetch(spec(server, "/feed"), state)
    assert (first.body, first.not_modified, first.etag) == (BODY, False, '"v1"')
    assert (second.body, second.not_modified) == (b"", True)
    assert first.first_byte_utc <= first.received_utc


async def test_sec_contact_stands_in_the_user_agent() -> None:
    """SEC feeds carry the contact; others do not give it away."""
    async with running(sec_contact="me@example.org") as (site, server, fetcher):
        await fetcher.fetch(spec(server, "/feed", requires="sec_contact"), FeedState(feed="site"))
        await fetcher.fetch(spec(server, "/feed"), FeedState(feed="site"))
    agents = [r.headers["User-Agent"] for r in site.requests]
    assert agents == ["catalyst-ray/0 me@example.org", "catalyst-ray/0"]


async def test_finnhub_key_travels_in_a_header() -> None:
    """The key is sent to the feed that requires it, never in an address."""
    async with running(finnhub_token="s3cr3t") as (site, server, fetcher):
        await fetcher.fetch(spec(server, "/feed", requires="finnhub_token"), FeedState(feed="site"))
        await fetcher.fetch(spec(server, "/feed"), FeedState(feed="site"))
    assert [r.headers.get("X-Finnhub-Token") for r in site.requests] == ["s3cr3t", None]
    assert all("s3cr3t" not in str(r.url) for r in site.requests)


async def test_a_broken_answer_gives_no_key_away() -> None:
    """Of an answer that is no HTTP aiohttp's error holds the whole request: neither words nor causes of ours do."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 what\r\n\r\n")
        await writer.drain()
        writer.close()

    async with (
        await asyncio.start_server(answer, "127.0.0.1", 0) as server,
        HttpFetcher(
            clock=SystemClock(),
            timeout_s=1.0,
            max_bytes=1_000,
            version="0",
            allow_private=True,
            finnhub_token="s3cr3t-header",
        ) as fetcher,
    ):
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/feed?key=s3cr3t-query"
        feed = FeedSpec(name="site", url=url, requires="finnhub_token")
        with pytest.raises(TransportError, match="could not fetch: 400") as caught:
            await fetcher.fetch(feed, FeedState(feed="site"))
    error: BaseException | None = caught.value
    while error is not None:
        assert "s3cr3t" not in f"{error}{error!r}{vars(error)}"
        error = error.__cause__ or error.__context__


async def test_time_out_names_the_setting() -> None:
    """A feed that does not answer in time ends with the setting to raise."""
    error = await failure("/slow", timeout_s=0.2)
    assert "0.2 s" in str(error)
    assert "FEEDS_TIMEOUT" in str(error)


async def test_rate_limit_carries_the_wait() -> None:
    """A 429 says how long the server wants to be left alone."""
    error = await failure("/limited")
    assert isinstance(error, RateLimited)
    assert (error.status, error.retry_after_s) == (429, 17.0)


async def test_status_is_told() -> None:
    """A refusal carries its status."""
    assert (await failure("/gone")).status == 404


async def test_decompressed_body_is_capped() -> None:
    """A small answer that unpacks to more than the cap is refused by its unpacked size."""
    assert "FEEDS_MAX_BYTES" in str(await failure("/bomb"))


async def test_redirects() -> None:
    """A move on the same host is followed; one to another host is refused, named without its query."""
    async with running() as (_, server, fetcher):
        moved = await fetcher.fetch(spec(server, "/moved"), FeedState(feed="site"))
    elsewhere = str(await failure("/elsewhere"))
    assert moved.body == BODY
    assert "http://other.example/feed" in elsewhere
    assert "s3cr3t" not in elsewhere
    assert "redirected to http://127.0.0.1:1/feed" in str(await failure("/otherport"))
    assert "more than 3" in str(await failure("/loop"))


async def test_public_hosts_are_paced_even_where_private_ones_are_allowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A feed of one's own does not lift SEC's limit: only private addresses go unpaced."""
    asked = []

    class Counting(Pacer):
        def reserve(self, url: str, *, now_s: float) -> float:
            asked.append(url)
            raise OSError("stop here: nothing may leave this machine")

    monkeypatch.setattr("catalyst_ray.adapters.http.Pacer", Counting)
    async with running() as (_, server, fetcher):
        await fetcher.fetch(spec(server, "/feed"), FeedState(feed="site"))
        with pytest.raises(TransportError):
            await fetcher.fetch(FeedSpec(name="sec", url="https://www.sec.gov/x"), FeedState(feed="sec"))
    assert asked == ["https://www.sec.gov/x"]


async def test_an_invalid_address_does_not_show_its_key() -> None:
    """An address that cannot be asked is refused without repeating what may be a key."""
    async with running() as (_, _, fetcher):
        with pytest.raises(TransportError) as caught:
            await fetcher.fetch(FeedSpec(name="x", url="http://:S3CRET@/x?token=S3CRET"), FeedState(feed="x"))
    assert "S3CRET" not in str(caught.value) + str(caught.value.url)


async def test_cut_connection_is_tried_once_more() -> None:
    """A connection that the server drops costs one more try, not the cycle."""
    async with running() as (site, server, fetcher):
        answer = await fetcher.fetch(spec(server, "/cut"), FeedState(feed="site"))
    assert (answer.body, len(site.requests)) == (BODY, 2)


async def test_a_document_comes_whole_or_cut_at_the_cap() -> None:
    """A body within the cap is whole; of a larger one the beginning comes, without an error."""
    async with running() as (_, server, fetcher):
        url = str(server.make_url("/feed"))
        whole = await fetcher.document(url, max_bytes=len(BODY), timeout_s=1)
        cut = await fetcher.document(url, max_bytes=3, timeout_s=1)
        bomb = await fetcher.document(str(server.make_url("/bomb")), max_bytes=1_000, timeout_s=5)
    assert whole == (BODY, False)
    assert cut == (BODY[:3], True)
    assert bomb == (b"x" * 1_000, True)


async def test_a_document_without_end_is_left() -> None:
    """Once enough has come the connection is closed: the server is told to stop."""
    async with running() as (site, server, fetcher):
        document = await fetcher.document(str(server.make_url("/endless")), max_bytes=5_000, timeout_s=5)
        async with asyncio.timeout(5):
            await site.hung_up.wait()
    assert (len(document.body), document.cut) == (5_000, True)


async def test_a_document_that_is_refused_or_late_says_so() -> None:
    """A status, a time-out and a redirect to elsewhere are TransportErrors that name the document."""
    async with running() as (_, server, fetcher):
        for path, words, status in (
            ("/gone", "404", 404),
            ("/slow", "0.2 s", None),
            ("/elsewhere", "redirected", None),
        ):
            with pytest.raises(TransportError, match=words) as caught:
                await fetcher.document(str(server.make_url(path)), max_bytes=10, timeout_s=0.2)
            assert (caught.value.key, caught.value.status) == (path[1:], status)
            assert "FEEDS_TIMEOUT" not in str(caught.value)


async def test_a_document_of_this_machine_needs_leave() -> None:
    """Private addresses are refused for documents as for feeds, unless the caller may have them."""
    async with running(allow_private=False) as (site, server, fetcher):
        url = f"http://127.0.0.1:{server.port}/feed"
        with pytest.raises(TransportError, match="private"):
            await fetcher.document(url, max_bytes=10, timeout_s=1)
        assert not site.requests
        document = await fetcher.document(url, max_bytes=10, timeout_s=1, allow_private=True)
    assert document.body == BODY


async def test_documents_keep_the_pace_of_feeds(monkeypatch: pytest.MonkeyPatch) -> None:
    """SEC counts all requests of a user: a document takes its turn in the same queue, with the contact."""
    turns = []

    class Counting(Pacer):
        def reserve(self, url: str, *, now_s: float) -> float:
            turns.append(url)
            raise OSError("stop here: nothing may leave this machine")

    monkeypatch.setattr("catalyst_ray.adapters.http.Pacer", Counting)
    async with running(sec_contact="me@example.org") as (_, _, fetcher):
        with pytest.raises(TransportError):
            await fetcher.document("https://www.sec.gov/a.txt", max_bytes=10, timeout_s=1)
        with pytest.raises(TransportError):
            await fetcher.fetch(FeedSpec(name="sec", url="https://www.sec.gov/x"), FeedState(feed="sec"))
        headers = fetcher._headers(
            "https://www.sec.gov/a.txt", FeedSpec(name="a", url=""), FeedState(feed="a")
        )
    assert turns == ["https://www.sec.gov/a.txt", "https://www.sec.gov/x"]
    assert headers["User-Agent"] == "catalyst-ray/0 me@example.org"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "[::1]"])
async def test_private_addresses_are_refused(host: str) -> None:
    """Nothing is sent to this machine, however its address is written, unless that is allowed."""
    async with running(allow_private=False) as (site, server, fetcher):
        feed = FeedSpec(name="site", url=f"http://{host}:{server.port}/feed")
        with pytest.raises(TransportError):
            await fetcher.fetch(feed, FeedState(feed="site"))
        own = await fetcher.fetch(spec(server, "/feed", allow_private=True), FeedState(feed="site"))
    assert own.body == BODY
    assert len(site.requests) == 1


async def test_resolver_drops_private_answers() -> None:
    """A name that resolves to this machine is refused as if it did not exist."""
    resolver = PublicResolver()
    with pytest.raises(OSError, match="private"):
        await resolver.resolve("localhost", 80)
    await resolver.close()


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("::ffff:127.0.0.1", False),
        ("224.0.0.1", False),
    ],
)
def test_is_public(address: str, public: bool) -> None:
    """Loopback, private, link-local, mapped and multicast addresses are not public."""
    assert is_public(address) is public


def test_retry_after() -> None:
    """Seconds and dates are understood, nonsense is not, and a day is the most."""
    now = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
    values = ["5", "Mon, 23 Nov 2026 10:01:00 GMT", "soon", None, "999999999"]
    assert [retry_after_s(v, now_utc=now) for v in values] == [5.0, 60.0, None, None, 86_400.0]


def test_without_query_hides_keys() -> None:
    """A logged address has neither user nor query."""
    assert without_query("https://u:p@x.example:8/a?token=1#f") == "https://x.example:8/a"
