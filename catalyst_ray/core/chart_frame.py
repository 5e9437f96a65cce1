"""The geometry of a price chart: panels in pixels, and the scales of time, price and volume.

Owns where a figure lies. Does not draw.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from catalyst_ray.core.drawing import Box

_MIN_SLOTS = 12  # fewer bars do not grow wider than so many would be
_PRICE_ROOM = 0.06  # of the range, free above and below the candles
_VOLUME_SHARE = 0.22
_PANEL_SHARE = 0.19  # of what lies under the heading, for each panel below the candles
_PANEL_NAME = 26  # the line above a panel that names it
_PANEL_LEAST = 20  # a lower one could not be read


@dataclass(frozen=True, slots=True)
class Scale:
    """A range of figures between two heights; pixels run downwards."""

    top: float
    bottom: float
    low: float
    high: float

    def y(self, figure: ArrayLike) -> NDArray[np.float64]:
        """Return where figures lie, in pixels from the top of the picture."""
        share = (np.asarray(figure, dtype=float) - self.low) / (self.high - self.low)
        return self.bottom - share * (self.bottom - self.top)

    def shows(self, figure: float) -> bool:
        """Tell whether a figure lies between the ends."""
        return self.low < figure < self.high


class Frame:
    """Panels and scales of one chart; lengths are written for 600 pixels of height and scaled by ``unit``.

    Args:
        width: Of the picture, pixels.
        height: Of the picture, pixels.
        unit: Pixels for one pixel of the 1000×600 design.
        gutter: Pixels kept at the right for prices.
        slots: Places for candles side by side.
        most_volume: Of one candle; 0 leaves volume out.
        prices: Lowest and highest price to show.
        has_lane: A lane is kept above the candles for labels.
        panels: Name and range of each panel below the candles, from the top; those too low to be read are left out.
    """

    def __init__(
        self,
        *,
        width: float,
        height: float,
        unit: float,
        gutter: float,
        slots: float,
        most_volume: float,
        prices: tuple[float, float],
        has_lane: bool,
        panels: Sequence[tuple[str, tuple[float, float]]] = (),
    ) -> None:
        self.left = 16 * unit
        self.right = width - gutter
        self.lane = 104 * unit
        self.foot = height - 42 * unit
        self.slot = (self.right - self.left) / max(slots, _MIN_SLOTS)
        self._start = self.right - self.slot * slots
        below = _PANEL_SHARE * (self.foot - self.lane)
        if below - _PANEL_NAME * unit < _PANEL_LEAST:
            panels = ()
        self.floor = self.foot - below * len(panels)
        self.panels = {
            name: _scale(
                self.floor + below * index + _PANEL_NAME * unit,
                self.floor + below * (index + 1) - 4 * unit,
                ends,
            )
            for index, (name, ends) in enumerate(panels)
        }
        top = self.lane + (42 if has_lane else 4) * unit
        self.has_volume = most_volume > 0
        bottom = self.floor - _VOLUME_SHARE * (self.floor - self.lane) * self.has_volume
        low, high = prices
        room = (high - low) * _PRICE_ROOM or high * 0.01
        self.price = Scale(top, bottom, low - room, high + room)
        self.volume = Scale(bottom + 16 * unit, self.floor, 0.0, most_volume or 1.0)

    @property
    def candles(self) -> Box:
        """Return the panel of prices."""
        return self.left, self.price.top, self.right, self.price.bottom

    def box(self, panel: str) -> Box:
        """Return a panel below the candles, without its name."""
        scale = self.panels[panel]
        return self.left, scale.top, self.right, scale.bottom

    def stretches(self, start: float) -> list[tuple[float, float]]:
        """Return the heights at which a line from ``start`` down to the time axis leaves the panels' names free."""
        boxes = [self.box(panel) for panel in self.panels]
        return [(start, self.floor), *((top, bottom) for _, top, _, bottom in boxes)]

    def x(self, position: ArrayLike) -> NDArray[np.float64]:
        """Return where positions of the time axis lie, in pixels from the left."""
        return self._start + np.asarray(position, dtype=float) * self.slot


def _scale(top: float, bottom: float, ends: tuple[float, float]) -> Scale:
    low, high = ends
    return Scale(top, bottom, low, high if high > low else low + 1.0)
