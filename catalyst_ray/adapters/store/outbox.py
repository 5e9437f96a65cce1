"""Owns deliveries: which are due, the mark before a sink is called, and what it answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import case, func, or_, select

from catalyst_ray.adapters.store.schema import UNFINISHED, alerts, outbox
from catalyst_ray.errors import StoreError
from catalyst_ray.models import Delivery, DeliveryState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

_UNKNOWN = DeliveryState.UNKNOWN.value


def due(connection: Connection, sink: str, *, now_utc: datetime, limit: int) -> list[Delivery]:
    """Return a sink's unfinished rows whose time has come, the most urgent first, then the oldest.

    A row that a crash left ``unknown`` has no next attempt and is due at once. So is one that is being
    sent right now: the caller knows which those are.
    """
    query = (
        select(outbox, alerts.c.payload)
        .join(alerts, alerts.c.id == outbox.c.alert_id)
        .where(
            outbox.c.sink == sink,
            outbox.c.state.in_(UNFINISHED),
            or_(outbox.c.next_attempt.is_(None), outbox.c.next_attempt <= now_utc),
        )
        .order_by(alerts.c.priority, outbox.c.created, outbox.c.id)
        .limit(limit)
    )
    return [_delivery(row) for row in connection.execute(query)]


def of_alerts(connection: Connection, ids: Iterable[str]) -> dict[str, tuple[Delivery, ...]]:
    """Return every delivery of some alerts, by alert id."""
    query = (
        select(outbox, alerts.c.payload)
        .join(alerts, alerts.c.id == outbox.c.alert_id)
        .where(alerts.c.id.in_(list(ids)))
        .order_by(outbox.c.id)
    )
    found: dict[str, tuple[Delivery, ...]] = {}
    for row in connection.execute(query):
        found[row.alert_id] = (*found.get(row.alert_id, ()), _delivery(row))
    return found


def begin(connection: Connection, delivery_id: int, *, now_utc: datetime) -> bool:
    """Mark a row ``unknown`` and count the attempt; one after an unknown outcome may be a double.

    False when the row is finished or gone: calling the sink would be a sure double.
    """
    changed = connection.execute(
        outbox.update()
        .where(outbox.c.id == delivery_id, outbox.c.state.in_(UNFINISHED))
        .values(
            state=_UNKNOWN,
            attempts=outbox.c.attempts + 1,
            doubles=outbox.c.doubles + case((outbox.c.state == _UNKNOWN, 1), else_=0),
            next_attempt=None,
            changed=now_utc,
        )
    )
    return changed.rowcount > 0


def finish(
    connection: Connection,
    delivery_id: int,
    state: DeliveryState,
    *,
    now_utc: datetime,
    message_id: str | None,
    error: str | None,
    next_attempt_utc: datetime | None,
) -> None:
    """Write what the sink said; a message id, once known, is kept.

    Raises:
        StoreError: There is no such row.
    """
    change = {
        "state": state.value,
        "last_error": error,
        "next_attempt": next_attempt_utc,
        "changed": now_utc,
    }
    if message_id is not None:
        change["message_id"] = message_id
    changed = connection.execute(outbox.update().where(outbox.c.id == delivery_id).values(change))
    if changed.rowcount == 0:
        raise StoreError("there is no such delivery", key=f"delivery {delivery_id}")


def retire(
    connection: Connection, sinks: Sequence[str], *, before_utc: datetime, now_utc: datetime
) -> dict[str, int]:
    """Mark unfinished rows made before then dead, whatever their sink; return how many, by sink."""
    old = (outbox.c.state.in_(UNFINISHED), outbox.c.created < before_utc)
    query = (
        select(outbox.c.sink, func.count().label("rows"))
        .where(*old)
        .group_by(outbox.c.sink)
        .order_by(outbox.c.sink)
    )
    found = {row.sink: row.rows for row in connection.execute(query)}
    if found:
        words = case(
            (outbox.c.sink.in_(sinks), "given up: not taken in time"), else_="given up: no such sink"
        )
        change = {"state": DeliveryState.DEAD.value, "next_attempt": None, "changed": now_utc}
        connection.execute(outbox.update().where(*old).values(**change, last_error=words))
    return found


def counts(connection: Connection) -> dict[str, int]:
    """Return rows by ``sink/state``, and ``possible_doubles``: attempts after an unknown outcome."""
    query = (
        select(outbox.c.sink, outbox.c.state, func.count(), func.sum(outbox.c.doubles))
        .group_by(outbox.c.sink, outbox.c.state)
        .order_by(outbox.c.sink, outbox.c.state)
    )
    found: dict[str, int] = {}
    doubles = 0
    for sink, state, number, again in connection.execute(query):
        found[f"{sink}/{state}"] = number
        doubles += int(again)
    return {**found, "possible_doubles": doubles}


def _delivery(row: Any) -> Delivery:
    return Delivery(
        id=row.id,
        alert=row.payload,
        sink=row.sink,
        state=DeliveryState(row.state),
        attempts=row.attempts,
        message_id=row.message_id,
        next_attempt_utc=row.next_attempt,
        last_error=row.last_error,
    )
