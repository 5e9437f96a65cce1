"""Parquet price files in the shapes that people have them in, within bounds."""

from __future__ import annotations

import decimal
import sys
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from catalyst_ray.adapters import prices_folder
from catalyst_ray.adapters.prices_folder import CsvPrices, ParquetPrices
from catalyst_ray.core.bars import eastern
from catalyst_ray.errors import ConfigError, ParseError, TransportError

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

pytestmark = pytest.mark.anyio

OPENS = datetime(2025, 11, 21, 14, 30, tzinfo=UTC)  # 09:30 in New York
MINUTES = [OPENS + timedelta(minutes=5 * i) for i in range(12)]
PRICES = {"Open": [1.0] * 12, "High": [3.0] * 12, "Low": [1.0] * 12, "Close": [2.0] * 12, "Volume": [10] * 12}


def write(folder, times, *, name="ACME", time_name="Datetime", row_group_size=None, **columns) -> None:
    """Write a file of bars."""
    table = pa.table({time_name: times, **(PRICES | columns)})
    parquet.write_table(table, folder / f"{name}.parquet", row_group_size=row_group_size)


@pytest.mark.parametrize(
    "times",
    [
        pa.array(MINUTES, pa.timestamp("ns", tz="UTC")),
        pa.array(MINUTES, pa.timestamp("ms", tz="America/New_York")),
        pa.array([when.astimezone(ZoneInfo("Europe/London")) for when in MINUTES], pa.timestamp("us", tz="Europe/London")),
        pa.array([when.replace(tzinfo=None) for when in MINUTES], pa.timestamp("s")),  # no zone is UTC
        pa.array([int(when.timestamp()) for when in MINUTES]),
        pa.array([int(when.timestamp()) * 1000 for when in MINUTES]),
        pa.array([when.timestamp() for when in MINUTES], pa.float64()),
        pa.array([when.isoformat() for when in MINUTES]),
        pa.array([when.isoformat() for when in MINUTES]).dictionary_encode(),
    ],
    ids=["ns", "New York", "London", "naive", "seconds", "milliseconds", "floats", "text", "dictionary"],
)  # fmt: skip
async def test_times_of_every_type_are_the_same_moment(tmp_path, times):
    """A zone, none, a count since 1970 or words: the bars stand at the same minute."""
    write(tmp_path, times)
    bars = await ParquetPrices(tmp_path).bars("acme", "1D")
    assert bars.times_s == tuple(int(when.timestamp()) for when in MINUTES)
    assert (bars.close[-1], bars.volume[0], bars.source) == (2.0, 10.0, "parquet")


@pytest.mark.parametrize("naive", [False, True])
async def test_dates_are_trading_days(tmp_path, naive):
    """A date, or midnight without a zone, is that day in New York."""
    days = [date(2025, 11, 3) + timedelta(days=i) for i in range(12)]
    times = pa.array(days) if not naive else pa.array([datetime.combine(day, time()) for day in days])
    write(tmp_path, times, time_name="Date")
    bars = await ParquetPrices(tmp_path).bars("ACME", "1M")
    assert [eastern(when).date() for when in bars.times_s] == days


async def test_columns_and_figures_of_other_makers(tmp_path):
    """Lower case, decimals, pandas' pairs of names, splits and columns that are none of ours."""
    decimals = pa.array([decimal.Decimal("2.50")] * 12)
    table = {
        "__index_level_0__": MINUTES,
        **{f"('{name}', 'ACME')": values for name, values in PRICES.items()},
    }
    table["('Close', 'ACME')"] = decimals
    table["note"] = ["x" * 1000] * 12
    table["stock splits"] = [0.0] * 11 + [2.0]
    parquet.write_table(pa.table(table), tmp_path / "ACME.parquet")
    bars = await ParquetPrices(tmp_path).bars("ACME", "1D")
    assert bars.close == (2.5,) * 12
    assert [split.ratio for split in bars.splits] == [2.0]


async def test_files_are_found_as_for_csv(tmp_path):
    """The timeframe's own file comes first, a path finds nothing, another kind of file is not looked at."""
    write(tmp_path, MINUTES)
    write(tmp_path, MINUTES, name="ACME_5D", Close=[2.9] * 12)
    source = ParquetPrices(tmp_path)
    assert (await source.bars("ACME", "1D")).close[-1] == 2.0
    assert (await source.bars("ACME", "5D")).close[-1] == 2.9
    assert await source.bars("../ACME", "1D") is None
    assert await source.bars("NONE", "1D") is None
    assert await CsvPrices(tmp_path).bars("ACME", "1D") is None
    await source.close()


async def test_only_the_newest_row_groups_are_read(tmp_path, monkeypatch):
    """Of years of minutes a day needs the last months: older groups are left on the disk."""
    hours = [OPENS - timedelta(hours=6 * back) for back in range(4000, 0, -1)]
    columns = {name: [values[0]] * 4000 for name, values in PRICES.items()}
    write(tmp_path, hours, row_group_size=100, **columns)
    read: list[list[int]] = []
    original = parquet.ParquetFile.read_row_groups

    def reading(self, groups, **options):
        read.append(groups)
        return original(self, groups, **options)

    monkeypatch.setattr(parquet.ParquetFile, "read_row_groups", reading)
    bars = await ParquetPrices(tmp_path).bars("ACME", "1D")
    assert bars.times_s[-1] == hours[-1].timestamp()
    assert read == [[35, 36, 37, 38, 39]]  # 106 days of 4 bars


@pytest.mark.parametrize("as_text", [False, True])
async def test_only_the_newest_rows_are_made_bars(tmp_path, monkeypatch, as_text):
    """However many rows a group has and in whatever order, the newest are used, as many as a timeframe needs."""
    monkeypatch.setattr(prices_folder, "history_rows", lambda _: 5)
    made: list[int] = []
    original = prices_folder.bars_of_columns

    def making(columns, **options):
        made.append(len(columns["time"]))
        return original(columns, **options)

    monkeypatch.setattr(prices_folder, "bars_of_columns", making)
    times = [when.isoformat() for when in MINUTES[::-1]] if as_text else MINUTES[::-1]
    write(tmp_path, times)
    bars = await ParquetPrices(tmp_path).bars("ACME", "1D")
    assert bars.times_s[-5:] == tuple(int(when.timestamp()) for when in MINUTES[-5:])
    assert made == [12 if as_text else 5]


async def test_bounds_keep_the_newest_and_refuse_what_cannot_be_cut(tmp_path, monkeypatch):
    """Over the bound of rows the newest groups are read; one group beyond it, and a huge file, are refused."""
    write(tmp_path, MINUTES, row_group_size=4)
    monkeypatch.setattr(prices_folder, "_MAX_ROWS", 9)
    bars = await ParquetPrices(tmp_path).bars("ACME", "1D")
    assert bars.times_s == tuple(int(when.timestamp()) for when in MINUTES[4:])
    monkeypatch.setattr(prices_folder, "_MAX_ROWS", 3)
    with pytest.raises(ParseError, match=r"row group is larger .*row_group_size"):
        await ParquetPrices(tmp_path).bars("ACME", "1D")
    monkeypatch.setattr(ParquetPrices, "max_bytes", 10)
    with pytest.raises(ParseError, match="larger than 10 bytes"):
        await ParquetPrices(tmp_path).bars("ACME", "1D")


async def test_a_folder_of_rubbish_is_told(tmp_path):
    """No Parquet, missing columns, unreadable times, odd types and an empty table: each a ParseError."""
    (tmp_path / "A.parquet").write_bytes(b"PAR1 no table PAR1")
    (tmp_path / "B.parquet").write_bytes(b"")
    parquet.write_table(pa.table({"Date": [1], "Open": [1.0]}), tmp_path / "C.parquet")
    write(tmp_path, ["soon"] * 12, name="D")
    write(tmp_path, MINUTES, name="E", Close=[[1.0]] * 12)
    parquet.write_table(pa.table({"Date": [], **{n: [] for n in PRICES}}), tmp_path / "F.parquet")
    whole = tmp_path / "G.parquet"
    write(tmp_path, MINUTES, name="G")
    whole.write_bytes(whole.read_bytes()[:200] + b"\x00" * 400 + whole.read_bytes()[600:])
    source = ParquetPrices(tmp_path)
    for ticker in "ABCDEFG":
        with pytest.raises(ParseError, match=ticker):
            await source.bars(ticker, "1D")


async def test_a_file_that_cannot_be_opened_is_a_transport_error(tmp_path, monkeypatch):
    """The disk's word is told with the file's name."""
    write(tmp_path, MINUTES)

    def failing(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(parquet, "ParquetFile", failing)
    with pytest.raises(TransportError, match=r"ACME\.parquet: Input/output error"):
        await ParquetPrices(tmp_path).bars("ACME", "1D")


async def test_missing_pyarrow_says_what_to_install(tmp_path, monkeypatch):
    """Without the extra the source is refused when it is made, with the command that mends it."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigError, match=r"pip install 'catalyst-ray\[parquet\]'"):
        ParquetPrices(tmp_path)
