"""Price bars: repair, merging into longer bars, choice of a timeframe's window, last price and change.

Owns what a usable table of bars is. Does not fetch, draw or compute indicators.

Bars of a day or longer start at midnight US/Eastern of their trading day; shorter ones at their true time.
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby, pairwise
from statistics import median
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from catalyst_ray.errors import ConfigError, ParseError
from catalyst_ray.models import Bars, Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

EASTERN = ZoneInfo("America/New_York")
TIMEFRAMES = ("1D", "5D", "1M", "3M", "1Y")

_DAY_S = 86_400
_DAILY_GAP_S = 20 * 3600  # a day is 23 hours long when clocks go forward
_LATEST_S = 4_102_444_800  # the year 2100: milliseconds taken for seconds lie far beyond it
_LOWEST_USD, _HIGHEST_USD = 1e-8, 1e9
_WINDOW_DAYS = {"1M": 31, "3M": 92, "1Y": 366}
_INTRADAY_MINUTES = {"1D": 5, "5D": 30}


class Bar(NamedTuple):
    """One row of a table of bars."""

    time_s: int
    open: float
    high: float
    low: float
    close: float
    volume: float


def clean_bars(bars: Bars) -> tuple[Bars, tuple[Reason, ...]]:
    """Return usable bars, in order, and what had to be done to get them.

    Dropped: rows without a positive finite close or with an impossible time, repeated times (the last
    one stays). Repaired: prices a hundred times too large or small (cents for dollars), highs and lows
    that do not contain open and close, missing opens, highs and lows, negative or missing volume, days
    stamped midnight UTC. The result may be empty; cleaning it again changes nothing.

    Raises:
        ParseError: The columns differ in length.
    """
    columns = (bars.times_s, bars.open, bars.high, bars.low, bars.close, bars.volume)
    if len({len(column) for column in columns}) != 1:
        lengths = "/".join(str(len(column)) for column in columns)
        raise ParseError(f"price columns differ in length ({lengths})", key=bars.ticker)
    given = [Bar(*row) for row in zip(*columns, strict=True)]
    usable = [row for row in given if _is_price(row.close) and 0 < row.time_s < _LATEST_S]
    rows = list({row.time_s: row for row in sorted(usable, key=lambda row: row.time_s)}.values())
    rows, days_moved = _stamp_days(rows, timeframe=bars.timeframe)
    scaled = _undo_hundredfold(rows)
    final = [_contain(row) for row in scaled]
    previous = bars.previous_close
    found = (
        ("bars_dropped", "no usable close or time", len(given) - len(usable)),
        ("bars_repeated", "same time twice", len(usable) - len(rows)),
        ("days_utc", "midnight UTC taken for the trading day", days_moved),
        ("unit_error", "price 100 times off", _count_changes(rows, scaled)),
        ("bars_repaired", "high, low, open or volume", _count_changes(scaled, final)),
    )
    clean = with_rows(bars, final)
    if previous is not None and not _is_price(previous):
        clean = replace(clean, previous_close=None)
    return clean, tuple(Reason(code, detail, float(count)) for code, detail, count in found if count)


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


def is_daily(times_s: Sequence[int], timeframe: str) -> bool:
    """Tell whether bars last a day or longer; a lone bar is judged by its timeframe."""
    if len(times_s) < 2:
        return timeframe in _WINDOW_DAYS
    return median(later - earlier for earlier, later in pairwise(times_s)) >= _DAILY_GAP_S


def eastern(time_s: int) -> datetime:
    """Return an epoch time on New York's clock."""
    return datetime.fromtimestamp(time_s, EASTERN)


def midnight_s(day: date) -> int:
    """Return the epoch time at which a trading day's bar starts."""
    return int(datetime.combine(day, time(), EASTERN).timestamp())


def check_timeframe(timeframe: str) -> str:
    """Return ``timeframe`` if it is one of ours.

    Raises:
        ConfigError: It is not.
    """
    if timeframe not in TIMEFRAMES:
        raise ConfigError(f"no timeframe {timeframe!r}", hint=f"one of {', '.join(TIMEFRAMES)}")
    return timeframe


def select_timeframe(bars: Bars, timeframe: str) -> Bars:
    """Return the window of a longer history that a timeframe shows.

    1D is the last session in bars of 5 minutes, 5D the last five in bars of 30; 1M, 3M and 1Y are daily
    bars of the last 31, 92 and 366 days. Only daily bars at hand: 5D is five of those, and 1D becomes a
    month, labelled so. A 1D window without ``previous_close`` takes it from the session before.
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
    before = _close_before(rows, start_s) if timeframe == "1D" else None
    window = replace(bars, timeframe=timeframe, previous_close=bars.previous_close or before)
    return with_rows(window, [row for row in rows if row.time_s >= start_s])


def condense(bars: Bars, most: int) -> Bars:
    """Return the bars merged into longer ones until there are at most ``most`` of them."""
    minutes = () if is_daily(bars.times_s, bars.timeframe) else (5, 10, 15, 30)
    keys: list[Callable[[int], int]] = [
        *map(_minutes_key, minutes),
        _date_key,
        _week_key,
        _month_key,
        _year_key,
    ]
    rows = rows_of(bars)
    for key in keys:
        if len(rows) <= most:
            break
        rows = _merge(rows, key)
    return with_rows(bars, rows)


def previous_close(bars: Bars) -> float | None:
    """Return the close that the last price is compared with: the session before the last bar's."""
    if bars.previous_close is not None or len(bars) < 2:
        return bars.previous_close
    if is_daily(bars.times_s, bars.timeframe):
        return bars.close[-2]
    return _close_before(rows_of(bars), midnight_s(eastern(bars.times_s[-1]).date()))


def change_pct(bars: Bars) -> tuple[float, float] | None:
    """Return the last price and its change from the previous session's close, in per cent.

    Expects cleaned bars; None without bars or without a previous close.
    """
    before = previous_close(bars)
    if not len(bars) or before is None or not _is_price(before):
        return None
    return bars.close[-1], (bars.close[-1] / before - 1) * 100


def regular_close_minute(day: date) -> int:
    """Return the minute of the day at which regular trading ends: 16:00, or 13:00 on half days.

    Half days: the day after Thanksgiving, 3 July and 24 December (NYSE rule 7.2 and its calendars).
    """
    after_thanksgiving = day.month == 11 and day.weekday() == 4 and 23 <= day.day <= 29
    eve = (day.month, day.day) in {(7, 3), (12, 24)}
    return 13 * 60 if after_thanksgiving or eve else 16 * 60


def _is_price(value: float) -> bool:
    return _LOWEST_USD <= value <= _HIGHEST_USD  # False for NaN


def _count_changes(before: Iterable[Bar], after: Iterable[Bar]) -> int:
    return sum(map(Bar.__ne__, before, after))


def _stamp_days(rows: list[Bar], *, timeframe: str) -> tuple[list[Bar], int]:
    times_s = [row.time_s for row in rows]
    if not rows or any(time_s % _DAY_S for time_s in times_s) or not is_daily(times_s, timeframe):
        return rows, 0
    # A day written as midnight UTC is still the evening before in New York.
    days = [datetime.fromtimestamp(time_s, UTC).date() for time_s in times_s]
    return [row._replace(time_s=midnight_s(day)) for row, day in zip(rows, days, strict=True)], len(rows)


def _undo_hundredfold(rows: list[Bar]) -> list[Bar]:
    # The newest unit is the true one, so walk back from it; a median keeps one bad last bar from ruling.
    fixed: list[Bar] = []
    reference = median([row.close for row in rows[-3:]]) if rows else 0.0
    for row in reversed(rows):
        opened, high, low, close = (_same_unit(price, reference) for price in row[1:5])
        fixed.append(Bar(row.time_s, opened, high, low, close, row.volume))
        reference = close
    return fixed[::-1]


def _same_unit(price: float, reference: float) -> float:
    if not _is_price(price):
        return price
    ratio = price / reference
    scaled = price / 100 if 80 < ratio < 125 else price * 100 if 80 < 1 / ratio < 125 else price
    return scaled if _is_price(scaled) else price


def _contain(row: Bar) -> Bar:
    opened = row.open if _is_price(row.open) else row.close
    extremes = [price for price in (row.high, row.low) if _is_price(price)]
    prices = (opened, row.close, *extremes)
    volume = row.volume if math.isfinite(row.volume) and row.volume > 0 else 0.0
    return Bar(row.time_s, opened, max(prices), min(prices), row.close, volume)


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


def _week_key(time_s: int) -> int:
    year, week, _ = eastern(time_s).isocalendar()
    return midnight_s(date.fromisocalendar(year, week, 1))


def _month_key(time_s: int) -> int:
    return midnight_s(eastern(time_s).date().replace(day=1))


def _year_key(time_s: int) -> int:
    return midnight_s(eastern(time_s).date().replace(month=1, day=1))


def _close_before(rows: Sequence[Bar], start_s: int) -> float | None:
    # The official close is the last regular trade; what was paid in the evening after it does not count.
    earlier = [row for row in rows if row.time_s < start_s]
    if not earlier:
        return None
    day = eastern(earlier[-1].time_s).date()
    close_s = midnight_s(day) + regular_close_minute(day) * 60
    same_day = [row for row in earlier if midnight_s(day) <= row.time_s]
    regular = [row for row in same_day if row.time_s < close_s]
    return (regular or same_day)[-1].close
