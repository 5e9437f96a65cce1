"""Owns what linking gathers of one item before it is weighed: tags, categories, evidence, notes."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

from catalyst_ray.core.securities import is_over_the_counter, security_kind
from catalyst_ray.models import Place, Symbol, Where

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalyst_ray.core.directory import Listing, TickerDirectory
    from catalyst_ray.core.tags import Tag
    from catalyst_ray.models import Item, Reason

MAX_DETAIL = 200
"""Longest evidence kept, characters."""


class Rank(IntEnum):
    """How near to the subject evidence stands; ties keep the order of the text."""

    FILING = 0
    TITLE = 1
    CONFIRMED = 2
    CATEGORY = 3
    BODY = 4
    LIST = 5
    NAMED = 6


@dataclass(frozen=True, slots=True)
class Found:
    """A ticker with its evidence, before duplicates are joined."""

    rank: Rank
    symbol: Symbol
    is_listed: bool = True


@dataclass(slots=True)
class LinkReading:
    """What the sources have made of one item so far.

    Args:
        foreign: Letters that a foreign venue's tag gives, and no US tag.
        notes: What was seen and refused.
        named: Where the title first names each company, by CIK: start and end.
    """

    item: Item
    directory: TickerDirectory
    title: list[Tag]
    body: list[Tag]
    categories: list[tuple[str, list[Tag]]]
    foreign: set[str] = field(default_factory=set)
    notes: list[Reason] = field(default_factory=list)
    named: dict[int, tuple[int, int]] = field(default_factory=dict)

    @property
    def tags(self) -> Iterator[Tag]:
        """Return every exchange tag, wherever it stands."""
        yield from self.title
        yield from (tag for _, tags in self.categories for tag in tags)
        yield from self.body

    def symbol(
        self, ticker: str, listing: Listing | None, reason: Reason, place: Place, venue: str = ""
    ) -> Symbol:
        """Return a ticker with its evidence and what kind of security it is."""
        venue = venue or (listing.venue if listing else "")
        name = listing.name if listing else ""
        siblings = self.directory.by_cik(listing.cik) if listing and len(ticker) > 4 else ()
        return Symbol(
            ticker=ticker,
            reason=reason,
            venue=venue,
            name=name,
            cik=listing.cik if listing else None,
            kind=security_kind(ticker, name, [other.ticker for other in siblings]),
            is_otc=is_over_the_counter(ticker, venue),
            place=place,
        )


def place_of(tag: Tag, where: Where) -> Place:
    """Return where a tag stands."""
    return Place(where, tag.start, tag.end)
