"""Invented items and alerts for the tests of the store, and looks at its tables behind its back."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, select

from catalyst_ray.adapters.store import schema
from catalyst_ray.models import (
    Action,
    Alert,
    CycleReport,
    Decision,
    Item,
    ItemKind,
    Link,
    Party,
    Reason,
    Score,
    Symbol,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from catalyst_ray.adapters.store import SqlStore

NOW = datetime(2026, 3, 17, 13, 42, 7, 123456, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
SINKS = ("discord", "files")

FILER = Party(1234567, "Quillon Therapeutics Inc.", "Filer")
SUBJECT = Party(7654321, "Marrow & Pike Holdings", "Subject")

CYCLE = CycleReport(
    number=1, started_utc=NOW, seconds=1.5, stages={}, counts={}, feeds=(), queues={}, deliveries={}
)


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """Give a connection of a stranger, for looks and changes behind the store's back."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def run_sql(url: str, *statements: str) -> None:
    """Run statements in one transaction."""
    with connected(url) as connection, connection.begin():
        for statement in statements:
            connection.exec_driver_sql(statement)


def rows(url: str, table: str) -> list[Any]:
    """Return every row of a table as the store reads it."""
    with connected(url) as connection:
        return list(connection.execute(select(schema.metadata.tables[table])))


def news(name: str, *aliases: str, **changes: Any) -> Item:
    """Return a news item with key ``url:<name>``."""
    parts: dict[str, Any] = {
        "key": f"url:{name}",
        "aliases": aliases,
        "feed": "demo_wire",
        "title": f"Quillon Therapeutics announces {name}",
        "url": f"https://wire.example.com/{name}",
        "received_utc": NOW,
    }
    return Item(**(parts | changes))


def filing(*parties: Party, number: int = 1) -> Item:
    """Return a filing as one entry of EDGAR gives it, naming some of its parties."""
    accession = f"0001234567-26-{number:06d}"
    return Item(
        key=f"sec:{accession}",
        feed="sec_13d",
        kind=ItemKind.FILING,
        title=f"SCHEDULE 13D of Marrow & Pike Holdings, number {number}",
        url=f"https://www.sec.example/Archives/{accession.replace('-', '')}/index.htm",
        form="SCHEDULE 13D",
        accession=accession,
        parties=parties,
        received_utc=NOW,
    )


def alert_on(
    item: Item, *, ticker: str = "QLLN", priority: int = 5, created_utc: datetime = NOW, **changes: Any
) -> Alert:
    """Return an alert whose id is made of the item's key."""
    parts: dict[str, Any] = {
        "id": f"id-{item.key}",
        "item": item,
        "link": Link(symbols=(Symbol(ticker=ticker, reason=Reason("exchange_tag")),)),
        "score": Score(value=-0.7, sentiment=-0.1, confidence=0.9),
        "verdict": Verdict(None, Reason("llm_off")),
        "decision": Decision(action=Action.ALERT, reasons=(Reason("strong"),), priority=priority),
        "created_utc": created_utc,
    }
    return Alert(**(parts | changes))


def decision(action: Action = Action.SUPPRESS, code: str = "weak") -> Decision:
    """Return a decision for one reason."""
    return Decision(action=action, reasons=(Reason(code),))


def stored_decision(store: SqlStore, item: Item) -> Decision | None:
    """Return what the store says of an item."""
    (record,) = store.explain(item.key, limit=2)
    return record.decision
