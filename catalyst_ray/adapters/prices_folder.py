"""Price bars from a folder of CSV or Parquet files, one a ticker.

Owns finding and reading the files, within bounds. What columns may be called is ``core.price_table``'s, the choice of
bars ``core.bar_windows``'. Parquet needs pyarrow, which the extra ``parquet`` installs.
"""

from __future__ import annotations

import asyncio
import math
from abc import ABC, abstractmethod
from datetime import UTC
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalyst_ray.core.bar_intake import take_in
from catalyst_ray.core.bar_windows import check_timeframe, history_rows, history_s, select_timeframe
from catalyst_ray.core.extras import extra
from catalyst_ray.core.price_table import (
    bars_of_columns,
    find_columns,
    normal_ticker,
    parse_price_csv,
    read_moment,
)
from catalyst_ray.errors import ConfigError, ParseError, TransportError

if TYPE_CHECKING:
    from catalyst_ray.models import Bars

_MAX_CSV_BYTES = 64 * 1024 * 1024
_MAX_PARQUET_BYTES = 512 * 1024 * 1024  # on disk; what is read of it is bounded below
_MAX_READ_BYTES = 128 * 1024 * 1024
_MAX_ROWS = 500_000


class _FolderPrices(ABC):
    """Reads ``<TICKER>_<timeframe>.<kind>`` where there is one, else ``<TICKER>.<kind>``.

    Args:
        folder: Where the files are.

    Raises:
        ConfigError: The folder does not exist.
    """

    name: str
    max_bytes: int

    def __init__(self, folder: Path | str) -> None:
        self._folder = Path(folder)
        if not self._folder.is_dir():
            raise ConfigError(
                f"no folder {self._folder}", hint="make it, or set another folder of price files"
            )

    async def bars(self, ticker: str, timeframe: str) -> Bars | None:
        """Return the window of a timeframe; see ``PriceSource`` and ``core.bar_windows.select_timeframe``."""
        check_timeframe(timeframe)
        name = normal_ticker(ticker)
        return await asyncio.to_thread(self._load, name, timeframe) if name else None

    async def close(self) -> None:  # noqa: B027  (the port's; there is nothing to close)
        """Do nothing; no file stays open."""

    def _load(self, ticker: str, timeframe: str) -> Bars | None:
        names = (f"{ticker}_{timeframe}.{self.name}", f"{ticker}.{self.name}")
        path = next((path for name in names if (path := self._folder / name).is_file()), None)
        if path is None:
            return None
        try:
            if path.stat().st_size > self.max_bytes:
                raise ParseError(f"{path.name} is larger than {self.max_bytes} bytes", key=ticker)
            read = self._read(path, ticker, timeframe)
        except OSError as error:
            words = f"could not read {path.name}: {error.strerror or type(error).__name__}"
            raise TransportError(words, key=ticker) from error
        bars = take_in(read)
        return bars and select_timeframe(bars, timeframe)

    @abstractmethod
    def _read(self, path: Path, ticker: str, timeframe: str) -> Bars:
        """Return a file's bars as they stand there."""


class CsvPrices(_FolderPrices):
    """CSV files; times without an offset are US/Eastern."""

    name = "csv"
    max_bytes = _MAX_CSV_BYTES

    def _read(self, path: Path, ticker: str, timeframe: str) -> Bars:
        text = path.read_text(encoding="utf-8", errors="replace")
        return parse_price_csv(text, ticker=ticker, timeframe=timeframe, source=self.name)


class ParquetPrices(_FolderPrices):
    """Parquet files; times without a zone are UTC, as those who write instants leave it out.

    Only the columns of a price table are read, and only the row groups that hold the newest bars where the file's
    own statistics tell which do.

    Raises:
        ConfigError: pyarrow is not installed.
    """

    name = "parquet"
    max_bytes = _MAX_PARQUET_BYTES

    def __init__(self, folder: Path | str) -> None:
        super().__init__(folder)
        if find_spec("pyarrow") is None:
            raise ConfigError("pyarrow is not installed", hint=extra("parquet"))

    def _read(self, path: Path, ticker: str, timeframe: str) -> Bars:
        import pyarrow as pa  # noqa: PLC0415  (an extra)
        from pyarrow import parquet  # noqa: PLC0415

        try:
            with parquet.ParquetFile(path) as file:
                names = file.schema_arrow.names
                found = {ours: names[at] for ours, at in find_columns(names, ticker).items()}
                groups = _newest_groups(file, found, ticker, timeframe)
                table = file.read_row_groups(groups, columns=list(found.values()), use_threads=False)
            table = _newest_rows(table, found["time"], history_rows(timeframe))
            columns = {ours: _values(table.column(theirs)) for ours, theirs in found.items()}
        except ParseError:
            raise
        except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
            if isinstance(error, OSError) and error.errno is not None:  # the disk's fault, not the file's
                raise
            raise ParseError(
                f"{path.name} is no Parquet table: {type(error).__name__}", key=ticker
            ) from error
        return bars_of_columns(columns, ticker=ticker, timeframe=timeframe, source=self.name, zone=UTC)


def _newest_groups(file: Any, found: dict[str, str], ticker: str, timeframe: str) -> list[int]:
    """Return the row groups that hold the newest bars, as far back as a timeframe needs and the bounds allow."""
    groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
    last_s = [_last_time_s(group, found["time"]) for group in groups]
    since_s = max((one for one in last_s if math.isfinite(one)), default=0.0) - history_s(timeframe)
    wanted, size, rows = [], 0, 0
    for number in sorted(range(len(groups)), key=lambda number: (last_s[number], number), reverse=True):
        if last_s[number] < since_s:
            break
        parts = [part for part in _parts(groups[number]) if part.path_in_schema in found.values()]
        size += sum(part.total_uncompressed_size for part in parts)
        rows += groups[number].num_rows
        if size > _MAX_READ_BYTES or rows > _MAX_ROWS:
            break
        wanted.append(number)
    if groups and not wanted:
        raise ParseError(
            f"a row group is larger than {_MAX_ROWS} rows or {_MAX_READ_BYTES} bytes",
            key=ticker,
            hint="write the file with smaller ones: row_group_size=100_000 in pandas and pyarrow",
        )
    return sorted(wanted)


def _parts(group: Any) -> list[Any]:
    return [group.column(number) for number in range(group.num_columns)]


def _last_time_s(group: Any, name: str) -> float:
    """Return a row group's newest time by its statistics; infinite where there are none, so that it is read."""
    part = next(part for part in _parts(group) if part.path_in_schema == name)
    if not part.is_stats_set or not part.statistics.has_min_max:
        return math.inf
    moment = read_moment(part.statistics.max)
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() if moment else math.inf


def _newest_rows(table: Any, time: str, most: int) -> Any:
    """Return the newest rows of a table; those of a time that is text as they come, since text has no order of time."""
    import pyarrow as pa  # noqa: PLC0415  (an extra)
    from pyarrow import compute  # noqa: PLC0415

    kind = table.schema.field(time).type
    if table.num_rows <= most or not (pa.types.is_temporal(kind) or pa.types.is_primitive(kind)):
        return table
    return table.take(compute.select_k_unstable(table.select([time]), most, [(time, "descending")]))


def _values(column: Any) -> list[object]:
    """Return a column as Python's own values; its times to the microsecond."""
    import pyarrow as pa  # noqa: PLC0415  (an extra)

    kind = column.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_timestamp(kind):
        kind = pa.timestamp("us", tz=kind.tz)
    values: list[object] = column.cast(kind, safe=False).to_pylist()
    return values
