"""What the store holds as flat rows for other programs: one dict a row, the same columns in the same order always.

Owns the columns: some may be added at the end, never renamed, moved or removed. Values are JSON's; in CSV an empty
cell is null, and lists and objects are JSON texts. Times are ISO-8601, UTC. Does not read or write anything.

==============  ==============================================================================================
``alerts``      as in ``message_record``, then ``held`` (it waits for a later cycle) and ``deliveries``, each as
                in ``deliveries`` here
``items``       ``key``, ``kind`` (``news``, ``filing``), ``feed``, ``source``, ``title``, ``url``, ``form``,
                ``accession``, ``filing_items``, ``published_utc``, ``received_utc``, ``claimed_utc`` (first seen
                in a feed), ``decided_utc``, ``action``, ``reason`` (code of the rule that decided),
                ``duplicate_of`` (key)
``decisions``   ``key``, ``decided_utc``, ``action``, ``value``, ``priority``, ``reason``, ``detail``,
                ``reasons`` (all: ``{code, detail, value}``), ``tickers``, ``feed``, ``title``
``deliveries``  ``id``, ``alert_id``, ``ticker``, ``sink``, ``state``, ``attempts``, ``doubles`` (so often the
                sink may have it twice), ``message_id``, ``revision`` (that the sink has), ``created_utc``,
                ``sent_utc``, ``edited_utc``, ``next_attempt_utc``, ``last_error``
``cycles``      the report: ``number``, ``started_utc``, ``seconds``, ``counts``, ``stages``, ``feeds``,
                ``queues``, ``deliveries``, ``posted_s``, ``problems``, ``gpus``
==============  ==============================================================================================
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

from catalyst_ray.core.codec import encode
from catalyst_ray.core.message_record import alert_record
from catalyst_ray.core.message_text import plain

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from catalyst_ray.models import AlertRecord, CycleReport, Delivery, ItemRecord, Reason

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "alerts": (
        *("type", "schema", "id", "created_utc", "revision", "revised_utc", "withdrawn", "also", "notices"),
        *("ticker", "tickers", "company", "venue", "direction", "value", "confidence", "event", "events"),
        *("headline", "source", "feed", "kind", "form", "filing_items", "accession", "published_utc"),
        *("received_utc", "summary", "url", "price_usd", "change_pct", "tier", "llm", "llm_reason", "score"),
        *("offering", "reasons", "page", "chart", "trace", "held", "deliveries"),
    ),
    "items": (
        *("key", "kind", "feed", "source", "title", "url", "form", "accession", "filing_items"),
        *("published_utc", "received_utc", "claimed_utc", "decided_utc", "action", "reason", "duplicate_of"),
    ),
    "decisions": (
        *("key", "decided_utc", "action", "value", "priority", "reason", "detail", "reasons", "tickers"),
        *("feed", "title"),
    ),
    "deliveries": (
        *("id", "alert_id", "ticker", "sink", "state", "attempts", "doubles", "message_id", "revision"),
        *("created_utc", "sent_utc", "edited_utc", "next_attempt_utc", "last_error"),
    ),
    "cycles": (
        *("number", "started_utc", "seconds", "counts", "stages", "feeds", "queues", "deliveries"),
        *("posted_s", "problems", "gpus"),
    ),
}
_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠|%]")
"""How a cell begins that a spreadsheet may take for a formula or a call of another program (OWASP, CSV injection)."""


def alert_row(record: AlertRecord, *, page_url: str | None = None) -> dict[str, Any]:
    """Return an alert with where it stands with each sink; ``page_url`` is our page's address."""
    deliveries = [delivery_row(delivery) for delivery in record.deliveries]
    return {**alert_record(record.alert, page_url=page_url), "held": record.is_held, "deliveries": deliveries}


def item_row(record: ItemRecord) -> dict[str, Any]:
    """Return an item and what became of it."""
    item, decision = record.item, record.decision
    return {
        "key": plain(item.key),
        "kind": item.kind.value,
        "feed": item.feed,
        "source": plain(item.source),
        "title": plain(item.title),
        "url": plain(item.url),
        "form": item.form,
        "accession": item.accession,
        "filing_items": list(item.filing_items),
        "published_utc": _iso(item.published_utc),
        "received_utc": _iso(item.received_utc),
        "claimed_utc": _iso(record.claimed_utc),
        "decided_utc": _iso(record.decided_utc),
        "action": decision.action.value if decision else None,
        "reason": decision.reasons[0].code if decision and decision.reasons else None,
        "duplicate_of": record.duplicate_of and plain(record.duplicate_of),
    }


def decision_row(record: ItemRecord) -> dict[str, Any]:
    """Return the decision on an item that has one."""
    item, decision = record.item, record.decision
    if decision is None:
        raise ValueError(f"{item.key} is not decided")
    first = decision.reasons[0] if decision.reasons else None
    named = (reason.detail.split(maxsplit=1) for reason in decision.reasons if reason.code == "ticker")
    return {
        "key": plain(item.key),
        "decided_utc": _iso(record.decided_utc),
        "action": decision.action.value,
        "value": _finite(decision.value),
        "priority": decision.priority,
        "reason": first.code if first else None,
        "detail": plain(first.detail) if first else None,
        "reasons": [_of_reason(reason) for reason in decision.reasons],
        "tickers": list(dict.fromkeys(plain(words[0]) for words in named if words)),
        "feed": item.feed,
        "title": plain(item.title),
    }


def delivery_row(delivery: Delivery) -> dict[str, Any]:
    """Return where an alert stands with a sink."""
    return {
        "id": delivery.id,
        "alert_id": delivery.alert.id,
        "ticker": plain(delivery.alert.ticker),
        "sink": delivery.sink,
        "state": delivery.state.value,
        "attempts": delivery.attempts,
        "doubles": delivery.doubles,
        "message_id": delivery.message_id and plain(delivery.message_id),
        "revision": delivery.revision,
        "created_utc": _iso(delivery.created_utc),
        "sent_utc": _iso(delivery.sent_utc),
        "edited_utc": _iso(delivery.edited_utc),
        "next_attempt_utc": _iso(delivery.next_attempt_utc),
        "last_error": delivery.last_error and plain(delivery.last_error),
    }


def cycle_row(report: CycleReport) -> dict[str, Any]:
    """Return a cycle's report."""
    found: dict[str, Any] = json.loads(encode(report))
    return {name: found[name] for name in COLUMNS["cycles"]}


def cell(value: Any) -> str | int | float | None:
    """Return a value as a CSV cell that no spreadsheet takes for a formula: a text like one gets an apostrophe."""
    if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return value
    if not isinstance(value, str):
        return json.dumps(value, allow_nan=False, separators=(",", ":"))
    return f"'{value}" if _FORMULA.match(value) else value


def _of_reason(reason: Reason) -> dict[str, Any]:
    return {"code": reason.code, "detail": plain(reason.detail), "value": _finite(reason.value)}


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _iso(when: datetime | None) -> str | None:
    return when.isoformat() if when else None
