"""What a chart is made of: how every chart looks, and which bars there are. Draws nothing."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalyst_ray.models import DEFAULT_PANELS, ChartRequest

if TYPE_CHECKING:
    from datetime import datetime

    from catalyst_ray.models import Bars
    from catalyst_ray.ports import PriceSource

log = logging.getLogger(__name__)

INSTEAD = {"1D": "1M", "5D": "1M", "1M": "5D", "3M": "5D", "1Y": "5D"}
"""What is shown where a source has no bars of a timeframe: some have daily bars only, others none of days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartLook:
    """How the charts of an installation look; see ``ChartRequest``."""

    theme: str = "dark"
    panels: tuple[str, ...] = DEFAULT_PANELS
    width_px: int = 1000
    height_px: int = 600

    def request(self, bars: Bars, *, mark_utc: datetime | None, label: str) -> ChartRequest:
        """Return the request for a chart of these bars."""
        return ChartRequest(
            bars=bars,
            mark_utc=mark_utc,
            label=label,
            theme=self.theme,
            panels=self.panels,
            width_px=self.width_px,
            height_px=self.height_px,
        )


async def find_bars(prices: PriceSource, ticker: str, timeframe: str) -> Bars | None:
    """Return bars of a timeframe, or of the next best one; None when the source has neither.

    Raises:
        TransportError: The source did not answer.
        ParseError: It answered with something that is no price table.
    """
    bars = await prices.bars(ticker, timeframe)
    if bars is None or not len(bars):
        other = INSTEAD[timeframe]
        bars = await prices.bars(ticker, other)
        if bars is not None and len(bars):
            figures = {"ticker": ticker, "asked": timeframe, "shown": other, "source": prices.name}
            log.info("no bars of that timeframe", extra=figures)
            return bars
        return None
    return bars
