"""Charts: everything inside, nothing overlapping, true to its bars, whatever the bars are."""

from __future__ import annotations

import io
import math
import re
import struct
import subprocess
import sys
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import combinations, groupby

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from catalyst_ray.core.bars import Bar, bars_of, eastern, midnight_s, rows_of, with_rows
from catalyst_ray.core.charts import compose, draw_chart
from catalyst_ray.core.drawing import Surface
from catalyst_ray.core.indicators import macd, rsi
from catalyst_ray.core.market_hours import EASTERN
from catalyst_ray.errors import ConfigError, ParseError
from catalyst_ray.models import PANELS, ChartRequest, Split
from tests.unit.core.golden_charts import day_scene
from tests.unit.core.price_samples import daily_bars, day_of_bars, trading_days

FRIDAY = date(2025, 11, 21)
NEWS = datetime(2025, 11, 21, 11, 31, tzinfo=EASTERN)
MARK_BLUE = (31, 111, 235)


def five_days():
    """Return five days of half hours."""
    rows = [row for day in trading_days(FRIDAY, 5) for row in rows_of(day_of_bars(day, count=32, minutes=30))]
    return replace(with_rows(day_of_bars(FRIDAY), rows), timeframe="5D")


def flat(price: float, count: int = 40):
    """Return bars that never move and never trade."""
    rows = [
        row._replace(open=price, high=price, low=price, close=price, volume=0)
        for row in rows_of(day_of_bars(FRIDAY))
    ]
    return with_rows(day_of_bars(FRIDAY), rows[:count])


def halted():
    """Return a day with few trades before the open, a halt of an hour and a jump after it."""
    rows = rows_of(day_of_bars(FRIDAY))
    after = [
        row._replace(open=row.open * 3, high=row.high * 3, low=row.low * 3, close=row.close * 3)
        for row in rows[100:150]
    ]
    return with_rows(day_of_bars(FRIDAY), [*rows[:66:13], *rows[66:88], *after])


def split_year():
    """Return a year of days with a split and a reverse split."""
    bars = daily_bars(FRIDAY, 252)
    days = [eastern(bars.times_s[index]).date() for index in (100, 240)]
    return replace(bars, splits=(Split(day=days[0], ratio=0.1), Split(day=days[1], ratio=1.5)))


def scaled(factor: float):
    """Return a day of bars at another level of prices."""
    bars = day_of_bars(FRIDAY, price=20 * factor)
    return replace(bars, previous_close=20.1 * factor)


SHAPES = {
    "day": replace(day_of_bars(FRIDAY), previous_close=19.9),
    "morning": day_of_bars(FRIDAY, first="09:30", count=7),
    "one bar": day_of_bars(FRIDAY, count=1),
    "two bars": day_of_bars(FRIDAY, count=2),
    "minutes": day_of_bars(FRIDAY, count=960, minutes=1),
    "five days": five_days(),
    "month": daily_bars(FRIDAY, 22, timeframe="1M"),
    "year": daily_bars(FRIDAY, 252),
    "decades": daily_bars(FRIDAY, 6000),
    "flat": flat(12.0),
    "flat penny": flat(0.00012),
    "sub-penny": scaled(0.0000031),
    "huge": scaled(41_000),
    "halt": halted(),
    "splits": split_year(),
    "month after more": replace(
        daily_bars(FRIDAY, 80, timeframe="1M"), shown_from_s=midnight_s(date(2025, 10, 22))
    ),
    "half day": day_of_bars(date(2025, 11, 28), count=156),
    "far previous close": replace(day_of_bars(FRIDAY), previous_close=3.0),
}
SIZES = [(1000, 600), (400, 240), (300, 600), (240, 160)]
NO_PANELS: tuple[str, ...] = ()


def overlap(one, other) -> bool:
    """Tell whether two boxes share any area."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def inside(inner, outer) -> bool:
    """Tell whether a box lies in another, to the pixel."""
    return (
        inner[0] >= outer[0] - 1
        and inner[1] >= outer[1] - 1
        and inner[2] <= outer[2] + 1
        and inner[3] <= outer[3] + 1
    )


def check_letters(request: ChartRequest) -> None:
    """Assert that no text or tag is cut by the edge, by another text or by another tag."""
    tags = []

    def record(surface, box, radius, color):
        tags.append(box)
        fill(surface, box, radius, color)

    fill = Surface.fill_pill
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Surface, "fill_pill", record)
        letters = compose(request).letters
    assert len(letters) >= 4
    picture = (0, 0, request.width_px, request.height_px)
    for text, box in letters:
        assert inside(box, picture), text
        assert all(inside(box, tag) or not overlap(box, tag) for tag in tags), text
    assert all(inside(tag, picture) for tag in tags)
    for one, other in combinations(letters, 2):
        assert not overlap(one.box, other.box), (one.text, other.text)
    assert not any(overlap(*pair) for pair in combinations(tags, 2))


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("shape", SHAPES)
def test_texts_are_inside_and_apart(shape, size):
    """At every size and for every kind of bars, with all panels and without, no text is cut or covered."""
    request = ChartRequest(
        bars=SHAPES[shape], mark_utc=NEWS, label="ÀÇ approval of a drug", width_px=size[0], height_px=size[1]
    )
    check_letters(replace(request, panels=PANELS))
    check_letters(replace(request, panels=NO_PANELS, mark_utc=None))


@settings(max_examples=40, deadline=None)
@given(
    shape=st.sampled_from(sorted(SHAPES)),
    size=st.tuples(st.integers(240, 2000), st.integers(160, 1400)),
    panels=st.sets(st.sampled_from(PANELS)),
    days=st.floats(-400, 30) | st.none(),
    label=st.text(max_size=60),
)
def test_texts_are_inside_and_apart_at_any_size(shape, size, panels, days, label):
    """Whatever the size, panels, bars, moment and words, no text is cut or covered."""
    mark = None if days is None else NEWS + timedelta(days=days)
    request = ChartRequest(
        bars=SHAPES[shape], width_px=size[0], height_px=size[1], mark_utc=mark, label=label
    )
    check_letters(replace(request, panels=tuple(panels)))


@pytest.mark.parametrize("size", [(500, 300), (1000, 600)], ids=str)
def test_levels_keep_their_figures_beside_the_last_price(size):
    """Support and resistance next to the last price are told, a little aside, and the largest volume too."""
    scene = replace(day_scene(), width_px=size[0], height_px=size[1])
    texts = [letter.text for letter in compose(scene).letters]
    assert [sum(text.startswith(kind) for text in texts) for kind in ("R ", "S ")] == [1, 1]
    assert any(re.fullmatch(r"\d+K", text) for text in texts)


def test_an_axis_over_panels_has_prices_to_read_a_scale_by():
    """Panels below leave little height, and tags cover prices: two lines and two more prices are told all the same."""
    scene = replace(day_scene(), panels=PANELS, width_px=1740, height_px=1041)
    found = {text for text, _ in compose(scene).letters if re.fullmatch(r"([RS] )?\d\.\d\d", text)}
    assert len(found) >= 4


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_png_has_the_exact_size(size):
    """The PNG's header and its decoded pixels have the size asked for."""
    png = draw_chart(ChartRequest(bars=SHAPES["day"], width_px=size[0], height_px=size[1]))
    assert struct.unpack(">II", png[16:24]) == size
    assert Image.open(io.BytesIO(png)).convert("RGB").size == size


def test_equal_requests_give_equal_pictures():
    """Nothing of an earlier picture, or of chance, is left in the next one."""
    request = ChartRequest(bars=SHAPES["day"], mark_utc=NEWS, label="News")
    first = draw_chart(request)
    draw_chart(ChartRequest(bars=SHAPES["year"], theme="light"))
    assert draw_chart(request) == first
    assert draw_chart(replace(request, theme="light")) != first


def test_title_tells_ticker_timeframe_price_and_change():
    """The first line names them as the card does."""
    bars = SHAPES["day"]
    texts = [text for text, _ in compose(ChartRequest(bars=bars)).letters]
    change = (bars.close[-1] / 19.9 - 1) * 100
    assert {"ACME", "1D", f"{bars.close[-1]:.2f}"} <= set(texts)
    assert f"{'▲' if change >= 0 else '▼'} {abs(change):.2f}%" in texts
    assert any(text.startswith("VWAP ") for text in texts)
    assert "Prev close 19.90" in texts


def test_a_split_is_named_at_its_place():
    """A split has a dotted line before its first bar and its ratio over it; one outside the bars has neither."""
    days = trading_days(FRIDAY, 252)
    bars = replace(daily_bars(FRIDAY, 252), splits=(Split(day=days[120], ratio=0.1),))
    surface = compose(ChartRequest(bars=bars))
    box = next(letters.box for letters in surface.letters if letters.text == "1-for-10 split")
    right = next(letters.box[2] for letters in surface.letters if letters.text == "Nov")
    assert 0.4 * right < (box[0] + box[2]) / 2 < 0.55 * right
    for day in (date(2020, 1, 2), days[0], FRIDAY + timedelta(days=3)):
        outside = replace(bars, splits=(Split(day=day, ratio=4.0),))
        assert not any("split" in text for text, _ in compose(ChartRequest(bars=outside)).letters)


@pytest.mark.parametrize(
    ("ratio", "words"),
    [(2.0, "2-for-1 split"), (1.5, "3-for-2 split"), (0.1, "1-for-10 split"), (1 / 30, "1-for-30 split")],
)
def test_splits_are_worded_as_announced(ratio, words):
    """New shares come first: 2-for-1 doubles them, 1-for-10 makes one of ten."""
    bars = replace(daily_bars(FRIDAY, 60), splits=(Split(day=trading_days(FRIDAY, 30)[0], ratio=ratio),))
    assert words in [text for text, _ in compose(ChartRequest(bars=bars)).letters]


def test_a_halt_shows_the_price_that_stood():
    """Where nothing traded within a day, a thin line at the last price leads to the next trade."""
    rows = rows_of(day_of_bars(FRIDAY))
    bars = with_rows(day_of_bars(FRIDAY), [*rows[:90], *rows[110:]])
    bare = replace(ChartRequest(bars=bars), panels=())
    frame = dict(compose(bare).letters)
    six, eighteen = ((frame[text][0] + frame[text][2]) / 2 for text in ("06:00", "18:00"))
    left, right = (round(six + (eighteen - six) / 144 * (bar - 24)) for bar in (91, 109))
    per_column = []
    for request in (bare, replace(bare, bars=day_of_bars(FRIDAY))):
        seen = np.asarray(Image.open(io.BytesIO(draw_chart(request)))).astype(int)[115:550, left:right]
        per_column.append((np.abs(seen - seen[0, 0]).max(axis=2) > 50).sum() / (right - left))
    assert 1 <= per_column[0] <= 2
    assert per_column[1] > 5


def test_mark_stands_at_its_minute():
    """The catalyst's line stands between its bar's neighbours, in proportion to the minute."""
    bars = SHAPES["day"]
    seen = np.asarray(
        Image.open(io.BytesIO(draw_chart(ChartRequest(bars=bars, mark_utc=NEWS, label="News"))))
    ).astype(int)
    tick_row = seen[560:570]
    blue = (np.abs(tick_row - MARK_BLUE).max(axis=2) < 30).nonzero()[1]
    labels = dict(compose(ChartRequest(bars=bars, mark_utc=NEWS, label="News")).letters)
    middle = {text: (labels[text][0] + labels[text][2]) / 2 for text in ("06:00", "18:00")}
    per_minute = (middle["18:00"] - middle["06:00"]) / 720
    expected = middle["06:00"] + per_minute * (11 * 60 + 31 - 360)
    assert abs((blue.min() + blue.max()) / 2 - expected) < 2
    assert "11:31  News" in labels


@pytest.mark.parametrize("days", [-30, -1, 0, 1, 30])
def test_mark_outside_the_bars_stays_inside_the_picture(days):
    """News before the first bar or after the last is still named, within the picture."""
    for name in ("day", "month", "one bar"):
        surface = compose(ChartRequest(bars=SHAPES[name], mark_utc=NEWS + timedelta(days=days), label="News"))
        box = next(letters.box for letters in surface.letters if letters.text.endswith("News"))
        assert box[0] >= 0
        assert box[2] <= 1000


@pytest.mark.parametrize(
    "label", ["", "$5 million_x^2 $", "🚀🚀", "very long " * 50, "多语言", "a\nb\tc\x00", "Ünïcödé"]
)
def test_any_label_is_drawn_safely(label):
    """No label breaks the picture, starts mathematics or warns of a missing glyph."""
    surface = compose(ChartRequest(bars=SHAPES["day"], mark_utc=NEWS, label=label))
    chip = next(letters for letters in surface.letters if letters.text.startswith("11:31"))
    assert chip.box[2] <= 1000
    assert len(chip.text) <= 60


def test_hours_outside_trading_are_shaded():
    """Before the open and after the close the background differs; on daily bars it is one colour."""
    seen = np.asarray(Image.open(io.BytesIO(draw_chart(ChartRequest(bars=SHAPES["day"])))))
    row = seen[107]
    assert (row[100] != row[450]).any()
    assert (row[100] == row[800]).all()
    month = np.asarray(Image.open(io.BytesIO(draw_chart(ChartRequest(bars=SHAPES["month"])))))
    assert (month[107, 100] == month[107, 450]).all()


def test_candles_have_their_bars_colours():
    """Rising bars are green and falling ones red, in the number they come."""
    rows = [
        Bar(1_763_735_400 + 300 * i, *((10, 11.2, 9.8, 11) if i % 4 else (11, 11.2, 9.8, 10)), 0)
        for i in range(20)
    ]
    bars = bars_of(rows, ticker="ACME", timeframe="1D", source="test")
    seen = np.asarray(Image.open(io.BytesIO(draw_chart(ChartRequest(bars=bars))))).astype(int)[340]
    green = (np.abs(seen - (34, 180, 138)).max(axis=1) < 12).sum()
    red = (np.abs(seen - (240, 82, 95)).max(axis=1) < 12).sum()
    assert green == pytest.approx(3 * red, abs=3)


@pytest.mark.parametrize("theme", ["dark-colour-blind", "light-colour-blind"])
def test_rising_candles_are_hollow_where_colour_is_not_enough(theme):
    """Inside a rising body the background shows, inside a falling one its colour."""
    rows = [
        Bar(1_763_735_400 + 300 * i, *((10, 12.2, 9.8, 12) if i % 2 else (12, 12.2, 9.8, 10)), 0)
        for i in range(20)
    ]
    bars = bars_of(rows, ticker="ACME", timeframe="1D", source="test")
    seen = np.asarray(
        Image.open(io.BytesIO(draw_chart(ChartRequest(bars=bars, theme=theme, panels=()))))
    ).astype(int)
    row, ground = seen[340], seen[90, 20]
    inked = np.abs(row[16:900] - ground).max(axis=1) > 60
    runs = [len(list(run)) for ink, run in groupby(inked.tolist()) if ink]
    assert sum(length > 20 for length in runs) == 10
    assert sum(length <= 3 for length in runs) == 20


@pytest.mark.parametrize("panels", [("rsi",), ("macd",), ("rsi", "macd"), PANELS])
def test_panels_are_named_with_their_newest_figures(panels):
    """RSI and MACD stand below the candles, apart, each with its settings and last values."""
    bars = SHAPES["day"]
    letters = dict(compose(ChartRequest(bars=bars, panels=panels)).letters)
    close = np.array(bars.close)
    names = {
        "rsi": f"RSI 14  {rsi(close)[-1]:.1f}",
        "macd": f"MACD 12 26 9  {macd(close).line[-1]:+.3f}".replace("-", "−"),
    }
    for panel, name in names.items():
        assert (name in letters) == (panel in panels), sorted(letters)
    if {"rsi", "macd"} <= set(panels):
        assert letters[names["rsi"]][3] + 50 < letters[names["macd"]][1]


def test_a_picture_too_low_for_panels_leaves_them_out():
    """Where RSI and MACD could not be read the candles have the room."""
    letters = compose(ChartRequest(bars=SHAPES["day"], panels=PANELS, width_px=240, height_px=160)).letters
    assert not any(text.startswith(("RSI", "MACD")) for text, _ in letters)


@pytest.mark.parametrize("close", [math.nan, -1.0, 0.0])
def test_no_usable_bar_is_an_error(close):
    """Without a usable bar there is no picture but a ParseError with the ticker."""
    bars = day_of_bars(FRIDAY, count=3)
    with pytest.raises(ParseError, match="ACME"):
        draw_chart(ChartRequest(bars=replace(bars, close=(close,) * 3)))
    with pytest.raises(ParseError, match="ACME"):
        draw_chart(ChartRequest(bars=with_rows(bars, [])))


@pytest.mark.parametrize(
    "change",
    [
        {"theme": "sepia"},
        {"panels": ("volume", "cci")},
        {"width_px": 10},
        {"height_px": 100_000},
        {"width_px": 4001},
        {"height_px": 0},
    ],
)
def test_impossible_requests_are_refused(change):
    """An unknown theme or a size that no one could read or hold is a ConfigError."""
    with pytest.raises(ConfigError):
        draw_chart(replace(ChartRequest(bars=SHAPES["day"]), **change))


any_price = st.floats() | st.floats(1e-7, 1e8)


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(
        st.builds(
            Bar,
            st.integers(1_763_700_000, 1_763_800_000),
            any_price,
            any_price,
            any_price,
            any_price,
            any_price,
        ),
        max_size=12,
    ),
    words=st.tuples(st.text(max_size=30), st.text(max_size=60)),
    minutes=st.integers(-(10**6), 10**6) | st.none(),
    previous=st.none() | st.floats(),
    size=st.sampled_from(SIZES),
)
def test_any_bars_give_a_picture_or_a_clear_error(rows, words, minutes, previous, size):
    """Whatever the prices, times and words, the answer is a PNG or a ParseError."""
    bars = bars_of(rows, ticker=words[0], timeframe="1D", source="test", previous_close=previous)
    mark = None if minutes is None else NEWS + timedelta(minutes=minutes)
    request = ChartRequest(bars=bars, mark_utc=mark, label=words[1], width_px=size[0], height_px=size[1])
    try:
        png = draw_chart(request)
    except ParseError:
        return
    assert struct.unpack(">II", png[16:24]) == size


def test_warm_up_draws():
    """Warming up goes through a whole drawing: what the first real one would wait for is loaded then."""
    code = (
        "import sys; from catalyst_ray.core.charts import warm_up; warm_up();"
        " sys.exit('matplotlib.backends.backend_agg' not in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_importing_charts_does_not_load_matplotlib():
    """Matplotlib is loaded by the first drawing, not by the import."""
    code = (
        "import sys, catalyst_ray.core.charts, catalyst_ray.core.gauge; sys.exit('matplotlib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
