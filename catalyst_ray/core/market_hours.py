"""Owns when US shares trade: sessions, holidays and early closes of the NYSE calendar, which Nasdaq shares.

Holidays follow rules, for any year from 1998 (when Martin Luther King Day began to be kept); closures
that no rule foretells are a small table. Trading halts are not known here.
Source: NYSE Rule 7.2 and https://www.nyse.com/trade/hours-calendars.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

EASTERN = ZoneInfo("America/New_York")
_DAY = timedelta(days=1)
_MON, _THU, _SAT, _SUN = 0, 3, 5, 6

_PRE_OPEN, _OPEN = time(4, 0), time(9, 30)
_CLOSE, _AFTER_CLOSE = time(16, 0), time(20, 0)
_EARLY_CLOSE, _EARLY_AFTER_CLOSE = time(13, 0), time(17, 0)

_CLOSURES = frozenset(
    {
        *(date(2001, 9, day) for day in (11, 12, 13, 14)),  # attacks on New York
        date(2004, 6, 11),  # mourning: Reagan
        date(2007, 1, 2),  # mourning: Ford
        *(date(2012, 10, day) for day in (29, 30)),  # hurricane Sandy
        date(2018, 12, 5),  # mourning: G. H. W. Bush
        date(2025, 1, 9),  # mourning: Carter
    }
)
_SHORT_DAYS = frozenset({date(1999, 12, 31), date(2003, 12, 26)})


class Session(StrEnum):
    """The part of the trading day that an instant falls in."""

    PRE = "pre"
    REGULAR = "regular"
    AFTER = "after"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class SessionBounds:
    """The four times of a trading day, aware UTC; each session ends where the next begins."""

    pre_open_utc: datetime
    open_utc: datetime
    close_utc: datetime
    after_close_utc: datetime


def session(when_utc: datetime) -> Session:
    """Return the session at an instant; each begins with its first second and ends before its last.

    Raises:
        ValueError: ``when_utc`` is naive.
    """
    bounds = session_bounds(_eastern(when_utc).date())
    if bounds is None or not bounds.pre_open_utc <= when_utc < bounds.after_close_utc:
        return Session.CLOSED
    if when_utc < bounds.open_utc:
        return Session.PRE
    return Session.REGULAR if when_utc < bounds.close_utc else Session.AFTER


def trading_day(when_utc: datetime) -> date:
    """Return the day whose trading news of this instant meets: today until its last session ends, else the next.

    Raises:
        ValueError: ``when_utc`` is naive.
    """
    day = _eastern(when_utc).date()
    bounds = session_bounds(day)
    while bounds is None or when_utc >= bounds.after_close_utc:
        day += _DAY
        bounds = session_bounds(day)
    return day


@lru_cache(maxsize=64)
def session_bounds(day: date) -> SessionBounds | None:
    """Return the times of a day in New York, or None when the market is closed."""
    if day.weekday() >= _SAT or day in holidays(day.year):
        return None
    is_early = closes_early(day)
    times = (
        _PRE_OPEN,
        _OPEN,
        _EARLY_CLOSE if is_early else _CLOSE,
        _EARLY_AFTER_CLOSE if is_early else _AFTER_CLOSE,
    )
    return SessionBounds(*(datetime.combine(day, at, EASTERN).astimezone(UTC) for at in times))


@lru_cache(maxsize=16)
def holidays(year: int) -> frozenset[date]:
    """Return the days of a year, weekends apart, on which the market stays closed."""
    kept = {
        _weekday_of_month(year, 1, _MON, 3),  # Martin Luther King Day
        _weekday_of_month(year, 2, _MON, 3),  # Presidents' Day
        _easter(year) - 2 * _DAY,  # Good Friday
        _weekday_of_month(year, 6, _MON, 1) - 7 * _DAY,  # Memorial Day: the last Monday of May
        _observed(date(year, 7, 4)),
        _weekday_of_month(year, 9, _MON, 1),  # Labor Day
        _thanksgiving(year),
        _observed(date(year, 12, 25)),
    }
    if year >= 2022:
        kept.add(_observed(date(year, 6, 19)))  # Juneteenth
    new_year = date(year, 1, 1)
    # Rule 7.2: no Friday is kept for a Saturday when it ends an accounting period, as 31 December does.
    if new_year.weekday() != _SAT:
        kept.add(_observed(new_year))
    return frozenset(kept | {day for day in _CLOSURES if day.year == year})


def closes_early(day: date) -> bool:
    """Return whether a trading day ends at 13:00: before Independence Day and Christmas, after Thanksgiving."""
    if day.weekday() >= _SAT or day in holidays(day.year):
        return False
    independence = date(day.year, 7, 4)
    if independence.weekday() == _THU and day.year < 2013:
        half_day = independence + _DAY  # until 2012 the Friday after a Thursday holiday was the short day
    else:
        half_day = independence - _DAY
    is_eve = day == half_day and independence.weekday() < _SAT
    return (
        day in _SHORT_DAYS
        or is_eve
        or (day.month, day.day) == (12, 24)
        or day == _thanksgiving(day.year) + _DAY
    )


def _eastern(when_utc: datetime) -> datetime:
    if when_utc.tzinfo is None:
        raise ValueError(f"a time with its zone is needed, was {when_utc!r}")
    return when_utc.astimezone(EASTERN)


def _weekday_of_month(year: int, month: int, weekday: int, count: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (count - 1))


def _thanksgiving(year: int) -> date:
    return _weekday_of_month(year, 11, _THU, 4)


def _observed(day: date) -> date:
    """Return the Friday before a Saturday and the Monday after a Sunday."""
    return {_SAT: day - _DAY, _SUN: day + _DAY}.get(day.weekday(), day)


def _easter(year: int) -> date:
    """Return Easter Sunday (Meeus, Astronomical Algorithms, chapter 8; Gregorian calendar)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e, f = b // 4, b % 4, (b + 8) // 25
    g = (b - f + 1) // 3
    h = (19 * a + b - d - g + 15) % 30
    i, k = c // 4, c % 4
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)
