"""The quote that price bars make."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from catalyst_ray.core.bars import Bar, bars_of, midnight_s
from catalyst_ray.core.quote import MAX_AGE, quote_of

if TYPE_CHECKING:
    from catalyst_ray.models import Bars

NOW_UTC = datetime(2026, 3, 18, 15, 0, tzinfo=UTC)
"""A Wednesday, 11:00 in New York."""


def days(*volumes: float, last: date = date(2026, 3, 18)) -> Bars:
    """Return one daily bar a volume, the last on ``last``; closes count from 1."""
    rows = [
        Bar(midnight_s(last - timedelta(days=len(volumes) - 1 - n)), 1, 9, 1, n + 1.0, volume)
        for n, volume in enumerate(volumes)
    ]
    return bars_of(rows, ticker="NRV", timeframe="1M", source="test")


def minutes(close: float, ago: timedelta) -> Bars:
    """Return one bar of a minute."""
    at_s = int((NOW_UTC - ago).timestamp())
    return bars_of([Bar(at_s, 1, 9, 1, close, 10)], ticker="NRV", timeframe="1D", source="test")


def test_the_price_is_the_newest_and_has_its_time() -> None:
    """The day's bars tell the price; without them the daily ones do."""
    both = quote_of("NRV", intraday=minutes(7.5, timedelta(minutes=3)), daily=days(10, 20), now_utc=NOW_UTC)
    assert (both.price_usd, both.as_of_utc) == (7.5, NOW_UTC - timedelta(minutes=3))
    assert quote_of("NRV", intraday=None, daily=days(10, 20), now_utc=NOW_UTC).price_usd == 2.0


def test_a_day_that_is_not_over_makes_no_average() -> None:
    """Today's first hours would make every share thin; after the last session today counts."""
    made = [
        quote_of("NRV", intraday=None, daily=days(100, 200, 3), now_utc=NOW_UTC + timedelta(hours=hours))
        for hours in (0, 10)
    ]
    assert [quote.average_volume for quote in made] == [150, 101]


def test_no_volume_is_not_a_volume_of_zero() -> None:
    """A table without volumes says nothing; one with a quiet day does."""
    assert quote_of("NRV", intraday=None, daily=days(0, 0, 0), now_utc=NOW_UTC).average_volume is None
    assert quote_of("NRV", intraday=None, daily=days(0, 10, 0), now_utc=NOW_UTC).average_volume == 5


def test_an_old_price_is_no_price() -> None:
    """A file that nobody renews, or a share long halted, gives none, and says from when it is."""
    old = quote_of("NRV", intraday=minutes(7.5, MAX_AGE + timedelta(hours=1)), daily=None, now_utc=NOW_UTC)
    assert old.price_usd is None
    assert old.as_of_utc is not None


def test_nothing_makes_an_empty_quote() -> None:
    """No bars, or empty ones, are no figures."""
    for bars in (None, days()):
        made = quote_of("NRV", intraday=bars, daily=bars, now_utc=NOW_UTC)
        assert (made.price_usd, made.average_volume, made.as_of_utc) == (None, None, None)


def test_days_before_the_window_make_no_average() -> None:
    """Bars that only the averages of a chart need are not of the last month."""
    month = days(900, 900, 100, 300, 5)
    shown = replace(month, shown_from_s=month.times_s[2])
    assert quote_of("NRV", intraday=None, daily=shown, now_utc=NOW_UTC).average_volume == 200
