"""Owns VADER in time linear in the text: the package's list of words, its rules, and exactly its result.

The package lowers and searches the whole text for every word that it knows, and halves what stands before
"but" by looking each value up in the list of all. Here a known word is judged with the three words before
it and the two after it, which is all that the package's rules read, and the values are found by a heap.
Import it late: it loads the package.
"""

from __future__ import annotations

import re
from heapq import heappop, heappush
from string import punctuation
from typing import Any, NamedTuple

from vaderSentiment.vaderSentiment import (
    BOOSTER_DICT,
    NEGATE,
    SPECIAL_CASES,
    SentimentIntensityAnalyzer,
    allcap_differential,
)

_BEFORE = 3
_AFTER = 2
_BEFORE_BUT = 0.5
_AFTER_BUT = 1.5


class _Window(NamedTuple):
    """The words around one, as the package's rules ask for them."""

    words_and_emoticons: list[str]
    is_cap_diff: bool


_NEGATORS = frozenset(NEGATE) | {"so", "this"}
_IDIOMS = frozenset(
    max(phrase.split(), key=len) for phrase in (*SPECIAL_CASES, *BOOSTER_DICT) if " " in phrase
)
"""A word of each idiom that the package knows: without one of them there is none."""


class _Rules(SentimentIntensityAnalyzer):  # type: ignore[misc]  # the package is untyped
    """The package, which looks for negation and idioms only where a word of theirs stands."""

    def _negation_check(self, valence: float, words: list[str], start_i: int, i: int) -> Any:
        before = [word.lower() for word in words[max(0, i - _BEFORE) : i]]
        if _NEGATORS.isdisjoint(before) and not any("n't" in word for word in before):
            return valence
        return super()._negation_check(valence, words, start_i, i)

    def _special_idioms_check(self, valence: float, words: list[str], i: int) -> Any:
        if _IDIOMS.isdisjoint(word.lower() for word in words):
            return valence
        return super()._special_idioms_check(valence, words, i)


class Vader:
    """Scores texts as ``SentimentIntensityAnalyzer`` does; only read once built, so threads may share it.

    ``without`` are words taken out of the package's list.
    """

    def __init__(self, without: frozenset[str] = frozenset()) -> None:
        self._package = _Rules()
        for word in without:
            self._package.lexicon.pop(word, None)
        self._known: dict[str, float] = self._package.lexicon
        signs = "".join(sign for sign in self._package.emojis if len(sign) == 1)
        self._emoji = re.compile(f"[{re.escape(signs)}]")

    def compound(self, text: str) -> float:
        """Return the package's compound score of a text, −1 to 1."""
        text = self._in_words(text).strip()
        words = _words(text)
        lowered = [word.lower() for word in words]
        if self._known.keys().isdisjoint(lowered):
            return 0.0
        capitals: bool = allcap_differential(words)
        values = [0.0] * len(words)
        for index, word in enumerate(lowered):
            if word in self._known and not _is_modifier(lowered, index):
                values[index] = self._value(words, index, is_cap_diff=capitals)
        if "but" in lowered:
            _weigh_but(values, lowered.index("but"))
        return float(self._package.score_valence(values, text)["compound"])

    def _in_words(self, text: str) -> str:
        """Return a text with its emoji spelt out, as the package spells them."""
        if text.isascii():
            return text

        def spelt(match: re.Match[str]) -> str:
            at = match.start()
            description: str = self._package.emojis[match.group()]
            return description if at == 0 or text[at - 1] == " " else f" {description}"

        return self._emoji.sub(spelt, text)

    def _value(self, words: list[str], index: int, *, is_cap_diff: bool) -> float:
        first = max(0, index - _BEFORE)
        window = _Window(words[first : index + _AFTER + 1], is_cap_diff)
        found = self._package.sentiment_valence(0, window, words[index], index - first, [])
        return float(found[0])


def _words(text: str) -> list[str]:
    # A sign of one or two letters left may be a face, ":)" or ":D": it stays as it is.
    return [bare if len(bare := word.strip(punctuation)) > 2 else word for word in text.split()]


def _is_modifier(lowered: list[str], index: int) -> bool:
    word = lowered[index]
    return word in BOOSTER_DICT or (word == "kind" and lowered[index + 1 : index + 2] == ["of"])


def _weigh_but(values: list[float], but: int) -> None:
    """Halve what stands before "but", and strengthen what stands behind it, as the package does.

    The package looks up each value's first place in the list and weighs that one: of two equal values the
    first is weighed twice, the second not at all. Zeros stay zeros.
    """
    places: dict[float, list[int]] = {}
    for index, value in enumerate(values):
        if value:
            places.setdefault(value, []).append(index)  # in order, so already a heap
    for index in range(len(values)):
        value = values[index]
        if not value:
            continue
        first = heappop(places[value])
        values[first] = weighed = value * (_BEFORE_BUT if first < but else _AFTER_BUT)
        heappush(places.setdefault(weighed, []), first)
