"""Price bars as a table: its rows, its clock, its last price and the change from the session before.

Owns what a bar is. Repair is ``bar_repair``'s, choosing and merging bars ``bar_windows``'s.

Bars of a day or longer start at midnight US/Eastern of their trading day; shorter ones at their true time.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time
from functools import lru_cache
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from catalyst_ray.core.market_hours import EASTERN, session_bounds
from catalyst_ray.models import Bars

if TYPE_CHECKING:
    from collections.abc import Sequence

_DAILY_GAP_S = 20 * 3600  # a day is 23 hours long when clocks go forward
_OPEN_S, _CLOSE_S = 9.5 * 3600, 16 * 3600
_LOWEST_USD, _HIGHEST_USD = 1e-8, 1e9


class Bar(NamedTuple):
    """One row of a table of bars."""

    time_s: int
    open: float
    high: float
    low: float
    close: float
    volume: float


def bars_of(
    rows: Sequence[Bar], *, ticker: str, timeframe: str, source: str, previous_close: float | None = None
) -> Bars:
    """Return rows as a table."""
    empty = Bars(
        ticker=ticker,
        timeframe=timeframe,
        times_s=(),
        open=(),
        high=(),
        low=(),
        close=(),
        volume=(),
        previous_close=previous_close,
        source=source,
    )
    return with_rows(empty, rows)


def with_rows(bars: Bars, rows: Sequence[Bar]) -> Bars:
    """Return ``bars`` with its columns replaced by ``rows``."""
    columns = tuple(zip(*rows, strict=True)) if rows else ((),) * 6
    times_s, opens, highs, lows, closes, volumes = columns
    return replace(bars, times_s=times_s, open=opens, high=highs, low=lows, close=closes, volume=volumes)


def rows_of(bars: Bars) -> list[Bar]:
    """Return the table row by row."""
    columns = (bars.times_s, bars.open, bars.high, bars.low, bars.close, bars.volume)
    return [Bar(*row) for row in zip(*columns, strict=True)]


def shown_rows(bars: Bars) -> list[Bar]:
    """Return the rows that are shown, without those before them that only averages need."""
    return [row for row in rows_of(bars) if row.time_s >= (bars.shown_from_s or 0)]


def is_daily(times_s: Sequence[int], timeframe: str) -> bool:
    """Tell whether bars last a day or longer; a lone bar is judged by its timeframe."""
    if len(times_s) < 2:
        return timeframe in {"1M", "3M", "1Y"}
    return median(later - earlier for earlier, later in pairwise(times_s)) >= _DAILY_GAP_S


def eastern(time_s: int) -> datetime:
    """Return an epoch time on New York's clock."""
    return datetime.fromtimestamp(time_s, EASTERN)


def midnight_s(day: date) -> int:
    """Return the epoch time at which a trading day's bar starts."""
    return int(datetime.combine(day, time(), EASTERN).timestamp())


@lru_cache(maxsize=1024)
def regular_hours_s(day: date) -> tuple[float, float]:
    """Return when regular trading opens and closes on a day, epoch seconds.

    A day on which New York is closed has the usual hours: its bars come from elsewhere.
    """
    bounds = session_bounds(day)
    if bounds is None:
        return midnight_s(day) + _OPEN_S, midnight_s(day) + _CLOSE_S
    return bounds.open_utc.timestamp(), bounds.close_utc.timestamp()


def is_price(value: float) -> bool:
    """Tell whether a figure can be the price of a share; NaN cannot."""
    return _LOWEST_USD <= value <= _HIGHEST_USD


def previous_close(bars: Bars) -> float | None:
    """Return the close that the last price is compared with: the session before the last bar's."""
    if bars.previous_close is not None or len(bars) < 2:
        return bars.previous_close
    if is_daily(bars.times_s, bars.timeframe):
        return bars.close[-2]
    return close_before(rows_of(bars), midnight_s(eastern(bars.times_s[-1]).date()))


def change_pct(bars: Bars) -> tuple[float, float] | None:
    """Return the last price and its change from the previous session's close, in per cent.

    Expects cleaned bars; None without bars or without a previous close.
    """
    before = previous_close(bars)
    if not len(bars) or before is None or not is_price(before):
        return None
    return bars.close[-1], (bars.close[-1] / before - 1) * 100


def close_before(rows: Sequence[Bar], start_s: int) -> float | None:
    """Return the last regular price of the last date before ``start_s``; None without one.

    What was paid in the evening after the close does not count, unless nothing else was.
    """
    earlier = [row for row in rows if row.time_s < start_s]
    if not earlier:
        return None
    day = eastern(earlier[-1].time_s).date()
    _, close_s = regular_hours_s(day)
    regular = [row for row in earlier if midnight_s(day) <= row.time_s < close_s]
    return (regular or earlier)[-1].close
