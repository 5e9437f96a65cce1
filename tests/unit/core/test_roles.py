"""What part each company plays in a story; companies and texts are invented."""

from __future__ import annotations

from datetime import UTC, datetime
from time import perf_counter

import pytest

from catalyst_ray.core.directory import Listing, TickerDirectory
from catalyst_ray.core.roles import Cast, with_roles
from catalyst_ray.core.tickers import link
from catalyst_ray.models import Item, Reason, Role, Symbol

BROKER = 19617
"""One of the CIKs of the table of brokers."""

KNOWN = TickerDirectory.from_listings(
    Listing(ticker, cik, name)
    for ticker, cik, name in [
        ("QLLN", 1, "Quillon Inc"),
        ("VLDR", 2, "Veldrin Corp"),
        ("ZRVN", 3, "Zorvane Ltd"),
        ("DRLM", 4, "Drellmont PLC"),
        ("BRKR", BROKER, "Brokerith & Co"),
        ("LUMF", 6, "Lumidex Bond ETF"),
    ]
)


def roles(title: str, summary: str = "", **more) -> dict[str, str]:
    """Return the role of each ticker of an item, in the order of the link."""
    item = Item(
        key="k", feed="f", title=title, summary=summary, received_utc=datetime(2026, 3, 4, tzinfo=UTC), **more
    )
    return {symbol.ticker: symbol.role.value for symbol in link(item, KNOWN).symbols}


S, C, M = "subject", "counterpart", "mentioned"


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Quillon reports record revenue", {"QLLN": S}),
        ("Quillon signs supply agreement with Veldrin", {"QLLN": S, "VLDR": C}),
        ("Quillon to be acquired by Veldrin for $9 a share", {"QLLN": S, "VLDR": C}),
        ("Quillon sues Veldrin over patents", {"QLLN": S, "VLDR": C}),
        ("Quillon (NYSE: QLLN) merges with Veldrin (NYSE: VLDR)", {"QLLN": S, "VLDR": C}),
        ("Quillon falls as Veldrin rises", {"QLLN": S, "VLDR": M}),
        ("Quillon gains on deal talk, unlike Veldrin", {"QLLN": S, "VLDR": M}),
        ("Brokerith upgrades Quillon to buy", {"QLLN": S, "BRKR": M}),
        ("Brokerith Raises Price Target On Quillon To $12", {"QLLN": S, "BRKR": M}),
        ("Quillon upgraded to buy by Brokerith", {"QLLN": S, "BRKR": M}),
        ("Brokerith reports record trading revenue", {"BRKR": S}),
        ("Brokerith downgrades Someone Else to hold", {"BRKR": M}),
        ("Quillon supplier Veldrin cuts jobs", {"VLDR": S, "QLLN": M}),
        ("Quillon-backed start-up raises $5 million", {"QLLN": M}),
        ("Tiny private maker signs a deal with Quillon", {"QLLN": C}),
        ("Quillon Partners With a Carrier", {"QLLN": S}),
        ("Tiny private maker ends merger agreement with Quillon", {"QLLN": S}),
        ("Tiny private maker sues Quillon", {"QLLN": S}),
        ("FDA panel votes against Quillon", {"QLLN": S}),
        ("Customer cancels $4 million contract with Quillon", {"QLLN": S}),
        ("NYSE starts proceedings against Quillon", {"QLLN": S}),
        ("Quillon November sales rise", {"QLLN": S}),
        ("Veldrin to buy Quillon for $9 a share", {"QLLN": S, "VLDR": C}),
        ("Veldrin nears deal to acquire Quillon", {"QLLN": S, "VLDR": C}),
        ("Veldrin to buy Quillon stake", {"VLDR": S, "QLLN": C}),
        ("Brokerith lifts Quillon to overweight", {"QLLN": S, "BRKR": M}),
        ("Futures are flat ahead of Quillon", {"QLLN": M}),
        ("Lumidex Bond ETF adds Quillon", {"QLLN": S, "LUMF": M}),
    ],
)
def test_the_title_says_who_is_who(title, expected):
    """Who comes first is the subject, unless it only rates, describes or is dealt with; the subject leads."""
    found = roles(title)
    assert found == expected
    assert list(found) == list(expected)


@pytest.mark.parametrize(
    "title",
    [
        "3 stocks to watch: Quillon and Veldrin",
        "12 Biggest Movers From Yesterday: Quillon Rises",
        "Mid-Day Market Update: Quillon Shares Jump",
        "Stocks moving after hours: Quillon and more",
        "Shares of several makers are trading higher, among them Quillon",
        "Top Upgrades And Downgrades: Quillon",
        "S&P 500 closes higher, Quillon leads",
        "Index components: Quillon joins the list of inflows, ETF inflows climb",
        "Earnings Scheduled For May 10: Quillon",
        "The Week Ahead In Makers: Quillon",
        "Most active options: Quillon",
        "Quillon, Veldrin, Zorvane and Drellmont fall",
        "INVESTOR ALERT: Roe & Doe LLP investigates Quillon on behalf of shareholders",
        "Roe Law Firm reminds Quillon investors of the deadline",
        "Quillon Lead Plaintiff Deadline Nears",
    ],
)
def test_lists_markets_and_law_firms_have_no_subject(title):
    """Companies of a list, a market report or a law firm's advertisement are only mentioned, tagged or not."""
    assert set(roles(title, "Quillon (NASDAQ: QLLN)").values()) == {M}


def test_without_a_name_in_the_title_the_publishers_tag_is_the_subject():
    """A tag of the body or of a category makes the subject; many of them make none."""
    assert roles("Maker posts results", "The maker (NASDAQ: QLLN) and Veldrin (NYSE: VLDR)") == {
        "QLLN": S,
        "VLDR": M,
    }
    assert roles("Maker posts results", categories=("NYSE:ZRVN",)) == {"ZRVN": S}
    assert set(roles("Makers post results", categories=("QLLN", "VLDR", "ZRVN", "DRLM")).values()) == {M}


def test_a_company_that_only_the_summary_names_is_the_subject_where_it_opens_it():
    """Named at a summary's beginning it is the subject; later, or among many, it is mentioned."""
    assert roles("Chief leaves", "Quillon said that its chief leaves.") == {"QLLN": S}
    late = "The town was quiet for a long time, and it was a year in which nothing happened to anybody, until at long last Quillon came."
    assert roles("Chief leaves", late) == {"QLLN": M}
    assert set(roles("Chiefs leave", "Quillon, Veldrin and Zorvane said so.").values()) == {M}


def test_a_body_tag_is_the_subject_where_the_title_names_only_others():
    """The counterpart of the title does not keep the tagged company from being the subject."""
    found = roles("Maker signs a deal with Veldrin", "The maker (NASDAQ: QLLN) said so.")
    assert found == {"QLLN": S, "VLDR": C}
    assert list(found) == ["QLLN", "VLDR"]


def test_all_tickers_of_the_subject_are_the_subject():
    """A second class of shares shares the role of the first."""
    one = Symbol(ticker="AB-A", reason=Reason("exchange_tag"), cik=7)
    other = Symbol(ticker="AB-B", reason=Reason("exchange_tag"), cik=7)
    cast = [Cast(one, 0, 4, is_tagged=True), Cast(other, is_tagged=True)]
    assert [symbol.role for symbol in with_roles("Abby rises", cast)] == [Role.SUBJECT, Role.SUBJECT]


def test_hostile_titles_take_bounded_time():
    """The longest title that an item may have, made of what the patterns look for, costs milliseconds."""
    symbol = Symbol(ticker="QLLN", reason=Reason("name"), cik=BROKER)
    pieces = (
        "12 top a a a a ",
        "upgrades a-b ",
        "reminds x ",
        "with from ",
        "s&p, dow, nasdaq and ",
        "(" * 12,
    )
    begun = perf_counter()
    for piece in pieces:
        with_roles((piece * 100)[:500], [Cast(symbol, 490, 494)])
    assert perf_counter() - begun < 5
