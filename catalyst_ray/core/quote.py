"""Owns what price bars say of a share now: its last price and how much of it is traded on a usual day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from statistics import mean
from typing import TYPE_CHECKING

from catalyst_ray.core.bars import eastern, shown_rows
from catalyst_ray.core.market_hours import trading_day
from catalyst_ray.models import PriceQuote

if TYPE_CHECKING:
    from catalyst_ray.models import Bars

INTRADAY, DAILY = "1D", "1M"
"""Timeframes that a quote is made of."""
MAX_AGE = timedelta(days=7)
"""A price from longer ago is not the share's price now: a halted share, or a file that nobody renews."""


def quote_of(ticker: str, *, intraday: Bars | None, daily: Bars | None, now_utc: datetime) -> PriceQuote:
    """Return the quote of a ticker; what the bars do not say is None.

    Only days that are over make the average. Bars without any volume say nothing of it.
    """
    newest = [bars for bars in (intraday, daily) if bars is not None and len(bars)]
    price = as_of = None
    if newest:
        as_of = datetime.fromtimestamp(newest[0].times_s[-1], UTC)
        price = newest[0].close[-1] if now_utc - as_of <= MAX_AGE else None
    open_day = trading_day(now_utc)
    rows = shown_rows(daily) if daily is not None else []
    volumes = [row.volume for row in rows if eastern(row.time_s).date() < open_day]
    return PriceQuote(
        ticker=ticker,
        price_usd=price,
        average_volume=mean(volumes) if any(volumes) else None,
        as_of_utc=as_of,
    )
