"""Invented bars that several test files draw from."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta

from catalyst_ray.core.bars import Bar, bars_of, midnight_s
from catalyst_ray.core.market_hours import EASTERN


def wave(index: int, price: float = 20.0) -> Bar:
    """Return a bar of a smooth, invented market; its time is set by the caller."""
    opened, close = (price * (1 + 0.02 * math.sin(step / 7)) for step in (index, index + 1))
    return Bar(0, opened, max(opened, close) * 1.002, min(opened, close) * 0.998, close, 1000.0 + 10 * index)


def day_of_bars(day: date, *, first: str = "04:00", count: int = 192, minutes: int = 5, price: float = 20.0):
    """Return one day's intraday bars, at Eastern times."""
    hour, minute = map(int, first.split(":"))
    start = datetime(day.year, day.month, day.day, hour, minute, tzinfo=EASTERN)
    rows = [
        wave(index, price)._replace(time_s=int(start.timestamp()) + index * minutes * 60)
        for index in range(count)
    ]
    return bars_of(rows, ticker="ACME", timeframe="1D", source="test")


def trading_days(last: date, count: int) -> list[date]:
    """Return the last weekdays up to a date, oldest first."""
    days = [last - timedelta(days=back) for back in range(2 * count + 7)]
    return [day for day in days if day.weekday() < 5][:count][::-1]


def daily_bars(last: date, count: int, *, timeframe: str = "1Y", price: float = 20.0):
    """Return daily bars of weekdays, the last on ``last``."""
    days = trading_days(last, count)
    rows = [wave(index, price)._replace(time_s=midnight_s(day)) for index, day in enumerate(days)]
    return bars_of(rows, ticker="ACME", timeframe=timeframe, source="test")
