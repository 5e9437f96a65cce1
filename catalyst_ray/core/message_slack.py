"""A card as a message for Slack's incoming webhooks, and for those of services that take Slack's form.

Owns the layout and the limits of Block Kit (docs.slack.dev/reference/block-kit). Strangers' words stand in
``plain_text`` only, where Slack knows no style, link or mention; the one ``mrkdwn`` element is ours. Mattermost and
Rocket.Chat show ``text`` and pass over ``blocks``: it holds the whole card.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from catalyst_ray.core.message_discord import embed_fields
from catalyst_ray.core.message_plain import plain_text, title_line
from catalyst_ray.core.message_text import clip, quiet
from catalyst_ray.core.message_update import update

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalyst_ray.core.message import Card

_MAX_HEADER = 150
_MAX_SECTION = 3000
_MAX_FIELD = 2000
_MAX_LINK = 500
MAX_TEXT = 2500
"""Before it is escaped: Mattermost takes 16,383 characters, and an escaped one has five at most."""
_QUIET_MESSAGE = {"mrkdwn": False, "unfurl_links": False, "unfurl_media": False}


def slack_payload(card: Card) -> dict[str, Any]:
    """Return a message with the card as blocks, and as text for previews and services without blocks."""
    return {**slack_fallback(card), "blocks": list(_blocks(card))}


def slack_fallback(card: Card) -> dict[str, Any]:
    """Return the card as text alone."""
    return slack_message(plain_text(card, limit=MAX_TEXT))


def slack_message(text: str) -> dict[str, Any]:
    """Return a message of lines that are shown as they are."""
    return {"text": slack_text(text), **_QUIET_MESSAGE}


def slack_update(card: Card, before: Card | None) -> dict[str, Any]:
    """Return a short message on a revised alert; it names the alert, for the first message stays as it is."""
    lines = (update(card, before).within(MAX_TEXT), card.page)
    return slack_message("\n".join(filter(None, lines)))


def slack_text(text: str) -> str:
    """Escape what Slack reads as control characters, and break mentions and named links."""
    return quiet(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _blocks(card: Card) -> Iterator[dict[str, Any]]:
    yield {"type": "header", "text": _plain(title_line(card), _MAX_HEADER)}
    for text in ("\n".join(filter(None, (card.who, card.headline, card.summary))), _why(card)):
        if text:
            yield {"type": "section", "text": _plain(text, _MAX_SECTION)}
    fields = [_plain(f"{name}: {words}", _MAX_FIELD) for name, words in embed_fields(card)]
    yield {"type": "section", "fields": fields}
    if card.chart_note:
        yield {"type": "context", "elements": [_plain(f"no chart · {card.chart_note}", _MAX_SECTION)]}
    yield {"type": "context", "elements": [{"type": "mrkdwn", "text": _links(card)}]}


def _why(card: Card) -> str:
    return "\n".join(
        (*(f"• {reason}" for reason in card.reasons), *(f"“{words}”" for words in card.evidence))
    )


def _links(card: Card) -> str:
    named = (("Source", card.link), ("Evidence and timeline", card.page))
    links = [f"<{slack_text(url)}|{name}>" for name, url in named if 0 < len(url) <= _MAX_LINK]
    updated = f"updated {card.updated}" if card.updated else ""
    return " · ".join(
        filter(None, (*links, slack_text(card.repeat or f"alert {card.alert_id}"), "catalyst_ray", updated))
    )


def _plain(text: str, limit: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": clip(text, limit, written=slack_text), "emoji": False}
