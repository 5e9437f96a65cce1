"""Pictures: price bars, chart requests and what was drawn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime  # noqa: TC003  (pydantic reads the annotations at run time)
from typing import Final

from catalyst_ray.models.judgement import Reason  # noqa: TC001  (pydantic reads the annotations at run time)

PANELS: Final = ("volume", "averages", "levels", "rsi", "macd")
DEFAULT_PANELS: Final = ("volume", "averages", "levels")


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A split of a share: from ``day`` on there are ``ratio`` new shares for each old one (0.1 is a reverse split)."""

    day: date
    ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """OHLCV columns of equal length, oldest first; times are epoch seconds (UTC) of each bar's start.

    Args:
        previous_close: Of the session before the last bar's.
        shown_from_s: Bars before this time serve averages and are not drawn; None draws all.
        source: Who gave them.
        splits: Splits that the source names, or that were found; prices before them are adjusted once taken in.
        remarks: What had to be mended, for whoever looks at the chart.
    """

    ticker: str
    timeframe: str
    times_s: tuple[int, ...]
    open: tuple[float, ...]
    high: tuple[float, ...]
    low: tuple[float, ...]
    close: tuple[float, ...]
    volume: tuple[float, ...]
    previous_close: float | None = None
    shown_from_s: int | None = None
    source: str = ""
    splits: tuple[Split, ...] = ()
    remarks: tuple[Reason, ...] = ()

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
