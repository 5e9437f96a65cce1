"""Invented prices: seeded OHLCV bars that answer to the day's catalysts.

Pure: the time and what has happened come in as arguments. Every timeframe is cut from the same walk, so
that they agree. Bars of a day start at midnight Eastern. Half days are traded like full ones.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING

from catalyst_ray.core.market_hours import EASTERN, holidays
from catalyst_ray.demo.companies import companies

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from catalyst_ray.demo.companies import Company

TIMEFRAME_DAYS = {"1D": 1, "5D": 5, "1M": 21, "3M": 63, "1Y": 252}
_INTRADAY_BAR_S = {"1D": 300, "5D": 1800}
_BAR_S = 300
_OPEN_S, _BELL_S, _CLOSE_S, _END_S = 4 * 3600, 34_200, 16 * 3600, 20 * 3600
_BARS_A_DAY = (_END_S - _OPEN_S) // _BAR_S
_MIN_BARS_TODAY = 12
"""Before 05:00 Eastern today has too little to show: the last full day is shown."""
_OFF_HOURS_LEAD_BARS = 3
"""A catalyst outside the session moves the last bars shown."""


@dataclass(frozen=True, slots=True)
class Shock:
    """A catalyst's effect on the price from ``at_utc`` on; ``pct`` is signed."""

    at_utc: datetime
    pct: float


@dataclass(frozen=True, slots=True)
class Row:
    """One bar; ``time_s`` is its start in epoch seconds."""

    time_s: int
    open: float
    high: float
    low: float
    close: float
    volume: float


def price_table(
    seed: int, ticker: str, timeframe: str, *, now_utc: datetime, shocks: Sequence[Shock] = ()
) -> dict[str, object] | None:
    """Return the bars of a ticker up to now as columns, or None for an unknown ticker or timeframe."""
    company = next((one for one in companies() if one.ticker == ticker), None)
    if company is None or timeframe not in TIMEFRAME_DAYS:
        return None
    rows, previous_close = _rows(seed, company, timeframe, now_utc, shocks)
    return {
        "ticker": ticker,
        "timeframe": timeframe,
        "times": [row.time_s for row in rows],
        "open": [_cents(row.open) for row in rows],
        "high": [_cents(row.high) for row in rows],
        "low": [_cents(row.low) for row in rows],
        "close": [_cents(row.close) for row in rows],
        "volume": [round(row.volume) for row in rows],
        "previous_close": _cents(previous_close),
    }


def _rows(
    seed: int, company: Company, timeframe: str, now_utc: datetime, shocks: Sequence[Shock]
) -> tuple[list[Row], float]:
    days = _trading_days(now_utc, TIMEFRAME_DAYS[timeframe])
    today = days[-1]
    closes = _closes(seed, company, today, len(days))
    last = _shocked(_session(seed, company, today, closes[-2]), now_utc, shocks)
    if timeframe in _INTRADAY_BAR_S:
        earlier = [
            row
            for day, before in zip(days[:-1], closes, strict=False)
            for row in _session(seed, company, day, before)
        ]
        size_s = _INTRADAY_BAR_S[timeframe]
        groups = groupby([*earlier, *last], key=lambda row: row.time_s // size_s * size_s)
        return [_merged(start_s, rows) for start_s, rows in groups], closes[-2]
    daily = [
        _merged(_midnight_s(day), _session(seed, company, day, before))
        for day, before in zip(days[:-1], closes, strict=False)
    ]
    return [*daily, _merged(_midnight_s(today), last)], closes[-2]


def _trading_days(now_utc: datetime, count: int) -> list[date]:
    """Return the last ``count`` trading days, the last of which has enough bars to show."""
    now = now_utc.astimezone(EASTERN)
    day = now.date()
    if (now.hour * 3600 + now.minute * 60 - _OPEN_S) // _BAR_S < _MIN_BARS_TODAY:
        day -= timedelta(days=1)
    found: list[date] = []
    while len(found) < count:
        if _trades(day):
            found.append(day)
        day -= timedelta(days=1)
    return found[::-1]


def _trades(day: date) -> bool:
    return day.weekday() < 5 and day not in holidays(day.year)


def _closes(seed: int, company: Company, today: date, days: int) -> list[float]:
    """Return closes of the ``days`` + 1 sessions up to today's; the one before today is the usual price."""
    back = [company.price_usd]
    day = today
    while len(back) < days:
        day -= timedelta(days=1)
        if _trades(day):
            back.append(back[-1] / math.exp(_day_return(seed, company, day)))
    return [*back[::-1], company.price_usd * math.exp(_day_return(seed, company, today))]


def _dice(seed: int, company: Company, day: date, use: str) -> random.Random:
    return random.Random(f"{seed}:{company.ticker}:{day.toordinal()}:{use}")  # noqa: S311  (a toy's dice)


def _day_return(seed: int, company: Company, day: date) -> float:
    return _dice(seed, company, day, "return").gauss(0.0, _daily_swing(company))


def _daily_swing(company: Company) -> float:
    """Return the usual daily move: cheap shares move more."""
    return 0.012 + 0.05 / (1 + company.price_usd)


def _intraday_swing(company: Company) -> float:
    """Return how far a price wanders within a day, whatever it ends at."""
    return 0.03 + 0.09 / (1 + company.price_usd)


@lru_cache(maxsize=2048)
def _session(seed: int, company: Company, day: date, before: float) -> tuple[Row, ...]:
    """Return a day's 5-minute bars from 04:00 to 20:00 Eastern, a bridge from one close to the next."""
    dice = _dice(seed, company, day, "bars")
    start_s = int(datetime.combine(day, time(4), EASTERN).astimezone(UTC).timestamp())
    weights = [_activity(_OPEN_S + number * _BAR_S) for number in range(_BARS_A_DAY)]
    steps = [dice.gauss(0.0, math.sqrt(weight)) for weight in weights]
    total = sum(weights)
    scale = _intraday_swing(company) / math.sqrt(total)
    drift = _day_return(seed, company, day) - scale * sum(steps)
    volume_a_day = company.shares_m * 1e6 * 0.011 * dice.lognormvariate(0.0, 0.35)
    rows, price = [], before
    for number, (step, weight) in enumerate(zip(steps, weights, strict=True)):
        opened = price
        price *= math.exp(scale * step + drift * weight / total)
        wick = opened * scale * math.sqrt(weight) * 0.8
        high = max(opened, price) + wick * dice.random()
        low = max(0.01, min(opened, price) - wick * dice.random())
        volume = volume_a_day * weight / total * dice.lognormvariate(0.0, 0.5)
        rows.append(Row(start_s + number * _BAR_S, opened, high, low, price, max(volume, 100.0)))
    return tuple(rows)


def _activity(second: int) -> float:
    """Return how busy trading is at a second of the day: a U over the session, thin outside it."""
    if not _BELL_S <= second < _CLOSE_S:
        return 0.16
    from_middle = abs(second - (_BELL_S + _CLOSE_S) / 2) / ((_CLOSE_S - _BELL_S) / 2)
    return 0.55 + 1.2 * from_middle**2


def _shocked(rows: Sequence[Row], now_utc: datetime, shocks: Sequence[Shock]) -> list[Row]:
    """Return the bars up to now, moved by each catalyst from its time on, on a surge of volume."""
    seen = [row for row in rows if row.time_s <= now_utc.timestamp()]
    for shock in shocks:
        at_s = shock.at_utc.timestamp()
        first = next((number for number, row in enumerate(seen) if at_s < row.time_s + _BAR_S), len(seen))
        first = min(first, len(seen) - 1)
        if at_s >= seen[-1].time_s + _BAR_S:
            first = max(0, len(seen) - _OFF_HOURS_LEAD_BARS)
        seen[first:] = [_moved(row, bar, shock.pct / 100) for bar, row in enumerate(seen[first:])]
    return seen


def _moved(row: Row, bars_after: int, move: float) -> Row:
    """Return a bar moved by a catalyst: most of the move comes in the first bar, the rest in the next ones."""
    done = move * (1 - 0.28 * 0.6**bars_after)
    before = 0.0 if bars_after == 0 else move * (1 - 0.28 * 0.6 ** (bars_after - 1))
    opened, close = row.open * (1 + before), row.close * (1 + done)
    spread = abs(move) * 0.06 / (1 + bars_after) * row.close
    surge = 1 + 60 * abs(move) ** 0.5 * 0.82**bars_after
    # Even a thin hour trades in size on news.
    volume = max(row.volume, 2_000.0) * surge
    high = max(opened, close, row.high * (1 + min(before, done))) + spread
    low = min(opened, close, row.low * (1 + max(before, done))) - spread
    return Row(row.time_s, opened, high, max(0.01, low), close, volume)


def _merged(start_s: int, rows: Iterable[Row]) -> Row:
    bars = list(rows)
    return Row(
        start_s,
        bars[0].open,
        max(bar.high for bar in bars),
        min(bar.low for bar in bars),
        bars[-1].close,
        sum(bar.volume for bar in bars),
    )


def _midnight_s(day: date) -> int:
    return int(datetime.combine(day, time(), EASTERN).timestamp())


def _cents(price: float) -> float:
    return round(max(price, 0.01), 2 if price >= 1 else 4)
