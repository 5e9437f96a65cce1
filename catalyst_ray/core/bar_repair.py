"""Repair of price bars: whatever a source delivers becomes a sound table, and says what was wrong.

Owns the rules of repair, bar by bar. Splits are ``bar_splits``'; dividends are never adjusted.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING

from catalyst_ray.core.bars import Bar, is_daily, is_price, midnight_s, with_rows
from catalyst_ray.core.reasons import Code
from catalyst_ray.errors import ParseError
from catalyst_ray.models import Bars, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable

_DAY_S = 86_400
LATEST_S = 4_102_444_800  # the year 2100: milliseconds taken for seconds lie far beyond it
_FAR_OFF = 3.0
_MOST_PASSES = 8
_MOST_SHARES = 1e13  # a thousand times the busiest day of any share


def clean_bars(bars: Bars) -> tuple[Bars, tuple[Reason, ...]]:
    """Return usable bars, in order, and what had to be done to get them.

    Dropped: rows without a positive finite close or with an impossible time, repeated times (the last
    one stays). Repaired: prices a hundred times too large or small (cents for dollars), highs and lows
    that do not contain open and close, missing opens, highs and lows, negative, missing or absurd volume, days
    stamped midnight UTC, highs and lows within a day that nobody can have paid. Bars that are missing are not
    invented: a gap is a halt, or nobody traded. The result may be empty; cleaning it again changes nothing.

    Raises:
        ParseError: The columns differ in length.
    """
    columns = (bars.times_s, bars.open, bars.high, bars.low, bars.close, bars.volume)
    if len({len(column) for column in columns}) != 1:
        lengths = "/".join(str(len(column)) for column in columns)
        raise ParseError(f"price columns differ in length ({lengths})", key=bars.ticker)
    given = [Bar(*row) for row in zip(*columns, strict=True)]
    usable = [row for row in given if is_price(row.close) and 0 < row.time_s < LATEST_S]
    rows = list({row.time_s: row for row in sorted(usable, key=lambda row: row.time_s)}.values())
    rows, days_moved = _stamp_days(rows, timeframe=bars.timeframe)
    scaled = _undo_hundredfold(rows)
    whole = [_contain(row) for row in scaled]
    final = whole if is_daily([row.time_s for row in whole], bars.timeframe) else _clip(whole)
    previous = bars.previous_close
    found = (
        (Code.BARS_DROPPED, "no usable close or time", len(given) - len(usable)),
        (Code.BARS_REPEATED, "same time twice", len(usable) - len(rows)),
        (Code.DAYS_UTC, "midnight UTC taken for the trading day", days_moved),
        (Code.UNIT_ERROR, "price 100 times off", _count_changes(rows, scaled)),
        (Code.BARS_REPAIRED, "high, low, open or volume", _count_changes(scaled, whole)),
        (Code.BARS_SPIKE, "high or low far off the market", _count_changes(whole, final)),
    )
    clean = with_rows(bars, final)
    if previous is not None and not is_price(previous):
        clean = replace(clean, previous_close=None)
    return clean, tuple(Reason(code, detail, float(count)) for code, detail, count in found if count)


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
    for _ in range(_MOST_PASSES):
        mended = _to_newest_unit(rows)
        if mended == rows:
            break
        rows = mended  # what the newest unit is may be clearer now
    return rows


def _to_newest_unit(rows: list[Bar]) -> list[Bar]:
    # The newest unit is the true one, so walk back from it; a median keeps one bad last bar from ruling.
    fixed: list[Bar] = []
    reference = median([row.close for row in rows[-3:]]) if rows else 0.0
    for row in reversed(rows):
        opened, high, low, close = (_same_unit(price, reference) for price in row[1:5])
        fixed.append(Bar(row.time_s, opened, high, low, close, row.volume))
        reference = close
    return fixed[::-1]


def _same_unit(price: float, reference: float) -> float:
    if not is_price(price):
        return price
    ratio = price / reference
    scaled = price / 100 if 80 < ratio < 125 else price * 100 if 80 < 1 / ratio < 125 else price
    return scaled if is_price(scaled) else price


def _contain(row: Bar) -> Bar:
    opened = row.open if is_price(row.open) else row.close
    extremes = [price for price in (row.high, row.low) if is_price(price)]
    prices = (opened, row.close, *extremes)
    volume = row.volume if 0 < row.volume <= _MOST_SHARES else 0.0  # False for NaN
    return Bar(row.time_s, opened, max(prices), min(prices), row.close, volume)


def _clip(rows: list[Bar]) -> list[Bar]:
    """Return bars of minutes or hours without highs and lows far off all prices around them.

    Exchanges cancel such trades as clearly erroneous, from 30 % off even for the cheapest shares (FINRA rule 11892).
    """
    clipped = []
    for before, row, after in (
        zip([rows[0], *rows], rows, [*rows[1:], rows[-1]], strict=False) if rows else ()
    ):
        around = (row.open, row.close, before.close, after.open)
        top, bottom = max(around) * _FAR_OFF, min(around) / _FAR_OFF
        high = row.high if row.high <= top else max(row.open, row.close)
        low = row.low if row.low >= bottom else min(row.open, row.close)
        clipped.append(row._replace(high=high, low=low))
    return clipped
