"""Owns the tables and their indexes as they are now; ``migrations`` brings older stores here.

Models are kept whole as JSON payloads; columns of their own have what is filtered, sorted or read by eye.
Whoever changes a table adds a step to ``migrations.STEPS``.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    UniqueConstraint,
    text,
)

from catalyst_ray.adapters.store.columns import Payload, PlainText, UtcTime
from catalyst_ray.models import Alert, CycleReport, Decision, DeliveryState, FeedState, Item

UNFINISHED = (DeliveryState.PENDING.value, DeliveryState.UNKNOWN.value)
"""Outbox states that still need the sink to be called."""

HELD, RELEASED = "held", "released"
"""States of an alert: waiting for a later cycle, or handed to the outbox."""

metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("name", PlainText, primary_key=True),
    Column("value", PlainText, nullable=False),
)

items = Table(
    "items",
    metadata,
    Column("key", PlainText, primary_key=True),
    Column("payload", Payload(Item), nullable=False),
    Column("kind", PlainText, nullable=False),
    Column("feed", PlainText, nullable=False),
    Column("title", PlainText, nullable=False),
    Column("url", PlainText, nullable=False, index=True),
    Column("published", UtcTime),
    Column("claimed", UtcTime, nullable=False, index=True),
    # When a feed last listed it, to the day: an item still listed is not purged, or it would be new again.
    Column("seen", UtcTime, nullable=False),
    Column("decided", UtcTime, index=True),
    Column("action", PlainText),
    Column("decision", Payload(Decision)),
    Column("duplicate_of", PlainText),
)
Index(
    "ix_items_undecided",
    items.c.claimed,
    sqlite_where=items.c.decided.is_(None),
    postgresql_where=items.c.decided.is_(None),
)

Index(
    "ix_items_duplicate_of",
    items.c.duplicate_of,
    sqlite_where=items.c.duplicate_of.is_not(None),
    postgresql_where=items.c.duplicate_of.is_not(None),
)

# Items that tell the story of another item's alert: copies, corrections, retractions.
stories = Table(
    "stories",
    metadata,
    Column("item_key", PlainText, ForeignKey("items.key", ondelete="CASCADE"), primary_key=True),
    Column("of_key", PlainText, nullable=False, index=True),
    Column("joined", UtcTime, nullable=False),
)

# Tickers that an item's decision or alert names: what ``explain TICKER`` looks in.
item_tickers = Table(
    "item_tickers",
    metadata,
    Column("item_key", PlainText, ForeignKey("items.key", ondelete="CASCADE"), primary_key=True),
    Column("ticker", PlainText, primary_key=True, index=True),
)

aliases = Table(
    "aliases",
    metadata,
    Column("alias", PlainText, primary_key=True),
    Column("item_key", PlainText, nullable=False),
    Column("seen", UtcTime, nullable=False, index=True),
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", PlainText, primary_key=True),
    Column("item_key", PlainText, ForeignKey("items.key"), nullable=False, unique=True),
    Column("ticker", PlainText, nullable=False),
    Column("value", Float),
    Column("priority", Integer, nullable=False),
    Column("payload", Payload(Alert), nullable=False),
    Column("state", PlainText, nullable=False),
    Column("chart_path", PlainText),
    Column("created", UtcTime, nullable=False, index=True),
    Column("revision", Integer, nullable=False, server_default=text("0")),
    # As on the card; and the codes of its catalysts, each between blanks.
    Column("direction", PlainText, nullable=False, server_default=text("'neutral'")),
    Column("events", PlainText, nullable=False, server_default=text("''")),
)
Index("ix_alerts_ticker", alerts.c.ticker, alerts.c.created)
Index("ix_alerts_direction", alerts.c.direction, alerts.c.created)
Index(
    "ix_alerts_held",
    alerts.c.priority,
    alerts.c.created,
    sqlite_where=alerts.c.state == HELD,
    postgresql_where=alerts.c.state == HELD,
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("alert_id", PlainText, ForeignKey("alerts.id"), nullable=False),
    Column("sink", PlainText, nullable=False),
    Column("state", PlainText, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("doubles", Integer, nullable=False, default=0),
    Column("message_id", PlainText),
    Column("next_attempt", UtcTime),
    Column("last_error", PlainText),
    Column("created", UtcTime, nullable=False),
    Column("changed", UtcTime, nullable=False),
    # The alert's revision that the sink has, and since when it has been waiting for a newer one.
    Column("revision", Integer, nullable=False, server_default=text("0")),
    Column("edit_since", UtcTime),
    Column("sent", UtcTime),
    Column("edited", UtcTime),
    # 1 where the message tells of other alerts too.
    Column("in_digest", Integer, nullable=False, server_default=text("0")),
    UniqueConstraint("alert_id", "sink"),
)
Index(
    "ix_outbox_unfinished",
    outbox.c.sink,
    outbox.c.next_attempt,
    sqlite_where=outbox.c.state.in_(UNFINISHED),
    postgresql_where=outbox.c.state.in_(UNFINISHED),
)
Index(
    "ix_outbox_edits",
    outbox.c.sink,
    outbox.c.edit_since,
    sqlite_where=outbox.c.edit_since.is_not(None),
    postgresql_where=outbox.c.edit_since.is_not(None),
)


def is_open() -> ColumnElement[bool]:
    """Return the condition for outbox rows whose sink has yet to be called, for the alert or an edit."""
    return outbox.c.state.in_(UNFINISHED) | outbox.c.edit_since.is_not(None)


feed_state = Table(
    "feed_state",
    metadata,
    Column("feed", PlainText, primary_key=True),
    Column("payload", Payload(FeedState), nullable=False),
)

llm_cache = Table(
    "llm_cache",
    metadata,
    Column("key", PlainText, primary_key=True),
    Column("text", PlainText, nullable=False),
    Column("expires", UtcTime, nullable=False, index=True),
)

cycles = Table(
    "cycles",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("number", Integer, nullable=False),  # of the driver's run: it begins anew at 1
    Column("started", UtcTime, nullable=False, index=True),
    Column("payload", Payload(CycleReport), nullable=False),
)

lease = Table(
    "lease",
    metadata,
    Column("name", PlainText, primary_key=True),
    Column("owner", PlainText, nullable=False),
    Column("expires", UtcTime, nullable=False),
)
