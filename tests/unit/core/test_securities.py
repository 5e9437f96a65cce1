"""What a ticker stands for; companies are invented."""

from __future__ import annotations

import pytest

from catalyst_ray.core.directory import Listing, TickerDirectory
from catalyst_ray.core.securities import is_over_the_counter, security_kind
from catalyst_ray.core.tickers import link
from catalyst_ray.models import Place, SecurityKind, Where
from tests.unit.core.test_tickers import codes, item, tickers

KNOWN = TickerDirectory.from_listings(
    Listing(ticker, cik, name)
    for ticker, cik, name in [
        ("QLLN", 1, "Quillon Inc"),
        ("QLLNW", 1, "Quillon Inc"),
        ("QLLN-PA", 1, "Quillon Inc"),
        ("VLDRF", 2, "Veldrin Ltd"),
        ("ZRVNU", 3, "Zorvane Acquisition Corp"),
        ("LUMF", 4, "Lumidex Bond ETF"),
    ]
)


@pytest.mark.parametrize(
    ("ticker", "name", "siblings", "expected"),
    [
        ("QLLN", "Quillon Inc", (), SecurityKind.COMMON),
        ("QLLN-A", "Quillon Inc", (), SecurityKind.COMMON),
        ("QLLN-PA", "Quillon Inc", (), SecurityKind.PREFERRED),
        ("QLLN-WT", "Quillon Inc", (), SecurityKind.WARRANT),
        ("QLLN-UN", "Quillon Inc", (), SecurityKind.UNIT),
        ("QLLN-RI", "Quillon Inc", (), SecurityKind.RIGHT),
        ("QLLNW", "Quillon Inc", ("QLLN",), SecurityKind.WARRANT),
        ("QLLNU", "Quillon Inc", ("QLLN",), SecurityKind.UNIT),
        ("QLLNR", "Quillon Inc", ("QLLN",), SecurityKind.RIGHT),
        ("QLLNP", "Quillon Inc", ("QLLN",), SecurityKind.PREFERRED),
        ("QLLNZ", "Quillon Inc", ("QLLN",), SecurityKind.NOTE),
        ("QLLNL", "Quillon Inc", ("QLLN",), SecurityKind.COMMON),
        ("QLLNW", "Quillon Inc", (), SecurityKind.COMMON),
        ("VLDRY", "Veldrin Ltd", (), SecurityKind.ADR),
        ("VLDR", "Veldrin S.A./ADR", (), SecurityKind.ADR),
        ("LUMF", "Lumidex Bond ETF", (), SecurityKind.FUND),
        ("LUMT", "Lumidex Municipal Income Trust", (), SecurityKind.FUND),
        ("HOUS", "Lumidex Income Realty Trust", (), SecurityKind.COMMON),
        ("BNKT", "Lumidex Northern Trust Corp", (), SecurityKind.COMMON),
    ],
)
def test_kinds_of_securities(ticker, name, siblings, expected):
    """Marks behind the dash, fifth letters beside their root, and words of the name give the kind."""
    assert security_kind(ticker, name, siblings) is expected


@pytest.mark.parametrize(
    ("ticker", "venue", "expected"),
    [
        ("QLLN", "OTC", True),
        ("QLLN", "", False),
        ("VLDRF", "", True),
        ("VLDRY", "", True),
        ("VLDRF", "Nasdaq", False),
        ("QLLNW", "", False),
    ],
)
def test_over_the_counter(ticker, venue, expected):
    """The venue decides; without one the F or Y of foreign shares."""
    assert is_over_the_counter(ticker, venue) is expected


def test_the_common_share_comes_before_what_derives_from_it():
    """Where a text tags only the warrant, the share is the subject, and the warrant is flagged."""
    result = link(item("Quillon warrants (NASDAQ: QLLNW) expire"), KNOWN)
    assert tickers(result) == ["QLLN", "QLLNW"]
    assert [symbol.kind for symbol in result.symbols] == [SecurityKind.COMMON, SecurityKind.WARRANT]
    assert "warrant" in codes(result)
    alone = link(item("Redemption", "the preferred shares (NYSE: QLLN.PR.A)"), KNOWN)
    assert tickers(alone) == ["QLLN", "QLLN-PA"]
    assert alone.symbols[0].reason.code == "share_of"
    assert link(item("Tagged", "(NASDAQ: QLLNW, QLLN)"), KNOWN).symbols[0].ticker == "QLLN"
    assert tickers(link(item("Units (NASDAQ: ZRVNU)"), KNOWN)) == ["ZRVNU"]


def test_funds_and_otc_shares_are_flagged():
    """A fund and a share without an exchange say so in the reasons, as ``explain`` shows them."""
    assert "fund" in codes(link(item("(NYSE Arca: LUMF)"), KNOWN))
    result = link(item("(OTCQB: VLDRF)"), KNOWN)
    assert result.symbols[0].is_otc
    assert "otc" in codes(result)


def test_each_symbol_has_the_place_of_its_evidence():
    """Title, summary and category are told apart, and the place cuts the evidence out of the text."""
    title, summary = "Quillon (NASDAQ: QLLN) falls", "Beside Veldrin Ltd it is tagged (OTC: VLDRF)."
    first, second = link(item(title, summary), KNOWN).symbols
    assert first.place == Place(Where.TITLE, title.index("NASDAQ"), title.index(")"))
    assert second.place == Place(Where.SUMMARY, summary.index("OTC"), summary.index(")"))
    (named,) = link(item("Cuts at Quillon"), KNOWN).symbols
    assert named.place == Place(Where.TITLE, 8, 15)
    (category,) = link(item("News", categories=("NASDAQ:QLLN",)), KNOWN).symbols
    assert category.place
    assert category.place.where is Where.CATEGORY
