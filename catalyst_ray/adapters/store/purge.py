"""Owns forgetting: deletes what is old and finished, a bounded batch per transaction.

Kept, however old: undecided items, items a feed still lists, held alerts, and alerts with an unfinished
delivery or edit, each with its item.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import exists, select

from catalyst_ray.adapters.store.schema import HELD, alerts, aliases, is_open, items, llm_cache, outbox

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

BATCH_ITEMS = 500
"""Items of one transaction; short enough for an IN list and for a writer who waits."""


def finished_items(connection: Connection, *, before_utc: datetime) -> tuple[int, int]:
    """Delete up to ``BATCH_ITEMS`` items with their alerts and deliveries; return (items, deliveries)."""
    open_row = exists().where(outbox.c.alert_id == alerts.c.id, is_open())
    needed = exists().where(alerts.c.item_key == items.c.key, (alerts.c.state == HELD) | open_row)
    query = (
        select(items.c.key)
        .where(items.c.decided < before_utc, items.c.seen < before_utc, ~needed)
        .order_by(items.c.decided)
        .limit(BATCH_ITEMS)
    )
    keys = list(connection.scalars(query))
    if not keys:
        return 0, 0
    of_items = select(alerts.c.id).where(alerts.c.item_key.in_(keys))
    deliveries = connection.execute(outbox.delete().where(outbox.c.alert_id.in_(of_items))).rowcount
    connection.execute(alerts.delete().where(alerts.c.item_key.in_(keys)))
    connection.execute(items.delete().where(items.c.key.in_(keys)))
    return len(keys), deliveries


def expired(connection: Connection, *, before_utc: datetime) -> int:
    """Delete old aliases and cached answers that expired before then; return how many answers."""
    connection.execute(aliases.delete().where(aliases.c.seen < before_utc))
    return connection.execute(llm_cache.delete().where(llm_cache.c.expires < before_utc)).rowcount
