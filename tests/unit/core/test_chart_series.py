"""What a chart draws of its bars: merged without loss, with indicators that merging does not change."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalyst_ray.core.bars import rows_of, with_rows
from catalyst_ray.core.chart_series import series_of
from catalyst_ray.core.indicators import sma
from catalyst_ray.models import PANELS
from tests.unit.core.price_samples import daily_bars, day_of_bars

FRIDAY = date(2025, 11, 21)


@pytest.mark.parametrize("most", [300, 30, 1])
def test_decades_are_merged_without_losing_anything(most):
    """Twenty years of days fit into few candles without losing a high, a low, a share or an end."""
    bars = daily_bars(FRIDAY, 5000)
    drawn = series_of(bars, panels=PANELS, most=most)
    assert len(drawn.close) <= max(most, 21)
    assert drawn.high.max() == max(bars.high)
    assert drawn.low.min() == min(bars.low)
    assert drawn.volume.sum() == pytest.approx(sum(bars.volume))
    assert (drawn.open[0], drawn.close[-1]) == (bars.open[0], bars.close[-1])


def test_minutes_are_merged_to_five():
    """A day of minutes on a chart 340 candles wide becomes bars of five minutes, on the clock."""
    drawn = series_of(day_of_bars(FRIDAY, count=960, minutes=1), panels=(), most=340)
    assert drawn.axis.length == 192
    assert {time_s % 300 for time_s in drawn.axis.times_s.tolist()} == {0}


def test_hours_that_start_at_half_past_stay():
    """Bars of an hour from 09:30 on keep their own start."""
    bars = day_of_bars(FRIDAY, first="09:30", count=7, minutes=60)
    assert series_of(bars, panels=(), most=300).axis.times_s.tolist() == list(bars.times_s)


def test_thin_trading_keeps_its_five_minutes():
    """Few trades far apart do not make the candles longer than the bars are."""
    rows = rows_of(day_of_bars(FRIDAY))
    thin = with_rows(day_of_bars(FRIDAY), [rows[i] for i in (0, 3, 9, 40, 41, 100, 180)])
    drawn = series_of(thin, panels=(), most=340)
    assert len(drawn.close) == 7
    assert drawn.axis.places.tolist() == [0, 3, 9, 40, 41, 100, 180]


def test_an_odd_last_bar_joins_its_slot():
    """The bar of the running minutes, stamped with the second of its last trade, belongs to its five minutes."""
    rows = rows_of(day_of_bars(FRIDAY, count=30))
    late = rows[-1]._replace(time_s=rows[-1].time_s + 137)
    drawn = series_of(with_rows(day_of_bars(FRIDAY), [*rows, late]), panels=(), most=340)
    assert len(drawn.close) == 30


def test_merging_changes_no_average():
    """On a narrow chart of a year, SMA 20 is still that of twenty days."""
    bars = daily_bars(FRIDAY, 252)
    drawn = series_of(bars, panels=("averages",), most=100)
    assert len(drawn.close) < 100
    assert drawn.averages[0].name == "SMA 20"
    assert drawn.averages[0].last == pytest.approx(sma(np.array(bars.close), 20)[-1])


def test_bars_before_the_window_serve_averages_only():
    """A month with fifty days before it has both averages from its first day on, and shows the month only."""
    bars = daily_bars(FRIDAY, 80, timeframe="1M")
    drawn = series_of(replace(bars, shown_from_s=bars.times_s[58]), panels=PANELS, most=300)
    assert drawn.axis.times_s.tolist() == list(bars.times_s[58:])
    assert drawn.open[0] == bars.open[58]
    assert [average.name for average in drawn.averages] == ["SMA 20", "SMA 50"]
    assert np.isfinite(drawn.averages[1].values).all()
    assert drawn.macd is not None
    assert np.isfinite(drawn.macd.signal).all()


def test_a_window_after_the_last_bar_still_shows_that():
    """Where nothing is new enough, the last bar is drawn rather than none."""
    bars = daily_bars(FRIDAY, 5)
    assert len(series_of(replace(bars, shown_from_s=bars.times_s[-1] + 1), panels=(), most=300).close) == 1


def test_only_wanted_panels_are_worked_out():
    """Without panels there is no volume, average, level, RSI or MACD; with them there is each."""
    bars = day_of_bars(FRIDAY)
    bare, full = (series_of(bars, panels=panels, most=300) for panels in ((), PANELS))
    assert not bare.volume.any()
    assert (bare.averages, bare.levels, bare.rsi, bare.macd) == ((), (), None, None)
    assert full.volume.any()
    assert full.averages
    assert full.levels
    assert full.rsi is not None
    assert full.macd is not None


def test_too_few_bars_have_no_indicators():
    """What would be a stub of a line is left out."""
    drawn = series_of(day_of_bars(FRIDAY, count=12), panels=PANELS, most=300)
    assert (drawn.rsi, drawn.macd) == (None, None)


def test_a_price_that_stands_still_has_no_macd():
    """Rounding errors of averages are not drawn as a trend."""
    bars = day_of_bars(FRIDAY)
    still = replace(
        bars, open=(0.00012,) * 192, high=(0.00012,) * 192, low=(0.00012,) * 192, close=(0.00012,) * 192
    )
    assert series_of(still, panels=PANELS, most=300).macd is None


@given(
    times=st.lists(st.integers(1_763_600_000, 1_763_900_000), min_size=1, unique=True),
    most=st.integers(1, 400),
)
def test_any_times_fit_and_lose_no_share(times, most):
    """Whatever the times, candles do not overlap, fit the width and hold every share."""
    rows = [
        row._replace(time_s=time_s)
        for time_s, row in zip(sorted(times), rows_of(day_of_bars(FRIDAY)) * 2, strict=False)
    ]
    drawn = series_of(with_rows(day_of_bars(FRIDAY), rows), panels=PANELS, most=most)
    assert drawn.volume.sum() == pytest.approx(sum(row.volume for row in rows))
    assert (np.diff(drawn.axis.places) >= 1 - 1e-9).all()
    assert drawn.axis.length <= max(most, 5)
