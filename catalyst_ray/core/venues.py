"""Owns the names of stock exchanges and which of them give US tickers.

The names are data (``data/venues.toml``). It reads the venues that stand before a place in a text; it
does not look for symbols.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_LABEL = 90
"""Longest run of venue names that is read, characters."""
MAX_NAME_WORDS = 8
"""Words of the longest name of one venue."""

_WORD = re.compile(r"\w+")
_QUOTES = "\"“”„‟'‘’«»*®™"
_INSIDE_NAME = re.compile(r"[\s.&\-–'’]*")
"""What may stand between the words of one name: ``TSX.V``, ``Long-Term Stock Exchange``."""
_BETWEEN_NAMES = re.compile(
    rf"[\s{_QUOTES}]*(?:[,/&+;|\-–]|\b(?:and|or)\b)(?:[\s{_QUOTES}]|\b(?:and|or|the)\b)*", re.IGNORECASE
)
"""What stands between two venues that share a symbol: ``NYSE/TSX``, ``TSX and the NYSE``."""
_JOINING_WORDS = frozenset({"and", "or", "the"})
_AFTER_NAME = re.compile(rf"[\s{_QUOTES})]*")
_LISTING_WORDS = frozenset({"symbol", "symbols", "ticker", "tickers", "trading", "common", "stock"})
"""Words between a venue and the colon: ``Nasdaq ticker symbol: ABCD``."""
_EXCHANGES = re.compile(
    r"(?i)nasdaq|nyse|euronext|\bomx|\btsx|\bcboe|stock exchange|börse|boerse|bourse|bolsa|borsa"
)
_ONE_NAME = re.compile(r"[\w\s.&\-–'’]*")
_SECTIONS = (
    ("foreign_places", False, True),
    ("foreign", False, False),
    ("us_places", True, True),
    ("us", True, False),
)
"""Tables of the file, with what they say of their venues; later ones win where a name is in two."""


@dataclass(frozen=True, slots=True)
class Venue:
    """A stock exchange: what a card calls it and whether its symbols are US tickers.

    Args:
        is_place: The name is that of a place, which stands for its exchange only inside a tag.
    """

    name: str
    is_us: bool
    is_place: bool = False


UNPLACED = Venue("?", is_us=False, is_place=True)
"""An exchange by a name that we do not know (``Nasdaq Erewhon``): never taken for a US one."""


@dataclass(frozen=True, slots=True)
class Label:
    """What stands in front of a symbol: the venue it names, if any, and where the words begin."""

    venue: Venue | None
    start: int


def find_venue(name: str) -> Venue | None:
    """Return the venue that goes by exactly this name."""
    return _venues().get(_fold(name))


def read_label(text: str, end: int) -> Label | None:
    """Read the venue named just before ``end`` ("… Corp. (TSX and Nasdaq Capital Market").

    Of several venues that share a symbol the US one counts. Words such as "ticker symbol" behind the
    venue are passed over; alone they give a label without venue. None when neither stands there.
    """
    words = list(_WORD.finditer(text, max(0, end - MAX_LABEL), end))
    if not words or not _AFTER_NAME.fullmatch(text, words[-1].end(), end):
        return None
    count = len(words)
    while count and words[count - 1].group().casefold() in _LISTING_WORDS:
        count -= 1
    start = words[count].start() if count < len(words) else end
    venues: list[Venue] = []
    while found := _name_ending(text, words[:count]):
        venue, length = found
        venues.insert(0, venue)
        start = words[count - length].start()
        count = _end_of_previous(text, words[: count - length], start)
    if venues:
        return Label(next((venue for venue in venues if venue.is_us), venues[-1]), start)
    return Label(None, start) if start < end else _unplaced(text, words)


def venue_within(text: str, start: int, end: int) -> Venue | None:
    """Return the venue named nearest to ``end`` in running text, places left out."""
    for word in reversed(list(_WORD.finditer(text, start, end))):
        label = read_label(text, word.end())
        if label and label.venue and not label.venue.is_place and label.start >= start:
            return label.venue
    return None


def is_topic(word: str) -> bool:
    """Return whether upper-case letters name a topic (IPO, ESG) rather than a company."""
    return word in _words("topics")


def is_word(word: str) -> bool:
    """Return whether upper-case letters are more often a word or topic than a ticker."""
    return word in _words("common") or is_topic(word)


def is_money(word: str) -> bool:
    """Return whether letters name a currency or a coin."""
    return word in _words("money")


def _fold(name: str) -> str:
    return "".join(_WORD.findall(name.casefold()))


def _name_ending(text: str, words: Sequence[re.Match[str]]) -> tuple[Venue, int] | None:
    """Return the venue of the longest name at the end of ``words``, and how many words it has."""
    known = _venues()
    best: tuple[Venue, int] | None = None
    name = ""
    after: re.Match[str] | None = None
    for count, word in enumerate(reversed(words[-MAX_NAME_WORDS:]), start=1):
        if after and not _INSIDE_NAME.fullmatch(text, word.end(), after.start()):
            break
        name = word.group().casefold() + name
        if (venue := known.get(name)) and not (venue.is_place and _is_common(word.group(), venue)):
            best = venue, count
        after = word
    return best


def _end_of_previous(text: str, words: Sequence[re.Match[str]], start: int) -> int:
    """Return how many of ``words`` come before the list sign in front of ``start``; 0 without a sign."""
    count = len(words)
    while count and words[count - 1].group().casefold() in _JOINING_WORDS:
        count -= 1
    return count if count and _BETWEEN_NAMES.fullmatch(text, words[count - 1].end(), start) else 0


def _is_common(word: str, place: Venue) -> bool:
    """Return whether the name of a place is written like a common word ("us", "Us", "nice")."""
    return word.islower() or (place.is_us and not word.isupper())


def _unplaced(text: str, words: Sequence[re.Match[str]]) -> Label | None:
    """Return a label for the name of an exchange that is in no list, if the last words read like one."""
    end = words[-1].end()
    named = _EXCHANGES.search(text, words[-MAX_NAME_WORDS:][0].start(), end)
    if named is None or not _ONE_NAME.fullmatch(text, named.start(), end):
        return None
    is_name = all(not word.group()[0].islower() for word in words if word.start() > named.start())
    return Label(UNPLACED, named.start()) if is_name else None


@cache
def _table() -> Mapping[str, Mapping[str, list[str]]]:
    return tomllib.loads(files("catalyst_ray.core").joinpath("data/venues.toml").read_text("utf-8"))


@cache
def _venues() -> Mapping[str, Venue]:
    venues: dict[str, Venue] = {}
    for section, is_us, is_place in _SECTIONS:
        for name, spellings in _table()[section].items():
            venue = Venue(name, is_us=is_us, is_place=is_place)
            venues.update({_fold(spelling): venue for spelling in spellings})
    return venues


@cache
def _words(kind: str) -> frozenset[str]:
    return frozenset(_table()["words"][kind])
