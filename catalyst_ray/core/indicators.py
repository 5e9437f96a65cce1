"""Technical indicators over columns of bars: VWAP and the simple moving average.

Owns their arithmetic. Does not decide which are drawn. NaN in, NaN out, and only where it must be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Column = NDArray[np.float64]


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
    if length < 1:
        raise ValueError(f"length must be at least 1, was {length}")
    result = np.full(len(values), np.nan)
    if len(values) >= length:
        windows = np.lib.stride_tricks.sliding_window_view(values, length)
        result[length - 1 :] = windows.mean(axis=1)
    return result
