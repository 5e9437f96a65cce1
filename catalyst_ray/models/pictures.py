"""Pictures: price bars, chart requests and what was drawn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003  (pydantic reads the annotations at run time)
from typing import Final

PANELS: Final = ("volume", "averages", "levels", "rsi", "macd")
DEFAULT_PANELS: Final = ("volume", "averages", "levels")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """OHLCV columns of equal length, oldest first; times are epoch seconds (UTC) of each bar's start."""

    ticker: str
    timeframe: str
    times_s: tuple[int, ...]
    open: tuple[float, ...]
    high: tuple[float, ...]
    low: tuple[float, ...]
    close: tuple[float, ...]
    volume: tuple[float, ...]
    previous_close: float | None = None
    source: str = ""

    def __len__(self) -> int:
        return len(self.times_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartRequest:
    """What a chart shows; two equal requests give the same picture.

    Args:
        mark_utc: Moment of the catalyst; None leaves it out.
        label: What the catalyst is, in a few words.
        theme: One of ``core.chart_style.THEMES``.
        panels: What is shown beside the candles, of ``PANELS``; their order does not matter.
    """

    bars: Bars
    mark_utc: datetime | None = None
    label: str = ""
    theme: str = "dark"
    panels: tuple[str, ...] = DEFAULT_PANELS
    width_px: int = 1000
    height_px: int = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A drawn PNG."""

    png: bytes
    seconds: float
    cached: bool = False
