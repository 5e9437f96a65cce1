"""Prices and charts of an alert: fetches bars, has them drawn, keeps the file while it is needed.

Whatever goes wrong here leaves a card without a chart and says why on it; it never costs the alert.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from catalyst_ray.core.bars import change_pct
from catalyst_ray.core.reasons import Code
from catalyst_ray.errors import CatalystError, ConfigError
from catalyst_ray.models import ChartRequest, Reason

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from catalyst_ray.ports import Artist, Clock, PriceSource

log = logging.getLogger(__name__)

TIMEFRAME = "1D"


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureSet:
    """What prices and pictures an alert has; ``reason`` says why there is no chart."""

    chart_path: str | None = None
    reason: Reason | None = None
    price_usd: float | None = None
    change_pct: float | None = None
    seconds: float = 0.0


class Pictures:
    """Makes the pictures of alerts.

    Args:
        prices: Where bars come from.
        artist: Draws; has its own queue and deadline.
        folder: Where chart files go; created if missing.
        timeout_s: Seconds that the price source may take.
        theme: Colours of the charts.

    Raises:
        ConfigError: The folder cannot be made or written.
    """

    def __init__(
        self, *, prices: PriceSource, artist: Artist, clock: Clock, folder: Path, timeout_s: float, theme: str
    ) -> None:
        self._prices = prices
        self._artist = artist
        self._clock = clock
        self._folder = folder
        self._timeout_s = timeout_s
        self._theme = theme
        self._numbers = itertools.count()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            probe = folder / ".write-test"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise ConfigError(
                f"cannot write to {folder}: {error.strerror}",
                key="QUICKCHART_IMAGE_DIR",
                hint="name a folder that this user may write to",
            ) from error

    async def take(
        self, alert_id: str, ticker: str, *, mark_utc: datetime, label: str, priority: int
    ) -> PictureSet:
        """Return the pictures of an alert, or why there are none."""
        started = self._clock.monotonic()
        price = change = None
        try:
            async with asyncio.timeout(self._timeout_s):
                bars = await self._prices.bars(ticker, TIMEFRAME)
            if bars is None:
                return PictureSet(reason=Reason(Code.NO_PRICES, f"{self._prices.name} has none for {ticker}"))
            price, change = change_pct(bars) or (None, None)
            request = ChartRequest(bars=bars, mark_utc=mark_utc, label=label, theme=self._theme)
            picture = await self._artist.draw(request, priority=priority)
            path = await asyncio.to_thread(self._write, alert_id, picture.png)
        except (CatalystError, OSError, TimeoutError) as error:
            log.warning("no chart", extra={"alert_id": alert_id, "ticker": ticker, "error": str(error)})
            reason = Reason(Code.NO_CHART, _public_words(error)[:200])
            return PictureSet(reason=reason, price_usd=price, change_pct=change)
        except Exception as error:  # the stage's one boundary: no picture is worth an alert
            log.exception("no chart", extra={"alert_id": alert_id, "ticker": ticker})
            reason = Reason(Code.NO_CHART, type(error).__name__)
            return PictureSet(reason=reason, price_usd=price, change_pct=change)
        seconds = self._clock.monotonic() - started
        return PictureSet(chart_path=str(path), price_usd=price, change_pct=change, seconds=seconds)

    def _write(self, alert_id: str, png: bytes) -> Path:
        path = self._folder / f"{alert_id}.png"
        part = path.with_suffix(f".{next(self._numbers)}.part")  # one alert may be drawn twice at once
        part.write_bytes(png)
        part.replace(path)  # a reader sees the old file or the whole new one
        return path

    def sweep(self, *, needed: Collection[str], now_utc: datetime, keep_s: float) -> int:
        """Delete chart files older than ``keep_s`` that no unsent alert needs; return how many."""
        names = {Path(path).name for path in needed}  # the folder may be written another way than it was
        gone = 0
        with os.scandir(self._folder) as entries:
            for entry in entries:
                ours = entry.name.endswith((".png", ".part"))
                if not ours or entry.name in names:
                    continue
                with contextlib.suppress(FileNotFoundError):  # another sweep took it
                    if now_utc.timestamp() - entry.stat().st_mtime > keep_s:
                        Path(entry.path).unlink()
                        gone += 1
        return gone


def _public_words(error: Exception) -> str:
    """Return why there is no chart without addresses and paths: a card is read by others."""
    if isinstance(error, TimeoutError):
        return "prices came too late"
    if isinstance(error, CatalystError):
        return error.message
    return f"the picture could not be kept: {getattr(error, 'strerror', '') or type(error).__name__}"
