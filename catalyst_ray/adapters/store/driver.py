"""Owns what one driver keeps between cycles: its lease, and what it remembers of each feed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from catalyst_ray.adapters.store.schema import feed_state, lease
from catalyst_ray.adapters.store.statements import upsert

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from sqlalchemy import Connection

    from catalyst_ray.models import FeedState

_DRIVER = "driver"


def acquire_lease(connection: Connection, owner: str, *, now_utc: datetime, ttl: timedelta) -> bool:
    """Take or renew the lease; False while another owner's is still good."""
    holder = connection.execute(select(lease).where(lease.c.name == _DRIVER)).first()
    if holder is not None and holder.owner != owner and holder.expires > now_utc:
        return False
    upsert(connection, lease, [{"name": _DRIVER, "owner": owner, "expires": now_utc + ttl}])
    return True


def release_lease(connection: Connection, owner: str) -> None:
    """Give the lease back, if it is the owner's."""
    connection.execute(lease.delete().where(lease.c.name == _DRIVER, lease.c.owner == owner))


def feed_states(connection: Connection) -> dict[str, FeedState]:
    """Return what is remembered, by feed."""
    return {row.feed: row.payload for row in connection.execute(select(feed_state))}


def save_feed_state(connection: Connection, state: FeedState) -> None:
    """Remember a feed's state."""
    upsert(connection, feed_state, [{"feed": state.feed, "payload": state}])
