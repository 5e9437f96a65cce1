"""Support and resistance: prices at which a chart's bars turned more than once.

Owns the rule, which has no tuning beyond what is said here. Does not draw.

A turn is a bar whose high (or low) is the extreme of its neighbourhood, a fiftieth of the bars shown and at
least two to each side. Turns no further apart than a usual bar is long (the median true range) are one
level, and a level counts from the second turn on. Shown are the nearest above the last price and the nearest below it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from catalyst_ray.core.indicators import true_range

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from catalyst_ray.core.indicators import Column

_LEAST_TURNS = 2
_LEAST_BARS = 10


class Level(NamedTuple):
    """A price that held ``turns`` times, first at bar ``start``; support if below the last price."""

    price: float
    turns: int
    start: int
    is_support: bool


def find_levels(high: Column, low: Column, close: Column) -> tuple[Level, ...]:
    """Return the resistance above and the support below the last price, as far as there are any."""
    count = len(close)
    if count < _LEAST_BARS:
        return ()
    reach = float(np.median(true_range(high, low, close)[1:]))
    side = max(2, count // 50)
    tops, bottoms = _turns(high, side), _turns(-low, side)
    bars = np.concatenate([tops, bottoms])
    prices = np.concatenate([high[tops], low[bottoms]])
    near = np.abs(prices[:, None] - prices) <= reach
    turns = near.sum(axis=1)
    last = float(close[-1])
    found = (_nearest(prices, turns, near, bars, last, above=above, reach=reach) for above in (True, False))
    return tuple(level for level in found if level)


def _turns(values: Column, side: int) -> NDArray[np.intp]:
    """Return where a value is the largest of those around it; of equal neighbours only the first counts."""
    padded = np.pad(values, side, constant_values=-np.inf)
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * side + 1)
    peak = around.max(axis=1) == values
    peak &= np.argmax(around, axis=1) == side
    peak[:side] = peak[-side:] = False  # what lies at an edge has not turned yet
    return np.flatnonzero(peak)


def _nearest(
    prices: Column,
    turns: NDArray[np.intp],
    near: NDArray[np.bool_],
    bars: NDArray[np.intp],
    last: float,
    *,
    above: bool,
    reach: float,
) -> Level | None:
    gap = prices - last if above else last - prices
    fit = np.flatnonzero((gap > reach) & (turns >= _LEAST_TURNS))
    if not fit.size:
        return None
    best = int(fit[np.argmin(gap[fit])])
    price = float(prices[near[best]].mean())
    return Level(price, int(turns[best]), int(bars[near[best]].min()), not above)
