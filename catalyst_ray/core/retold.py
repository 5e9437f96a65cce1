"""What a later item on an alert's story changes on the alert: who told it too, a correction, a retraction. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from catalyst_ray.core.notices import Notice, what_changed
from catalyst_ray.core.reasons import Code
from catalyst_ray.models import Reason

if TYPE_CHECKING:
    from catalyst_ray.models import Alert, Item

MOST_SOURCES = 5
"""Further sources that a card names. Beyond them a copy changes nothing on it: no message is edited without end."""
MOST_CORRECTIONS = 3
_SOURCE_CHARS = 40


def with_copy(alert: Alert, item: Item) -> Alert | None:
    """Return the alert as told by another source too; None where its card says the same as before."""
    source = _source(item)
    if not source or source == _source(alert.item) or source in alert.also or len(alert.also) >= MOST_SOURCES:
        return None
    return replace(alert, also=(*alert.also, source))


def with_notice(alert: Alert, notice: Notice, item: Item) -> Alert | None:
    """Return the alert with what its sender said of it since; None where that was said, or is too much."""
    if alert.is_retracted or any(item.key == one.key for one in alert.corrections):
        return None
    if notice is Notice.RETRACTED:
        return replace(alert, notices=(*alert.notices, Reason(Code.RETRACTED, _source(item))))
    if len(alert.corrections) >= MOST_CORRECTIONS:
        return None
    before = alert.corrections[-1] if alert.corrections else alert.item
    said = Reason(Code.CORRECTED, what_changed(before.title, item.title))
    return replace(alert, notices=(*alert.notices, said), corrections=(*alert.corrections, item))


def _source(item: Item) -> str:
    return (item.source or item.feed)[:_SOURCE_CHARS]
