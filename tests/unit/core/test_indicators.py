"""VWAP and moving averages against figures worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from catalyst_ray.core.indicators import sma, vwap


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
