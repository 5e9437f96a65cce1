"""A card as plain text: the whole of it, and one line where a service takes no more.

Owns the layout for every sink without one of its own. Mentions and commands of chat services are broken, so
that the text may be sent anywhere; how a service escapes it besides is that sink's business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalyst_ray.core.message_text import clip, quiet, units

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from catalyst_ray.core.message import Card

MAX_TEXT, MIN_TEXT = 4000, 1500
_MAX_TITLE = 200
_MAX_LINK = 300
"""Longer ones are left out: nothing may push the alert's id out."""


def title_line(card: Card) -> str:
    """Return what, who, which way and how sure in one line: the first one, a subject, a push notification."""
    if card.is_withdrawn:
        return _line(f"✕ {card.ticker} {card.withdrawal} ({card.score}) · {card.event}")
    corrected = " · corrected" if card.correction else ""
    return _line(
        f"{card.arrow} {card.ticker} {card.direction.lower()} {card.score},"
        f" {card.confidence} sure · {card.event}{corrected}"
    )


def plain_text(card: Card, *, limit: int = MAX_TEXT) -> str:
    """Return the card as lines, the verdict first, in at most ``limit`` UTF-16 units, ``MIN_TEXT`` at least.

    What does not fit goes from the middle: quotes first, then reasons, then the summary. The links and the alert's
    id always stand at the end.
    """
    head = [title_line(card), *(_line(line, 300) for line in (card.who, card.headline) if line)]
    tail = _last(card)
    room = limit - units("\n".join(head + tail)) - 1
    return "\n".join(head + _fitting(_middle(card), room) + tail)


def one_line(card: Card, *, limit: int) -> str:
    """Return the card in one line: verdict, headline and id, in at most ``limit`` UTF-16 units."""
    end = f" · {card.repeat or f'alert {card.alert_id}'}"
    return clip(f"{title_line(card)} · {card.headline}", max(limit - units(end), 0), written=quiet) + end


def _middle(card: Card) -> Iterator[str]:
    yield " · ".join(filter(None, (card.quote, f"judged by {card.tier}")))
    yield " · ".join(filter(None, (card.source, card.age, card.published)))
    if card.summary:
        yield card.summary
    if card.deal:
        yield f"Deal: {card.deal}"
    yield from (f"• {reason}" for reason in card.reasons)
    yield from (f"“{quote}”" for quote in card.evidence)
    if card.others:
        yield f"Also named: {', '.join(card.others)}"
    if card.chart_note:
        yield f"no chart · {card.chart_note}"


def _last(card: Card) -> list[str]:
    updated = f", updated {card.updated}" if card.updated else ""
    links = (link for link in (card.link, card.page) if 0 < len(link) <= _MAX_LINK)
    return [*links, _line(f"{card.repeat or f'alert {card.alert_id}'}{updated}", 150)]


def _fitting(lines: Iterable[str], room: int) -> list[str]:
    kept: list[str] = []
    for line in lines:
        written = _line(line, 500)
        room -= units(written) + 1
        if room < 0:
            break
        kept.append(written)
    return kept


def _line(text: str, limit: int = _MAX_TITLE) -> str:
    return clip(text, limit, written=quiet)
