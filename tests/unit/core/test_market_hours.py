"""The NYSE calendar by rule, against days that the exchange published."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalyst_ray.core.market_hours import (
    EASTERN,
    Session,
    closes_early,
    holidays,
    session,
    session_bounds,
    trading_day,
)

PUBLISHED = {
    2010: ["01-01", "01-18", "02-15", "04-02", "05-31", "07-05", "09-06", "11-25", "12-24"],
    2012: ["01-02", "01-16", "02-20", "04-06", "05-28", "07-04", "09-03", "10-29", "10-30", "11-22", "12-25"],
    2021: ["01-01", "01-18", "02-15", "04-02", "05-31", "07-05", "09-06", "11-25", "12-24"],
    2022: ["01-17", "02-21", "04-15", "05-30", "06-20", "07-04", "09-05", "11-24", "12-26"],
    2023: ["01-02", "01-16", "02-20", "04-07", "05-29", "06-19", "07-04", "09-04", "11-23", "12-25"],
    2024: ["01-01", "01-15", "02-19", "03-29", "05-27", "06-19", "07-04", "09-02", "11-28", "12-25"],
    2025: ["01-01", "01-09", "01-20", "02-17", "04-18", "05-26", "06-19", "07-04", "09-01", "11-27", "12-25"],
    2026: ["01-01", "01-19", "02-16", "04-03", "05-25", "06-19", "07-03", "09-07", "11-26", "12-25"],
    2027: ["01-01", "01-18", "02-15", "03-26", "05-31", "06-18", "07-05", "09-06", "11-25", "12-24"],
    2028: ["01-17", "02-21", "04-14", "05-29", "06-19", "07-04", "09-04", "11-23", "12-25"],
}
SHORT = {
    2012: ["07-03", "11-23", "12-24"],
    2013: ["07-03", "11-29", "12-24"],
    2021: ["11-26"],
    2024: ["07-03", "11-29", "12-24"],
    2025: ["07-03", "11-28", "12-24"],
    2026: ["11-27", "12-24"],
    2027: ["11-26"],
}


def eastern(text: str) -> datetime:
    """Return a New York wall-clock time as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=EASTERN).astimezone(UTC)


def days_of(year: int) -> list[date]:
    """Return the days of a year."""
    return [date(year, 1, 1) + timedelta(days=n) for n in range(365)]


@pytest.mark.parametrize("year", PUBLISHED)
def test_holidays_are_those_the_exchange_published(year):
    """The rules, with observed days and one-off closures, give every published closed day and no other."""
    assert holidays(year) == {date.fromisoformat(f"{year}-{day}") for day in PUBLISHED[year]}


@pytest.mark.parametrize("year", SHORT)
def test_early_closes_are_those_the_exchange_published(year):
    """Exactly the published days end at 13:00."""
    assert [day for day in days_of(year) if closes_early(day)] == [
        date.fromisoformat(f"{year}-{day}") for day in SHORT[year]
    ]


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2026-03-04T03:59:59", Session.CLOSED),
        ("2026-03-04T04:00", Session.PRE),
        ("2026-03-04T09:29:59", Session.PRE),
        ("2026-03-04T09:30", Session.REGULAR),
        ("2026-03-04T15:59:59", Session.REGULAR),
        ("2026-03-04T16:00", Session.AFTER),
        ("2026-03-04T20:00", Session.CLOSED),
        ("2026-03-07T12:00", Session.CLOSED),
        ("2026-07-03T12:00", Session.CLOSED),
        ("2026-11-27T12:59", Session.REGULAR),
        ("2026-11-27T13:00", Session.AFTER),
        ("2026-11-27T17:00", Session.CLOSED),
    ],
)
def test_sessions_begin_and_end_on_eastern_clock(when, expected):
    """Each session holds its first second and not its end; weekends, holidays and short days count."""
    assert session(eastern(when)) is expected


def test_summer_time_moves_the_open_in_utc():
    """The open is 14:30 UTC in winter and 13:30 in summer."""
    winter, summer = session_bounds(date(2026, 3, 6)), session_bounds(date(2026, 3, 9))
    assert winter is not None
    assert summer is not None
    assert (winter.open_utc.hour, summer.open_utc.hour) == (14, 13)


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2026-03-04T02:00", "2026-03-04"),
        ("2026-03-04T19:59", "2026-03-04"),
        ("2026-03-04T20:00", "2026-03-05"),
        ("2026-03-06T21:00", "2026-03-09"),
        ("2026-07-02T20:30", "2026-07-06"),
    ],
)
def test_trading_day_is_the_day_that_news_meets(when, expected):
    """News after the last session, on weekends and on holidays belongs to the next trading day."""
    assert trading_day(eastern(when)) == date.fromisoformat(expected)


def test_naive_times_are_refused():
    """A time without zone would be read in the wrong one, so it is an error."""
    naive = datetime(2026, 3, 4, 12)  # noqa: DTZ001  (that it is naive is the case)
    for ask in (session, trading_day):
        with pytest.raises(ValueError, match="zone"):
            ask(naive)


@given(st.datetimes(datetime(1998, 1, 1), datetime(2099, 12, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_session_agrees_with_bounds_at_any_time(when):
    """Whatever the instant, it trades only between the bounds of the trading day it belongs to."""
    bounds = session_bounds(trading_day(when))
    assert bounds is not None
    assert when < bounds.after_close_utc
    assert (session(when) is Session.CLOSED) == (when < bounds.pre_open_utc)
