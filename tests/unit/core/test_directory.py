"""The ticker map from SEC's bytes."""

from __future__ import annotations

import json
import pickle

import pytest

from catalyst_ray.core.directory import Listing, TickerDirectory, normal_ticker
from catalyst_ray.errors import ParseError

ROWS = [
    (11, "ACME", "Acme Widgets Inc."),
    (12, "BOLT-B", "Bolt & Nut Corp"),
    (12, "BOLT-A", "Bolt & Nut Corp"),
    (13, "SPAQU", "Spaceport Acquisition Corp"),
    (13, "SPAQ", "Spaceport Acquisition Corp"),
    (13, "SPAQW", "Spaceport Acquisition Corp"),
    (14, "PREF-PB", "Preferred Trust"),
    (14, "PREF-WT", "Preferred Trust"),
    (14, "PREF", "Preferred Trust"),
]


def plain(rows=ROWS) -> bytes:
    """Return the layout of company_tickers.json."""
    return json.dumps(
        {str(n): {"cik_str": cik, "ticker": t, "title": name} for n, (cik, t, name) in enumerate(rows)}
    ).encode()


def with_exchange() -> bytes:
    """Return the layout of company_tickers_exchange.json."""
    data = [[cik, name, ticker, "Nasdaq"] for cik, ticker, name in ROWS]
    return json.dumps({"fields": ["cik", "name", "ticker", "exchange"], "data": data}).encode()


def test_both_layouts_give_the_same_companies():
    """company_tickers.json and company_tickers_exchange.json are read alike; the latter adds the venue."""
    first, second = TickerDirectory.from_json(plain()), TickerDirectory.from_json(with_exchange())
    assert len(first) == len(second) == len(ROWS)
    acme = second.by_ticker("ACME")
    assert acme is not None
    assert (acme.cik, acme.name, acme.venue) == (11, "Acme Widgets Inc.", "Nasdaq")
    assert [x.ticker for x in first.by_cik(12)] == [x.ticker for x in second.by_cik(12)]


def test_the_share_of_an_exchange_stands_before_foreign_forms():
    """The F and Y of shares over the counter come behind the ticker that people trade, and before warrants."""
    rows = [(15, "FRGNF", "Foreign"), (15, "FRGNW", "Foreign"), (15, "FRGN", "Foreign")]
    directory = TickerDirectory.from_listings(Listing(ticker, cik, name) for cik, ticker, name in rows)
    assert [listing.ticker for listing in directory.by_cik(15)] == ["FRGN", "FRGNF", "FRGNW"]


@pytest.mark.parametrize(("cik", "ticker"), [(11, "ACME"), (12, "BOLT-B"), (13, "SPAQ"), (14, "PREF")])
def test_the_common_share_stands_for_its_company(cik, ticker):
    """Of several tickers the first share comes first, before units, warrants and preferreds."""
    assert TickerDirectory.from_json(plain()).by_cik(cik)[0].ticker == ticker


@pytest.mark.parametrize("written", ["BOLT-B", "BOLT.B", "bolt/b", " Bolt b "])
def test_a_ticker_is_found_in_any_spelling(written):
    """Dots, slashes, dashes and case name the same class of share."""
    found = TickerDirectory.from_json(plain()).by_ticker(written)
    assert found is not None
    assert found.ticker == "BOLT-B"


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("abc", "ABC"),
        ("ABC.PR.A", "ABC-PA"),
        ("ABC PR A", "ABC-PA"),
        ("ABC PRA", "ABC-PA"),
        ("ABC-PA", "ABC-PA"),
        ("ABC^A", "ABC-PA"),
        ("ABC.PR", "ABC-P"),
        ("ABC-PR", "ABC-PR"),
        ("ABC.WS", "ABC-WT"),
        ("ABC.WS.A", "ABC-WTA"),
        ("ABC.U", "ABC-UN"),
        ("ABC.", "ABC"),
        ("", ""),
    ],
)
def test_marks_become_those_of_sec(written, normal):
    """Every exchange's spelling of preferreds, warrants and units becomes SEC's, and stays it."""
    assert normal_ticker(written) == normal
    assert normal_ticker(normal) == normal


def test_an_empty_directory_is_falsy_and_finds_nothing():
    """Without a map everything still works, and nothing is known."""
    for empty in (TickerDirectory(), TickerDirectory.from_json(b"{}")):
        assert not empty
        assert empty.by_ticker("ACME") is None
        assert empty.by_cik(11) == ()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Access denied</html>",
        b"\xff\xfe",
        b"[]",
        b'{"a": 1}',
        b'{"fields": ["cik"], "data": 3}',
        b'{"0": {"unlike": 1}}',
        b"[" * 100_000,
    ],
)
def test_other_bytes_are_a_parse_error(body):
    """A refusal page, a cut file or another layout is named as such, never half used."""
    with pytest.raises(ParseError, match="ticker map"):
        TickerDirectory.from_json(body)


def test_rows_without_ticker_are_passed_over():
    """One row that SEC left blank does not cost the others."""
    directory = TickerDirectory.from_json(
        plain([(11, "ACME", "Acme"), (15, "", "Blank"), ("x", "BAD", "Bad")])
    )
    assert len(directory) == 1


def test_it_pickles():
    """The directory can be sent to another process whole."""
    copy = pickle.loads(pickle.dumps(TickerDirectory.from_json(plain())))
    assert copy == TickerDirectory.from_json(plain())
