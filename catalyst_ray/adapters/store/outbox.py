"""Owns deliveries: which are due, the mark before a sink is called, and what it answered; and edits.

An edit is due while ``edit_since`` is set. Writers take turns, so a revision that is written while a sink is
being called is either seen by the call's end, which makes the row due, or comes after it and does so itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import case, func, literal, or_, select

from catalyst_ray.adapters.store.columns import UtcTime
from catalyst_ray.adapters.store.schema import UNFINISHED, alerts, outbox
from catalyst_ray.adapters.store.statements import pieces
from catalyst_ray.errors import StoreError
from catalyst_ray.models import Delivery, DeliveryState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

    from catalyst_ray.models import Alert

_UNKNOWN = DeliveryState.UNKNOWN.value


def due(
    connection: Connection,
    sink: str,
    *,
    now_utc: datetime,
    limit: int,
    since_utc: datetime | None = None,
    before_utc: datetime | None = None,
) -> list[Delivery]:
    """Return a sink's unfinished rows whose time has come, the most urgent first, then the oldest.

    A row that a crash left ``unknown`` has no next attempt and is due at once. So is one that is being
    sent right now: the caller knows which those are. Rows made from ``since_utc`` on and before ``before_utc``.
    """
    query = (
        select(outbox, alerts.c.payload)
        .join(alerts, alerts.c.id == outbox.c.alert_id)
        .where(
            outbox.c.sink == sink,
            outbox.c.state.in_(UNFINISHED),
            or_(outbox.c.next_attempt.is_(None), outbox.c.next_attempt <= now_utc),
            *([] if since_utc is None else [outbox.c.created >= since_utc]),
            *([] if before_utc is None else [outbox.c.created < before_utc]),
        )
        .order_by(alerts.c.priority, outbox.c.created, outbox.c.id)
        .limit(limit)
    )
    return of_rows(connection, connection.execute(query))


def due_edits(connection: Connection, sink: str, *, now_utc: datetime, limit: int) -> list[Delivery]:
    """Return a sink's sent rows whose alert was revised since and whose time has come, oldest first."""
    query = (
        select(outbox, alerts.c.payload)
        .join(alerts, alerts.c.id == outbox.c.alert_id)
        .where(
            outbox.c.sink == sink,
            outbox.c.edit_since.is_not(None),
            or_(outbox.c.next_attempt.is_(None), outbox.c.next_attempt <= now_utc),
        )
        .order_by(outbox.c.edit_since, outbox.c.id)
        .limit(limit)
    )
    return of_rows(connection, connection.execute(query))


def of_alerts(connection: Connection, known: Mapping[str, Alert]) -> dict[str, tuple[Delivery, ...]]:
    """Return every delivery of some alerts, given and returned by alert id."""
    found: dict[str, tuple[Delivery, ...]] = {}
    for some in pieces(known):
        query = select(outbox).where(outbox.c.alert_id.in_(some)).order_by(outbox.c.id)
        for row in connection.execute(query):
            found[row.alert_id] = (*found.get(row.alert_id, ()), _delivery(row, known[row.alert_id]))
    return found


def dead(connection: Connection, *, since_utc: datetime, limit: int) -> list[Delivery]:
    """Return the rows that were given up since then, newest first."""
    query = (
        select(outbox, alerts.c.payload)
        .join(alerts, alerts.c.id == outbox.c.alert_id)
        .where(outbox.c.state == DeliveryState.DEAD.value, outbox.c.changed >= since_utc)
        .order_by(outbox.c.changed.desc(), outbox.c.id)
        .limit(limit)
    )
    return of_rows(connection, connection.execute(query))


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
    revision: int,
    in_digest: bool = False,
) -> None:
    """Write what the sink said; a message id, once known, is kept. A newer revision than it took is due.

    Raises:
        StoreError: There is no such row.
    """
    change: dict[str, Any] = {
        "state": state.value,
        "last_error": error,
        "next_attempt": next_attempt_utc,
        "changed": now_utc,
    }
    if state is DeliveryState.SENT:
        change |= {
            "revision": revision,
            "edit_since": _due_if_newer(revision, now_utc=now_utc),
            "sent": now_utc,
            "in_digest": int(in_digest),
        }
    else:
        change["edit_since"] = None  # what was not taken is sent whole
    if message_id is not None:
        change["message_id"] = message_id
    _change(connection, delivery_id, change)


def attempts_since(
    connection: Connection, sink: str, since_utc: datetime, *, now_utc: datetime
) -> list[datetime]:
    """Return when calls of a sink since then ended, as far as it is known; rather one too many, or too late, than not.

    What became of an unknown one is not known, nor when: it counts as ended now. Rows of one digest changed at the
    same moment: they were one call.
    """
    when = func.coalesce(outbox.c.sent, outbox.c.changed)
    query = (
        select(when.label("at"), outbox.c.state, func.max(outbox.c.attempts).label("times"))
        .where(outbox.c.sink == sink, outbox.c.attempts > 0, when >= literal(since_utc, UtcTime))
        .group_by(when, outbox.c.state)
    )
    ended = [
        now_utc if row.state == _UNKNOWN else row.at
        for row in connection.execute(query)
        for _ in range(row.times)
    ]
    return sorted(ended)


def finish_edit(
    connection: Connection,
    delivery_id: int,
    revision: int,
    *,
    now_utc: datetime,
    error: str | None,
    next_attempt_utc: datetime | None,
) -> None:
    """Write that the sink has a revision, or when to try again. A newer one is due at once.

    Raises:
        StoreError: There is no such row.
    """
    change: dict[str, Any] = {
        "attempts": outbox.c.attempts + 1,
        "last_error": error,
        "next_attempt": next_attempt_utc,
        "changed": now_utc,
    }
    if next_attempt_utc is None:
        change |= {
            "revision": revision,
            "edit_since": _due_if_newer(revision, now_utc=now_utc),
        }
        if error is None:
            change["edited"] = now_utc
    _change(connection, delivery_id, change)


def _due_if_newer(revision: int, *, now_utc: datetime) -> ColumnElement[Any]:
    newest = select(alerts.c.revision).where(alerts.c.id == outbox.c.alert_id).scalar_subquery()
    return case((newest > revision, literal(now_utc, UtcTime)), else_=None)


def _change(connection: Connection, delivery_id: int, change: Mapping[str, Any]) -> None:
    changed = connection.execute(outbox.update().where(outbox.c.id == delivery_id).values(change))
    if changed.rowcount == 0:
        raise StoreError("there is no such delivery", key=f"delivery {delivery_id}")


def retire(
    connection: Connection, sinks: Sequence[str], *, before_utc: datetime, now_utc: datetime
) -> dict[str, int]:
    """Mark unfinished rows made before then dead, whatever their sink; return how many, by sink.

    Edits that have been due since before then are given up and counted too; their rows stay ``sent``.
    """
    late = outbox.c.state.in_(UNFINISHED) & (outbox.c.created < before_utc)
    old = late | (outbox.c.edit_since < before_utc)
    query = (
        select(outbox.c.sink, func.count().label("rows"))
        .where(old)
        .group_by(outbox.c.sink)
        .order_by(outbox.c.sink)
    )
    found = {row.sink: row.rows for row in connection.execute(query)}
    if found:
        words = case(
            (outbox.c.sink.in_(sinks), "given up: not taken in time"), else_="given up: no such sink"
        )
        state = case((late, DeliveryState.DEAD.value), else_=outbox.c.state)
        change = {"next_attempt": None, "edit_since": None, "changed": now_utc}
        connection.execute(outbox.update().where(old).values(**change, state=state, last_error=words))
    return found


def counts(connection: Connection) -> dict[str, int]:
    """Return rows by ``sink/state``, and ``possible_doubles``: attempts after an unknown outcome.

    Where edits are due there is ``sink/editing`` too: so many of the sink's rows wait for theirs.
    """
    columns = (func.count(), func.count(outbox.c.edit_since), func.sum(outbox.c.doubles))
    query = (
        select(outbox.c.sink, outbox.c.state, *columns)
        .group_by(outbox.c.sink, outbox.c.state)
        .order_by(outbox.c.sink, outbox.c.state)
    )
    found: dict[str, int] = {}
    doubles = 0
    for sink, state, number, editing, again in connection.execute(query):
        found[f"{sink}/{state}"] = number
        if editing:
            found[f"{sink}/editing"] = editing
        doubles += int(again)
    return {**found, "possible_doubles": doubles}


def of_rows(_connection: Connection, rows: Iterable[Any]) -> list[Delivery]:
    """Return the deliveries of rows that have their alert's payload."""
    return [_delivery(row, row.payload) for row in rows]


def _delivery(row: Any, alert: Alert) -> Delivery:
    return Delivery(
        id=row.id,
        alert=alert,
        sink=row.sink,
        state=DeliveryState(row.state),
        attempts=row.attempts,
        message_id=row.message_id,
        next_attempt_utc=row.next_attempt,
        last_error=row.last_error,
        revision=row.revision,
        sent_utc=row.sent,
        edited_utc=row.edited,
        created_utc=row.created,
        doubles=row.doubles,
        in_digest=bool(row.in_digest),
    )
