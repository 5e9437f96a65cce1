"""Many alerts as one text: a line each, for those that came too late for a message of their own.

Owns the headings, and the lines for every sink whose messages are text; Discord's lines are in ``message_digest``. No
line is cut: what does not fit goes into the next message.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from catalyst_ray.core.message import card, span
from catalyst_ray.core.message_plain import title_line
from catalyst_ray.core.message_text import clip, quiet, units

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from catalyst_ray.models import Alert

_MAX_LINE = 400
_HEADING = 120
"""What the heading may take."""


def list_text(alerts: Sequence[Alert], *, now_utc: datetime, is_news: bool) -> str:
    """Return a heading and a line an alert; with ``is_news`` of what became of alerts that a list told of."""
    heading = news_heading(len(alerts)) if is_news else late_heading(alerts, now_utc=now_utc)
    return "\n".join(("".join(heading), *(_line(alert, now_utc) for alert in alerts)))


def late_heading(alerts: Sequence[Alert], *, now_utc: datetime) -> tuple[str, str]:
    """Return what stands above alerts that waited too long, in two parts: the first is what matters."""
    oldest = span(max(_age_s(alert, now_utc) for alert in alerts))
    return f"{len(alerts)} alerts that could not be delivered in time", f"; the oldest is {oldest} old"


def news_heading(number: int) -> tuple[str, str]:
    """Return what stands above news of so many alerts that a list told of; as ``late_heading``."""
    if number == 1:
        return "News of an alert", " that was told of in a list"
    return f"News of {number} alerts", " that were told of in a list"


def age_words(alert: Alert, *, now_utc: datetime) -> str:
    """Return how old an alert's news is by now."""
    return f"{span(_age_s(alert, now_utc))} old"


def list_room(alerts: Sequence[Alert], *, now_utc: datetime, limit: int) -> int:
    """Return how many of the alerts, from the first, a text of ``limit`` UTF-16 units tells of; one at least."""
    sizes = accumulate(units(_line(alert, now_utc)) + 1 for alert in alerts)
    return max(1, sum(size <= limit - _HEADING for size in sizes))


def _line(alert: Alert, now_utc: datetime) -> str:
    shown = card(alert)
    facts = (
        title_line(shown),
        f"also {shown.also}" if shown.also else "",
        age_words(alert, now_utc=now_utc),
        shown.repeat or f"alert {shown.alert_id}",
    )
    return clip(" · ".join(filter(None, facts)), _MAX_LINE, written=quiet)


def _age_s(alert: Alert, now_utc: datetime) -> float:
    return (now_utc - (alert.item.published_utc or alert.created_utc)).total_seconds()
