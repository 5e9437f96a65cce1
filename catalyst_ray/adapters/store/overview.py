"""Owns where the store stands, for ``status``: its size, its driver, what is open and what was given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from catalyst_ray.adapters.store import migrations, outbox
from catalyst_ray.adapters.store.schema import HELD, UNFINISHED, alerts, lease
from catalyst_ray.adapters.store.schema import outbox as rows
from catalyst_ray.models import StoreStatus

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


def look(connection: Connection, *, now_utc: datetime, since_utc: datetime, limit: int) -> StoreStatus:
    """Return where the store stands; given up *lately* is since then, and at most so many."""
    size_bytes, free_bytes = _size(connection)
    held = select(func.count()).select_from(alerts).where(alerts.c.state == HELD)
    oldest = (
        select(rows.c.sink, func.min(rows.c.created).label("first"))
        .where(rows.c.state.in_(UNFINISHED))
        .group_by(rows.c.sink)
        .order_by(rows.c.sink)
    )
    return StoreStatus(
        schema_version=migrations.version(connection),
        size_bytes=size_bytes,
        free_bytes=free_bytes,
        driver=connection.scalar(select(lease.c.owner).where(lease.c.expires > now_utc)),
        held=connection.scalar(held) or 0,
        oldest_open_utc={row.sink: row.first for row in connection.execute(oldest)},
        dead=tuple(outbox.dead(connection, since_utc=since_utc, limit=limit)),
    )


def _size(connection: Connection) -> tuple[int, int]:
    if connection.dialect.name != "sqlite":
        return connection.scalar(select(func.pg_database_size(func.current_database()))) or 0, 0
    page, pages, free = (
        connection.exec_driver_sql(f"PRAGMA {name}").scalar() or 0
        for name in ("page_size", "page_count", "freelist_count")
    )
    return page * pages, page * free
