"""Owns finding alerts for readers: by what a person filters a list by, each with its deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from catalyst_ray.adapters.store import outbox
from catalyst_ray.adapters.store.schema import HELD, alerts, item_tickers, items
from catalyst_ray.adapters.store.search import spellings, titled
from catalyst_ray.models import AlertRecord

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection


def find(
    connection: Connection,
    *,
    ticker: str | None,
    event: str | None,
    direction: str | None,
    words: str | None,
    since_utc: datetime | None,
    before_utc: datetime | None,
    limit: int,
) -> list[AlertRecord]:
    """Return the alerts that all the conditions hold for, newest first; see ``Archive.find_alerts``."""
    conditions = [*_made(since_utc, before_utc), *_said(event, direction)]
    if ticker and ticker.strip():
        of_ticker = select(item_tickers.c.item_key).where(item_tickers.c.ticker.in_(spellings(ticker)))
        conditions.append(alerts.c.item_key.in_(of_ticker))
    query = select(alerts.c.payload, alerts.c.state)
    if words and words.strip():
        query = query.join(items, items.c.key == alerts.c.item_key).where(*titled(words))
    query = query.where(*conditions).order_by(alerts.c.created.desc(), alerts.c.id).limit(limit)
    return of_rows(connection, connection.execute(query).all())


def one(connection: Connection, alert_id: str) -> AlertRecord | None:
    """Return an alert by its id."""
    query = select(alerts.c.payload, alerts.c.state).where(alerts.c.id == alert_id)
    return next(iter(of_rows(connection, connection.execute(query).all())), None)


def _made(since_utc: datetime | None, before_utc: datetime | None) -> Iterator[ColumnElement[bool]]:
    if since_utc is not None:
        yield alerts.c.created >= since_utc
    if before_utc is not None:
        yield alerts.c.created < before_utc


def _said(event: str | None, direction: str | None) -> Iterator[ColumnElement[bool]]:
    if event:
        yield alerts.c.events.contains(f" {event} ", autoescape=True)
    if direction:
        yield alerts.c.direction == direction


def of_rows(connection: Connection, rows: Sequence[Any]) -> list[AlertRecord]:
    """Return the records of rows with an alert's payload and state."""
    known = {row.payload.id: row.payload for row in rows}
    deliveries = outbox.of_alerts(connection, known)
    return [
        AlertRecord(
            alert=row.payload, is_held=row.state == HELD, deliveries=deliveries.get(row.payload.id, ())
        )
        for row in rows
    ]
