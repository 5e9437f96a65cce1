"""Owns finding items for ``explain``: by what the query looks like, the exact before the vague."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Text, or_, select, type_coerce

from catalyst_ray.adapters.store import outbox
from catalyst_ray.adapters.store.columns import url_key
from catalyst_ray.adapters.store.schema import alerts, aliases, item_tickers, items
from catalyst_ray.core.directory import normal_ticker
from catalyst_ray.models import ItemRecord

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Select

_ACCESSION = re.compile(r"(?<!\d)(\d{10})-?(\d{2})-?(\d{6})(?!\d)")
"""SEC accession number, with dashes as in headers or without as in archive URLs."""

_WORDS = 12
"""Words of a title that are looked for; more narrow nothing down and cost a scan each."""


def explain(connection: Connection, query: str, *, limit: int) -> list[ItemRecord]:
    """Find items by identity; where there is none, by ticker of their decision and by words of the title.

    An identity is a key, an alias, an accession number anywhere in the query, a URL or an alert id.
    Words must all occur, in any order and case. Newest first.
    """
    text = query.strip()
    if not text:
        return []
    exact = _select(connection, _identity(text), limit=limit)
    if exact:
        return of_rows(connection, exact)
    of_ticker = select(item_tickers.c.item_key).where(item_tickers.c.ticker.in_(spellings(text)))
    rows = _select(connection, items.c.key.in_(of_ticker), limit=limit)
    if len(rows) < limit:
        found = {row.key for row in rows}
        more = _select(connection, *titled(text), limit=limit)
        rows = [*rows, *(row for row in more if row.key not in found)][:limit]
    return of_rows(connection, rows)


def spellings(ticker: str) -> set[str]:
    """Return how a ticker that a person typed may be stored."""
    bare = ticker.strip().lstrip("$").upper()
    return {bare, normal_ticker(bare)}


def titled(words: str) -> list[ColumnElement[bool]]:
    """Return the conditions under which a title has all the words, in any order and case."""
    return [items.c.title.icontains(word, autoescape=True) for word in words.split()[:_WORDS]]


def decision_counts(connection: Connection, *, since_utc: datetime) -> Counter[tuple[str, str]]:
    """Count the items decided since then by action and code of their first reason, which decided.

    The decisions are read as the JSON that they are: to check each against its model would take ten times as long.
    """
    query = select(items.c.action, type_coerce(items.c.decision, Text)).where(items.c.decided >= since_utc)
    counts: Counter[tuple[str, str]] = Counter()
    for action, decision in connection.execute(query.execution_options(yield_per=1_000)):
        reasons = json.loads(decision)["reasons"]
        counts[action, reasons[0]["code"] if reasons else ""] += 1
    return counts


def _identity(text: str) -> ColumnElement[bool]:
    keys = {text}
    accession = _ACCESSION.search(text)
    if accession:
        keys.add("sec:" + "-".join(accession.groups()))
    return or_(
        items.c.key.in_(keys),
        items.c.url == url_key(text),
        items.c.key.in_(select(aliases.c.item_key).where(aliases.c.alias == text)),
        items.c.key.in_(select(alerts.c.item_key).where(alerts.c.id == text)),
    )


def item_rows() -> Select[Any]:
    """Return the query for items, each with its alert if it has one, as ``of_rows`` needs them."""
    return select(
        items.c.key,
        items.c.payload,
        items.c.decision,
        items.c.claimed,
        items.c.decided,
        items.c.duplicate_of,
        alerts.c.id.label("alert_id"),
        alerts.c.payload.label("alert"),
    ).outerjoin_from(items, alerts, alerts.c.item_key == items.c.key)


def of_rows(connection: Connection, rows: Sequence[Any]) -> list[ItemRecord]:
    """Return the records of such rows, each with its deliveries."""
    deliveries = outbox.of_alerts(connection, {row.alert_id: row.alert for row in rows if row.alert_id})
    return [
        ItemRecord(
            item=row.payload,
            decision=row.decision,
            claimed_utc=row.claimed,
            decided_utc=row.decided,
            duplicate_of=row.duplicate_of,
            deliveries=deliveries.get(row.alert_id, ()),
        )
        for row in rows
    ]


def _select(connection: Connection, *conditions: ColumnElement[bool], limit: int) -> list[Any]:
    query = item_rows().where(*conditions).order_by(items.c.claimed.desc(), items.c.key).limit(limit)
    return list(connection.execute(query))
