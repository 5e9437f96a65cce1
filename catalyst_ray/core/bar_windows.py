"""Windows of price bars: what a timeframe shows of a history.

Owns choosing and merging. Expects bars that ``bar_repair`` made sound.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace
from datetime import timedelta
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from catalyst_ray.core.bars import Bar, close_before, eastern, is_daily, midnight_s, rows_of, with_rows
from catalyst_ray.core.reasons import Code
from catalyst_ray.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from catalyst_ray.models import Bars, Reason, Split

TIMEFRAMES = ("1D", "5D", "1M", "3M", "1Y")

_WINDOW_DAYS = {"1M": 31, "3M": 92, "1Y": 366}
_INTRADAY_MINUTES = {"1D": 5, "5D": 30}
_MORE_DAYS = 75
"""What lies before a window and still tells of it: the close before, what trading was usual, the averages' start."""
_WARM_UP = 60
"""Bars before a window that averages need: the longest is over 50."""


def check_timeframe(timeframe: str) -> str:
    """Return ``timeframe`` if it is one of ours.

    Raises:
        ConfigError: It is not.
    """
    if timeframe not in TIMEFRAMES:
        raise ConfigError(f"no timeframe {timeframe!r}", hint=f"one of {', '.join(TIMEFRAMES)}")
    return timeframe


def history_s(timeframe: str) -> int:
    """Return how many seconds of a history before its newest bar matter for a timeframe."""
    return (_WINDOW_DAYS.get(timeframe, _WINDOW_DAYS["1M"]) + _MORE_DAYS) * 86_400


def history_rows(timeframe: str) -> int:
    """Return how many of the newest rows of a history matter at most: a month of minutes, or a year of them."""
    return 25_000 if timeframe in _INTRADAY_MINUTES else 300_000


def select_timeframe(bars: Bars, timeframe: str) -> Bars:
    """Return the window of a longer history that a timeframe shows.

    1D is the last session in bars of 5 minutes, 5D the last five in bars of 30; 1M, 3M and 1Y are daily
    bars of the last 31, 92 and 366 days. Only daily bars at hand: 5D is five of those, and 1D becomes a
    month, labelled so. A 1D window without ``previous_close`` takes it from the session before. Some bars before the
    window stay, from which averages start (``shown_from_s``); splits before it, and what was said of them, go.
    """
    check_timeframe(timeframe)
    rows = rows_of(bars)
    daily = is_daily(bars.times_s, bars.timeframe)
    if not daily and timeframe in _INTRADAY_MINUTES:
        rows = _merge(rows, _minutes_key(_INTRADAY_MINUTES[timeframe]))
        days = sorted({eastern(row.time_s).date() for row in rows})
        shown = days[-1:] if timeframe == "1D" else days[-5:]
    else:
        timeframe = "1M" if timeframe == "1D" else timeframe
        rows = rows if daily else _merge(rows, _date_key)
        days = [eastern(row.time_s).date() for row in rows]
        span = timedelta(days=_WINDOW_DAYS.get(timeframe, 0))
        shown = days[-5:] if timeframe == "5D" else [day for day in days if day > days[-1] - span]
    start_s = midnight_s(shown[0]) if shown else 0
    before = close_before(rows, start_s) if timeframe == "1D" else None
    splits = tuple(split for split in bars.splits if shown and split.day >= shown[0])
    first = bisect_left(rows, start_s, key=attrgetter("time_s"))
    window = replace(
        bars,
        timeframe=timeframe,
        shown_from_s=start_s if first else None,
        previous_close=bars.previous_close or before,
        splits=splits,
        remarks=_remarks_on(splits, bars),
    )
    return with_rows(window, rows[max(0, first - _WARM_UP) :])


def _remarks_on(splits: Sequence[Split], bars: Bars) -> tuple[Reason, ...]:
    """Return what was said of the bars, without the splits that are not among these."""
    days = [str(split.day) for split in splits]
    return tuple(
        remark
        for remark in bars.remarks
        if remark.code != Code.SPLIT_ADJUSTED or any(day in remark.detail for day in days)
    )


def _merge(rows: Sequence[Bar], key: Callable[[int], int]) -> list[Bar]:
    merged = []
    for start_s, group in groupby(rows, key=lambda row: key(row.time_s)):
        part = list(group)
        high, low = max(row.high for row in part), min(row.low for row in part)
        volume = sum(row.volume for row in part)
        merged.append(Bar(start_s, part[0].open, high, low, part[-1].close, volume))
    return merged


def _minutes_key(minutes: int) -> Callable[[int], int]:
    return lambda time_s: time_s - time_s % (minutes * 60)


def _date_key(time_s: int) -> int:
    return midnight_s(eastern(time_s).date())
