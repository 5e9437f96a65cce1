"""The frame: panels inside, apart and in order, whatever the size."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalyst_ray.core.chart_frame import Frame

PANELS = (("rsi", (20.0, 80.0)), ("macd", (-1.0, 1.0)))


def frame(**changes):
    """Return a frame of our default size."""
    given = {
        "width": 1000,
        "height": 600,
        "unit": 1.0,
        "gutter": 80.0,
        "slots": 192.0,
        "most_volume": 500.0,
        "prices": (10.0, 12.0),
        "has_lane": True,
        "panels": PANELS,
    }
    return Frame(**{**given, **changes})


@given(
    width=st.integers(240, 4000),
    height=st.integers(160, 3000),
    slots=st.floats(1, 2000),
    volume=st.sampled_from([0.0, 900.0]),
    lane=st.booleans(),
    panels=st.sampled_from([(), PANELS[:1], PANELS[1:], PANELS]),
)
def test_panels_are_apart_and_inside(width, height, slots, volume, lane, panels):  # noqa: PLR0917  (an example each)
    """From the lane down to the time axis, prices, volume and panels follow each other without touching."""
    unit = max(min(width / 1000, height / 600), 0.45)
    made = frame(
        width=width, height=height, unit=unit, slots=slots, most_volume=volume, has_lane=lane, panels=panels
    )
    heights = [made.lane, made.price.top, made.price.bottom, made.floor]
    heights += [side for name in made.panels for side in made.box(name)[1::2]]
    assert all(above <= below for above, below in pairwise(heights))
    assert heights[-1] <= made.foot < height
    assert made.price.bottom - made.price.top > 20
    assert float(made.x(slots)) == pytest.approx(made.right)
    assert float(made.x(0)) >= made.left - 1e-6


def test_prices_and_volumes_lie_in_their_panels():
    """The range of prices fills its panel but for some room, the busiest candle reaches up, none the foot."""
    made = frame()
    assert made.price.top < made.price.y(12.0) < made.price.y(10.0) < made.price.bottom
    assert made.price.bottom < made.volume.y(500.0) < made.volume.y(0.0) == made.floor
    assert made.price.shows(11.0)
    assert not made.price.shows(13.0)


def test_a_line_down_the_chart_leaves_the_names_free():
    """What is marked at a moment crosses each panel and stops at the lines between."""
    made = frame()
    stretches = made.stretches(110.0)
    assert [round(end) for end in stretches[0]] == [110, round(made.floor)]
    assert stretches[1:] == [made.box(name)[1::2] for name in ("rsi", "macd")]
    assert all(next_[0] - last[1] >= 25 for last, next_ in pairwise(stretches))
