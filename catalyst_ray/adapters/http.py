"""Gets feeds and documents over HTTP: conditional, paced, capped in size and time, kept off private addresses.

Owns the one aiohttp session of the driver. Knows nothing of what the bytes mean.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self, TypeVar
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

import aiohttp
import stamina
from aiohttp.abc import AbstractResolver, ResolveResult

from catalyst_ray.core.limits import Pacer, pace_group, retry_after_s
from catalyst_ray.errors import RateLimited, TransportError
from catalyst_ray.models import FeedSpec, FeedState, Fetched

if TYPE_CHECKING:
    from datetime import datetime

    from catalyst_ray.ports import Clock

_Answer_co = TypeVar("_Answer_co", covariant=True)

MAX_REDIRECTS = 3
ACCEPT = "application/atom+xml, application/rss+xml, application/xml;q=0.9, application/json;q=0.8, */*;q=0.5"


class PublicResolver(AbstractResolver):
    """Looks names up and drops every address that is not public, so that a name cannot point inside."""

    def __init__(self) -> None:
        self._inner = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the public addresses of ``host``.

        Raises:
            OSError: There is none.
        """
        found = await self._inner.resolve(host, port, family)
        public = [a for a in found if is_public(a["host"])]
        if not public:
            raise OSError(f"{host} has only private addresses")
        return public

    async def close(self) -> None:
        """Release the inner resolver."""
        await self._inner.close()


def is_public(address: str) -> bool:
    """Return whether an IP address is on the public Internet."""
    try:
        ip = ipaddress.ip_address(address.split("%", maxsplit=1)[0])
    except ValueError:
        return True  # a name: the resolver decides
    mapped = getattr(ip, "ipv4_mapped", None)
    return (mapped or ip).is_global and not ip.is_multicast


def is_own_machine(url: str) -> bool:
    """Return whether a URL names a private address or this machine outright; such hosts are not paced."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    return host == "localhost" or not is_public(host)


class _Reader(Protocol[_Answer_co]):
    """Reads an answer; ``started_s`` is when it was asked for."""

    async def __call__(
        self, answer: aiohttp.ClientResponse, first_byte: datetime, started_s: float, /
    ) -> _Answer_co: ...


class Document(NamedTuple):
    """The unpacked body of a document; ``cut`` says that there was more of it."""

    body: bytes
    cut: bool


class HttpFetcher:
    """Fetches feeds and documents. Use as an async context manager.

    Args:
        clock: Time.
        timeout_s: Seconds one feed may take in all, redirects and waiting for its turn included.
        max_bytes: Largest body, after decompression.
        version: Of this program, for the User-Agent.
        sec_contact: E-mail for SEC's User-Agent rule.
        finnhub_token: Key sent to feeds that require it, in a header.
        allow_private: Allow loopback and private addresses for every feed.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        timeout_s: float,
        max_bytes: int,
        version: str,
        sec_contact: str | None = None,
        finnhub_token: str | None = None,
        allow_private: bool = False,
    ) -> None:
        self._clock = clock
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes
        self._agent = f"catalyst-ray/{version}"
        self._sec_contact = sec_contact
        self._finnhub_token = finnhub_token
        self._allow_private = allow_private
        self._pacer = Pacer()
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close connections."""
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()

    async def fetch(self, spec: FeedSpec, state: FeedState) -> Fetched:
        """GET a feed; see the port ``Fetcher``."""

        async def read(answer: aiohttp.ClientResponse, first_byte: datetime, started_s: float) -> Fetched:
            return await self._read(answer, spec, first_byte, started_s)

        late = "raise FEEDS_TIMEOUT if it is only slow"
        return await self._ask(spec, state, read, timeout_s=self._timeout_s, late=late)

    async def document(
        self, url: str, *, max_bytes: int, timeout_s: float, allow_private: bool = False
    ) -> Document:
        """GET a document by the rules of feeds: pace, User-Agent, redirects, no private address.

        Reads ``max_bytes`` of the unpacked body and then stops; that is no error. ``timeout_s`` is for the
        whole, waiting for its turn included.

        Raises:
            TransportError: No usable answer came; ``key`` is the last part of the address.
        """
        name = urlsplit(url).path.rpartition("/")[2] or url
        spec = FeedSpec(name=name, url=url, allow_private=allow_private)

        async def read(answer: aiohttp.ClientResponse, _: datetime, __: float) -> Document:
            return await _read_at_most(answer, max_bytes)

        return await self._ask(spec, FeedState(feed=name), read, timeout_s=timeout_s, late=None)

    async def _ask(
        self,
        spec: FeedSpec,
        state: FeedState,
        read: _Reader[_Answer_co],
        *,
        timeout_s: float,
        late: str | None,
    ) -> _Answer_co:
        shown = without_query(spec.url)
        try:
            async with asyncio.timeout(timeout_s):
                async for attempt in stamina.retry_context(
                    on=_is_passing, attempts=2, wait_initial=0.1, wait_max=0.5
                ):
                    with attempt:
                        return await self._follow(spec, state, read)
            raise AssertionError("retry_context returns or raises")
        except TimeoutError:
            words, hint = f"no whole answer within {timeout_s:g} s", late
        except (aiohttp.ClientError, OSError, ValueError) as error:
            words, hint = f"could not fetch: {_words(error)}", None
        # Raised outside any ``except``: some of aiohttp's errors hold the request, with keys in address or headers.
        raise TransportError(words, url=shown, key=spec.name, hint=hint)

    async def _follow(self, spec: FeedSpec, state: FeedState, read: _Reader[_Answer_co]) -> _Answer_co:
        private = spec.allow_private or self._allow_private
        session = self._session(private=private)
        url = spec.url
        for _ in range(MAX_REDIRECTS + 1):
            self._check_address(url, spec, private=private)
            if not (private and is_own_machine(url)):
                await self._clock.sleep(self._pacer.reserve(url, now_s=self._clock.monotonic()))
            started = self._clock.monotonic()
            async with session.get(
                url, headers=self._headers(url, spec, state), allow_redirects=False
            ) as answer:
                first_byte = self._clock.now_utc()
                if answer.status in {301, 302, 303, 307, 308}:
                    url = self._next_address(url, answer.headers.get("Location", ""), spec)
                    continue
                self._refuse_errors(answer, spec)
                return await read(answer, first_byte, started)
        raise TransportError(
            f"redirected more than {MAX_REDIRECTS} times", url=without_query(url), key=spec.name
        )

    def _session(self, *, private: bool) -> aiohttp.ClientSession:
        if private not in self._sessions:
            connector = aiohttp.TCPConnector(
                limit=100, limit_per_host=32 if private else 8, resolver=None if private else PublicResolver()
            )
            # The whole is bounded in `fetch`; these say which part was slow before that.
            limits = aiohttp.ClientTimeout(
                total=None, sock_connect=min(10.0, self._timeout_s), sock_read=self._timeout_s
            )
            self._sessions[private] = aiohttp.ClientSession(
                connector=connector, timeout=limits, cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._sessions[private]

    def _headers(self, url: str, spec: FeedSpec, state: FeedState) -> dict[str, str]:
        headers = {"User-Agent": self._agent, "Accept": ACCEPT, "A-IM": "feed"}
        if self._sec_contact and (pace_group(url) == "sec.gov" or spec.requires == "sec_contact"):
            headers["User-Agent"] = f"{self._agent} {self._sec_contact}"
        if self._finnhub_token and spec.requires == "finnhub_token":
            headers["X-Finnhub-Token"] = self._finnhub_token
        if state.etag:
            headers["If-None-Match"] = state.etag
        if state.last_modified:
            headers["If-Modified-Since"] = state.last_modified
        return headers

    def _check_address(self, url: str, spec: FeedSpec, *, private: bool) -> None:
        host = (urlsplit(url).hostname or "").rstrip(".")
        if not private and not is_public(host):
            raise TransportError(
                "the address is private",
                url=without_query(url),
                key=spec.name,
                hint="set allow_private for this feed, or FEEDS_ALLOW_PRIVATE=1, if it is yours",
            )

    @staticmethod
    def _next_address(url: str, location: str, spec: FeedSpec) -> str:
        target = urljoin(url, location)
        old, new = urlsplit(url), urlsplit(target)
        downgraded = old.scheme == "https" and new.scheme != "https"
        if not location or _site(old) != _site(new) or downgraded or new.scheme not in {"http", "https"}:
            raise TransportError(
                f"redirected to {without_query(target)[:200]}",
                url=without_query(url),
                key=spec.name,
                hint="if that is right, put the new address into the feed list",
            )
        return target

    def _refuse_errors(self, answer: aiohttp.ClientResponse, spec: FeedSpec) -> None:
        if answer.status in {200, 226, 304}:
            return
        wait_s = retry_after_s(answer.headers.get("Retry-After"), now_utc=self._clock.now_utc())
        limited = answer.status == 429 or (answer.status == 503 and wait_s is not None)
        hint = None
        if answer.status == 403 and pace_group(str(answer.url)) == "sec.gov":
            hint = "SEC refuses: check SEC_CONTACT, and wait ten minutes if too much was asked"
        elif answer.status in {401, 403} and spec.requires == "finnhub_token":
            hint = "check FINNHUB_TOKEN"
        raise (RateLimited if limited else TransportError)(
            f"HTTP {answer.status} {answer.reason or ''}".strip(),
            url=without_query(str(answer.url)),
            status=answer.status,
            retry_after_s=wait_s,
            key=spec.name,
            hint=hint,
        )

    async def _read(
        self, answer: aiohttp.ClientResponse, spec: FeedSpec, first_byte: datetime, started_s: float
    ) -> Fetched:
        chunks: list[bytes] = []
        size = 0
        async for chunk in answer.content.iter_any():
            size += len(chunk)
            if size > self._max_bytes:
                raise TransportError(
                    f"the body is larger than {self._max_bytes} bytes",
                    url=without_query(str(answer.url)),
                    key=spec.name,
                    hint="raise FEEDS_MAX_BYTES if that is right",
                )
            chunks.append(chunk)
        fetched = Fetched(
            feed=spec.name,
            url=str(answer.url),
            status=answer.status,
            body=b"".join(chunks),
            content_type=answer.headers.get("Content-Type", ""),
            etag=answer.headers.get("ETag"),
            last_modified=answer.headers.get("Last-Modified"),
            first_byte_utc=first_byte,
            received_utc=self._clock.now_utc(),
            seconds=self._clock.monotonic() - started_s,
        )
        return replace(fetched, not_modified=True, body=b"") if answer.status == 304 else fetched


async def _read_at_most(answer: aiohttp.ClientResponse, max_bytes: int) -> Document:
    chunks: list[bytes] = []
    size = 0
    async for chunk in answer.content.iter_any():
        chunks.append(chunk)
        size += len(chunk)
        if size > max_bytes:  # leaving the answer unread closes its connection
            break
    return Document(b"".join(chunks)[:max_bytes], cut=size > max_bytes)


def without_query(url: str) -> str:
    """Return a URL that is safe to log: no user, query or fragment, since they may hold a key."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _site(parts: SplitResult) -> tuple[str, int | None]:
    """Return host and port, http's and https's own ports alike: a redirect must not leave it with our key."""
    port = None if parts.port in {80, 443} else parts.port
    return (parts.hostname or "").removeprefix("www."), port


def _is_passing(error: Exception) -> bool:
    """Say whether one more try at once may help: a cut connection or a gateway's hiccup."""
    if isinstance(error, TransportError):
        return error.status in {502, 504}
    cut = (aiohttp.ServerDisconnectedError, aiohttp.ClientPayloadError, ConnectionResetError)
    return isinstance(error, cut)


def _words(error: Exception) -> str:
    if isinstance(error, aiohttp.InvalidURL):
        return "the address is invalid"  # its own words repeat the whole of it, key and all
    if isinstance(error, aiohttp.ClientResponseError):
        return f"{error.status}, {' '.join(error.message.split())[:200]}"  # likewise
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"no connection ({error.os_error.strerror or error.os_error})"
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
