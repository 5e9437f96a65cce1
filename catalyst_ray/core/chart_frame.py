"""The geometry of a price chart: panels in pixels, and the scales of time, price and volume.

Owns where a figure lies. Does not draw.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from catalyst_ray.core.drawing import Box

_MIN_SLOTS = 20  # fewer bars do not grow wider than so many would be
_PRICE_ROOM = 0.06  # of the range, free above and below the candles
_VOLUME_SHARE = 0.22


class Frame:
    """Panels and scales of one chart; lengths are written for 600 pixels of height and scaled by ``unit``.

    Args:
        width: Of the picture, pixels.
        height: Of the picture, pixels.
        unit: Pixels for one pixel of the 1000×600 design.
        gutter: Pixels kept at the right for prices.
        volumes: Of the bars, to scale the lower panel; all zero leaves it out.
        prices: Lowest and highest price to show.
        has_mark: A lane is kept above the candles for the catalyst's label.
    """

    def __init__(
        self,
        *,
        width: float,
        height: float,
        unit: float,
        gutter: float,
        volumes: Sequence[float],
        prices: tuple[float, float],
        has_mark: bool,
    ) -> None:
        self.left = 16 * unit
        self.right = width - gutter
        self.lane = 104 * unit
        self.top = self.lane + (42 if has_mark else 4) * unit
        self.foot = height - 42 * unit
        self.has_volume = any(volumes)
        self.bottom = self.foot - _VOLUME_SHARE * (self.foot - self.lane) * self.has_volume
        self.slot = (self.right - self.left) / max(len(volumes), _MIN_SLOTS)
        self._start = self.right - self.slot * len(volumes)
        self._most = max(volumes) or 1.0
        self._volume_height = (self.foot - self.bottom) - 16 * unit
        low, high = prices
        room = (high - low) * _PRICE_ROOM or high * 0.01
        self.low, self.high = low - room, high + room

    @property
    def candles(self) -> Box:
        """Return the panel of prices."""
        return self.left, self.top, self.right, self.bottom

    def x(self, position: ArrayLike) -> NDArray[np.float64]:
        """Return where positions of the time axis lie, in pixels from the left."""
        return self._start + np.asarray(position, dtype=float) * self.slot

    def y(self, price: ArrayLike) -> NDArray[np.float64]:
        """Return where prices lie, in pixels from the top."""
        share = (np.asarray(price, dtype=float) - self.low) / (self.high - self.low)
        return self.bottom - share * (self.bottom - self.top)

    def volume_y(self, volume: ArrayLike) -> NDArray[np.float64]:
        """Return where the tops of volume bars lie, in pixels from the top."""
        return self.foot - np.asarray(volume, dtype=float) / self._most * self._volume_height

    def shows(self, price: float) -> bool:
        """Tell whether a price lies in the panel."""
        return self.low < price < self.high
