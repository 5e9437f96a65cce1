"""Owns saying which US tickers an item is about, and why.

It weighs what ``tags`` finds in the text, the publisher's categories and the CIKs of a filing. Names of
companies are not matched; that would be one more source in ``_SOURCES``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from catalyst_ray.core.directory import normal_ticker
from catalyst_ray.core.tags import US_SYMBOL, Tag, cashtags, exchange_tags, listed_symbols
from catalyst_ray.core.venues import is_money, is_topic, is_word
from catalyst_ray.models import Item, Link, Reason, Symbol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from catalyst_ray.core.directory import Listing, TickerDirectory

MAX_SYMBOLS = 10
"""Most tickers of one item."""
MAX_REASONS = 20
MAX_DETAIL = 200
"""Longest evidence kept, characters."""

_ROLE_RANKS = {"subject": 0, "issuer": 0, "filer": 0, "filed by": 2, "reporting": 2}
"""Who a filing is about comes before who sent it; other roles (depositor, guarantor) stand between."""
_OWNERSHIP_FORMS = re.compile(r"(?:SCHEDULE|SC) 13[DG]\b")
_OTHER_COUNTRY = re.compile(r"([A-Z0-9.\-]{1,12}):([A-Z]{2,3})")
"""A symbol with its country behind it, as Seeking Alpha writes it ("ABCD:CA")."""

# How near to the subject evidence stands; ties keep the order of the text.
_FILING, _TITLE, _CONFIRMED, _CATEGORY, _BODY, _LIST = range(6)


@dataclass(frozen=True, slots=True)
class _Found:
    """A ticker with its evidence, before duplicates are joined."""

    rank: int
    symbol: Symbol
    is_listed: bool


@dataclass(slots=True)
class _Reading:
    """What the sources have made of one item so far."""

    item: Item
    directory: TickerDirectory
    title: list[Tag]
    body: list[Tag]
    categories: list[tuple[str, list[Tag]]]
    foreign: set[str] = field(default_factory=set)
    notes: list[Reason] = field(default_factory=list)

    @property
    def tags(self) -> Iterator[Tag]:
        """Return every exchange tag, wherever it stands."""
        yield from self.title
        yield from (tag for _, tags in self.categories for tag in tags)
        yield from self.body


def link(item: Item, directory: TickerDirectory) -> Link:
    """Return the US tickers of an item, the subject first, each with its evidence.

    With an empty directory every well-formed US tag is taken; with a loaded one, doubtful evidence
    (cashtags, bare categories, tags without a colon or venue) must name a known ticker, and a clear US
    tag that does not is taken with the reason ``unlisted``.
    """
    reading = _Reading(
        item,
        directory,
        title=exchange_tags(item.title),
        body=exchange_tags(item.summary),
        categories=[(term, exchange_tags(term, is_enclosed=True)) for term in item.categories],
    )
    _note_foreign(reading)
    found = sorted((hit for source in _SOURCES for hit in source(reading)), key=lambda hit: hit.rank)
    symbols: dict[str, Symbol] = {}
    for hit in found:
        if hit.symbol.ticker not in symbols and not hit.is_listed and directory:
            reading.notes.append(Reason("unlisted", hit.symbol.reason.detail))
        symbols.setdefault(hit.symbol.ticker, hit.symbol)
    if len(symbols) > MAX_SYMBOLS:
        reading.notes.append(Reason("more_tickers", value=float(len(symbols) - MAX_SYMBOLS)))
    reasons = tuple(dict.fromkeys(reading.notes))[:MAX_REASONS]
    return Link(symbols=tuple(symbols.values())[:MAX_SYMBOLS], reasons=reasons)


def _note_foreign(reading: _Reading) -> None:
    """Note tags of foreign venues; their letters are no US ticker unless a US tag says so too."""
    american: set[str] = set()
    for tag in reading.tags:
        if tag.venue is None:
            continue
        roots = {re.split(r"[.\-/]", symbol, maxsplit=1)[0] for symbol in tag.symbols}
        if tag.venue.is_us:
            american |= roots
        else:
            reading.foreign |= roots
            reading.notes.append(Reason("foreign_venue", tag.span[:MAX_DETAIL]))
    reading.foreign -= american


def _from_parties(reading: _Reading) -> Iterator[_Found]:
    """Take the companies that a filing names by CIK; of an ownership schedule only its subject."""
    parties = [
        (_ROLE_RANKS.get(party.role.casefold().removesuffix(" owner"), 1), party)
        for party in reading.item.parties
    ]
    if _OWNERSHIP_FORMS.match(reading.item.form or ""):
        parties = [(rank, party) for rank, party in parties if party.role.casefold() == "subject"]
    for _, party in sorted(parties, key=lambda ranked: ranked[0]):
        evidence = f"{party.role}, CIK {party.cik}"
        if listings := reading.directory.by_cik(party.cik):
            yield _Found(_FILING, _symbol(listings[0].ticker, listings[0], Reason("cik", evidence)), True)
        elif reading.directory and _ROLE_RANKS.get(party.role.casefold()) == 0:
            reading.notes.append(Reason("cik_unlisted", f"{party.name[:100]} ({evidence})"))


def _from_title(reading: _Reading) -> Iterator[_Found]:
    for tag in reading.title:
        yield from _from_tag(reading, tag, _TITLE, "exchange_tag")
    yield from _from_cashtags(reading, reading.item.title, _TITLE)
    listed = listed_symbols(reading.item.title)
    # One stranger among them, and the list may be of anything ("Sectors: IT, FMCG").
    if all(reading.directory.by_ticker(word) for word in listed):
        for word in listed:
            yield from _from_known(
                reading, word, _TITLE, Reason("ticker_list", ", ".join(listed)[:MAX_DETAIL])
            )


def _from_categories(reading: _Reading) -> Iterator[_Found]:
    for term, tags in reading.categories:
        for tag in tags:
            yield from _from_tag(reading, tag, _CATEGORY, "category")
        if not tags and (abroad := _OTHER_COUNTRY.fullmatch(term.strip())) and abroad[2] != "US":
            reading.notes.append(Reason("foreign_venue", term[:MAX_DETAIL]))
        elif not tags:
            yield from _from_list(reading, term)


def _from_list(reading: _Reading, term: str) -> Iterator[_Found]:
    """Take bare tickers ("ABCD" or "ABCD,EFGH") of a category; only known ones, since most are topics."""
    for part in term.split(",")[: 2 * MAX_SYMBOLS]:
        written = part.strip()
        if US_SYMBOL.fullmatch(written) and not is_topic(written):
            yield from _from_known(reading, written, _LIST, Reason("category", written))


def _from_body(reading: _Reading) -> Iterator[_Found]:
    """Take the tags of the body; those that the publisher's categories confirm come first."""
    issuers = {
        normal_ticker(symbol)
        for _, tags in reading.categories
        for tag in tags
        if tag.venue and tag.venue.is_us
        for symbol in tag.symbols
    }
    for tag in reading.body:
        for hit in _from_tag(reading, tag, _BODY, "exchange_tag"):
            is_issuer = not issuers or hit.symbol.ticker in issuers
            yield _Found(_CONFIRMED, hit.symbol, hit.is_listed) if is_issuer else hit
    yield from _from_cashtags(reading, reading.item.summary, _LIST)


_SOURCES: tuple[Callable[[_Reading], Iterator[_Found]], ...] = (
    _from_parties,
    _from_title,
    _from_categories,
    _from_body,
)


def _from_tag(reading: _Reading, tag: Tag, rank: int, code: str) -> Iterator[_Found]:
    """Take the symbols of one exchange tag, as far as it is sure."""
    reason = Reason(code, tag.span[:MAX_DETAIL])
    if tag.venue is None or tag.is_loose:
        if (tag.venue is None or tag.venue.is_us) and not is_word(tag.symbols[0]):
            yield from _from_known(reading, tag.symbols[0], rank, reason, tag.venue.name if tag.venue else "")
        return
    if not tag.venue.is_us or (not tag.is_enclosed and is_word(tag.symbols[0])):
        return
    for place, written in enumerate(tag.symbols):
        listing = reading.directory.by_ticker(written)
        if listing is None and reading.directory and is_word(written):
            return
        if place == 0 or _is_next(tag, written, listing, is_loaded=bool(reading.directory)):
            ticker = listing.ticker if listing else normal_ticker(written)
            yield _Found(rank, _symbol(ticker, listing, reason, tag.venue.name), listing is not None)


def _is_next(tag: Tag, written: str, listing: Listing | None, *, is_loaded: bool) -> bool:
    """Return whether what follows the first symbol of a tag is a symbol too, and not a word."""
    first = tag.symbols[0].split(".", maxsplit=1)[0]
    if len(first) > 1 and (written.startswith(first) or first.startswith(written)):
        return True
    return tag.is_enclosed and not is_word(written) and (listing is not None or not is_loaded)


def _from_cashtags(reading: _Reading, text: str, rank: int) -> Iterator[_Found]:
    for tag in cashtags(text):
        written = tag.symbols[0]
        reason = Reason("cashtag", tag.span)
        if is_money(written):
            continue
        if reading.directory:
            yield from _from_known(reading, written, rank, reason)
        elif written not in reading.foreign:
            yield _Found(rank, _symbol(normal_ticker(written), None, reason), False)


def _from_known(
    reading: _Reading, written: str, rank: int, reason: Reason, venue: str = ""
) -> Iterator[_Found]:
    """Take a symbol on evidence that must be borne out by the directory."""
    listing = reading.directory.by_ticker(written)
    if listing and written not in reading.foreign:
        yield _Found(rank, _symbol(listing.ticker, listing, reason, venue), True)


def _symbol(ticker: str, listing: Listing | None, reason: Reason, venue: str = "") -> Symbol:
    if listing is None:
        return Symbol(ticker=ticker, reason=reason, venue=venue)
    return Symbol(
        ticker=ticker, reason=reason, venue=venue or listing.venue, name=listing.name, cik=listing.cik
    )
