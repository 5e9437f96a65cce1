"""Items: news and filings as plain text, and what the store says of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003  (pydantic reads the annotations at run time)
from enum import StrEnum

from catalyst_ray.models.judgement import Reason  # noqa: TC001  (pydantic reads the annotations at run time)


class ItemKind(StrEnum):
    """What an item is; freshness limits differ by it."""

    NEWS = "news"
    FILING = "filing"


class ClaimOutcome(StrEnum):
    """What the store says of an item offered to it."""

    NEW = "new"
    SEEN = "seen"
    EXTENDED = "extended"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class Party:
    """A company or person named by an EDGAR entry. ``cik`` has no leading zeros."""

    cik: int
    name: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One piece of news or one filing, as plain text, whatever feed it came from.

    Args:
        key: Stable identity: ``sec:<accession>`` for filings, ``url:<sha256/16>`` for news.
        aliases: Other identities under which the same thing may come from another source
            (``url:…``, ``title:…``); filings have none.
        title: One line of plain text, at most 500 characters.
        summary: Plain text, at most 4,000 characters; not the title again.
        published_utc: When the source says it was published; never later than ``received_utc``;
            None when it does not say, or says nonsense.
        received_utc: First byte of the answer that held it.
        categories: Category terms as they came, white space folded (GlobeNewswire puts tickers there).
        form: EDGAR form type (``8-K``, ``424B5``, ``SCHEDULE 13D/A``).
        filing_items: 8-K item numbers (``1.01``).
        language: Lower-case language tag where the source gives one.
        related: Symbols that a source was asked about, whatever the item says (Finnhub): doubtful.
    """

    key: str
    aliases: tuple[str, ...] = ()
    feed: str
    source: str = ""
    source_weight: float = 1.0
    kind: ItemKind = ItemKind.NEWS
    title: str
    summary: str = ""
    url: str = ""
    published_utc: datetime | None = None
    received_utc: datetime
    categories: tuple[str, ...] = ()
    form: str | None = None
    filing_items: tuple[str, ...] = ()
    accession: str | None = None
    parties: tuple[Party, ...] = ()
    language: str | None = None
    related: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFeed:
    """What the bytes of one feed held. ``entries`` counts them before duplicates were merged."""

    feed: str
    items: tuple[Item, ...]
    entries: int
    notes: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """The store's answer for one item; ``of`` is the key it duplicates, ``item`` is as stored."""

    item: Item
    outcome: ClaimOutcome
    of: str | None = None
