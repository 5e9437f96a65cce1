"""Price bars from Yahoo through yfinance, which the extra ``market`` installs.

Owns what is asked of Yahoo and how its moods become errors. Nothing requires it: Yahoo refuses in waves.
"""

from __future__ import annotations

import asyncio
import logging
import re
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from catalyst_ray.core.bar_repair import clean_bars
from catalyst_ray.core.bar_windows import check_timeframe, select_timeframe
from catalyst_ray.core.bars import Bar, bars_of, midnight_s
from catalyst_ray.core.price_table import normal_ticker
from catalyst_ray.errors import ConfigError, RateLimited, TransportError

if TYPE_CHECKING:
    from collections.abc import Callable

    from catalyst_ray.models import Bars

_COLUMNS = ("Open", "High", "Low", "Close", "Volume")
# Period and interval asked for a timeframe; a session more than is shown gives the close before it.
_ASKED = {
    "1D": ("5d", "5m"),
    "5D": ("1mo", "30m"),
    "1M": ("3mo", "1d"),
    "3M": ("6mo", "1d"),
    "1Y": ("2y", "1d"),
}
_SHARE_CLASS = re.compile(r"([A-Z]+)\.([A-Z])")
_REST_S = 60.0  # Yahoo names no wait; shorter ones were refused again

log = logging.getLogger(__name__)


class YfinancePrices:
    """Asks Yahoo in a thread.

    Args:
        history: Returns a table for (symbol, period, interval, seconds to wait); yfinance's own if unset.
        timeout_s: Seconds for one request.

    Raises:
        ConfigError: yfinance is not installed.
    """

    name = "yfinance"

    def __init__(
        self, history: Callable[[str, str, str, float], Any] | None = None, *, timeout_s: float = 10.0
    ) -> None:
        if history is None and find_spec("yfinance") is None:
            raise ConfigError("yfinance is not installed", hint="pip install 'catalyst-ray[market]'")
        self._history = history or _ask_yahoo
        self._timeout_s = timeout_s

    async def bars(self, ticker: str, timeframe: str) -> Bars | None:
        """Return the window of a timeframe, cleaned; see ``PriceSource``."""
        check_timeframe(timeframe)
        name = normal_ticker(ticker)
        return await asyncio.to_thread(self._load, name, timeframe) if name else None

    async def close(self) -> None:
        """Do nothing; yfinance keeps its own session."""

    def _load(self, ticker: str, timeframe: str) -> Bars | None:
        period, interval = _ASKED[timeframe]
        symbol = _SHARE_CLASS.sub(r"\1-\2", ticker)  # Yahoo writes BRK-B
        try:
            table = self._history(symbol, period, interval, self._timeout_s)
        except Exception as error:
            refusal = _translate(error, ticker)
            if refusal is None:
                return None
            raise refusal from error
        if table is None or not len(table):
            return None
        bars, repairs = clean_bars(_to_bars(table, ticker, timeframe, daily=interval == "1d"))
        if repairs:
            log.info("price bars repaired", extra={"ticker": ticker, "repairs": [str(r) for r in repairs]})
        return select_timeframe(bars, timeframe) if len(bars) else None


def _ask_yahoo(symbol: str, period: str, interval: str, timeout_s: float) -> Any:
    import yfinance  # noqa: PLC0415  (an extra, and a second to load)

    # Otherwise it logs a refusal and returns an empty table, as if there were no prices.
    yfinance.config.debug.hide_exceptions = False
    return yfinance.Ticker(symbol).history(
        period=period, interval=interval, prepost=True, auto_adjust=False, actions=False, timeout=timeout_s
    )


def _translate(error: Exception, ticker: str) -> TransportError | None:
    # By name, since yfinance may not be installed where a test stands in for it.
    names = {kind.__name__ for kind in type(error).__mro__}
    if "YFTickerMissingError" in names:
        return None
    if "YFRateLimitError" in names:
        return RateLimited("Yahoo refuses for now", status=429, retry_after_s=_REST_S, key=ticker)
    words = f"Yahoo did not answer: {type(error).__name__}"
    return TransportError(words, key=ticker, hint="a newer yfinance may be needed")


def _to_bars(table: Any, ticker: str, timeframe: str, *, daily: bool) -> Bars:
    columns = [[float(value) for value in table[name]] for name in _COLUMNS]
    # A day's row is stamped midnight where the stock is listed; the date is what counts.
    times_s = [midnight_s(when.date()) if daily else int(when.timestamp()) for when in table.index]
    rows = [Bar(*row) for row in zip(times_s, *columns, strict=True)]
    return bars_of(rows, ticker=ticker, timeframe=timeframe, source=YfinancePrices.name)
