"""What is taken in is recent, mended and told; what cannot be believed is refused."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta

import pytest

from catalyst_ray.core import bar_intake
from catalyst_ray.core.bar_intake import take_in
from catalyst_ray.core.bar_repair import clean_bars
from catalyst_ray.core.bars import Bar, bars_of, eastern, rows_of, with_rows
from catalyst_ray.errors import ParseError
from tests.unit.core.price_samples import daily_bars, day_of_bars

FRIDAY = date(2025, 11, 21)


def test_mended_bars_carry_what_was_mended():
    """Every repair stands with the bars, for the log and for whoever looks at the chart."""
    bars = day_of_bars(FRIDAY, count=30)
    rows = rows_of(bars)
    broken = [
        rows[0]._replace(close=rows[0].close * 100),
        rows[1]._replace(volume=math.nan),
        *rows[2:],
        rows[-1],
    ]
    taken = take_in(with_rows(bars, broken))
    assert taken is not None
    assert [remark.code for remark in taken.remarks] == ["bars_repeated", "unit_error", "bars_repaired"]
    assert take_in(bars) == bars


def test_no_bars_are_none_and_useless_ones_are_refused():
    """An empty table is an answer; one without a single price is told as such."""
    bars = day_of_bars(FRIDAY, count=3)
    assert take_in(with_rows(bars, [])) is None
    zeros = with_rows(bars, [Bar(row.time_s, 0, 0, 0, 0, 0) for row in rows_of(bars)])
    with pytest.raises(ParseError, match="ACME: none of 3 price bars is usable"):
        take_in(zeros)


def test_only_what_a_timeframe_can_use_is_kept():
    """Of decades some months stay for a month, and more than a year for a year; a bar from the year 2200 rules nothing."""
    bars = daily_bars(FRIDAY, 3000)
    month, year = (take_in(replace(bars, timeframe=timeframe)) for timeframe in ("1M", "1Y"))
    assert timedelta(days=60) < FRIDAY - eastern(month.times_s[0]).date() < timedelta(days=120)
    assert timedelta(days=400) < FRIDAY - eastern(year.times_s[0]).date() < timedelta(days=500)
    odd = with_rows(bars, [*rows_of(bars), Bar(7_258_118_400, 1, 1, 1, 1, 1)])
    assert take_in(odd).times_s[-1] == bars.times_s[-1]


def test_a_month_of_minutes_is_enough_for_a_day(monkeypatch):
    """Of more rows than that the newest are kept, in whatever order they come."""
    monkeypatch.setattr(bar_intake, "history_rows", lambda _: 3)
    bars = day_of_bars(FRIDAY, count=9)
    taken = take_in(with_rows(bars, rows_of(bars)[::-1]))
    assert taken.times_s == bars.times_s[-3:]


def test_prints_far_off_the_market_are_cut_off_within_a_day():
    """A high of four times and a low of a quarter of every price around is no trade; a day's real swing stays."""
    bars = day_of_bars(FRIDAY, count=10)
    rows = rows_of(bars)
    rows[3] = rows[3]._replace(high=rows[3].high * 4)
    rows[6] = rows[6]._replace(low=rows[6].low / 4)
    clean, reasons = clean_bars(with_rows(bars, rows))
    assert clean.high[3] == max(rows[3].open, rows[3].close)
    assert clean.low[6] == min(rows[6].open, rows[6].close)
    assert [(reason.code, reason.value) for reason in reasons] == [("bars_spike", 2.0)]
    assert clean_bars(clean) == (clean, ())
    days = daily_bars(FRIDAY, 10)
    squeeze = [*rows_of(days)[:-1], rows_of(days)[-1]._replace(high=days.high[-1] * 4)]
    assert clean_bars(with_rows(days, squeeze))[1] == ()


def test_a_bar_that_follows_a_real_move_keeps_its_extremes():
    """A wick to where the price stood a bar before, or stands a bar after, was paid."""
    start = day_of_bars(FRIDAY, count=1).times_s[0]
    prices = [(10, 10), (10, 10), (40, 41), (41, 42)]
    rows = [Bar(start + 300 * i, o, max(o, c), min(o, c), c, 1) for i, (o, c) in enumerate(prices)]
    rows[1] = rows[1]._replace(high=40)
    bars = bars_of(rows, ticker="ACME", timeframe="1D", source="test")
    assert clean_bars(bars) == (bars, ())


def test_cleaning_again_finds_no_other_unit():
    """A last close in cents hides what else is in cents: once it is put right the rest is as well."""
    start = day_of_bars(FRIDAY, count=1).times_s[0]
    rows = [Bar(start + 300 * i, c, c, c, c, 1) for i, c in enumerate((161.0, 2.0, 3.0))]
    rows[2] = rows[2]._replace(high=161.0)
    clean, _ = clean_bars(bars_of(rows, ticker="ACME", timeframe="1D", source="test"))
    assert clean.high == (1.61, 2.0, 3.0)
