"""Indicators on real bars against the same figures worked out by pandas, in another way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from catalyst_ray.core.bar_repair import clean_bars
from catalyst_ray.core.bars import eastern, is_daily
from catalyst_ray.core.indicators import ema, macd, rsi, sma, vwap
from catalyst_ray.core.price_table import parse_price_csv

if TYPE_CHECKING:
    from pathlib import Path

    from catalyst_ray.models import Bars

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def tables(data_dir) -> dict[str, Bars]:
    """Return every file of price bars, cleaned."""
    folder: Path = data_dir / "06_ohlcv"
    if not folder.is_dir():
        pytest.skip(f"no price files at {folder}")
    texts = {path.name: path.read_text(errors="replace") for path in sorted(folder.rglob("*.csv"))}
    read = {name: parse_price_csv(text, ticker="REAL", timeframe="1D") for name, text in texts.items()}
    return {name: clean_bars(bars)[0] for name, bars in read.items()}


def seeded(values: pd.Series, length: int, alpha: float) -> pd.Series:
    """Return the exponential average that begins with a plain mean, by pandas."""
    known = values.dropna()
    start = pd.Series([known.iloc[:length].mean()], index=known.index[length - 1 : length])
    tail = pd.concat([start, known.iloc[length:]])
    return tail.ewm(alpha=alpha, adjust=False).mean().reindex(values.index)


def same(ours: np.ndarray, theirs: pd.Series) -> bool:
    """Tell whether two columns agree to eight figures, gaps included."""
    return np.allclose(ours, theirs.to_numpy(), rtol=1e-8, atol=1e-8, equal_nan=True)


def test_averages_rsi_and_macd_agree_with_pandas(tables):
    """On every file, SMA, EMA, Wilder's RSI and MACD are those of pandas' rolling and exponential windows."""
    assert tables
    for name, bars in tables.items():
        column = np.array(bars.close)
        close = pd.Series(column)
        if len(close) < 40:
            continue
        for length in (20, 50):
            assert same(sma(column, length), close.rolling(length).mean()), name
        for length in (12, 26):
            assert same(ema(column, length), seeded(close, length, 2 / (length + 1))), name
        change = close.diff()
        rise = seeded(change.clip(lower=0), 14, 1 / 14)
        fall = seeded(-change.clip(upper=0), 14, 1 / 14)
        assert same(rsi(column), 100 - 100 / (1 + rise / fall)), name
        line = seeded(close, 12, 2 / 13) - seeded(close, 26, 2 / 27)
        assert same(macd(column).line, line), name
        assert same(macd(column).signal, seeded(line, 9, 2 / 10)), name


def test_vwap_agrees_with_pandas_session_by_session(tables):
    """On every intraday file, VWAP is the typical price weighted by volume since the day began."""
    seen = 0
    for name, bars in tables.items():
        if is_daily(bars.times_s, bars.timeframe) or not any(bars.volume):
            continue
        seen += 1
        days = [eastern(time_s).date() for time_s in bars.times_s]
        frame = pd.DataFrame({"volume": bars.volume, "day": days})
        frame["worth"] = (
            (pd.Series(bars.high) + pd.Series(bars.low) + pd.Series(bars.close)) / 3 * frame.volume
        )
        sums = frame.groupby("day")[["worth", "volume"]].cumsum()
        high, low, close, volume = (np.array(part) for part in (bars.high, bars.low, bars.close, bars.volume))
        ours = vwap(high, low, close, volume, days)
        assert same(ours, (sums.worth / sums.volume).replace([np.inf, -np.inf], np.nan)), name
    assert seen >= 4
