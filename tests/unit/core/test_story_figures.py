"""Figures of a text by kind: equal however written, and never equal where their digits differ."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalyst_ray.core.story_figures import equal, figure_of, figures_in, holds, precise, shares


def only(text: str, kind: str):
    """Return the one figure of a kind."""
    (figure,) = figures_in(text)[kind]
    return figure


@pytest.mark.parametrize(
    ("text", "kind", "count"),
    [
        ("prices $25 million offering of 5,000,000 shares at $5.00", "money", 1),
        ("prices $25 million offering of 5,000,000 shares at $5.00", "count", 1),
        ("prices $25 million offering of 5,000,000 shares at $5.00", "price", 1),
        ("up 14% and 3.5 percent", "percent", 2),
        ("q2 and third quarter and 4q", "quarter", 3),
        ("phase 2b and phase iii", "phase", 2),
        ("qx-118 against g7", "code", 2),
        ("1-for-20 split", "ratio", 1),
        ("on november 25th", "date", 1),
        ("resumes at 9:30 a.m.", "time", 1),
        ("on wednesday", "weekday", 1),
        ("in 2026", "year", 1),
        ("series b", "part", 1),
        ("opens two plants", "number", 1),
        ("eps of $(0.18)", "price", 1),
    ],
)
def test_figures_have_kinds(text, kind, count):
    """What is money, a price, a count, a name with digits or a time is told apart."""
    assert len(figures_in(text)[kind]) == count


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("$25.0 million", "$25m", True),
        ("$25 million", "$24.98 million", True),
        ("$25 million", "us$25,000,000", True),
        ("$5 million", "$5.4 million", False),
        ("$25.1 million", "$25.4 million", False),
        ("$5 million", "$50 million", False),
        ("$1.3 billion", "$1,300 million", True),
    ],
)
def test_amounts_are_equal_however_written(a, b, same):
    """Rounding counts from two digits on; the same digits in another place do not."""
    assert equal(only(a, "money"), only(b, "money")) is same
    assert equal(only(b, "money"), only(a, "money")) is same


def test_whole_numbers_are_exact():
    """A round small number stands for itself: 110 movers are not 108."""
    assert not equal(only("110 movers", "number"), only("108 movers", "number"))
    assert not equal(only("$120 target", "price"), only("$123 target", "price"))


def test_lots_of_figures():
    """A lot shares a figure with another, or holds it whole; three digits make a figure precise."""
    few, many = figures_in("$25 million")["money"], figures_in("$25m of $61.3m")["money"]
    assert shares(few, many)
    assert holds(few, many)
    assert not holds(many, few)
    assert [one.value for one in precise(many)] == [61.3e6]
    assert equal(figure_of(61.3e6), only("$61.3m", "money"))


@given(st.integers(10, 9_999), st.integers(10, 9_999))
def test_two_figures_of_the_same_digits_are_one_and_others_are_not(a, b):
    """Given to the same digit, amounts are equal only where they are."""
    assert equal(only(f"${a / 100:.2f} million", "money"), only(f"${b / 100:.2f} million", "money")) is (
        a == b
    )


@given(st.text(max_size=200))
def test_any_text_is_read(text):
    """Nothing raises, and every figure equals itself."""
    for figures in figures_in(text.lower()).values():
        assert holds(figures, figures)
