"""Prices and charts of an alert: fetches bars, has them drawn, keeps the file while it is needed.

Whatever goes wrong here leaves a card without a chart and says why on it; it never costs the alert.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalyst_ray.core.bars import change_pct
from catalyst_ray.core.reasons import Code
from catalyst_ray.errors import CatalystError
from catalyst_ray.models import Reason
from catalyst_ray.pipeline.charting import find_bars
from catalyst_ray.pipeline.picture_files import PictureFiles

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from pathlib import Path

    from catalyst_ray.pipeline.charting import ChartLook
    from catalyst_ray.ports import Artist, Clock, PriceSource

log = logging.getLogger(__name__)

TOLD = frozenset({Code.SPLIT_ADJUSTED, Code.BARS_CUT, Code.UNIT_ERROR})
"""What card and ``explain`` tell of mended prices: it changes their size. The rest stands in the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureSet:
    """What prices and pictures an alert has.

    Args:
        reason: Why there is no chart.
        remarks: What was mended in the prices that people should know.
    """

    chart_path: str | None = None
    reason: Reason | None = None
    remarks: tuple[Reason, ...] = ()
    price_usd: float | None = None
    change_pct: float | None = None
    seconds: float = 0.0
    drawn_utc: datetime | None = None


class Pictures:
    """Makes the pictures of alerts.

    Args:
        prices: Where bars come from.
        artist: Draws; has its own queue.
        folder: Where chart files go; created if missing.
        timeout_s: Seconds that bars and chart may take together.
        timeframe: What the charts show.
        look: How they look.

    Raises:
        ConfigError: The folder cannot be made or written.
    """

    def __init__(
        self,
        *,
        prices: PriceSource,
        artist: Artist,
        clock: Clock,
        folder: Path,
        timeout_s: float,
        timeframe: str,
        look: ChartLook,
    ) -> None:
        self._prices = prices
        self._artist = artist
        self._clock = clock
        self._timeout_s = timeout_s
        self._timeframe = timeframe
        self._look = look
        self._files = PictureFiles(folder)

    async def take(
        self, alert_id: str, ticker: str, *, mark_utc: datetime, label: str, priority: int
    ) -> PictureSet:
        """Return the pictures of an alert, or why there are none."""
        started = self._clock.monotonic()
        price = change = None
        remarks: tuple[Reason, ...] = ()
        try:
            async with asyncio.timeout(self._timeout_s):
                bars = await find_bars(self._prices, ticker, self._timeframe)
            if bars is None:
                return PictureSet(reason=Reason(Code.NO_PRICES, _without(self._prices.name, ticker)))
            price, change = change_pct(bars) or (None, None)
            remarks = tuple(remark for remark in bars.remarks if remark.code in TOLD)
            request = self._look.request(bars, mark_utc=mark_utc, label=label)
            left_s = max(0.0, self._timeout_s - (self._clock.monotonic() - started))
            picture = await self._artist.draw(request, priority=priority, timeout_s=left_s)
            path = await asyncio.to_thread(self._files.write_chart, alert_id, picture.png)
        except (CatalystError, OSError, TimeoutError) as error:
            what = {"alert_id": alert_id, "ticker": ticker, "error": str(error) or type(error).__name__}
            log.warning("no chart", extra=what)
            reason = Reason(Code.NO_CHART, _public_words(error)[:200])
            return PictureSet(reason=reason, remarks=remarks, price_usd=price, change_pct=change)
        except Exception as error:  # the stage's one boundary: no picture is worth an alert
            log.exception("no chart", extra={"alert_id": alert_id, "ticker": ticker})
            reason = Reason(Code.NO_CHART, type(error).__name__)
            return PictureSet(reason=reason, remarks=remarks, price_usd=price, change_pct=change)
        seconds = self._clock.monotonic() - started
        return PictureSet(
            chart_path=str(path),
            remarks=remarks,
            price_usd=price,
            change_pct=change,
            seconds=seconds,
            drawn_utc=self._clock.now_utc(),
        )

    def sweep(self, *, needed: Collection[str], now_utc: datetime, keep_s: float) -> int:
        """Delete old files that no unsent alert needs; see ``PictureFiles.sweep``."""
        return self._files.sweep(needed=needed, now_utc=now_utc, keep_s=keep_s)


def _without(source: str, ticker: str) -> str:
    return "PRICE_SOURCE is not set" if source == "none" else f"{source} has none for {ticker}"


def _public_words(error: Exception) -> str:
    """Return why there is no chart without addresses and paths: a card is read by others."""
    if isinstance(error, TimeoutError):
        return "prices came too late"
    if isinstance(error, CatalystError):
        return error.message
    return f"the picture could not be kept: {getattr(error, 'strerror', '') or type(error).__name__}"
