"""Owns weighing whether words that are a company's name mean the company where they stand.

By their case, where the text's case says anything, and by the words beside them. It does not find names
(``company_names``); the words are data (``name_words``).
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

from catalyst_ray.core.name_words import WORD, fold, is_plain, name_words

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence

_BOUNDARY = re.compile(r"\.\s|[!?:;…()\[\]|\"“”]|[-–—]\s|\s[-–—]|--")
"""Between two words: they belong to two sentences, or one stands apart."""
_STOP = re.compile(r"[.!?:;…|\"“”]|\s[-–—]\s|--")
"""In front of a word: it begins a sentence, so that its capital letter says nothing."""
_PERIOD = re.compile(r"(?:q[1-4]|[1-4]q|fy|h[12])\d{0,4}")
_NUMBER = re.compile(r"\d+(?:st|nd|rd|th|[sk]|pm|am)?", re.IGNORECASE)
_AMOUNT_MARKS = frozenset(".,$€£#+-@")
_OWNED = re.compile(r"['’]s$")
_CONNECTING = frozenset({"of", "the", "in", "de", "for", "&"})
_TITLE_CASE = 0.6
"""Share of capitalised words from which capitals say nothing."""
_SHORT = 3
"""Letters up to which a name counts only in capitals."""


class Page:
    """A text by its words, and how it is cased."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.words = list(WORD.finditer(text))

    def beginnings(self, names: Container[str]) -> Iterator[int]:
        """Yield the words with which one of some names may begin: no small word, no part of an amount."""
        same = name_words().same
        for at, hit in enumerate(self.words):
            word = hit.group()
            low = word.lower()
            if word == low if not word[0].isdigit() else self._is_amount(hit):
                continue
            # Most words are plain and no name's beginning: no need to fold those.
            if low in names or low in same or not (low.isalnum() and low.isascii()):
                yield at

    def _is_amount(self, word: re.Match[str]) -> bool:
        before = self.text[max(0, word.start() - 1) : word.start()]
        return before in _AMOUNT_MARKS or _NUMBER.fullmatch(word.group()) is not None

    def may_go_on(self, at: int) -> bool:
        """Return whether a name may go on with a word: a capitalised one, or one like "of"."""
        word, gap = self.words[at].group(), self.between(at - 1)
        if gap != "." and word.islower() and word not in _CONNECTING and fold(word) not in name_words().kinds:
            return False
        return not _BOUNDARY.search(gap)

    def between(self, at: int) -> str:
        """Return what stands between a word and the next."""
        return self.text[self.words[at].end() : self.words[at + 1].start()]

    def is_first(self, at: int) -> bool:
        """Return whether a word begins a sentence."""
        return at == 0 or _STOP.search(self.between(at - 1)) is not None

    def next_word(self, end: int) -> str:
        """Return the word behind a name as it is written; empty where a sentence ends before it."""
        if end >= len(self.words) or _STOP.search(self.between(end - 1)):
            return ""
        return self.words[end].group()

    def previous(self, at: int) -> str:
        """Return the word in front of a name as it is written; empty where the name begins a part of a sentence."""
        return "" if self.is_first(at) or "," in self.between(at - 1) else self.words[at - 1].group()

    @cached_property
    def case(self) -> tuple[bool, bool]:
        """Return whether the text is in title case, and whether it is in capitals."""
        long = [
            word for word in (hit.group() for hit in self.words[1:]) if len(word) > _SHORT and word.isalpha()
        ]
        if not long:
            return True, False
        capitals = sum(word[0].isupper() for word in long)
        shouted = sum(word.isupper() for word in long)
        return capitals > _TITLE_CASE * len(long), shouted > _TITLE_CASE * len(long)


def is_company(
    page: Page, at: int, end: int, key: Sequence[str], *, is_whole: bool, is_known: bool, is_owner: bool
) -> bool:
    """Return whether a name means its company.

    Args:
        page: The text.
        at: Number of its first word.
        end: Number of the word behind it.
        key: Its words as they are compared.
        is_whole: They are the whole name, or a short form that a table gives.
        is_known: A table gives them.
        is_owner: It stands in the possessive.
    """
    before = page.previous(at)
    if len(key) == 1 and before[:1].isupper() and fold(before) in name_words().first_names:
        return False
    if len(key) == 1 and len(key[0]) <= _SHORT:
        return is_whole and _is_short_name(page, at, end, is_known=is_known)
    if not is_plain(key):
        is_enough = is_whole or is_known or is_owner
        return is_enough or not _goes_on(page, at, end, count=len(key))
    return (is_known and len(key) > 1) or _is_plain_name(
        page, at, end, key, is_whole=is_whole, is_owner=is_owner
    )


def _is_plain_name(
    page: Page, at: int, end: int, key: Sequence[str], *, is_whole: bool, is_owner: bool
) -> bool:
    """Return whether ordinary words mean a company."""
    tells = not name_words().untelling.issuperset(key)
    if is_whole and len(key) > 1 and (tells or len(key) > 2):
        return all(not page.words[place].group().islower() for place in range(at, end))
    if _has_evidence(page, at, end, count=len(key)):
        return True
    return tells and _stands_out(page, at, end, count=len(key), is_owner=is_owner)


def _is_short_name(page: Page, at: int, end: int, *, is_known: bool) -> bool:
    """Return whether two or three letters stand for a company: written in capitals where other words are not."""
    if not page.words[at].group()[:_SHORT].rstrip("'’").isupper():
        return False
    return (is_known and not page.case[1]) or _has_evidence(page, at, end, count=1)


def _has_evidence(page: Page, at: int, end: int, *, count: int) -> bool:
    """Return whether a word beside a name says that it is a company's.

    A single word between two capitalised ones is rather part of another name.
    """
    lists = name_words()
    behind, before = _beside(page.next_word(end)), _beside(page.previous(at))
    if (
        behind in lists.legal
        or behind in lists.soft
        or page.text.startswith(".com", page.words[end - 1].end())
    ):
        return True
    written = page.previous(at)
    is_apart = count > 1 or not written[:1].isupper() or _OWNED.search(written) is not None
    is_apart = is_apart or before in lists.joints or before in lists.before
    if is_apart and (behind in lists.after or _PERIOD.fullmatch(behind)):
        return True
    if before == "why" and behind in lists.joints:
        return True
    if not before or (count == 1 and page.next_word(end)[:1].isupper() and behind not in lists.joints):
        return False
    pair = (fold(page.words[at - 2].group()), before) if at > 1 else ("", "")
    return before in lists.before or pair in lists.before_pairs


def _beside(word: str) -> str:
    return fold(_OWNED.sub("", word)) if word else ""


def _stands_out(page: Page, at: int, end: int, *, count: int, is_owner: bool) -> bool:
    """Return whether the capitals of a name set it off from the text around it."""
    title_case, _ = page.case
    if title_case or (count == 1 and page.is_first(at)):
        return False
    if any(not page.words[place].group()[0].isupper() for place in (at, end - 1)):
        return False
    beside = (page.previous(at), "" if is_owner else page.next_word(end))
    return not any(word[:1].isupper() for word in beside)


def _goes_on(page: Page, at: int, end: int, *, count: int) -> bool:
    """Return whether a short form is rather part of a longer name ("Acme" of "Acme Valley College")."""
    lists = name_words()
    behind = page.next_word(end)
    folded = _beside(behind)
    if folded in lists.kinds or folded in lists.forms:
        return True
    if folded in lists.legal or folded in lists.after or _PERIOD.fullmatch(folded):
        return False
    if page.case[0]:
        return False
    if behind[:1].isupper() and folded not in lists.joints and not _BOUNDARY.search(page.between(end - 1)):
        return "," not in page.between(end - 1)
    before = page.previous(at)
    return (
        count == 1
        and before[:1].isupper()
        and before.isalpha()
        and fold(before) not in lists.before
        and fold(before) not in lists.joints
    )
