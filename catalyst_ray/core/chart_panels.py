"""The panels below a price chart's candles: RSI and MACD, each with its name and newest figures.

Owns how they look. Where they lie is the frame's, their figures the series'.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from catalyst_ray.core.chart_heading import LegendEntry, write_entries
from catalyst_ray.core.chart_numbers import signed_text
from catalyst_ray.core.chart_pen import DASHES, DOTS

if TYPE_CHECKING:
    from catalyst_ray.core.chart_frame import Frame
    from catalyst_ray.core.chart_gutter import Gutter
    from catalyst_ray.core.chart_pen import Pen
    from catalyst_ray.core.chart_series import Series
    from catalyst_ray.core.chart_style import Theme
    from catalyst_ray.core.drawing import Color
    from catalyst_ray.core.indicators import Column, Macd

_OVERBOUGHT, _OVERSOLD = 70.0, 30.0  # Wilder's
_NAME_Y = 12  # above a panel


def panel_ranges(series: Series) -> list[tuple[str, tuple[float, float]]]:
    """Return the panels that have figures, from the top, and the range that each must show."""
    ranges = []
    if series.rsi is not None:
        ranges.append(("rsi", (min(20.0, np.nanmin(series.rsi) - 2), max(80.0, np.nanmax(series.rsi) + 2))))
    if series.macd is not None:
        both = np.concatenate([*series.macd, series.macd.histogram, [0.0]])
        low, high = float(np.nanmin(both)), float(np.nanmax(both))
        room = 0.08 * (high - low)
        ranges.append(("macd", (low - room, high + room)))
    return ranges


class Panels:
    """Draws the panels that the frame has room for."""

    def __init__(self, pen: Pen, theme: Theme, frame: Frame, gutter: Gutter, series: Series) -> None:
        self._pen, self._theme, self._frame, self._gutter = pen, theme, frame, gutter
        self._series = series
        self._x = frame.x(series.axis.places + 0.5)

    def draw(self) -> None:
        """Draw each of them."""
        for name in self._frame.panels:
            y = self._frame.box(name)[1] - 26 * self._pen.unit
            self._pen.rule((self._frame.left, y), (self._frame.right, y), self._theme.grid)
        if "rsi" in self._frame.panels and self._series.rsi is not None:
            self._draw_rsi(self._series.rsi)
        if "macd" in self._frame.panels and self._series.macd is not None:
            self._draw_macd(self._series.macd)

    def _draw_rsi(self, values: Column) -> None:
        scale, theme = self._frame.panels["rsi"], self._theme
        upper, lower = float(scale.y(_OVERBOUGHT)), float(scale.y(_OVERSOLD))
        self._pen.surface.fill_boxes((self._frame.left, upper, self._frame.right, lower), theme.shade)
        last = float(values[np.isfinite(values)][-1])
        self._gutter.label(float(scale.y(last)), f"{last:.0f}", theme.slow)
        for level, y in ((_OVERBOUGHT, upper), (_OVERSOLD, lower)):
            self._pen.rule((self._frame.left, y), (self._frame.right, y), theme.muted, dashes=DOTS)
            self._gutter.label(y, f"{level:.0f}")
        self._line("rsi", values, theme.slow)
        self._name("rsi", [LegendEntry(f"RSI 14  {last:.1f}", theme.slow)])

    def _draw_macd(self, values: Macd) -> None:
        scale, theme = self._frame.panels["macd"], self._theme
        zero = float(scale.y(0.0))
        self._pen.rule((self._frame.left, zero), (self._frame.right, zero), theme.muted)
        self._gutter.label(zero, "0")
        self._draw_histogram(values.histogram, zero)
        self._line("macd", values.line, theme.vwap)
        self._line("macd", values.signal, theme.slow, dashes=DASHES)
        reach = scale.high - scale.low
        entries = [LegendEntry(f"MACD 12 26 9  {signed_text(values.line[-1], reach)}", theme.vwap)]
        if np.isfinite(values.signal[-1]):
            entries.append(LegendEntry(f"Signal {signed_text(values.signal[-1], reach)}", theme.slow, DASHES))
        self._name("macd", entries)

    def _draw_histogram(self, values: Column, zero: float) -> None:
        seen = np.isfinite(values)
        body = max(1, round(self._frame.slot * 0.68))
        left = np.rint(self._x - body / 2)
        end = np.rint(self._frame.panels["macd"].y(np.where(seen, values, 0.0)))
        boxes = np.stack([left, np.minimum(end, zero), left + body, np.maximum(end, zero)], axis=1)
        for chosen, color in ((values >= 0, self._theme.rise), (values < 0, self._theme.fall)):
            self._pen.surface.fill_boxes(boxes[chosen & seen], (*color[:3], 0.55))

    def _line(
        self, name: str, values: Column, color: Color, *, dashes: tuple[float, float] | None = None
    ) -> None:
        points = np.stack([self._x, self._frame.panels[name].y(values)], axis=1)
        self._pen.line(points, color, dashes=dashes, clip=self._frame.box(name))

    def _name_y(self, panel: str) -> float:
        return self._frame.box(panel)[1] - _NAME_Y * self._pen.unit

    def _name(self, panel: str, entries: list[LegendEntry]) -> None:
        write_entries(self._pen, self._theme, entries, y=self._name_y(panel), end=self._frame.right)
