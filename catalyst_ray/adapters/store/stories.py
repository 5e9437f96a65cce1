"""Owns which items tell the story of which alert, beside the one that it was made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import exists, select

from catalyst_ray.adapters.store.schema import alerts, items, stories
from catalyst_ray.adapters.store.statements import upsert

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from catalyst_ray.models import Item


def join(connection: Connection, item: Item, key: str, *, now_utc: datetime) -> None:
    """Write that an item tells the story of the alert on item ``key``; once, however often it is said."""
    upsert(connection, stories, [{"item_key": item.key, "of_key": key, "joined": now_utc}])


def untold(connection: Connection, *, since_utc: datetime, limit: int) -> list[tuple[Item, str]]:
    """Return items that were dropped as copies of one that an alert was made of since, and joined no story."""
    # Not a join: SQLite would read every item in the order of its claim.
    alerted = select(alerts.c.item_key).where(alerts.c.created >= since_utc)
    query = (
        select(items.c.payload, items.c.duplicate_of)
        .where(
            items.c.duplicate_of.in_(alerted),
            items.c.duplicate_of.is_not(None),
            ~exists().where(stories.c.item_key == items.c.key),
        )
        .order_by(items.c.claimed, items.c.key)
        .limit(limit)
    )
    return [(row.payload, row.duplicate_of) for row in connection.execute(query)]
