"""The surface: letters where they should be, and a PNG that others can read."""

from __future__ import annotations

import io
import struct
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from catalyst_ray.core import drawing
from catalyst_ray.core.drawing import Surface, mix, printable, rgba, text_width

BLACK, WHITE, RED = rgba("#000000"), rgba("#ffffff"), rgba("#ff0000")


def pixels(surface: Surface):
    """Return the picture as another program reads it."""
    return np.asarray(Image.open(io.BytesIO(surface.png())))


def test_png_is_read_back_pixel_by_pixel():
    """Another decoder sees the exact size, three channels, and each colour where it was put."""
    surface = Surface(31, 17, rgba("#102030"))
    surface.fill_boxes([(5, 3, 8, 9)], RED)
    assert struct.unpack(">II", surface.png()[16:24]) == (31, 17)
    seen = pixels(surface)
    assert seen.shape == (17, 31, 3)
    expected = np.full((17, 31, 3), (0x10, 0x20, 0x30))
    expected[3:9, 5:8] = (255, 0, 0)
    assert (seen == expected).all()


def test_whole_pixels_are_filled_to_the_edge():
    """A filled rectangle has the pixels of its rounded sides, and what lies outside is left out."""
    surface = Surface(20, 10, BLACK)
    surface.fill_pixels((14.6, -3, 99, 4.4), RED)
    reds = np.argwhere(pixels(surface)[..., 0] == 255)
    assert (reds.min(axis=0).tolist(), reds.max(axis=0).tolist()) == ([0, 15], [3, 19])


def test_a_mixed_colour_is_what_shows_through():
    """A clear colour on an opaque one is the same whether it is mixed before or painted over."""
    over = rgba("#9fb4cc", 0.3)
    painted, mixed = Surface(9, 9, RED), Surface(9, 9, mix(RED, over))
    painted.fill_boxes((0, 0, 9, 9), over)
    assert np.abs(pixels(painted).astype(int) - pixels(mixed)).max() <= 1


def test_text_has_its_own_colour_on_any_ground():
    """Inside a thick letter the colour is exactly the one asked for, and outside nothing changes."""
    surface = Surface(60, 60, rgba("#4060a0"))
    surface.write("▲", 5, 30, size_px=50, color=rgba("#22b48a"))
    found = {tuple(colour) for colour in pixels(surface)[[0, 35], [0, 28]].tolist()}
    assert found == {(0x40, 0x60, 0xA0), (0x22, 0xB4, 0x8A)}


def test_text_is_centred_on_its_line():
    """Capitals are as far above the line asked for as below it, at each alignment."""
    for align, left in (("left", 20), ("centre", 20 - 18), ("right", 20 - 36)):
        surface = Surface(120, 60, BLACK)
        surface.write("HHH", 40, 30, size_px=20, color=WHITE, align=align)
        rows, columns = np.nonzero(pixels(surface)[..., 0] > 100)
        assert abs((rows.min() + rows.max()) / 2 - 29.5) <= 1
        assert abs(columns.min() - (left + 20)) <= 7


def test_text_beyond_the_edge_is_cut_not_wrapped():
    """Letters outside the picture are left out, whichever edge they cross."""
    for x, y in ((-15, 20), (115, 20), (50, -3), (50, 43), (500, 20), (50, -90)):
        surface = Surface(120, 40, BLACK)
        surface.write("Wide", x, y, size_px=20, color=WHITE)
        inside = pixels(surface)
        assert inside[:, 60:].max() == 0 or x >= 50
        assert inside[:, :40].max() == 0 or x < 0


def test_width_is_never_less_than_what_is_drawn():
    """The width used to keep texts apart covers what is drawn."""
    for text in ("AVAVA To", "09:30", "1,234.56", "▲ 5.67%"):
        surface = Surface(300, 40, BLACK)
        assert (
            text_width(text, 24, bold=True)
            >= surface.write(text, 5, 20, size_px=24, color=WHITE, bold=True) - 0.5
        )


def test_dashes_and_gaps_leave_holes():
    """A dashed line has holes, NaN breaks a line, and a clip ends it."""
    surface = Surface(100, 30, BLACK)
    surface.stroke([(0, 5.5), (100, 5.5)], WHITE, 1, dashes=(4, 4))
    surface.stroke([(0, 15.5), (40, 15.5), (50, np.nan), (60, 15.5), (100, 15.5)], WHITE, 1)
    surface.stroke([(0, 25.5), (100, 25.5)], WHITE, 1, clip=(20, 20, 30, 30))
    seen = np.stack([pixels(surface)[y : y + 10, :, 0].max(axis=0) for y in (0, 10, 20)])
    assert 30 < (seen[0] > 128).sum() < 70
    assert (seen[1, 43:58] == 0).all()
    assert seen[1, 20] > 0
    assert set(np.flatnonzero(seen[2] > 128)) == set(range(20, 30))


def test_threads_draw_alike():
    """Pictures drawn in many threads at once are those drawn alone: no thread writes with another's font."""

    def picture(number: int) -> bytes:
        surface = Surface(200, 60, BLACK)
        for line in range(3):
            size = 11.0 + number % 5 + line
            surface.write(
                f"Chart {number} {line}", 5, 10 + 20 * line, size_px=size, color=WHITE, bold=line == 1
            )
        return surface.png()

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(picture, range(60)))
    drawing._ink.cache_clear()
    assert together == [picture(number) for number in range(60)]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Price of $5 and $10_x^2", "Price of $5 and $10_x^2"),
        ("line\nbreak\tand\x00control\u202e", "line break andcontrol"),
        ("rocket 🚀 gone", "rocket gone"),
        ("发布", ""),
        ("Café Результаты", "Café Результаты"),
        ("x" * 100, "x" * 79 + "…"),
    ],
)
def test_only_what_the_font_has_is_shown(text, shown):
    """Control characters and missing glyphs go, the rest stays, on one line of bounded length."""
    line = printable(text)
    assert line == shown
    Surface(50, 50, BLACK).write(line, 0, 20, size_px=12, color=WHITE)  # a missing glyph would warn, and fail
