"""The margin at the right of a price chart, where prices are written at their height.

Owns which of them are written and where: the first to claim a height has it. What would touch it is left out, but
for the figures of lines, which move aside a little and stay tied to their line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalyst_ray.core.chart_pen import AXIS_PX, TIME_Y

if TYPE_CHECKING:
    from catalyst_ray.core.chart_frame import Frame
    from catalyst_ray.core.chart_pen import Pen
    from catalyst_ray.core.chart_style import Theme
    from catalyst_ray.core.drawing import Color

_TAG_HALF, _LABEL_HALF = 15.5, 13.5  # of the height that each needs
_PADDING = 30  # beside the longest text
_SLIDE = 28  # how far a line's figure may stand from it: too little to pass to the other side of a tag


class Gutter:
    """Writes in the margin."""

    def __init__(self, pen: Pen, theme: Theme, frame: Frame) -> None:
        self._pen, self._theme, self._frame = pen, theme, frame
        self._taken = [(frame.foot + TIME_Y * pen.unit, _LABEL_HALF)]

    def tag(self, y: float, text: str, color: Color) -> None:
        """Write a price in a filled box, where there is room."""
        if not self._claim(y, _TAG_HALF):
            return
        unit = self._pen.unit
        left, right = self._frame.right + 2 * unit, self._pen.surface.width_px - 4 * unit
        self._pen.pill((left, y - 15 * unit, right, y + 15 * unit), color)
        self._pen.write(text, left + 12 * unit, y, AXIS_PX, self._theme.on_colour, bold=True)

    def label(self, y: float, text: str, color: Color | None = None) -> None:
        """Write a figure where there is room."""
        if self._claim(y):
            x = self._frame.right + 14 * self._pen.unit
            self._pen.write(text, x, y, AXIS_PX, color or self._theme.muted)

    def line_label(self, y: float, text: str, color: Color) -> None:
        """Write the figure of a line that ends at the margin: beside its end, or else tied to it a little above or below."""
        unit = self._pen.unit
        edges = [(other, (_LABEL_HALF + its) * unit) for other, its in self._taken]
        heights = (y, *(other + side for other, room in edges for side in (-room, room)))
        near = [height for height in heights if abs(height - y) <= _SLIDE * unit]
        at = next(
            (height for height in sorted(near, key=lambda one: abs(one - y)) if self._claim(height)), None
        )
        if at is None:
            return
        if at != y:
            right = self._frame.right
            self._pen.rule((right, y), (right + 10 * unit, at), color, width=1.5)
        self._pen.write(text, self._frame.right + 14 * unit, at, AXIS_PX, color)

    def _claim(self, y: float, half: float = _LABEL_HALF) -> bool:
        unit = self._pen.unit
        if y < self._frame.lane + 10 * unit:
            return False
        if any(abs(y - other) < (half + its) * unit - 1e-6 for other, its in self._taken):
            return False
        self._taken.append((y, half))
        return True


def gutter_px(pen: Pen, texts: list[str]) -> float:
    """Return how wide the margin must be for the longest of ``texts``."""
    return max(pen.width(text, AXIS_PX, bold=True) for text in texts) + _PADDING * pen.unit
