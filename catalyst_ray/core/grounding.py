"""Whether what a model says stands in its source: figures with unit and scale, dates, names, codes and quotes.

Works on texts only; what is done with an answer that loses words is the prompt's business. It cannot tell a
true sentence from a false one made of the source's own words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from catalyst_ray.core.grounding_dates import Date, take_dates
from catalyst_ray.core.grounding_figures import codes, figures, figures_in_place, plain
from catalyst_ray.core.grounding_names import NameBook, content_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Facts", "Grounded", "figures", "ground", "sentences_of"]

QUOTED = re.compile(r'"([^"]{2,})"')
ABBREVIATIONS = (
    "Inc", "Corp", "Co", "Ltd", "No", "U.S", "Dr", "vs", "Mr", "Ms", "St",
    "Jan", "Feb", "Mar", "Apr", "Jun", "Jul", "Aug", "Sep", "Sept", "Oct", "Nov", "Dec",
)  # fmt: skip
SENTENCE_END = re.compile(
    "".join(rf"(?<!\b{re.escape(a)}\.)" for a in ABBREVIATIONS) + r"(?<=[.!?])\s+(?=[\"“(]?[A-Z0-9$€£])"
)
SHORTEST_QUOTE = 4
"""Letters and digits of an evidence quote; anything shorter is found in any text."""
FEWEST_SHARED_WORDS = 2
"""Words of matter that a sentence without a figure shares with its source, or it speaks of anything."""
NEAR_CHARS = 160
"""How far from a figure, at most, the word of its sentence stands that says what it is."""


@dataclass(frozen=True, slots=True)
class Grounded:
    """What is left of an answer's words, and how many sentences and quotes were cut.

    Args:
        rests_on_source: A quote stands in the source, or a kept sentence states something of it.
    """

    summary: str
    evidence: tuple[str, ...]
    cut: int
    rests_on_source: bool


def ground(summary: str, evidence: Sequence[str], source: str, known_names: Iterable[str] = ()) -> Grounded:
    """Keep the sentences whose figures, dates, names and quotes stand in ``source``, and the quotes that do.

    ``known_names`` are those that a sentence may always use: the company's own and its ticker.
    """
    facts = Facts(source, known_names)
    sentences = sentences_of(summary)
    kept = [part for part in sentences if facts.support(part)]
    quotes = tuple(quote for quote in evidence if facts.contain(quote))
    cut = len(sentences) - len(kept) + len(evidence) - len(quotes)
    rests = bool(quotes) or any(facts.touch(part) for part in kept)
    return Grounded(" ".join(kept), quotes, cut, rests)


def sentences_of(text: str) -> list[str]:
    """Split plain text into sentences; abbreviations such as "Inc." and "U.S." end none."""
    return [part for part in SENTENCE_END.split(text.strip()) if part]


class Facts:
    """What a source states, read once."""

    def __init__(self, source: str, known_names: Iterable[str] = ()) -> None:
        known_names = tuple(known_names)
        self._text = plain(source)
        self._undated, self._dates = take_dates(self._text)
        found = [(value, unit) for value, unit, _ in figures_in_place(self._undated)]
        self._figures = {*found, *((Decimal(date.year).normalize(), "") for date in self._dates if date.year)}
        self._codes = codes(self._undated)
        self._names = NameBook(source, known_names, (date.month for date in self._dates))
        self._words = content_words(source) - content_words(" ".join(known_names))

    def support(self, sentence: str) -> bool:
        """Return whether all that can be checked of a sentence stands in the source."""
        flat = plain(sentence)
        undated, dates = take_dates(flat)
        return (
            {(value, unit) for value, unit, _ in figures_in_place(undated)} <= self._figures
            and all(self._state(date) for date in dates)
            and codes(undated) <= self._codes
            and not self._names.misses(sentence)
            and all(self._stands(quote) for quote in QUOTED.findall(flat))
        )

    def touch(self, sentence: str) -> bool:
        """Return whether a sentence that is supported states a figure, a date or matter of the source."""
        flat = plain(sentence)
        has_figure = any(True for _ in figures_in_place(flat))
        return has_figure or len(content_words(sentence) & self._words) >= FEWEST_SHARED_WORDS

    def contain(self, quote: str) -> bool:
        """Return whether the source holds a quote word for word."""
        flat = plain(quote)
        return sum(character.isalnum() for character in flat) >= SHORTEST_QUOTE and self._stands(flat)

    def state_figure(self, value: float, unit: str, near: Sequence[str] = ()) -> bool:
        """Return whether the source states a figure of this unit, in a sentence with one of the word stems ``near``."""
        wanted = (Decimal(str(value)).normalize(), unit)
        for found, its_unit, at in figures_in_place(self._undated):
            before = self._text[max(0, at - NEAR_CHARS) : at].rpartition(". ")[2]
            around = before + self._text[at : at + NEAR_CHARS].partition(". ")[0]
            if (found, its_unit) == wanted and (not near or any(stem in around for stem in near)):
                return True
        return False

    def _state(self, date: Date) -> bool:
        if any(stated.bears_out(date) for stated in self._dates):
            return True
        # "June 5" in the news and its year in another place of it state the whole date.
        return (Decimal(date.year or 0).normalize(), "") in self._figures and any(
            stated.year is None and stated.bears_out(date._replace(year=None)) for stated in self._dates
        )

    def _stands(self, flat: str) -> bool:
        words = flat.strip(" .,;:!?\"'-…")
        start = self._text.find(words)
        while start >= 0:
            around = self._text[start - 1 : start] + self._text[start + len(words) : start + len(words) + 1]
            if not any(character.isalnum() for character in around):
                return True
            start = self._text.find(words, start + 1)
        return False
