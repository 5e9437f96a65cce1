"""Real minute and daily bars, and broken ones beside their repaired twins."""

from __future__ import annotations

import csv
import math
from typing import TYPE_CHECKING

import pytest

from catalyst_ray.core.bar_repair import clean_bars
from catalyst_ray.core.bar_windows import TIMEFRAMES, select_timeframe
from catalyst_ray.core.bars import eastern, is_daily, rows_of
from catalyst_ray.core.charts import draw_chart
from catalyst_ray.core.price_table import parse_price_csv
from catalyst_ray.models import Bars, ChartRequest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def prices(data_dir) -> Path:
    """Return the folder of price files."""
    folder = data_dir / "06_ohlcv"
    if not folder.is_dir():
        pytest.skip(f"no price files at {folder}")
    return folder


def read(path: Path) -> Bars:
    """Return a file's bars as they stand there."""
    return parse_price_csv(path.read_text(errors="replace"), ticker="REAL", timeframe="1D")


def test_every_file_is_read_cleaned_and_drawn(prices):
    """Each file keeps its rows with a close, comes out sound, and gives a chart for every timeframe."""
    files = sorted(prices.rglob("*.csv"))
    assert files
    for path in files:
        bars, _ = clean_bars(read(path))
        with path.open(errors="replace") as lines:
            closes = [row["Close" if "Close" in row else "close"] for row in csv.DictReader(lines)]
        assert len(bars) == sum(bool(close) and math.isfinite(float(close)) for close in closes), path.name
        for row in rows_of(bars):
            assert row.low <= min(row.open, row.close) <= max(row.open, row.close) <= row.high, path.name
        for timeframe in TIMEFRAMES:
            window = select_timeframe(bars, timeframe)
            assert draw_chart(ChartRequest(bars=window)).startswith(b"\x89PNG"), (path.name, timeframe)


def test_good_files_need_no_repair(prices):
    """Bars from exchanges and good archives pass unchanged: repair does not touch what is right."""
    good = [path for path in sorted(prices.rglob("*.csv")) if "bad" not in path.parent.name]
    assert good
    for path in good:
        bars = read(path)
        assert clean_bars(bars)[1] == (), path.name


def test_unit_errors_are_repaired_as_in_their_twins(prices):
    """Every file broken by a factor of 100 equals its repaired twin after cleaning."""
    twins = [
        (path, fixed)
        for path in sorted((prices / "yfinance_bad_bars").glob("*.csv"))
        if ("unit" in path.name or "100x" in path.name)
        and (fixed := path.with_name(f"{path.stem}-fixed.csv")).exists()
    ]
    assert twins
    for broken, fixed in twins:
        mended, reasons = clean_bars(read(broken))
        expected, _ = clean_bars(read(fixed))
        assert "unit_error" in {reason.code for reason in reasons}, broken.name
        assert mended.times_s == expected.times_s, broken.name
        for column in ("open", "high", "low", "close"):
            assert getattr(mended, column) == pytest.approx(getattr(expected, column), rel=1e-4), broken.name


def test_dividend_errors_leave_prices_alone(prices):
    """A wrong adjusted close does not show: each such file's bars equal its repaired twin's."""
    for fixed in sorted((prices / "yfinance_bad_bars").glob("*bad-div-fixed.csv")):
        broken = fixed.with_name(fixed.name.replace("-fixed", ""))
        assert clean_bars(read(broken))[0] == clean_bars(read(fixed))[0], broken.name


def test_minute_files_keep_their_clock(prices):
    """Minute bars keep the Eastern times written in the file, and 5-minute bars their volume."""
    for path in sorted((prices / "lean_minute").glob("*.csv")):
        bars = read(path)
        with path.open() as lines:
            written = [row["time_et"] for row in csv.DictReader(lines)]
        assert [f"{eastern(t):%Y-%m-%dT%H:%M:%S}" for t in bars.times_s] == written, path.name
        assert not is_daily(bars.times_s, "1D")
        day = select_timeframe(bars, "1D")
        assert sum(day.volume) == pytest.approx(sum(bars.volume)), path.name
        assert {t % 300 for t in day.times_s} == {0}
