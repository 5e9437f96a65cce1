"""Names of exchanges at the end of some words."""

from __future__ import annotations

import pytest

from catalyst_ray.core.venues import UNPLACED, find_venue, read_label


@pytest.mark.parametrize(
    ("words", "name", "is_us"),
    [
        ("Acme Corp. (NASDAQ", "Nasdaq", True),
        ("the Nasdaq Global Select Market", "Nasdaq", True),
        ("NasdaqGS", "Nasdaq", True),
        ("New York Stock Exchange", "NYSE", True),
        ("NYSE American", "NYSE American", True),
        ("NYSE-Arca", "NYSE Arca", True),
        ("Long-Term Stock Exchange", "LTSE", True),
        ("OTC Pink", "OTC", True),
        ("OTCQB", "OTC", True),
        ("Nasdaq ticker symbol", "Nasdaq", True),
        ("TSX-V", "Canada", False),
        ("TSX.V", "Canada", False),
        ("Cboe Canada", "Canada", False),
        ("Nasdaq First North", "Nordic", False),
        ("NASDAQ OMX Helsinki", "Nordic", False),
        ("Nasdaq Stockholm", "Nordic", False),
        ("Euronext Paris", "Euronext", False),
        ("Oslo Børs", "Norway", False),
        ("Frankfurter Börse", "Germany", False),
        ("Frankfurt", "Abroad", False),
    ],
)
def test_the_longest_name_wins(words, name, is_us):
    """A longer foreign name is not the US venue that it begins with, however it is spelt."""
    label = read_label(words, len(words))
    assert label is not None
    assert label.venue is not None
    assert (label.venue.name, label.venue.is_us) == (name, is_us)


@pytest.mark.parametrize(
    "words", ["TSX and NYSE American", "NYSE American/TSX", "NYSE American, TSX", "TSX & the NYSE American"]
)
def test_the_us_venue_of_a_list_counts(words):
    """Venues that share one symbol give the US one, in any order."""
    label = read_label(f"({words}", len(words) + 1)
    assert label is not None
    assert label.venue == find_venue("NYSE American")
    assert label.start == 1


@pytest.mark.parametrize(
    "words", ["Nasdaq Erewhon", "Nasdaq First North Growth Market Erewhon", "Erewhon Stock Exchange"]
)
def test_an_unknown_exchange_is_no_us_venue(words):
    """What reads like an exchange and is in no list is never taken for a US one."""
    label = read_label(words, len(words))
    assert label is not None
    assert label.venue is UNPLACED


@pytest.mark.parametrize(
    "words", ["", "according to the company", "About us", "NASDAQ is open", "NASDAQ (a market)."]
)
def test_other_words_name_no_venue(words):
    """A venue further up in the sentence does not count."""
    assert read_label(words, len(words)) is None
