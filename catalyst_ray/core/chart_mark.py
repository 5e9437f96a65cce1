"""The catalyst on a price chart: a line at its minute and a label in the lane above the candles.

Owns the mark's place and words. Does not draw anything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalyst_ray.core.chart_pen import MARK_PX
from catalyst_ray.core.drawing import printable

if TYPE_CHECKING:
    from datetime import datetime

    from catalyst_ray.core.chart_axis import TimeAxis
    from catalyst_ray.core.chart_frame import Frame
    from catalyst_ray.core.chart_pen import Pen
    from catalyst_ray.core.chart_style import Theme

_LANE_MIDDLE = 20
_MOST_LETTERS = 40
_WIDEST = 0.8  # of the panel


class Mark:
    """Where and what the catalyst is; before the first bar or after the last it stands at that end."""

    def __init__(
        self, pen: Pen, theme: Theme, frame: Frame, axis: TimeAxis, *, when: datetime, label: str
    ) -> None:
        self._pen, self._theme, self._frame = pen, theme, frame
        self._x = round(float(frame.x(axis.position(when)))) + 0.5
        self._y = frame.lane + _LANE_MIDDLE * pen.unit
        self._text = self._fit(axis.moment(when), label)

    def draw_line(self) -> None:
        """Draw what belongs behind the candles: the line, and an arrow on the time axis."""
        foot, side = self._frame.foot, 8 * self._pen.unit
        self._pen.rule((self._x, self._y), (self._x, foot), self._theme.mark, width=2, dashes=(5, 4))
        base = foot + 1 + 1.4 * side
        arrow = [(self._x, foot + 1), (self._x + side, base), (self._x - side, base)]
        self._pen.surface.fill_polygons([arrow], self._theme.mark)

    def draw_label(self) -> None:
        """Write time and label beside the line, on the side that has room."""
        frame, unit = self._frame, self._pen.unit
        width = self._width(self._text)
        left = self._x - 2 * unit if self._x + width <= frame.right else self._x - width + 2 * unit
        left = min(max(left, frame.left), frame.right - width)
        self._pen.pill((left, self._y - 17 * unit, left + width, self._y + 17 * unit), self._theme.mark)
        self._pen.write(self._text, left + 12 * unit, self._y, MARK_PX, self._theme.on_colour, bold=True)

    def _fit(self, moment: str, label: str) -> str:
        room = _WIDEST * (self._frame.right - self._frame.left)
        for most in range(_MOST_LETTERS, 3, -4):
            text = f"{moment}  {printable(label, most=most)}".rstrip()
            if self._width(text) <= room:
                return text
        return moment

    def _width(self, text: str) -> float:
        return self._pen.width(text, MARK_PX, bold=True) + 24 * self._pen.unit
