"""Ticker linking on the labelled sets and the EDGAR pages; figures are printed with ``-s``.

Rule of the labelled sets: an item counts when one of its labels stands in the text as a tag: behind an
exchange's name and a colon, behind ``Symbol:`` or "(ticker) symbol", or as a cashtag. Found = labels so
marked that were linked; false = linked tickers that are no label of the item, except such as stand
so marked in the text themselves (a set that labels one stock an item leaves out the others it names).
"""

from __future__ import annotations

import csv
import json
import re
from collections import defaultdict
from datetime import UTC, datetime
from time import perf_counter
from xml.etree import ElementTree as ET

import pytest

from catalyst_ray.core.directory import TickerDirectory, normal_ticker
from catalyst_ray.core.tickers import link
from catalyst_ray.models import Item, ItemKind, Party

pytestmark = pytest.mark.real_data

ATOM = "{http://www.w3.org/2005/Atom}"
TITLE = re.compile(r"(.+?) - (.*) \((\d{10})\) \((.+)\)$")
US = r"(?:nasdaq|nyse|amex|otc)[\w ]{0,24}"


@pytest.fixture(scope="module")
def directory(data_dir):
    """Return SEC's real map."""
    path = data_dir / "05_tickers" / "sec_company_tickers_a.json"
    found = sorted(path.parent.glob("*company_tickers*.json"))
    if not found:
        pytest.skip(f"no company_tickers.json in {path.parent}")
    return TickerDirectory.from_json(found[0].read_bytes())


def item(title: str, summary: str = "", **more) -> Item:
    """Return a news item of that text."""
    return Item(
        key="k",
        feed="f",
        title=title,
        summary=summary,
        received_utc=datetime(2026, 1, 12, tzinfo=UTC),
        **more,
    )


def is_marked(ticker: str, text: str) -> bool:
    """Return whether a ticker stands in a text as a tag."""
    name = re.escape(ticker)
    tag = rf"(?i:(?:{US}|symbol)\s*:\s*|\b(?:symbol|ticker)\s+)[\"“']?\$?{name}(?!\w)"
    return re.search(rf"{tag}|(?<![\w$])\${name}(?!\w)", text) is not None


def score(rows, directory):
    """Return found, false, missed, items that count, and microseconds per item over all rows."""
    found = false = missed = counted = 0
    seconds = 0.0
    for title, summary, labels in rows:
        text = f"{title}\n{summary}"
        due = {normal_ticker(label) for label in labels if is_marked(label, text)}
        started = perf_counter()
        linked = {symbol.ticker for symbol in link(item(title, summary), directory).symbols}
        seconds += perf_counter() - started
        if due:
            counted += 1
            found += len(due & linked)
            missed += len(due - linked)
            false += sum(not is_marked(x, text) for x in linked - {normal_ticker(label) for label in labels})
    return found, false, missed, counted, seconds / max(1, len(rows)) * 1e6


def rows_of(folder):
    """Yield each labelled set as (title, summary, labels)."""
    with (folder / "benzinga_headlines_by_stock.csv").open(newline="") as file:
        yield "benzinga", [(row["title"], "", [row["stock"]]) for row in csv.DictReader(file)]
    with (folder / "nasdaq_seekingalpha_titles_with_tickers.csv").open(newline="") as file:
        rows = [
            (r["title"], r["description"], [t for t in r["tickers"].split(",") if t])
            for r in csv.DictReader(file)
        ]
        yield "nasdaq", rows
    releases = [json.loads(path.read_bytes()) for path in sorted(folder.glob("businesswire*/*.json"))]
    stocks = [[e["stock_name"].split(":")[-1].strip() for e in release["entities"]] for release in releases]
    bodies = [(r["title"] or "", r["body"]) for r in releases]
    yield "businesswire", [(*text, named) for text, named in zip(bodies, stocks, strict=True)]


def test_labelled_items_whose_tag_stands_in_the_text(data_dir, directory):
    """Over every labelled set, F1 of marked tickers is at least 0.96, with the real map loaded."""
    totals = [0, 0, 0]
    for name, rows in rows_of(data_dir / "05_tickers" / "labelled"):
        found, false, missed, counted, each_us = score(rows, directory)
        totals = [a + b for a, b in zip(totals, (found, false, missed), strict=True)]
        print(
            f"{name}: {len(rows)} items, {counted} count, {found=} {false=} {missed=}, {each_us:.0f} µs an item"
        )
    found, false, missed = totals
    f1 = 2 * found / (2 * found + false + missed)
    print(f"F1 {f1:.3f}")
    assert f1 >= 0.96


def test_no_foreign_tag_becomes_a_us_symbol(data_dir, directory):
    """Of every text in the folders, no symbol is linked whose only tag names a venue outside the US."""
    foreign = re.compile(
        r"\b(?:TSX(?:-?V)?|ASX|LSE|LON|HEL|STO|CPH|OMX\w*|EPA|AMS|ETR|HKG|NSE|TSE|CVE|CNSX|Paris)\s*:\s*([A-Z]{1,5})\b"
    )
    texts = [(t, s) for _, rows in rows_of(data_dir / "05_tickers" / "labelled") for t, s, _ in rows]
    for path in [*data_dir.glob("03_sentiment/**/*.csv"), *data_dir.glob("01_feeds_finance/wires/*.xml")]:
        texts += [("", line[:4000]) for line in path.read_text("utf-8", "replace").splitlines()]
    seen = 0
    for title, summary in texts:
        text = f"{title}\n{summary}"
        abroad = {hit[1] for hit in foreign.finditer(text)}
        seen += len(abroad)
        categories = tuple(re.findall(r">([A-Z][\w-]+:\w+)<", summary))
        linked = {
            symbol.ticker for symbol in link(item(title, summary, categories=categories), directory).symbols
        }
        assert not {t for t in linked & abroad if not is_marked(t, text)}
    print(f"{len(texts)} texts, {seen} foreign tags")


def test_edgar_entries_are_linked_by_cik(data_dir, directory):
    """Every filing one of whose companies is in the map gets a ticker; 13D and 13G that of their subject."""
    filings = defaultdict(set)
    for path in sorted(data_dir.glob("01_feeds_finance/edgar_getcurrent/**/*.atom")):
        for entry in ET.parse(path).getroot().iter(f"{ATOM}entry"):
            named = TITLE.match(entry.findtext(f"{ATOM}title") or "")
            if named:
                filings[entry.findtext(f"{ATOM}id"), named[1]].add(Party(int(named[3]), named[2], named[4]))
    listed = 0
    started = perf_counter()
    for (_, form), parties in filings.items():
        result = link(item(form, kind=ItemKind.FILING, form=form, parties=tuple(parties)), directory)
        about = [p for p in parties if p.role == "Subject"] if "13D" in form or "13G" in form else parties
        known = {directory.by_cik(party.cik)[0].ticker for party in about if directory.by_cik(party.cik)}
        listed += bool(known)
        assert {symbol.ticker for symbol in result.symbols} == set(sorted(known)[:10]) or len(known) > 10
    print(
        f"{len(filings)} filings, {listed} listed, {(perf_counter() - started) / len(filings) * 1e6:.0f} µs each"
    )
    assert listed > len(filings) / 4
