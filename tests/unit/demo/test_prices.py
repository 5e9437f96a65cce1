"""Invented prices: plausible bars that agree across timeframes and answer to catalysts."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalyst_ray.core.bar_repair import clean_bars
from catalyst_ray.core.bars import eastern
from catalyst_ray.core.price_table import parse_price_json
from catalyst_ray.demo.companies import companies
from catalyst_ray.demo.prices import TIMEFRAME_DAYS, Shock, price_table

NOW = datetime(2026, 11, 23, 18, 42, tzinfo=UTC)
TICKERS = [company.ticker for company in companies()]


def bars(ticker="HLVT", timeframe="1D", *, now_utc=NOW, shocks=()):
    """Return a table as the program reads it."""
    table = price_table(7, ticker, timeframe, now_utc=now_utc, shocks=shocks)
    return parse_price_json(json.dumps(table).encode(), ticker=ticker, timeframe=timeframe, source="demo")


@settings(max_examples=60, deadline=None)
@given(
    ticker=st.sampled_from(TICKERS),
    timeframe=st.sampled_from(["1D", "5D", "1M", "3M"]),
    now_utc=st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  (hypothesis wants naive bounds)
    pct=st.floats(-80, 80),
    age_s=st.floats(0, 90),
)
def test_bars_need_no_repair(ticker, timeframe, now_utc, pct, age_s):
    """Whatever the hour and the catalyst, the program's cleaner finds nothing to mend, and nothing is ahead of now."""
    made = bars(ticker, timeframe, now_utc=now_utc, shocks=[Shock(now_utc - timedelta(seconds=age_s), pct)])
    clean, repairs = clean_bars(made)
    assert repairs == ()
    assert clean == made
    assert len(made) >= 12
    assert made.times_s[-1] <= now_utc.timestamp()


@pytest.mark.parametrize("timeframe", TIMEFRAME_DAYS)
def test_timeframes_agree_on_the_last_price(timeframe):
    """Each timeframe ends at the same price and compares with the same previous close."""
    shock = [Shock(NOW - timedelta(minutes=3), 20.0)]
    day, other = bars(shocks=shock), bars(timeframe=timeframe, shocks=shock)
    assert (other.close[-1], other.previous_close) == (day.close[-1], day.previous_close)


@pytest.mark.parametrize("pct", [25.0, -25.0])
def test_a_catalyst_moves_price_and_volume(pct):
    """From the catalyst's bar on the price moves its way on a surge of volume; before it nothing changes."""
    at = NOW - timedelta(minutes=17)
    calm, moved = bars(), bars(shocks=[Shock(at, pct)])
    first = next(number for number, start_s in enumerate(moved.times_s) if start_s + 300 > at.timestamp())
    assert moved.close[:first] == calm.close[:first]
    assert (moved.close[-1] / calm.close[-1] - 1) * 100 == pytest.approx(pct, abs=3)
    assert (moved.close[first] - moved.open[first]) * pct > 0
    assert moved.volume[first] > 8 * calm.volume[first]


def test_a_catalyst_outside_the_session_moves_the_last_bars():
    """On a Sunday the last session is shown whole, and ends with the move."""
    sunday = datetime(2026, 11, 22, 15, tzinfo=UTC)
    calm = bars(now_utc=sunday)
    moved = bars(now_utc=sunday, shocks=[Shock(sunday - timedelta(minutes=1), 30.0)])
    assert len(calm) == 192
    assert (eastern(calm.times_s[0]).day, eastern(calm.times_s[0]).hour) == (20, 4)
    assert moved.close[-4] == calm.close[-4]
    assert moved.close[-1] > 1.2 * calm.close[-1]


def test_holidays_have_no_bars():
    """On Thanksgiving the day before is shown."""
    thanksgiving = datetime(2026, 11, 26, 18, tzinfo=UTC)
    assert eastern(bars(now_utc=thanksgiving).times_s[-1]).day == 25


def test_unknown_tickers_have_no_table():
    """A ticker or timeframe that does not exist gives None."""
    assert price_table(7, "AAPL", "1D", now_utc=NOW) is None
    assert price_table(7, "HLVT", "2D", now_utc=NOW) is None
