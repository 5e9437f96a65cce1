"""A card as a Discord webhook message.

Owns the embed's layout and every limit Discord sets (developers/resources/message, "Embed Limits"). Does not
send anything. Author, footer and file descriptions are shown without markdown, everything else with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from catalyst_ray.core.message import Tone
from catalyst_ray.core.message_text import clip, markdown, units, unmention
from catalyst_ray.core.reasons import capital

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalyst_ray.core.message import Card

CHART_NAME = "chart.png"
GAUGE_NAME = "gauge.png"

_MAX_CONTENT = 2000
_MAX_TITLE = _MAX_AUTHOR = 256
MAX_DESCRIPTION = 4096
_MAX_FIELD = 1024
_MAX_FOOTER = 2048
MAX_EMBED = 6000
_DEAL = "Deal"
_MAX_FIELDS = 8  # ours: more than that is no glance; Discord takes 25
_COLOURS = {Tone.BULLISH: 0x2EBD85, Tone.BEARISH: 0xF6465D, Tone.NEUTRAL: 0x8A94A6}
_WITHDRAWN = _COLOURS[Tone.NEUTRAL]
_WHY = "\n**Why**\n"
# No text of ours ever pings: mentions are broken in the text, and refused here once more.
NO_MENTIONS: dict[str, list[str]] = {"parse": []}


def discord_payload(card: Card, *, has_chart: bool, has_gauge: bool) -> dict[str, Any]:
    """Return the ``payload_json`` of one message: a verdict line (the push notification) and an embed.

    ``attachments`` lists the files in the order in which they must be sent as ``files[n]``.
    """
    names = [name for name, there in ((CHART_NAME, has_chart), (GAUGE_NAME, has_gauge)) if there]
    embed: dict[str, Any] = {
        "color": _WITHDRAWN if card.is_withdrawn else _COLOURS[card.tone],
        "author": {"name": clip(card.who, _MAX_AUTHOR, written=unmention)},
        "title": clip(card.headline or card.event, _MAX_TITLE, written=markdown),
        "fields": [
            {"name": name, "value": clip(text, _MAX_FIELD, written=markdown), "inline": not is_wide(name)}
            for name, text in embed_fields(card)
        ],
        "footer": {"text": clip(_footer(card), _MAX_FOOTER, written=unmention)},
        "timestamp": card.created_utc.isoformat(),
    }
    embed["description"] = _description(card, min(MAX_DESCRIPTION, MAX_EMBED - embed_units(embed)))
    if card.link:
        embed["url"] = card.link
    if has_chart:
        embed["image"] = {"url": f"attachment://{CHART_NAME}"}
    if has_gauge:
        embed["thumbnail"] = {"url": f"attachment://{GAUGE_NAME}"}
    shown = {CHART_NAME: f"Price chart of {card.ticker}", GAUGE_NAME: f"Gauge at {card.score}"}
    return {
        "content": "\n".join(filter(None, (verdict_line(card), _repeat_line(card)))),
        "embeds": [embed],
        "attachments": [
            {"id": place, "filename": name, "description": unmention(shown[name])}
            for place, name in enumerate(names)
        ],
        "allowed_mentions": NO_MENTIONS,
    }


def discord_fallback(card: Card) -> dict[str, Any]:
    """Return the smallest message that still tells what, who, which way and where: text, no embed, no file."""
    link = f"<{card.link}>" if card.link else ""
    room = (
        _MAX_CONTENT - units(link) - 900
    )  # the verdict line is at most 450, the id line 150, the repeat's 200
    lines = (
        verdict_line(card),
        _repeat_line(card),
        clip(card.headline, max(room, 0), written=markdown),
        link if room >= 0 else "",
        markdown(_footer(card)),
    )
    return {"content": "\n".join(filter(None, lines)), "allowed_mentions": NO_MENTIONS}


def discord_edit(payload: dict[str, Any]) -> dict[str, Any]:
    """Return a message's payload as one that replaces an earlier message whole.

    What an edit does not name stays: embeds and files are named, if only to say that there is none. Files that are
    listed are uploaded with the edit; those of before, which are not listed, go.
    """
    return {"embeds": [], "attachments": [], **payload}


def embed_units(embed: dict[str, Any]) -> int:
    """Return what counts towards Discord's limit of 6,000: title, description, fields, footer and author."""
    texts = [embed.get("title", ""), embed.get("description", "")]
    texts += [embed.get("footer", {}).get("text", ""), embed.get("author", {}).get("name", "")]
    texts += [text for one in embed.get("fields", ()) for text in (one["name"], one["value"])]
    return sum(units(text) for text in texts)


def _footer(card: Card) -> str:
    updated = f"updated {card.updated}" if card.updated else ""
    return " · ".join(filter(None, (f"alert {card.alert_id}", "catalyst_ray", updated)))


def verdict_line(card: Card) -> str:
    """Return who, which way and what, escaped: the first line of a message."""
    ticker, event = markdown(card.ticker), markdown(card.event)
    if card.is_withdrawn:
        return f"✕ **{ticker}** {card.withdrawal} (**{card.score}**) · {event}"
    corrected = " · corrected" if card.correction else ""
    return f"{card.arrow} **{ticker}** {card.direction.lower()} **{card.score}** · {event}{corrected}"


def _repeat_line(card: Card) -> str:
    return f"-# {markdown(card.repeat)}" if card.repeat else ""


def embed_fields(card: Card) -> list[tuple[str, str]]:
    """Return names and words of the embed's fields, the weightier first, unescaped; without what is not known."""
    rows = (
        (
            "Verdict",
            f"✕ {capital(card.withdrawal.split()[0])} {card.score}" if card.is_withdrawn else card.verdict,
        ),
        ("Confidence", card.confidence),
        ("Price", card.quote),
        (_DEAL, card.deal),
        ("Event", card.event),
        ("Judged by", card.tier),
        ("Source", card.source),
        ("Published", " · ".join(filter(None, (card.published, card.age)))),
        ("Also named", ", ".join(card.others)),
    )
    return [row for row in rows if row[1]][:_MAX_FIELDS]


def is_wide(name: str) -> bool:
    """Return whether a field stands in a row of its own: a deal's terms are a sentence."""
    return name == _DEAL


def _description(card: Card, room: int) -> str:
    # Whole or not at all, on a line of its own: text before it has every bracket escaped, and the address has none.
    page = f"[Evidence and timeline]({card.page})" if card.page else ""
    room -= units(page) + 1
    kept = ""
    for block in _blocks(card):
        longer = f"{kept}\n{block}" if kept else block
        if units(longer) > room:
            break
        kept = longer
    return "\n".join(filter(None, (kept, page)))


def _blocks(card: Card) -> Iterator[str]:
    if card.summary:
        yield markdown(card.summary)
    for place, reason in enumerate(card.reasons):
        yield f"{_WHY if place == 0 else ''}• {markdown(reason)}"
    for quote in card.evidence:
        yield f"> “{markdown(quote)}”"
    if card.chart_note:
        yield f"-# no chart · {markdown(card.chart_note)}"
