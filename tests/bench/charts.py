"""Pictures: a chart at the old bot's size and content beside mplfinance's, at our own size, and the gauges."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np

from catalyst_ray.core.bar_windows import select_timeframe
from catalyst_ray.core.bars import eastern
from catalyst_ray.core.charts import draw_chart, warm_up
from catalyst_ray.core.gauge import GaugeBook
from catalyst_ray.core.indicators import macd, rsi, vwap
from catalyst_ray.core.price_table import parse_price_json
from catalyst_ray.demo.companies import companies
from catalyst_ray.demo.prices import price_table
from catalyst_ray.models import PANELS, ChartRequest
from tests.bench.timing import median_s, medians_s

if TYPE_CHECKING:
    from collections.abc import Callable

    from catalyst_ray.models import Bars

CANDLES = 192
SIZE_PX = (1740, 1041)
NEWS = datetime(2026, 11, 23, 16, 2, tzinfo=UTC)


def measure() -> dict[str, float]:
    """Return the figures of charts and gauges; both ways of drawing are warm and take turns."""
    bars = _day()
    card = ChartRequest(bars=bars, mark_utc=NEWS, label="FDA approval")
    width, height = SIZE_PX
    large = replace(card, panels=PANELS, width_px=width, height_px=height)
    theirs = _mplfinance(bars)
    warm_up()
    # A worker draws many shares on one day: prices and names differ, the clock's labels are the same.
    shares = cycle([_share(bars, number) for number in range(40)])
    ours_s, theirs_s = medians_s(lambda: draw_chart(replace(large, bars=next(shares))), theirs, times=15)
    book = GaugeBook()
    filled = median_s(lambda: GaugeBook().fill(), times=3)
    book.fill()
    looks = 10_000
    return {
        "chart_s": median_s(lambda: draw_chart(replace(card, bars=next(shares))), times=25),
        "chart_candles": float(len(bars)),
        "chart_bytes": float(len(draw_chart(card))),
        "chart_1740x1041_s": ours_s,
        "chart_1740x1041_bytes": float(len(draw_chart(large))),
        "chart_mplfinance_1740x1041_s": theirs_s,
        "chart_mplfinance_1740x1041_bytes": float(len(theirs())),
        "chart_ratio_mplfinance": theirs_s / ours_s,
        "gauge_lookup_s": median_s(lambda: [book.get(0.37) for _ in range(looks)], times=5) / looks,
        "gauges_all_s": filled,
    }


def _day() -> Bars:
    """Return a whole day of the demo's market, 04:00 to 20:00 in bars of five minutes."""
    ticker = companies()[0].ticker
    end = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
    table = json.dumps(price_table(7, ticker, "1D", now_utc=end + timedelta(minutes=30), shocks=())).encode()
    bars = select_timeframe(parse_price_json(table, ticker=ticker, timeframe="1D", source="demo"), "1D")
    if len(bars) != CANDLES:
        raise RuntimeError(f"a day should have {CANDLES} candles, has {len(bars)}")
    return bars


def _share(bars: Bars, number: int) -> Bars:
    """Return the same day for a share of another name and price."""
    factor = 1.083**number
    columns = {
        name: tuple(price * factor for price in getattr(bars, name))
        for name in ("open", "high", "low", "close")
    }
    before = bars.previous_close and bars.previous_close * factor
    return replace(bars, ticker=f"{bars.ticker[:3]}{number}", previous_close=before, **columns)


def _mplfinance(bars: Bars) -> Callable[[], bytes]:
    """Return what draws the same with mplfinance; its table and indicators are ready beforehand."""
    # Bench only: it needs pyplot, which the program never loads.
    import mplfinance
    import pandas as pd

    index = pd.DatetimeIndex([eastern(time_s) for time_s in bars.times_s])
    columns = {name: np.array(getattr(bars, name)) for name in ("open", "high", "low", "close", "volume")}
    table = pd.DataFrame({name.capitalize(): column for name, column in columns.items()}, index=index)
    high, low, close, volume = (columns[name] for name in ("high", "low", "close", "volume"))
    line, signal = macd(close)
    days = [moment.date() for moment in index]
    lines = [
        (vwap(high, low, close, volume, days), {"panel": 0}),
        (rsi(close), {"panel": 2, "ylabel": "RSI 14"}),
        (np.full(CANDLES, 70.0), {"panel": 2, "secondary_y": False}),
        (np.full(CANDLES, 30.0), {"panel": 2, "secondary_y": False}),
        (line - signal, {"panel": 3, "type": "bar"}),
        (line, {"panel": 3, "ylabel": "MACD", "secondary_y": False}),
        (signal, {"panel": 3, "secondary_y": False}),
    ]
    width, height = SIZE_PX

    def draw() -> bytes:
        out = io.BytesIO()
        mplfinance.plot(
            table,
            type="candle",
            style="nightclouds",
            volume=True,
            title=bars.ticker,
            addplot=[mplfinance.make_addplot(column, **options) for column, options in lines],
            vlines={"vlines": [pd.Timestamp(eastern(int(NEWS.timestamp())))], "linestyle": "--"},
            hlines={"hlines": [bars.previous_close or close[0], close[-1]], "linestyle": ":"},
            figsize=(width / 100, height / 100),
            savefig={"fname": out, "dpi": 100},
            warn_too_much_data=10**6,
        )
        return out.getvalue()

    return draw
