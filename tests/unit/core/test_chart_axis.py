"""Labels of the axes: true, apart, and readable."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalyst_ray.core.bars import eastern, rows_of, with_rows
from catalyst_ray.core.chart_axis import (
    TimeAxis,
    price_text,
    price_texts,
    price_ticks,
    volume_text,
)
from catalyst_ray.core.market_hours import EASTERN
from tests.unit.core.price_samples import daily_bars, day_of_bars

FRIDAY = date(2025, 11, 21)


def labels(bars, apart: float) -> list[str]:
    """Return the labels that fit at a distance of ``apart`` bars."""
    return [tick.label for tick in TimeAxis(bars).ticks(lambda a, b: abs(a.position - b.position) >= apart)]


@pytest.mark.parametrize("day", [date(2025, 3, 7), date(2025, 3, 10), date(2025, 10, 31), date(2025, 11, 3)])
def test_clock_labels_are_true_on_both_sides_of_a_clock_change(day):
    """Before and after daylight saving time begins and ends, each label is its bar's own Eastern time."""
    bars = day_of_bars(day)
    ticks = TimeAxis(bars).ticks(lambda a, b: abs(a.position - b.position) >= 15)
    for tick in ticks:
        assert tick.label == eastern(bars.times_s[int(tick.position)]).strftime("%H:%M")
    assert {"09:30", "16:00", "12:00"} <= {tick.label for tick in ticks}


def test_a_week_with_a_clock_change_keeps_its_days():
    """Days are labelled at their first bar, across the night on which clocks change."""
    rows = [row for day in (date(2025, 3, 7), date(2025, 3, 10)) for row in rows_of(day_of_bars(day))]
    bars = with_rows(day_of_bars(FRIDAY), rows)
    ticks = TimeAxis(bars).ticks(lambda a, b: abs(a.position - b.position) >= 100)
    assert [(tick.position, tick.label) for tick in ticks] == [(0, "Fri 7"), (192, "Mon 10")]


def test_half_day_is_labelled_and_shaded_at_one():
    """On the day after Thanksgiving the close is labelled at 13:00 and what follows is shaded."""
    bars = day_of_bars(date(2025, 11, 28), count=156)
    axis = TimeAxis(bars)
    assert "13:00" in labels(bars, 15)
    assert [
        [eastern(bars.times_s[i]).strftime("%H:%M") for i in (a, b - 1)] for a, b in axis.extended_hours()
    ] == [
        ["04:00", "09:25"],
        ["13:00", "16:55"],
    ]


def test_regular_day_is_shaded_before_and_after():
    """Before 09:30 and from 16:00 on is shaded; daily bars are not."""
    bars = day_of_bars(FRIDAY)
    assert [(a, b) for a, b in TimeAxis(bars).extended_hours()] == [(0, 66), (144, 192)]
    assert TimeAxis(daily_bars(FRIDAY, 20)).extended_hours() == []


def test_a_year_is_labelled_by_months():
    """A year of days shows month names, and the year where it begins."""
    assert labels(daily_bars(FRIDAY, 252), 12) == [
        "2025", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov",
    ]  # fmt: skip


def test_a_month_is_labelled_by_weeks():
    """A month of days shows the first trading day of each week and the month's name."""
    assert labels(daily_bars(FRIDAY, 22), 3) == ["27", "Nov", "10", "17"]


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
    """Whatever bars are missing, labels keep their distance, name their own bar and there is at least one if any could."""
    full = day_of_bars(FRIDAY, first=f"{first // 60:02}:{first % 60 // 5 * 5:02}", count=count)
    rows = [row for index, row in enumerate(rows_of(full)) if index not in skip] or rows_of(full)[:1]
    bars = with_rows(full, rows)
    ticks = TimeAxis(bars).ticks(lambda a, b: abs(a.position - b.position) >= apart)
    assert all(b.position - a.position >= apart for a, b in pairwise(ticks))
    if len({eastern(row.time_s).date() for row in rows}) == 1:
        assert all(tick.label == f"{eastern(rows[int(tick.position)].time_s):%H:%M}" for tick in ticks)
    assert ticks


def test_position_is_the_minute_inside_its_bar():
    """A moment lies in its bar by the minute, between bars in a gap, and at the ends beyond them."""
    bars = day_of_bars(FRIDAY)
    axis = TimeAxis(bars)
    at = datetime(2025, 11, 21, 9, 31, tzinfo=EASTERN)
    assert axis.position(at) == pytest.approx(66.2)
    assert axis.position(at - timedelta(days=1)) == 0
    assert axis.position(at + timedelta(days=1)) == 192
    rows = rows_of(bars)
    gap = TimeAxis(with_rows(bars, rows[:66] + rows[100:]))
    assert gap.position(at) == 66


def test_position_on_daily_bars_is_its_day():
    """News of a trading day is marked on that day's bar, a weekend's between two."""
    axis = TimeAxis(daily_bars(date(2025, 11, 26), 8))
    assert axis.position(datetime(2025, 11, 21, 17, 30, tzinfo=EASTERN)) == 4.5
    assert axis.position(datetime(2025, 11, 23, 12, 0, tzinfo=EASTERN)) == 5.0


def test_moment_says_as_much_as_is_needed():
    """A moment of the last day is a time, of the week a weekday, of before a date."""
    axis = TimeAxis(day_of_bars(FRIDAY))
    at = datetime(2025, 11, 21, 8, 1, tzinfo=EASTERN)
    assert axis.moment(at) == "08:01"
    assert axis.moment(at - timedelta(days=1)) == "Thu 08:01"
    assert axis.moment(at - timedelta(days=30)) == "Oct 22 08:01"
    assert TimeAxis(daily_bars(FRIDAY, 5)).moment(at) == "Nov 21"


def test_span_names_the_dates_covered():
    """The dates over the chart name the year once where it is one."""
    assert TimeAxis(day_of_bars(FRIDAY)).span() == "Fri, Nov 21, 2025"
    assert TimeAxis(daily_bars(FRIDAY, 5)).span() == "Nov 17 – Nov 21, 2025"
    assert TimeAxis(daily_bars(FRIDAY, 260)).span() == "Nov 25, 2024 – Nov 21, 2025"


@given(st.floats(1e-6, 1e8), st.floats(1e-2, 10), st.integers(1, 12))
def test_price_ticks_are_round_inside_and_told_apart(low, share, most):
    """Ticks lie inside the range, are no more than asked for, and no two read the same."""
    high = low * (1 + share)
    prices = price_ticks(low, high, most)
    assert len(prices) <= most
    assert all(low * 0.999999 <= price <= high * 1.000001 for price in prices)
    texts = price_texts(prices)
    assert len(set(texts)) == len(texts)


def test_price_ticks_read_well():
    """Steps are 1, 2, 2.5 or 5 times a power of ten, with cents at least and no needless ones."""
    assert price_texts(price_ticks(11.7, 13.9, 5)) == ["12.00", "12.50", "13.00", "13.50"]
    assert price_texts(price_ticks(3072, 3094, 5)) == ["3,075", "3,080", "3,085", "3,090"]
    assert price_texts(price_ticks(0.0121, 0.0141, 5)) == ["0.0125", "0.0130", "0.0135", "0.0140"]
    assert price_ticks(5, 5, 5) == []


@pytest.mark.parametrize(
    ("price", "text"),
    [
        (12.5, "12.50"),
        (1234.5, "1,234.50"),
        (743_210.4, "743,210"),
        (0.5, "0.5000"),
        (0.0123, "0.0123"),
        (0.000123, "0.000123"),
        (0.00000012, "0.0000001200"),
    ],
)
def test_prices_are_written_as_quoted(price, text):
    """Cents from a dollar up, more decimals below it, none where they are noise."""
    assert price_text(price) == text


@pytest.mark.parametrize(
    ("shares", "text"),
    [
        (0, "0"),
        (987, "987"),
        (45_600, "45.6K"),
        (999_999, "1M"),
        (1_234_567, "1.23M"),
        (5.2e9, "5.2B"),
        (3e15, "3,000T"),
    ],
)
def test_volume_is_written_in_three_figures(shares, text):
    """Volumes are short whatever their size."""
    assert volume_text(shares) == text
