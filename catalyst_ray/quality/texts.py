"""Labelled texts as items."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from catalyst_ray.models import Item

NOW_UTC = datetime(2026, 1, 12, 15, 0, tzinfo=UTC)
"""When all labelled texts are judged: they count as fresh."""


def news(title: str, summary: str = "", *, key: str = "url:measured", **more: Any) -> Item:
    """Return a text as a news item, published a moment ago."""
    fields: dict[str, Any] = {"feed": "labelled", "received_utc": NOW_UTC, "published_utc": NOW_UTC} | more
    return Item(key=key, title=title[:500], summary=summary[:4_000], **fields)
