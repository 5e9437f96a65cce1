"""What is said of an alert that was revised, where what was sent cannot be changed: one short line more.

Owns its words, and the memory of what a sink's readers have. Does not know how a sink shows a line.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalyst_ray.core.message_text import sentences, units

if TYPE_CHECKING:
    from catalyst_ray.core.message import Card

_MAX_CARDS = 2_000
_STEP = 0.1
"""Of the strength, on its scale from −1 to 1: less is hardly seen on a gauge."""


@dataclass(frozen=True, slots=True)
class Update:
    """An update in three parts: whom it is about, what changed, and the facts with it, the alert's id last."""

    who: str
    change: str
    facts: tuple[str, ...]

    @property
    def line(self) -> str:
        """Return it whole."""
        return self._joined(*self.facts)

    def within(self, limit: int) -> str:
        """Return it whole, or where that takes more than ``limit`` UTF-16 units, what changed and the alert's id."""
        return self.line if units(self.line) <= limit else self._joined(self.facts[-1])

    def _joined(self, *facts: str) -> str:
        return " · ".join((f"{self.who} {self.change}", *facts))


def update(card: Card, before: Card | None) -> Update:
    """Put a revised alert into words; ``before`` is what its readers have, where that is known."""
    is_other = before is not None and before.score != card.score
    score = f"{before.score} → {card.score}" if before and is_other else card.score
    facts = (
        f"corrected: {card.correction}" if card.correction else "",
        f"also {card.also}" if card.also else "",
        card.tier,
        sentences(card.summary, 1),
        f"alert {card.alert_id}",
    )
    word = card.withdrawal or card.direction.lower()
    return Update(f"↻ {card.ticker}", f"{score}, {word}", tuple(filter(None, facts)))


def is_news(card: Card, before: Card | None) -> bool:
    """Return whether a revision is worth a message of its own: the verdict or what it rests on is another now.

    A further source, or a model that agrees, is none.
    """
    if before is None:
        return True
    return _gist(before) != _gist(card) or abs(before.value - card.value) >= _STEP


class Told:
    """What a sink's readers have, of the last alerts; forgotten when the program ends."""

    def __init__(self) -> None:
        self._cards: OrderedDict[str, Card] = OrderedDict()

    def before(self, alert_id: str) -> Card | None:
        """Return what was last told of an alert."""
        return self._cards.get(alert_id)

    def keep(self, card: Card) -> None:
        """Remember what was told."""
        self._cards[card.alert_id] = card
        self._cards.move_to_end(card.alert_id)
        if len(self._cards) > _MAX_CARDS:
            self._cards.popitem(last=False)


def _gist(card: Card) -> tuple[str, ...]:
    return (card.direction, card.withdrawal, card.correction, card.deal)
