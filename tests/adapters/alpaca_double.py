"""Alpaca's bars endpoint on loopback, as its documentation has it: keys, plans, pages, limits, refusals."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY_ID, SECRET = "PKINVENTED0001", "invented/secret+0123456789"
FEEDS = frozenset({"iex", "sip", "boats", "otc"})
ADJUSTMENTS = frozenset({"raw", "split", "dividend", "spin-off", "all"})
RECENT = timedelta(minutes=15)


@dataclass
class AlpacaDouble:
    """Answers ``GET /v2/stocks/{symbol}/bars``.

    Args:
        now: What time it is there.
        bars: Rows by symbol and timeframe, oldest first.
        per_minute: Requests a minute of the plan.
        page: Bars on a page at most, whatever ``limit`` asks.
        has_sip: The plan reaches SIP's last fifteen minutes.
        body: Sent instead of an answer, with ``status``.
        wait_s: Waited before each answer.
    """

    now: datetime
    bars: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)
    per_minute: int = 200
    page: int = 10_000
    has_sip: bool = False
    body: bytes | None = None
    status: int = 200
    wait_s: float = 0.0
    asked: list[Mapping[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    def app(self) -> web.Application:
        """Return the server."""
        app = web.Application()
        app.router.add_get("/v2/stocks/{symbol}/bars", self._answer)
        return app

    async def _answer(self, request: web.Request) -> web.Response:
        query = dict(request.query)
        self.asked.append(query)
        self.paths.append(request.path_qs)
        await asyncio.sleep(self.wait_s)
        reset = int((self.now + timedelta(seconds=42)).timestamp())
        left = max(0, self.per_minute - len(self.asked))
        headers = {
            "X-RateLimit-Limit": str(self.per_minute),
            "X-RateLimit-Remaining": str(left),
            "X-RateLimit-Reset": str(reset),
        }
        if self.body is not None:
            return web.Response(status=self.status, body=self.body, headers=headers)
        keys = (request.headers.get("APCA-API-KEY-ID"), request.headers.get("APCA-API-SECRET-KEY"))
        if not all(keys):
            return _refusal(401, "authentication headers are missing", headers)
        if keys != (KEY_ID, SECRET):
            return _refusal(403, f"forbidden: {keys[0]} {keys[1]}", headers)
        if len(self.asked) > self.per_minute:
            return _refusal(429, "too many requests.", headers)
        wrong = self._wrong(query)
        if wrong:
            return _refusal(*wrong, headers)
        return self._page(request.match_info["symbol"], query, headers)

    def _wrong(self, query: Mapping[str, str]) -> tuple[int, str] | None:
        if query.get("feed") not in FEEDS:
            return 400, f"invalid feed: {query.get('feed')}"
        if query.get("adjustment") not in ADJUSTMENTS or not 1 <= int(query["limit"]) <= 10_000:
            return 400, "invalid parameter"
        end = datetime.fromisoformat(query["end"])
        if query["feed"] == "sip" and not self.has_sip and end > self.now - RECENT:
            return 403, "subscription does not permit querying recent SIP data"
        return None

    def _page(self, symbol: str, query: Mapping[str, str], headers: Mapping[str, str]) -> web.Response:
        if not symbol.replace(".", "").isalpha():
            return _refusal(400, f"invalid symbol: {symbol}", headers)
        start = datetime.fromisoformat(query["start"]).replace(tzinfo=UTC)
        end = datetime.fromisoformat(query["end"])
        kept = self.bars.get((symbol, query["timeframe"]), [])
        rows = [row for row in kept if start <= datetime.fromisoformat(row["t"]) <= end]
        token = query.get("page_token")
        first = int(base64.b64decode(token).partition(b"|")[2]) if token else 0
        last = first + min(self.page, int(query["limit"]))
        following = base64.b64encode(f"{symbol}|{last}".encode()).decode() if last < len(rows) else None
        answer = {"bars": rows[first:last] or None, "symbol": symbol, "next_page_token": following}
        return web.json_response(answer, headers=headers)


def _refusal(status: int, message: str, headers: Mapping[str, str]) -> web.Response:
    return web.json_response({"message": message}, status=status, headers=headers)


def row(when: datetime, price: float, volume: int = 1000) -> dict[str, Any]:
    """Return a bar as Alpaca writes it."""
    return {
        "t": when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "o": price,
        "h": price * 1.01,
        "l": price * 0.99,
        "c": price,
        "v": volume,
        "n": 12,
        "vw": price,
    }
