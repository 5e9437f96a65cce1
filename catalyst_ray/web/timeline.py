"""When an alert reached each step, with the seconds between: its trace, then what the sinks answered. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalyst_ray.core.message_text import plain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from catalyst_ray.models import AlertRecord

FIRST_BYTE = "first_byte"
"""From here on the time is ours."""
_NAMES = {
    "published": "Published, as its source says",
    FIRST_BYTE: "First byte received",
    "parsed": "Parsed",
    "claimed": "Claimed as new",
    "scored": "Scored by the fast tier",
    "judged": "Judged",
    "drawn": "Drawn",
    "revised": "Revised",
}


@dataclass(frozen=True, slots=True)
class Step:
    """A step.

    Args:
        since_s: Seconds after the step before; None for the first.
        total_s: Seconds after the first byte; None before it.
        kind: ``ours``, ``theirs`` (before we knew of it) or ``sink``.
    """

    name: str
    when_utc: datetime
    kind: str
    since_s: float | None
    total_s: float | None


def steps(record: AlertRecord) -> list[Step]:
    """Return the steps in the order in which they were reached."""
    reached = sorted(_reached(record), key=lambda one: one[1])
    begun = next((when for name, when, kind in reached if name == _NAMES[FIRST_BYTE]), None)
    told: list[Step] = []
    for name, when, kind in reached:
        since_s = (when - told[-1].when_utc).total_seconds() if told else None
        total_s = (when - begun).total_seconds() if begun and when >= begun else None
        told.append(Step(name, when, kind, since_s, total_s))
    return told


def _reached(record: AlertRecord) -> Iterator[tuple[str, datetime, str]]:
    for name, when in record.alert.trace.steps:
        yield _NAMES.get(name, plain(name)), when, "theirs" if name == "published" else "ours"
    stored = [delivery.created_utc for delivery in record.deliveries if delivery.created_utc]
    if stored:
        yield "Committed, with its outbox", min(stored), "ours"
    for delivery in record.deliveries:
        sink = plain(delivery.sink)
        if delivery.sent_utc:
            yield f"Posted to {sink}", delivery.sent_utc, "sink"
        if delivery.edited_utc:
            yield f"Edited in {sink}", delivery.edited_utc, "sink"
