"""Owns alerts: held for a later cycle, released into the outbox, revised, and what the page asks of them.

An item has at most one alert. Whatever happens, an alert's row, its item's decision and its outbox rows
are written together.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import exists, select

from catalyst_ray.adapters.store import tickers
from catalyst_ray.adapters.store.claims import lacks_parties
from catalyst_ray.adapters.store.intake import decided, new_row
from catalyst_ray.adapters.store.schema import HELD, RELEASED, alerts, is_open, items, outbox
from catalyst_ray.core.message import tone_of
from catalyst_ray.models import Action, Alert, DeliveryState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from catalyst_ray.models import Decision


def hold(connection: Connection, alert: Alert, *, now_utc: datetime) -> bool:
    """Keep an alert for later; False where one was released or a newer version of the item is decided."""
    if _state(connection, alert) == RELEASED or _is_stale(connection, alert):
        return False
    _write(connection, alert, HELD, now_utc=now_utc)
    return True


def of_item(connection: Connection, item_key: str) -> Alert | None:
    """Return an item's alert as it is stored, held or released."""
    found: Alert | None = connection.scalar(select(alerts.c.payload).where(alerts.c.item_key == item_key))
    return found


def held(connection: Connection, *, limit: int) -> list[Alert]:
    """Return held alerts, the most urgent first, then the oldest."""
    query = (
        select(alerts.c.payload)
        .where(alerts.c.state == HELD)
        .order_by(alerts.c.priority, alerts.c.created, alerts.c.id)
        .limit(limit)
    )
    return list(connection.scalars(query))


def commit(connection: Connection, alert: Alert, sinks: Sequence[str], *, now_utc: datetime) -> bool:
    """Release an alert, whatever was decided before of its item; False when one was released already."""
    if _state(connection, alert) == RELEASED:
        return False
    _write(connection, alert, RELEASED, now_utc=now_utc)
    rows = [
        {
            "alert_id": alert.id,
            "sink": sink,
            "state": DeliveryState.PENDING.value,
            "created": now_utc,
            "changed": now_utc,
        }
        for sink in dict.fromkeys(sinks)
    ]
    if rows:
        connection.execute(outbox.insert(), rows)
    return True


def revise(
    connection: Connection, alert: Alert, *, now_utc: datetime, edit_utc: datetime | None = None
) -> bool:
    """Replace a released alert by a newer revision; False when there is none that is older.

    Sinks that took an older one are due for an edit; one that has yet to take the alert gets the newest then. With
    ``edit_utc`` they are due then, and where an edit is due already, that one brings the newest.
    """
    stored = connection.scalar(
        select(alerts.c.revision).where(
            alerts.c.id == alert.id, alerts.c.item_key == alert.item.key, alerts.c.state == RELEASED
        )
    )
    if stored is None or stored >= alert.revision:
        return False
    _write(connection, alert, RELEASED, now_utc=now_utc)
    took = outbox.update().where(outbox.c.alert_id == alert.id, outbox.c.state == DeliveryState.SENT.value)
    if edit_utc is None:
        connection.execute(took.values(edit_since=now_utc))
    else:
        idle = took.where(outbox.c.edit_since.is_(None))
        connection.execute(idle.values(edit_since=now_utc, next_attempt=edit_utc))
    return True


def amend(connection: Connection, alert: Alert, *, edit_utc: datetime, now_utc: datetime) -> None:
    """Replace an alert by what a later item on its story made of it: one that is held, or an older one that is out."""
    if _state(connection, alert) == HELD:
        _write(connection, alert, HELD, now_utc=now_utc)
    else:
        revise(connection, alert, now_utc=now_utc, edit_utc=edit_utc)


def withdraw_hold(connection: Connection, alert: Alert, decision: Decision, *, now_utc: datetime) -> bool:
    """Forget a held alert and write its item's decision; False when it, in this version, is not held any more."""
    if _state(connection, alert) != HELD or _is_stale(connection, alert):
        return False
    key = alert.item.key
    connection.execute(alerts.delete().where(alerts.c.item_key == key))
    connection.execute(items.update().where(items.c.key == key).values(decided(decision, now_utc=now_utc)))
    return True


def recent(connection: Connection, *, limit: int) -> list[Alert]:
    """Return released alerts, newest first."""
    query = (
        select(alerts.c.payload)
        .where(alerts.c.state == RELEASED)
        .order_by(alerts.c.created.desc(), alerts.c.id)
        .limit(limit)
    )
    return list(connection.scalars(query))


def since(
    connection: Connection, since_utc: datetime, *, limit: int, ticker: str | None = None
) -> list[Alert]:
    """Return alerts made since then, held ones too, of one ticker or of all; newest first."""
    query = (
        select(alerts.c.payload)
        .where(alerts.c.created >= since_utc)
        .order_by(alerts.c.created.desc(), alerts.c.id)
        .limit(limit)
    )
    return list(connection.scalars(query if ticker is None else query.where(alerts.c.ticker == ticker)))


def needed_files(connection: Connection) -> set[str]:
    """Return chart paths of alerts that are held, or that a sink has yet to take in their newest form."""
    open_row = exists().where(outbox.c.alert_id == alerts.c.id, is_open())
    query = (
        select(alerts.c.chart_path)
        .where(alerts.c.chart_path.is_not(None), (alerts.c.state == HELD) | open_row)
        .distinct()
    )
    return {path for path in connection.scalars(query) if path}


def _state(connection: Connection, alert: Alert) -> str | None:
    return connection.scalar(select(alerts.c.state).where(alerts.c.item_key == alert.item.key))


def _is_stale(connection: Connection, alert: Alert) -> bool:
    query = select(items.c.payload).where(items.c.key == alert.item.key, items.c.decided.is_not(None))
    stored = connection.scalar(query)
    return stored is not None and lacks_parties(alert.item, stored)


def _write(connection: Connection, alert: Alert, state: str, *, now_utc: datetime) -> None:
    action = Action.HOLD if state == HELD else Action.ALERT
    _decide(connection, alert, action, now_utc=now_utc)
    row: dict[str, Any] = {
        "id": alert.id,
        "item_key": alert.item.key,
        "ticker": alert.ticker,
        "value": alert.decision.value,
        "priority": alert.decision.priority,
        "payload": alert,
        "state": state,
        "chart_path": alert.chart_path,
        "created": alert.created_utc,
        "revision": alert.revision,
        "direction": tone_of(alert.value).value,
        "events": "".join(f" {code} " for code in _codes(alert)),
    }
    # By item, not by id: a held alert that is made anew keeps one row, under its newest id.
    there = connection.execute(alerts.update().where(alerts.c.item_key == alert.item.key).values(row))
    if there.rowcount == 0:
        connection.execute(alerts.insert(), row)


def _codes(alert: Alert) -> Iterable[str]:
    """Return the codes of its catalysts, each once: the fast tier's, and the model's where its say counts."""
    found = [hit.code for hit in alert.score.events if not hit.noise]
    judgement = alert.verdict.judgement
    return dict.fromkeys([*found, *(judgement.events if judgement and judgement.has_weight else ())])


def _decide(connection: Connection, alert: Alert, action: Action, *, now_utc: datetime) -> None:
    # The row says what became of the item, whatever the caller left in the alert.
    decision = replace(alert.decision, action=action)
    columns = decided(decision, now_utc=now_utc)
    there = connection.execute(items.update().where(items.c.key == alert.item.key).values(columns))
    if there.rowcount == 0:
        connection.execute(items.insert(), new_row(alert.item, now_utc=now_utc) | columns)
    tickers.write(connection, {alert.item.key: {alert.ticker, *tickers.named(decision)}})
