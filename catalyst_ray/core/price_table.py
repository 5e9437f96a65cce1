"""Price tables as text: CSV files and the JSON of a price server, read into bars.

Owns both formats. Does not clean what it reads, open files or ask servers.
"""

from __future__ import annotations

import csv
import json
import math
import re
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any

from catalyst_ray.core.bars import Bar, bars_of, midnight_s
from catalyst_ray.core.market_hours import EASTERN
from catalyst_ray.errors import ParseError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from catalyst_ray.models import Bars

_TIME_HEADERS = ("datetime", "timestamp", "date", "time", "time_et", "")  # pandas leaves an index unnamed
_PRICE_HEADERS = ("open", "high", "low", "close")
_DATE_STYLES = ("%m/%d/%Y", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M %p")
_EPOCH = re.compile(r"\d{9,13}(\.\d+)?")
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
        columns = _columns(next(lines, []), ticker)
        rows = [row for row in lines if len(row) > max(columns.values())]
    except csv.Error as error:
        raise ParseError(f"no CSV: {error}", key=ticker) from error
    read = [(moment, row) for row in rows[:_MAX_BARS] if (moment := _moment(row[columns["time"]]))]
    if not read:
        raise ParseError("no row with a readable time", key=ticker)
    daily = all(moment.time() == time() for moment, _ in read)
    bars = [_bar(_epoch_s(moment, daily=daily), row, columns) for moment, row in read]
    return bars_of(bars, ticker=ticker, timeframe=timeframe, source=source)


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


def _columns(header: Sequence[str], ticker: str) -> dict[str, int]:
    names = [name.strip().lower() for name in header]
    found = {name: names.index(name) for name in (*_PRICE_HEADERS, "volume") if name in names}
    stamp = next((name for name in _TIME_HEADERS if name in names), None)
    missing = [name for name in _PRICE_HEADERS if name not in found] + ["date"] * (stamp is None)
    if stamp is None or missing:
        raise ParseError(
            f"no column {', '.join(missing)}",
            key=ticker,
            hint="the first line must name Date, Open, High, Low, Close and may name Volume",
        )
    return {"time": names.index(stamp), **found}


def _moment(text: str) -> datetime | None:
    text = text.strip()
    try:
        if _EPOCH.fullmatch(text):
            seconds = float(text)
            return datetime.fromtimestamp(seconds / 1000 if seconds > 1e11 else seconds, UTC)
        return datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return _american(text)


def _american(text: str) -> datetime | None:
    for style in _DATE_STYLES:
        try:
            return datetime.strptime(text, style)  # noqa: DTZ007  (naive means Eastern, added by the caller)
        except ValueError:
            continue
    return None


def _epoch_s(moment: datetime, *, daily: bool) -> int:
    if daily:
        return midnight_s(moment.date())
    aware = moment if moment.tzinfo else moment.replace(tzinfo=EASTERN)
    return int(aware.timestamp())


def _bar(time_s: int, row: Sequence[str], columns: Mapping[str, int]) -> Bar:
    opened, high, low, close = (_number(row[columns[name]]) for name in _PRICE_HEADERS)
    volume = _number(row[columns["volume"]]) if "volume" in columns else 0.0
    return Bar(time_s, opened, high, low, close, volume)


def _number(value: object) -> float:
    if isinstance(value, str):
        value = value.replace(",", "").replace("$", "").strip()
    try:
        return math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (ValueError, TypeError, OverflowError):
        return math.nan
