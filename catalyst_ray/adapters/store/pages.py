"""Owns reading a whole table, oldest first, in pages: bounded memory, and no transaction that stays open.

Each page is one look at the store: rows that are written meanwhile are seen when their turn comes, or not at all;
none is seen twice, unless an alert that was held is made anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import literal, select, tuple_

from catalyst_ray.adapters.store import outbox as deliveries
from catalyst_ray.adapters.store import records, search
from catalyst_ray.adapters.store.schema import alerts, cycles, items, outbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Select

    from catalyst_ray.adapters.store.database import Database
    from catalyst_ray.models import AlertRecord, CycleReport, Delivery, ItemRecord

T = TypeVar("T")

ROWS = 500
"""Rows of a page."""


def all_alerts(database: Database, since_utc: datetime) -> Iterator[AlertRecord]:
    """Yield the alerts made since then, held ones too."""
    query = select(alerts.c.payload, alerts.c.state)
    return _walk(database, query, (alerts.c.created, alerts.c.id), since_utc, records.of_rows)


def all_items(database: Database, since_utc: datetime) -> Iterator[ItemRecord]:
    """Yield the items claimed since then."""
    return _walk(database, search.item_rows(), (items.c.claimed, items.c.key), since_utc, search.of_rows)


def all_decided(database: Database, since_utc: datetime) -> Iterator[ItemRecord]:
    """Yield the items decided since then, by the time of their decision."""
    return _walk(database, search.item_rows(), (items.c.decided, items.c.key), since_utc, search.of_rows)


def all_deliveries(database: Database, since_utc: datetime) -> Iterator[Delivery]:
    """Yield the deliveries written since then."""
    query = select(outbox, alerts.c.payload).join(alerts, alerts.c.id == outbox.c.alert_id)
    return _walk(database, query, (outbox.c.created, outbox.c.id), since_utc, deliveries.of_rows)


def all_cycles(database: Database, since_utc: datetime) -> Iterator[CycleReport]:
    """Yield the reports of the cycles that began since then."""
    key = (cycles.c.started, cycles.c.id)
    return _walk(
        database, select(cycles.c.payload), key, since_utc, lambda _, rows: [r.payload for r in rows]
    )


def _walk(
    database: Database,
    query: Select[Any],
    key: Sequence[ColumnElement[Any]],
    since_utc: datetime,
    build: Callable[[Connection, Sequence[Any]], Iterable[T]],
) -> Iterator[T]:
    """Yield what ``build`` makes of the rows, in the order of ``key``, whose first column is a time."""
    ordered = query.add_columns(*(column.label(f"at_{n}") for n, column in enumerate(key))).order_by(*key)
    page = ordered.where(key[0] >= since_utc)
    while True:
        with database.read() as connection:
            rows = connection.execute(page.limit(ROWS)).all()
            found = list(build(connection, rows))
        yield from found
        if len(rows) < ROWS:
            return
        last = (literal(value, column.type) for value, column in zip(rows[-1][-len(key) :], key, strict=True))
        page = ordered.where(tuple_(*key) > tuple_(*last))
