"""Labels of the axes: true, apart, and readable."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalyst_ray.core.bars import eastern, rows_of, with_rows
from catalyst_ray.core.chart_series import series_of
from catalyst_ray.core.market_hours import EASTERN
from tests.unit.core.price_samples import daily_bars, day_of_bars

FRIDAY = date(2025, 11, 21)


def axis_of(bars):
    """Return the axis that a chart of any width would put the bars on."""
    return series_of(bars, panels=(), most=10**6).axis


def labels(bars, apart: float) -> list[str]:
    """Return the labels that fit at a distance of ``apart`` bars."""
    return [tick.label for tick in axis_of(bars).ticks(lambda a, b: abs(a.position - b.position) >= apart)]


@pytest.mark.parametrize("day", [date(2025, 3, 7), date(2025, 3, 10), date(2025, 10, 31), date(2025, 11, 3)])
def test_clock_labels_are_true_on_both_sides_of_a_clock_change(day):
    """Before and after daylight saving time begins and ends, each label is its bar's own Eastern time."""
    bars = day_of_bars(day)
    ticks = axis_of(bars).ticks(lambda a, b: abs(a.position - b.position) >= 15)
    for tick in ticks:
        at = datetime.fromtimestamp(bars.times_s[0] + 300 * tick.position, EASTERN)
        assert tick.label == f"{at:%H:%M}"
    assert {"09:30", "16:00", "12:00"} <= {tick.label for tick in ticks}


def test_a_week_with_a_clock_change_keeps_its_days():
    """Days are labelled at their first bar, across the night on which clocks change."""
    rows = [row for day in (date(2025, 3, 7), date(2025, 3, 10)) for row in rows_of(day_of_bars(day))]
    bars = with_rows(day_of_bars(FRIDAY), rows)
    ticks = axis_of(bars).ticks(lambda a, b: abs(a.position - b.position) >= 100)
    assert [(tick.position, tick.label) for tick in ticks] == [(0, "Fri 7"), (192, "Mon 10")]


def test_half_day_is_labelled_and_shaded_at_one():
    """On the day after Thanksgiving the close is labelled at 13:00 and what follows is shaded."""
    bars = day_of_bars(date(2025, 11, 28), count=156)
    assert "13:00" in labels(bars, 15)
    assert axis_of(bars).extended_hours() == [(0, 66), (108, 156)]


def test_regular_day_is_shaded_before_and_after():
    """Before 09:30 and from 16:00 on is shaded, to the minute; daily bars are not."""
    bars = day_of_bars(FRIDAY)
    assert axis_of(bars).extended_hours() == [(0, 66), (144, 192)]
    half_hours = day_of_bars(FRIDAY, first="04:15", count=30, minutes=30)
    assert axis_of(half_hours).extended_hours()[0] == (0, 10.5)
    assert axis_of(daily_bars(FRIDAY, 20)).extended_hours() == []


def test_a_year_is_labelled_by_months():
    """A year of days shows month names, and the year where it begins."""
    assert labels(daily_bars(FRIDAY, 252), 12) == [
        "2025", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov",
    ]  # fmt: skip


def test_a_month_is_labelled_by_weeks():
    """A month of days shows the first trading day of each week and the month's name."""
    assert labels(daily_bars(FRIDAY, 22), 3) == ["27", "Nov", "10", "17"]


def test_a_month_across_new_year_names_its_weeks():
    """The year's label stands where January begins, and the weeks are named beside it."""
    assert labels(daily_bars(date(2021, 1, 12), 22), 3) == ["21", "28", "2021", "11"]


def test_decades_are_thinned():
    """Years that do not all fit are thinned evenly."""
    bars = daily_bars(FRIDAY, 5000)
    found = [int(label) for label in labels(bars, 600)]
    assert len(found) > 3
    assert len({b - a for a, b in pairwise(found)}) == 1


@given(
    first=st.integers(240, 900),
    count=st.integers(1, 200),
    skip=st.sets(st.integers(0, 199)),
    apart=st.floats(0.5, 300),
)
def test_labels_never_collide_and_are_always_true(first, count, skip, apart):
    """Whatever bars are missing, labels keep their distance, stand at their own time, and there is at least one."""
    full = day_of_bars(FRIDAY, first=f"{first // 60:02}:{first % 60 // 5 * 5:02}", count=count)
    rows = [row for index, row in enumerate(rows_of(full)) if index not in skip] or rows_of(full)[:1]
    axis = axis_of(with_rows(full, rows))
    ticks = axis.ticks(lambda a, b: abs(a.position - b.position) >= apart)
    assert all(b.position - a.position >= apart for a, b in pairwise(ticks))
    days = {eastern(row.time_s).date() for row in rows}
    if len(days) == 1:
        day = days.pop()
        for tick in ticks:
            hour, minute = map(int, tick.label.split(":"))
            when = datetime(day.year, day.month, day.day, hour, minute, tzinfo=EASTERN)
            assert axis.position(when) == pytest.approx(tick.position)
    assert ticks


def test_bars_at_odd_minutes_have_a_label():
    """Bars between two multiples of five minutes are labelled with their own time."""
    assert labels(day_of_bars(FRIDAY, first="10:31", count=3, minutes=1), 10) == ["10:31"]


def test_position_is_the_minute_inside_its_bar():
    """A moment lies at its minute, in a gap too, and at the ends beyond them."""
    bars = day_of_bars(FRIDAY)
    axis = axis_of(bars)
    at = datetime(2025, 11, 21, 9, 31, tzinfo=EASTERN)
    assert axis.position(at) == pytest.approx(66.2)
    assert axis.position(at - timedelta(days=1)) == 0
    assert axis.position(at + timedelta(days=1)) == 192
    rows = rows_of(bars)
    halted = axis_of(with_rows(bars, rows[:60] + rows[100:]))
    assert halted.position(at) == pytest.approx(66.2)


def test_a_halt_leaves_its_time_empty():
    """Minutes without a trade keep their width, and are told with the candle before them."""
    rows = rows_of(day_of_bars(FRIDAY))
    axis = axis_of(with_rows(day_of_bars(FRIDAY), rows[:70] + rows[79:]))
    assert axis.length == 192
    assert axis.places[69:71].tolist() == [69, 79]
    assert axis.quiet_stretches() == [(69, 70, 79)]
    assert axis_of(day_of_bars(FRIDAY)).quiet_stretches() == []


def test_nights_take_no_room():
    """The first bar of a day stands beside the last of the day before, and a moment between lies between them."""
    days = (date(2025, 11, 20), FRIDAY)
    rows = [row for day in days for row in rows_of(day_of_bars(day, first="09:30", count=78))]
    axis = axis_of(with_rows(day_of_bars(FRIDAY), rows))
    assert axis.length == 156
    assert axis.day_starts() == [78]
    assert axis.position(datetime(2025, 11, 20, 22, 0, tzinfo=EASTERN)) == 78
    assert [run.stop for run in axis.runs()] == [78, 156]
    assert axis.quiet_stretches() == []


def test_a_date_begins_at_its_first_candle():
    """A date's place is its first candle's left edge, or its own candle's where candles are weeks."""
    rows = [row for day in (date(2025, 11, 20), FRIDAY) for row in rows_of(day_of_bars(day, count=10))]
    axis = axis_of(with_rows(day_of_bars(FRIDAY), rows))
    assert [axis.start_of(day) for day in (date(2025, 11, 1), date(2025, 11, 20), FRIDAY)] == [0, 0, 10]
    weeks = series_of(daily_bars(FRIDAY, 50), panels=(), most=12).axis
    assert weeks.start_of(FRIDAY) == weeks.start_of(date(2025, 11, 18)) == len(weeks.places) - 1


def test_position_on_daily_bars_is_its_day():
    """News of a trading day is marked on that day's bar, a weekend's between two."""
    axis = axis_of(daily_bars(date(2025, 11, 26), 8))
    assert axis.position(datetime(2025, 11, 21, 17, 30, tzinfo=EASTERN)) == 4.5
    assert axis.position(datetime(2025, 11, 23, 12, 0, tzinfo=EASTERN)) == 5.0


def test_moment_says_as_much_as_is_needed():
    """A moment of the last day is a time, of the week a weekday, of before a date."""
    axis = axis_of(day_of_bars(FRIDAY))
    at = datetime(2025, 11, 21, 8, 1, tzinfo=EASTERN)
    assert axis.moment(at) == "08:01"
    assert axis.moment(at - timedelta(days=1)) == "Thu 08:01"
    assert axis.moment(at - timedelta(days=30)) == "Oct 22 08:01"
    assert axis_of(daily_bars(FRIDAY, 5)).moment(at) == "Nov 21"


def test_span_names_the_dates_covered():
    """The dates over the chart name the year once where it is one."""
    assert axis_of(day_of_bars(FRIDAY)).span() == "Fri, Nov 21, 2025"
    assert axis_of(daily_bars(FRIDAY, 5)).span() == "Nov 17 – Nov 21, 2025"
    assert series_of(daily_bars(FRIDAY, 30), panels=(), most=10).axis.span() == "Oct 13 – Nov 21, 2025"
    assert axis_of(daily_bars(FRIDAY, 260)).span() == "Nov 25, 2024 – Nov 21, 2025"
