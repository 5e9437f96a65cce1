"""Many alerts as one Discord message: a line each, for those that came too late for a message of their own.

Owns the lines, their order of words, and how many fit; the headings are those of ``message_lines``. The lengths are
Discord's: 4,096 units a description, 6,000 over all embeds of a message. No line is ever cut: what does not fit goes
into the next message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from catalyst_ray.core.message import card
from catalyst_ray.core.message_discord import (
    MAX_DESCRIPTION,
    MAX_EMBED,
    NO_MENTIONS,
    verdict_line,
)
from catalyst_ray.core.message_lines import age_words, late_heading, news_heading
from catalyst_ray.core.message_text import markdown, units

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from catalyst_ray.models import Alert

_COLOUR = 0x8A94A6


def digest_lines(alerts: Sequence[Alert], *, now_utc: datetime, has_links: bool = True) -> list[str]:
    """Return one line an alert: who, which way, what, how old, where, and the alert's id."""
    return [_line(alert, now_utc, has_links=has_links) for alert in alerts]


def _line(alert: Alert, now_utc: datetime, *, has_links: bool) -> str:
    shown = card(alert)
    # The address is plain ASCII without brackets, and words of ours stand for it: nothing in it is markdown.
    link = f"[read]({shown.link})" if shown.link and has_links else ""
    facts = (
        verdict_line(shown),
        markdown(shown.correction),
        markdown(f"also {shown.also}" if shown.also else ""),
        age_words(alert, now_utc=now_utc),
        link,
        markdown(shown.repeat or f"alert {shown.alert_id}"),
    )
    return " · ".join(filter(None, facts))


def digest_room(lines: Sequence[str]) -> int:
    """Return how many of the lines, from the first, one message holds; one at least."""
    return max(1, sum(map(len, _packed(lines))))


def digest_payload(alerts: Sequence[Alert], lines: Sequence[str], *, now_utc: datetime) -> dict[str, Any]:
    """Return the ``payload_json`` of alerts that waited too long, with their lines; they must fit."""
    return _payload(late_heading(alerts, now_utc=now_utc), lines)


def news_payload(lines: Sequence[str]) -> dict[str, Any]:
    """Return the ``payload_json`` of what became of alerts that a digest told of: its message stays as it is."""
    return _payload(news_heading(len(lines)), lines)


def _payload(heading: tuple[str, str], lines: Sequence[str]) -> dict[str, Any]:
    matter, rest = heading
    embeds = [{"color": _COLOUR, "description": "\n".join(block)} for block in _packed(lines)]
    return {
        "content": f"**{matter}**{rest}",
        "embeds": embeds,
        "attachments": [],
        "allowed_mentions": NO_MENTIONS,
    }


def _packed(lines: Sequence[str]) -> list[list[str]]:
    """Return the lines by embed, as many as one message holds."""
    blocks: list[list[str]] = []
    total, used = 0, 0
    for line in lines:
        size = units(line) + 1  # with its line break
        if total + size > MAX_EMBED:
            break
        if not blocks or used + size > MAX_DESCRIPTION:
            blocks.append([])
            used = 0
        blocks[-1].append(line)
        used += size
        total += size
    return blocks
