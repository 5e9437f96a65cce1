"""What is routine by rules of its own: forms of filings, and plain patterns on titles of real pages.

They know nothing of the taxonomy that is judged by them.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from catalyst_ray.models import FeedKind
from catalyst_ray.quality.texts import NOW_UTC, items_of, news

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from catalyst_ray.models import Item
    from catalyst_ray.quality.folder import DataFolder

_FEEDS = ("01_feeds_finance/publishers/*", "01_feeds_finance/polls_wsj/*", "01_feeds_finance/wires/*.xml")
_EDGAR = ("01_feeds_finance/edgar_getcurrent*/**/*.atom",)
_TITLES = "05_tickers/labelled/*.csv"

_INSIDERS = "3 4 5 3/A 4/A 5/A 144 144/A"
_FUNDS = "13F-HR 13F-HR/A 13F-NT 497 497K 497J 485BPOS 485BXT N-CEN N-CSR N-CSRS N-PX NPORT-P 24F-2NT 40-17G"
_NOTES = "424B2 FWP 10-D ABS-EE ABS-15G"
_PLANS = "S-8 11-K ARS D D/A C C/A C-U CORRESP UPLOAD 10-K 10-Q 10-K/A DEFA14A"
ROUTINE_FORMS = frozenset(f"{_INSIDERS} {_FUNDS} {_NOTES} {_PLANS}".split()) | {
    "SCHEDULE 13G", "SCHEDULE 13G/A", "SC 13G", "SC 13G/A", "DEF 14A",
}  # fmt: skip
"""Insiders, funds, notes of banks and pools of loans, passive holders, plans, meetings, periods."""
ROUTINE_ITEMS = frozenset({"5.07", "5.03", "7.01", "9.01"})
"""An 8-K with no other item is routine."""
ROUTINE_TITLES = {
    kind: re.compile(pattern, re.IGNORECASE)
    for kind, pattern in {
        "law firm": r"\b(?:shareholder|investor|class action|securities) alert\b|\blead plaintiff\b"
        r"|\b(?:llp|law firm|law offices?)\b.{0,80}\b(?:investigat|remind|announce|encourage)"
        r"|\bdeadline (?:alert|reminder)\b",
        "list": r"^\W*(?:top )?\d+ (?:biggest|top|stocks?|small|large|mid)\b|\bbiggest movers\b"
        r"|\bstocks (?:that|which|to (?:watch|buy)|moving|hitting|making)\b"
        r"|\b(?:mid-?day|mid-?morning|mid-?afternoon|pre-?market|after-?hours)\b.{0,20}\b(?:movers|gainers|losers"
        r"|update|roundup|session)|\bmarket (?:wrap|update|roundup|recap)\b"
        r"|\b(?:up|down)grades (?:and|for|before)\b|\bearnings scheduled\b|\bearnings preview\b",
        "recap": r"^\W*why\b.{0,80}\b(?:stock|stocks|shares)\b|\bhere'?s why\b|\bwhat (?:you|investors) need to know\b"
        r"|\b(?:earnings|conference) call transcript\b|\bstock market today\b|\bshould you (?:buy|sell)\b",
        "conference": r"\bto (?:present|participate|speak|exhibit) (?:at|in)\b|\bfireside chat\b|\bto attend\b",
        "date": r"\b(?:to|will) (?:report|release|announce|host|hold|discuss|issue)\b.{0,60}\b(?:results|earnings"
        r"|conference call|webcast|annual meeting)\b"
        r"|\b(?:sets|schedules|confirms) (?:the )?date\b",
        "grants": r"\binducement (?:grants?|awards?)\b|\b5635\s?\(c\)",
        "dividend": r"\bdeclares (?:a )?(?:regular |quarterly |monthly |cash |preferred |its )+(?:dividend|distribution)s?\b",
        "meeting": r"\bannual (?:general )?meeting\b|\btotal voting rights\b|\btransactions? in own shares\b"
        r"|\bpdmr\b|\bholdings? in company\b",
        "repeated rating": r"\b(?:maintains|reiterates|reaffirms) (?:its )?(?:a )?(?:buy|hold|neutral|overweight|outperform"
        r"|sell|underweight|equal|market|sector|in-line)\b",
    }.items()
}


def routine_items(folder: DataFolder) -> Iterator[tuple[str, Item]]:
    """Yield the folder's routine items, each title or filing once, with the rule that found it."""
    seen: set[str] = set()
    for item in _filings(folder):
        if is_routine_filing(item) and item.key not in seen:
            seen.add(item.key)
            yield f"form {item.form}", item
    for item in _titles(folder):
        kind = routine_title(item.title)
        if kind and item.title not in seen:
            seen.add(item.title)
            yield kind, item


def is_routine_filing(item: Item) -> bool:
    """Return whether form and items alone make a filing routine."""
    if item.form == "8-K":
        return bool(item.filing_items) and ROUTINE_ITEMS.issuperset(item.filing_items)
    return item.form in ROUTINE_FORMS


def routine_title(title: str) -> str | None:
    """Return the kind of routine that a title shows, if any."""
    return next((kind for kind, pattern in ROUTINE_TITLES.items() if pattern.search(title)), None)


def _filings(folder: DataFolder) -> Iterator[Item]:
    for path in _paths(folder, _EDGAR):
        yield from _parsed(path, FeedKind.EDGAR)


def _titles(folder: DataFolder) -> Iterator[Item]:
    for path in _paths(folder, _FEEDS):
        yield from (item for item in _parsed(path, FeedKind.RSS) if not item.form)
    for row in folder.table(_TITLES):
        if row.get("title"):
            yield news(row["title"], row.get("description") or "")


def _paths(folder: DataFolder, patterns: Iterable[str]) -> Iterator[Path]:
    for pattern in patterns:
        yield from folder.paths(pattern)


def _parsed(path: Path, kind: FeedKind) -> Iterator[Item]:
    """Yield a page's items, all published now."""
    for item in items_of(path, kind):
        yield replace(item, published_utc=NOW_UTC, received_utc=NOW_UTC, language=None)
