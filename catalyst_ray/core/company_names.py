"""Owns finding companies by their names in running text, from an index built of the ticker map.

A name is found by its words: the registered name without its legal form, the first words of it that no other
company shares, and the short forms and former names that people use (``name_words``). What several companies
share is reported as such; a name that is also a word needs evidence beside it. One dictionary look-up a
capitalised word; linear in the text. It knows no tickers; which names are taken is for ``tickers`` to say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from catalyst_ray.core.name_evidence import Page, is_company
from catalyst_ray.core.name_words import fold, is_plain, known_names, name_key, name_words, strangers
from catalyst_ray.core.securities import kind_by_name
from catalyst_ray.models import SecurityKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

MAX_SHARED = 5
"""Companies kept of those that share a name."""
_SHELL = re.compile(r"(?i)\bacquisitions?\s+(?:corp|co|inc|ltd|limited|holdings?|[ivx]+)\b|\bSPAC\b")
_POSSESSIVES = ("'s", "’s", "'S", "’S")
_REACH = 10
"""Words within which a name ends."""
_MIN_SHORT = 4
"""Letters that the only word of a short form must have, where the index found the form by itself."""


@dataclass(frozen=True, slots=True)
class NameHit:
    """A company's name in a text.

    Args:
        ciks: Whose it is; several where they share it.
        is_sure: It means a company by itself or by the words beside it.
    """

    ciks: tuple[int, ...]
    start: int
    end: int
    is_sure: bool


@dataclass(slots=True)
class _Entry:
    """What some words in a row may name.

    Args:
        is_stranger: It names a company of which the US may know no share.
        known: Companies that go by exactly this, as a table says.
        whole: Companies whose whole name it is.
        begun: Companies whose name begins so; each once.
    """

    is_stranger: bool = False
    known: tuple[int, ...] = ()
    whole: tuple[int, ...] = ()
    begun: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Found:
    """A name by the numbers of its words; ``end`` is that of the word behind it."""

    ciks: tuple[int, ...]
    key: tuple[str, ...]
    at: int
    end: int
    is_known: bool
    is_whole: bool
    is_owner: bool

    def hit(self, page: Page) -> NameHit:
        """Return it by its place in the text, weighed."""
        last = page.words[self.end - 1].end() - (2 if self.is_owner else 0)
        sure = is_company(
            page,
            self.at,
            self.end,
            self.key,
            is_whole=self.is_whole,
            is_known=self.is_known,
            is_owner=self.is_owner,
        )
        return NameHit(self.ciks, page.words[self.at].start(), last, sure)


@dataclass(frozen=True, slots=True)
class CompanyNames:
    """The index. ``_entries`` holds every beginning of every name, so that a name is walked word by word."""

    _entries: Mapping[str, _Entry] = field(default_factory=dict)

    @classmethod
    def of(cls, companies: Iterable[tuple[int, str]]) -> Self:
        """Build the index of (CIK, registered name) pairs; later names of one CIK are passed over."""
        entries: dict[str, _Entry] = {}
        names: dict[int, str] = {}
        for cik, name in companies:
            names.setdefault(cik, name)
        for cik, name in names.items():
            words = name_key(name)
            if words:
                _add(entries, words, cik, is_short_too=not _is_shell(name))
        for cik, others in known_names().items():
            for other in others if cik in names else ():
                words = name_key(other)
                taken = entries.get(" ".join(words))
                if taken and _without(taken.whole, cik):
                    continue  # somebody else's registered name by now
                _add(entries, words, cik, is_short_too=False)
                entry = entries[" ".join(words)]
                entry.known, entry.whole = _joined(entry.known, cik), _without(entry.whole, cik)
        for words in strangers():
            if stranger := entries.get(" ".join(words)):
                stranger.is_stranger = True
        _settle(entries, {cik: place for place, cik in enumerate(names)})
        return cls(entries)

    def find(self, text: str) -> Iterator[NameHit]:
        """Yield the names in a text, in its order; none overlaps another."""
        page = Page(text)
        behind = 0
        for at in page.beginnings(self._entries):
            if at >= behind and (found := self._longest(page, at)):
                yield found.hit(page)
                behind = found.end

    def _longest(self, page: Page, at: int) -> _Found | None:
        """Return the longest name that begins with a word."""
        best: _Found | None = None
        key = ""
        words: list[str] = []
        for end in range(at, min(at + _REACH, len(page.words))):
            written = page.words[end].group()
            if words and (written == "and" or not page.may_go_on(end)):
                if written == "and":
                    continue
                break
            word, is_owner = fold(written), False
            entry = self._entries.get(key + word)
            if entry is None and written.endswith(_POSSESSIVES):
                word, is_owner = fold(written[:-2]), True
                entry = self._entries.get(key + word)
            if entry is None:
                break
            words.append(word)
            key += f"{word} "
            if (ciks := _owners(entry, words)) is not None:
                whole = bool(entry.known or entry.whole)
                best = _Found(ciks, tuple(words), at, end + 1, bool(entry.known), whole, is_owner)
            if is_owner:
                break
        return best


def _is_shell(name: str) -> bool:
    """Return whether a name's first word says little: of funds and blank-check companies there are many a house."""
    return kind_by_name(name) is SecurityKind.FUND or _SHELL.search(name) is not None


def _add(entries: dict[str, _Entry], words: Sequence[str], cik: int, *, is_short_too: bool) -> None:
    for count in range(1, len(words) + 1):
        entry = entries.setdefault(" ".join(words[:count]), _Entry())
        if count == len(words):
            entry.whole = _joined(entry.whole, cik)
        elif is_short_too:
            entry.begun = _joined(entry.begun, cik)


def _joined(ciks: tuple[int, ...], cik: int) -> tuple[int, ...]:
    return ciks if cik in ciks or len(ciks) > MAX_SHARED else (*ciks, cik)


def _without(ciks: tuple[int, ...], cik: int) -> tuple[int, ...]:
    return tuple(other for other in ciks if other != cik)


def _settle(entries: Mapping[str, _Entry], places: Mapping[int, int]) -> None:
    """Let a single word be shared where a larger company's name only begins with it.

    The map is sorted by size: "Acme" is rather the large Acme Pharma than the small Acme Inc, and may be either.
    """
    for key, entry in entries.items():
        if entry.whole and entry.begun and not entry.known and " " not in key:
            larger = [cik for cik in entry.begun if places[cik] < min(places[whole] for whole in entry.whole)]
            for cik in larger:
                entry.whole = _joined(entry.whole, cik)


def _owners(entry: _Entry, words: Sequence[str]) -> tuple[int, ...] | None:
    """Return whose name some words are: of those who are called so, else of those whose name begins so."""
    lists = name_words()
    if len(words) == 1 and (words[0] in lists.never or words[0] in lists.kinds):
        return None
    if entry.known or entry.whole:
        return entry.known or entry.whole
    if not entry.begun or entry.is_stranger or words[-1] in lists.joints:
        return None
    if len(words) == 1 and (len(words[0]) < _MIN_SHORT or words[0] in lists.ordinary):
        return None  # "First", "Global", "AB": the beginning of many a name
    return entry.begun if len(entry.begun) == 1 or not is_plain(words) else None
