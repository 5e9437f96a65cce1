"""Indicators against published worked examples, and against figures worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from catalyst_ray.core.indicators import ema, macd, rsi, sma, true_range, vwap


def column(*values: float):
    """Return values as a column."""
    return np.array(values, dtype=float)


def test_vwap_weighs_by_volume_and_starts_anew():
    """VWAP is worked out from typical prices and forgets the session before."""
    price = column(10, 20, 40, 80)
    result = vwap(price, price, price, column(1, 3, 5, 5), ["a", "a", "b", "b"])
    assert result.tolist() == [10, 17.5, 40, 60]


def test_vwap_uses_the_typical_price():
    """A bar's price is the mean of its high, low and close."""
    assert vwap(column(12), column(6), column(9), column(7), ["a"]).tolist() == [9]


def test_vwap_skips_what_has_no_volume_or_price():
    """Before any volume there is no VWAP; a bar without volume or price leaves it as it was."""
    price = column(10, 20, np.nan, 30)
    result = vwap(price, price, price, column(0, 2, 5, np.nan), ["a"] * 4)
    assert np.isnan(result[0])
    assert result[1:].tolist() == [20, 20, 20]


def test_sma_is_nan_until_it_has_enough():
    """The mean of three starts at the third value."""
    result = sma(column(1, 2, 6, 10), 3)
    assert np.isnan(result[:2]).all()
    assert result[2:].tolist() == [3, 6]


def test_sma_heals_after_a_gap():
    """A missing value spoils only the windows that contain it."""
    assert np.isnan(sma(column(1, np.nan, 3, 5, 7), 2)).tolist() == [True, True, True, False, False]


def test_sma_of_too_few_values_is_all_nan():
    """Fewer values than the window give no mean, and no error."""
    assert np.isnan(sma(column(1, 2), 5)).all()
    assert len(sma(column(), 5)) == 0


def test_sma_refuses_an_empty_window():
    """A window below one value is a mistake of the caller."""
    with pytest.raises(ValueError, match="at least 1"):
        sma(column(1), 0)


def test_rsi_is_wilders():
    """The closes of StockCharts' worked example (ChartSchool, "Relative Strength Index", 14 days) give its column."""
    close = column(
        44.3389, 44.0902, 44.1497, 43.6124, 44.3278, 44.8264, 45.0955, 45.4245, 45.8433, 46.0826, 45.8931,
        46.0328, 45.6140, 46.2820, 46.2820, 46.0028, 46.0328, 46.4116, 46.2222, 45.6439, 46.2122, 46.2521,
        45.7137, 46.4515, 45.7835, 45.3548, 44.0288, 44.1783, 44.2181, 44.5672, 43.4205, 42.6628, 43.1314,
    )  # fmt: skip
    published = [
        70.53, 66.32, 66.55, 69.41, 66.36, 57.97, 62.93, 63.26, 56.06, 62.38, 54.71, 50.42, 39.99, 41.46,
        41.87, 45.46, 37.30, 33.08, 37.77,
    ]  # fmt: skip
    result = rsi(close, 14)
    assert np.isnan(result[:14]).all()
    assert result[14:] == pytest.approx(published, abs=0.006)


def test_macd_is_appels():
    """The closes of Invest Excel's worked example ("How to calculate MACD in Excel") give its line and signal."""
    close = column(
        459.99, 448.85, 446.06, 450.81, 442.80, 448.97, 444.57, 441.40, 430.47, 420.05, 431.14, 425.66, 430.58,
        431.72, 437.87, 428.43, 428.35, 432.50, 443.66, 455.72, 454.49, 452.08, 452.73, 461.91, 463.58, 461.14,
        452.08, 442.66, 428.91, 429.79, 431.99, 427.72, 423.20, 426.21, 426.98, 435.69, 434.33, 429.80, 419.85,
        426.24,
    )  # fmt: skip
    line, signal = macd(close)
    assert np.isnan(line[:25]).all()
    assert np.isnan(signal[:33]).all()
    assert line[[25, 31]] == pytest.approx([8.2752695039, 0.1029814912])
    assert signal[[33, 39]] == pytest.approx([3.0375258687, -1.3381004126])
    assert macd(close).histogram[-1] == pytest.approx(line[-1] - signal[-1])


def test_ema_begins_with_a_mean():
    """The first value is the mean of the first three, later ones move half of the way."""
    result = ema(column(2, 4, 6, 10, 3), 3)
    assert np.isnan(result[:2]).all()
    assert result[2:].tolist() == [4, 7, 5]


def test_ema_passes_over_what_is_missing_at_the_front():
    """An average of an average starts where that starts; with too few values there is none."""
    assert ema(column(np.nan, np.nan, 1, 3), 2)[3] == 2
    assert np.isnan(ema(column(np.nan, 1), 2)).all()
    assert np.isnan(ema(column(), 2)).all()


@pytest.mark.parametrize(("step", "value"), [(1, 100), (-1, 0), (0, 50)])
def test_rsi_at_its_ends(step, value):
    """Only rises are 100, only falls 0, and no move at all is neither."""
    assert rsi(100.0 + step * np.arange(20))[-1] == value


def test_true_range_counts_the_gap():
    """A bar that opened away from the close before it reaches from there; the first bar only from high to low."""
    assert true_range(column(10, 15), column(9, 14), column(9.5, 14.5)).tolist() == [1, 5.5]


@pytest.mark.parametrize("indicator", [ema, rsi])
def test_an_empty_length_is_refused(indicator):
    """A length below one value is a mistake of the caller."""
    with pytest.raises(ValueError, match="at least 1"):
        indicator(column(1), 0)
