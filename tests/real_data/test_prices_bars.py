"""Real minute and daily bars, and broken ones beside their repaired twins."""

from __future__ import annotations

import asyncio
import csv
import math
from dataclasses import replace
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

import pytest

from catalyst_ray.adapters.prices_folder import CsvPrices, ParquetPrices
from catalyst_ray.core.bar_repair import clean_bars
from catalyst_ray.core.bar_splits import undo_splits
from catalyst_ray.core.bar_windows import TIMEFRAMES, select_timeframe
from catalyst_ray.core.bars import Bar, eastern, is_daily, rows_of, with_rows
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


def daily_files(prices: Path) -> list[Path]:
    """Return the files of daily bars."""
    return [
        path
        for path in sorted(prices.rglob("*.csv"))
        if not {"minute", "IDay", "1h"} & set(path.stem.replace("_", "-").split("-"))
        and "minute" not in path.parent.name
    ]


def test_the_one_split_in_the_files_is_undone_and_nothing_else(prices):
    """Of all days one began with an unadjusted split, one has an odd open; crashes and special dividends stay."""
    found = {}
    for path in sorted(prices.rglob("*.csv")):
        bars, _ = clean_bars(read(path))
        whole, reasons = undo_splits(bars)
        if reasons:
            found[path.name] = [(reason.code, reason.detail[:7]) for reason in reasons]
            assert max(max(a / b, b / a) for a, b in pairwise(whole.close)) < 1.4, path.name
        else:
            assert whole == bars, path.name
    assert found == {"ibm.csv": [("split_adjusted", "2 for 1"), ("bars_spike", "a day's")]}


def test_a_split_or_crash_put_into_real_bars_is_told_apart(prices):
    """Half the price on a usual day's money is a split; on five times that money it is news, wherever it falls."""
    split = crash = 0
    for path in daily_files(prices):
        if "bad" in path.parent.name:
            continue
        bars, _ = undo_splits(clean_bars(read(path))[0])
        rows = rows_of(bars)
        for at in range(40, len(rows) - 1, 97):
            before, after = rows[at - 30 : at], rows[at : at + 5]
            doubled = [Bar(r.time_s, *(2 * p for p in r[1:5]), r.volume / 2) for r in before]
            _, reasons = undo_splits(with_rows(replace(bars, splits=()), doubled + after))
            split += [reason.code for reason in reasons] == ["split_adjusted"]
            money = 5 * median(row.volume * row.close for row in before)
            news = [after[0]._replace(volume=money / after[0].close), *after[1:]]
            _, reasons = undo_splits(with_rows(replace(bars, splits=()), doubled + news))
            assert reasons == (), (path.name, at)
            crash += 1
    assert split / crash > 0.9


def test_parquet_says_what_csv_says(prices, tmp_path):
    """Each daily file with plain dates, written as Parquet with its columns as they are, gives the same window."""
    csv_module = pytest.importorskip("pyarrow.csv")
    parquet = pytest.importorskip("pyarrow.parquet")
    for path in daily_files(prices):
        if "bad" in path.parent.name:  # Arrow's reader of CSV turns their offsets into UTC
            continue
        parquet.write_table(csv_module.read_csv(path), tmp_path / "REAL.parquet")
        (tmp_path / "REAL.csv").write_bytes(path.read_bytes())
        ours, theirs = (asyncio.run(kind(tmp_path).bars("REAL", "1Y")) for kind in (ParquetPrices, CsvPrices))
        assert replace(ours, source="csv") == theirs, path.name
