"""Repair, windows and merging of price bars."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalyst_ray.core.bar_repair import clean_bars
from catalyst_ray.core.bar_windows import select_timeframe
from catalyst_ray.core.bars import (
    Bar,
    bars_of,
    change_pct,
    eastern,
    midnight_s,
    previous_close,
    regular_hours_s,
    rows_of,
    shown_rows,
    with_rows,
)
from catalyst_ray.core.market_hours import EASTERN
from catalyst_ray.errors import ConfigError, ParseError
from tests.unit.core.price_samples import daily_bars, day_of_bars, trading_days

FRIDAY = date(2025, 11, 21)
START_S = 1_763_735_400  # 2025-11-21 09:30 Eastern


def table(*rows: Bar, timeframe: str = "1D"):
    """Return rows as a table."""
    return bars_of(rows, ticker="ACME", timeframe=timeframe, source="test")


def codes(reasons) -> dict[str, float]:
    """Return how often each repair was made."""
    return {reason.code: reason.value for reason in reasons}


def test_good_bars_pass_unchanged():
    """Cleaning a good table changes nothing and gives no reason."""
    bars = day_of_bars(FRIDAY)
    assert clean_bars(bars) == (bars, ())


def test_rows_without_usable_close_are_dropped():
    """NaN, infinite, zero and negative closes and impossible times cost their row, and only it."""
    good = Bar(START_S, 10, 11, 9, 10, 5)
    bad = [
        good._replace(time_s=START_S + 60 * (i + 1), close=c)
        for i, c in enumerate((math.nan, math.inf, 0, -3))
    ]
    bars, reasons = clean_bars(
        table(good, *bad, good._replace(time_s=-5), good._replace(time_s=START_S * 1000))
    )
    assert rows_of(bars) == [good]
    assert codes(reasons) == {"bars_dropped": 6}


def test_highs_and_lows_are_made_to_contain_the_bar():
    """Swapped, missing and too narrow extremes are mended from the bar's own prices."""
    rows = (
        Bar(START_S, 10, 9, 11, 10.5, 1),  # high below low
        Bar(START_S + 60, 10, math.nan, 0, 10.5, 1),  # neither known
        Bar(START_S + 120, math.nan, 10.6, 10.4, 10.5, -7),  # no open, negative volume
    )
    bars, reasons = clean_bars(table(*rows))
    assert bars.high == (11, 10.5, 10.6)
    assert bars.low == (9, 10, 10.4)
    assert bars.open == (10, 10, 10.5)
    assert bars.volume == (1, 1, 0)
    assert codes(reasons) == {"bars_repaired": 3}


def test_order_and_repeats_are_mended():
    """Bars given newest first come out oldest first, and of one time the last one given stays."""
    rows = [Bar(START_S + 60 * i, 10, 11, 9, 10 + i / 10, 1) for i in (2, 1, 0)]
    bars, reasons = clean_bars(table(*rows, rows[0]._replace(close=10.9)))
    assert bars.times_s == (START_S, START_S + 60, START_S + 120)
    assert bars.close[-1] == 10.9
    assert codes(reasons) == {"bars_repeated": 1}


@pytest.mark.parametrize("factor", [100.0, 0.01])
def test_prices_in_cents_are_put_right(factor):
    """Bars before a change of unit, and a single wrong figure, come back to the newest unit."""
    bars = day_of_bars(FRIDAY, count=30)
    rows = rows_of(bars)
    older = [Bar(r.time_s, *(p * factor for p in r[1:5]), r.volume) for r in rows[:12]]
    broken = [*older, *rows[12:20], rows[20]._replace(close=rows[20].close * factor), *rows[21:]]
    mended, reasons = clean_bars(with_rows(bars, broken))
    for column in ("open", "high", "low", "close"):
        assert getattr(mended, column) == pytest.approx(getattr(bars, column))
    assert codes(reasons)["unit_error"] == 13


def test_a_crash_is_no_unit_error():
    """A fall by 97 % is news, and stays."""
    rows = [Bar(START_S + 300 * i, p, p, p, p, 1) for i, p in enumerate((30, 30, 30, 1, 0.9, 0.9))]
    assert clean_bars(table(*rows)) == (table(*rows), ())


def test_midnight_utc_means_that_day():
    """Daily bars stamped midnight UTC are shown on their own date, not the evening before."""
    days = trading_days(FRIDAY, 5)
    stamps = [int(datetime(d.year, d.month, d.day, tzinfo=UTC).timestamp()) for d in days]
    bars, reasons = clean_bars(replace(daily_bars(FRIDAY, 5), times_s=tuple(stamps)))
    assert [eastern(t).date() for t in bars.times_s] == days
    assert codes(reasons) == {"days_utc": 5}


def test_columns_of_different_length_are_refused():
    """A table that is none gives a ParseError with its ticker."""
    with pytest.raises(ParseError, match="ACME"):
        clean_bars(replace(day_of_bars(FRIDAY), volume=(1.0,)))


any_price = st.floats() | st.floats(0.0001, 1000)


@given(
    st.lists(
        st.builds(Bar, st.integers(-(10**6), 10**13) | st.integers(START_S, START_S + 50).map(lambda t: t * 60),
                  any_price, any_price, any_price, any_price, any_price),
        max_size=30,
    )
)  # fmt: skip
def test_cleaned_bars_are_sound_whatever_came(rows):
    """Every cleaned table is ordered, positive, contains its bodies, and is not changed by cleaning again."""
    bars, _ = clean_bars(table(*rows))
    assert all(a < b for a, b in zip(bars.times_s, bars.times_s[1:], strict=False))
    for row in rows_of(bars):
        assert all(math.isfinite(value) for value in row)
        assert 0 < row.low <= min(row.open, row.close) <= max(row.open, row.close) <= row.high
        assert 0 <= row.volume <= 1e13
    assert clean_bars(bars)[0] == bars


@pytest.mark.parametrize(
    ("day", "minute"),
    [
        (date(2025, 11, 21), 960),
        (date(2025, 11, 28), 780),  # after Thanksgiving
        (date(2025, 11, 27), 960),
        (date(2025, 12, 24), 780),
        (date(2025, 7, 3), 780),
        (date(2024, 11, 29), 780),
        (date(2024, 11, 22), 960),
    ],
)
def test_half_days_close_at_one(day, minute):
    """Regular trading ends at 13:00 on the exchange's half days, else at 16:00."""
    opens_s, closes_s = regular_hours_s(day)
    assert eastern(int(opens_s)) == datetime(day.year, day.month, day.day, 9, 30, tzinfo=EASTERN)
    assert closes_s - midnight_s(day) == minute * 60


def test_one_day_is_the_last_session_in_five_minutes():
    """Minute bars of two days become the second day's 5-minute bars, compared with the first's regular close."""
    first = day_of_bars(date(2025, 11, 20), count=960, minutes=1)
    second = day_of_bars(FRIDAY, count=960, minutes=1, price=30)
    bars = select_timeframe(with_rows(first, rows_of(first) + rows_of(second)), "1D")
    shown = shown_rows(bars)
    assert len(shown) == 192
    assert {eastern(row.time_s).date() for row in shown} == {FRIDAY}
    last_regular = next(r for r in rows_of(first) if eastern(r.time_s).strftime("%H:%M") == "15:59")
    assert bars.previous_close == last_regular.close
    assert shown[0].high == max(row.high for row in rows_of(second)[:5])
    assert shown[0].volume == sum(row.volume for row in rows_of(second)[:5])


def test_five_days_are_five_sessions():
    """5D shows five dates in half hours, and its previous close is the session before the last."""
    days = trading_days(FRIDAY, 7)
    rows = [row for day in days for row in rows_of(day_of_bars(day))]
    bars = select_timeframe(with_rows(day_of_bars(FRIDAY), rows), "5D")
    shown = shown_rows(bars)
    assert sorted({eastern(row.time_s).date() for row in shown}) == days[-5:]
    assert len(shown) == 5 * 32
    before = [row for row in rows_of(bars) if eastern(row.time_s).date() == days[-2]]
    assert previous_close(bars) == next(
        r.close for r in before if eastern(r.time_s).strftime("%H:%M") == "15:30"
    )


def test_daily_bars_serve_each_timeframe():
    """Daily bars give a month, a quarter and a year; asked for a day they give a month and say so."""
    bars = daily_bars(FRIDAY, 400)
    lengths = {name: len(shown_rows(select_timeframe(bars, name))) for name in ("5D", "1M", "3M", "1Y")}
    assert lengths["5D"] == 5
    assert 20 <= lengths["1M"] <= 24
    assert 62 <= lengths["3M"] <= 68
    assert 255 <= lengths["1Y"] <= 264
    assert select_timeframe(bars, "1D") == select_timeframe(bars, "1M")
    assert select_timeframe(bars, "1D").timeframe == "1M"


def test_bars_before_the_window_stay_for_its_averages():
    """Sixty at most, which are not shown; a history that begins with the window has none, and shows all."""
    month = select_timeframe(daily_bars(FRIDAY, 400), "1M")
    assert len(month) - len(shown_rows(month)) == 60
    assert month.shown_from_s == shown_rows(month)[0].time_s
    young = select_timeframe(daily_bars(FRIDAY, 10), "1M")
    assert (young.shown_from_s, shown_rows(young)) == (None, rows_of(young))


def test_minute_bars_become_days():
    """Only minute bars at hand: a month is made of them, one bar a date."""
    rows = [row for day in trading_days(FRIDAY, 3) for row in rows_of(day_of_bars(day))]
    bars = select_timeframe(with_rows(day_of_bars(FRIDAY), rows), "1M")
    assert [eastern(t).strftime("%d %H:%M") for t in bars.times_s] == ["19 00:00", "20 00:00", "21 00:00"]


def test_unknown_timeframe_is_refused():
    """A timeframe we do not know is named, with those we do."""
    with pytest.raises(ConfigError, match=r"2W.*1D, 5D"):
        select_timeframe(day_of_bars(FRIDAY), "2W")


def test_change_is_against_the_previous_close():
    """The change is the last close over the previous session's, and None where that is unknown."""
    bars = day_of_bars(FRIDAY)
    assert change_pct(bars) is None
    price, change = change_pct(replace(bars, previous_close=16.0))
    assert price == bars.close[-1]
    assert change == pytest.approx((bars.close[-1] / 16 - 1) * 100)
    daily = daily_bars(FRIDAY, 30)
    assert change_pct(daily)[1] == pytest.approx((daily.close[-1] / daily.close[-2] - 1) * 100)
    assert change_pct(table()) is None
