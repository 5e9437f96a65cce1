"""Pictures against those that were looked at and kept; ``golden_charts`` says how to renew them."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from PIL import Image

from catalyst_ray.core.charts import draw_chart
from catalyst_ray.core.gauge import draw_gauge
from tests.unit.core.golden_charts import CHARTS, FOLDER, GAUGES

MOST_OFF = 0.001
"""Share of pixels that may differ: another release of the font engine shifts the edges of letters, no more."""
CLEARLY = 40
"""Levels of 256 in any colour."""


def share_off(png: bytes, name: str) -> float:
    """Return the share of pixels that clearly differ from the picture kept."""
    seen, kept = (
        np.asarray(Image.open(source).convert("RGB")).astype(int)
        for source in (io.BytesIO(png), FOLDER / f"{name}.png")
    )
    assert seen.shape == kept.shape
    return float((np.abs(seen - kept).max(axis=2) > CLEARLY).mean())


@pytest.mark.parametrize("name", CHARTS)
def test_chart_looks_as_it_was_approved(name):
    """Each chart is, but for the edges of letters, the picture that was looked at."""
    assert share_off(draw_chart(CHARTS[name]), name) <= MOST_OFF


@pytest.mark.parametrize("name", GAUGES)
def test_gauge_looks_as_it_was_approved(name):
    """Each gauge is, but for the edges of letters, the picture that was looked at."""
    assert share_off(draw_gauge(*GAUGES[name]), name) <= MOST_OFF


@pytest.mark.parametrize(
    "change",
    [
        {"mark_utc": CHARTS["day"].mark_utc + timedelta(minutes=20)},
        {"label": "FDA refusal"},
        {"panels": ("volume", "averages")},
        {"panels": ("volume", "levels")},
        {"panels": ("averages", "levels")},
        {"bars": replace(CHARTS["day"].bars, previous_close=6.2)},
        {"bars": replace(CHARTS["day"].bars, close=CHARTS["day"].bars.open)},
    ],
)
def test_a_change_that_can_be_seen_is_found(change):
    """A mark 20 minutes off, other words, a missing line or other candles exceed the tolerance."""
    assert share_off(draw_chart(replace(CHARTS["day"], **change)), "day") > 2 * MOST_OFF


def test_another_gauge_is_found():
    """A needle a tenth off exceeds the tolerance."""
    assert share_off(draw_gauge(0.8, "dark"), "gauge-dark") > 2 * MOST_OFF


def test_pictures_kept_are_small_and_all_used():
    """The folder holds one picture a scene, each below 30 kB."""
    kept = {path.stem: path.stat().st_size for path in FOLDER.glob("*.png")}
    assert set(kept) == {*CHARTS, *GAUGES}
    assert max(kept.values()) < 30_000
