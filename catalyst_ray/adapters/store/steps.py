"""Owns the steps that bring an older store up to date, one function a version. No released step changes.

A step speaks plain SQL and JSON, not ``schema`` and models: those are of today, the step is of its day.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, text

from catalyst_ray.adapters.store.statements import pieces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

_ROWS = 500
"""Rows of one insert."""


def add_item_tickers(connection: Connection) -> None:
    """Version 1 to 2: items are found by every ticker of their decision, not by their alert's alone."""
    connection.execute(
        text(
            "CREATE TABLE item_tickers ("
            "item_key TEXT NOT NULL, ticker TEXT NOT NULL, PRIMARY KEY (item_key, ticker), "
            "FOREIGN KEY (item_key) REFERENCES items (key) ON DELETE CASCADE)"
        )
    )
    connection.execute(text("CREATE INDEX ix_item_tickers_ticker ON item_tickers (ticker)"))
    rows = sorted({*_of_alerts(connection), *_of_decisions(connection)})
    insert = text("INSERT INTO item_tickers (item_key, ticker) VALUES (:item_key, :ticker)")
    for start in range(0, len(rows), _ROWS):
        some = [{"item_key": key, "ticker": ticker} for key, ticker in rows[start : start + _ROWS]]
        connection.execute(insert, some)


def add_revisions(connection: Connection) -> None:
    """Version 2 to 3: an alert may be revised, and each sink has one of its revisions; so far the first."""
    for statement in (
        "ALTER TABLE alerts ADD COLUMN revision INTEGER DEFAULT 0 NOT NULL",
        "ALTER TABLE outbox ADD COLUMN revision INTEGER DEFAULT 0 NOT NULL",
        "ALTER TABLE outbox ADD COLUMN edit_since BIGINT",
        "CREATE INDEX ix_outbox_edits ON outbox (sink, edit_since) WHERE edit_since IS NOT NULL",
    ):
        connection.execute(text(statement))


def add_stories(connection: Connection) -> None:
    """Version 3 to 4: items join the story of an alert; copies of before have been told, as far as they will be."""
    for statement in (
        (
            "CREATE TABLE stories ("
            "item_key TEXT NOT NULL, of_key TEXT NOT NULL, joined BIGINT NOT NULL, PRIMARY KEY (item_key), "
            "FOREIGN KEY (item_key) REFERENCES items (key) ON DELETE CASCADE)"
        ),
        "CREATE INDEX ix_stories_of_key ON stories (of_key)",
        "CREATE INDEX ix_items_duplicate_of ON items (duplicate_of) WHERE duplicate_of IS NOT NULL",
        (
            "INSERT INTO stories (item_key, of_key, joined) "
            "SELECT key, duplicate_of, claimed FROM items WHERE duplicate_of IS NOT NULL"
        ),
    ):
        connection.execute(text(statement))


def add_cycles(connection: Connection) -> None:
    """Version 4 to 5: cycles are kept, alerts found by direction and event, deliveries say when.

    When a row was sent is known where nothing happened to it afterwards.
    """
    own_number = "INTEGER" if connection.dialect.name == "sqlite" else "BIGSERIAL"
    for statement in (
        (
            f"CREATE TABLE cycles (id {own_number} NOT NULL, number INTEGER NOT NULL, started BIGINT NOT NULL, "
            "payload TEXT NOT NULL, PRIMARY KEY (id))"
        ),
        "CREATE INDEX ix_cycles_started ON cycles (started)",
        "ALTER TABLE alerts ADD COLUMN direction TEXT DEFAULT 'neutral' NOT NULL",
        "ALTER TABLE alerts ADD COLUMN events TEXT DEFAULT '' NOT NULL",
        "CREATE INDEX ix_alerts_direction ON alerts (direction, created)",
        "ALTER TABLE outbox ADD COLUMN sent BIGINT",
        "ALTER TABLE outbox ADD COLUMN edited BIGINT",
        "ALTER TABLE outbox ADD COLUMN in_digest INTEGER DEFAULT 0 NOT NULL",
        "UPDATE outbox SET sent = changed WHERE state = 'sent' AND attempts = 1 AND last_error IS NULL",
    ):
        connection.execute(text(statement))
    update = text("UPDATE alerts SET direction = :direction, events = :events WHERE id = :id")
    for ids in pieces(connection.scalars(text("SELECT id FROM alerts"))):
        query = text("SELECT id, payload FROM alerts WHERE id IN :ids").bindparams(
            bindparam("ids", expanding=True)
        )
        found = connection.execute(query, {"ids": ids}).all()
        connection.execute(update, [{"id": row.id, **_bearing(json.loads(row.payload))} for row in found])


def _bearing(alert: dict[str, Any]) -> dict[str, str]:
    value = alert["decision"].get("value")
    value = alert["score"]["value"] if value is None else value
    judgement = alert["verdict"]["judgement"] or {}
    codes = [hit["code"] for hit in alert["score"].get("events", ()) if not hit.get("noise")]
    if judgement.get("has_weight", True):
        codes += judgement.get("events", ())
    direction = "neutral" if abs(float(value)) < 0.05 else "bullish" if float(value) > 0 else "bearish"
    return {"direction": direction, "events": "".join(f" {code} " for code in dict.fromkeys(codes))}


def _of_alerts(connection: Connection) -> Iterator[tuple[str, str]]:
    for row in connection.execute(text("SELECT item_key, ticker FROM alerts")):
        yield row.item_key, row.ticker


def _of_decisions(connection: Connection) -> Iterator[tuple[str, str]]:
    for row in connection.execute(text("SELECT key, decision FROM items WHERE decision IS NOT NULL")):
        for reason in json.loads(row.decision)["reasons"]:
            words = reason.get("detail", "").split(maxsplit=1)
            if reason["code"] == "ticker" and words:
                yield row.key, words[0]
