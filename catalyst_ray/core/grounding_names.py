"""Names in a sentence, and whether a source knows them: people, companies, bodies, abbreviations.

A name is a capitalised word where capitals tell names apart. Owns no figures and no dates beyond month names; words that
are capitalised without naming anyone are data (``data/common_words.toml``).
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from catalyst_ray.core.grounding_dates import MONTHS

if TYPE_CHECKING:
    from collections.abc import Iterable

_WORD = re.compile(r"[^\W_]+(?:[&.'’][^\W_]+)*")
_OPENS = frozenset("\"“‘'(:;-–—")
_SMALL_WORDS = frozenset({"of", "and", "the", "for", "in", "on", "to", "&", "de"})
_SHORTEST_CASED = 4
"""Letters of a word whose capital counts when a sentence is taken for title case."""
_TITLE_SHARE = 0.7
_FEWEST_TITLED = 3
_LONGEST_ACRONYM = 6


class NameBook:
    """The names that a source holds.

    Args:
        source: The text that names must stand in.
        known: Names that are always allowed: the company's own, its ticker.
        months: Months that its dates state.
    """

    def __init__(self, source: str, known: Iterable[str] = (), months: Iterable[int] = ()) -> None:
        texts = [source, *known]
        self._words = {_normal(word) for text in texts for word in _WORD.findall(text)} | _list(
            "common", "known", "legal"
        )
        self._acronyms = {acronym for text in texts for acronym in _acronyms(text)}
        self._months = frozenset(months)

    def misses(self, sentence: str) -> bool:
        """Return whether the sentence names anyone whom the source does not."""
        found = list(_WORD.finditer(sentence))
        unknown = [self._is_unknown(index, found) for index in range(len(found))]
        is_title = _is_title_case([match[0] for match in found[1:]])
        for index, match in enumerate(found):
            if not unknown[index]:
                continue
            begins_a_name = any(
                _touch(match, word, sentence) and (unknown[index + 1] or _is_legal_form(word[0]))
                for word in found[index + 1 : index + 2]
            )
            opens = index == 0 or sentence[: match.start()].rstrip()[-1:] in _OPENS
            if begins_a_name or _is_unlike_a_word(match[0]) or not (opens or is_title):
                return True
        return False

    def _is_unknown(self, index: int, found: list[re.Match[str]]) -> bool:
        word = found[index][0]
        if not word[0].isupper() or any(letter.isdigit() for letter in word):
            return False
        normal = _normal(word)
        if normal in self._words or normal.removesuffix("s") in self._words or f"{normal}s" in self._words:
            return False
        if MONTHS.get(normal) in self._months or normal in self._acronyms:
            return False
        return not self._is_spelled_out(index, found)

    def _is_spelled_out(self, index: int, found: list[re.Match[str]]) -> bool:
        """Return whether a run of words that holds this one has its initials in the source ("FDA")."""
        first = last = index
        words = [match[0] for match in found]
        while first and (words[first - 1][0].isupper() or words[first - 1] in _SMALL_WORDS):
            first -= 1
        while last + 1 < len(words) and (words[last + 1][0].isupper() or words[last + 1] in _SMALL_WORDS):
            last += 1
        run = [at for at in range(first, last + 1) if words[at][0].isupper()]
        initials = "".join(words[at][0] for at in run).casefold()
        own = run.index(index)
        return any(
            initials[start:end] in self._words
            for start in range(own + 1)
            for end in range(max(own + 1, start + 2), min(len(initials), start + _LONGEST_ACRONYM) + 1)
        )


def content_words(text: str) -> frozenset[str]:
    """Return the words of a text that carry its matter: four letters or more, none that stands in any news."""
    words = {_normal(word) for word in _WORD.findall(text)}
    return frozenset(word for word in words if len(word) >= _SHORTEST_CASED) - _list("empty")


def _touch(match: re.Match[str], following: re.Match[str], sentence: str) -> bool:
    return sentence[match.end() : following.start()] in {" ", "-", ". "}


def _is_legal_form(word: str) -> bool:
    return word[0].isupper() and _normal(word) in _list("legal")


def _is_unlike_a_word(word: str) -> bool:
    bare = word.removesuffix("'s").removesuffix("’s")
    return len(bare) > 1 and any(letter.isupper() for letter in bare[1:])


def _is_title_case(words: list[str]) -> bool:
    cased = [word for word in words if len(word) >= _SHORTEST_CASED and word[0].isalpha()]
    titled = sum(word[0].isupper() for word in cased)
    return titled >= _FEWEST_TITLED and titled >= _TITLE_SHARE * len(cased)


def _normal(word: str) -> str:
    bare = word.replace("’", "'").casefold()
    return bare.removesuffix("'s").removesuffix("'").replace(".", "")


def _acronyms(text: str) -> Iterable[str]:
    words = [word for word in _WORD.findall(text) if word not in _SMALL_WORDS]
    for start in range(len(words)):
        initials = ""
        for following in words[start : start + _LONGEST_ACRONYM]:
            if not following[0].isupper():
                break
            initials += following[0].casefold()
            if len(initials) > 1:
                yield initials


@cache
def _list(*names: str) -> frozenset[str]:
    lists = tomllib.loads((files("catalyst_ray.core") / "data" / "common_words.toml").read_text("utf-8"))
    return frozenset(_normal(word) for name in names for word in lists[name].split())
