"""Owns saying which US tickers an item has to do with, and why.

It weighs what ``tags`` finds in the text, the publisher's categories, the CIKs of a filing and the companies
that the text names (``named``). Which of them the story is about is for ``roles`` to say.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from catalyst_ray.core.directory import normal_ticker
from catalyst_ray.core.link_reading import MAX_DETAIL, Found, LinkReading, Rank, place_of
from catalyst_ray.core.named import from_names
from catalyst_ray.core.reasons import Code
from catalyst_ray.core.roles import Cast, with_roles
from catalyst_ray.core.securities import DERIVED
from catalyst_ray.core.tags import US_SYMBOL, Tag, cashtags, exchange_tags, listed_symbols
from catalyst_ray.core.venues import is_money, is_topic, is_word
from catalyst_ray.models import Item, Link, Place, Reason, Role, SecurityKind, Symbol, Where

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from catalyst_ray.core.directory import Listing, TickerDirectory

MAX_SYMBOLS = 10
"""Most tickers of one item."""
MAX_REASONS = 20

_ROLE_RANKS = {"subject": 0, "issuer": 0, "filer": 0, "filed by": 2, "reporting": 2}
"""Who a filing is about comes before who sent it; other roles (depositor, guarantor) stand between."""
_OWNERSHIP_FORMS = re.compile(r"(?:SCHEDULE|SC) 13[DG]\b")
_OTHER_COUNTRY = re.compile(r"([A-Z0-9.\-]{1,12}):([A-Z]{2,3})")
"""A symbol with its country behind it, as Seeking Alpha writes it ("ABCD:CA")."""
_WEAK = frozenset({Code.NAME, Code.BARE_TICKER, Code.BRACKETED, Code.RELATED})
"""Evidence that a tag replaces where both give one ticker."""


def link(item: Item, directory: TickerDirectory) -> Link:
    """Return the US tickers of an item, the subject first, each with its evidence, role and kind.

    With an empty directory every well-formed US tag is taken; with a loaded one, doubtful evidence
    (names, cashtags, bare categories, tags without a colon or venue) must name a known ticker, and a clear US
    tag that does not is taken with the reason ``unlisted``.
    """
    reading = LinkReading(
        item,
        directory,
        title=exchange_tags(item.title),
        body=exchange_tags(item.summary),
        categories=[(term, exchange_tags(term, is_enclosed=True)) for term in item.categories],
    )
    _note_foreign(reading)
    found = [hit for source in _SOURCES for hit in source(reading)]
    if directory and not item.parties:
        found += list(from_names(reading, {hit.symbol.cik for hit in found if hit.symbol.cik}))
    symbols = tuple(_with_common_shares(reading, _joined(reading, found)))
    if not item.parties:
        symbols = with_roles(item.title, [_cast(reading, symbol) for symbol in symbols])
    if len(symbols) > MAX_SYMBOLS:
        reading.notes.append(Reason(Code.MORE_TICKERS, value=float(len(symbols) - MAX_SYMBOLS)))
    reading.notes += [note for symbol in symbols[:MAX_SYMBOLS] for note in _security_notes(symbol)]
    reasons = tuple(dict.fromkeys(reading.notes))[:MAX_REASONS]
    return Link(symbols=symbols[:MAX_SYMBOLS], reasons=reasons)


def _joined(reading: LinkReading, found: Iterable[Found]) -> list[Symbol]:
    """Return one symbol a ticker in order of evidence; of several pieces the stronger is kept."""
    symbols: dict[str, Symbol] = {}
    for hit in sorted(found, key=_nearness):
        ticker = hit.symbol.ticker
        first = symbols.setdefault(ticker, hit.symbol)
        if first is hit.symbol and not hit.is_listed and reading.directory:
            reading.notes.append(Reason(Code.UNLISTED, hit.symbol.reason.detail))
        elif first.reason.code in _WEAK and hit.symbol.reason.code not in _WEAK:
            symbols[ticker] = hit.symbol
    return list(symbols.values())


def _nearness(hit: Found) -> tuple[int, int]:
    """Return the rank of evidence, and in the title its place: who is named first comes first."""
    place = hit.symbol.place
    return hit.rank, place.start if place and place.where is Where.TITLE else 0


def _with_common_shares(reading: LinkReading, symbols: list[Symbol]) -> list[Symbol]:
    """Return the symbols with the common share in front of a warrant, preferred or unit that stands alone."""
    completed: list[Symbol] = []
    for symbol in symbols:
        if symbol.kind in DERIVED and symbol.cik is not None:
            listing = reading.directory.by_cik(symbol.cik)[0]
            common = reading.symbol(
                listing.ticker,
                listing,
                Reason(Code.SHARE_OF, f"{symbol.ticker} ({symbol.kind})"),
                symbol.place or Place(Where.FILING),
            )
            if common.kind not in DERIVED and all(
                common.ticker != other.ticker for other in symbols + completed
            ):
                completed.append(replace(common, role=symbol.role))
        completed.append(symbol)
    return completed


def _cast(reading: LinkReading, symbol: Symbol) -> Cast:
    """Return a symbol with where the title names it first."""
    spots = [reading.named[symbol.cik]] if symbol.cik in reading.named else []
    if symbol.place and symbol.place.where is Where.TITLE:
        spots.append((symbol.place.start, symbol.place.end))
    spot, until = min(spots, default=(None, 0))
    is_listed = symbol.reason.code == Code.TICKER_LIST and symbol.cik not in reading.named
    return Cast(symbol, spot, until, is_tagged=symbol.reason.code not in _WEAK, is_listed=is_listed)


def _security_notes(symbol: Symbol) -> Iterator[Reason]:
    if symbol.kind is not SecurityKind.COMMON:
        yield Reason(symbol.kind, symbol.ticker)
    if symbol.is_otc:
        yield Reason(Code.OTC, symbol.ticker)


def _note_foreign(reading: LinkReading) -> None:
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
            reading.notes.append(Reason(Code.FOREIGN_VENUE, tag.span[:MAX_DETAIL]))
    reading.foreign -= american


def _from_parties(reading: LinkReading) -> Iterator[Found]:
    """Take the companies that a filing names by CIK; of an ownership schedule only its subject is one."""
    parties = [
        (_ROLE_RANKS.get(party.role.casefold().removesuffix(" owner"), 1), party)
        for party in reading.item.parties
    ]
    is_ownership = _OWNERSHIP_FORMS.match(reading.item.form or "") is not None
    least = 0 if is_ownership else min((rank for rank, _ in parties), default=0)
    for rank, party in sorted(parties, key=lambda ranked: ranked[0]):
        evidence = f"{party.role}, CIK {party.cik}"
        if listings := reading.directory.by_cik(party.cik):
            reason = Reason(Code.CIK, evidence)
            symbol = reading.symbol(listings[0].ticker, listings[0], reason, Place(Where.FILING))
            yield Found(Rank.FILING, replace(symbol, role=_filing_role(party.role, rank, least)))
        elif reading.directory and _ROLE_RANKS.get(party.role.casefold()) == 0:
            reading.notes.append(Reason(Code.CIK_UNLISTED, f"{party.name[:100]} ({evidence})"))


def _filing_role(written: str, rank: int, least: int) -> Role:
    if rank == least and rank < 2:
        return Role.SUBJECT
    return Role.COUNTERPART if written.casefold() == "filed by" else Role.MENTIONED


def _from_title(reading: LinkReading) -> Iterator[Found]:
    for tag in reading.title:
        yield from _from_tag(reading, tag, Rank.TITLE, Where.TITLE)
    yield from _from_cashtags(reading, reading.item.title, Rank.TITLE, Where.TITLE)
    title = reading.item.title
    listed = listed_symbols(title)
    # One stranger among them, and the list may be of anything ("Sectors: IT, FMCG").
    if all(reading.directory.by_ticker(word) for word in listed):
        for word in listed:
            reason = Reason(Code.TICKER_LIST, ", ".join(listed)[:MAX_DETAIL])
            start = title.find(word, title.rfind(":"))
            yield from _from_known(
                reading, word, Rank.TITLE, reason, Place(Where.TITLE, start, start + len(word))
            )


def _from_categories(reading: LinkReading) -> Iterator[Found]:
    for term, tags in reading.categories:
        for tag in tags:
            yield from _from_tag(reading, tag, Rank.CATEGORY, Where.CATEGORY)
        if not tags and (abroad := _OTHER_COUNTRY.fullmatch(term.strip())) and abroad[2] != "US":
            reading.notes.append(Reason(Code.FOREIGN_VENUE, term[:MAX_DETAIL]))
        elif not tags:
            yield from _from_list(reading, term)


def _from_list(reading: LinkReading, term: str) -> Iterator[Found]:
    """Take bare tickers ("ABCD" or "ABCD,EFGH") of a category; only known ones, since most are topics."""
    for part in term.split(",")[: 2 * MAX_SYMBOLS]:
        written = part.strip()
        if US_SYMBOL.fullmatch(written) and not is_topic(written):
            place = Place(Where.CATEGORY, 0, len(term))
            yield from _from_known(reading, written, Rank.LIST, Reason(Code.CATEGORY, written), place)


def _from_body(reading: LinkReading) -> Iterator[Found]:
    """Take the tags of the body; those that the publisher's categories confirm come first."""
    issuers = {
        normal_ticker(symbol)
        for _, tags in reading.categories
        for tag in tags
        if tag.venue and tag.venue.is_us
        for symbol in tag.symbols
    }
    for tag in reading.body:
        for hit in _from_tag(reading, tag, Rank.BODY, Where.SUMMARY):
            is_issuer = not issuers or hit.symbol.ticker in issuers
            yield replace(hit, rank=Rank.CONFIRMED) if is_issuer else hit
    yield from _from_cashtags(reading, reading.item.summary, Rank.LIST, Where.SUMMARY)


_SOURCES: tuple[Callable[[LinkReading], Iterator[Found]], ...] = (
    _from_parties,
    _from_title,
    _from_categories,
    _from_body,
)


def _from_tag(reading: LinkReading, tag: Tag, rank: Rank, where: Where) -> Iterator[Found]:
    """Take the symbols of one exchange tag, as far as it is sure."""
    code = Code.CATEGORY if where is Where.CATEGORY else Code.EXCHANGE_TAG
    reason, place = Reason(code, tag.span[:MAX_DETAIL]), place_of(tag, where)
    if tag.venue is None or tag.is_loose:
        if (tag.venue is None or tag.venue.is_us) and not is_word(tag.symbols[0]):
            venue = tag.venue.name if tag.venue else ""
            yield from _from_known(reading, tag.symbols[0], rank, reason, place, venue=venue)
        return
    if not tag.venue.is_us or (not tag.is_enclosed and is_word(tag.symbols[0])):
        return
    for number, written in enumerate(tag.symbols):
        listing = reading.directory.by_ticker(written)
        if listing is None and reading.directory and is_word(written):
            return
        if number == 0 or _is_next(tag, written, listing, is_loaded=bool(reading.directory)):
            ticker = listing.ticker if listing else normal_ticker(written)
            symbol = reading.symbol(ticker, listing, reason, place, tag.venue.name)
            yield Found(rank, symbol, listing is not None)


def _is_next(tag: Tag, written: str, listing: Listing | None, *, is_loaded: bool) -> bool:
    """Return whether what follows the first symbol of a tag is a symbol too, and not a word."""
    first = tag.symbols[0].split(".", maxsplit=1)[0]
    if len(first) > 1 and (written.startswith(first) or first.startswith(written)):
        return True
    return tag.is_enclosed and not is_word(written) and (listing is not None or not is_loaded)


def _from_cashtags(reading: LinkReading, text: str, rank: Rank, where: Where) -> Iterator[Found]:
    for tag in cashtags(text):
        written = tag.symbols[0]
        reason, place = Reason(Code.CASHTAG, tag.span), place_of(tag, where)
        if is_money(written):
            continue
        if reading.directory:
            yield from _from_known(reading, written, rank, reason, place)
        elif written not in reading.foreign:
            yield Found(rank, reading.symbol(normal_ticker(written), None, reason, place), False)


def _from_known(
    reading: LinkReading, written: str, rank: Rank, reason: Reason, place: Place, *, venue: str = ""
) -> Iterator[Found]:
    """Take a symbol on evidence that must be borne out by the directory."""
    listing = reading.directory.by_ticker(written)
    if listing and written not in reading.foreign:
        yield Found(rank, reading.symbol(listing.ticker, listing, reason, place, venue))
