"""Sentiment gauges: a half dial from −1 to +1 with needle, figure and words, and the book of all 21.

Owns the gauge's picture and its look-up. Does not compute sentiment.

Drawn at 240×150 pixels: Discord shows a card's thumbnail at a third of that or less, so the figure is large.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from catalyst_ray.core.chart_style import Theme, theme_named
from catalyst_ray.core.drawing import Surface

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from catalyst_ray.core.drawing import Color

WIDTH_PX: Final = 240
HEIGHT_PX: Final = 150

_STEPS: Final = 10  # to each side of zero
_CENTRE: Final = (120.0, 104.0)
_OUTER_PX: Final = 92.0
_INNER_PX: Final = 70.0
_SEGMENTS: Final = 21
_SEGMENT_GAP_RAD: Final = 0.018
_UNLIT: Final = 0.25


def draw_gauge(value: float, theme: str = "dark") -> bytes:
    """Return the PNG of a gauge, 240×150 pixels; ``value`` is clamped to −1…+1 and shown to one decimal.

    Raises:
        ValueError: ``value`` is no finite number.
        ConfigError: Unknown theme.
    """
    return compose(value, theme).png()


def compose(value: float, theme: str = "dark") -> Surface:
    """Return the finished drawing before it is encoded; raises as ``draw_gauge`` does."""
    shown = rounded(value)
    colours = theme_named(theme)
    surface = Surface(WIDTH_PX, HEIGHT_PX, colours.background)
    for index in range(_SEGMENTS):
        middle = (index - _STEPS) / _STEPS
        lit = min(shown, 0.0) <= middle <= max(shown, 0.0)
        color = _tint(colours, middle)
        surface.fill_polygons(_segment(index)[None], color if lit else (*color[:3], _UNLIT))
    _draw_needle(surface, colours, shown)
    figure = f"{shown:+.1f}".replace("-", "−") if shown else "0.0"
    surface.write(figure, 120, 86, size_px=38, color=_tint(colours, shown), bold=True, align="centre")
    surface.write(describe(shown), 120, 130, size_px=24, color=colours.text, bold=True, align="centre")
    return surface


def describe(value: float) -> str:
    """Return a sentiment in words: five levels, neutral within ±0.2, the outer ones from ±0.6."""
    strength = abs(_step(value))
    if strength < 2:
        return "neutral"
    side = "positive" if value > 0 else "negative"
    return side if strength < 6 else f"very {side}"


def rounded(value: float) -> float:
    """Return the sentiment that a gauge of ``value`` shows: clamped to −1…+1, to one decimal.

    Raises:
        ValueError: ``value`` is no finite number.
    """
    return _step(value) / _STEPS


class GaugeBook:
    """All 21 gauges of a theme, drawn once and looked up.

    Args:
        draw: Draws one gauge; another one in tests.
        theme: Colours of all of them.
    """

    def __init__(self, draw: Callable[[float, str], bytes] = draw_gauge, theme: str = "dark") -> None:
        self._draw = draw
        self._theme = theme
        self._pages: dict[int, bytes] = {}

    def fill(self) -> None:
        """Draw those not drawn yet; takes well under a second."""
        for step in range(-_STEPS, _STEPS + 1):
            self._page(step)

    def get(self, value: float) -> bytes:
        """Return the PNG for a sentiment, rounded to 0.1 and clamped to −1…+1.

        Raises:
            ValueError: ``value`` is no finite number.
        """
        return self._page(_step(value))

    def _page(self, step: int) -> bytes:
        page = self._pages.get(step)
        if page is None:
            page = self._pages[step] = self._draw(step / _STEPS, self._theme)
        return page


def _step(value: float) -> int:
    if not math.isfinite(value):
        raise ValueError(f"sentiment must be a finite number, was {value}")
    # Halves go outwards, so that −x always mirrors x.
    scaled = min(abs(value), 1.0) * _STEPS
    return int(math.copysign(math.floor(scaled + 0.5), value))


def _polar(radius: float | NDArray[np.float64], share: float | NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points on the dial; ``share`` runs from −1 at the left to +1 at the right."""
    angle = np.pi / 2 * (1 - np.asarray(share))
    return np.stack(
        [_CENTRE[0] + radius * np.cos(angle), _CENTRE[1] - radius * np.sin(angle)],
        axis=-1,
    )


def _segment(index: int) -> NDArray[np.float64]:
    half = 1 / _SEGMENTS - _SEGMENT_GAP_RAD / np.pi
    middle = (index + 0.5) * 2 / _SEGMENTS - 1
    arc = np.linspace(middle - half, middle + half, 5)
    return np.concatenate([_polar(_OUTER_PX, arc), _polar(_INNER_PX, arc[::-1])])


def _draw_needle(surface: Surface, theme: Theme, shown: float) -> None:
    share = shown * _STEPS * 2 / _SEGMENTS  # the middle of its segment
    for width, color, grow in ((0.055, theme.background, 3.0), (0.026, theme.text, 0.0)):
        ends = _polar(
            np.array([_OUTER_PX + 4 + grow, _OUTER_PX + 4 + grow]), share + width * np.array([-1.0, 1.0])
        )
        tip = _polar(_INNER_PX - 10 - grow, share)
        surface.fill_polygons(np.concatenate([ends, tip[None]])[None], color)


def _tint(theme: Theme, share: float) -> Color:
    """Return the colour of a place on the dial, from fall over grey to rise."""
    end = theme.rise if share > 0 else theme.fall
    weight = abs(share) ** 0.4  # grey only near the middle
    red, green, blue = (m + (e - m) * weight for m, e in zip(theme.muted[:3], end[:3], strict=True))
    return red, green, blue, 1.0
