"""Tickers of companies that a text only names; companies and texts are invented."""

from __future__ import annotations

import pytest

from catalyst_ray.core.directory import Listing, TickerDirectory
from catalyst_ray.core.tickers import link
from tests.unit.core.test_tickers import codes, item, tickers

KNOWN = TickerDirectory.from_listings(
    Listing(ticker, cik, name)
    for ticker, cik, name in [
        ("QLLN", 1, "Quillon Inc"),
        ("VLD", 2, "Veldrin Corp"),
        ("ZRVE", 3, "Zorvane Energy Ltd"),
        ("ZRVF", 4, "Zorvane Foods Ltd"),
        ("HRBR", 5, "Harbor Corp"),
        ("DRL", 6, "Drellmont Group"),
        ("NASA", 7, "Nasarine Corp"),
        ("AGMT", 8, "Agmatine Inc"),
        ("ACMA", 9, "Acmatic Inc"),
        ("ZZZ", 10, "Acma Corp"),
    ]
)


def linked(title: str, summary: str = "", **more) -> list[tuple[str, str]]:
    """Return the tickers of a text with the codes of their evidence."""
    return [(s.ticker, s.reason.code) for s in link(item(title, summary, **more), KNOWN).symbols]


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Quillon falls after Veldrin rises", [("QLLN", "name"), ("VLD", "name")]),
        ("Quillon (NASDAQ: QLLN) falls", [("QLLN", "exchange_tag")]),
        ("Analysts like QLLN this year", [("QLLN", "bare_ticker")]),
        ("VLD Q3 EPS $0.10 Beats Estimate", [("VLD", "bare_ticker")]),
        ("VLD Reports A Fire", [("VLD", "bare_ticker")]),
        ("Veldrin: is VLD cheap?", [("VLD", "name")]),
        ("Veldrin Breaks Out (VLD)", [("VLD", "name")]),
        ("ACMA gains", [("ACMA", "bare_ticker")]),
        ("Transcript Of The Call (QLLN)", [("QLLN", "bracketed")]),
        (
            "New Highs (QLLN, VLD, GONE, DRL)",
            [("QLLN", "ticker_list"), ("VLD", "ticker_list"), ("DRL", "ticker_list")],
        ),
        ("Rent Today (VLD, GONE)", [("VLD", "ticker_list")]),
        ("Insiders buying QLLN, VLD, and GONE", [("QLLN", "ticker_list"), ("VLD", "ticker_list")]),
    ],
)
def test_names_bare_tickers_and_brackets_are_linked(title, expected):
    """A name, long capitals, short ones beside what is said of shares, and lists that are mostly tickers."""
    assert sorted(linked(title)) == sorted(expected)


@pytest.mark.parametrize(
    "title",
    [
        "VLD is a word of three letters here",
        "The NASA budget grows",  # an agency, in the list of words
        "ALL OF QLLN IS IN CAPITALS HERE",
        "Our aim: QLLN of it",
        "Annual General Meeting Today (AGMT)",  # spelt by the words before it
        "Sectors (IT, FMCG, VLD)",
        "Anglers Of The Town (VLD) Meet",
        "Harbor Traffic Slows",
    ],
)
def test_capitals_that_are_no_tickers_are_not_linked(title):
    """Acronyms, shouted titles, lists of other things and plain words give nothing."""
    assert linked(title) == []


def test_an_ambiguous_name_is_shown_and_not_guessed():
    """What two companies share links neither and is noted with both; what tells them apart resolves it."""
    result = link(item("Zorvane plunges"), KNOWN)
    assert tickers(result) == []
    assert [str(reason) for reason in result.reasons] == ["ambiguous_name: Zorvane: ZRVE, ZRVF"]
    assert tickers(link(item("Zorvane plunges", "Zorvane Foods said so."), KNOWN)) == ["ZRVF"]
    told = link(item("Zorvane plunges", "Zorvane (NYSE: ZRVE) said so."), KNOWN)
    assert tickers(told) == ["ZRVE"]
    assert told.reasons == ()


@pytest.mark.parametrize(
    "title",
    [
        "Quillon (TSX: QLN) falls",
        "Quillon Inc. (“Quillon”) (ASX: QUI) falls",
        "Quillon (LSE: QLLN) falls",
    ],
)
def test_a_name_in_front_of_a_foreign_tag_is_that_listing(title):
    """The company of a foreign tag is no US one, whatever bears the name; a US tag beside it says otherwise."""
    result = link(item(title), KNOWN)
    assert tickers(result) == []
    assert "foreign_venue" in codes(result)
    assert linked(title.replace("(", "(NASDAQ: QLLN; ")) == [("QLLN", "exchange_tag")]


@pytest.mark.parametrize(
    "title", ["Quillon (NASDAQ: QUIX) falls", "Quillon Inc. (“Quillon”) (NYSE: VLD) falls"]
)
def test_a_tag_tells_whose_the_name_in_front_of_it_is(title):
    """Another company's tag behind a name, listed or not, wins over the index."""
    assert [code for _, code in linked(title)] == ["exchange_tag"]
    assert "QLLN" not in dict(linked(title))


def test_what_a_source_was_asked_about_must_be_borne_out():
    """A related symbol counts where the text has its name, even a doubtful one, or the symbol itself."""
    assert linked("Harbor traffic slows", related=("HRBR",)) == [("HRBR", "related")]
    assert linked("Zorvane plunges", related=("ZRVE",)) == [("ZRVE", "related")]
    assert linked("Why some like VLD", related=("VLD",)) == [("VLD", "related")]
    result = link(item("Nothing of that", related=("VLD", "NONE")), KNOWN)
    assert tickers(result) == []
    assert [str(reason) for reason in result.reasons] == ["related_unconfirmed: VLD"]


def test_names_far_down_a_summary_are_boilerplate():
    """Only the beginning of a summary is read for names."""
    assert linked("News", "x " * 100 + "Quillon said") == [("QLLN", "name")]
    assert linked("News", "x " * 600 + "Quillon said") == []


def test_filings_are_known_by_cik_alone():
    """The names in a filing's text are not matched: EDGAR says who it is about."""
    from catalyst_ray.models import ItemKind, Party

    filed = item(
        "8-K - Quillon Inc", kind=ItemKind.FILING, form="8-K", parties=(Party(2, "Veldrin Corp", "Filer"),)
    )
    assert tickers(link(filed, KNOWN)) == ["VLD"]
