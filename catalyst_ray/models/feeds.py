"""Feeds: what is polled, what is remembered of it, what it answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003  (pydantic reads the annotations at run time)
from enum import StrEnum


class FeedKind(StrEnum):
    """How a feed's bytes are read."""

    RSS = "rss"
    EDGAR = "edgar"
    FINNHUB = "finnhub"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSpec:
    """One source to poll.

    Args:
        name: Unique slug; log key and state key.
        url: Address to GET; keys travel in headers, never here.
        kind: How the bytes are read.
        source: Name shown on cards.
        weight: Trust in the source, 0 to 1; scales the score.
        requires: Setting without which the feed stays off (``sec_contact``, ``finnhub_token``).
        allow_private: Loopback and private addresses are allowed for this feed (demo, tests).
    """

    name: str
    url: str
    kind: FeedKind = FeedKind.RSS
    source: str = ""
    weight: float = 1.0
    requires: str | None = None
    allow_private: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedState:
    """What is remembered of a feed between cycles."""

    feed: str
    etag: str | None = None
    last_modified: str | None = None
    failures: int = 0
    next_fetch_utc: datetime | None = None
    last_success_utc: datetime | None = None
    last_error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """One answer of a feed: a body, or ``not_modified`` with an empty one."""

    feed: str
    url: str
    status: int
    body: bytes
    content_type: str = ""
    etag: str | None = None
    last_modified: str | None = None
    not_modified: bool = False
    first_byte_utc: datetime
    received_utc: datetime
    seconds: float = 0.0
