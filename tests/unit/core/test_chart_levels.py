"""Support and resistance: where bars turned twice, nearest to the last price."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from catalyst_ray.core.chart_levels import find_levels


def path(*corners: float):
    """Return high, low and close of bars that walk from corner to corner in five steps each, a tenth apart."""
    middle = np.concatenate([np.linspace(a, b, 5, endpoint=False) for a, b in pairwise(corners)])
    middle = np.append(middle, corners[-1])
    return middle + 0.05, middle - 0.05, middle


def test_prices_that_held_twice_are_levels():
    """Between two tops at 12 and two bottoms at 10 lies a range, named by its first turns."""
    resistance, support = find_levels(*path(11, 12, 10, 12.02, 10.01, 11))
    assert (round(resistance.price, 2), resistance.turns, resistance.start) == (12.06, 2, 5)
    assert (round(support.price, 3), support.turns, support.start) == (9.955, 2, 10)
    assert not resistance.is_support
    assert support.is_support


def test_the_nearest_level_counts():
    """Of two levels under the price the nearer one is named."""
    levels = find_levels(*path(9, 8, 9, 8, 11, 10, 11, 10, 13))
    assert [(round(level.price, 2), level.is_support) for level in levels] == [(11.05, True)]


def test_a_turn_that_did_not_repeat_is_no_level():
    """A single top and a single bottom hold nothing."""
    assert find_levels(*path(10, 14, 8, 11)) == ()


def test_few_or_flat_bars_have_none():
    """Nine bars, or a price that never moved, have no levels."""
    assert find_levels(*(column[:9] for column in path(11, 12, 10))) == ()
    flat = np.full(50, 5.0)
    assert find_levels(flat, flat, flat) == ()


@given(arrays(float, st.integers(1, 120), elements=st.floats(0.01, 1e6)))
def test_levels_lie_on_their_side_and_inside(closes):
    """Whatever the prices, support lies below the last one, resistance above, and both within what was seen."""
    for level in find_levels(closes * 1.01, closes * 0.99, closes):
        assert (level.price < closes[-1]) == level.is_support
        assert closes.min() * 0.98 <= level.price <= closes.max() * 1.02
        assert level.turns >= 2
        assert 0 <= level.start < len(closes)
