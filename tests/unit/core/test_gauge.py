"""Gauges: drawn once, looked up by tenths."""

from __future__ import annotations

import io
import math
import struct

import numpy as np
import pytest
from PIL import Image

from catalyst_ray.core.gauge import HEIGHT_PX, WIDTH_PX, GaugeBook, compose, describe, draw_gauge
from catalyst_ray.errors import ConfigError

TENTHS = [step / 10 for step in range(-10, 11)]


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_every_gauge_is_its_own_picture_of_the_right_size(theme):
    """The 21 gauges differ from each other and are 240×150 pixels."""
    pngs = [draw_gauge(value, theme) for value in TENTHS]
    assert len(set(pngs)) == 21
    assert {struct.unpack(">II", png[16:24]) for png in pngs} == {(WIDTH_PX, HEIGHT_PX)}


def test_texts_stay_inside():
    """Figure and words of every gauge lie inside the picture and apart from each other."""
    for value in TENTHS:
        figure, words = compose(value).letters
        for left, top, right, bottom in (figure.box, words.box):
            assert left >= 0
            assert top >= 0
            assert right <= WIDTH_PX
            assert bottom <= HEIGHT_PX
        assert figure.box[3] <= words.box[1]


def test_needle_points_to_the_value():
    """The needle is left of the middle for negative values and right of it for positive ones, in order."""
    places = []
    for value in TENTHS:
        seen = np.asarray(Image.open(io.BytesIO(draw_gauge(value)))).astype(int)
        rows, columns = (seen[:112].min(axis=2) > 225).nonzero()
        on_ring = np.hypot(columns - 120, rows - 104) > 72
        places.append(columns[on_ring].mean())
    assert places == sorted(places)
    assert places[0] < 50
    assert 119 < places[10] < 121
    assert places[-1] > 190


@pytest.mark.parametrize(
    ("value", "words"),
    [(-1, "very negative"), (-0.6, "very negative"), (-0.5, "negative"), (-0.2, "negative"), (-0.1, "neutral"),
     (0, "neutral"), (0.14, "neutral"), (0.15, "positive"), (0.59, "very positive"), (1, "very positive")],
)  # fmt: skip
def test_words_follow_the_figure_shown(value, words):
    """Five levels, judged by the rounded figure that stands beside them, and alike on both sides."""
    assert describe(value) == words


def test_book_draws_each_gauge_once():
    """Filling draws 21 gauges; filling and looking up after that draws none."""
    drawn: list[float] = []

    def draw(value: float, theme: str) -> bytes:
        drawn.append(value)
        return f"{value} {theme}".encode()

    book = GaugeBook(draw, theme="light")
    book.fill()
    book.fill()
    assert book.get(0.37) == b"0.4 light"
    assert drawn == TENTHS


@pytest.mark.parametrize(
    ("value", "page"), [(0.35, 0.4), (-0.35, -0.4), (7, 1.0), (-1.01, -1.0), (-0.04, 0.0), (0.05, 0.1)]
)
def test_book_rounds_and_clamps(value, page):
    """Values are rounded to a tenth, halves outwards on both sides, and clamped to the dial."""
    assert GaugeBook(lambda value, _: str(value).encode()).get(value) == str(page).encode()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_number_is_refused(value):
    """A sentiment that is no finite number is an error, never a neutral gauge."""
    with pytest.raises(ValueError, match="finite"):
        GaugeBook().get(value)
    with pytest.raises(ValueError, match="finite"):
        draw_gauge(value)


def test_unknown_theme_is_refused():
    """A theme we do not have is named, with those we have."""
    with pytest.raises(ConfigError, match="dark, light"):
        draw_gauge(0, "sepia")
