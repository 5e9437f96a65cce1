"""What a chart draws of its bars: columns merged to what its width can tell apart, and their indicators.

Owns merging and which indicators fit which bars. Expects cleaned bars; indicators are worked out on the
bars as they came, so that merging changes no average.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from catalyst_ray.core.bars import eastern, is_daily
from catalyst_ray.core.chart_axis import TimeAxis
from catalyst_ray.core.chart_levels import Level, find_levels
from catalyst_ray.core.indicators import Macd, macd, rsi, sma, vwap

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from datetime import datetime

    from numpy.typing import NDArray

    from catalyst_ray.core.indicators import Column
    from catalyst_ray.models import Bars

    Times = NDArray[np.int64]
    Places = NDArray[np.intp]

_STEPS_S = (300, 600, 900, 1800, 3600, 7200)
_USUAL_STEP_S = 300
_LEAST_STEP_S = 60
_NIGHT_S = 4 * 3600


class Average(NamedTuple):
    """A line over the candles; ``rank`` tells the first, shorter one from the second."""

    name: str
    values: Column
    rank: int

    @property
    def last(self) -> float:
        """Return the newest known value."""
        return float(self.values[np.isfinite(self.values)][-1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Columns of equal length, a candle each; a panel that is not wanted or has no figure is empty or None."""

    axis: TimeAxis
    open: Column
    high: Column
    low: Column
    close: Column
    volume: Column
    averages: tuple[Average, ...] = ()
    levels: tuple[Level, ...] = ()
    rsi: Column | None = None
    macd: Macd | None = None


def series_of(bars: Bars, *, panels: Collection[str], most: int) -> Series:
    """Return what is drawn of ``bars``, which are not empty, in at most ``most`` places side by side."""
    times = np.array(bars.times_s, dtype=np.int64)
    daily = is_daily(bars.times_s, bars.timeframe)
    hidden = int(np.searchsorted(times, bars.shown_from_s)) if bars.shown_from_s is not None else 0
    hidden = min(hidden, len(times) - 1)
    starts, axis = _places(times[hidden:], daily=daily, most=most)
    starts = starts + hidden
    ends = np.append(starts[1:], len(times)) - 1
    opens, highs, lows, closes, volumes = (
        np.array(column, dtype=float) for column in (bars.open, bars.high, bars.low, bars.close, bars.volume)
    )
    high, low = np.maximum.reduceat(highs, starts), np.minimum.reduceat(lows, starts)
    volume = np.add.reduceat(volumes, starts)
    averages: tuple[Average, ...] = ()
    if "averages" in panels and daily:
        averages = tuple(
            Average(f"SMA {days}", sma(closes, days)[ends], rank) for rank, days in enumerate((20, 50))
        )
    elif "averages" in panels:
        sessions = [eastern(time_s).date() for time_s in bars.times_s]
        averages = (Average("VWAP", vwap(highs, lows, closes, volumes, sessions)[ends], 0),)
    strength = rsi(closes)[ends] if "rsi" in panels else None
    trend = Macd(*(column[ends] for column in macd(closes))) if "macd" in panels else None
    return Series(
        axis=axis,
        open=opens[starts],
        high=high,
        low=low,
        close=closes[ends],
        volume=volume if "volume" in panels else np.zeros_like(volume),
        averages=tuple(average for average in averages if _is_worth_drawing(average.values)),
        levels=find_levels(high, low, closes[ends]) if "levels" in panels else (),
        rsi=strength if strength is not None and _is_worth_drawing(strength) else None,
        macd=trend if trend is not None and _moves(trend, closes[-1]) else None,
    )


def _is_worth_drawing(values: Column) -> bool:
    # A stub of a line says nothing.
    return bool(np.isfinite(values).sum() >= max(2, len(values) // 4))


def _moves(trend: Macd, price: float) -> bool:
    # A price that stands still leaves rounding errors, which a panel would blow up to waves.
    return _is_worth_drawing(trend.line) and float(np.nanmax(np.abs(trend.line))) > 1e-9 * price


def _places(times: Times, *, daily: bool, most: int) -> tuple[Places, TimeAxis]:
    """Return the first bar of each candle, and the axis that the candles stand on."""
    last_s = int(times[-1])
    if not daily:
        for step_s, keys in _clocks(times):
            axis = TimeAxis(keys, step_s=step_s, last_s=last_s)
            if axis.length <= most:
                return _first_of_each(keys), axis
    days = [eastern(time_s) for time_s in times.tolist()]
    starts = np.arange(0)
    for key in _CALENDARS[not daily :]:
        starts = _first_of_each(np.array([key(day) for day in days]))
        if len(starts) <= most:
            break
    return starts, TimeAxis(times[starts], step_s=None, last_s=last_s)


def _clocks(times: Times) -> Iterator[tuple[int, Times]]:
    """Yield lengths of a candle, from the bars' own upwards, and the start of the candle each bar is in."""
    own = _own_step_s(np.diff(times))
    phase = _most_common(times % own)
    yield own, times - (times - phase) % own
    for step_s in _STEPS_S:
        if step_s > own:
            yield step_s, times - times % step_s


def _own_step_s(gaps: Times) -> int:
    """Return the length of the bars: what all gaps are multiples of, or else the usual gap."""
    within = gaps[gaps < _NIGHT_S]
    if not within.size:
        return _USUAL_STEP_S
    common = int(np.gcd.reduce(within))
    return common if common >= _LEAST_STEP_S else _most_common(within)


def _most_common(values: Times) -> int:
    found, counts = np.unique(values, return_counts=True)
    return int(found[np.argmax(counts)])


def _first_of_each(keys: NDArray[np.int64]) -> Places:
    return np.flatnonzero(np.diff(keys, prepend=keys[0] - 1))


_CALENDARS: tuple[Callable[[datetime], int], ...] = (
    lambda day: int(day.timestamp()),
    lambda day: day.toordinal(),
    lambda day: day.isocalendar()[0] * 100 + day.isocalendar()[1],
    lambda day: day.year * 12 + day.month,
    lambda day: day.year,
)
