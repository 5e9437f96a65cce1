"""The words that counted, in the text in which they stand. Pure.

Owns which passages are shown and where their marks begin and end. Text leaves it free of what cannot be seen
(``message_text.plain``); the template escapes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalyst_ray.core.message_figures import signed
from catalyst_ray.core.message_text import clip, plain
from catalyst_ray.core.reasons import title
from catalyst_ray.models import Where

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from catalyst_ray.models import Alert, EventHit

MAX_CHARS = 4_000
_COMPANY, _QUOTE = 0.1, 0.05
"""Weights of marks that are no event: below those that tell, above the routine."""
_NAMES = {Where.TITLE: "Headline", Where.SUMMARY: "Text"}
_ELSEWHERE = {
    Where.DOCUMENT: "in the filing",
    Where.FORM: "by the form",
    Where.FILING: "by EDGAR",
    Where.CATEGORY: "in the publisher’s categories",
}


@dataclass(frozen=True, slots=True)
class Mark:
    """Words that counted, as a stretch of a text.

    Args:
        kind: ``bullish``, ``bearish``, ``routine``, ``company`` or ``model``.
        note: What they were taken for.
        weight: Which of two that overlap is shown.
    """

    start: int
    end: int
    kind: str
    note: str
    weight: float = 0.0


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a passage; ``kind`` and ``note`` are empty where nothing is marked."""

    text: str
    kind: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of the item with its marks."""

    name: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """Evidence whose text we do not keep: what it was taken for, its words, and where they stand."""

    kind: str
    label: str
    words: str
    where: str


def passages(alert: Alert) -> list[Passage]:
    """Return the item's headline and text with everything marked that counted."""
    texts = {Where.TITLE: alert.item.title, Where.SUMMARY: alert.item.summary[:MAX_CHARS]}
    return [
        Passage(_NAMES[where], pieces(text, [*_marks(alert, where), *_quoted(alert, text)]))
        for where, text in texts.items()
        if plain(text)
    ]


def found_elsewhere(alert: Alert) -> list[Found]:
    """Return the evidence that stands in parts of the item that the store does not keep."""
    return [
        Found(_kind(hit), _label(hit), clip(plain(hit.span), 200), _ELSEWHERE[hit.where])
        for hit in alert.score.events
        if hit.where in _ELSEWHERE and plain(hit.span)
    ]


def pieces(text: str, marks: Iterable[Mark]) -> tuple[Piece, ...]:
    """Cut a text at its marks; of marks that overlap the weightiest stays, then the longest."""
    kept: list[Mark] = []
    for mark in sorted(marks, key=lambda one: (-one.weight, one.start - one.end, one.start)):
        inside = 0 <= mark.start < mark.end <= len(text)
        if inside and all(mark.end <= other.start or other.end <= mark.start for other in kept):
            kept.append(mark)
    cut: list[Piece] = []
    at = 0
    for mark in sorted(kept, key=lambda one: one.start):
        cut += [
            Piece(_shown(text[at : mark.start])),
            Piece(_shown(text[mark.start : mark.end]), mark.kind, mark.note),
        ]
        at = mark.end
    cut.append(Piece(_shown(text[at:])))
    return tuple(piece for piece in cut if piece.text)


def _shown(text: str) -> str:
    """Return a stretch as ``plain`` shows it, but with the spaces at its ends that part it from its neighbours."""
    return plain(f"|{text}|")[1:-1]


def _marks(alert: Alert, where: Where) -> Iterator[Mark]:
    for hit in alert.score.events:
        if hit.where is where and hit.end > hit.start:
            yield Mark(hit.start, hit.end, _kind(hit), _label(hit), abs(hit.weight))
    for symbol in alert.link.symbols:
        place = symbol.place
        if place and place.where is where and place.end > place.start:
            yield Mark(
                place.start, place.end, "company", f"{symbol.ticker}, {title(symbol.reason.code)}", _COMPANY
            )


def _quoted(alert: Alert, text: str) -> Iterator[Mark]:
    """Yield where the model's quotes stand; what it read in a document is not in this text."""
    judgement = alert.verdict.judgement
    note = f"quoted by {plain(judgement.model) or 'the model'}" if judgement else ""
    folded = text.lower()
    if len(folded) != len(text):  # a letter that grows when folded would shift every place behind it
        return
    for quote in judgement.evidence if judgement else ():
        start = folded.find(quote.lower()) if quote else -1
        if start >= 0:
            yield Mark(start, start + len(quote), "model", note, _QUOTE)


def _kind(hit: EventHit) -> str:
    if hit.noise or hit.sign == 0:
        return "routine"
    return "bullish" if hit.sign > 0 else "bearish"


def _label(hit: EventHit) -> str:
    name = plain(hit.label) or title(hit.code)
    stage = f", {hit.stage}" if hit.stage else ""
    return f"{name}{stage} {signed(hit.weight)}" if hit.weight else f"{name}{stage}"
