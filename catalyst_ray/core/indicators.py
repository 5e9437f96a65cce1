"""Technical indicators over columns of bars: VWAP, moving averages, RSI and MACD.

Owns their arithmetic. Does not decide which are drawn. NaN in, NaN out, and only where it must be.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Column = NDArray[np.float64]


class Macd(NamedTuple):
    """Moving average convergence and divergence: the difference of two averages, and what smooths it."""

    line: Column
    signal: Column

    @property
    def histogram(self) -> Column:
        """Return how far the line is above its signal."""
        return self.line - self.signal


def vwap(high: Column, low: Column, close: Column, volume: Column, sessions: Sequence[object]) -> Column:
    """Return the volume-weighted average price since each bar's session began.

    The price of a bar is its typical price (high + low + close) / 3, as exchanges' data sheets define
    VWAP over bars. ``sessions`` names each bar's session; a new name starts anew. A bar without volume or
    price adds nothing; before any volume the value is NaN.
    """
    typical = (high + low + close) / 3
    counted = np.isfinite(typical) & np.isfinite(volume) & (volume > 0)
    weight = np.where(counted, volume, 0.0)
    worth = np.where(counted, typical * weight, 0.0)
    result = np.full(len(close), np.nan)
    starts = [i for i in range(len(sessions)) if i == 0 or sessions[i] != sessions[i - 1]]
    for start, end in zip(starts, [*starts[1:], len(sessions)], strict=True):
        total = np.cumsum(weight[start:end])
        np.divide(np.cumsum(worth[start:end]), total, out=result[start:end], where=total > 0)
    return result


def sma(values: Column, length: int) -> Column:
    """Return the mean of each value and the ``length - 1`` before it; NaN until there are that many.

    Raises:
        ValueError: ``length`` < 1.
    """
    _check_length(length)
    result = np.full(len(values), np.nan)
    if len(values) >= length:
        windows = np.lib.stride_tricks.sliding_window_view(values, length)
        result[length - 1 :] = windows.mean(axis=1)
    return result


def ema(values: Column, length: int) -> Column:
    """Return the exponential average with weight 2 / (length + 1), begun with the mean of the first ``length``.

    NaN until there are that many; values that are NaN at the front are passed over.

    Raises:
        ValueError: ``length`` < 1.
    """
    _check_length(length)
    return _smoothed(values, length, weight=2 / (length + 1))


def rsi(close: Column, length: int = 14) -> Column:
    """Return Wilder's relative strength index, 0 to 100 (New Concepts in Technical Trading Systems, 1978).

    The first average of rises and falls is a plain mean over ``length`` changes; later ones keep
    (length - 1) / length of the one before. Without any change at all it is 50.

    Raises:
        ValueError: ``length`` < 1.
    """
    _check_length(length)
    change = np.diff(close, prepend=np.nan)
    rise = _smoothed(np.maximum(change, 0), length, weight=1 / length)
    fall = _smoothed(np.maximum(-change, 0), length, weight=1 / length)
    both = rise + fall
    share = np.where(np.isnan(both), np.nan, 0.5)
    np.divide(rise, both, out=share, where=both > 0)
    return 100 * share


def macd(close: Column, fast: int = 12, slow: int = 26, signal: int = 9) -> Macd:
    """Return Appel's MACD: the fast average less the slow one, and the exponential average of that."""
    line = ema(close, fast) - ema(close, slow)
    return Macd(line, ema(line, signal))


def true_range(high: Column, low: Column, close: Column) -> Column:
    """Return how far each bar reached, the gap from the close before it included (Wilder)."""
    before = np.concatenate([close[:1], close[:-1]])
    reach: Column = np.maximum(high, before) - np.minimum(low, before)
    return reach


def _check_length(length: int) -> None:
    if length < 1:
        raise ValueError(f"length must be at least 1, was {length}")


def _smoothed(values: Column, length: int, *, weight: float) -> Column:
    result = np.full(len(values), np.nan)
    first = int(np.argmax(np.isfinite(values))) if np.isfinite(values).any() else len(values)
    begin = first + length
    if begin <= len(values):
        # Plain floats: a loop over a column's own scalars takes five times as long.
        later = values[begin:].tolist()
        start = float(values[first:begin].mean())
        result[begin - 1 :] = list(
            accumulate(later, lambda mean, value: mean + weight * (value - mean), initial=start)
        )
    return result
