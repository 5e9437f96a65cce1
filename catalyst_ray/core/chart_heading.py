"""The two lines over a price chart: ticker, price and change; legend and dates.

Owns what they say and what is left out where room is short. Does not draw the chart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from catalyst_ray.core.chart_numbers import price_text
from catalyst_ray.core.chart_pen import BADGE_PX, CHANGE_PX, LEGEND_PX, TITLE_PX
from catalyst_ray.core.drawing import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from catalyst_ray.core.chart_pen import Pen
    from catalyst_ray.core.chart_style import Theme
    from catalyst_ray.core.drawing import Color
    from catalyst_ray.models import Bars

_MARGIN, _TITLE_Y, _LEGEND_Y = 16, 38, 82


class LegendEntry(NamedTuple):
    """A line on the chart and what it is."""

    text: str
    color: Color
    dashes: tuple[float, float] | None = None


def write_title(pen: Pen, theme: Theme, bars: Bars, change_pct: float | None) -> None:
    """Write ticker, last price, change and timeframe; what does not fit before the timeframe is left out."""
    unit, y = pen.unit, _TITLE_Y * pen.unit
    x, right = _MARGIN * unit, pen.surface.width_px - _MARGIN * unit
    timeframe = printable(bars.timeframe, most=6)
    badge = pen.width(timeframe, BADGE_PX, bold=True) + 22 * unit
    pen.pill((right - badge, y - 18 * unit, right, y + 18 * unit), theme.grid)
    pen.write(timeframe, right - badge / 2, y, BADGE_PX, theme.text, bold=True, align="centre")
    pieces = [
        (printable(bars.ticker, most=12), TITLE_PX, True, theme.text),
        (price_text(bars.close[-1]), TITLE_PX, False, theme.text),
    ]
    if change_pct is not None:
        arrow, color = ("▲", theme.rise) if change_pct >= 0 else ("▼", theme.fall)
        pieces.append((f"{arrow} {abs(change_pct):,.2f}%", CHANGE_PX, True, color))
    for text, size, bold, color in pieces:
        if x + pen.width(text, size, bold=bold) <= right - badge - 12 * unit:
            x += pen.write(text, x, y, size, color, bold=bold) + 20 * unit


def write_legend(pen: Pen, theme: Theme, span: str, entries: Iterable[LegendEntry]) -> None:
    """Write the dates at the right and as many entries as fit before them."""
    right, y = pen.surface.width_px - _MARGIN * pen.unit, _LEGEND_Y * pen.unit
    pen.write(span, right, y, LEGEND_PX, theme.muted, align="right")
    end = right - pen.width(span, LEGEND_PX) - 24 * pen.unit
    write_entries(pen, theme, entries, y=y, end=end)


def write_entries(pen: Pen, theme: Theme, entries: Iterable[LegendEntry], *, y: float, end: float) -> None:
    """Write as many entries as fit between the left margin and ``end``."""
    unit = pen.unit
    x = _MARGIN * unit
    for text, color, dashes in entries:
        if x + 32 * unit + pen.width(text, LEGEND_PX) > end:
            break
        pen.rule((x, y), (x + 24 * unit, y), color, width=3, dashes=dashes)
        x += 32 * unit
        x += pen.write(text, x, y, LEGEND_PX, theme.muted) + 24 * unit
