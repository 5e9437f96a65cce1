"""Price tables as columns, CSV text and the JSON of a price server, read into bars.

Owns what columns and times may be called. Does not clean what it reads, open files or ask servers.
"""

from __future__ import annotations

import csv
import json
import math
import re
from dataclasses import replace
from datetime import UTC, date, datetime, time, tzinfo
from itertools import islice
from typing import TYPE_CHECKING, Any

from catalyst_ray.core.bars import Bar, bars_of, eastern, midnight_s
from catalyst_ray.core.market_hours import EASTERN
from catalyst_ray.errors import ParseError
from catalyst_ray.models import Split

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from catalyst_ray.models import Bars

_HEADERS = {
    "time": (
        "datetime",
        "timestamp",
        "date",
        "time",
        "time_et",
        "t",
        "ts",
        "index",
        "__index_level_0__",
        "price",
        "",
    ),
    "open": ("open", "o", "1. open"),
    "high": ("high", "h", "2. high"),
    "low": ("low", "l", "3. low"),
    "close": ("close", "c", "4. close"),
    "volume": ("volume", "vol", "v", "5. volume"),
    "split": ("stock splits", "splits", "split"),
}
"""What people call the columns. pandas leaves an index unnamed; yfinance writes "Price" over it."""
_PRICE_HEADERS = ("open", "high", "low", "close")
_OPTIONAL = ("volume", "split")
_PAIR = re.compile(r"\('([^']*)', '[^']*'\)")
"""A column of a table of several tickers, as pandas writes its name into Parquet."""
_MOST_SPLIT = 1_000.0
_DATE_STYLES = ("%m/%d/%Y", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M %p")
_EPOCH = re.compile(r"\d{9,19}(\.\d+)?")
_EPOCH_UNITS = ((1e11, 1.0), (1e14, 1e3), (1e17, 1e6), (math.inf, 1e9))
"""Seconds, or thousandths, millionths, billionths of them: what is below the first figure is of that unit."""
_MAX_BARS = 1_000_000
_TICKER = re.compile(r"[A-Z0-9][A-Z0-9.\-]{0,14}")


def normal_ticker(text: str) -> str | None:
    """Return a ticker in capitals, or None if it could not be one (and so no file name or URL part)."""
    ticker = text.strip().upper()
    return ticker if _TICKER.fullmatch(ticker) and ".." not in ticker else None


def parse_price_csv(text: str, *, ticker: str, timeframe: str, source: str = "csv") -> Bars:
    """Read a table with a header line: a time, open, high, low, close and perhaps volume, in any order.

    Times are ISO 8601, US dates or epoch seconds or milliseconds. One without an offset is US/Eastern. Where
    every row says midnight, or no time at all, rows are trading days whatever their offset. A row without
    a readable time is left out; a figure that cannot be read is NaN.

    Raises:
        ParseError: A needed column is missing, or no row can be read.
    """
    try:
        lines = csv.reader(text.lstrip("\ufeff").splitlines())
        found = find_columns(next(lines, []), ticker)
        rows = [row for row in islice(lines, _MAX_BARS) if len(row) > max(found.values())]
    except csv.Error as error:
        raise ParseError(f"no CSV: {error}", key=ticker) from error
    columns = {name: [row[index] for row in rows] for name, index in found.items()}
    return bars_of_columns(columns, ticker=ticker, timeframe=timeframe, source=source, zone=EASTERN)


def find_columns(header: Sequence[str], ticker: str) -> dict[str, int]:
    """Return where the columns of a price table stand, by our own names for them: time, open … volume, split.

    Raises:
        ParseError: One is missing that is needed.
    """
    names = [_PAIR.sub(r"\1", name).strip().lower() for name in header]
    found = {}
    for ours, theirs in _HEADERS.items():
        name = next((name for name in theirs if name in names), None)
        if name is not None:
            found[ours] = names.index(name)
    missing = [name for name in _HEADERS if name not in found and name not in _OPTIONAL]
    if missing:
        raise ParseError(
            f"no column {', '.join('date' if name == 'time' else name for name in missing)}",
            key=ticker,
            hint="the columns must be named Date, Open, High, Low, Close, and may be Volume and Stock Splits",
        )
    return found


def bars_of_columns(
    columns: Mapping[str, Sequence[object]], *, ticker: str, timeframe: str, source: str, zone: tzinfo
) -> Bars:
    """Return the bars of columns as ``find_columns`` names them; a time without an offset is of ``zone``'s clock.

    Raises:
        ParseError: No row has a readable time.
    """
    moments = [read_moment(value) for value in columns["time"]]
    daily = all(moment.time() == time() for moment in moments if moment)
    times_s = [_epoch_s(moment, daily=daily, zone=zone) if moment else None for moment in moments]
    names = [*_PRICE_HEADERS, *(("volume",) if "volume" in columns else ())]
    rows = zip(*([_number(value) for value in columns[name]] for name in names), strict=True)
    volume = () if "volume" in columns else (0.0,)
    bars = [Bar(when, *row, *volume) for when, row in zip(times_s, rows, strict=True) if when is not None]
    if not bars:
        raise ParseError("no row with a readable time", key=ticker)
    table = bars_of(bars, ticker=ticker, timeframe=timeframe, source=source)
    return replace(table, splits=_splits(times_s, columns.get("split", ())))


def _splits(times_s: Sequence[int | None], ratios: Sequence[object]) -> tuple[Split, ...]:
    named = ((time_s, _number(ratio)) for time_s, ratio in zip(times_s, ratios, strict=False))
    return tuple(
        Split(day=eastern(time_s).date(), ratio=ratio)
        for time_s, ratio in named
        if time_s is not None and ratio != 1 and 1 / _MOST_SPLIT <= ratio <= _MOST_SPLIT
    )


def parse_price_json(body: bytes, *, ticker: str, timeframe: str, source: str = "http") -> Bars:
    """Read a price server's answer: ``times`` (epoch s), the five columns, and ``previous_close`` or null.

    Raises:
        ParseError: It is no such object.
    """
    try:
        answer: Any = json.loads(body)
        names = ("times", *_PRICE_HEADERS, "volume")
        times_s, *columns = ([_number(value) for value in _array(answer[name])] for name in names)
        previous = answer.get("previous_close")
        rows = zip((int(t) if math.isfinite(t) else 0 for t in times_s), *columns, strict=True)
        bars = [Bar(*row) for row in rows]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ParseError(f"no price table: {type(error).__name__}", key=ticker) from error
    close = None if previous is None else _number(previous)
    return bars_of(bars, ticker=ticker, timeframe=timeframe, source=source, previous_close=close)


def _array(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("no JSON array")
    return value


def read_moment(value: object) -> datetime | None:
    """Return a time of a table: a date is its midnight; naive where no offset is given; None where it is none."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time())
    text = str(value).strip()
    try:
        if _EPOCH.fullmatch(text):
            count = float(text)
            return datetime.fromtimestamp(
                count / next(unit for below, unit in _EPOCH_UNITS if count < below), UTC
            )
        return datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return _american(text)


def _american(text: str) -> datetime | None:
    for style in _DATE_STYLES:
        try:
            return datetime.strptime(text, style)  # noqa: DTZ007  (whose clock it is, the caller knows)
        except ValueError:
            continue
    return None


def _epoch_s(moment: datetime, *, daily: bool, zone: tzinfo) -> int:
    if daily:
        return midnight_s(moment.date())
    aware = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return int(aware.timestamp())


def _number(value: object) -> float:
    if isinstance(value, str):
        value = value.replace(",", "").replace("$", "").strip()
    try:
        return math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (ValueError, TypeError, OverflowError):
        return math.nan
