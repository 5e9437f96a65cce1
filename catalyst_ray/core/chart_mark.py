"""What a price chart marks at a moment: the catalyst's line and label, and splits of the shares.

Owns their place and words, in the lane above the candles. Does not draw anything else.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from catalyst_ray.core.chart_pen import DOTS, LEGEND_PX, MARK_PX
from catalyst_ray.core.drawing import printable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from catalyst_ray.core.chart_axis import TimeAxis
    from catalyst_ray.core.chart_frame import Frame
    from catalyst_ray.core.chart_pen import Pen
    from catalyst_ray.core.chart_style import Theme
    from catalyst_ray.models import Split

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
        width = self._width(self._text)
        left = self._x - 2 * pen.unit if self._x + width <= frame.right else self._x - width + 2 * pen.unit
        self._left = min(max(left, frame.left), frame.right - width)

    @property
    def reach(self) -> tuple[float, float]:
        """Return the left and right end of the label."""
        return self._left, self._left + self._width(self._text)

    def draw_line(self) -> None:
        """Draw what belongs behind the candles: the line, and an arrow on the time axis."""
        pen, foot = self._pen, self._frame.foot
        for top, bottom in self._frame.stretches(self._y):
            pen.rule((self._x, top), (self._x, bottom), self._theme.mark, width=2, dashes=(5, 4))
        side = 8 * pen.unit
        base = foot + 1 + 1.4 * side
        arrow = [(self._x, foot + 1), (self._x + side, base), (self._x - side, base)]
        pen.surface.fill_polygons([arrow], self._theme.mark)

    def draw_label(self) -> None:
        """Write time and label beside the line, on the side that has room."""
        unit = self._pen.unit
        left, right = self.reach
        self._pen.pill((left, self._y - 17 * unit, right, self._y + 17 * unit), self._theme.mark)
        self._pen.write(self._text, left + 12 * unit, self._y, MARK_PX, self._theme.on_mark, bold=True)

    def _fit(self, moment: str, label: str) -> str:
        room = _WIDEST * (self._frame.right - self._frame.left)
        for most in range(_MOST_LETTERS, 3, -4):
            text = f"{moment}  {printable(label, most=most)}".rstrip()
            if self._width(text) <= room:
                return text
        return moment

    def _width(self, text: str) -> float:
        return self._pen.width(text, MARK_PX, bold=True) + 24 * self._pen.unit


def split_words(split: Split) -> str:
    """Return a split as it is announced: 2-for-1, or 1-for-10 where ten shares became one."""
    ratio = split.ratio if split.ratio > 1 else 1 / split.ratio
    many, few = Fraction(ratio).limit_denominator(20).as_integer_ratio()
    return f"{many}-for-{few} split" if split.ratio > 1 else f"{few}-for-{many} split"


def draw_splits(
    pen: Pen,
    theme: Theme,
    frame: Frame,
    splits: Iterable[tuple[float, str]],
    taken: Iterable[tuple[float, float]],
) -> None:
    """Draw a dotted line before each split's first bar, and what it was where the lane is free."""
    y, reserved = frame.lane + _LANE_MIDDLE * pen.unit, list(taken)
    for position, words in splits:
        x = round(float(frame.x(position))) + 0.5
        pen.rule((x, y), (x, frame.floor), theme.muted, width=1.5, dashes=DOTS)
        half = pen.width(words, LEGEND_PX) / 2 + 8 * pen.unit
        middle = min(max(x, frame.left + half), frame.right - half)
        left, right = middle - half, middle + half
        if left >= frame.left and all(right <= start or end <= left for start, end in reserved):
            pen.pill((left, y - 15 * pen.unit, right, y + 15 * pen.unit), theme.grid)
            pen.write(words, middle, y, LEGEND_PX, theme.text, align="centre")
            reserved.append((left, right))
