"""Owns the tickers of companies that a text only names: by name, by a bare ticker, by brackets behind the name.

Weaker evidence than an exchange's tag: a name counts where it means its company and no other, a bare symbol
where it is long or the name stands by it. A name in front of a tag is that of the tag's company.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from catalyst_ray.core.directory import normal_ticker
from catalyst_ray.core.link_reading import MAX_DETAIL, Found, Rank, place_of
from catalyst_ray.core.name_words import name_words
from catalyst_ray.core.reasons import Code
from catalyst_ray.core.tags import bare_symbols, bracketed_symbols, symbol_runs
from catalyst_ray.core.venues import is_word
from catalyst_ray.models import Place, Reason, Where

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from catalyst_ray.core.company_names import NameHit
    from catalyst_ray.core.directory import Listing
    from catalyst_ray.core.link_reading import LinkReading
    from catalyst_ray.core.tags import Tag

MAX_NAMED_CHARS = 1_000
"""How much of a summary is read for names: what follows is the companies' boilerplate."""
_TAG_REACH = 90
"""How far behind a name the tag that belongs to it may stand, characters."""
_SURE_LETTERS = 4
"""Letters from which a word in capitals that is a ticker means it."""
_UP_TO_TAG = re.compile(r"[\s,.\w&'’”\"®™]{0,30}(?:\([^()]{0,40}\)\s?){0,1}[(\[][^)\]]{0,60}")
_SHARE_WORD = re.compile(r"(?:['’]s)?\s(?:Q[1-4]|[1-4]Q|FY\d*|EPS|[Ss]hares?|[Ss]tock|[Ee]arnings)\b")
_NEXT_WORD = re.compile(r"\s([A-Za-z]+)")
_ACRONYM_WORD = re.compile(r"[A-Za-z]+")


def from_names(reading: LinkReading, linked: set[int]) -> Iterator[Found]:
    """Yield the companies that an item names, beside those already linked.

    Args:
        reading: Its ``named`` and ``notes`` are filled in.
        linked: CIKs that stronger evidence has given.
    """
    item = reading.item
    names = reading.directory.names
    texts = ((Where.TITLE, item.title), (Where.SUMMARY, item.summary[:MAX_NAMED_CHARS]))
    hits = [(where, text, hit) for where, text in texts if text for hit in names.find(text)]
    others = {cik for found in hits if _is_another(reading, *found) for cik in found[2].ciks} - linked
    hits = [
        found
        for found in hits
        if others.isdisjoint(found[2].ciks) and not _is_ticker_of_another(reading, found[1], found[2])
    ]
    certain = linked | {hit.ciks[0] for _, _, hit in hits if hit.is_sure and len(hit.ciks) == 1}
    doubtful: set[int] = set()
    for where, text, hit in hits:
        meant = [cik for cik in hit.ciks if cik in certain]
        if len(meant) == 1:
            if where is Where.TITLE:
                reading.named.setdefault(meant[0], (hit.start, hit.end))
            if meant[0] not in linked:
                yield from _company(reading, meant[0], where, text, hit)
        elif not meant:
            doubtful.update(hit.ciks)
            if hit.is_sure and len(hit.ciks) > 1:
                reading.notes.append(_ambiguous(reading, text, hit))
    nearly = certain | doubtful
    yield from _brackets(reading, nearly)
    yield from _bare(reading, nearly)
    yield from _related(
        reading, nearly, [(where, text, hit) for where, text, hit in hits if where is Where.TITLE]
    )


def _is_another(reading: LinkReading, where: Where, text: str, hit: NameHit) -> bool:
    """Return whether the tag behind a name gives no ticker of the company: it is abroad, or bears the name too."""
    tags = reading.title if where is Where.TITLE else reading.body
    behind = [tag for tag in tags if tag.venue and 0 <= tag.start - hit.end <= _TAG_REACH]
    if not behind or not _UP_TO_TAG.fullmatch(text[hit.end : behind[0].start]):
        return False
    closed = text.find(")", behind[0].start)
    symbols = [
        symbol
        for tag in behind
        if tag.venue and tag.venue.is_us and (closed < 0 or tag.start < closed)
        for symbol in tag.symbols
    ]
    named = {listing.ticker for cik in hit.ciks for listing in reading.directory.by_cik(cik)}
    return named.isdisjoint(map(normal_ticker, symbols))


def _is_ticker_of_another(reading: LinkReading, text: str, hit: NameHit) -> bool:
    """Return whether what reads like a name is rather another company's ticker ("ACME" of Acmatic, not of Acme)."""
    word = text[hit.start : hit.end]
    listing = reading.directory.by_ticker(word) if word.isupper() and len(word) >= _SURE_LETTERS else None
    return listing is not None and listing.cik not in hit.ciks


def _company(reading: LinkReading, cik: int, where: Where, text: str, hit: NameHit) -> Iterator[Found]:
    listings = reading.directory.by_cik(cik)
    if not listings or any(_root(listing.ticker) in reading.foreign for listing in listings):
        return
    rank = Rank.TITLE if where is Where.TITLE else Rank.NAMED
    reason = Reason(Code.NAME, text[hit.start : hit.end][:MAX_DETAIL])
    place = Place(where, hit.start, hit.end)
    yield Found(rank, reading.symbol(listings[0].ticker, listings[0], reason, place))


def _ambiguous(reading: LinkReading, text: str, hit: NameHit) -> Reason:
    tickers = [found[0].ticker for cik in hit.ciks if (found := reading.directory.by_cik(cik))]
    return Reason(Code.AMBIGUOUS_NAME, f"{text[hit.start : hit.end]}: {', '.join(tickers)}"[:MAX_DETAIL])


def _brackets(reading: LinkReading, named: set[int]) -> Iterator[Found]:
    """Take lists of nothing but tickers, and one in brackets behind the name that it stands for."""
    item = reading.item
    texts = (
        (Where.TITLE, item.title, Rank.TITLE),
        (Where.SUMMARY, item.summary[:MAX_NAMED_CHARS], Rank.LIST),
    )
    for where, text, rank in texts if item.summary else texts[:1]:
        for tag in (*bracketed_symbols(text), *symbol_runs(text)):
            listings = [reading.directory.by_ticker(symbol) for symbol in tag.symbols]
            known = [
                listing for listing in listings if listing and _root(listing.ticker) not in reading.foreign
            ]
            # Lists hold symbols that are gone from the map; words in capitals are seldom half symbols.
            is_half = 2 * len(known) >= len(listings) and not any(map(is_word, tag.symbols))
            several = len(listings) > 1 and (is_half or len(known) == len(listings))
            reason = Reason(
                Code.TICKER_LIST if len(tag.symbols) > 1 else Code.BRACKETED, tag.span[:MAX_DETAIL]
            )
            for listing in known:
                if several or listing.cik in named or _is_symbol(listing, tag, text):
                    yield Found(rank, reading.symbol(listing.ticker, listing, reason, place_of(tag, where)))


def _is_symbol(listing: Listing, tag: Tag, text: str) -> bool:
    """Return whether a long word in brackets is a ticker, rather than what the words before it spell."""
    word = listing.ticker
    if len(word) < _SURE_LETTERS or _is_common(word) or word not in tag.symbols:
        return False
    if len(tag.symbols) > 1:
        return len(tag.symbols) > 2
    before = _ACRONYM_WORD.findall(text[max(0, tag.start - 80) : tag.start])[-len(word) :]
    return [part[0].upper() for part in before] != list(word)


def _bare(reading: LinkReading, named: set[int]) -> Iterator[Found]:
    """Take words of a title in capitals: long ones, short ones that the name or "shares" stands by."""
    title = reading.item.title
    for tag in bare_symbols(title):
        word = tag.symbols[0]
        if _is_common(word) or word in reading.foreign:
            continue
        listing = reading.directory.by_ticker(word)
        if listing is None:
            continue
        if len(word) >= _SURE_LETTERS or listing.cik in named or _acts(word, title, tag.end):
            reason = Reason(Code.BARE_TICKER, word)
            place = place_of(tag, Where.TITLE)
            yield Found(Rank.TITLE, reading.symbol(listing.ticker, listing, reason, place))


def _acts(word: str, title: str, end: int) -> bool:
    """Return whether what follows a short word in capitals is what is said of companies ("ABC shares fall")."""
    if _SHARE_WORD.match(title, end):
        return True
    behind = _NEXT_WORD.match(title, end)
    return len(word) > 2 and behind is not None and behind[1].lower() in name_words().after


def _is_common(word: str) -> bool:
    """Return whether letters are rather a word, however they are written."""
    lists = name_words()
    lower = word.lower()
    return is_word(word) or lower in lists.never or lower in lists.ordinary or lower in lists.after


def _related(
    reading: LinkReading, named: set[int], hits: Sequence[tuple[Where, str, NameHit]]
) -> Iterator[Found]:
    """Take the symbols that the source was asked about, where the text bears them out."""
    item = reading.item
    for written in item.related:
        listing = reading.directory.by_ticker(written)
        if listing is None:
            continue
        word = re.compile(rf"(?<![\w$]){re.escape(written)}(?!\w)")
        if listing.cik in named or (len(written) > 1 and word.search(f"{item.title}\n{item.summary}")):
            for _, _, hit in hits:
                if listing.cik in hit.ciks:
                    reading.named.setdefault(listing.cik, (hit.start, hit.end))
            reason = Reason(Code.RELATED, written)
            yield Found(Rank.CATEGORY, reading.symbol(listing.ticker, listing, reason, Place(Where.CATEGORY)))
        else:
            reading.notes.append(Reason(Code.RELATED_UNCONFIRMED, written))


def _root(ticker: str) -> str:
    return ticker.partition("-")[0]
