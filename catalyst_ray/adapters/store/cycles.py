"""Owns the reports of cycles: kept until there are too many, or they are too old."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from catalyst_ray.adapters.store.schema import cycles

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from catalyst_ray.models import CycleReport


def save(connection: Connection, report: CycleReport, *, keep: int) -> None:
    """Keep a report, and delete all but the newest ``keep``."""
    row = {"number": report.number, "started": report.started_utc, "payload": report}
    connection.execute(cycles.insert(), row)
    # Rows are numbered as they are written: to count them would cost more than the write.
    newest = select(func.max(cycles.c.id)).scalar_subquery()
    connection.execute(cycles.delete().where(cycles.c.id <= newest - keep))


def recent(connection: Connection, *, since_utc: datetime, limit: int) -> list[CycleReport]:
    """Return the reports of cycles that began since then, newest first."""
    query = (
        select(cycles.c.payload)
        .where(cycles.c.started >= since_utc)
        .order_by(cycles.c.started.desc(), cycles.c.id.desc())
        .limit(limit)
    )
    return list(connection.scalars(query))


def expired(connection: Connection, *, before_utc: datetime) -> int:
    """Delete the reports of cycles that began before then; return how many."""
    return connection.execute(cycles.delete().where(cycles.c.started < before_utc)).rowcount
