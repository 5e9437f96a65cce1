"""Serves the demo's feeds, pages, ticker list and prices over HTTP, good and bad feeds alike."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from aiohttp import web

from catalyst_ray.demo import edgar
from catalyst_ray.demo.channels import Shape
from catalyst_ray.demo.prices import price_table
from catalyst_ray.demo.submissions import submission
from catalyst_ray.demo.wires import http_date, release_page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalyst_ray.demo.items import DemoItem
    from catalyst_ray.demo.press import Edition, Press
    from catalyst_ray.ports import Clock

_PIECES = 4
_NOT_A_FEED = "<!DOCTYPE html>\n<html><head><title>Down for maintenance</title></head><body><p>Back soon.</p></body></html>\n"


class Publisher:
    """The demo's web sites.

    Args:
        slow_s: How long the slow feed takes for one answer, in pieces.
        slow_feed: Another feed that is slow instead.
        price_s: How long a table of prices takes.
    """

    def __init__(
        self, press: Press, clock: Clock, *, slow_s: float, slow_feed: str = "", price_s: float = 0.0
    ) -> None:
        self.slow_s = slow_s
        self._slow_feed = slow_feed
        self._price_s = price_s
        self.requests = 0
        self.not_modified = 0
        self._press = press
        self._clock = clock
        self._broken_requests = 0

    def routes(self) -> list[web.RouteDef]:
        """Return the routes to serve."""
        return [
            web.get("/feeds/{name}.xml", self._feed),
            web.get("/cgi-bin/browse-edgar", self._current),
            web.get("/api/v1/news", self._finnhub),
            web.get("/news/{channel}/{number}/{slug}", self._release),
            web.get("/Archives/edgar/data/{cik}/{folder}/{page}", self._filing),
            web.get("/files/company_tickers.json", self._tickers),
            web.get("/prices/{ticker}", self._prices),
        ]

    async def _feed(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        channel = self._press.channel(request.match_info["name"])
        if channel is None:
            raise web.HTTPNotFound
        if channel.shape is Shape.BROKEN:
            return self._broken()
        edition = self._press.edition(channel, _base_url(request))
        if not (channel.name == self._slow_feed if self._slow_feed else channel.slow):
            return self._conditional(request, edition)
        if _is_fresh(request, edition):
            await self._clock.sleep(self.slow_s)
            return self._conditional(request, edition)
        return await self._in_pieces(request, edition)

    async def _finnhub(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        if not request.headers.get("X-Finnhub-Token"):
            return web.json_response({"error": "Please use an API key."}, status=401)
        channel = next((one for one in self._press.world.channels if one.shape is Shape.FINNHUB), None)
        if channel is None:
            raise web.HTTPNotFound
        return self._conditional(request, self._press.edition(channel, _base_url(request)))

    def _broken(self) -> web.Response:
        self._broken_requests += 1
        if self._broken_requests % 2:
            return web.Response(text=_NOT_A_FEED, content_type="text/html")
        return web.Response(status=500, text="Internal Server Error")

    def _conditional(self, request: web.Request, edition: Edition) -> web.Response:
        if _is_fresh(request, edition):
            self.not_modified += 1
            return web.Response(status=304, headers=_validators(edition))
        headers = {**_validators(edition), "Content-Type": edition.content_type}
        return web.Response(body=edition.body, headers=headers)

    async def _in_pieces(self, request: web.Request, edition: Edition) -> web.StreamResponse:
        headers = {**_validators(edition), "Content-Type": edition.content_type}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        size = len(edition.body) // _PIECES + 1
        for start in range(0, len(edition.body), size):
            await self._clock.sleep(self.slow_s / _PIECES)
            await response.write(edition.body[start : start + size])
        return response

    async def _current(self, request: web.Request) -> web.Response:
        """Answer as EDGAR does: no validators, and a 503 page past the end."""
        self.requests += 1
        page = edgar.current_page(
            self._press.filings(request.query.get("type", "")),
            self._clock.now_utc(),
            start=_whole(request, "start", default=0, most=10_000),
            count=_whole(request, "count", default=40, most=100),
            base_url=_base_url(request),
        )
        if page is None:
            return web.Response(status=503, text=edgar.PAST_THE_END, content_type="text/html")
        headers = {"Content-Type": edgar.CONTENT_TYPE, "Cache-Control": "no-cache"}
        return web.Response(body=page, headers=headers)

    async def _release(self, request: web.Request) -> web.Response:
        item = self._out(request.path)
        channel = self._press.channel(item.channel)
        if channel is None:
            raise web.HTTPNotFound
        return web.Response(text=release_page(channel, self._press.entry(item)), content_type="text/html")

    async def _filing(self, request: web.Request) -> web.Response:
        page = request.match_info["page"]
        item = self._out(page.removesuffix("-index.htm").removesuffix(".txt"))
        if item.filing is None:
            raise web.HTTPNotFound
        if page.endswith(".txt"):
            text = submission(self._press.entry(item), item.filing)
            return web.Response(text=text, content_type="text/plain")
        return web.Response(
            text=edgar.filing_page(self._press.entry(item), item.filing), content_type="text/html"
        )

    def _out(self, address: str) -> DemoItem:
        item = self._press.find(address)
        if item is None:
            raise web.HTTPNotFound
        return item

    async def _tickers(self, _: web.Request) -> web.Response:
        return web.Response(body=edgar.company_tickers(), content_type="application/json")

    async def _prices(self, request: web.Request) -> web.Response:
        await self._clock.sleep(self._price_s)
        ticker = request.match_info["ticker"]
        table = price_table(
            self._press.world.seed,
            ticker,
            request.query.get("timeframe", "1D"),
            now_utc=self._clock.now_utc(),
            shocks=self._press.shocks(ticker),
        )
        if table is None:
            return web.json_response({"error": "no such ticker or timeframe"}, status=404)
        return web.json_response(table)


def _base_url(request: web.Request) -> str:
    return f"{request.scheme}://{request.host}"


def _validators(edition: Edition) -> Mapping[str, str]:
    return {"ETag": edition.etag, "Last-Modified": http_date(edition.modified_utc)}


def _is_fresh(request: web.Request, edition: Edition) -> bool:
    """Return whether the client has this edition (RFC 9110 §13.2.2: the tag decides where one is sent)."""
    tags = request.headers.get("If-None-Match")
    if tags is not None:
        return tags.strip() == "*" or edition.etag in {
            tag.strip().removeprefix("W/") for tag in tags.split(",")
        }
    since = request.headers.get("If-Modified-Since")
    if since is None:
        return False
    try:
        return edition.modified_utc.replace(microsecond=0) <= parsedate_to_datetime(since)
    except (TypeError, ValueError):
        return False


def _whole(request: web.Request, name: str, *, default: int, most: int) -> int:
    text = request.query.get(name, "")
    return min(int(text), most) if text.isdecimal() else default
