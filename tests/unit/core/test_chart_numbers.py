"""Figures on a chart: round steps, and prices and volumes as they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalyst_ray.core.chart_numbers import price_text, price_texts, price_ticks, signed_text, volume_text


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


@pytest.mark.parametrize(
    ("value", "reach", "text"),
    [
        (0.0123, 0.05, "+0.0123"),
        (-1.5, 3.0, "−1.50"),
        (13.72, 40.0, "+13.7"),
        (-0.0001, 3.0, "0.00"),
        (5.0, 0.0, "+5.00"),
    ],
)
def test_signed_figures_have_the_decimals_of_their_scale(value, reach, text):
    """A figure shows its sign and a hundredth of the scale it stands on; what rounds to zero has no sign."""
    assert signed_text(value, reach) == text
