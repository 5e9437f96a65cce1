"""Owns what kind of offering a text speaks of, and how far it has come.

The phrases are data (``data/offerings.toml``). Reads a headline, the first sentences of a release, or the cover
of a prospectus. Does not read amounts.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from catalyst_ray.core.phrases import PhraseIndex, split_words
from catalyst_ray.errors import ConfigError
from catalyst_ray.models import OfferingKind, OfferingStage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from catalyst_ray.core.phrases import Words

HEAD_CHARS = 1_200
"""How much of a cover names the securities."""


@dataclass(frozen=True, slots=True)
class _Choice:
    """Names with their phrases; the first in order that is found, and not forbidden, is chosen."""

    names: tuple[str, ...]
    phrases: PhraseIndex[tuple[int, bool]]

    @classmethod
    def build(cls, rows: Sequence[Mapping[str, Any]], key: str, words: Mapping[str, str]) -> _Choice:
        phrases = [
            (phrase, (index, forbids))
            for index, row in enumerate(rows)
            for forbids, part in ((False, "match"), (True, "unless"))
            for phrase in row.get(part, ())
        ]
        return cls(tuple(row[key] for row in rows), PhraseIndex.build(phrases, words))

    def find(self, words: Words) -> dict[int, str]:
        """Return the names found, by their place in the order."""
        tags = {found.tag for found in self.phrases.find(words)}
        return {
            index: self.names[index] for index, forbids in tags if not forbids and (index, True) not in tags
        }


@dataclass(frozen=True, slots=True)
class OfferingWords:
    """The phrases for kinds and stages, compiled once."""

    kinds: _Choice
    covers: _Choice
    heads: frozenset[int]
    stages: _Choice

    def kind(self, text: str) -> OfferingKind | None:
        """Return the kind that a headline or a sentence speaks of."""
        found = self.kinds.find(split_words(text))
        return OfferingKind(found[min(found)]) if found else None

    def cover_kind(self, text: str) -> OfferingKind | None:
        """Return the kind that the cover of a prospectus speaks of."""
        whole, head = self.covers.find(split_words(text)), self.covers.find(split_words(text[:HEAD_CHARS]))
        kept = [index for index in whole if index not in self.heads] + [i for i in head if i in self.heads]
        return OfferingKind(self.covers.names[min(kept)]) if kept else None

    def stage(self, text: str) -> OfferingStage | None:
        """Return the stage that a text speaks of; None where it says none."""
        found = self.stages.find(split_words(text))
        return OfferingStage(found[min(found)]) if found else None


@cache
def offering_words() -> OfferingWords:
    """Return the phrases that ship with the program."""
    return load_offering_words(
        files("catalyst_ray.core").joinpath("data/offerings.toml").read_text(encoding="utf-8")
    )


def load_offering_words(text: str) -> OfferingWords:
    """Build the phrases from TOML.

    Raises:
        ConfigError: The text is no such table, or a phrase of it cannot be read.
    """
    try:
        table = tomllib.loads(text)
        words = table["words"]
        return OfferingWords(
            kinds=_Choice.build(table["kinds"], "kind", words),
            covers=_Choice.build(table["covers"], "kind", words),
            heads=frozenset(index for index, row in enumerate(table["covers"]) if row.get("head")),
            stages=_Choice.build(table["stages"], "stage", words),
        )
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"unreadable: {error!r}", key="offerings.toml", hint="compare it with the file shipped"
        ) from error
