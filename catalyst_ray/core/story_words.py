"""Owns what a headline is reduced to before headlines are compared: its telling words, and its turns.

Who sends it, whose news it is and words that say nothing go; turns are words that make another story of it
(proposed and priced, raises and cuts). The lists are data (``data/stories.toml``). Pure.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from catalyst_ray.core.text import fold, normal_title

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_CHARS = 600
"""Of a title or first sentence; more is not compared."""
_TAG = re.compile(r"[(\[] ?[A-Za-z][A-Za-z .]{1,24}: ?[A-Z][A-Z0-9.\-]{0,9}(?:, ?[A-Z .:]{1,20})? ?[)\]]")
_TICKER = re.compile(r"^\s*(?:\$[A-Z][A-Z0-9.]{0,6}\b[\s:,\-–—]*|[A-Z]{2,5}(?::\s+|\s+[-–—]\s+))")
_DATELINE = re.compile(
    r"^(?:[^/\n]{2,60} / [^/\n]{2,40} / [^/\n]{4,30} / |.{0,140}?(?:\) ?[-–—]{1,2} ?|/ ?[-–—]{1,2} | -- | [–—] ))"
)
_PROPER = re.compile(r"(?<!\w)[A-Z][\w.&'’-]*")
_ENDINGS = re.compile(r"(?:ings?|ed|e?s|e|al)$")
_LEAST_STEM = 4
_PRICE_TARGET = frozenset({"price", "target"})


@dataclass(frozen=True, slots=True)
class StoryTables:
    """``data/stories.toml``, compiled once."""

    prefix: re.Pattern[str]
    fillers: frozenset[str]
    titles: frozenset[str]
    turns: tuple[tuple[frozenset[str], ...], ...]
    kin: tuple[str, ...]
    once: tuple[str, ...]
    opinions: tuple[str, ...]
    opinion_words: frozenset[str]
    short: tuple[str, ...]
    long: re.Pattern[str]
    """What is written out; group n stands for ``short[n - 1]``."""

    def events_of(self, codes: Iterable[str]) -> frozenset[str]:
        """Return codes of events with those that are kin made one."""
        return frozenset(next((kin for kin in self.kin if code.startswith(kin)), code) for code in codes)

    def happens_once(self, codes: Iterable[str]) -> bool:
        """Return whether one of the events is such that a company has one of them in a day."""
        return any(code.startswith(self.once) for code in codes)

    def once_of(self, codes: Iterable[str]) -> str:
        """Return what happens once a day that the first of the events is about, if it is such a one."""
        first = next(iter(codes), "")
        return next((kind for kind in self.once if first.startswith(kind)), "")

    def is_opinion(self, codes: Iterable[str], words: Iterable[str]) -> bool:
        """Return whether a text is what somebody thinks of the company, by its events or its words."""
        said = frozenset(words)
        if any(code.startswith(self.opinions) for code in codes):
            return True
        return not self.opinion_words.isdisjoint(said) or said >= _PRICE_TARGET

    def turns_of(self, words: frozenset[str]) -> tuple[int, ...]:
        """Return one figure a group of turns: bit n is set where a word of side n stands."""
        return tuple(
            sum(1 << side for side, turn in enumerate(group) if turn & words) for group in self.turns
        )


@cache
def raw_tables() -> dict[str, Any]:
    """Return ``data/stories.toml`` as it is."""
    return tomllib.loads(files("catalyst_ray.core").joinpath("data/stories.toml").read_text("utf-8"))


@cache
def tables() -> StoryTables:
    """Return the tables of words."""
    raw = raw_tables()
    prefixes = "|".join(raw["prefixes"])
    return StoryTables(
        prefix=re.compile(rf"^\W*(?:{prefixes})(?:\s*[-:–—/]+\s*|\s*\.\.+\s*| (?=[A-Z]))", re.IGNORECASE),
        fillers=frozenset(raw["fillers"].split()),
        titles=frozenset(raw["titles"].split()),
        turns=tuple(tuple(frozenset(side.split()) for side in group) for group in raw["turns"]),
        kin=tuple(raw["kin"]),
        once=tuple(raw["once"]),
        opinions=tuple(raw["opinions"]),
        opinion_words=frozenset(raw["opinion_words"].split()),
        short=tuple(short for _, short in raw["short"]),
        long=re.compile("|".join(rf"\b({long})\b" for long, _ in raw["short"]), re.IGNORECASE),
    )


def bare(text: str) -> str:
    """Return a headline without marks of its sender and without tickers, folded, its case kept."""
    shown = _TAG.sub(" ", fold(text[:MAX_CHARS]))
    for _ in range(3):  # "UPDATE 1-BRIEF-ABCD: …"
        shorter = _TICKER.sub("", tables().prefix.sub("", shown))
        if shorter == shown or not shorter.strip():
            break
        shown = shorter
    return shown


def shortened(text: str) -> str:
    """Return a text with names by their short form ("FDA"), where senders write them either way."""
    known = tables()
    return known.long.sub(lambda match: known.short[(match.lastindex or 1) - 1], text)


@lru_cache(maxsize=16_384)
def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a bare headline in lower case, as ``normal_title`` has them."""
    return tuple(normal_title(text).split())


def without_dateline(text: str) -> str:
    """Return a text without what stands before a wire's dash ("CAMBRIDGE, Mass., Nov. 23 (GLOBE NEWSWIRE) --")."""
    return _DATELINE.sub("", text, count=1)


def proper(text: str, names: frozenset[str]) -> frozenset[str]:
    """Return stems of a sentence's words with a capital, the first apart: whom or what it names beside ``names``."""
    known = tables().titles | names
    found = (part for match in _PROPER.finditer(text, 1) for part in words_of(match[0]))
    return frozenset(
        _stem(part) for part in found if part not in known and len(part) > 1 and not part[0].isdigit()
    )


def telling(words: Iterable[str], names: frozenset[str]) -> tuple[str, ...]:
    """Return stems of the words that tell something: no fillers, no ``names``, no figures; each once, in order."""
    known = tables().fillers | names
    return tuple(dict.fromkeys(_stem(word) for word in words if word not in known and not word[0].isdigit()))


def _stem(word: str) -> str:
    """Cut an ending: "prices", "priced" and "pricing" are one word."""
    stem = word
    for _ in range(2):
        shorter = _ENDINGS.sub("", stem)
        if len(shorter) < _LEAST_STEM:
            break
        stem = shorter
    return stem
