"""Price charts: candles, volume, averages, previous close and the catalyst's moment, as one PNG.

Owns the way from a request to a picture. Does not fetch prices, keep pictures or decide whether one is wanted.
"""

from __future__ import annotations

from datetime import UTC, datetime

from catalyst_ray.core.bar_repair import clean_bars
from catalyst_ray.core.bars import change_pct, previous_close
from catalyst_ray.core.chart_painter import ChartPainter
from catalyst_ray.core.chart_series import series_of
from catalyst_ray.core.chart_style import theme_named
from catalyst_ray.core.drawing import Surface
from catalyst_ray.errors import ConfigError, ParseError
from catalyst_ray.models import PANELS, Bars, ChartRequest

_WIDTHS_PX = (240, 4000)
_HEIGHTS_PX = (160, 3000)
_MIN_SLOT_PX = 2.5
_PLOT_SHARE = 0.85  # of the width; the rest is the price margin


def draw_chart(request: ChartRequest) -> bytes:
    """Return the chart as a PNG of exactly the size asked for.

    Bars are cleaned first, and merged into longer ones where they would be narrower than 2.5 pixels.

    Raises:
        ParseError: No usable bar.
        ConfigError: Unknown theme or panel, or a size outside 240×160 to 4000×3000.
    """
    return compose(request).png()


def warm_up() -> None:
    """Draw one small chart, so that imports and fonts are loaded before the first real one."""
    count = 30
    price = tuple(10 + index / 10 for index in range(count))
    bars = Bars(
        ticker="WARM",
        timeframe="1D",
        times_s=tuple(1_700_000_100 + 300 * index for index in range(count)),
        open=price,
        high=price,
        low=price,
        close=price,
        volume=(1.0,) * count,
        previous_close=9.0,
    )
    draw_chart(ChartRequest(bars=bars, mark_utc=datetime.fromtimestamp(1_700_001_000, UTC), label="warm"))


def compose(request: ChartRequest) -> Surface:
    """Return the finished drawing before it is encoded; raises as ``draw_chart`` does."""
    _check(request)
    theme = theme_named(request.theme)
    bars, _ = clean_bars(request.bars)
    if not len(bars):
        raise ParseError("no usable price bar to draw", key=bars.ticker)
    most = int(request.width_px * _PLOT_SHARE / _MIN_SLOT_PX)
    surface = Surface(request.width_px, request.height_px, theme.background)
    ChartPainter(
        surface,
        theme,
        bars,
        series_of(bars, panels=request.panels, most=most),
        before=previous_close(bars),
        change_pct=figures[1] if (figures := change_pct(bars)) else None,
        mark_utc=request.mark_utc,
        label=request.label,
    ).draw()
    return surface


def _check(request: ChartRequest) -> None:
    if unknown := sorted(set(request.panels) - set(PANELS)):
        raise ConfigError(f"no panel {unknown[0]!r}", key=request.bars.ticker, hint=f"of {', '.join(PANELS)}")
    for side, size, (least, most) in (
        ("width_px", request.width_px, _WIDTHS_PX),
        ("height_px", request.height_px, _HEIGHTS_PX),
    ):
        if not least <= size <= most:
            raise ConfigError(f"{side} must be {least} to {most}, was {size}", key=request.bars.ticker)
