"""The drawing steps of a price chart, from the shading behind the candles to the tags in the margin.

Owns their order and the panels. Scales, ticks, heading and mark have their own modules; bars come cleaned.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from catalyst_ray.core.chart_axis import (
    Tick,
    TimeAxis,
    price_text,
    price_texts,
    price_ticks,
    volume_text,
)
from catalyst_ray.core.chart_frame import Frame
from catalyst_ray.core.chart_heading import LegendEntry, write_legend, write_title
from catalyst_ray.core.chart_mark import Mark
from catalyst_ray.core.chart_pen import AXIS_PX, DASHES, DOTS, Pen
from catalyst_ray.core.indicators import sma, vwap

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from catalyst_ray.core.chart_style import Theme
    from catalyst_ray.core.drawing import Color, Surface
    from catalyst_ray.core.indicators import Column
    from catalyst_ray.models import Bars


class Average(NamedTuple):
    """A line over the candles."""

    name: str
    values: Column
    color: Color

    @property
    def last(self) -> float:
        """Return the newest known value."""
        return float(self.values[np.isfinite(self.values)][-1])


class Tag(NamedTuple):
    """A price written in the right margin, in a filled box."""

    y: float
    text: str
    color: Color


class ChartPainter:
    """One chart on one surface.

    Args:
        surface: What is drawn on.
        theme: Colours.
        bars: Cleaned, and few enough to be told apart; not empty.
        before: Close of the session before, if known; a line within the day, and nothing on daily bars,
            where the bar before the last is seen anyway.
        change_pct: Change from it, per cent.
        mark_utc: Moment of the catalyst, if it is to be shown.
        label: What the catalyst is, in a few words.
        panels: Of ``models.PANELS``.
    """

    def __init__(
        self,
        surface: Surface,
        theme: Theme,
        bars: Bars,
        *,
        before: float | None,
        change_pct: float | None,
        mark_utc: datetime | None,
        label: str,
        panels: Collection[str],
    ) -> None:
        self._surface, self._theme, self._bars, self._change_pct = surface, theme, bars, change_pct
        self._pen = Pen(surface)
        self._unit = self._pen.unit
        self._axis = TimeAxis(bars)
        self._before = None if self._axis.daily else before
        self._low, self._high = np.array(bars.low), np.array(bars.high)
        self._close, self._open = np.array(bars.close), np.array(bars.open)
        self._volume = np.array(bars.volume)
        frame = partial(
            Frame,
            width=surface.width_px,
            height=surface.height_px,
            unit=self._unit,
            volumes=bars.volume if "volume" in panels else (0.0,) * len(bars),
            prices=self._price_range(),
            has_mark=mark_utc is not None,
        )
        self._prices = self._price_labels(frame(gutter=0.0))
        texts = [price_text(bars.close[-1]), price_text(before or 1.0), *(text for _, text in self._prices)]
        widest = max(self._pen.width(text, AXIS_PX, bold=True) for text in texts)
        self._frame = frame(gutter=widest + 30 * self._unit)
        self._averages = self._find_averages() if "averages" in panels else []
        self._mark = (
            None
            if mark_utc is None
            else Mark(self._pen, theme, self._frame, self._axis, when=mark_utc, label=label)
        )

    def draw(self) -> None:
        """Draw everything, from back to front."""
        tags = self._tags()
        self._shade_extended_hours()
        self._draw_price_grid(tags)
        self._draw_time_axis()
        self._draw_price_levels(tags)
        if self._mark:
            self._mark.draw_line()
        self._draw_candles()
        self._draw_averages()
        if self._mark:
            self._mark.draw_label()
        self._write_tags(tags)
        self._write_heading()

    def _price_range(self) -> tuple[float, float]:
        low, high = float(self._low.min()), float(self._high.max())
        if self._before is None:
            return low, high
        wider = min(low, self._before), max(high, self._before)
        # A far previous close would press the candles flat: then its line is left out.
        return wider if wider[1] - wider[0] <= 2.5 * max(high - low, 0.01 * high) else (low, high)

    def _price_labels(self, frame: Frame) -> list[tuple[float, str]]:
        prices = price_ticks(frame.low, frame.high, int((frame.bottom - frame.top) / (54 * self._unit)))
        return list(zip(prices, price_texts(prices), strict=True))

    def _find_averages(self) -> list[Average]:
        if self._axis.daily:
            colors = {20: self._theme.vwap, 50: self._theme.slow}
            found = [Average(f"SMA {days}", sma(self._close, days), color) for days, color in colors.items()]
        else:
            values = vwap(self._high, self._low, self._close, self._volume, self._axis.sessions())
            found = [Average("VWAP", values, self._theme.vwap)]
        least = max(2, len(self._close) // 4)  # a stub of a line says nothing
        return [average for average in found if np.isfinite(average.values).sum() >= least]

    def _tags(self) -> list[Tag]:
        """Return the last price's tag and, where it does not hide that, the previous close's."""
        rising = self._change_pct >= 0 if self._change_pct is not None else self._close[-1] >= self._open[-1]
        last = float(self._close[-1])
        color = self._theme.rise if rising else self._theme.fall
        tags = [Tag(float(self._frame.y(last)), price_text(last), color)]
        if self._before is not None and self._frame.shows(self._before):
            y = float(self._frame.y(self._before))
            if self._is_clear(y, [tags[0].y - 3 * self._unit, tags[0].y + 3 * self._unit]):
                tags.append(Tag(y, price_text(self._before), self._theme.tag))
        return tags

    def _shade_extended_hours(self) -> None:
        frame = self._frame
        boxes = [
            (float(frame.x(start)), frame.lane, float(frame.x(end)), frame.foot)
            for start, end in self._axis.extended_hours()
        ]
        self._surface.fill_boxes(boxes, self._theme.shade)

    def _draw_price_grid(self, tags: list[Tag]) -> None:
        frame, x = self._frame, self._frame.right + 14 * self._unit
        taken = [tag.y for tag in tags]
        if frame.has_volume:
            most = float(self._volume.max())
            y = float(frame.volume_y(most)) + 6 * self._unit
            if self._is_clear(y, taken):
                self._pen.write(volume_text(most), x, y, AXIS_PX, self._theme.muted)
                taken.append(y)
        for price, text in self._prices:
            y = float(frame.y(price))
            self._pen.rule((frame.left, y), (frame.right, y), self._theme.grid)
            if self._is_clear(y, taken) and y > frame.lane + 10 * self._unit:
                self._pen.write(text, x, y, AXIS_PX, self._theme.muted)
        self._pen.rule((frame.left, frame.foot), (frame.right, frame.foot), self._theme.grid)

    def _is_clear(self, y: float, taken: list[float]) -> bool:
        return all(abs(y - other) >= 1.35 * self._pen.size(AXIS_PX) for other in taken)

    def _draw_time_axis(self) -> None:
        frame, unit = self._frame, self._unit
        for start in self._axis.day_starts():
            x = float(frame.x(start))
            self._pen.rule((x, frame.lane), (x, frame.foot), self._theme.grid)
        for tick in self._axis.ticks(self._fits):
            x = float(frame.x(tick.position))
            self._pen.rule((x, frame.foot), (x, frame.foot + 7 * unit), self._theme.muted)
            self._pen.write(
                tick.label,
                self._label_x(tick),
                frame.foot + 25 * unit,
                AXIS_PX,
                self._theme.muted,
                align="centre",
            )

    def _fits(self, one: Tick, other: Tick) -> bool:
        widths = self._pen.width(one.label, AXIS_PX) + self._pen.width(other.label, AXIS_PX)
        return abs(self._label_x(one) - self._label_x(other)) >= widths / 2 + 22 * self._unit

    def _label_x(self, tick: Tick) -> float:
        half = self._pen.width(tick.label, AXIS_PX) / 2 + 6 * self._unit
        x = float(self._frame.x(tick.position))
        return min(max(x, half), self._surface.width_px - half)

    def _draw_price_levels(self, tags: list[Tag]) -> None:
        frame = self._frame
        if self._before is not None and frame.shows(self._before):
            y = float(frame.y(self._before))
            self._pen.rule((frame.left, y), (frame.right, y), self._theme.muted, width=1.5, dashes=DOTS)
        self._pen.rule((frame.left, tags[0].y), (frame.right, tags[0].y), tags[0].color, dashes=DASHES)

    def _draw_candles(self) -> None:
        frame = self._frame
        body = max(1, round(frame.slot * 0.68))
        wick = 1 if body < 6 else 2 if body < 24 else 3
        centre = frame.x(np.arange(len(self._close)) + 0.5)
        # Whole pixels: sharp edges, even widths and a smaller file.
        left, thin = np.rint(centre - body / 2), np.rint(centre - body / 2) + (body - wick) // 2
        top = np.rint(frame.y(np.maximum(self._open, self._close)))
        bottom = np.maximum(np.rint(frame.y(np.minimum(self._open, self._close))), top + 1)
        high, low = np.rint(frame.y(self._high)), np.rint(frame.y(self._low))
        foot = np.full_like(left, round(frame.foot))
        volume = np.minimum(np.rint(frame.volume_y(self._volume)), foot)
        wicks = np.stack([thin, high, thin + wick, low], axis=1)
        bodies = np.stack([left, top, left + body, bottom], axis=1)
        volumes = np.stack([left, volume, left + body, foot], axis=1)
        rising = self._close >= self._open
        for chosen, color in ((rising, self._theme.rise), (~rising, self._theme.fall)):
            self._surface.fill_boxes(np.concatenate([wicks[chosen], bodies[chosen]]), color)
            if frame.has_volume:
                self._surface.fill_boxes(volumes[chosen], (*color[:3], 0.55))

    def _draw_averages(self) -> None:
        sessions = [0, *self._axis.day_starts(), len(self._close)]
        x = self._frame.x(np.arange(len(self._close)) + 0.5)
        for average in self._averages:
            points = np.stack([x, self._frame.y(average.values)], axis=1)
            for start, end in pairwise(sessions):
                self._surface.stroke(
                    points[start:end], average.color, max(1.2, 2.2 * self._unit), clip=self._frame.candles
                )

    def _write_tags(self, tags: list[Tag]) -> None:
        unit = self._unit
        for tag in tags:
            left, right = self._frame.right + 2 * unit, self._surface.width_px - 4 * unit
            box = (left, tag.y - 15 * unit, right, tag.y + 15 * unit)
            self._pen.pill(box, tag.color)
            self._pen.write(tag.text, left + 12 * unit, tag.y, AXIS_PX, self._theme.on_colour, bold=True)

    def _write_heading(self) -> None:
        axis, theme = self._axis, self._theme
        write_title(self._pen, theme, self._bars, self._change_pct)
        entries = [LegendEntry(f"{line.name} {price_text(line.last)}", line.color) for line in self._averages]
        if self._before is not None:
            entries.append(LegendEntry(f"Prev close {price_text(self._before)}", theme.muted, DOTS))
        write_legend(self._pen, theme, axis.span() if axis.daily else f"{axis.span()}  ET", entries)
