"""Which tickers an item is linked to, and why; companies and texts are invented."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalyst_ray.core.directory import Listing, TickerDirectory
from catalyst_ray.core.tickers import MAX_SYMBOLS, link
from catalyst_ray.models import Item, ItemKind, Link, Party, Role

EMPTY = TickerDirectory()
KNOWN = TickerDirectory.from_listings(
    Listing(ticker, cik, name)
    for cik, ticker, name in [
        (1, "ABCD", "Abacod Inc."),
        (1, "ABCDW", "Abacod Inc."),
        (2, "EFG", "Effigy Corp"),
        (2, "EFG-PA", "Effigy Corp"),
        (3, "BRK-B", "Broker Holdings"),
        (4, "AI", "Aye Eye Inc."),
        (5, "UP", "Upwards Inc."),
        (6, "M", "Em Stores"),
        (7, "BTC", "Bit Trust"),
        (8, "GS", "Goldstein"),
        (9, "ON", "Onward"),
    ]
)


def item(title: str = "News", summary: str = "", **more) -> Item:
    """Return a news item of that text."""
    return Item(
        key="k", feed="f", title=title, summary=summary, received_utc=datetime(2026, 3, 4, tzinfo=UTC), **more
    )


def filing(form: str, *parties: tuple[int, str]) -> Item:
    """Return a filing that names those (CIK, role) pairs."""
    named = tuple(Party(cik, f"Company {cik}", role) for cik, role in parties)
    return item(form, kind=ItemKind.FILING, form=form, parties=named)


def tickers(result: Link) -> list[str]:
    """Return the linked tickers in order."""
    return [symbol.ticker for symbol in result.symbols]


def codes(result: Link) -> list[str]:
    """Return the codes of what was noted."""
    return [reason.code for reason in result.reasons]


@pytest.mark.parametrize(
    ("text", "expected", "venue"),
    [
        ("Abacod (NASDAQ: ABCD) rises", ["ABCD"], "Nasdaq"),
        ("Abacod (Nasdaq:ABCD; TSX:ABC)", ["ABCD"], "Nasdaq"),
        ("Effigy (NYSE American: EFG)", ["EFG"], "NYSE American"),
        ("[NASDAQ: ABCD]", ["ABCD"], "Nasdaq"),
        ("(NasdaqGS: ABCD)", ["ABCD"], "Nasdaq"),
        ("(OTCQB: ABCD)", ["ABCD"], "OTC"),
        ("(Nasdaq Capital Market: “ABCD”)", ["ABCD"], "Nasdaq"),
        ("(NASDAQ: ABCD, ABCDW)", ["ABCD", "ABCDW"], "Nasdaq"),
        ("(NYSE: EFG and EFG.PR.A)", ["EFG", "EFG-PA"], "NYSE"),
        ("(Effigy; NYSE: EFG, ABCD), a maker", ["EFG", "ABCD"], "NYSE"),
        ("Broker, NYSE: BRK.B, said", ["BRK-B"], "NYSE"),
        ("Broker (NYSE: BRK/B)", ["BRK-B"], "NYSE"),
        ("（ＮＡＳＤＡＱ：ＡＢＣＤ）", ["ABCD"], "Nasdaq"),
        ("(NASDAQ:\u00a0\nABCD)", ["ABCD"], "Nasdaq"),
        ("( NYSE : EFG ) and", ["EFG"], "NYSE"),
        ("(NYSE: $EFG)", ["EFG"], "NYSE"),
        ("(NASDAQ: ABCD, the “Company”)", ["ABCD"], "Nasdaq"),
        ("(NASDAQ: ABCD, ISIN: US0000000001, WKN: A1B2)", ["ABCD"], "Nasdaq"),
        ("(TSX and NYSE American: EFG)", ["EFG"], "NYSE American"),
        ("(NYSE/LSE: EFG)", ["EFG"], "NYSE"),
        ("(Taipei Exchange: 8150 and Nasdaq: ABCD)", ["ABCD"], "Nasdaq"),
        ("(“Effigy”) (NYSE: EFG)", ["EFG"], "NYSE"),
        ("(NASDAQ ABCD)", ["ABCD"], "Nasdaq"),
        ("(NYSE–EFG)", ["EFG"], "NYSE"),
        ("(Symbol: ABCD)", ["ABCD"], ""),
        ("trades on the Nasdaq Capital Market under the symbol “ABCD”.", ["ABCD"], "Nasdaq"),
        ("will trade under the ticker EFG on the New York Stock Exchange", ["EFG"], "NYSE"),
        ("(NYSE: AI)", ["AI"], "NYSE"),
    ],
)
def test_tags_of_us_exchanges_are_linked(text, expected, venue):
    """Every way of writing a US tag gives its symbols in order, in title and summary alike."""
    for result in (link(item(text), KNOWN), link(item("News", text), KNOWN)):
        assert tickers(result) == expected
        assert result.symbols[0].venue == venue
        assert result.symbols[0].reason.code == "exchange_tag"
        assert result.symbols[0].reason.detail in text


@pytest.mark.parametrize(
    "text",
    [
        "(TSX: ABCD)",
        "(TSX-V: ABCD)",
        "(TSXV: ABCD)",
        "(TSX: ABCD.UN)",
        "(CSE: ABCD)",
        "(NEO: ABCD)",
        "(Cboe Canada: ABCD)",
        "(ASX: ABCD)",
        "(LSE: ABCD)",
        "(AIM: ABCD)",
        "(LSE:AIM:ABCD)",
        "(Euronext Paris: ABCD)",
        "(Paris: ABCD)",
        "(XETRA: ABCD)",
        "(Frankfurt: ABCD)",
        "(Nasdaq First North: ABCD)",
        "Nasdaq First North: ABCD",
        "(Nasdaq Helsinki: ABCD)",
        "Nasdaq Stockholm : ABCD",
        "(NASDAQ OMX: ABCD)",
        "(Nasdaq Erewhon: ABCD)",
        "(HKEX: ABCD)",
        "(SGX: ABCD)",
        "(JSE: ABCD)",
        "(NSE: ABCD)",
        "(B3: ABCD)",
        "(BMV: ABCD)",
        "(Tokyo Stock Exchange: ABCD)",
        "(KRX: ABCD)",
        "(TASE: ABCD)",
        "(SIX: ABCD)",
        "(Oslo Børs: ABCD)",
        "(TSX ABCD)",
        "trades on the TSX Venture Exchange under the symbol “ABCD”",
        "trades under the symbol ABCD on the TSX and is listed on Nasdaq under another",
    ],
)
def test_foreign_venues_are_never_us_symbols(text):
    """The letters of a foreign listing stay unlinked, even beside a cashtag or a bare category."""
    for directory in (KNOWN, EMPTY):
        result = link(item(text, "$ABCD", categories=("ABCD",)), directory)
        assert tickers(result) == []
        assert codes(result)[0] == "foreign_venue"
        assert result.reasons[0].detail in text


@pytest.mark.parametrize(
    "text",
    [
        "pursuant to Nasdaq Listing Rule 5635",
        "the NASDAQ: stocks closed higher",
        "NYSE: closed",
        "(NASDAQ GS)",
        "(NYSE American)",
        "NASDAQ: UP",
        "NASDAQ: SHARE PRICES FALL",
        "(NASDAQ: CEO Jane Roe)",
        "In the US: AI for all",
        "Our aim: ABCD of it",
        "https://example.com/NASDAQ: https://example.com",
        "at 10:30 on Monday",
        "revenue of $5M ($M) in $M, $USD, $BTC, $ABCD-USD, US$ABCDEF",
        "$ZZZZ",
        "Sectors to watch: ABCD, FMCG",
    ],
)
def test_what_only_looks_like_a_tag_is_none(text):
    """Words, amounts, coins and unknown cashtags give no ticker."""
    assert tickers(link(item(text), KNOWN)) == []


@pytest.mark.parametrize(
    ("category", "expected", "code"),
    [
        ("Nasdaq:ABCD", ["ABCD"], "category"),
        ("NYSE:\nEFG ", ["EFG"], "category"),
        ("US:ABCD", ["ABCD"], "category"),
        ("ABCD", ["ABCD"], "category"),
        ("EFG,ABCD,", ["EFG", "ABCD"], "category"),
        ("TSX-V:ABCD", [], None),
        ("Paris:ABCD", [], None),
        ("ABCD:CA", [], None),
        ("AI", [], None),
        ("Markets", [], None),
        ("ZZZZ", [], None),
    ],
)
def test_categories_of_publishers(category, expected, code):
    """Venue and symbol, or a known ticker alone, make a category a ticker; topics and foreign ones do not."""
    result = link(item(categories=(category,)), KNOWN)
    assert tickers(result) == expected
    assert [symbol.reason.code for symbol in result.symbols[:1]] == ([code] if code else [])


def test_cashtags_need_a_known_ticker_only_when_a_map_is_loaded():
    """$ABCD counts; without a map any well-formed cashtag but money does."""
    assert tickers(link(item("...$ABCD/$EFG and $ZZZZ"), KNOWN)) == ["ABCD", "EFG"]
    assert tickers(link(item("$ZZZZ $USD"), EMPTY)) == ["ZZZZ"]


def test_a_us_tag_makes_good_a_foreign_one():
    """A dual listing is linked by its US tag, and the foreign one is noted."""
    result = link(item("(TSX: EFG) (NYSE: EFG)"), KNOWN)
    assert tickers(result) == ["EFG"]
    assert [str(reason) for reason in result.reasons] == ["foreign_venue: TSX: EFG"]


def test_a_new_listing_is_linked_and_noted():
    """A clear US tag that the map lacks is taken, with the note ``unlisted``; without a map there is none."""
    known, unknown = link(item("(NASDAQ: NEWW)"), KNOWN), link(item("(NASDAQ: NEWW)"), EMPTY)
    assert tickers(known) == tickers(unknown) == ["NEWW"]
    assert (codes(known), codes(unknown)) == (["unlisted"], [])


def test_name_and_cik_come_from_the_map():
    """A linked symbol carries what the directory knows of it."""
    (symbol,) = link(item("(NASDAQ: ABCD)"), KNOWN).symbols
    assert (symbol.name, symbol.cik) == ("Abacod Inc.", 1)


def test_the_subject_comes_first():
    """Title before body; in the body, the publisher's own issuer before partners named earlier."""
    body = "Partner of Effigy (NYSE: EFG), Abacod (NASDAQ: ABCD) said"
    assert tickers(link(item("(NYSE: BRK.B) signs", body), KNOWN)) == ["BRK-B", "EFG", "ABCD"]
    assert tickers(link(item("Signs", body), KNOWN)) == ["EFG", "ABCD"]
    assert tickers(link(item("Signs", body, categories=("Nasdaq:ABCD",)), KNOWN)) == ["ABCD", "EFG"]


def test_a_list_in_a_title_counts_when_every_word_is_a_ticker():
    """Lists after a colon are tickers only all together."""
    assert tickers(link(item("Stocks to watch: ABCD, EFG"), KNOWN)) == ["ABCD", "EFG"]


def test_symbols_are_capped_and_the_rest_counted():
    """A list of many keeps the first ten in order and says how many more there were."""
    names = [f"Q{a}{b}" for a in "ABC" for b in "WXYZ"]
    result = link(item(" ".join(f"(NYSE: {name})" for name in names)), EMPTY)
    assert tickers(result) == names[:MAX_SYMBOLS]
    assert [(r.code, r.value) for r in result.reasons] == [("more_tickers", 2.0)]


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (filing("8-K", (1, "Filer")), ["ABCD"]),
        (filing("4", (2, "Reporting"), (1, "Issuer")), ["ABCD", "EFG"]),
        (filing("SCHEDULE 13D/A", (2, "Filed by"), (1, "Subject")), ["ABCD", "EFG"]),
        (filing("SC 13G", (2, "Filed by"), (1, "Subject")), ["ABCD", "EFG"]),
        (filing("425", (2, "Filed by"), (1, "Subject")), ["ABCD", "EFG"]),
    ],
)
def test_filings_are_linked_by_cik(case, expected):
    """Subject, issuer and filer come before who sent the filing, and only they are what it is about."""
    result = link(case, KNOWN)
    assert tickers(result) == expected
    assert {symbol.reason.code for symbol in result.symbols} <= {"cik"}
    assert result.subject is result.symbols[0]
    assert all(symbol.role is not Role.SUBJECT for symbol in result.symbols[1:])


@pytest.mark.parametrize("others", [(), ((99, "Subject"),)])
def test_who_files_an_ownership_schedule_is_not_its_subject(others):
    """A stake in a company without a ticker is no news of the listed company that holds it."""
    result = link(filing("SCHEDULE 13G", (2, "Filed by"), *others), KNOWN)
    assert [(symbol.ticker, symbol.role) for symbol in result.symbols] == [("EFG", Role.COUNTERPART)]
    assert result.subject is None


def test_an_unlisted_filer_is_said():
    """A filing whose company has no ticker says so, with name and CIK."""
    assert [str(r) for r in link(filing("8-K", (99, "Filer")), KNOWN).reasons] == [
        "cik_unlisted: Company 99 (Filer, CIK 99)"
    ]


TOKENS = st.sampled_from(
    ["NASDAQ", "NYSE", "TSX", ":", ": ", "(", ")", "[", "]", ",", ";", " and ", "/", "ABCD", "EFG", ".PR.A", "“", "$", "\n",
     "\u00a0", "：", "symbol ", " on the ", "Nasdaq First North", "OTC", "é", "Stock Exchange", "-", "0", "x"]
)  # fmt: skip


@given(st.lists(TOKENS, max_size=60).map("".join), st.lists(st.text(max_size=30), max_size=3), st.booleans())
def test_any_text_gives_bounded_and_evident_links(text, categories, is_known):
    """Whatever the text: at most ten well-formed symbols, no ticker twice, all evidence short and in the text."""
    source = item(text[:500], text, categories=tuple(categories))
    result = link(source, KNOWN if is_known else EMPTY)
    assert len(result.symbols) <= MAX_SYMBOLS
    assert len(set(tickers(result))) == len(result.symbols)
    for symbol in result.symbols:
        assert symbol.ticker.replace("-", "").isalpha()
        assert len(symbol.reason.detail) <= 200
        assert symbol.reason.detail in text or symbol.reason.code in {"category", "ticker_list"}


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "piece", ["NASDAQ: A ", "(", "(NASDAQ ", "NYSE/TSX,", "symbol A on ", "$A ", " ", "“", "A:", "\u3000："]
)
def test_a_hostile_text_takes_linear_time(piece):
    """100 kB of repeated fragments end far within the limit; a backtracking pattern would take hours."""
    link(item("News", (piece * 100_000)[:100_000]), KNOWN)
