"""Invented texts as the stories' measure sees them: linked to one company, with the events that are found in them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from catalyst_ray.core.dedupe import Telling, telling_of
from catalyst_ray.core.events import find_events
from catalyst_ray.models import Item, Link, Reason, Score, Symbol

NOW = datetime(2026, 3, 17, 14, 0, tzinfo=UTC)
NAMES = {"QLLN": "Quillon Therapeutics Inc.", "MRPK": "Marrow & Pike Holdings"}


def item(title: str, summary: str = "", *, key: str = "", **changes: Any) -> Item:
    """Return a news item."""
    parts: dict[str, Any] = {"feed": "wire", "source": "Wire", "received_utc": NOW} | changes
    return Item(key=key or f"url:{title}", title=title, summary=summary, **parts)


def tell(title: str, summary: str = "", *, ticker: str = "QLLN", key: str = "", **changes: Any) -> Telling:
    """Return what of a text is compared."""
    told = item(title, summary, key=key, **changes)
    symbols = (
        (Symbol(ticker=ticker, reason=Reason("exchange_tag"), name=NAMES.get(ticker, "")),) if ticker else ()
    )
    events = find_events(told, [NAMES[ticker]] if ticker in NAMES else [])
    return telling_of(
        told, Link(symbols=symbols), Score(value=0.0, sentiment=0.0, confidence=1.0, events=events)
    )
