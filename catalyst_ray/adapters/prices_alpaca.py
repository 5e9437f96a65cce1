"""Price bars from Alpaca's Market Data API v2 (docs.alpaca.markets, "Historical bars"); needs a key, free or paid.

Owns what is asked of Alpaca and what its refusals mean. Extended hours are in its bars; splits are adjusted there.

The keys travel in headers only. Feeds: ``iex`` is one exchange, live and free; ``sip`` all exchanges, live, for who
pays; ``delayed_sip`` all exchanges, a quarter of an hour old, free: the bars' endpoint has no feed of that name, it
is SIP asked up to then.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from yarl import URL

from catalyst_ray.adapters.price_wire import MAX_RETRY_AFTER_S, PriceWire
from catalyst_ray.core.bar_intake import take_in
from catalyst_ray.core.bar_windows import check_timeframe, select_timeframe
from catalyst_ray.core.market_hours import EASTERN
from catalyst_ray.core.message_text import plain
from catalyst_ray.core.price_table import bars_of_columns, normal_ticker
from catalyst_ray.errors import ParseError, RateLimited, TransportError

if TYPE_CHECKING:
    import aiohttp

    from catalyst_ray.adapters.price_wire import Reply
    from catalyst_ray.models import Bars
    from catalyst_ray.ports import Clock

URL_OF_ALPACA = "https://data.alpaca.markets"
_ASKED = {
    "1D": ("5Min", 10),
    "5D": ("30Min", 30),
    "1M": ("1Day", 106),
    "3M": ("1Day", 167),
    "1Y": ("1Day", 441),
}
"""Bars and days asked for a timeframe: more than is shown, for the close before it and what is usual."""
_COLUMNS = {"time": "t", "open": "o", "high": "h", "low": "l", "close": "c", "volume": "v"}
_LIMIT, _MOST_PAGES = 10_000, 10
_NOT_LIVE = timedelta(minutes=16)  # SIP's last 15 minutes are refused without a subscription
_REST_S = 60.0  # limits count by the minute
_RATE_HINT = "another program uses the key as well, or PRICE_RATE_PER_MIN is above what the plan allows"
_PLAN_HINT = "the plan lacks this feed: set ALPACA_FEED=iex or delayed_sip"
_KEYS_HINT = "check ALPACA_API_KEY_ID and ALPACA_API_SECRET_KEY"


class AlpacaPrices:
    """Asks Alpaca, page by page.

    Args:
        key_id: The key's name.
        secret: The key.
        feed: ``iex``, ``sip`` or ``delayed_sip``.
        base_url: Address before ``/v2``.
        session: Session to use; without one it makes its own, which ``close`` closes.
        timeout_s: Seconds for one page.
    """

    name = "alpaca"

    def __init__(
        self,
        key_id: str,
        secret: str,
        *,
        clock: Clock,
        feed: str = "iex",
        base_url: str = URL_OF_ALPACA,
        session: aiohttp.ClientSession | None = None,
        timeout_s: float = 10.0,
    ) -> None:
        self._secrets = (secret, key_id)
        self._clock = clock
        self._feed = feed
        self._base = URL(base_url)
        headers = {"APCA-API-KEY-ID": key_id, "APCA-API-SECRET-KEY": secret, "Accept": "application/json"}
        self._wire = PriceWire(session, timeout_s=timeout_s, headers=headers)

    async def bars(self, ticker: str, timeframe: str) -> Bars | None:
        """Return the window of a timeframe, cleaned; see ``PriceSource``."""
        check_timeframe(timeframe)
        name = normal_ticker(ticker)
        rows = await self._rows(name, timeframe) if name else []
        if name is None or not rows:
            return None
        try:
            columns = {ours: [row[theirs] for row in rows] for ours, theirs in _COLUMNS.items()}
        except (KeyError, TypeError) as error:
            raise ParseError(f"no Alpaca bars: {type(error).__name__}", key=name) from error
        bars = take_in(
            bars_of_columns(columns, ticker=name, timeframe=timeframe, source=self.name, zone=EASTERN)
        )
        return bars and select_timeframe(bars, timeframe)

    async def close(self) -> None:
        """Close the session, if it is our own."""
        await self._wire.close()

    async def _rows(self, ticker: str, timeframe: str) -> list[Any]:
        url = self._base / "v2" / "stocks" / ticker / "bars"
        params = self._params(timeframe)
        rows: list[Any] = []
        for _ in range(_MOST_PAGES):
            reply = await self._wire.get(url, params, ticker=ticker)
            if self._is_unknown(reply):
                return []
            if reply.status != 200:
                self._refuse(reply, ticker, url)
            page, token = _page(reply.body, ticker)
            rows += page
            if not token:
                return rows
            params["page_token"] = token
        raise ParseError(f"Alpaca's pages do not end ({len(rows)} bars)", key=ticker)

    def _params(self, timeframe: str) -> dict[str, str]:
        bar, days = _ASKED[timeframe]
        is_late = self._feed == "delayed_sip"
        # Named, since Alpaca would quietly take an older end where the plan does not reach to now.
        end = self._clock.now_utc() - (_NOT_LIVE if is_late else timedelta(0))
        return {
            "timeframe": bar,
            "start": (end - timedelta(days=days)).strftime("%Y-%m-%d"),
            "end": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "feed": "sip" if is_late else self._feed,
            "adjustment": "split",
            "limit": str(_LIMIT),
            "sort": "asc",
        }

    def _is_unknown(self, reply: Reply) -> bool:
        return reply.status == 404 or (reply.status in {400, 422} and "symbol" in self._words(reply).lower())

    def _words(self, reply: Reply) -> str:
        """Return what a refusal says, without the keys that it may repeat."""
        try:
            message = str(json.loads(reply.body)["message"])
        except (ValueError, KeyError, TypeError, RecursionError):  # a proxy's page
            return ""
        for secret in self._secrets:
            message = message.replace(secret, "***")
        return plain(message)[:120]

    def _refuse(self, reply: Reply, ticker: str, url: URL) -> NoReturn:
        said = self._words(reply)
        words = f"Alpaca answered {reply.status}" + (f": {said}" if said else "")
        status, address = reply.status, str(url)
        if status == 429:
            wait_s = self._wait_s(reply)
            raise RateLimited(
                words, url=address, status=status, retry_after_s=wait_s, key=ticker, hint=_RATE_HINT
            )
        is_plan = status == 403 and ("subscription" in said or "permit" in said)
        refusal = _PLAN_HINT if is_plan else _KEYS_HINT
        hint = refusal if status in {401, 403} else None
        raise TransportError(words, url=address, status=status, key=ticker, hint=hint)

    def _wait_s(self, reply: Reply) -> float:
        """Return how long to wait: as the answer says, else a minute."""
        reset = reply.headers.get("X-RateLimit-Reset", "")
        if reset.isdecimal():
            left_s = float(reset) - self._clock.now_utc().timestamp()
            return min(max(1.0, left_s), MAX_RETRY_AFTER_S)
        return reply.retry_after_s() or _REST_S


def _page(body: bytes, ticker: str) -> tuple[list[Any], str]:
    """Return the bars of an answer and the token of the next page; no bars are null there."""
    try:
        answer = json.loads(body)
        rows, token = answer["bars"] or [], answer.get("next_page_token") or ""
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ParseError(f"no Alpaca answer: {type(error).__name__}", key=ticker) from error
    if not isinstance(rows, list) or not isinstance(token, str):
        raise ParseError("no Alpaca answer: bars are no list", key=ticker)
    return rows, token
