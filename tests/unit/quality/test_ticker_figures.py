"""The rule by which labelled tickers are counted; companies and texts are invented."""

from __future__ import annotations

import json

import pytest

from catalyst_ray.quality.folder import DataFolder
from catalyst_ray.quality.tickers import is_marked, tickers

MAP = {
    "0": {"cik_str": 1, "ticker": "QLLN", "title": "QUILLON THERAPEUTICS INC"},
    "1": {"cik_str": 2, "ticker": "VLDR", "title": "Veldrin & Marsk Co"},
    "2": {"cik_str": 3, "ticker": "HRBR", "title": "Harbor Corp"},
}
ATOM = """<?xml version="1.0" encoding="ISO-8859-1" ?>
<feed xmlns="http://www.w3.org/2005/Atom"><title>Latest Filings</title><updated>2026-01-12T10:00:00-05:00</updated>
{entries}</feed>"""
ENTRY = """<entry><title>8-K - {name} ({cik:010d}) (Filer)</title>
<link rel="alternate" type="text/html" href="https://www.sec.gov/Archives/edgar/data/{cik}/000000000126{cik:06d}/0000000001-26-{cik:06d}-index.htm"/>
<summary type="html">&lt;b&gt;Filed:&lt;/b&gt; 2026-01-12</summary><updated>2026-01-12T10:00:00-05:00</updated>
<category scheme="https://www.sec.gov/" label="form type" term="8-K"/>
<id>urn:tag:sec.gov,2008:accession-number=0000000001-26-{cik:06d}</id></entry>"""


@pytest.fixture
def folder(tmp_path):
    """Return a function that makes a data folder of headline rows (title, stock)."""

    def make(*rows: tuple[str, str]) -> DataFolder:
        labelled = tmp_path / "05_tickers" / "labelled"
        labelled.mkdir(parents=True, exist_ok=True)
        (labelled.parent / "sec_company_tickers_a.json").write_text(json.dumps(MAP))
        lines = ["n,title,date,stock", *(f'{n},"{title}",,{stock}' for n, (title, stock) in enumerate(rows))]
        (labelled / "headlines.csv").write_text("\n".join(lines))
        return DataFolder(tmp_path)

    return make


def figure(folder: DataFolder, key: str):
    """Return one of the figures."""
    return next(figure for figure in tickers(folder) if figure.key == key)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(NASDAQ: QLLN)", True),
        ("NYSE American: QLLN", True),
        ("under the symbol “QLLN”", True),
        ("$QLLN", True),
        ("Quillon (QLLN)", True),
        ("(ABC, QLLN, DEF)", True),
        ("(TSX: QLLN)", False),
        ("QLLN rises", False),
        ("(NASDAQ: QLLNW)", False),
    ],
)
def test_what_counts_as_tagged(text, expected):
    """A US exchange's tag, a cashtag and brackets count; a foreign tag and a bare symbol do not."""
    assert is_marked("QLLN", text) is expected


def test_labels_count_where_tag_or_name_stands_in_the_text(folder):
    """Tagged and named labels are two figures; labels out of the map or the text count in neither."""
    data = folder(
        ("Quillon (NASDAQ: QLLN) rises", "QLLN"),
        ("Quillon Therapeutics Rises", "QLLN"),
        ("Quillon Rises", "QLLN"),
        ("Veldrin &amp; Marsk", "QLLN"),
        ("Stocks Rise", "QLLN"),
        ("Gone Company Rises", "GONE"),
    )
    assert figure(data, "tickers_tagged_f1").n == 1
    named = figure(data, "tickers_named_f1")
    assert (named.value, named.n) == (1.0, 2)
    assert "1 labels not in the map" in named.details


def test_the_map_may_have_either_layout(folder):
    """The names of the rule come from the map as the program reads it, whatever its layout."""
    data = folder(("Quillon Rises", "QLLN"))
    rows = [[row["cik_str"], row["title"], row["ticker"], "NYSE"] for row in MAP.values()]
    layout = {"fields": ["cik", "name", "ticker", "exchange"], "data": rows}
    (data.root / "05_tickers" / "sec_company_tickers_a.json").write_text(json.dumps(layout))
    assert figure(data, "tickers_named_f1").n == 1


def test_misses_and_false_tickers_lower_the_figure(folder):
    """A label that is not linked is missed; a linked company that the text does not name is false."""
    data = folder(("Ships Return To Harbor", "HRBR"), ("Quillon Rises", "QLLN"))
    assert figure(data, "tickers_named_f1").value == pytest.approx(2 / 3)
    both = folder(("Quillon Rises With $VLDR", "QLLN"), ("$VLDR Rises", "QLLN"))
    assert figure(both, "tickers_named_f1").value == 1.0, "what the text names is not false"


def test_the_old_bot_reads_tags_of_titles_only(folder):
    """The baseline finds what stands behind an exchange's name in the title."""
    data = folder(("Quillon (NASDAQ: QLLN) rises", "QLLN"), ("$QLLN rises", "QLLN"))
    assert figure(data, "tickers_tagged_f1").baselines == {"exchange tags of titles": pytest.approx(2 / 3)}


def test_edgar_entries_are_counted_by_company(folder):
    """Each party that the map holds counts once an entry; others are only told."""
    data = folder()
    pages = data.root / "01_feeds_finance" / "edgar_getcurrent" / "day"
    pages.mkdir(parents=True)
    entries = ENTRY.format(name="QUILLON THERAPEUTICS INC", cik=1) + ENTRY.format(name="Somebody Else", cik=9)
    (pages / "page.atom").write_text(ATOM.format(entries=entries))
    rate = figure(data, "edgar_cik_rate")
    assert (rate.value, rate.n) == (1.0, 1)
    assert rate.details[0].startswith("1 parties")


def test_foreign_tags_are_counted_and_none_is_taken(folder):
    """A symbol of a foreign venue counts unless a US tag says it too."""
    data = folder(("Quillon (TSX: QLLN) rises", "QLLN"), ("Quillon (TSX: QLLN) (NYSE: QLLN) rises", "QLLN"))
    foreign = figure(data, "foreign_as_us")
    assert (foreign.value, foreign.n, foreign.is_met) == (0.0, 1, True)


def test_without_data_there_are_no_figures(tmp_path):
    """An empty folder gives every key without a value."""
    assert {figure.key: figure.value for figure in tickers(DataFolder(tmp_path))} == {
        "edgar_cik_rate": None,
        "tickers_tagged_f1": None,
        "tickers_named_f1": None,
        "foreign_as_us": None,
    }
