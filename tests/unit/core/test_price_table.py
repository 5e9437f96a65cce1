"""CSV and JSON price tables in the shapes that people have them in."""

from __future__ import annotations

import json
import math
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalyst_ray.core.bars import eastern
from catalyst_ray.core.price_table import normal_ticker, parse_price_csv, parse_price_json
from catalyst_ray.errors import ParseError
from catalyst_ray.models import Split


def csv_bars(text: str):
    """Return what a CSV text says."""
    return parse_price_csv(text, ticker="ACME", timeframe="1D")


def times(text: str) -> list[str]:
    """Return the Eastern times of a CSV's bars."""
    return [f"{eastern(t):%Y-%m-%d %H:%M}" for t in csv_bars(text).times_s]


@pytest.mark.parametrize("header", ["Date", "Datetime", "timestamp", "Time", "time_et", "", "\ufeffDate"])
def test_header_variants_and_order(header):
    """The time column has many names, columns any order, and unknown ones are passed over."""
    bars = csv_bars(f"{header},Close,High,Low,Open,Adj Close,Volume\n2025-11-21T09:30:00,4,5,2,3,99,1000\n")
    assert (bars.open, bars.high, bars.low, bars.close, bars.volume) == ((3,), (5,), (2,), (4,), (1000,))


@pytest.mark.parametrize(
    ("stamp", "eastern_time"),
    [
        ("2025-11-21 09:35:00", "2025-11-21 09:35"),  # naive is Eastern
        ("2025-07-21 09:35", "2025-07-21 09:35"),
        ("2025-11-21T14:35:00Z", "2025-11-21 09:35"),
        ("2025-11-21 15:35:00+01:00", "2025-11-21 09:35"),
        ("11/21/2025 9:35", "2025-11-21 09:35"),
        ("11/21/2025 1:35 PM", "2025-11-21 13:35"),
        ("1763735700", "2025-11-21 09:35"),
        ("1763735700000", "2025-11-21 09:35"),
        ("1763735700000000", "2025-11-21 09:35"),
        ("1763735700000000000", "2025-11-21 09:35"),
        ("2025-11-21", "2025-11-21 00:00"),
        ("20251121", "2025-11-21 00:00"),
        ("11/21/2025", "2025-11-21 00:00"),
        ("2025-11-21 00:00:00+01:00", "2025-11-21 00:00"),  # a day where it is traded, whatever its offset
    ],
)
def test_times_are_read_in_every_form(stamp, eastern_time):
    """Each way of writing a time means the same moment, and a date its trading day."""
    assert times(f"Date,Open,High,Low,Close\n{stamp},1,1,1,1\n") == [eastern_time]


@pytest.mark.parametrize(
    "header",
    ["t,o,h,l,c,v", "timestamp,1. open,2. high,3. low,4. close,5. volume",
     "\"('Date', '')\",\"('Open', 'ACME')\",\"('High', 'ACME')\",\"('Low', 'ACME')\",\"('Close', 'ACME')\",\"('Volume', 'ACME')\""],
)  # fmt: skip
def test_columns_have_many_names(header):
    """Short names, numbered ones and the pairs of a table of several tickers are the same columns."""
    bars = csv_bars(f"{header}\n2025-11-21,1,3,1,2,1000\n")
    assert (bars.open, bars.high, bars.low, bars.close, bars.volume) == ((1,), (3,), (1,), (2,), (1000,))


def test_the_three_header_lines_of_yfinance_are_read():
    """Its files name the ticker and the index below the columns: those two lines are no bars."""
    bars = csv_bars("Price,Close,High,Low,Open,Volume\nTicker,A,A,A,A,A\nDate,,,,,\n2025-11-21,2,3,1,1,9\n")
    assert (bars.close, bars.volume) == ((2,), (9,))


def test_splits_of_the_table_are_kept():
    """A ratio that is none, zero, one or absurd is no split."""
    lines = [
        f"2025-11-{day},1,1,1,1,{ratio}"
        for day, ratio in ((17, "0.0"), (18, "2.0"), (19, "0.1"), (20, "1"), (21, "1e9"))
    ]
    bars = csv_bars("Date,Open,High,Low,Close,Stock Splits\n" + "\n".join([*lines, "2025-11-24,1,1,1,1,"]))
    assert bars.splits == (Split(day=date(2025, 11, 18), ratio=2), Split(day=date(2025, 11, 19), ratio=0.1))


def test_unreadable_cells_cost_only_themselves():
    """A row without time is left out, a cell without number is NaN, thousands and dollars are read."""
    bars = csv_bars(
        'Date,Open,High,Low,Close,Volume\nsoon,1,1,1,1,1\n2025-11-21,x,,"$1,234.5",2,"1,000"\nshort\n'
    )
    assert len(bars) == 1
    assert math.isnan(bars.open[0])
    assert math.isnan(bars.high[0])
    assert (bars.low, bars.volume) == ((1234.5,), (1000,))


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "no column"), ("Date,Open,High,Low\n", "close"), ("Open,High,Low,Close\n1,1,1,1\n", "date"),
     ("Date,Open,High,Low,Close\n", "no row"), ("<html>not found</html>", "no column")],
)  # fmt: skip
def test_no_table_is_refused(text, words):
    """What is no price table says which column it lacks."""
    with pytest.raises(ParseError, match=words):
        csv_bars(text)


@given(st.text(max_size=300) | st.text(alphabet="Date,OpenHighLowClose\n0123456789-:/ .\"'", max_size=300))
def test_any_text_is_a_table_or_a_parse_error(text):
    """No text breaks the reader."""
    for whole in (text, f"Date,Open,High,Low,Close\n{text}"):
        try:
            csv_bars(whole)
        except ParseError:
            continue


def answer(**changes) -> bytes:
    """Return a price server's answer with some of it changed."""
    columns = {name: [1.0, 2.0] for name in ("open", "high", "low", "close", "volume")}
    return json.dumps(
        {"times": [1763735700, 1763736000], "previous_close": 1.5, **columns, **changes}
    ).encode()


def test_json_is_read():
    """The columns, the previous close and its absence are read; null figures are NaN."""
    bars = parse_price_json(answer(open=[None, 2]), ticker="ACME", timeframe="1D")
    assert bars.times_s == (1763735700, 1763736000)
    assert bars.previous_close == 1.5
    assert math.isnan(bars.open[0])
    assert parse_price_json(answer(previous_close=None), ticker="ACME", timeframe="1D").previous_close is None


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"null", b"{}", b"\xff\xfe", answer(open=[1]), answer(close=3), answer(times="12"),
     answer(volume=None), b"[" * 100_000],
)  # fmt: skip
def test_json_that_is_no_table_is_refused(body):
    """Anything else is a ParseError with the ticker."""
    with pytest.raises(ParseError, match="ACME"):
        parse_price_json(body, ticker="ACME", timeframe="1D")


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["times", "open", "close", "previous_close"]), json_values))
def test_any_json_is_a_table_or_a_parse_error(changes):
    """No answer breaks the reader."""
    try:
        parse_price_json(answer(**changes), ticker="ACME", timeframe="1D")
    except ParseError:
        return


@pytest.mark.parametrize("text", ["ACME", "brk.b", " BF-A ", "0700.HK"])
def test_tickers_pass(text):
    """Real forms of tickers are kept, in capitals."""
    assert normal_ticker(text) == text.strip().upper()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "..",
        "../x",
        "a/b",
        "a\\b",
        ".A",
        "A..B",
        "A\x00",
        "A B",
        "A" * 16,
        "Ä",
        "C:X",
        "a?b",
        "%2e",
    ],
)
def test_what_could_leave_the_folder_is_no_ticker(text):
    """Nothing that means something to a path or a URL is taken for a ticker."""
    assert normal_ticker(text) is None
