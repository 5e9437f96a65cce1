"""Money and counts in a text: how they are written, what they are the price of, and what they cost to find."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalyst_ray.core.amounts import MAX_AMOUNTS, find_counts, find_money


@pytest.mark.parametrize(
    ("text", "value", "currency", "qualifier", "each"),
    [
        ("prices $25 million offering", 25e6, "USD", "exact", ""),
        ("a US$1.5bn facility", 1.5e9, "USD", "exact", ""),
        ("US $1.2 billion", 1.2e9, "USD", "exact", ""),
        ("of a $9.4 million raise", 9.4e6, "USD", "exact", ""),
        ("C$40.5M bought deal", 40.5e6, "CAD", "exact", ""),
        ("€30m", 30e6, "EUR", "exact", ""),
        ("12 million euros", 12e6, "EUR", "exact", ""),
        ("$150,000,000", 150e6, "USD", "exact", ""),
        ("up to an aggregate of approximately $75,000,000", 75e6, "USD", "up_to", ""),
        ("Up To $13.9 Million", 13.9e6, "USD", "up_to", ""),
        ("approximately $6.3 million", 6.3e6, "USD", "about", ""),
        ("more than $80 million", 80e6, "USD", "at_least", ""),
        ("common stock, par value $0.0001 per share", 0.0001, "USD", "exact", "par"),
        ("$0.01 par value", 0.01, "USD", "exact", "par"),
        ("at $1.50 per share", 1.5, "USD", "exact", "share"),
        ("at $9/Share", 9.0, "USD", "exact", "share"),
        ("$6.00 per unit", 6.0, "USD", "exact", "unit"),
        ("$0.125 per warrant", 0.125, "USD", "exact", "warrant"),
    ],
)
def test_money_is_read_as_it_is_written(text, value, currency, qualifier, each) -> None:
    """Each way of writing a sum gives its value, its currency, how exact it is, and what it is the price of."""
    (found,) = find_money(text)
    assert (found.value, found.currency, found.qualifier, found.each) == (value, currency, qualifier, each)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("between $4.00 and $6.00 per share", 4.0, 6.0),
        ("$20 to $25 million", 20e6, 25e6),
        ("$20-25 million", 20e6, 25e6),
        ("$2.5B-$3B", 2.5e9, 3e9),
    ],
)
def test_a_range_is_one_sum_with_two_ends(text, low, high) -> None:
    """The unit behind the second figure counts for the first as well."""
    (found,) = find_money(text)
    assert (found.value, found.high, found.qualifier) == (low, high, "between")


def test_two_sums_are_no_range() -> None:
    """The word "and" alone joins two sums; a second figure that is no money stays out."""
    assert [one.value for one in find_money("sold $5 million and $6 million")] == [5e6, 6e6]
    assert [(one.value, one.high) for one in find_money("$5 to 1,200 holders")] == [(5.0, None)]


@pytest.mark.parametrize(
    ("text", "value", "unit", "qualifier"),
    [
        ("5,000,000 shares of common stock", 5e6, "share", "exact"),
        ("1.5 million units", 1.5e6, "unit", "exact"),
        ("4.7M Share offering", 4.7e6, "share", "exact"),
        ("up to 3,000,000 pre-funded warrants", 3e6, "prefunded_warrant", "up_to"),
        ("warrants: 2,000 warrants", 2000, "warrant", "exact"),
        ("2,000,000 American Depositary Shares", 2e6, "ads", "exact"),
        ("400,000 of its Class A ordinary shares", 4e5, "share", "exact"),
        ("10,000 shares of Series B Preferred Stock", 1e4, "preferred_share", "exact"),
    ],
)
def test_counts_have_their_unit(text, value, unit, qualifier) -> None:
    """Each number of securities gives its value, what is counted, and how exact it is."""
    (found,) = find_counts(text)
    assert (found.value, found.unit, found.qualifier) == (value, unit, qualifier)


def test_prices_and_percents_are_no_counts() -> None:
    """A sum of money before "shares", a per cent and a year count nothing."""
    assert find_counts("$5,000 shares; 12% shares; 9.5 % notes") == []


@given(st.text(alphabet="$€1.9,0 %MUmilonkbsharet-/\n", max_size=300))
def test_spans_are_those_of_the_figures(text) -> None:
    """Whatever the text, every figure is finite and stands where its span says."""
    for found in [*find_money(text), *find_counts(text)]:
        assert 0 <= found.start < found.end <= len(text)
        assert any(letter.isdigit() for letter in text[found.start : found.end])
        assert 0 <= found.value < 1e30


@pytest.mark.parametrize(
    "piece", ["$", "1,", "$1 to ", "up to ", "1 of ", "$1 million ", "common ", "9", "a $", "$5 par value "]
)
def test_no_text_is_slow(piece) -> None:
    """A quarter of a million hostile letters take a moment, and the figures are bounded in number."""
    text = "1 " + piece * (250_000 // len(piece))
    begun = time.perf_counter()
    assert len(find_money(text)) <= 2 * MAX_AMOUNTS
    assert len(find_counts(text)) <= MAX_AMOUNTS
    assert time.perf_counter() - begun < 5
