"""The demo world's data: an item as it will be published, and what is true of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catalyst_ray.models import Party


class Expected(StrEnum):
    """What the program should do with an item."""

    ALERT = "alert"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What is true of one item, known because we made it.

    Args:
        action: What should become of its story: items that share a ``story`` make one alert in all,
            whichever copy is read first.
        ticker: The US-listed company it is about, or None.
        event: Code of the template (``offering_priced``, ``law_firm_ad``).
        sign: 1, -1, or 0 for noise.
        story: Shared by all copies of one release.
    """

    action: Expected
    ticker: str | None
    event: str
    sign: int
    story: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FilingFacts:
    """What makes an item a filing; EDGAR lists it once per party.

    Args:
        main: Paragraphs of the main document at length; empty where the item's own are all there is.
        release: Title and paragraphs of the press release that is Exhibit 99.1, if any.
    """

    form: str
    accession: str
    parties: tuple[Party, ...]
    items: tuple[str, ...] = ()
    size: str = ""
    main: tuple[str, ...] = ()
    release: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoItem:
    """One release or filing of one channel.

    Args:
        id: Unique in its world and the days after, from 1.
        batch: From 1; the item appears when this batch is released.
        category: Exchange and symbol as a category tag has it (``Nasdaq:HLVT``), or empty.
        age_s: Seconds between its publication and the release of its batch: negative for a date in
            the future, None for an item without a date.
        path: Address without the host.
    """

    id: int
    batch: int
    channel: str
    title: str
    paragraphs: tuple[str, ...]
    city: str = ""
    category: str = ""
    age_s: float | None
    path: str
    truth: Truth
    filing: FilingFacts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What a story does to its company's price, ``pct`` signed, ``age_s`` before its batch's release."""

    ticker: str
    batch: int
    age_s: float
    pct: float
