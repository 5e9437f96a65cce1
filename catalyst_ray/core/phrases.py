"""Owns the small language in which the TOML tables say what to look for, and the matching of it.

A phrase is words between spaces, and always matches whole words, whatever their case:

    offering              that word
    priced|prices         one of these words
    price_target|pt       an underscore joins the words of one alternative
    @                     the name of a company that the text is about (see ``Words.without``)
    <shares>              a set of alternatives named in the table ``[words]``
    common?               that word or nothing
    #                     a number or an amount ($25, 13.9, 134%); an alternative too (million|#)
    ~  ~6                 up to three (six) words, none of them the end of a sentence
    ^                     the beginning of the text (first element only)

It does not know what a phrase means: ``events`` and ``lexicon`` attach codes and weights.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from catalyst_ray.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Tag = TypeVar("Tag")

MAX_GAP = 10
"""Longest gap of a phrase, words. Bounded gaps keep every pattern linear in the text."""

_TOKEN = re.compile(
    r"(?P<month>(?<=in )may\b|\bmay(?=\.? \d))"  # the month, not the doubt
    r"|\$?\(\$?(?P<negative>\d+\.\d+)\)"  # EPS of $(0.78): a loss
    r"|(?:(?<!\S)-)?[$€£]?\d+(?:[.,]\d+)*[^\W_]*%?"  # $25, 1,000, 13.9, 5m, 134%, -0.4
    r"|[^\W_]+(?:['’.&][^\W_]+)*"  # words; AT&T, don't and U.S stay whole
    r"|[.;!?](?=\s|$)"  # the end of a sentence, but not of "Inc." or "vs."
    r"(?<!\b(?:vs|dr|mr|jr|sr|st|co)\.)(?<!\b(?:est|adj|rev|qtr|inc|ltd|u\.s|u\.k)\.)(?<!\bcorp\.)"
)
_PLAIN = {";": ".", "!": ".", "?": ".", "u.s": "us", "u.k": "uk"}
_JOINT = "\u00a0"
"""Holds the words of a name together: not a space, yet seen as one."""
_MIN_NAME = 4
_NUMBER = r" [-$€£]*\d[^ ]*"
_NAME = rf" {_JOINT}[^ ]+"
_ANY = {"#": _NUMBER, "@": _NAME}
"""Alternatives that stand for no certain word."""
_WORD = r" (?!\. )[^ ]+"


@dataclass(frozen=True, slots=True)
class Words:
    """A text as lower-case words; ``.`` stands for every end of a sentence."""

    tokens: tuple[str, ...]
    joined: str
    """The tokens with one space before and after each."""

    def without(self, names: Iterable[str]) -> Words:
        """Return the text with each of these names made one word that no phrase knows ("Grave Loss Corp").

        Names of fewer than four letters stay: "On" and "Now" are companies, and words.
        """
        joined = self.joined
        for name in names:
            known = " ".join(split_words(name).tokens)
            if len(known) >= _MIN_NAME and known in joined:
                one_word = _JOINT + known.replace(" ", _JOINT)
                for ending in ("", "'s"):
                    joined = joined.replace(f" {known}{ending} ", f" {one_word}{ending} ")
        return self if joined == self.joined else Words(tuple(joined[1:-1].split(" ")), joined)

    def indexes(self) -> dict[int, int]:
        """Return the index of each token by the offset in ``joined`` of the space before it."""
        indexes: dict[int, int] = {}
        offset = 0
        for index, token in enumerate(self.tokens):
            indexes[offset] = index
            offset += len(token) + 1
        return indexes

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Return where tokens ``start`` to ``end`` stand in the text as it was split, before ``without``."""
        if _JOINT not in self.joined:
            return start, end
        before = sum(max(1, token.count(_JOINT)) for token in self.tokens[:start])
        return before, before + sum(max(1, token.count(_JOINT)) for token in self.tokens[start:end])


def split_words(text: str) -> Words:
    """Split a text into words, in time linear in its length."""
    tokens = tuple([_normal(match) for match in _TOKEN.finditer(_lowered(text))])
    return Words(tokens, f" {' '.join(tokens)} ")


def located_words(text: str) -> tuple[Words, list[tuple[int, int]]]:
    """Split a text into words, with the characters at which each begins and ends."""
    matches = list(_TOKEN.finditer(_lowered(text)))
    tokens = tuple([_normal(match) for match in matches])
    return Words(tokens, f" {' '.join(tokens)} "), [match.span() for match in matches]


def _lowered(text: str) -> str:
    # A few letters have a lower case of two characters, which would move what stands behind them.
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(small if len(small := letter.lower()) == 1 else letter for letter in text)


def _normal(match: re.Match[str]) -> str:
    if match.lastindex is not None:
        return "month_5" if match["month"] else f"-{match['negative']}"
    word = match.group()
    if "’" in word:
        word = word.replace("’", "'")
    if word[0] == "-":
        return f"-{word.lstrip('-$€£')}"
    return _PLAIN.get(word, word)


@dataclass(frozen=True, slots=True)
class Found(Generic[Tag]):
    """One match: what it was filed under, its tokens ``start`` to ``end``, its words."""

    tag: Tag
    start: int
    end: int
    words: str


@dataclass(frozen=True, slots=True)
class _Entry(Generic[Tag]):
    number: int
    pattern: re.Pattern[str]
    needs: tuple[frozenset[str], ...]
    """Of each of these sets a text must hold a word too, or the pattern need not be tried."""
    tag: Tag


@dataclass(slots=True)
class PhraseIndex(Generic[Tag]):
    """Many phrases, each reached only through a word that it cannot match without.

    A headline of a dozen words thus runs a handful of regular expressions, not hundreds.
    """

    _by_word: dict[str, list[_Entry[Tag]]] = field(default_factory=dict)
    _size: int = 0

    @classmethod
    def build(cls, entries: Iterable[tuple[str, Tag]], sets: Mapping[str, str]) -> PhraseIndex[Tag]:
        """Compile phrases; those given first come first among the matches.

        Raises:
            ConfigError: A phrase cannot be read; ``key`` is the phrase.
        """
        index: PhraseIndex[Tag] = cls()
        for phrase, tag in entries:
            pattern, (anchors, *others) = compile_phrase(phrase, sets)
            entry = _Entry(index._size, pattern, tuple(frozenset(words) for words in others), tag)
            for word in anchors:
                index._by_word.setdefault(word, []).append(entry)
            index._size += 1
        return index

    def find(self, text: Words) -> list[Found[Tag]]:
        """Return the matches of every phrase in a text, in the order the phrases were given."""
        by_word = self._by_word
        tokens = set(text.tokens)
        candidates: dict[int, _Entry[Tag]] = {}
        for token in by_word.keys() & tokens:
            for entry in by_word[token]:
                for needed in entry.needs:
                    if needed.isdisjoint(tokens):
                        break
                else:
                    candidates[entry.number] = entry
        found = []
        indexes: dict[int, int] = {}
        for number in sorted(candidates):
            entry = candidates[number]
            for match in entry.pattern.finditer(text.joined):
                indexes = indexes or text.indexes()
                start = indexes[match.start()]
                words = match.group()[1:]
                end = start + words.count(" ") + 1
                found.append(Found(entry.tag, start, end, " ".join(words.split())))
        return found


def compile_phrase(phrase: str, sets: Mapping[str, str]) -> tuple[re.Pattern[str], list[tuple[str, ...]]]:
    """Return a phrase's pattern over ``Words.joined``, and groups of words: every match holds one of each.

    The group that is rarest in headlines comes first.

    Raises:
        ConfigError: The phrase names an unknown set, a gap too long, or no word at all.
    """
    parts: list[str] = []
    groups: list[tuple[str, ...]] = []
    for position, element in enumerate(phrase.split()):
        if element == "^" and position == 0:
            parts.append(r"\A")
        elif element.startswith("~"):
            parts.append(f"(?:{_WORD}){{0,{_gap(element, phrase)}}}?")
        else:
            options = _options(element.removesuffix("?"), phrase, sets)
            one_of = "|".join(_ANY.get(option) or f" {re.escape(option)}" for option in options)
            parts.append(f"(?:{one_of})?" if element.endswith("?") else f"(?:{one_of})")
            if not element.endswith("?") and _ANY.keys().isdisjoint(options):
                groups.append(_anchors(options))
    if phrase.rpartition(" ")[2].startswith("~"):
        raise ConfigError("a gap at the end matches nothing", key=phrase, hint="remove it")
    if not groups:
        raise ConfigError("a phrase needs at least one word", key=phrase, hint="add a word without '?'")
    return re.compile("".join(parts) + "(?= )"), sorted(groups, key=_rarity, reverse=True)


def _gap(element: str, phrase: str) -> int:
    digits = element[1:] or "3"
    if not digits.isdecimal() or int(digits) > MAX_GAP:
        raise ConfigError(f"gap {element} is no number up to {MAX_GAP}", key=phrase, hint="write ~ or ~5")
    return int(digits)


def _options(element: str, phrase: str, sets: Mapping[str, str]) -> list[str]:
    options: list[str] = []
    for option in element.split("|"):
        if not option.startswith("<"):
            options.append(option.replace("_", " ").lower())
        elif (name := option.strip("<>")) in sets:
            options += [word.replace("_", " ").lower() for word in sets[name].split()]
        else:
            raise ConfigError(f"no word set named {name}", key=phrase, hint="add it to [words]")
    if not all(options):
        raise ConfigError("an alternative is empty", key=phrase, hint="remove the extra '|'")
    return options


def _anchors(options: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(max(option.split(), key=len) for option in options))


def _rarity(words: tuple[str, ...]) -> tuple[int, int]:
    # Long words are rare in headlines, so a phrase waits for its longest sure one.
    return min((len(word) for word in words), default=0), -len(words)
