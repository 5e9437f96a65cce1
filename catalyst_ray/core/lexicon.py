"""Owns the signed finance words and phrases, and the reading of figures that rise or fall.

The words are data (``data/lexicon.toml``), our own choice. Three readings of a sentence add up: phrases
("beats estimates"), single words ("bankruptcy"), and a direction with its measure ("loss narrowed",
"costs rose", "EPS $0.38 vs $0.33"). It does not know events, nor the general words that VADER knows.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from catalyst_ray.core.phrases import PhraseIndex
from catalyst_ray.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalyst_ray.core.phrases import Found, Words

_MEASURE_BEFORE = 9
"""How far before a direction its measure may stand, words ("sales in the third quarter rose")."""
_MEASURE_AFTER = 5
_FIGURE_REACH = 7
"""How far from "compared with" the two figures may stand, words."""
_SCALES = {
    "k": 1e3, "thousand": 1e3, "m": 1e6, "mn": 1e6, "mln": 1e6, "mm": 1e6, "million": 1e6,
    "cent": 1e-2, "cents": 1e-2, "b": 1e9, "bn": 1e9, "bln": 1e9, "billion": 1e9, "trillion": 1e12,
}  # fmt: skip

_CURRENCY = re.compile(r"\A(?:eur|usd|gbp|sek|nok|dkk|chf|cad|aud|inr|rs|us)?[$€£]?(?=-?\d)")


@dataclass(frozen=True, slots=True)
class Directions:
    """Words that say which way a measure went, and which way is good."""

    up: frozenset[str]
    down: frozenset[str]
    good: frozenset[str]
    bad: frozenset[str]
    breaks: frozenset[str]
    particles: frozenset[str]
    comparers: frozenset[str]
    movers: frozenset[str]
    wishes: frozenset[str]
    lead: frozenset[str]
    lone: frozenset[str]
    measured: float
    alone: float
    compared: float
    beside: float
    untold: float


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Signed words, compiled once."""

    terms: dict[str, float]
    phrases: PhraseIndex[float]
    directions: Directions
    negators: frozenset[str]
    negator_reach: int
    negated: float
    doubts: frozenset[str]
    doubted: float
    neutral: frozenset[str]
    suffixes: frozenset[str]
    name_stops: frozenset[str]

    @property
    def own_words(self) -> frozenset[str]:
        """Return every word judged here, which no other word list may judge again."""
        way = self.directions
        return frozenset(self.terms) | way.up | way.down | way.good | way.bad

    def core_name(self, name: str) -> str:
        """Return a company's name without its legal form and EDGAR's state ("/DE/"), as headlines have it."""
        words = name.partition("/")[0].replace(",", " ").split()
        while len(words) > 1 and words[-1].lower().rstrip(".") in self.suffixes:
            words.pop()
        return " ".join(words)

    def read(self, text: Words) -> float:
        """Return the sum of the signed readings of one sentence; no bound, 0 when nothing was read.

        A word read once is not read again: the longest phrase comes first, words that stand alone after all
        phrases, and a measure ("loss") says nothing beside its direction ("narrowed").
        """
        tokens = text.tokens
        used = [False] * len(tokens)
        total = 0.0
        for found in sorted(self.phrases.find(text), key=_shortness):
            if not any(used[found.start : found.end]):
                used[found.start : found.end] = [True] * (found.end - found.start)
                total += found.tag * self._negation(tokens, found.start)
        ways = list(self._ways(tokens, used))
        for _, measure in ways:
            used[measure] = measure >= 0 or used[measure]
        for index, token in enumerate(tokens):
            weight = self.terms.get(token)
            if weight is not None and not used[index]:
                total += weight * self._negation(tokens, index)
        told = self._together(tokens, ways) if ways else self._comparison(tokens, used)
        return total + (told or self._lone(tokens, used))

    def _together(self, tokens: tuple[str, ...], ways: list[tuple[float, int]]) -> float:
        """Return the sum of the ways; where they differ, that of profit counts, others a little."""
        total = sum(value for value, _ in ways)
        led = sum(
            value for value, measure in ways if measure >= 0 and tokens[measure] in self.directions.lead
        )
        is_mixed = any(value * led < 0 for value, _ in ways)
        return led + self.directions.beside * (total - led) if is_mixed else total

    def _lone(self, tokens: tuple[str, ...], used: list[bool]) -> float:
        """Return the reading of a loss of which only the figure is told."""
        way = self.directions
        lone = next(
            (index for index, word in enumerate(tokens) if word in way.lone and not used[index]), None
        )
        return way.untold * self._negation(tokens, lone) if lone is not None else 0.0

    def _negation(self, tokens: tuple[str, ...], index: int) -> float:
        before = tokens[max(0, index - self.negator_reach) : index]
        return self.negated if any(word in self.negators for word in before) else 1.0

    def _ways(self, tokens: tuple[str, ...], used: list[bool]) -> Iterator[tuple[float, int]]:
        """Yield each direction's reading and the index of its measure, −1 where it has none."""
        way = self.directions
        last_measure = -1
        for index, token in enumerate(tokens):
            sign = (token in way.up) - (token in way.down)
            if not sign or used[index] or self._is_particle(tokens, index):
                continue
            measure = self._measure(tokens, used, index)
            if measure is None:
                if index == 0 or tokens[index - 1] not in way.wishes:  # "to increase" is a wish, no rise
                    yield sign * way.alone, -1
            elif measure != last_measure:  # "profit rose, up 12 %" is one rise of one measure
                last_measure = measure
                good = 1 if tokens[measure] in way.good else -1
                yield sign * good * way.measured * self._negation(tokens, index), measure

    def _is_particle(self, tokens: tuple[str, ...], index: int) -> bool:
        # "up to $25 million", "set up", "shut down" say no direction; "has gone up to" does.
        if tokens[index] not in ("up", "down"):
            return False
        before = tokens[index - 1] if index else ""
        after = tokens[index + 1] if index + 1 < len(tokens) else ""
        return (after == "to" and before not in self.directions.movers) or before in self.directions.particles

    def _measure(self, tokens: tuple[str, ...], used: list[bool], index: int) -> int | None:
        before = self._nearest(tokens, used, range(index - 1, max(-1, index - 1 - _MEASURE_BEFORE), -1))
        after = self._nearest(tokens, used, range(index + 1, min(len(tokens), index + 1 + _MEASURE_AFTER)))
        if before is None or after is None:
            return after if before is None else before
        return before if index - before <= after - index else after

    def _nearest(self, tokens: tuple[str, ...], used: list[bool], reach: range) -> int | None:
        way = self.directions
        for index in reach:
            if tokens[index] in way.breaks:
                return None
            is_unit = index > 0 and tokens[index - 1] == "per"  # "loss per share": the loss is measured
            if not (is_unit or used[index]) and (tokens[index] in way.good or tokens[index] in way.bad):
                return index
        return None

    def _comparison(self, tokens: tuple[str, ...], used: list[bool]) -> float:
        way = self.directions
        for index, token in enumerate(tokens):
            if token not in way.comparers or used[index]:
                continue
            now = _figure(tokens, range(index - 1, max(-1, index - 1 - _FIGURE_REACH), -1))
            then = _figure(tokens, range(index + 1, min(len(tokens), index + 1 + _FIGURE_REACH)))
            measure = next((word for word in tokens if word in way.good or word in way.bad), None)
            if now is not None and then is not None and now != then and measure:
                good = 1 if measure in way.good else -1
                return good * way.compared * (1 if now > then else -1)
        return 0.0


def _shortness(found: Found[float]) -> int:
    return found.start - found.end


def _figure(tokens: tuple[str, ...], reach: range) -> float | None:
    for index in reach:
        figure = _number(tokens, index)
        if figure is None:
            continue
        other = _number(tokens, index + reach.step) if 0 <= index + reach.step < len(tokens) else None
        return figure if other is None else (figure + other) / 2  # "$3.20-$3.50" is its middle
    return None


def _number(tokens: tuple[str, ...], index: int) -> float | None:
    digits = _CURRENCY.sub("", tokens[index]).rstrip("%").replace(",", "")
    unit = digits.lstrip("-0123456789.")
    if unit and unit not in _SCALES:
        return None
    try:
        figure = float(digits.removesuffix(unit))
    except ValueError:
        return None
    if 1900 <= figure <= 2100 and tokens[index].isdecimal():
        return None  # a year
    after = tokens[index + 1] if index + 1 < len(tokens) else ""
    return figure * _SCALES.get(unit or after, 1.0)


@cache
def default_lexicon() -> Lexicon:
    """Return the lexicon that ships with the program."""
    return load_lexicon(files("catalyst_ray.core").joinpath("data/lexicon.toml").read_text("utf-8"))


def load_lexicon(text: str) -> Lexicon:
    """Build a lexicon from TOML.

    Raises:
        ConfigError: The text is no lexicon; the key says where.
    """
    try:
        table = tomllib.loads(text)
        return _build(table)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"unreadable: {error!r}", key="lexicon.toml", hint="compare it with the file shipped"
        ) from error


def _build(table: dict[str, Any]) -> Lexicon:
    way, negation = table["direction"], table["negation"]
    sets = {name: str(way[name]) for name in ("up", "down", "good", "bad")} | table["words"]
    return Lexicon(
        terms={word: float(row["weight"]) for row in table["terms"] for word in row["match"].split()},
        phrases=PhraseIndex.build(
            [(phrase, float(row["weight"])) for row in table["phrases"] for phrase in row["match"]], sets
        ),
        directions=_directions(way),
        negators=frozenset(negation["words"].split()),
        negator_reach=int(negation["reach"]),
        negated=float(negation["factor"]),
        doubts=frozenset(table["doubt"]["words"].split()),
        doubted=float(table["doubt"]["factor"]),
        neutral=frozenset(table["neutral"]["words"].split()),
        suffixes=frozenset(table["names"]["suffixes"].split()),
        name_stops=frozenset(table["names"]["stops"].split()),
    )


def _directions(way: dict[str, Any]) -> Directions:
    fields: dict[str, Any] = {
        name: frozenset(value.split()) if isinstance(value, str) else float(value)
        for name, value in way.items()
    }
    return Directions(**fields)
