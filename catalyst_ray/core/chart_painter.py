"""The drawing steps of a price chart, from the shading behind the candles to the title.

Owns what is drawn where. Does not compute scales or ticks, clean bars or encode the picture.

Sizes are written for 1000×600 pixels and scale with the picture. Letters are large, since Discord shows
a card's picture about 400 pixels wide.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, NamedTuple

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
from catalyst_ray.core.drawing import printable, text_width
from catalyst_ray.core.indicators import sma, vwap

if TYPE_CHECKING:
    from datetime import datetime

    from catalyst_ray.core.chart_style import Theme
    from catalyst_ray.core.drawing import Color, Surface
    from catalyst_ray.core.indicators import Column
    from catalyst_ray.models import Bars

_MIN_TEXT_PX = 9.0
_AXIS_PX, _LEGEND_PX, _MARK_PX, _CHANGE_PX, _TITLE_PX = 20, 19, 21, 30, 38
_DOTS = (2, 5)


class Average(NamedTuple):
    """A line over the candles."""

    name: str
    values: Column
    color: Color


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
    ) -> None:
        self._surface, self._theme, self._bars = surface, theme, bars
        self._change_pct = change_pct
        self._mark_utc, self._label = mark_utc, label
        self._unit = min(surface.width_px / 1000, surface.height_px / 600)
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
            volumes=bars.volume,
            prices=self._price_range(),
            has_mark=mark_utc is not None,
        )
        self._prices = self._price_labels(frame(gutter=0.0))
        texts = [price_text(bars.close[-1]), price_text(before or 1.0), *(text for _, text in self._prices)]
        widest = max(self._width(text, _AXIS_PX, bold=True) for text in texts)
        self._frame = frame(gutter=widest + 30 * self._unit)
        self._averages = self._find_averages()

    def draw(self) -> None:
        """Draw everything, from back to front."""
        tags = self._tags()
        self._shade_extended_hours()
        self._draw_price_grid(tags)
        self._draw_time_axis()
        self._draw_price_levels(tags)
        self._draw_mark_line()
        self._draw_candles()
        self._draw_averages()
        self._draw_mark_label()
        self._write_tags(tags)
        self._write_title()
        self._write_legend()

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
                self._write(volume_text(most), x, y, _AXIS_PX, self._theme.muted)
                taken.append(y)
        for price, text in self._prices:
            y = float(frame.y(price))
            self._line(frame.left, y, frame.right, y, self._theme.grid)
            if self._is_clear(y, taken) and y > frame.lane + 10 * self._unit:
                self._write(text, x, y, _AXIS_PX, self._theme.muted)
        self._line(frame.left, frame.foot, frame.right, frame.foot, self._theme.grid)

    def _is_clear(self, y: float, taken: list[float]) -> bool:
        return all(abs(y - other) >= 1.35 * self._size(_AXIS_PX) for other in taken)

    def _draw_time_axis(self) -> None:
        frame, unit = self._frame, self._unit
        for start in self._axis.day_starts():
            x = float(frame.x(start))
            self._line(x, frame.lane, x, frame.foot, self._theme.grid)
        for tick in self._axis.ticks(self._fits):
            x = float(frame.x(tick.position))
            self._line(x, frame.foot, x, frame.foot + 7 * unit, self._theme.muted)
            self._write(
                tick.label,
                self._label_x(tick),
                frame.foot + 25 * unit,
                _AXIS_PX,
                self._theme.muted,
                align="centre",
            )

    def _fits(self, one: Tick, other: Tick) -> bool:
        widths = self._width(one.label, _AXIS_PX) + self._width(other.label, _AXIS_PX)
        return abs(self._label_x(one) - self._label_x(other)) >= widths / 2 + 22 * self._unit

    def _label_x(self, tick: Tick) -> float:
        half = self._width(tick.label, _AXIS_PX) / 2 + 6 * self._unit
        x = float(self._frame.x(tick.position))
        return min(max(x, half), self._surface.width_px - half)

    def _draw_price_levels(self, tags: list[Tag]) -> None:
        frame = self._frame
        if self._before is not None and frame.shows(self._before):
            y = float(frame.y(self._before))
            self._line(frame.left, y, frame.right, y, self._theme.muted, width=1.5, dashes=_DOTS)
        self._line(frame.left, tags[0].y, frame.right, tags[0].y, tags[0].color, dashes=(6, 5))

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

    def _draw_mark_line(self) -> None:
        if self._mark_utc is None:
            return
        x, foot, color = self._mark_x(), self._frame.foot, self._theme.mark
        self._line(x, self._frame.lane + 20 * self._unit, x, foot, color, width=2, dashes=(5, 4))
        side = 8 * self._unit
        self._surface.fill_polygons(
            [[(x, foot + 1), (x + side, foot + 1.5 * side), (x - side, foot + 1.5 * side)]], color
        )

    def _draw_mark_label(self) -> None:
        if self._mark_utc is None:
            return
        frame, unit, x = self._frame, self._unit, self._mark_x()
        y = frame.lane + 20 * unit
        text = self._mark_text((frame.right - frame.left) * 0.8)
        width = self._width(text, _MARK_PX, bold=True) + 24 * unit
        left = x - 2 * unit if x + width <= frame.right else x - width + 2 * unit
        left = min(max(left, frame.left), frame.right - width)
        self._surface.fill_pill(
            (left, y - 17 * unit, left + width, y + 17 * unit), 6 * unit, self._theme.mark
        )
        self._write(text, left + 12 * unit, y, _MARK_PX, self._theme.on_colour, bold=True)

    def _mark_x(self) -> float:
        moment = self._mark_utc
        return 0.0 if moment is None else round(float(self._frame.x(self._axis.position(moment)))) + 0.5

    def _mark_text(self, room: float) -> str:
        if self._mark_utc is None:
            return ""
        moment = self._axis.moment(self._mark_utc)
        most = 40
        while most > 4:
            label = printable(self._label, most=most)
            text = f"{moment}  {label}" if label else moment
            if self._width(text, _MARK_PX, bold=True) + 24 * self._unit <= room:
                return text
            most -= 4
        return moment

    def _write_tags(self, tags: list[Tag]) -> None:
        unit = self._unit
        for tag in tags:
            left, right = self._frame.right + 2 * unit, self._surface.width_px - 4 * unit
            box = (left, tag.y - 15 * unit, right, tag.y + 15 * unit)
            self._surface.fill_pill(box, 5 * unit, tag.color)
            self._write(tag.text, left + 12 * unit, tag.y, _AXIS_PX, self._theme.on_colour, bold=True)

    def _write_title(self) -> None:
        theme, unit = self._theme, self._unit
        right = self._surface.width_px - 16 * unit
        x, y = 16 * unit, 38 * unit
        badge = self._width(self._bars.timeframe, 22, bold=True) + 22 * unit
        self._surface.fill_pill((right - badge, y - 18 * unit, right, y + 18 * unit), 6 * unit, theme.grid)
        self._write(self._bars.timeframe, right - badge / 2, y, 22, theme.text, bold=True, align="centre")
        pieces = [(printable(self._bars.ticker, most=12), _TITLE_PX, True, theme.text)]
        pieces.append((price_text(float(self._close[-1])), _TITLE_PX, False, theme.text))
        if self._change_pct is not None:
            rising = self._change_pct >= 0
            text = f"{'▲' if rising else '▼'} {abs(self._change_pct):,.2f}%"
            pieces.append((text, _CHANGE_PX, True, theme.rise if rising else theme.fall))
        for text, size, bold, color in pieces:
            if x + self._width(text, size, bold=bold) <= right - badge - 12 * unit:
                x += self._write(text, x, y, size, color, bold=bold) + 20 * unit

    def _write_legend(self) -> None:
        theme, unit = self._theme, self._unit
        y, x = 82 * unit, 16 * unit
        span = self._axis.span() + ("" if self._axis.daily else "  ET")
        right = self._surface.width_px - 16 * unit
        end = right - self._width(span, _LEGEND_PX) - 24 * unit
        self._write(span, right, y, _LEGEND_PX, theme.muted, align="right")
        entries: list[tuple[str, Color, tuple[int, int] | None]] = [
            (f"{average.name} {self._last(average)}", average.color, None) for average in self._averages
        ]
        if self._before is not None:
            entries.append((f"Prev close {price_text(self._before)}", theme.muted, _DOTS))
        for text, color, dashes in entries:
            if x + 32 * unit + self._width(text, _LEGEND_PX) > end:
                break
            self._line(x, y, x + 24 * unit, y, color, width=3, dashes=dashes)
            x += 32 * unit
            x += self._write(text, x, y, _LEGEND_PX, theme.muted) + 24 * unit

    @staticmethod
    def _last(average: Average) -> str:
        return price_text(float(average.values[np.isfinite(average.values)][-1]))

    def _size(self, size: float) -> float:
        return max(size * self._unit, _MIN_TEXT_PX)

    def _width(self, text: str, size: float, *, bold: bool = False) -> float:
        return text_width(text, self._size(size), bold=bold)

    def _write(
        self,
        text: str,
        x: float,
        y: float,
        size: float,
        color: Color,
        *,
        bold: bool = False,
        align: Literal["left", "centre", "right"] = "left",
    ) -> float:
        return self._surface.write(text, x, y, size_px=self._size(size), color=color, bold=bold, align=align)

    def _line(
        self,
        x0: float,
        y0: float,
        x1: float,
        y1: float,
        color: Color,
        *,
        width: float = 1,
        dashes: tuple[float, float] | None = None,
    ) -> None:
        scaled = tuple(max(1.0, part * self._unit) for part in dashes) if dashes else None
        self._surface.stroke([(x0, y0), (x1, y1)], color, max(1.0, width * self._unit), dashes=scaled)
