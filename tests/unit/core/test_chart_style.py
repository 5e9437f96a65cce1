"""Themes: readable, and told apart by those who see no red or green."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from catalyst_ray.core.chart_style import THEMES, theme_named

# Machado, Oliveira and Fernandes (2009), severity 1.0, on linear RGB.
BLIND = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}  # fmt: skip


def linear(color):
    """Return a colour's light, by sRGB's curve."""
    part = np.array(color[:3])
    return np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)


def contrast(one, other) -> float:
    """Return the contrast of two colours, 1 to 21 (WCAG 2.2)."""
    light = [float(linear(color) @ (0.2126, 0.7152, 0.0722)) + 0.05 for color in (one, other)]
    return max(light) / min(light)


@pytest.mark.parametrize("name", THEMES)
def test_what_is_read_stands_out(name):
    """Words have a contrast of 4.5, large ones and lines of 3, as WCAG 2.2 asks (1.4.3, 1.4.11)."""
    theme = theme_named(name)
    for color in (theme.text, theme.muted, theme.level):
        assert contrast(color, theme.background) >= 4.5
    for color in (theme.rise, theme.fall, theme.vwap, theme.slow, theme.mark):
        assert contrast(color, theme.background) >= 3
    for color in (theme.rise, theme.fall, theme.tag):
        assert contrast(theme.on_colour, color) >= 3
    assert contrast(theme.on_mark, theme.mark) >= 4.5


@pytest.mark.parametrize("eyes", BLIND)
@pytest.mark.parametrize("name", ["dark-colour-blind", "light-colour-blind"])
def test_rise_and_fall_differ_to_all_eyes(name, eyes):
    """In the colour-blind variants rise, fall and the mark stay far apart for each kind of colour blindness."""
    theme = theme_named(name)
    seen = [np.array(BLIND[eyes]) @ linear(color) for color in (theme.rise, theme.fall, theme.mark)]
    assert all(np.abs(one - other).max() > 0.1 for one, other in combinations(seen, 2))
    assert np.abs(seen[0] - seen[1]).max() > 0.2


def test_only_the_variants_need_no_colour():
    """The variants draw rising candles hollow, the others do not."""
    assert [name for name in THEMES if theme_named(name).hollow] == [
        "dark-colour-blind",
        "light-colour-blind",
    ]
