"""Figures on a price chart: which prices an axis names, and how prices and volumes are written.

Owns round steps and number formats. Does not draw.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def price_ticks(low: float, high: float, most: int) -> list[float]:
    """Return round prices between ``low`` and ``high``, at most ``most``: steps of 1, 2, 2.5 or 5 times a power of ten."""
    if not low < high or most < 1:
        return []
    raw = (high - low) / most
    scale = 10.0 ** math.floor(math.log10(raw))
    steps = (scale * factor for factor in (1, 2, 2.5, 5, 10, 20))
    for step in steps:
        first, last = math.ceil(low / step), math.floor(high / step)
        if last - first < most:
            return [index * step for index in range(first, last + 1)]
    return []


def price_texts(prices: Sequence[float]) -> list[str]:
    """Return axis labels with as many decimals as tell each price from the next, and at least cents."""
    gap = min((b - a for a, b in pairwise(prices)), default=abs(prices[0]) if prices else 1.0)
    decimals = next((d for d in range(2, 12) if abs(round(gap, d) - gap) < gap / 100), 12)
    if max(prices, default=0.0) >= 1000 and abs(gap - round(gap)) < 1e-6:
        decimals = 0
    return [f"{price:,.{decimals}f}" for price in prices]


def price_text(price: float) -> str:
    """Return a price as it is quoted: cents from a dollar up (SEC rule 612), finer below it."""
    if price >= 100_000:
        return f"{price:,.0f}"
    decimals = 2 if price >= 1 else 4
    while decimals < 10 and price < 10.0 ** (2 - decimals):
        decimals += 2
    return f"{price:,.{decimals}f}"


def volume_text(shares: float) -> str:
    """Return a number of shares in three figures: 987, 45.6K, 1.23M."""
    for size, unit in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K")):
        if shares >= 0.9995 * size:
            return f"{shares / size:.3g}{unit}" if shares < 999.5 * size else f"{shares / size:,.0f}{unit}"
    return f"{shares:.0f}"


def signed_text(value: float, reach: float) -> str:
    """Return a figure with its sign, and the decimals that tell a hundredth of ``reach``."""
    decimals = min(max(2 - math.floor(math.log10(reach)), 0), 9) if reach > 0 else 2
    text = f"{value:+,.{decimals}f}".replace("-", "−")
    return text if any(char in "123456789" for char in text) else text[1:]
