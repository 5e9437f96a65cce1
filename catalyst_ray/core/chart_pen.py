"""A pen for charts: writes and rules on a surface in the units of the 1000×600 design.

Owns the scale of letters and lines. Letters are large, since Discord shows a card's picture about 400
pixels wide. On a picture smaller than that they stop shrinking, and take a larger part of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from catalyst_ray.core.drawing import text_width

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from catalyst_ray.core.drawing import Box, Color, Surface

AXIS_PX: Final = 20
LEGEND_PX: Final = 19
MARK_PX: Final = 21
BADGE_PX: Final = 22
CHANGE_PX: Final = 30
TITLE_PX: Final = 38
DOTS: Final = (2.0, 5.0)
DASHES: Final = (6.0, 5.0)

TIME_Y: Final = 25
"""Middle of the time labels, below the last panel."""

_LEAST_UNIT = 0.45  # letters of 9 pixels; smaller ones could not be read


class Pen:
    """Writes on one surface; ``unit`` is how many of its pixels a pixel of the design takes."""

    def __init__(self, surface: Surface) -> None:
        self.surface = surface
        self.unit = max(min(surface.width_px / 1000, surface.height_px / 600), _LEAST_UNIT)

    def size(self, design_px: float) -> float:
        """Return a letter size in the surface's pixels."""
        return design_px * self.unit

    def width(self, text: str, design_px: float, *, bold: bool = False) -> float:
        """Return how wide a text will be, in the surface's pixels."""
        return text_width(text, self.size(design_px), bold=bold)

    def write(
        self,
        text: str,
        x: float,
        y: float,
        design_px: float,
        color: Color,
        *,
        bold: bool = False,
        align: Literal["left", "centre", "right"] = "left",
    ) -> float:
        """Write a line of text; return its width in the surface's pixels."""
        size = self.size(design_px)
        return self.surface.write(text, x, y, size_px=size, color=color, bold=bold, align=align)

    def pill(self, box: Box, color: Color) -> None:
        """Fill a box with slightly round corners."""
        self.surface.fill_pill(box, 6 * self.unit, color)

    def rule(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        color: Color,
        *,
        width: float = 1,
        dashes: tuple[float, float] | None = None,
    ) -> None:
        """Draw a straight line; width and dashes are in the design's pixels."""
        self.surface.stroke([start, end], color, max(1.0, width * self.unit), dashes=self._scaled(dashes))

    def line(
        self,
        points: NDArray[np.float64],
        color: Color,
        *,
        dashes: tuple[float, float] | None = None,
        clip: Box,
    ) -> None:
        """Draw a curve over the candles; NaN breaks it."""
        self.surface.stroke(points, color, max(1.2, 2.2 * self.unit), dashes=self._scaled(dashes), clip=clip)

    def _scaled(self, dashes: tuple[float, float] | None) -> tuple[float, float] | None:
        return (max(1.0, dashes[0] * self.unit), max(1.0, dashes[1] * self.unit)) if dashes else None
