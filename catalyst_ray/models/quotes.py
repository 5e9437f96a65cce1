"""Quotes: what a share costs and how much of it is traded, as far as known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003  (pydantic reads the annotations at run time)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceQuote:
    """The last price of a share and its usual volume; None where nobody knows.

    Args:
        average_volume: Shares a day, over the last month's full days.
        as_of_utc: Time of the price.
    """

    ticker: str
    price_usd: float | None = None
    average_volume: float | None = None
    as_of_utc: datetime | None = None
