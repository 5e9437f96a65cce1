"""Figures and their intervals: known statistics of known samples."""

from __future__ import annotations

import numpy as np
import pytest

from catalyst_ray.quality.figure import (
    Figure,
    confusion_rows,
    estimate,
    estimate_of,
    f1_of_counts,
    macro_f1,
    mean_of,
)


def test_the_interval_of_a_share_is_that_of_the_binomial() -> None:
    """300 of 1,000: the 95 % interval is about 0.272 to 0.328, and equal each time."""
    rows = [(1, 1)] * 300 + [(0, 1)] * 700
    found = estimate(rows, mean_of)
    assert found.value == pytest.approx(0.3)
    assert (found.low, found.high) == (pytest.approx(0.272, abs=0.006), pytest.approx(0.328, abs=0.006))
    assert estimate(rows, mean_of) == found


def test_many_samples_are_drawn_in_parts() -> None:
    """More samples than fit one matrix of draws give an interval too."""
    found = estimate(np.ones((9_001, 2)), mean_of)
    assert (found.value, found.low, found.high) == (1, 1, 1)


def test_f1_of_counts() -> None:
    """Two found, one false, one missed: F1 is 4 / 6; nothing at all is 0, not a division by zero."""
    assert f1_of_counts(np.array([[2, 1, 1], [0, 0, 0]])) == pytest.approx([4 / 6, 0])


def test_macro_f1_by_hand() -> None:
    """Classes with F1 of 1, 2/3 and 0 have the mean 5/9."""
    pairs = [(0, 0), (1, 1), (2, 1)]
    assert macro_f1(confusion_rows(pairs, 3).sum(axis=0)[None, :], 3) == pytest.approx([5 / 9])


def test_the_interval_of_a_median_holds_it() -> None:
    """A statistic that is no function of sums has an interval around its value."""
    found = estimate_of(list(range(101)), lambda sample: float(np.median(sample)))
    assert found.low < found.value == 50 < found.high


@pytest.mark.parametrize(
    ("value", "aim", "smaller", "met"),
    [
        (0.7, 0.65, False, True),
        (0.6, 0.65, False, False),
        (0, 0, True, True),
        (1, 0, True, False),
        (None, 1, False, None),
        (1, None, False, None),
    ],
)
def test_an_aim_is_met_or_missed(value, aim, smaller, met) -> None:
    """A figure reaches its aim from the side that is better; without value or aim nothing is said."""
    figure = Figure(key="k", title="t", value=value, aim=aim, smaller_is_better=smaller)
    assert figure.is_met is met
