"""Price bars from a folder of CSV files.

Owns finding and reading the file. The format is ``core.price_table``'s, the choice of bars ``core.bars``'s.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from catalyst_ray.core.bar_repair import clean_bars
from catalyst_ray.core.bar_windows import check_timeframe, select_timeframe
from catalyst_ray.core.price_table import normal_ticker, parse_price_csv
from catalyst_ray.errors import ConfigError, ParseError, TransportError

if TYPE_CHECKING:
    from catalyst_ray.models import Bars

_MAX_BYTES = 64 * 1024 * 1024

log = logging.getLogger(__name__)


class CsvPrices:
    """Reads ``<TICKER>_<timeframe>.csv`` where there is one, else ``<TICKER>.csv``.

    Args:
        folder: Where the files are.

    Raises:
        ConfigError: The folder does not exist.
    """

    name = "csv"

    def __init__(self, folder: Path | str) -> None:
        self._folder = Path(folder)
        if not self._folder.is_dir():
            raise ConfigError(
                f"no folder {self._folder}", hint="make it, or set another folder of price files"
            )

    async def bars(self, ticker: str, timeframe: str) -> Bars | None:
        """Return the window of a timeframe; see ``PriceSource`` and ``core.bars.select_timeframe``."""
        check_timeframe(timeframe)
        name = normal_ticker(ticker)
        return await asyncio.to_thread(self._read, name, timeframe) if name else None

    async def close(self) -> None:
        """Do nothing; no file stays open."""

    def _read(self, ticker: str, timeframe: str) -> Bars | None:
        candidates = (self._folder / f"{ticker}_{timeframe}.csv", self._folder / f"{ticker}.csv")
        path = next((path for path in candidates if path.is_file()), None)
        if path is None:
            return None
        try:
            if path.stat().st_size > _MAX_BYTES:
                raise ParseError(f"{path.name} is larger than {_MAX_BYTES} bytes", key=ticker)
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise TransportError(f"could not read {path.name}: {error.strerror}", key=ticker) from error
        bars, repairs = clean_bars(
            parse_price_csv(text, ticker=ticker, timeframe=timeframe, source=self.name)
        )
        if repairs:
            log.info("price bars repaired", extra={"ticker": ticker, "repairs": [str(r) for r in repairs]})
        return select_timeframe(bars, timeframe) if len(bars) else None
