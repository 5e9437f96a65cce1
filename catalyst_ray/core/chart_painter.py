"""The drawing steps of a price chart, from the shading behind the candles to the heading over them.

Owns their order and the panel of prices. Scales, ticks, margin, heading, mark and lower panels have their own
modules; bars come cleaned.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from catalyst_ray.core.chart_frame import Frame
from catalyst_ray.core.chart_gutter import Gutter, gutter_px
from catalyst_ray.core.chart_heading import LegendEntry, write_legend, write_title
from catalyst_ray.core.chart_mark import Mark, draw_splits, split_words
from catalyst_ray.core.chart_numbers import price_text, price_texts, price_ticks, volume_text
from catalyst_ray.core.chart_panels import Panels, panel_ranges
from catalyst_ray.core.chart_pen import AXIS_PX, DASHES, DOTS, TIME_Y, Pen
from catalyst_ray.core.drawing import mix

if TYPE_CHECKING:
    from datetime import datetime

    from catalyst_ray.core.chart_axis import Tick
    from catalyst_ray.core.chart_levels import Level
    from catalyst_ray.core.chart_series import Average, Series
    from catalyst_ray.core.chart_style import Theme
    from catalyst_ray.core.drawing import Color, Surface
    from catalyst_ray.models import Bars

_BODY_SHARE = 0.68  # of a candle's slot
_VOLUME_ALPHA = 0.55
_LEVEL_ALPHA = 0.5
_TICK_GAP = 54  # between prices on the axis
_FEW_TICKS, _LEAST_TICK_GAP = (
    6,
    28,
)  # above panels fewer prices fit, and tags cover some: they may stand closer


class ChartPainter:
    """One chart on one surface.

    Args:
        surface: What is drawn on.
        theme: Colours.
        bars: What the heading names; not empty.
        series: What is drawn of them.
        before: Close of the session before, if known; a line within the day, and nothing on daily bars,
            where the bar before the last is seen anyway.
        change_pct: Change from it, per cent.
        mark_utc: Moment of the catalyst, if it is to be shown.
        label: What the catalyst is, in a few words.
    """

    def __init__(
        self,
        surface: Surface,
        theme: Theme,
        bars: Bars,
        series: Series,
        *,
        before: float | None,
        change_pct: float | None,
        mark_utc: datetime | None,
        label: str,
    ) -> None:
        self._surface, self._theme, self._bars, self._series = surface, theme, bars, series
        self._change_pct = change_pct
        self._pen = Pen(surface)
        self._unit = self._pen.unit
        self._axis = series.axis
        self._before = None if self._axis.daily else before
        self._splits = self._split_places()
        frame = partial(
            Frame,
            width=surface.width_px,
            height=surface.height_px,
            unit=self._unit,
            slots=self._axis.length,
            most_volume=float(series.volume.max()),
            prices=self._price_range(),
            has_lane=mark_utc is not None or bool(self._splits),
            panels=panel_ranges(series),
        )
        self._prices = self._price_labels(frame(gutter=0.0))
        texts = [price_text(bars.close[-1]), price_text(before or 1.0), *(text for _, text in self._prices)]
        texts += [_level_text(level) for level in series.levels]
        self._frame = frame(gutter=gutter_px(self._pen, texts))
        self._gutter = Gutter(self._pen, theme, self._frame)
        self._mark: Mark | None = None
        if mark_utc is not None:
            self._mark = Mark(self._pen, theme, self._frame, self._axis, when=mark_utc, label=label)

    def draw(self) -> None:
        """Draw everything, from back to front."""
        self._shade_extended_hours()
        self._draw_price_grid()
        self._draw_time_axis()
        self._draw_levels()
        self._draw_closes()
        draw_splits(
            self._pen, self._theme, self._frame, self._splits, [self._mark.reach] if self._mark else []
        )
        if self._mark:
            self._mark.draw_line()
        self._draw_candles()
        self._draw_averages()
        Panels(self._pen, self._theme, self._frame, self._gutter, self._series).draw()
        if self._mark:
            self._mark.draw_label()
        self._write_gutter()
        self._write_heading()

    def _split_places(self) -> list[tuple[float, str]]:
        axis = self._axis
        inside = (split for split in self._bars.splits if axis.has_inside(split.day))
        return [(axis.start_of(split.day), split_words(split)) for split in inside]

    def _price_range(self) -> tuple[float, float]:
        low, high = float(self._series.low.min()), float(self._series.high.max())
        if self._before is None:
            return low, high
        wider = min(low, self._before), max(high, self._before)
        # A far previous close would press the candles flat: then its line is left out.
        return wider if wider[1] - wider[0] <= 2.5 * max(high - low, 0.01 * high) else (low, high)

    def _price_labels(self, frame: Frame) -> list[tuple[float, str]]:
        scale = frame.price
        height = (scale.bottom - scale.top) / self._unit
        most = max(int(height / _TICK_GAP), min(_FEW_TICKS, int(height / _LEAST_TICK_GAP)))
        prices = price_ticks(scale.low, scale.high, most)
        return list(zip(prices, price_texts(prices), strict=True))

    def _shade_extended_hours(self) -> None:
        frame, color = self._frame, mix(self._theme.background, self._theme.shade)
        for start, end in self._axis.extended_hours():
            box = (float(frame.x(start)), frame.lane, float(frame.x(end)), frame.foot)
            self._surface.fill_pixels(box, color)

    def _draw_price_grid(self) -> None:
        frame = self._frame
        for price, _ in self._prices:
            y = float(frame.price.y(price))
            self._pen.rule((frame.left, y), (frame.right, y), self._theme.grid)
        self._pen.rule((frame.left, frame.foot), (frame.right, frame.foot), self._theme.grid)

    def _draw_time_axis(self) -> None:
        frame, unit = self._frame, self._unit
        for start in self._axis.day_starts():
            x = float(frame.x(start))
            self._pen.rule((x, frame.lane), (x, frame.foot), self._theme.grid)
        for tick in self._axis.ticks(self._fits):
            x = float(frame.x(tick.position))
            self._pen.rule((x, frame.foot), (x, frame.foot + 7 * unit), self._theme.muted)
            y = frame.foot + TIME_Y * unit
            self._pen.write(tick.label, self._label_x(tick), y, AXIS_PX, self._theme.muted, align="centre")

    def _fits(self, one: Tick, other: Tick) -> bool:
        widths = self._pen.width(one.label, AXIS_PX) + self._pen.width(other.label, AXIS_PX)
        return abs(self._label_x(one) - self._label_x(other)) >= widths / 2 + 22 * self._unit

    def _label_x(self, tick: Tick) -> float:
        half = self._pen.width(tick.label, AXIS_PX) / 2 + 6 * self._unit
        x = float(self._frame.x(tick.position))
        return min(max(x, half), self._surface.width_px - half)

    def _draw_levels(self) -> None:
        """Draw support and resistance from where they first held."""
        for level in self._series.levels:
            y = float(self._frame.price.y(level.price))
            start = float(self._frame.x(self._axis.places[level.start]))
            self._pen.rule(
                (start, y), (self._frame.right, y), (*self._theme.level[:3], _LEVEL_ALPHA), width=1.5
            )

    def _draw_closes(self) -> None:
        """Draw the previous close, the last price, and the price that stood while nothing traded."""
        frame, series = self._frame, self._series
        if self._before is not None and frame.price.shows(self._before):
            y = float(frame.price.y(self._before))
            self._pen.rule((frame.left, y), (frame.right, y), self._theme.muted, width=1.5, dashes=DOTS)
        y = float(frame.price.y(series.close[-1]))
        self._pen.rule((frame.left, y), (frame.right, y), self._last_color(), dashes=DASHES)
        quiet = self._axis.quiet_stretches()
        if quiet:
            heights = np.rint(frame.price.y(series.close[[index for index, _, _ in quiet]]))
            left, right = (frame.x([stretch[end] for stretch in quiet]) for end in (1, 2))
            boxes = np.stack([left, heights, right, heights + max(1, round(self._unit))], axis=1)
            self._surface.fill_boxes(boxes, (*self._theme.muted[:3], 0.6))

    def _last_color(self) -> Color:
        series = self._series
        rising = (
            self._change_pct >= 0 if self._change_pct is not None else series.close[-1] >= series.open[-1]
        )
        return self._theme.rise if rising else self._theme.fall

    def _draw_candles(self) -> None:
        frame, series = self._frame, self._series
        price, volume = frame.price, frame.volume
        body = max(1, round(frame.slot * _BODY_SHARE))
        wick = 1 if body < 6 else 2 if body < 24 else 3
        centre = frame.x(self._axis.places + 0.5)
        # Whole pixels: sharp edges, even widths and a smaller file.
        left, thin = np.rint(centre - body / 2), np.rint(centre - body / 2) + (body - wick) // 2
        top = np.rint(price.y(np.maximum(series.open, series.close)))
        bottom = np.maximum(np.rint(price.y(np.minimum(series.open, series.close))), top + 1)
        high, low = np.rint(price.y(series.high)), np.rint(price.y(series.low))
        foot = np.full_like(left, round(frame.floor))
        shares = np.minimum(np.rint(volume.y(series.volume)), foot)
        wicks = np.stack([thin, high, thin + wick, low], axis=1)
        bodies = np.stack([left, top, left + body, bottom], axis=1)
        volumes = np.stack([left, shares, left + body, foot], axis=1)
        rising = series.close >= series.open
        for chosen, color in ((rising, self._theme.rise), (~rising, self._theme.fall)):
            self._surface.fill_boxes(np.concatenate([wicks[chosen], bodies[chosen]]), color)
            if frame.has_volume:
                self._surface.fill_boxes(volumes[chosen], (*color[:3], _VOLUME_ALPHA))
        if self._theme.hollow:
            edge = 1 if body < 12 else 2
            inner = bodies + np.array([edge, edge, -edge, -edge])
            seen = rising & (inner[:, 2] > inner[:, 0]) & (inner[:, 3] > inner[:, 1])
            self._surface.fill_boxes(inner[seen], self._theme.background)

    def _average_style(self, average: Average) -> tuple[Color, tuple[float, float] | None]:
        if average.rank == 0:
            return self._theme.vwap, None
        return self._theme.slow, DASHES if self._theme.hollow else None

    def _draw_averages(self) -> None:
        frame = self._frame
        x = frame.x(self._axis.places + 0.5)
        for average in self._series.averages:
            color, dashes = self._average_style(average)
            points = np.stack([x, frame.price.y(average.values)], axis=1)
            for run in self._axis.runs():
                self._pen.line(points[run], color, dashes=dashes, clip=frame.candles)

    def _write_gutter(self) -> None:
        """Write prices in the margin, the most wanted first: what would touch an earlier one is left out."""
        frame, gutter = self._frame, self._gutter
        last = float(self._series.close[-1])
        gutter.tag(float(frame.price.y(last)), price_text(last), self._last_color())
        if self._before is not None and frame.price.shows(self._before):
            gutter.tag(float(frame.price.y(self._before)), price_text(self._before), self._theme.tag)
        for level in self._series.levels:
            gutter.line_label(float(frame.price.y(level.price)), _level_text(level), self._theme.level)
        if frame.has_volume:
            most = float(self._series.volume.max())
            y = float(frame.volume.y(most)) + 6 * self._unit
            gutter.line_label(y, volume_text(most), self._theme.muted)
        for price, text in self._prices:
            gutter.label(float(frame.price.y(price)), text)

    def _write_heading(self) -> None:
        axis, theme = self._axis, self._theme
        write_title(self._pen, theme, self._bars, self._change_pct)
        entries = [
            LegendEntry(f"{line.name} {price_text(line.last)}", *self._average_style(line))
            for line in self._series.averages
        ]
        if self._before is not None:
            entries.append(LegendEntry(f"Prev close {price_text(self._before)}", theme.muted, DOTS))
        write_legend(self._pen, theme, axis.span() if axis.daily else f"{axis.span()}  ET", entries)


def _level_text(level: Level) -> str:
    return f"{'S' if level.is_support else 'R'} {price_text(level.price)}"
