"""Quotes for the decision: asks the price source in time, and keeps the answer for a while. Decides nothing."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from typing import TYPE_CHECKING

from catalyst_ray.core.quote import DAILY, INTRADAY, quote_of
from catalyst_ray.errors import CatalystError
from catalyst_ray.models import PriceQuote

if TYPE_CHECKING:
    from catalyst_ray.models import Bars
    from catalyst_ray.ports import Clock, PriceSource

log = logging.getLogger(__name__)

TTL_S = 60.0
"""How long a quote stands; also one without figures, so that a source that is down is not asked all the time."""
MOST = 1_000


class Quotes:
    """Gives quotes by ticker.

    Args:
        timeout_s: How long an alert may wait for its quote.
    """

    def __init__(self, *, prices: PriceSource, clock: Clock, timeout_s: float) -> None:
        self._prices = prices
        self._clock = clock
        self._timeout_s = timeout_s
        self._kept: OrderedDict[str, tuple[float, PriceQuote]] = OrderedDict()

    async def get(self, ticker: str, *, with_volume: bool) -> PriceQuote:
        """Return what is known of a ticker in time; never raises for a slow or broken source."""
        now_s = self._clock.monotonic()
        made_s, quote = self._kept.get(ticker, (-TTL_S, PriceQuote(ticker=ticker)))
        if now_s - made_s < TTL_S:
            return quote
        timeframes = (INTRADAY, DAILY) if with_volume else (INTRADAY,)
        intraday, *daily = await asyncio.gather(*(self._bars(ticker, one) for one in timeframes))
        quote = quote_of(
            ticker, intraday=intraday, daily=daily[0] if daily else None, now_utc=self._clock.now_utc()
        )
        self._kept[ticker] = (now_s, quote)
        self._kept.move_to_end(ticker)
        if len(self._kept) > MOST:
            self._kept.popitem(last=False)
        return quote

    async def _bars(self, ticker: str, timeframe: str) -> Bars | None:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._prices.bars(ticker, timeframe)
        except (CatalystError, TimeoutError) as error:
            log.warning("no quote", extra={"ticker": ticker, "timeframe": timeframe, "error": str(error)})
        except Exception:  # the stage's one boundary: no quote is worth an alert
            log.exception("no quote", extra={"ticker": ticker, "timeframe": timeframe})
        return None
