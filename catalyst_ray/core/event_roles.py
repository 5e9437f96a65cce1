"""Owns who buys whom, for the deals that are good news for one side only (``data/events/roles.toml``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from catalyst_ray.core.phrases import PhraseIndex, split_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PART_REACH = 2
"""How far behind a name the word may stand that says that only a part of it is bought, words."""


@dataclass(frozen=True, slots=True)
class Roles:
    """How texts say who buys whom."""

    verbs: PhraseIndex[bool]
    """Tag: whether the company bought stands after the words ("acquires"), or before ("acquired by")."""
    parts: frozenset[str]
    """Words between or behind that say that less than the whole company is bought, or from whom."""
    done: frozenset[str]
    """Words of a title that say that the deal is through: nothing is left for the price to learn."""

    @classmethod
    def build(cls, table: Mapping[str, Any], sets: Mapping[str, str]) -> Roles:
        """Compile the table."""
        sides = ((False, "before"), (True, "after"))
        phrases = [(phrase, tag) for tag, key in sides for phrase in table[key]]
        parts, done = (frozenset(table[key].split()) for key in ("parts", "done"))
        return cls(PhraseIndex.build(phrases, sets), parts, done)

    def is_bought(self, text: str, name: str) -> bool | None:
        """Return whether the company called ``name`` is the one bought, or None where that is not said."""
        words, called = split_words(text), split_words(name).tokens
        place = _place(words.tokens, called)
        found = min(self.verbs.find(words), key=lambda one: (one.tag, one.start), default=None)
        if place is None or found is None or found.start <= place < found.end:
            return None
        is_behind = place >= found.end
        if is_behind is not found.tag:
            return False
        end = place + len(called)
        near = words.tokens[found.end : end + _PART_REACH] if is_behind else words.tokens[place : found.start]
        return None if any(word in self.parts for word in near) else True


def _place(tokens: Sequence[str], name: Sequence[str]) -> int | None:
    if not name:
        return None
    size = len(name)
    return next((at for at in range(len(tokens) - size + 1) if tuple(tokens[at : at + size]) == name), None)
