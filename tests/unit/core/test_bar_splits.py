"""Splits are undone where the evidence is whole; crashes, special dividends and buyouts are left alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalyst_ray.core.bar_intake import take_in
from catalyst_ray.core.bar_splits import undo_splits
from catalyst_ray.core.bar_windows import select_timeframe
from catalyst_ray.core.bars import Bar, bars_of, change_pct, eastern, midnight_s, rows_of, with_rows
from catalyst_ray.models import Bars, Split
from tests.unit.core.price_samples import daily_bars, day_of_bars, trading_days

FRIDAY = date(2025, 11, 21)
AT = 20
"""The bar with which the new prices begin."""


def shifted(bars: Bars, ratio: float, *, at: int = AT, volume: float = 1.0, drift: float = 1.0) -> Bars:
    """Return bars whose prices before ``at`` are of another scale: ``ratio`` new shares came for an old one.

    ``volume`` is how many times the usual shares change hands from there on, ``drift`` where that day ends.
    """
    rows = rows_of(bars)
    old = [Bar(r.time_s, *(price * ratio for price in r[1:5]), r.volume / ratio) for r in rows[:at]]
    new = [row._replace(volume=row.volume * volume) for row in rows[at:]]
    first = new[0]
    new[0] = first._replace(close=first.close * drift, low=min(first.low, first.close * drift))
    return with_rows(bars, old + new)


def day_at(bars: Bars, at: int = AT) -> date:
    """Return the date of a bar."""
    return eastern(bars.times_s[at]).date()


def codes(reasons) -> list[str]:
    """Return the codes of reasons."""
    return [reason.code for reason in reasons]


@pytest.mark.parametrize("ratio", [1.5, 2, 3, 4, 5, 7, 10, 20, 0.5, 0.2, 0.1, 0.05, 0.025])
def test_a_split_that_price_and_volume_show_is_undone(ratio):
    """Prices and volumes before it come to the new scale, and it is told with its day."""
    calm = daily_bars(FRIDAY, 40)
    mended, reasons = undo_splits(shifted(calm, ratio))
    assert mended.close == pytest.approx(calm.close)
    assert mended.volume == pytest.approx(calm.volume)
    assert codes(reasons) == ["split_adjusted"]
    assert str(day_at(calm)) in reasons[0].detail
    assert [(split.day, split.ratio) for split in mended.splits] == [(day_at(calm), pytest.approx(ratio))]
    assert undo_splits(mended) == (mended, ())


@pytest.mark.parametrize(
    ("ratio", "words"),
    [(2, "2 for 1"), (1.5, "3 for 2"), (0.1, "1 for 10"), (0.4, "2 for 5"), (2.5, "5 for 2")],
)
def test_a_split_is_told_as_people_say_it(ratio, words):
    """Whole numbers of shares, new for old."""
    _, (reason,) = undo_splits(shifted(daily_bars(FRIDAY, 40), ratio))
    assert reason.detail.startswith(words)


@pytest.mark.parametrize(
    "changes",
    [
        {"ratio": 2.5, "volume": 12},  # a crash by 60 % trades many times the usual
        {"ratio": 2.0, "volume": 12},  # also one that lands on half the price
        {"ratio": 2.0, "drift": 0.8},  # or one that goes on falling
        {"ratio": 1.55},  # a special dividend of a third: no ratio of a split
        {"ratio": 2.1},
        {"ratio": 0.5, "volume": 30},  # a buyout at twice the price
        {"ratio": 0.2, "volume": 40},  # a trial that worked: five times the price
        {"ratio": 1.25},  # too near to a day's move
    ],
    ids=str,
)
def test_news_is_not_repaired_away(changes):
    """A move that lands between ratios, keeps moving or trades heavily is news, and stays."""
    bars = shifted(daily_bars(FRIDAY, 40), **changes)
    assert undo_splits(bars) == (bars, ())


def test_without_volumes_or_a_history_there_is_no_evidence():
    """A jump by an exact ratio stays where nobody knows how much is usually traded."""
    calm = daily_bars(FRIDAY, 40)
    silent = shifted(with_rows(calm, [row._replace(volume=0.0) for row in rows_of(calm)]), 2)
    assert undo_splits(silent) == (silent, ())
    young = shifted(daily_bars(FRIDAY, 40), 2, at=2)
    assert undo_splits(young) == (young, ())


def test_a_reverse_split_on_a_moving_day_makes_no_change_of_thousands_of_per_cent():
    """Where its ratio cannot be told, prices before it are left out, and no change is claimed."""
    bars = shifted(daily_bars(FRIDAY, 40), 1 / 71.42, at=39)
    assert change_pct(bars)[1] > 7_000
    mended, reasons = undo_splits(bars)
    assert codes(reasons) == ["bars_cut"]
    assert "reverse split" in reasons[0].detail
    assert len(mended) == 1
    assert change_pct(mended) is None
    later, _ = undo_splits(shifted(daily_bars(FRIDAY, 40), 1 / 11, at=30))
    assert len(later) == 10
    assert abs(change_pct(later)[1]) < 5


def test_what_a_source_names_decides_where_the_ratio_alone_could_not():
    """Named, a reverse split of ten is undone though the share fell by a fifth that day; an adjusted one is left."""
    calm = daily_bars(FRIDAY, 40)
    named = (Split(day=day_at(calm), ratio=0.1),)
    fallen = shifted(calm, 0.125)  # one for ten, and the price at 8 times rather than 10 times the old one
    mended, reasons = undo_splits(replace(fallen, splits=named))
    assert "as the source says" in reasons[0].detail
    assert mended.open[AT] / mended.close[AT - 1] == pytest.approx(0.8, rel=0.01)
    adjusted = replace(calm, splits=named)
    assert undo_splits(adjusted) == (adjusted, ())


def test_a_split_on_a_day_without_trading_is_found_at_the_next_bar():
    """The source names a Saturday: Monday's bar is the first of the new scale."""
    calm = daily_bars(FRIDAY, 40)
    monday = next(i for i, t in enumerate(calm.times_s) if i > 10 and eastern(t).weekday() == 0)
    saturday = date.fromordinal(day_at(calm, monday).toordinal() - 2)
    mended, _ = undo_splits(replace(shifted(calm, 2, at=monday), splits=(Split(day=saturday, ratio=2),)))
    assert mended.close == pytest.approx(calm.close)


def test_two_splits_are_undone_one_after_the_other():
    """The oldest prices carry both ratios."""
    calm = daily_bars(FRIDAY, 60)
    mended, reasons = undo_splits(shifted(shifted(calm, 2, at=20), 3, at=40))
    assert mended.close == pytest.approx(calm.close)
    assert [reason.detail[:7] for reason in reasons] == ["2 for 1", "3 for 1"]


def minutes(days: int = 5, *, last_count: int = 60) -> Bars:
    """Return 5-minute bars of some sessions, the last of which has only begun."""
    dates = trading_days(FRIDAY, days)
    rows = [row for day in dates[:-1] for row in rows_of(day_of_bars(day))]
    rows += rows_of(day_of_bars(dates[-1], count=last_count))
    return bars_of(rows, ticker="ACME", timeframe="1D", source="test")


def test_a_split_is_seen_while_its_first_session_runs():
    """What was traded so far is held against the same hours before: the change of the day is the share's own."""
    calm = minutes()
    start = 4 * 192
    mended, reasons = undo_splits(shifted(calm, 2, at=start))
    assert codes(reasons) == ["split_adjusted"]
    assert mended.close == pytest.approx(calm.close)
    window = select_timeframe(mended, "1D")
    assert abs(change_pct(window)[1]) < 10
    assert [split.day for split in window.splits] == [FRIDAY]


def test_a_crash_before_the_bell_is_news():
    """Half the price on forty times the trading of those hours stays, though a whole day would trade more."""
    crashed = shifted(minutes(last_count=12), 2, at=4 * 192, volume=40)
    assert undo_splits(crashed) == (crashed, ())


def test_a_previous_close_of_another_scale_is_dropped():
    """A server's own previous close that gives an absurd rise is no figure; a large real one stays."""
    bars = day_of_bars(FRIDAY, price=20)
    absurd, reasons = undo_splits(replace(bars, previous_close=0.5))
    assert (absurd.previous_close, codes(reasons)) == (None, ["bars_cut"])
    assert undo_splits(replace(bars, previous_close=5.0)) == (replace(bars, previous_close=5.0), ())
    assert undo_splits(replace(bars, previous_close=200.0))[1] == ()
    split_today = replace(shifted(minutes(), 2, at=4 * 192), previous_close=40.0)
    assert undo_splits(split_today)[0].previous_close is None


@pytest.mark.parametrize("factor", [2.0, 0.5, 10.0])
def test_a_days_open_of_another_scale_is_put_right(factor):
    """Twice the close before and twice its own close, on usual trading: only the open was left unadjusted."""
    calm = daily_bars(FRIDAY, 40)
    rows = rows_of(calm)
    price = rows[AT].close * factor
    extreme = {"high" if factor > 1 else "low": price}
    rows[AT] = rows[AT]._replace(open=price, **extreme)
    mended, reasons = undo_splits(with_rows(calm, rows))
    assert mended.open[AT] == calm.close[AT - 1]
    assert (mended.high[AT], mended.low[AT]) == pytest.approx((calm.high[AT], calm.low[AT]), rel=0.01)
    assert [(reason.code, reason.value) for reason in reasons] == [("bars_spike", 1.0)]
    heavy = with_rows(calm, [*rows[:AT], rows[AT]._replace(volume=rows[AT].volume * 9), *rows[AT + 1 :]])
    assert undo_splits(heavy) == (heavy, ())  # a price that rose and fell back on heavy trading


def test_a_window_tells_only_of_its_own_splits():
    """A split before what is shown is neither marked nor told."""
    mended = take_in(shifted(daily_bars(FRIDAY, 90), 2, at=20))
    assert mended is not None
    assert codes(mended.remarks) == ["split_adjusted"]
    assert select_timeframe(mended, "1M").remarks == ()
    assert select_timeframe(mended, "1M").splits == ()
    assert codes(select_timeframe(mended, "1Y").remarks) == ["split_adjusted"]


rows_of_days = st.lists(
    st.tuples(
        st.sampled_from([0.01, 0.5, 1, 1.5, 2, 3, 5, 10, 100, 1000]),
        st.sampled_from([0.0, 1.0, 50.0, 5000.0]),
    ),
    max_size=30,
)


@settings(max_examples=60)
@given(
    rows_of_days, st.lists(st.tuples(st.integers(0, 29), st.sampled_from([0.1, 0.5, 2.0, 20.0])), max_size=3)
)
def test_undone_once_is_undone(prices, named):
    """Whatever jumps there are, bars stay sound, and a second look finds nothing that was not named."""
    days = trading_days(FRIDAY, 30)
    rows = [Bar(midnight_s(day), p, p, p, p, volume) for day, (p, volume) in zip(days, prices, strict=False)]
    splits = tuple({days[at]: Split(day=days[at], ratio=ratio) for at, ratio in named}.values())
    bars = replace(
        bars_of(rows, ticker="ACME", timeframe="1Y", source="test"),
        splits=tuple(sorted(splits, key=lambda s: s.day)),
    )
    once, _ = undo_splits(bars)
    assert all(0 < low <= high for low, high in zip(once.low, once.high, strict=True))
    alone, _ = undo_splits(replace(bars, splits=()))
    assert undo_splits(replace(alone, splits=())) == (replace(alone, splits=()), ())
