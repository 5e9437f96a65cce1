"""Colours of charts and gauges, and the sizes of what is written on a chart.

Owns how pictures look. Does not place or draw anything.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from catalyst_ray.core.drawing import Color, rgba
from catalyst_ray.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """One set of colours.

    Args:
        background: Of the whole picture.
        shade: Laid over hours outside regular trading; nearly clear.
        grid: Lines behind the candles.
        text: Ticker, price and what must be read first.
        muted: Axis labels, dates and the previous close.
        rise: Bars that closed at or above their open.
        fall: Bars that closed below it.
        vwap: The volume-weighted average price, and the short moving average.
        slow: The long moving average.
        mark: The catalyst.
        tag: Behind the previous close's figure.
        on_colour: Text on a filled tag.
        on_mark: Text on the catalyst's label.
        level: Support and resistance.
        hollow: Bodies of rising candles are outlined, so that colour is not the only cue.
    """

    background: Color
    shade: Color
    grid: Color
    text: Color
    muted: Color
    rise: Color
    fall: Color
    vwap: Color
    slow: Color
    mark: Color
    tag: Color
    on_colour: Color
    on_mark: Color
    level: Color
    hollow: bool = False


_DARK: Final = Theme(
    background=rgba("#10151c"),
    shade=rgba("#9fb4cc", 0.07),
    grid=rgba("#212a35"),
    text=rgba("#eef2f6"),
    muted=rgba("#93a1b0"),
    rise=rgba("#22b48a"),
    fall=rgba("#f0525f"),
    vwap=rgba("#f2b441"),
    slow=rgba("#b794f6"),
    mark=rgba("#1f6feb"),
    tag=rgba("#9aa7b5"),
    on_colour=rgba("#10151c"),
    on_mark=rgba("#ffffff"),
    level=rgba("#b8c4d0"),
)
_LIGHT: Final = Theme(
    background=rgba("#ffffff"),
    shade=rgba("#2c4a6b", 0.06),
    grid=rgba("#e6ebf0"),
    text=rgba("#141a21"),
    muted=rgba("#5e6b79"),
    rise=rgba("#0a8560"),
    fall=rgba("#db3345"),
    vwap=rgba("#b87400"),
    slow=rgba("#7c4ddb"),
    mark=rgba("#1f6feb"),
    tag=rgba("#66727f"),
    on_colour=rgba("#ffffff"),
    on_mark=rgba("#ffffff"),
    level=rgba("#43505d"),
)
# Blue and orange of Okabe and Ito (2008), which all common kinds of colour blindness tell apart.
_THEMES: Final = {
    "dark": _DARK,
    "light": _LIGHT,
    "dark-colour-blind": replace(
        _DARK,
        rise=rgba("#56b4e9"),
        fall=rgba("#e69f00"),
        vwap=rgba("#dfe6ee"),
        slow=rgba("#cc79a7"),
        mark=rgba("#f0e442"),
        on_mark=rgba("#10151c"),
        hollow=True,
    ),
    "light-colour-blind": replace(
        _LIGHT,
        rise=rgba("#0072b2"),
        fall=rgba("#d55e00"),
        vwap=rgba("#333f4d"),
        slow=rgba("#a8487f"),
        mark=rgba("#7a3e9d"),
        hollow=True,
    ),
}
THEMES: Final = tuple(_THEMES)


def theme_named(name: str) -> Theme:
    """Return a theme.

    Raises:
        ConfigError: There is none of that name.
    """
    if name not in _THEMES:
        raise ConfigError(f"no theme {name!r}", hint=f"one of {', '.join(THEMES)}")
    return _THEMES[name]
