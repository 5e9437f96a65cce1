"""Price bars from Yahoo through yfinance, which the extra ``market`` installs.

Owns what is asked of Yahoo and how its moods become errors. Nothing requires it: Yahoo refuses in waves.
"""

from __future__ import annotations

import asyncio
import re
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from catalyst_ray.core.bar_intake import take_in
from catalyst_ray.core.bar_windows import check_timeframe, select_timeframe
from catalyst_ray.core.extras import extra
from catalyst_ray.core.market_hours import EASTERN
from catalyst_ray.core.price_table import bars_of_columns, normal_ticker
from catalyst_ray.errors import ConfigError, RateLimited, TransportError

if TYPE_CHECKING:
    from collections.abc import Callable

    from catalyst_ray.models import Bars

_COLUMNS = {
    "open": "Open",
    "high": "High",
    "low": "Low",
    "close": "Close",
    "volume": "Volume",
    "split": "Stock Splits",
}
# Period and interval asked for a timeframe; more than is shown, for the close before it and the averages.
_ASKED = {
    "1D": ("5d", "5m"),
    "5D": ("1mo", "30m"),
    "1M": ("6mo", "1d"),
    "3M": ("1y", "1d"),
    "1Y": ("2y", "1d"),
}
_SHARE_CLASS = re.compile(r"([A-Z]+)\.([A-Z])")
_REST_S = 60.0  # Yahoo names no wait; shorter ones were refused again


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
            raise ConfigError("yfinance is not installed", hint=extra("market"))
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
        bars = take_in(_to_bars(table, ticker, timeframe))
        return bars and select_timeframe(bars, timeframe)


def _ask_yahoo(symbol: str, period: str, interval: str, timeout_s: float) -> Any:
    import yfinance  # noqa: PLC0415  (an extra, and a second to load)

    # Otherwise it logs a refusal and returns an empty table, as if there were no prices.
    yfinance.config.debug.hide_exceptions = False
    return yfinance.Ticker(symbol).history(
        period=period, interval=interval, prepost=True, auto_adjust=False, actions=True, timeout=timeout_s
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


def _to_bars(table: Any, ticker: str, timeframe: str) -> Bars:
    columns: dict[str, list[object]] = {"time": list(table.index)}
    columns |= {ours: list(table[theirs]) for ours, theirs in _COLUMNS.items() if theirs in table}
    return bars_of_columns(
        columns, ticker=ticker, timeframe=timeframe, source=YfinancePrices.name, zone=EASTERN
    )
