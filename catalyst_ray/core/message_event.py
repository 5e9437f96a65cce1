"""An alert as an event for webhooks: type, time and the record of ``message_record``.

Owns the envelope, its id and its size. Does not sign (``signing``) nor send.

=============  ==================================================================================================
``type``       ``alert.created``, or ``alert.revised`` for an alert that the receiver has in an older revision
``timestamp``  when that happened, ISO-8601; not when it is sent
``data``       the record; ``chart`` is null, since the picture stays on the sender's machine: ``page`` shows it
=============  ==================================================================================================
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from catalyst_ray.core.message_record import alert_record

if TYPE_CHECKING:
    from catalyst_ray.models import Alert

CREATED, REVISED = "alert.created", "alert.revised"
MAX_EVENT_BYTES = 256 * 1024
_MAX_VALUE = 1_000


def event_id(alert: Alert) -> str:
    """Return an id that is the same for an alert's revision, however often it is sent; without full stops."""
    return f"alert_{re.sub(r'[^A-Za-z0-9_-]', '', alert.id)[:64]}_{alert.revision}"


def alert_event(alert: Alert, *, kind: str, page_url: str | None) -> bytes:
    """Return the event as JSON in ASCII, at most 256 KiB.

    A longer one, which no feed of ours makes, leaves out lists and objects, cuts long texts, and says so: ``cut``.
    """
    record = {**alert_record(alert, page_url=page_url), "chart": None}
    when = (alert.revised_utc if kind == REVISED else None) or alert.created_utc
    body = _json(kind, when.isoformat(), record)
    if len(body) <= MAX_EVENT_BYTES:
        return body
    short = {
        key: value[:_MAX_VALUE] if isinstance(value, str) else value
        for key, value in record.items()
        if not isinstance(value, list | dict)
    }
    return _json(kind, when.isoformat(), {**short, "cut": True})


def _json(kind: str, when: str, data: dict[str, Any]) -> bytes:
    event = {"type": kind, "timestamp": when, "data": data}
    return json.dumps(event, allow_nan=False, separators=(",", ":")).encode("ascii")
